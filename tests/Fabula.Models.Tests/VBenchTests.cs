using Fabula.Torch;

namespace Fabula.Models.Tests;

public class VBenchTests
{
    [Fact]
    public void A_film_that_stands_still_has_the_best_marks() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        var frame = Tensor.From<byte>([.. Enumerable.Range(0, 4 * 6 * 3).Select(i => (byte)(3 * i))], 1, 4, 6, 3);
        Assert.Equal(1, VBench.Steadiness(frame.Repeat(5, 1, 1, 1)));
        Assert.Equal(1, VBench.Consistency(Tensor.From([1f, 2, -3], 1, 3).Repeat(5, 1)).Value, 1e-12);
    });

    [Fact]
    public void Likeness_below_nothing_counts_as_nothing_and_long_videos_weigh_more() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        var turning = VBench.Consistency(Tensor.From([1f, 0, -1, 0, 1, 0], 3, 2)); // unlike the one before twice, like the first once
        Assert.Equal(0.25, turning.Value, 1e-12);
        var still = VBench.Consistency(Tensor.From([2f, 1, 4, 2], 2, 2));
        Assert.Equal((0.5 + 1) / 3, FrameMean.Of([turning, still]).Value, 1e-12);
        Assert.True(double.IsNaN(VBench.Consistency(Tensor.From([2f, 1], 1, 2)).Value));
    });

    [Fact]
    public void Networks_are_shown_the_sides_that_they_want() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        foreach (var (height, width) in new[] { (40, 64), (75, 61), (1, 9), (224, 224) })
        {
            var frames = Tensor.Zeros([2, 3, height, width], DType.U8, Device.Cpu);
            Assert.Equal([2L, 3, 32, 32], VBench.ClipPixels(frames, 32).Shape);
            Assert.Equal(32, VBench.DinoPixels(frames, 32).Shape[2..].Min());
        }
        Assert.Contains("too narrow", Assert.Throws<ArgumentException>(() =>
            VBench.DinoPixels(Tensor.Zeros([1, 3, 1, 300], DType.U8, Device.Cpu))).Message, StringComparison.Ordinal);
    });
}
