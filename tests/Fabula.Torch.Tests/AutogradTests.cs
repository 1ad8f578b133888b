using Fabula.Torch;

namespace Fabula.Torch.Tests;

public class AutogradTests
{
    static readonly RandomSource Random = new(3);

    [Fact]
    public void Gradients_are_off_unless_asked_for() => OnTorch.Run(() =>
    {
        var w = Tensor.Ones([2], DType.F32, Device.Cpu).RequireGrad();
        Assert.False((w * 2).RequiresGrad);
        using var on = Autograd.Enable();
        Assert.True((w * 2).RequiresGrad);
    });

    [Fact]
    public void Gradients_of_the_fused_definitions_match_finite_differences() => OnTorch.Run(() =>
    {
        var (x, w) = (Random.Normal("x", 0, 1, 6, 16), Random.Normal("w", 0, 16));
        Tensor Loss(Tensor given)
        {
            var y = Fused.LayerNorm(given, w, w, 1e-6, DType.F32);
            var q = Fused.RmsNormRotate(y, w, 1e-6, 2);
            return Fused.GeluTanh(Fused.GateAdd(given, Fused.Attention(q, q, q, 0.3).Reshape(1, 6, 16))).Square().Sum();
        }
        float[] analytic;
        using (Autograd.Enable())
        {
            var leaf = x.Clone().RequireGrad();
            Loss(leaf).Backward();
            analytic = leaf.Grad!.ToFloats();
            leaf.Grad = null;
        }
        var values = x.ToFloats();
        for (var i = 0; i < values.Length; i += 7)
        {
            float Shifted(float by)
            {
                var moved = (float[])values.Clone();
                moved[i] += by;
                return (float)Loss(Tensor.From(moved, 1, 6, 16)).Item();
            }
            var numeric = (Shifted(1e-2f) - Shifted(-1e-2f)) / 2e-2f;
            Assert.InRange(analytic[i] - numeric, -2e-2 * (1 + Math.Abs(numeric)), 2e-2 * (1 + Math.Abs(numeric)));
        }
    });

    [Fact]
    public void A_checkpointed_block_gives_the_same_gradients_and_keeps_less() => OnTorch.Run(() =>
    {
        var w = Random.Normal("w", 0, 64, 64).Mul_(0.1);
        var x = Random.Normal("x", 0, 256, 64);
        Tensor Block(Tensor[] given) => (given[0].Matmul(given[1]).Tanh() * 2).Sigmoid().Matmul(given[1]).Tanh();
        (float[], float[], long) Gradients(bool checkpoint)
        {
            using var scope = TensorScope.Open();
            using var on = Autograd.Enable();
            var (a, b) = (x.Clone().RequireGrad(), w.Clone().RequireGrad());
            var before = LibTorch.Memory.Live;
            var y = a;
            for (var i = 0; i < 4; i++)
            {
                using var inner = TensorScope.Open();
                y = inner.Keep(checkpoint ? Checkpointing.Run(Block, y, b) : Block([y, b]));
            }
            var kept = LibTorch.Memory.Live - before;
            y.Square().Sum().Backward();
            var result = (a.Grad!.ToFloats(), b.Grad!.ToFloats(), kept);
            (a.Grad, b.Grad) = (null, null);
            return result;
        }
        var (plainX, plainW, plainKept) = Gradients(false);
        var (checkX, checkW, checkKept) = Gradients(true);
        Assert.Equal(plainX, checkX);
        for (var i = 0; i < plainW.Length; i++) Assert.InRange(checkW[i] - plainW[i], -1e-4, 1e-4);
        Assert.True(checkKept * 2 < plainKept, $"kept {checkKept} of {plainKept} bytes");
    });

    [Fact]
    public void A_failure_inside_a_checkpoint_surfaces_with_its_own_words() => OnTorch.Run(() =>
    {
        using var on = Autograd.Enable();
        var x = Tensor.Ones([2], DType.F32, Device.Cpu).RequireGrad();
        var runs = 0;
        var y = Checkpointing.Run(given => ++runs == 1 ? given[0] * 2 : throw new InvalidOperationException("the second time"), x);
        Assert.Contains("the second time", Assert.Throws<TorchException>(() => y.Sum().Backward()).Message);
    });
}
