using Fabula.Torch;

namespace Fabula.Models.Tests;

public class DinoTests
{
    static readonly DinoConfig Small = new() { ImageSize = 24, PatchSize = 8, Dim = 16, Heads = 2, Layers = 2 };

    [Fact]
    public void Pictures_of_a_batch_are_seen_as_each_alone_whatever_their_size() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new DinoVit(Small, weights);
        foreach (var (rows, columns) in new[] { (24, 24), (16, 40) })
        {
            var images = new RandomSource(9).Normal("images", 0, [2, 3, rows, columns]);
            var seen = model.Embed(images);
            Assert.Equal([2L, 16], seen.Shape);
            Close.To(seen.Narrow(0, 1, 1), model.Embed(images.Narrow(0, 1, 1)), 1e-5);
        }
    });

    [Fact]
    public void Attention_is_shared_out_whole() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(2, DType.F32, Device.Cpu);
        var attention = new DinoVit(Small, weights).LastAttention(new RandomSource(9).Normal("image", 0, [1, 3, 24, 24]));
        Assert.Equal([1L, 2, 10, 10], attention.Shape);
        Close.To(Tensor.Ones([1, 2, 10], DType.F32, Device.Cpu), attention.Sum(-1), 1e-5);
    });

    [Fact]
    public void What_does_not_fit_is_refused_in_a_sentence() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(3, DType.F32, Device.Cpu);
        var model = new DinoVit(Small, weights);
        Refused("multiples of 8", () => model.Embed(Tensor.Zeros([1, 3, 24, 20], DType.F32, Device.Cpu)));
        Refused("[1, 4, 24, 24]", () => model.Embed(Tensor.Zeros([1, 4, 24, 24], DType.F32, Device.Cpu)));
        Refused("3 heads", () => new DinoVit(Small with { Heads = 3 }, weights));

        static void Refused(string words, Func<object> action) =>
            Assert.Contains(words, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);
    });
}
