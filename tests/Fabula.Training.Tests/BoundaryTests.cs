using Fabula.Training.Curation;

namespace Fabula.Training.Tests;

/// <summary>The shot boundary detector without weights, on films whose joins are known.</summary>
public class BoundaryTests
{
    [Fact]
    public void The_detector_without_weights_finds_the_joins_of_drawn_films()
    {
        using var eyes = new Eyes();
        var marks = BoundaryMarks.Of(eyes, 10, 3);
        var told = string.Join('\n', marks.Lines());
        Assert.True(marks.Precision.Value >= 0.9, told);
        Assert.True(marks.Cuts.Value >= 0.9, told);
        Assert.True(marks.Dissolves.Value >= 0.8, told);
    }

    [Fact]
    public void A_film_without_joins_has_no_boundary()
    {
        byte[] still = [.. Enumerable.Range(0, 48 * 27 * 3).Select(i => (byte)(i * 5))];
        foreach (var frames in (int[])[0, 1, 2, 60])
        {
            var (found, count) = new ClassicBoundaries().Find(Enumerable.Repeat(still, frames), 25);
            Assert.Empty(found);
            Assert.Equal(frames, count);
        }
    }

    [Fact]
    public void A_cut_and_a_dissolve_are_told_with_their_frames()
    {
        byte[][] pictures = [.. Enumerable.Range(0, 3).Select(k => Enumerable.Range(0, 48 * 27 * 3)
            .Select(i => (byte)(k == 0 ? i / 60 : k == 1 ? 220 - i / 40 : i % 3 == 0 ? 200 : i / 100)).ToArray())];
        List<byte[]> film = [.. Enumerable.Repeat(pictures[0], 30), .. Enumerable.Repeat(pictures[1], 30)];
        for (var j = 1; j <= 7; j++) film.Add([.. pictures[1].Zip(pictures[2], (a, b) => (byte)((a * (8 - j) + b * j) / 8))]);
        film.AddRange(Enumerable.Repeat(pictures[2], 30));
        var (found, _) = new ClassicBoundaries().Find(film, 12);
        Assert.Equal([new Boundary(29, 30), new Boundary(59, 67)], found);
        Assert.Equal([new FrameRange(0, 29), new(30, 59), new(67, 96)], FrameRange.Between(found, film.Count));
    }

    [Fact]
    public void Probabilities_become_boundaries_where_they_rise_above_a_half()
    {
        float[] probabilities = [0, 0, 0.9f, 0, 0, 0.6f, 0.7f, 0.6f, 0.1f, 0, 0.8f];
        Assert.Equal([new Boundary(2, 3), new Boundary(5, 8)], FrameRange.FromProbabilities(probabilities));
    }
}
