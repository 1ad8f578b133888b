// A tensor: one counted reference to libtorch's own. Operators are in Tensor.Math.cs, birth and data in Tensor.Data.cs.
using System.Diagnostics;

namespace Fabula.Torch;

/// <summary>
/// A tensor of libtorch. Freed by the <see cref="TensorScope"/> it was born in, or by Dispose; the finalizer is a counted safety net
/// (<see cref="Finalized"/> stays 0 in a healthy program). Only the tensor thread computes with it.
/// </summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed unsafe partial class Tensor : IDisposable
{
    static long _finalized;
    nint _handle;
    long[]? _shape;

    Tensor(nint handle) => _handle = handle;

    internal int Slot { get; set; } = -1;
    internal nint Handle => _handle;

    internal nint LiveHandle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_handle == 0, this);
            return _handle;
        }
    }

    internal static Tensor Adopt(nint handle)
    {
        var tensor = new Tensor(handle);
        TensorScope.Register(tensor);
        return tensor;
    }

    /// <summary>How many tensors nobody disposed of. Tests assert that it is 0.</summary>
    public static long Finalized => Interlocked.Read(ref _finalized);

    /// <summary>Sizes, outermost first. Do not write to it.</summary>
    public long[] Shape => _shape ??= new Span<long>(Meta().Sizes, (int)Meta().Dims).ToArray();

    public int Dims => Shape.Length;
    public long Count => Meta().Elements;
    public DType DType => (DType)Meta().DType;
    public Device Device
    {
        get
        {
            var meta = Meta();
            return new Device((DeviceType)meta.DeviceType, meta.DeviceType == 0 ? -1 : meta.DeviceIndex);
        }
    }

    public bool IsContiguous => (Meta().Flags & 1) != 0;
    public bool RequiresGrad => (Meta().Flags & 2) != 0;
    public bool IsDisposed => _handle == 0;

    /// <summary>Size along a dimension; negative counts from the end.</summary>
    public long Size(int dim) => Shape[dim < 0 ? dim + Shape.Length : dim];

    internal NativeMeta Meta()
    {
        NativeMeta meta;
        Native.ft_describe(LiveHandle, &meta);
        return meta;
    }

    /// <summary>Takes the tensor out of all scopes: whoever holds it disposes of it.</summary>
    public Tensor Own()
    {
        TensorScope.Disown(this);
        return this;
    }

    /// <summary>Another handle on the same data, born in the current scope.</summary>
    public Tensor Share()
    {
        Native.ft_retain(LiveHandle);
        return Adopt(_handle);
    }

    public void Dispose()
    {
        var handle = TakeHandle();
        if (handle == 0) return;
        TensorScope.Disown(this);
        Native.ft_release(handle);
    }

    internal nint TakeHandle()
    {
        var handle = Interlocked.Exchange(ref _handle, 0);
        if (handle != 0) GC.SuppressFinalize(this);
        return handle;
    }

    ~Tensor()
    {
        if (_handle == 0) return;
        Interlocked.Increment(ref _finalized);
        Native.ft_release(_handle);
    }

    public override string ToString() => _handle == 0 ? "disposed" : $"{DType} [{string.Join(", ", Shape)}] {Device}";
}
