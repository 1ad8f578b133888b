// The library as a whole: its version, its one thread, its memory.
using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Fabula.Torch;

/// <summary>libtorch refused: a wrong shape, an unknown operator, no memory. The message is libtorch's first line.</summary>
public sealed class TorchException(string message) : Exception(message);

/// <summary>
/// Bytes in live tensors, the most there ever were since <see cref="LibTorch.ResetPeak"/>, and bytes taken from the system.
/// </summary>
public readonly record struct MemoryUse(long Live, long Peak, long Held);

/// <summary>
/// All tensor work runs on one dedicated thread, because each OS thread that calls libtorch gets a team of OpenMP threads of its own
/// and because gradient mode and scopes are per thread. Work inside an operator is still spread over <see cref="Threads"/> cores.
/// </summary>
public static class LibTorch
{
    static readonly BlockingCollection<Action> Queue = [];
    [ThreadStatic] static bool _here;
    static int _threads = Math.Max(1, Environment.ProcessorCount);

    static readonly Lazy<Thread> Worker = new(() =>
    {
        // A deep stack: a model's Forward is one long method over many small ones.
        var thread = new Thread(Loop, 16 << 20) { IsBackground = true, Name = "torch" };
        thread.Start();
        return thread;
    });

    /// <summary>Whether the caller is on the tensor thread.</summary>
    public static bool IsHere => _here;

    /// <summary>libtorch's version, for example "1.13.1".</summary>
    public static string Version => Marshal.PtrToStringUTF8(Native.ft_version())!;

    /// <summary>Which instruction set ATen's own kernels use: "AVX512", "AVX2", "DEFAULT" or "NO AVX".</summary>
    public static string CpuCapability => Marshal.PtrToStringUTF8(Native.ft_cpu_capability())!;

    /// <summary>CUDA devices seen; 0 for a CPU build.</summary>
    public static int CudaDevices => Native.ft_has_cuda();

    /// <summary>CPU threads inside one operator; all cores unless set.</summary>
    public static int Threads
    {
        get => _threads;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            _threads = value;
            Run(() => Native.ft_set_threads(value));
        }
    }

    public static MemoryUse Memory
    {
        get
        {
            Native.ft_memory(out var live, out var peak, out var held);
            return new MemoryUse(live, peak, held);
        }
    }

    public static void ResetPeak() => Native.ft_reset_peak();

    /// <summary>Gives cached CPU blocks back to the system: worth calling between phases (text encoder, transformer, VAE).</summary>
    public static void Trim() => Native.ft_trim();

    /// <summary>Waits until the device has done everything asked of it; nothing on the CPU.</summary>
    public static void Synchronize(Device device) => Native.Check(Native.ft_synchronize((int)device.Type, device.Index));

    /// <summary>
    /// Runs work on the tensor thread and waits; runs it at once when already there. Exceptions arrive as they were thrown.
    /// </summary>
    public static T Run<T>(Func<T> work)
    {
        if (_here) return work();
        _ = Worker.Value;
        using var done = new ManualResetEventSlim();
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        Queue.Add(() =>
        {
            try { result = work(); }
            catch (Exception e) { failure = ExceptionDispatchInfo.Capture(e); }
            done.Set();
        });
        done.Wait();
        failure?.Throw();
        return result;
    }

    /// <inheritdoc cref="Run{T}(Func{T})"/>
    public static void Run(Action work) => Run(() => { work(); return 0; });

    /// <summary>As <see cref="Run{T}(Func{T})"/>, without blocking the caller.</summary>
    public static Task<T> RunAsync<T>(Func<T> work)
    {
        if (_here) return Task.FromResult(work());
        _ = Worker.Value;
        var source = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Queue.Add(() =>
        {
            try { source.SetResult(work()); }
            catch (Exception e) { source.SetException(e); }
        });
        return source.Task;
    }

    static void Loop()
    {
        _here = true;
        Native.ft_set_threads(_threads);
        Native.ft_set_grad_enabled(0);  // gradients are asked for, with Autograd.Enable()
        foreach (var work in Queue.GetConsumingEnumerable()) work();
    }

    /// <summary>
    /// libtorch calls back from threads of its own when it computes gradients on a GPU: such a call counts as the tensor thread.
    /// </summary>
    internal static Visit Borrow()
    {
        var visit = new Visit { Before = _here };
        _here = true;
        return visit;
    }

    internal ref struct Visit
    {
        public bool Before;
        public readonly void Dispose() => _here = Before;
    }

    internal static void RequireHere()
    {
        if (!_here) throw new InvalidOperationException("Tensor work belongs on the tensor thread: wrap it in LibTorch.Run(() => ...).");
    }
}
