// Several processes that train one model together: each takes its part of the batch on one core, and all end a step with the same bits.
// Two processes of one thread each stay fast on a busy machine, where two OpenMP threads wait for each other. Gradients meet in a file
// that all map; sums go by rank, so that everybody adds in the same order (data parallel, with the costly part of the update shared out
// as in ZeRO, Rajbhandari et al. 2020).
using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using Fabula.Torch;

namespace Fabula.Training;

/// <summary>This process's place among the processes of a training. A crew of one does nothing.</summary>
public sealed unsafe class Crew : IDisposable
{
    const int Header = 4096;
    readonly MemoryMappedFile? _file;
    readonly MemoryMappedViewAccessor? _view;
    readonly List<Process> _others = [];
    readonly byte* _memory;
    readonly long _capacity;
    readonly int _leader;
    long _meetings;

    public int Size { get; }
    public int Rank { get; }
    public bool Leads => Rank == 0;

    /// <param name="path">The file where they meet; the leader makes it anew.</param>
    /// <param name="floats">Room for the largest exchange: the number of parameters.</param>
    public Crew(int size, int rank, string path, long floats, int leader = 0)
    {
        (Size, Rank, _capacity, _leader) = (size, rank, floats, leader);
        if (size == 1) return;
        var bytes = Header + 4 * floats * (size + 1) * 2;
        if (Leads)
        {
            File.Delete(path);
            using var fresh = new FileStream(path + ".new", FileMode.Create);
            fresh.SetLength(bytes);
            fresh.Dispose();
            File.Move(path + ".new", path);
        }
        else
        {
            WaitFor(() => File.Exists(path));
        }
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, bytes);
        _view = _file.CreateViewAccessor();
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _memory);
    }

    /// <summary>The leader starts the others: the same command, told its rank.</summary>
    public void Start(string program, IReadOnlyList<string> arguments)
    {
        if (!Leads) return;
        for (var rank = 1; rank < Size; rank++)
        {
            var start = new ProcessStartInfo(program) { UseShellExecute = false };
            foreach (var argument in arguments) start.ArgumentList.Add(argument);
            start.ArgumentList.Add("--rank");
            start.ArgumentList.Add(rank.ToString());
            start.ArgumentList.Add("--leader");
            start.ArgumentList.Add(Environment.ProcessId.ToString());
            _others.Add(Process.Start(start) ?? throw new IOException($"{program} could not be started a second time."));
        }
    }

    /// <summary>Writes the mean of everybody's tensors over each one's own. All give tensors of the same shapes.</summary>
    public void Average(IReadOnlyList<Tensor> tensors)
    {
        if (Size == 1) return;
        using var scope = TensorScope.Open();
        var mine = Tensor.Cat(0, [.. tensors.Select(tensor => tensor.Detach().Flatten())]);
        var count = mine.Count;
        var area = Area();
        mine.Bytes().CopyTo(new Span<byte>(area + Rank * _capacity, checked((int)(4 * count))));
        Meet();
        var sum = Tensor.Zeros([count], DType.F32, Device.Cpu);
        for (var rank = 0; rank < Size; rank++)
            sum.Add_(Tensor.From(new ReadOnlySpan<float>(area + rank * _capacity, checked((int)count)), count));
        sum.Mul_(1.0 / Size);
        Scatter(sum, tensors);
    }

    /// <summary>Everybody works on the tensors that fall to them (in place), and gets the others' from the others.</summary>
    public void ShareOut(IReadOnlyList<Tensor> tensors, Action<Tensor> work)
    {
        if (Size == 1)
        {
            foreach (var tensor in tensors) work(tensor);
            return;
        }
        // The dearest first, each to whoever has least.
        var (load, owner) = (new long[Size], new int[tensors.Count]);
        foreach (var i in Enumerable.Range(0, tensors.Count).OrderByDescending(i => tensors[i].Count).ThenBy(i => i))
        {
            owner[i] = Array.IndexOf(load, load.Min());
            load[owner[i]] += tensors[i].Count;
        }
        var area = Area();
        long at = 0;
        for (var i = 0; i < tensors.Count; at += tensors[i++].Count)
        {
            if (owner[i] != Rank) continue;
            work(tensors[i]);
            tensors[i].Bytes().CopyTo(new Span<byte>(area + at, checked((int)(4 * tensors[i].Count))));
        }
        Meet();
        using var scope = TensorScope.Open();
        at = 0;
        for (var i = 0; i < tensors.Count; at += tensors[i++].Count)
            if (owner[i] != Rank)
                tensors[i].CopyFrom(Tensor.From(new ReadOnlySpan<float>(area + at, (int)tensors[i].Count), tensors[i].Shape));
    }

    /// <summary>Returns when all are here.</summary>
    public void Meet()
    {
        if (Size == 1) return;
        _meetings++;
        var counters = (long*)_memory;
        Volatile.Write(ref counters[Rank], _meetings);
        WaitFor(() =>
        {
            for (var rank = 0; rank < Size; rank++)
                if (Volatile.Read(ref ((long*)_memory)[rank]) < _meetings) return false;
            return true;
        });
    }

    // Two areas in turn, so that nobody writes where a slower one still reads.
    float* Area() => (float*)(_memory + Header) + _meetings % 2 * _capacity * (Size + 1);

    static void Scatter(Tensor flat, IReadOnlyList<Tensor> tensors)
    {
        long at = 0;
        foreach (var tensor in tensors)
        {
            tensor.Detach().CopyFrom(flat.Narrow(0, at, tensor.Count).Reshape(tensor.Shape));
            at += tensor.Count;
        }
    }

    void WaitFor(Func<bool> arrived)
    {
        for (var round = 0; !arrived(); round++)
        {
            Thread.Sleep(round < 100 ? 0 : 1);
            if (round % 1000 != 999) continue;
            if (_others.Any(other =>
                other.HasExited)) throw new IOException("A process of this training has ended early; see its message.");
            if (!Leads && Gone(_leader)) throw new IOException("The leading process of this training has ended.");
        }
    }

    static bool Gone(int process)
    {
        try { return Process.GetProcessById(process).HasExited; }
        catch (ArgumentException) { return true; }
    }

    public void Dispose()
    {
        foreach (var other in _others)
        {
            if (!other.WaitForExit(5000)) other.Kill();
            other.Dispose();
        }
        if (_view is null) return;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file!.Dispose();
    }
}
