using Fabula.Models;

namespace Fabula.Production.Tests;

/// <summary>Cut-outs whose legs walk.</summary>
public sealed class PuppetTests
{
    const int Width = 120, Height = 100;

    /// <summary>On a grey wall: a red body of 30 x 50 pixels on two blue legs of 12 x 30 with a gap between them.</summary>
    /// <param name="skirt">The body goes on to the ground, as broad as it is.</param>
    static CutOut Figure(bool skirt = false)
    {
        var rgb = Enumerable.Repeat((byte)120, Width * Height * 3).ToArray();
        void Box(int left, int top, int right, int bottom, byte red, byte blue)
        {
            for (var y = top; y < bottom; y++)
                for (var x = left; x < right; x++)
                    (rgb[(y * Width + x) * 3], rgb[(y * Width + x) * 3 + 1], rgb[(y * Width + x) * 3 + 2]) = (red, 0, blue);
        }
        Box(45, 10, 75, skirt ? 90 : 60, 255, 0);
        if (!skirt)
        {
            Box(46, 60, 58, 90, 0, 255);
            Box(61, 60, 73, 90, 0, 255);
        }
        return CutOut.Of(new(rgb, Width, Height))!;
    }

    /// <summary>The figure on black, as large as it is, with its feet on row 90.</summary>
    static byte[] Laid(CutOut figure, double stride) => Collage.Of(new(new byte[Width * Height * 3], Width, Height), [figure],
        [new(45.0 / Width, 10.0 / Height, 75.0 / Width, 90.0 / Height, 0, stride)]).Rgb;

    static bool IsThere(byte[] rgb, int x, int y) => rgb[(y * Width + x) * 3] + rgb[(y * Width + x) * 3 + 2] > 100;

    static List<int> Row(byte[] rgb, int y) => [.. Enumerable.Range(0, Width).Where(x => IsThere(rgb, x, y))];

    [Fact]
    public void Feet_are_apart_in_a_stride_and_on_the_ground_and_cross_in_the_next()
    {
        var (stands, strides, crosses) = (Laid(Figure(), 0), Laid(Figure(), 0.4), Laid(Figure(), -0.4));
        double Broad(byte[] rgb) => Row(rgb, 86).Max() - Row(rgb, 86).Min();
        Assert.Equal(26, Broad(stands), 1.0);
        Assert.True(Broad(strides) > Broad(stands) + 15, $"{Broad(strides)} pixels");
        Assert.True(Row(strides, 88).Count > 4 && Row(strides, 93).Count == 0, "a foot touches row 90, and nothing goes below");
        Assert.True(Row(crosses, 80).Count > 15, "both legs, past one another");
        var middle = Row(strides, 86).Average();
        Assert.InRange(middle, 57, 62);
        Assert.DoesNotContain(Row(strides, 86), x => Math.Abs(x - 59.5) < 5);
    }

    [Fact]
    public void The_body_keeps_its_shape_and_sinks_a_little_between_steps()
    {
        var (stands, strides) = (Laid(Figure(), 0), Laid(Figure(), 0.4));
        var sunk = Enumerable.Range(0, Height).First(y => Row(strides, y).Count > 0) - 10;
        Assert.InRange(sunk, 1, 5);
        for (var y = 12; y < 58; y++) Assert.Equal(Row(stands, y), Row(strides, y + sunk));
    }

    [Theory]
    [InlineData(0.2)]
    [InlineData(0.5)]
    [InlineData(0.7)]
    [InlineData(-0.5)]
    public void Legs_hang_from_the_body_without_a_hole(double stride)
    {
        var rgb = Laid(Figure(), stride);
        var (seen, open) = (new HashSet<(int, int)> { (60, 30) }, new Stack<(int X, int Y)>([(60, 30)]));
        while (open.TryPop(out var at))
            foreach (var next in new[] { (at.X - 1, at.Y), (at.X + 1, at.Y), (at.X, at.Y - 1), (at.X, at.Y + 1) })
                if (IsThere(rgb, next.Item1, next.Item2) && seen.Add(next)) open.Push(next);
        var all = Enumerable.Range(0, Height).Sum(y => Row(rgb, y).Count);
        Assert.Equal(all, seen.Count);
        // Right below the body each leg is as broad as it was, or the body is there still.
        Assert.True(Row(rgb, 62).Count >= 20, $"{Row(rgb, 62).Count} pixels below the hips");
    }

    [Fact]
    public void A_figure_without_two_legs_glides_as_it_did()
    {
        Assert.Equal(Laid(Figure(skirt: true), 0), Laid(Figure(skirt: true), 0.5));
        Assert.Equal(Laid(Figure(), 0.5), Laid(Figure(), 0.5));
    }
}
