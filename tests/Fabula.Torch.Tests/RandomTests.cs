using Fabula.Torch;

namespace Fabula.Torch.Tests;

public class RandomTests
{
    /// <summary>Known answers of the authors' own library, Random123 (kat_vectors, philox4x32 10 rounds).</summary>
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u,
        0x24126ea1u)]
    public void Philox_gives_the_published_numbers(uint a, uint b, uint c, uint d, uint k, uint l, uint w, uint x, uint y, uint z) =>
        Assert.Equal((w, x, y, z), RandomSource.Philox(a, b, c, d, k, l));

    [Fact]
    public void The_same_key_gives_the_same_numbers_and_any_other_does_not() => OnTorch.Run(() =>
    {
        float[] Draw(ulong seed, string purpose, int step) => new RandomSource(seed).Normal(purpose, step, 64).ToFloats();
        var first = Draw(5, "shot 3", 0);
        Assert.Equal(first, Draw(5, "shot 3", 0));
        foreach (var other in new[] { Draw(6, "shot 3", 0), Draw(5, "shot 4", 0), Draw(5, "shot 3", 1),
            Draw(5 + (1UL << 40), "shot 3", 0) })
            Assert.Empty(first.Intersect(other));
    });

    [Fact]
    public void A_longer_draw_begins_with_the_shorter_one() => OnTorch.Run(() =>
        Assert.Equal(new RandomSource(1).Normal("x", 0, 100).ToFloats(), new RandomSource(1).Normal("x", 0, 3, 50).ToFloats()[..100]));

    [Fact]
    public void Normal_numbers_have_the_moments_of_normal_numbers() => OnTorch.Run(() =>
    {
        var x = new RandomSource(11).Normal("x", 0, 200_000);
        Assert.InRange(x.Mean().Item(), -0.01, 0.01);
        Assert.InRange(x.Square().Mean().Item(), 0.985, 1.015);
        Assert.InRange(x.Pow(4).Mean().Item(), 2.9, 3.1);
        Assert.InRange((x.Narrow(0, 0, 199_999) * x.Narrow(0, 1, 199_999)).Mean().Item(), -0.01, 0.01);
    });

    [Fact]
    public void Uniform_numbers_fill_the_interval_evenly() => OnTorch.Run(() =>
    {
        var x = new RandomSource(2).Uniform("u", 0, 100_000).ToFloats();
        Assert.True(x.All(value => value is >= 0 and < 1));
        foreach (var bin in x.GroupBy(value => (int)(value * 10))) Assert.InRange(bin.Count(), 9_600, 10_400);
    });
}
