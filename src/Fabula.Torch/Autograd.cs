// Gradients: off by default on the tensor thread, switched on for a block of code.
namespace Fabula.Torch;

/// <summary>
/// <code>using var _ = Autograd.Enable();</code> records operations for backward. Off otherwise, so that sampling keeps no graph.
/// </summary>
public static class Autograd
{
    public static bool IsEnabled => Native.ft_grad_enabled() != 0;

    public static Mode Enable() => Mode.Set(true);
    public static Mode Disable() => Mode.Set(false);

    /// <summary>A ref struct, so that it cannot cross an await to a thread where it does not hold.</summary>
    public ref struct Mode
    {
        bool _before;

        internal static Mode Set(bool on)
        {
            LibTorch.RequireHere();
            var mode = new Mode { _before = IsEnabled };
            Native.ft_set_grad_enabled(on ? 1 : 0);
            return mode;
        }

        public readonly void Dispose() => Native.ft_set_grad_enabled(_before ? 1 : 0);
    }
}

public sealed unsafe partial class Tensor
{
    /// <summary>Marks a leaf whose gradient is wanted.</summary>
    public Tensor RequireGrad(bool on = true)
    {
        LibTorch.RequireHere();
        Native.Check(Native.ft_set_requires_grad(LiveHandle, on ? 1 : 0));
        return this;
    }

    /// <summary>The gradient gathered so far, or null. A new handle, born in the current scope.</summary>
    public Tensor? Grad
    {
        get
        {
            LibTorch.RequireHere();
            Native.Check(Native.ft_grad(LiveHandle, out var grad));
            return grad == 0 ? null : Adopt(grad);
        }
        set
        {
            LibTorch.RequireHere();
            Native.Check(Native.ft_set_grad(LiveHandle, value?.LiveHandle ?? 0));
        }
    }

    /// <summary>
    /// Adds the gradient of this tensor, weighted by <paramref name="grad"/> (1 for a scalar), to every leaf it came from.
    /// </summary>
    public void Backward(Tensor? grad = null)
    {
        LibTorch.RequireHere();
        if (Native.ft_backward(LiveHandle, grad?.LiveHandle ?? 0) == 0) return;
        if (Checkpointing.TakeFailure() is { } failure) throw new TorchException($"backward through a checkpoint: {failure.Message}");
        Native.Check(-1);
    }
}
