namespace Fabula.Torch;

/// <summary>One tensor of a checkpoint: what it is, and where its bytes lie in the mapped file. Nothing is copied.</summary>
public sealed class TensorEntry
{
    readonly long _offset;

    internal TensorEntry(string name, DType type, long[] shape, long[]? strides, MappedFile owner, long offset, long bytes)
    {
        (Name, DType, Shape, Strides, Owner, _offset, Bytes) = (name, type, shape, strides, owner, offset, bytes);
        IsAligned = (nuint)Data % (nuint)type.Size() == 0;
    }

    public string Name { get; }

    public DType DType { get; }

    /// <summary>Extent of each dimension, outermost first; empty for a scalar; an extent may be 0.</summary>
    public long[] Shape { get; }

    /// <summary>
    /// Elements (not bytes) from one index to the next in each dimension, where the tensor is a view that is not contiguous (only
    /// PyTorch files hold such); null for the usual row-major layout. Never negative; 0 repeats the same elements.
    /// </summary>
    public long[]? Strides { get; }

    /// <summary>The map that holds the bytes. <see cref="MappedFile.Retain"/> it to keep them past the checkpoint's end.</summary>
    public MappedFile Owner { get; }

    /// <summary>The file the tensor is in; a shard, if the checkpoint is in several.</summary>
    public string File => Owner.Path;

    /// <summary>Address of the first element.</summary>
    /// <exception cref="ObjectDisposedException">The map is closed.</exception>
    public nint Data => Owner.Data + (nint)_offset;

    /// <summary>Bytes from the first to past the last element; with <see cref="Strides"/>, the gaps between included.</summary>
    public long Bytes { get; }

    /// <summary>
    /// Whether <see cref="Data"/> is a multiple of the element size. Files may start their data anywhere: copy a tensor that is not
    /// aligned before computing with it.
    /// </summary>
    public bool IsAligned { get; }

    /// <summary>Product of the extents, 1 for a scalar; null where it does not fit 63 bits.</summary>
    internal static long? Count(ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (var extent in shape)
        {
            if (Math.BigMul(count, extent, out var low) is not 0 || low < 0) return null;
            count = low;
        }
        return count;
    }
}
