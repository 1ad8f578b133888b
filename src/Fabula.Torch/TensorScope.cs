// Temporaries die here. Finalizers alone would let a film's activations pile up: the garbage collector sees only tiny wrappers.
namespace Fabula.Torch;

/// <summary>
/// Every tensor born while a scope is open is freed when it closes, except what was kept:
/// <code>using var scope = TensorScope.Open(); ... return scope.Keep(y);</code>
/// A ref struct, so that the compiler refuses to carry it across an await. Open one per transformer block.
/// </summary>
public ref struct TensorScope
{
    [ThreadStatic] static List<Tensor?>? _born;
    [ThreadStatic] static int _open;
    int _start;
    bool _closed;

    public static TensorScope Open()
    {
        LibTorch.RequireHere();
        _born ??= new List<Tensor?>(1024);
        _open++;
        return new TensorScope { _start = _born.Count };
    }

    /// <summary>
    /// Hands a tensor to the enclosing scope, or to the caller if there is none. Tensors born elsewhere pass through unchanged.
    /// </summary>
    public Tensor Keep(Tensor tensor)
    {
        var slot = tensor.Slot;
        if (slot < _start || _born![slot] != tensor) return tensor;
        if (_open == 1)
        {
            Disown(tensor);
            return tensor;
        }
        // The first slot of this scope becomes the last of the enclosing one.
        var other = _born[_start];
        _born[slot] = other;
        if (other is not null) other.Slot = slot;
        _born[_start] = tensor;
        tensor.Slot = _start++;
        return tensor;
    }

    public unsafe void Dispose()
    {
        if (_closed) return;
        _closed = true;
        _open--;
        var born = _born!;
        const int Batch = 128;
        var handles = stackalloc nint[Batch];
        var n = 0;
        for (var i = born.Count - 1; i >= _start; i--)
        {
            if (born[i] is not { } tensor || tensor.TakeHandle() is not (not 0 and var handle)) continue;
            handles[n++] = handle;
            if (n < Batch) continue;
            Native.ft_release_many(handles, n);
            n = 0;
        }
        if (n > 0) Native.ft_release_many(handles, n);
        born.RemoveRange(_start, born.Count - _start);
    }

    internal static void Register(Tensor tensor)
    {
        if (_open == 0) return;
        tensor.Slot = _born!.Count;
        _born.Add(tensor);
    }

    /// <summary>Takes a tensor out of every scope: its holder disposes of it.</summary>
    internal static void Disown(Tensor tensor)
    {
        if (tensor.Slot >= 0 && _born is not null && tensor.Slot < _born.Count && _born[tensor.Slot] == tensor) _born[tensor.Slot] = null;
        tensor.Slot = -1;
    }
}
