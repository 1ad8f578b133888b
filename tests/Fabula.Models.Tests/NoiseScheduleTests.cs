using Fabula.Torch;

namespace Fabula.Models.Tests;

public class NoiseScheduleTests
{
    /// <summary>A network that knows the clean latents tells exactly the noise, and every schedule must then end in them.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void A_network_that_knows_the_answer_is_led_to_it(int steps) => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        var (clean, noise) = (Noise("clean"), Noise("noise"));
        foreach (var config in new[] { NoiseConfig.Sdxl, NoiseConfig.Svd })
        {
            var euler = new EulerNoise(config, steps);
            var latents = clean + noise * euler.Sigmas[0];
            for (var i = 0; i < steps; i++)
            {
                var sigma = euler.Sigmas[i];
                var (input, told) = (euler.Input(i, latents), (latents - clean) / sigma);
                if (config.Prediction == Prediction.Velocity) told = (told - clean * sigma) / Math.Sqrt(sigma * sigma + 1);
                Assert.InRange(input.Square().Mean().Item(), 0.2, 3);
                latents = euler.Step(i, told, latents);
            }
            Close.To(clean, latents, 1e-3);
        }

        var ddim = new Ddim(NoiseConfig.Sdxl with { EndsClean = true }, steps);
        var a = NoiseConfig.Sdxl.Clean();
        var x = clean * Math.Sqrt(a[ddim.Timesteps[0]]) + noise * Math.Sqrt(1 - a[ddim.Timesteps[0]]);
        for (var i = 0; i < steps; i++)
        {
            var share = a[ddim.Timesteps[i]];
            x = ddim.Step(i, (x - clean * Math.Sqrt(share)) / Math.Sqrt(1 - share), x);
        }
        Close.To(clean, x, 1e-3);
    });

    [Fact]
    public void Levels_fall_to_nothing_and_are_Karrass_where_asked() => OnTorch.Run(() =>
    {
        var (discrete, karras) = (new EulerNoise(NoiseConfig.Sdxl, 30), new EulerNoise(NoiseConfig.Svd, 30));
        foreach (var schedule in new[] { discrete, karras })
        {
            Assert.Equal(31, schedule.Sigmas.Length);
            Assert.Equal(schedule.Sigmas.OrderDescending(), schedule.Sigmas);
            Assert.Equal(0, schedule.Sigmas[30]);
        }
        Assert.Equal((700f, 0.002f), (karras.Sigmas[0], karras.Sigmas[29]));
        Assert.Equal(1, discrete.Timesteps[29]);
    });

    [Fact]
    public void What_cannot_be_run_is_refused_in_a_sentence() => OnTorch.Run(() =>
    {
        Refused("1 to 1000", () => new EulerNoise(NoiseConfig.Sdxl, 0));
        Refused("1 to 1000", () => new Ddim(NoiseConfig.Sdxl, 1001));
        Refused("training had 1000", () => new Ddim(NoiseConfig.Sdxl with { StepsOffset = 999 }, 10));
        Refused("tell noise", () => new Ddim(NoiseConfig.Svd, 10));
        Refused("0 < low <= high", () => new EulerNoise(NoiseConfig.Svd with { KarrasLevels = (0, 1) }, 10));
        Refused("0 < start", () => new EulerNoise(NoiseConfig.Sdxl with { BetaEnd = 1.5 }, 10));

        static void Refused(string words, Func<object> action) =>
            Assert.Contains(words, Assert.ThrowsAny<ArgumentException>(action).Message, StringComparison.Ordinal);
    });

    static Tensor Noise(string purpose) => new RandomSource(9).Normal(purpose, 0, [2, 3, 4]);
}
