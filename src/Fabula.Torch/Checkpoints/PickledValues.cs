namespace Fabula.Torch;

// What a checkpoint's pickle may contain, besides text, numbers, truth values, None, lists (List<object?>) and tuples (object?[]).

/// <summary>A dict or OrderedDict, in its own order. Equal keys are noticed only where it matters, when tensors get their names.</summary>
sealed class PickledDict(bool ordered)
{
    internal bool Ordered => ordered;

    internal List<(object? Key, object? Value)> Items { get; } = [];
}

/// <summary>A tensor: a view of the file, described as <see cref="TensorEntry"/> does.</summary>
sealed record PickledTensor(DType Type, long[] Shape, long[]? Strides, long Offset, long Bytes);

/// <summary>A storage's type, torch.FloatStorage and the like; without an element type for an untyped one.</summary>
sealed record StorageType(DType? Element);

/// <summary>The bytes of one storage in the file.</summary>
sealed record PickledStorage(string Key, DType? Element, long Offset, long Bytes);

/// <summary>The few functions that a checkpoint may name. None of them runs: each is a way to write data down.</summary>
enum PickledCall
{
    OrderedDict,
    RebuildTensorV2,
    RebuildTensorV3,
    RebuildParameter,
}

static class PickledNames
{
    /// <summary>What a global name stands for; null for any name that is not data.</summary>
    internal static object? Resolve(string name) => name switch
    {
        "collections.OrderedDict" => PickledCall.OrderedDict,
        "torch._utils._rebuild_tensor_v2" => PickledCall.RebuildTensorV2,
        "torch._utils._rebuild_tensor_v3" => PickledCall.RebuildTensorV3,
        "torch._utils._rebuild_parameter" => PickledCall.RebuildParameter,
        "torch.DoubleStorage" => new StorageType(DType.F64),
        "torch.FloatStorage" => new StorageType(DType.F32),
        "torch.HalfStorage" => new StorageType(DType.F16),
        "torch.BFloat16Storage" => new StorageType(DType.BF16),
        "torch.LongStorage" => new StorageType(DType.I64),
        "torch.IntStorage" => new StorageType(DType.I32),
        "torch.ShortStorage" => new StorageType(DType.I16),
        "torch.CharStorage" => new StorageType(DType.I8),
        "torch.ByteStorage" => new StorageType(DType.U8),
        "torch.BoolStorage" => new StorageType(DType.Bool),
        "torch.UntypedStorage" or "torch.storage.UntypedStorage" or "torch.storage.TypedStorage" => new StorageType(null),
        "torch.float64" => DType.F64,
        "torch.float32" => DType.F32,
        "torch.float16" => DType.F16,
        "torch.bfloat16" => DType.BF16,
        "torch.float8_e4m3fn" => DType.F8E4M3,
        "torch.int64" => DType.I64,
        "torch.int32" => DType.I32,
        "torch.int16" => DType.I16,
        "torch.int8" => DType.I8,
        "torch.uint8" => DType.U8,
        "torch.bool" => DType.Bool,
        _ => null,
    };
}
