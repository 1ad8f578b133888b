// Tensors from numbers, numbers from tensors.
using System.Runtime.InteropServices;

namespace Fabula.Torch;

public sealed unsafe partial class Tensor
{
    static readonly Op EmptyOp = new("aten::empty", "memory_format"), ZerosOp = new("aten::zeros"), FullOp = new("aten::full"),
        ArangeOp = new("aten::arange", "start_step"), ToOp = new("aten::to", "dtype_layout"), CopyOp = new("aten::copy_"),
        ItemOp = new("aten::item"), ScalarOp = new("aten::scalar_tensor");

    public static Tensor Empty(long[] shape, DType type, Device device) => EmptyOp.Call(shape, type, Arg.Default, device);
    public static Tensor Zeros(long[] shape, DType type, Device device) => ZerosOp.Call(shape, type, Arg.Default, device);
    public static Tensor Ones(long[] shape, DType type, Device device) => Full(shape, 1.0, type, device);
    public static Tensor Full(long[] shape, double value, DType type, Device device) =>
        FullOp.Call(shape, value, type, Arg.Default, device);
    public static Tensor Arange(long start, long end, DType type, Device device, long step = 1) =>
        ArangeOp.Call(start, end, step, type, Arg.Default, device);
    public static Tensor Scalar(double value, DType type, Device device) => ScalarOp.Call(value, type, Arg.Default, device);

    /// <summary>A CPU tensor with a copy of the numbers; the element type is T's.</summary>
    public static Tensor From<T>(ReadOnlySpan<T> data, params long[] shape) where T : unmanaged
    {
        var count = 1L;
        foreach (var size in shape) count = checked(count * size);
        if (count != data.Length) throw new ArgumentException($"{data.Length} numbers do not fill [{string.Join(", ", shape)}]");
        var tensor = Empty(shape, TypeOf<T>(), Device.Cpu);
        data.CopyTo(new Span<T>((void*)tensor.Meta().Data, data.Length));
        return tensor;
    }

    /// <inheritdoc cref="From{T}(ReadOnlySpan{T}, long[])"/>
    public static Tensor From<T>(T[] data, params long[] shape) where T : unmanaged => From((ReadOnlySpan<T>)data, shape);

    /// <summary>
    /// A tensor over memory that somebody else owns; <paramref name="release"/> is called once, on any thread, when it is dropped.
    /// </summary>
    internal static Tensor FromMemory(nint data, long[] shape, long[]? strides, DType type, delegate* unmanaged<nint, void> release,
        nint context)
    {
        LibTorch.RequireHere();
        fixed (long* sizes = shape)
        fixed (long* steps = strides)
        {
            Native.Check(Native.ft_from_blob(data, sizes, steps, shape.Length, (int)type, release, context, out var handle));
            return Adopt(handle);
        }
    }

    /// <summary>Converts element type and device; the same tensor's data where nothing changes.</summary>
    public Tensor To(DType type, Device device) => ToOp.Call(this, type, Arg.Default, device);
    public Tensor To(DType type) => To(type, Device);
    public Tensor To(Device device) => To(DType, device);
    public Tensor Float() => To(DType.F32);

    /// <summary>Writes <paramref name="source"/> over this tensor, converting and broadcasting.</summary>
    public Tensor CopyFrom(Tensor source)
    {
        CopyOp.Do(this, source, false);
        return this;
    }

    /// <summary>The one number of a one-element tensor.</summary>
    public double Item() => ItemOp.Number(this);

    /// <summary>All numbers in row-major order, as T, which must be the element type.</summary>
    public T[] ToArray<T>() where T : unmanaged
    {
        if (TypeOf<T>() != DType) throw new InvalidOperationException($"the tensor holds {DType}, not {typeof(T).Name}");
        using var scope = TensorScope.Open();
        var plain = To(Device.Cpu).Contiguous();
        return new ReadOnlySpan<T>((void*)plain.Meta().Data, checked((int)plain.Count)).ToArray();
    }

    /// <summary>All numbers in row-major order as fp32, whatever the element type.</summary>
    public float[] ToFloats()
    {
        using var scope = TensorScope.Open();
        return To(DType.F32).ToArray<float>();
    }

    /// <summary>The bytes of a contiguous CPU tensor, in place.</summary>
    public ReadOnlySpan<byte> Bytes()
    {
        var meta = Meta();
        if (meta.DeviceType != 0 || (meta.Flags & 1) == 0) throw new InvalidOperationException($"{this} is not contiguous in CPU memory");
        return new ReadOnlySpan<byte>((void*)meta.Data, checked((int)(meta.Elements * ((DType)meta.DType).Size())));
    }

    /// <summary>Writes the bytes of a contiguous CPU tensor, however many.</summary>
    internal void WriteTo(Stream stream)
    {
        var meta = Meta();
        if (meta.DeviceType != 0 || (meta.Flags & 1) == 0) throw new InvalidOperationException($"{this} is not contiguous in CPU memory");
        const long Chunk = 1 << 26;
        var length = meta.Elements * ((DType)meta.DType).Size();
        for (long at = 0; at < length; at += Chunk)
            stream.Write(new ReadOnlySpan<byte>((byte*)meta.Data + at, (int)Math.Min(Chunk, length - at)));
    }

    static DType TypeOf<T>() where T : unmanaged => default(T) switch
    {
        float => DType.F32,
        double => DType.F64,
        long => DType.I64,
        int => DType.I32,
        short => DType.I16,
        byte => DType.U8,
        sbyte => DType.I8,
        bool => DType.Bool,
        Half => DType.F16,
        ushort => DType.BF16,
        _ => throw new NotSupportedException($"{typeof(T).Name} is not an element type"),
    };
}
