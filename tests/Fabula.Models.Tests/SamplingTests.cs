using Fabula.Torch;

namespace Fabula.Models.Tests;

public class SamplingTests
{
    static readonly WanConfig Text = new() { Dim = 48, FfnDim = 96, Heads = 2, Layers = 2, FreqDim = 32, TextDim = 24, TextLen = 32 };
    static readonly RandomSource Random = new(9);

    static WanShot Shot(Schedule schedule) => new()
    {
        Schedule = schedule,
        Noise = Random.Normal("noise", 0, 1, 16, 3, 4, 6),
        Prompt = Random.Normal("prompt", 0, 7, 24),
        NegativePrompt = Random.Normal("negative", 0, 4, 24),
    };

    static byte[] Finish(WanSampler sampler, WanShot shot, SolverState? resume = null)
    {
        SolverState? last = null;
        foreach (var state in sampler.Sample(shot, resume)) last = state;
        using (last) return [.. last!.Latents.Contiguous().Bytes()];
    }

    [Theory]
    [InlineData("unipc"), InlineData("dpm++"), InlineData("euler")]
    public void A_shot_resumed_from_a_file_ends_in_the_same_bits(string solver) => OnTorch.Run(() =>
    {
        using var low = Weights.Fresh(1, DType.F32, Device.Cpu);
        using var high = Weights.Fresh(2, DType.F32, Device.Cpu);
        var sampler = new WanSampler(new(new WanTransformer(Text, low), 3.5), new(new WanTransformer(Text, high), 4.5), 0.9);
        var shot = Shot(solver switch
        {
            "unipc" => Schedule.UniPC(6, 5),
            "dpm++" => Schedule.DpmPlusPlus(6, 5),
            _ =>
            Schedule.Euler(6, 5)
        });
        var straight = Finish(sampler, shot);
        var file = Path.Combine(Path.GetTempPath(), $"fabula-{Guid.NewGuid():N}.safetensors");
        for (var stopAt = 1; stopAt < 6; stopAt++)
        {
            foreach (var state in sampler.Sample(shot))
            {
                if (state.Step < stopAt) continue;
                state.Save(file);
                state.Dispose();
                break;
            }
            Assert.Equal(straight, Finish(sampler, shot, SolverState.Load(file, Device.Cpu)));
        }
        File.Delete(file);
    });

    [Fact]
    public void Guidance_of_one_needs_no_second_half() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanTransformer(Text, weights);
        var shot = Shot(Schedule.Euler(2, 3));
        Assert.Equal(Finish(new(new(model, 1)), shot), Finish(new(new(model, 1)),
            shot with { NegativePrompt = Random.Normal("other", 0, 3, 24) }));
        Assert.NotEqual(Finish(new(new(model, 2)), shot), Finish(new(new(model, 2)),
            shot with { NegativePrompt = Random.Normal("other", 0, 3, 24) }));
    });

    [Fact]
    public void A_known_first_latent_stays_as_it_is() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var first = Random.Normal("first", 0, 1, 16, 1, 4, 6);
        var shot = Shot(Schedule.UniPC(3, 5)) with { FirstLatent = first };
        SolverState? last = null;
        foreach (var state in new WanSampler(new(new WanTransformer(Text, weights), 2)).Sample(shot)) last = state;
        using (last) Close.To(first, last!.Latents.Narrow(2, 0, 1), 0);
    });

    [Fact]
    public void A_broken_weight_is_noticed_at_the_first_step() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanTransformer(Text, weights);
        weights.Parameters["blocks.1.ffn.2.bias"].Fill_(double.NaN);
        Assert.Contains("step 1 of 2 is not finite",
            Assert.Throws<InvalidOperationException>(() => Finish(new(new(model, 2)), Shot(Schedule.Euler(2, 3)))).Message);
    });
}
