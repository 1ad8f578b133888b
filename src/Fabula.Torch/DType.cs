namespace Fabula.Torch;

/// <summary>Element types, with the numbers libtorch itself uses (c10/core/ScalarType.h), so that a cast is the conversion.</summary>
public enum DType
{
    U8 = 0,
    I8 = 1,
    I16 = 2,
    I32 = 3,
    I64 = 4,
    F16 = 5,
    F32 = 6,
    F64 = 7,
    Bool = 11,
    BF16 = 15,

    /// <summary>8-bit float, 4 exponent and 3 mantissa bits, no infinity. libtorch 1.13 cannot compute with it: files only.</summary>
    F8E4M3 = 24,
}

public static class DTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.U8 or DType.I8 or DType.Bool or DType.F8E4M3 => 1,
        DType.I16 or DType.F16 or DType.BF16 => 2,
        DType.I32 or DType.F32 => 4,
        DType.I64 or DType.F64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not an element type"),
    };

    public static bool IsFloat(this DType type) => type is DType.F16 or DType.F32 or DType.F64 or DType.BF16 or DType.F8E4M3;
}
