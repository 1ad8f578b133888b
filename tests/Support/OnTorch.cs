using Fabula.Torch;

namespace Fabula.Tests;

/// <summary>
/// Runs a test on the tensor thread inside a scope, and checks that it left nothing to the finalizer and nothing in memory.
/// </summary>
static class OnTorch
{
    public static void Run(Action test) => LibTorch.Run(() =>
    {
        var (live, finalized) = (LibTorch.Memory.Live, Tensor.Finalized);
        using (TensorScope.Open()) test();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(finalized, Tensor.Finalized);
        Assert.Equal(live, LibTorch.Memory.Live);
    });
}

static class Close
{
    /// <summary>Largest |a - b|, which must not exceed the tolerance; NaN never passes.</summary>
    public static void To(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        var error = (expected.To(DType.F64) - actual.To(DType.F64)).Abs().Max().Item();
        Assert.True(error <= tolerance, $"differs by {error:E2}, more than {tolerance:E2}");
    }
}
