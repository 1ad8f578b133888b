namespace Fabula.Torch;

/// <summary>
/// From the tuples a PyTorch pickle writes for storages and tensors to places in the file (torch/_utils.py, _rebuild_tensor_v2 and
/// _rebuild_tensor_v3; torch/serialization.py, persistent_load). Every number is checked against the storage it points into.
/// </summary>
sealed class TensorRebuilder(MappedFile file, string root, Dictionary<string, ZipDirectory.Entry> entries)
{
    /// <summary>The tuple ('storage', type, key, device, element count); its bytes are the ZIP entry "root/data/key".</summary>
    internal PickledStorage Storage(object? reference, string? name)
    {
        if (reference as object?[] is not ["storage", StorageType type, string key, string, long count])
            throw Fault(name, "refers to a storage in a way that PyTorch does not write");
        if (!entries.TryGetValue($"{root}/data/{key}", out var entry))
            throw Fault(name, $"needs the storage '{CheckpointException.Short(key)}', which is not in the file");
        if (count < 0 || TensorEntry.Count([count, type.Element?.Size() ?? 1]) != entry.Length)
            throw Fault(name, $"needs {count} elements in the storage '{CheckpointException.Short(key)}' of {entry.Length} bytes");
        return new(key, type.Element, entry.Offset, entry.Length);
    }

    /// <summary>(storage, offset, size, stride, requires_grad, hooks[, metadata])</summary>
    internal PickledTensor TensorV2(object?[] arguments, string? name) => arguments switch
    {
        [PickledStorage { Element: { } type } storage, long offset, object?[] size, object?[] stride, bool, PickledDict, .. var rest] =>
            Tensor(storage, type, offset, Numbers(size, name), Numbers(stride, name), rest, name),
        _ => throw Fault(name, "is written with arguments that PyTorch does not write"),
    };

    /// <summary>(untyped storage, offset, size, stride, requires_grad, hooks, dtype[, metadata]): what newer element types use.</summary>
    internal PickledTensor TensorV3(object?[] arguments, string? name) => arguments switch
    {
        [PickledStorage storage, long offset, object?[] size, object?[] stride, bool, PickledDict, DType type, .. var rest] =>
            Tensor(storage, type, offset, Numbers(size, name), Numbers(stride, name), rest, name),
        _ => throw Fault(name, "is written with arguments that PyTorch does not write"),
    };

    PickledTensor Tensor(PickledStorage storage, DType type, long offset, long[] shape, long[] strides, object?[] rest, string? name)
    {
        if (rest is not ([] or [null] or [PickledDict { Items: [] }]))
            throw Fault(name, "is a lazily conjugated or negated view: call resolve_conj() and resolve_neg() before saving it");
        if (shape.Length != strides.Length) throw Fault(name, $"has {shape.Length} dimensions but {strides.Length} strides");
        if (TensorEntry.Count(shape) is not { } count || Extent(count, shape, strides) is not { } extent
            || TensorEntry.Count([extent, type.Size()]) is not { } bytes || TensorEntry.Count([offset, type.Size()]) is not { } start)
            throw Fault(name, $"has a shape or strides too large for any file, [{string.Join(", ", shape)}]");
        if (start > storage.Bytes || bytes > storage.Bytes - start)
            throw Fault(name, $"reaches byte {(decimal)start + bytes} of the storage '{storage.Key}', which holds {storage.Bytes}");
        return new(type, shape, IsContiguous(count, shape, strides) ? null : strides, storage.Offset + start, bytes);
    }

    /// <summary>Elements from the first to past the last; null where that does not fit 63 bits.</summary>
    static long? Extent(long count, long[] shape, long[] strides)
    {
        if (count == 0) return 0;
        Int128 last = 0;
        for (var i = 0; i < shape.Length; i++) last += (Int128)(shape[i] - 1) * strides[i];
        return last < long.MaxValue ? (long)last + 1 : null;
    }

    static bool IsContiguous(long count, long[] shape, long[] strides)
    {
        if (count == 0) return true;
        long expected = 1;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && strides[i] != expected) return false;
            expected *= shape[i];
        }
        return true;
    }

    long[] Numbers(object?[] values, string? name)
    {
        if (values.Length > Safetensors.MostDimensions) throw Fault(name, $"has more than {Safetensors.MostDimensions} dimensions");
        if (!values.All(value => value is >= 0L)) throw Fault(name, "has a shape or strides with other than whole numbers from 0");
        return [.. values.Cast<long>()];
    }

    CheckpointException Fault(string? tensor, string fault) => tensor is null
        ? new(file.Path, null, $"has a tensor that {fault}")
        : new(file.Path, tensor, fault);
}
