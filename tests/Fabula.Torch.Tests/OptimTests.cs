using Fabula.Torch;

namespace Fabula.Torch.Tests;

public class OptimTests
{
    [Fact]
    public void AdamW_follows_its_published_update() => OnTorch.Run(() =>
    {
        double p = 0.7, m = 0, v = 0;
        var parameter = Tensor.From(new[] { 0.7f }, 1).RequireGrad();
        using var optimiser = new AdamW([new("p", parameter)], 0.1, 0.9, 0.99, 1e-8, 0.02);
        for (var t = 1; t <= 20; t++)
        {
            using (Autograd.Enable()) (parameter * parameter * parameter).Sum().Backward();
            optimiser.Step();
            var g = 3 * p * p;
            p -= 0.1 * 0.02 * p;
            (m, v) = (0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g);
            p -= 0.1 * (m / (1 - Math.Pow(0.9, t))) / (Math.Sqrt(v / (1 - Math.Pow(0.99, t))) + 1e-8);
            Assert.Equal(p, parameter.ToFloats()[0], 4);
        }
        Assert.Null(parameter.Grad);
    });

    [Fact]
    public void Bf16_parameters_move_by_less_than_their_resolution() => OnTorch.Run(() =>
    {
        var parameter = Tensor.From(new[] { 100f }, 1).To(DType.BF16).RequireGrad();
        using var optimiser = new AdamW([new("p", parameter)], 0.01, weightDecay: 0);
        for (var t = 0; t < 100; t++)
        {
            using (Autograd.Enable()) parameter.Sum().Backward();
            optimiser.Step();
        }
        Assert.Equal(99f, parameter.ToFloats()[0]);
    });

    [Fact]
    public void Long_gradients_are_cut_to_the_limit() => OnTorch.Run(() =>
    {
        var (a, b) = (Tensor.Zeros([1], DType.F32, Device.Cpu).RequireGrad(), Tensor.Zeros([1], DType.F32, Device.Cpu).RequireGrad());
        using var optimiser = new AdamW([new("a", a), new("b", b)], 0.1);
        using (Autograd.Enable()) (a * 3 + b * 4).Sum().Backward();
        Assert.Equal(5, optimiser.ClipGradients(1), 4);
        Assert.Equal(0.6f, a.Grad!.ToFloats()[0], 4);
        (a.Grad, b.Grad) = (null, null);
    });

    [Fact]
    public void A_resumed_optimiser_takes_the_same_steps_to_the_bit() => OnTorch.Run(() =>
    {
        var folder = Directory.CreateTempSubdirectory("fabula-optim");
        float[] Train(bool interrupted)
        {
            using var scope = TensorScope.Open();
            var p = new RandomSource(1).Normal("p", 0, 10).RequireGrad();
            var optimiser = new AdamW([new("p", p)], 0.05);
            for (var t = 0; t < 10; t++)
            {
                if (interrupted && t == 5)
                {
                    var file = Path.Combine(folder.FullName, "state.safetensors");
                    Weights.Save(file, optimiser.State());
                    optimiser.Dispose();
                    optimiser = new AdamW([new("p", p)], 0.05);
                    using var state = Weights.Open(file, DType.F32, Device.Cpu);
                    optimiser.Restore(state, 5);
                }
                using (Autograd.Enable()) (p - 1).Square().Sum().Backward();
                optimiser.Step();
            }
            optimiser.Dispose();
            return p.ToFloats();
        }
        Assert.Equal(Train(false), Train(true));
        folder.Delete(true);
    });

    [Fact]
    public void The_average_follows_the_parameters() => OnTorch.Run(() =>
    {
        var p = Tensor.From(new[] { 1f }, 1);
        using var ema = new Ema([new("p", p)], 0.9);
        p.Fill_(2);
        ema.Update();
        Assert.Equal(1.1f, ema.Averages.Single().Value.ToFloats()[0], 5);
    });
}
