// Gradient checkpointing: memory for time. A block's activations are dropped after the forward pass and made again in backward.
using System.Runtime.InteropServices;

namespace Fabula.Torch;

public static unsafe class Checkpointing
{
    [ThreadStatic] static bool _inside;
    static Exception? _failure;  // libtorch reports only that a callback failed; this is why

    /// <summary>Whether a block runs for its output alone and will run again: nothing may be written over its inputs.</summary>
    internal static bool IsInside => _inside;

    /// <summary>
    /// block(inputs), keeping only the inputs. Gradients flow to the inputs given here and to the parameters that the block uses; any other
    /// tensor that needs a gradient must be among the inputs. The block must be deterministic.
    /// </summary>
    public static Tensor Run(Func<Tensor[], Tensor> block, params Tensor[] inputs)
    {
        if (!Autograd.IsEnabled) return block(inputs);
        using var scope = TensorScope.Open();
        var outer = _inside;
        Tensor output;
        using (Autograd.Disable())
        {
            _inside = true;
            try { output = block(inputs); }
            finally { _inside = outer; }
        }
        var record = new Record(block, [.. inputs.Select(input => input.Share().Own())]);
        var handles = stackalloc nint[inputs.Length];
        for (var i = 0; i < inputs.Length; i++) handles[i] = inputs[i].LiveHandle;
        var context = GCHandle.ToIntPtr(GCHandle.Alloc(record));
        if (Native.ft_custom(handles, inputs.Length, output.LiveHandle, &Backward, &Drop, context, out var result) != 0)
        {
            Release(context);
            Native.Check(-1);
        }
        return scope.Keep(Tensor.Adopt(result));
    }

    /// <summary>Why the last backward callback failed, once.</summary>
    internal static Exception? TakeFailure() => Interlocked.Exchange(ref _failure, null);

    sealed record Record(Func<Tensor[], Tensor> Block, Tensor[] Inputs);

    /// <summary>Runs the block again with gradients on copies of its inputs, and hands back what they gathered.</summary>
    [UnmanagedCallersOnly]
    static int Backward(nint context, nint grad, nint* grads)
    {
        try
        {
            var record = (Record)GCHandle.FromIntPtr(context).Target!;
            using var on = LibTorch.Borrow();
            using var scope = TensorScope.Open();
            using var _ = Autograd.Enable();
            Native.ft_retain(grad);
            var given = Tensor.Adopt(grad);
            var leaves = record.Inputs.Select(input => input.RequiresGrad ? input.Detach().RequireGrad() : input).ToArray();
            record.Block(leaves).Backward(given);
            for (var i = 0; i < leaves.Length; i++)
            {
                if (!record.Inputs[i].RequiresGrad || leaves[i].Grad is not { } found) continue;
                Native.ft_retain(found.LiveHandle);
                grads[i] = found.LiveHandle;
                leaves[i].Grad = null;
            }
            return 0;
        }
        catch (Exception e)  // nothing may cross into native code
        {
            _failure = e;
            return -1;
        }
    }

    [UnmanagedCallersOnly]
    static void Drop(nint context) => Release(context);

    static void Release(nint context)
    {
        var handle = GCHandle.FromIntPtr(context);
        foreach (var input in ((Record)handle.Target!).Inputs) input.Dispose();
        handle.Free();
    }
}
