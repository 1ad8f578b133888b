using Fabula.Torch;

namespace Fabula.Models.Tests;

/// <summary>
/// Text to film from a folder on disk: the layout changes no bit. The number of threads does, in the last bits: measured in
/// fp32 matrix products, 1x1 convolutions and self-attention of some sizes. Why each of them does is not yet known.
/// </summary>
public class WholeModelTests
{
    [Fact]
    public void Both_layouts_make_the_same_film() => OnTorch.Run(() =>
    {
        using var model = new TinyModel(TinyModel.Small);
        Same(TinyModel.Film(model.Original()), TinyModel.Film(model.Diffusers()));
    });

    [Theory]
    [InlineData(48)]
    [InlineData(96)]
    public void One_and_two_threads_make_films_that_differ_by_the_rounding_of_products(int width) => OnTorch.Run(() =>
    {
        var before = LibTorch.Threads;
        try
        {
            using var model = new TinyModel(width == 48 ? TinyModel.Small : TinyModel.Wider);
            var folder = model.Original();
            LibTorch.Threads = 1;
            var one = TinyModel.Film(folder);
            LibTorch.Threads = 2;
            var two = TinyModel.Film(folder);
            Same(two, TinyModel.Film(folder));
            Assert.InRange(Difference(one.Latents, two.Latents), 0, 5e-5);
            Assert.InRange(Difference(one.Frames, two.Frames), 0, 5e-5);
        }
        finally
        {
            LibTorch.Threads = before;
        }
    });

    static void Same((byte[] Rows, byte[] Latents, byte[] Frames) a, (byte[] Rows, byte[] Latents, byte[] Frames) b)
    {
        Assert.True(a.Rows.AsSpan().SequenceEqual(b.Rows), "the text encoder's rows differ");
        Assert.True(a.Latents.AsSpan().SequenceEqual(b.Latents), $"the latents differ by {Difference(a.Latents, b.Latents):E1}");
        Assert.True(a.Frames.AsSpan().SequenceEqual(b.Frames), $"the frames differ by {Difference(a.Frames, b.Frames):E1}");
    }

    static double Difference(byte[] a, byte[] b) =>
        Enumerable.Range(0, a.Length / 4).Max(i => Math.Abs(BitConverter.ToSingle(a, 4 * i) - BitConverter.ToSingle(b, 4 * i)));
}
