// The C ABI of native/fabula_torch.h, and how the library is found and the process prepared for it.
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Fabula.Torch;

[StructLayout(LayoutKind.Sequential)]
struct NativeValue
{
    public int Tag;
    public int Count;
    public long Bits;
}

[StructLayout(LayoutKind.Sequential)]
unsafe struct NativeMeta
{
    public long Elements;
    public long Dims;
    public long* Sizes;
    public long* Strides;
    public nint Data;
    public int DType;
    public int DeviceType;
    public int DeviceIndex;
    public int Flags;
}

static unsafe partial class Native
{
    const string Library = "fabula_torch";

    static Native()
    {
        // These must stand in the C environment before libgomp and libtorch load; .NET's own SetEnvironmentVariable does not reach getenv.
        // Passive waiting: spinning OpenMP workers fight every other process on the machine (57 ms -> 2.3 ms per small training step).
        SetDefault("OMP_WAIT_POLICY", "passive");
        // libtorch takes its AVX-512 kernels only on request: exp, silu, softmax and bf16 conversions run up to twice as fast.
        if (Avx512F.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported && Avx512F.VL.IsSupported)
            SetDefault("ATEN_CPU_CAPABILITY", "avx512");
        else if (Avx2.IsSupported && Fma.IsSupported)
            SetDefault("ATEN_CPU_CAPABILITY", "avx2");
        NativeLibrary.SetDllImportResolver(Assembly.GetExecutingAssembly(), Resolve);
        ft_use_caching_allocator();
    }

    static void SetDefault(string name, string value) => _ = setenv(name, value, 0);

    static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library) return 0;
        var file = Environment.GetEnvironmentVariable("FABULA_SHIM") is { Length: > 0 } chosen
            ? chosen
            : Path.Combine(AppContext.BaseDirectory, "libfabula_torch.so");
        if (!File.Exists(file))
            throw new TorchException($"The tensor library is missing ({file}). Run ./fabula once: it builds what is not there.");
        return NativeLibrary.Load(file);
    }

    /// <summary>Throws what the last native call on this thread complained of.</summary>
    public static void Check(int code)
    {
        if (code != 0) throw new TorchException(Marshal.PtrToStringUTF8(ft_error()) ?? "libtorch failed without a word");
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);

    [LibraryImport(Library)] public static partial nint ft_error();
    [LibraryImport(Library)] public static partial nint ft_version();
    [LibraryImport(Library)] public static partial nint ft_cpu_capability();
    [LibraryImport(Library)] public static partial int ft_has_cuda();
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ft_op_find(string name, string overload, out nint op);
    [LibraryImport(Library)] public static partial nint ft_op_schema(nint op);
    [LibraryImport(Library)]
    public static partial int ft_call(nint op, NativeValue* args, int n, NativeValue* outs, int capacity,
        int* count);
    [LibraryImport(Library), SuppressGCTransition] public static partial void ft_retain(nint tensor);
    [LibraryImport(Library)] public static partial void ft_release(nint tensor);
    [LibraryImport(Library)] public static partial void ft_release_many(nint* tensors, int n);
    [LibraryImport(Library), SuppressGCTransition] public static partial void ft_describe(nint tensor, NativeMeta* meta);
    [LibraryImport(Library)]
    public static partial int ft_from_blob(nint data, long* sizes, long* strides, int dims, int dtype,
        delegate* unmanaged<nint, void> release, nint context, out nint tensor);
    [LibraryImport(Library)] public static partial int ft_set_requires_grad(nint tensor, int on);
    [LibraryImport(Library)] public static partial int ft_grad(nint tensor, out nint grad);
    [LibraryImport(Library)] public static partial int ft_set_grad(nint tensor, nint grad);
    [LibraryImport(Library)] public static partial int ft_backward(nint output, nint grad);
    [LibraryImport(Library)]
    public static partial int ft_custom(nint* inputs, int n, nint output, delegate* unmanaged<nint, nint, nint*, int> backward,
        delegate* unmanaged<nint, void> drop, nint context, out nint result);
    [LibraryImport(Library), SuppressGCTransition] public static partial int ft_grad_enabled();
    [LibraryImport(Library), SuppressGCTransition] public static partial void ft_set_grad_enabled(int on);
    [LibraryImport(Library)] public static partial void ft_set_threads(int n);
    [LibraryImport(Library)] public static partial int ft_get_threads();
    [LibraryImport(Library)] public static partial int ft_synchronize(int deviceType, int deviceIndex);
    [LibraryImport(Library)] private static partial void ft_use_caching_allocator();
    [LibraryImport(Library)] public static partial void ft_memory(out long live, out long peak, out long held);
    [LibraryImport(Library)] public static partial void ft_reset_peak();
    [LibraryImport(Library)] public static partial void ft_trim();
}
