// One ATen operator, found by name once and called with boxed arguments. The whole of libtorch is reached through this file.
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fabula.Torch;

/// <summary>An argument of an operator: tensor, number, dtype, device, text, list, or nothing.</summary>
public readonly struct Arg
{
    internal readonly int Tag;
    internal readonly long Bits;
    internal readonly object? Ref;

    Arg(int tag, long bits, object? reference = null) => (Tag, Bits, Ref) = (tag, bits, reference);

    /// <summary>Takes the default that the operator's schema declares.</summary>
    public static readonly Arg Default = new(0, 0);
    /// <summary>None.</summary>
    public static readonly Arg None = new(1, 0);

    public static implicit operator Arg(Tensor? value) => value is null ? None : new(2, value.Handle, value);
    public static implicit operator Arg(long value) => new(3, value);
    public static implicit operator Arg(int value) => new(3, value);
    public static implicit operator Arg(double value) => new(4, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Arg(bool value) => new(5, value ? 1 : 0);
    public static implicit operator Arg(long[] value) => new(6, 0, value);
    public static implicit operator Arg(double[] value) => new(7, 0, value);
    public static implicit operator Arg(Tensor?[] value) => new(8, 0, value);
    public static implicit operator Arg(Device value) => new(9, ((long)value.Type << 32) | (uint)value.Index);
    public static implicit operator Arg(string value) => new(10, 0, value);
    public static implicit operator Arg(DType value) => new(11, (long)value);

    /// <summary>Bytes of stack this argument's payload needs.</summary>
    internal int Payload => Ref switch
    {
        long[] list => list.Length * 8,
        double[] list => list.Length * 8,
        Tensor?[] list => list.Length * 8,
        string text => text.Length * 3,
        _ => 0,
    };
}

/// <summary>
/// An operator such as <c>aten::add.Tensor</c>. Missing ones are known by <see cref="Exists"/>: newer libtorch has more of them.
/// </summary>
public sealed unsafe class Op(string name, string overload = "")
{
    const int MaxResults = 8;
    static readonly ConcurrentDictionary<nint, string> Schemas = new();
    nint _handle;
    int _probed;

    public bool Exists
    {
        get
        {
            if (_handle != 0) return true;
            if (Interlocked.Exchange(ref _probed, 1) == 1) return false;
            return Native.ft_op_find(name, overload, out _handle) == 0;
        }
    }

    /// <summary>The declaration, as libtorch prints it.</summary>
    public string Schema => Schemas.GetOrAdd(Handle, handle => Marshal.PtrToStringUTF8(Native.ft_op_schema(handle))!);

    nint Handle
    {
        get
        {
            if (_handle == 0) Native.Check(Native.ft_op_find(name, overload, out _handle));
            return _handle;
        }
    }

    /// <summary>Calls and returns the one tensor of the result.</summary>
    public Tensor Call(params ReadOnlySpan<Arg> args)
    {
        var outs = stackalloc NativeValue[MaxResults];
        var count = Invoke(args, outs, MaxResults);
        if (count < 1 || outs[0].Tag != 2) throw new TorchException($"{name} returned no tensor");
        for (var i = 1; i < count; i++)
            if (outs[i].Tag == 2) Native.ft_release((nint)outs[i].Bits);
        return Tensor.Adopt((nint)outs[0].Bits);
    }

    /// <summary>Calls for the effect on the first argument (operators that end in an underscore), or for nothing.</summary>
    public void Do(params ReadOnlySpan<Arg> args)
    {
        var outs = stackalloc NativeValue[MaxResults];
        var count = Invoke(args, outs, MaxResults);
        for (var i = 0; i < count; i++)
            if (outs[i].Tag == 2) Native.ft_release((nint)outs[i].Bits);
    }

    /// <summary>Calls and returns all tensors of the result: a list, or several results.</summary>
    public Tensor[] Many(int most, params ReadOnlySpan<Arg> args)
    {
        var outs = new NativeValue[most];
        fixed (NativeValue* p = outs)
        {
            var count = Invoke(args, p, most);
            var result = new Tensor[count];
            for (var i = 0; i < count; i++) result[i] = Tensor.Adopt((nint)outs[i].Bits);
            return result;
        }
    }

    /// <summary>Calls and returns the number of the result (int, bool or double).</summary>
    public double Number(params ReadOnlySpan<Arg> args)
    {
        var outs = stackalloc NativeValue[MaxResults];
        Invoke(args, outs, MaxResults);
        return outs[0].Tag == 4 ? BitConverter.Int64BitsToDouble(outs[0].Bits) : outs[0].Bits;
    }

    [SkipLocalsInit]
    int Invoke(ReadOnlySpan<Arg> args, NativeValue* outs, int capacity)
    {
        LibTorch.RequireHere();
        var payload = 0;
        foreach (ref readonly var arg in args) payload += arg.Payload;
        var values = stackalloc NativeValue[args.Length + 1];
        var onStack = payload <= 4096;
        var scratch = stackalloc byte[onStack ? payload + 1 : 1];
        var memory = onStack ? scratch : (byte*)NativeMemory.Alloc((nuint)payload);
        try
        {
            var at = memory;
            for (var i = 0; i < args.Length; i++) at = Fill(in args[i], ref values[i], at);
            int count;
            var code = Native.ft_call(Handle, values, args.Length, outs, capacity, &count);
            foreach (ref readonly var arg in args) GC.KeepAlive(arg.Ref);
            if (code != 0) throw new TorchException($"{name}: {Marshal.PtrToStringUTF8(Native.ft_error())}");
            return count;
        }
        finally
        {
            if (!onStack) NativeMemory.Free(memory);
        }
    }

    static byte* Fill(in Arg arg, ref NativeValue value, byte* at)
    {
        value = new NativeValue { Tag = arg.Tag, Bits = arg.Bits };
        switch (arg.Ref)
        {
            case Tensor tensor:
                ObjectDisposedException.ThrowIf(tensor.Handle == 0, tensor);
                break;
            case long[] list:
                list.CopyTo(new Span<long>(at, list.Length));
                (value.Count, value.Bits) = (list.Length, (long)at);
                at += list.Length * 8;
                break;
            case double[] list:
                list.CopyTo(new Span<double>(at, list.Length));
                (value.Count, value.Bits) = (list.Length, (long)at);
                at += list.Length * 8;
                break;
            case Tensor?[] list:
                for (var i = 0; i < list.Length; i++) ((nint*)at)[i] = list[i]?.LiveHandle ?? 0;
                (value.Count, value.Bits) = (list.Length, (long)at);
                at += list.Length * 8;
                break;
            case string text:
                var bytes = System.Text.Encoding.UTF8.GetBytes(text, new Span<byte>(at, text.Length * 3));
                (value.Count, value.Bits) = (bytes, (long)at);
                at += text.Length * 3;
                break;
        }
        return at;
    }
}
