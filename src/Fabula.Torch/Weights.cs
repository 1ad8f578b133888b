// Named tensors by path. Weights own, modules borrow: a module's constructor takes its weights by the checkpoint's own names, so the
// names stand in the code, and after construction EnsureAllUsed() makes a typo or a wrong architecture an error.
using System.Runtime.InteropServices;

namespace Fabula.Torch;

/// <summary>
/// A view on a set of named tensors: <c>weights["blocks"][3]["self_attn"].Get("q.weight", 48, 48)</c>. Tensors of a file are mapped, not
/// read, and stay zero-copy where the stored type is the wanted one. Only the root (the one opened or created) is disposed of.
/// </summary>
public sealed class Weights : IDisposable
{
    readonly Store _store;
    readonly string _prefix;
    readonly DType _type;

    Weights(Store store, string prefix, DType type) => (_store, _prefix, _type) = (store, prefix, type);

    /// <summary>
    /// Weights of a file or folder (see <see cref="Checkpoint.Open"/>), handed out as <paramref name="type"/> on <paramref name="device"/>.
    /// </summary>
    /// <param name="rename">File name to model name; null drops the tensor.</param>
    public static Weights Open(string path, DType type, Device device, Func<string, string?>? rename = null) =>
        Of(Checkpoint.Open(path), type, device, rename);

    /// <summary>As <see cref="Open"/> for a checkpoint that is already open; the weights take it over.</summary>
    public static Weights Of(Checkpoint checkpoint, DType type, Device device, Func<string, string?>? rename = null)
    {
        var store = new Store(checkpoint.Path, type, device, checkpoint);
        foreach (var entry in checkpoint.Entries.Values)
        {
            var name = rename is null ? entry.Name : rename(entry.Name);
            if (name is null || store.Entries.TryAdd(name, entry)) continue;
            checkpoint.Dispose();
            throw new CheckpointException(entry.File, entry.Name, $"becomes '{name}', as another tensor already does");
        }
        return new Weights(store, "", type);
    }

    /// <summary>
    /// New weights, made on first use: matrices normal with deviation 1/sqrt(fan-in), vectors named weight or gamma 1, biases 0.
    /// The same seed gives the same numbers on any machine.
    /// </summary>
    public static Weights Fresh(ulong seed, DType type, Device device) =>
        new(new Store("new weights", type, device, null) { Fresh = new RandomSource(seed) }, "", type);

    /// <summary>
    /// Weights that only take down what a model asks for (<see cref="Recorded"/>); its tensors are empty and cannot be computed with.
    /// </summary>
    public static Weights Recorder() => new(new Store("no file", DType.F32, Device.Cpu, null) { Record = [] }, "", DType.F32);

    /// <summary>What a model asked a <see cref="Recorder"/> for: full names and shapes, in order.</summary>
    public IReadOnlyList<(string Name, long[] Shape)> Recorded => _store.Record ?? [];

    public Weights this[string name] => new(_store, _prefix + name + ".", _type);
    public Weights this[int index] => this[index.ToString()];

    /// <summary>Where the tensors came from, for messages.</summary>
    public string Source => _store.Source;

    /// <summary>The type in which matrices are handed out.</summary>
    public DType DType => _type;

    /// <summary>The same weights handed out in another type: norms, time and modulation are wanted in fp32.</summary>
    public Weights As(DType type) => new(_store, _prefix, type);

    public Device Device => _store.Device;

    /// <summary>Names below this path, without it.</summary>
    public IEnumerable<string> Names => _store.Entries.Keys.Concat(_store.Ready.Keys).Distinct()
        .Where(name => name.StartsWith(_prefix, StringComparison.Ordinal)).Select(name => name[_prefix.Length..])
        .Order(StringComparer.Ordinal);

    public bool Has(string name) => _store.Entries.ContainsKey(_prefix + name) || _store.Ready.ContainsKey(_prefix + name);

    /// <summary>The stored shape of a tensor, before it is loaded.</summary>
    /// <exception cref="CheckpointException">There is none of this name.</exception>
    public long[] ShapeOf(string name) =>
        _store.Ready.TryGetValue(_prefix + name, out var ready) ? ready.Shape
        : _store.Entries.TryGetValue(_prefix + name, out var entry) ? entry.Shape
        : throw Missing(_prefix + name);

    /// <summary>The stored type of a tensor.</summary>
    public DType TypeOf(string name) => _store.Entries.TryGetValue(_prefix + name, out var entry) ? entry.DType
        : _store.Ready.TryGetValue(_prefix + name, out var ready) ? ready.DType : throw Missing(_prefix + name);

    /// <summary>The tensor of this name and shape, in the weights' type. Borrowed: it lives as long as the weights.</summary>
    /// <exception cref="CheckpointException">There is none of this name, its shape is another, or it holds whole numbers.</exception>
    public Tensor Get(string name, params long[] shape) => Get(name, _type, shape);

    /// <summary>As <see cref="Get(string, long[])"/> in another type.</summary>
    public Tensor Get(string name, DType type, params long[] shape)
    {
        var full = _prefix + name;
        if (_store.Record is { } record)
        {
            if (record.All(entry => entry.Name != full)) record.Add((full, shape));
            return _store.Nothing;
        }
        if (!_store.Ready.TryGetValue(full, out var tensor))
        {
            if (_store.Entries.TryGetValue(full, out var entry))
            {
                RequireShape(full, entry.File, entry.Shape, shape);
                RequireType(full, entry, type);
                tensor = Load(entry, full, type);
            }
            else
            {
                tensor = _store.Fresh is { } random ? Make(random, full, shape, type) : throw Missing(full);
            }
            _store.Ready[full] = tensor.Own();
        }
        RequireShape(full, _store.Source, tensor.Shape, shape);
        _store.Used.Add(full);
        return tensor;
    }

    /// <summary>Says that a tensor of the file is known and not needed here.</summary>
    public void Ignore(string name) => _store.Used.Add(_prefix + name);

    /// <summary>
    /// Makes a tensor that the file stores in parts or in another layout: q, k and v apart, a projection transposed. The parts come in the
    /// weights' type and count as used; the result is handed out by <see cref="Get(string, long[])"/> as if it had been stored.
    /// </summary>
    /// <exception cref="CheckpointException">A part is missing.</exception>
    public void Derive(string name, IReadOnlyList<string> parts, Func<Tensor[], Tensor> make)
    {
        using var scope = TensorScope.Open();
        var made = make([.. parts.Select(part => _prefix + part).Select(part =>
            _store.Ready.TryGetValue(part, out var ready) ? ready.Detach()
            : _store.Entries.TryGetValue(part, out var entry) ? LoadFloat(entry, part) : throw Missing(part))]);
        foreach (var part in parts)
        {
            if (_store.Ready.Remove(_prefix + part, out var whole)) whole.Dispose();
            _store.Used.Add(_prefix + part);
        }
        _store.Ready[_prefix + name] = scope.Keep(made).Own();
    }

    /// <summary>
    /// Changes a tensor when it is first handed out (LoRA): <paramref name="change"/> gets it in fp32 and returns the new value in fp32.
    /// </summary>
    public void Patch(string name, Func<Tensor, Tensor> change)
    {
        var full = _prefix + name;
        if (_store.Ready.ContainsKey(full))
            throw new InvalidOperationException($"'{full}' is already in use: patch before building the model.");
        if (!_store.Entries.ContainsKey(full)) throw Missing(full);
        _store.Patches[full] = _store.Patches.TryGetValue(full, out var earlier) ? x => change(earlier(x)) : change;
    }

    /// <summary>Adds a low-rank pair to the linear layer at this path when it is built; several add up.</summary>
    public void Attach(string path, LowRank addition)
    {
        var full = _prefix + path;
        if (!Has(path + ".weight")) throw Missing(full + ".weight");
        if (_store.Used.Contains(full + ".weight"))
            throw new InvalidOperationException($"'{full}' is already in use: attach before building the model.");
        if (!_store.Attached.TryGetValue(full, out var list)) _store.Attached[full] = list = [];
        list.Add(addition);
    }

    /// <summary>What is attached to the layer at this path.</summary>
    internal IReadOnlyList<LowRank> Attached()
    {
        var path = _prefix.TrimEnd('.');
        _store.Taken.Add(path);
        return _store.Attached.TryGetValue(path, out var list) ? list : [];
    }

    /// <summary>Refuses a file with tensors that the model did not ask for, and additions to what is no linear layer of it.</summary>
    /// <exception cref="CheckpointException">Names up to five of them.</exception>
    public void EnsureAllUsed()
    {
        if (_store.Record is not null) return;
        if (_store.Attached.Keys.FirstOrDefault(path => !_store.Taken.Contains(path)) is { } stray)
            throw new CheckpointException(_store.Source, stray + ".weight",
                "belongs to no linear layer of this model, so nothing can be attached to it");
        var unused = Names.Select(name => _prefix + name).Where(name => !_store.Used.Contains(name)).ToList();
        if (unused.Count == 0) return;
        var more = unused.Count > 5 ? $" and {unused.Count - 5} more" : "";
        throw new CheckpointException(_store.Source, unused[0],
            $"is not part of this model ({string.Join(", ", unused.Take(5))}{more} are left over); "
            + "the file belongs to another architecture");
    }

    /// <summary>All tensors handed out so far, by full name: what an optimiser trains and a checkpoint stores.</summary>
    public IReadOnlyDictionary<string, Tensor> Parameters => _store.Ready;

    /// <summary>Copies every handed-out tensor into memory of its own (mapped files are read-only) and asks for its gradient.</summary>
    public Weights Trainable()
    {
        foreach (var (name, tensor) in _store.Ready)
        {
            if (_store.Entries.ContainsKey(name)) throw new InvalidOperationException(
                $"'{name}' still lies in its file: open weights for training with {nameof(InMemory)}().");
            tensor.RequireGrad();
        }
        return this;
    }

    /// <summary>Loads everything into memory of its own, so that it may be written to.</summary>
    public Weights InMemory()
    {
        foreach (var (name, entry) in _store.Entries)
        {
            using var scope = TensorScope.Open();
            var loaded = Load(entry, name, _store.DType);
            _store.Ready[name] = scope.Keep(loaded.Clone()).Own();
        }
        _store.Entries.Clear();
        return this;
    }

    /// <summary>Writes the handed-out tensors as a safetensors file, atomically; floats as <paramref name="type"/> where given.</summary>
    public void Save(string path, DType? type = null, IReadOnlyDictionary<string, string>? metadata = null) =>
        Save(path, _store.Ready, type, metadata);

    /// <summary>Writes any named tensors as a safetensors file, atomically; floats as <paramref name="type"/> where given.</summary>
    /// <exception cref="CheckpointException">The disk refuses.</exception>
    public static void Save(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, DType? type = null,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        SafetensorsWriter.Write(path, tensors.Select(pair =>
        {
            var stored = type is { } wanted && pair.Value.DType.IsFloat() ? wanted : pair.Value.DType;
            return new TensorData(pair.Key, stored, pair.Value.Shape, stream =>
            {
                using var scope = TensorScope.Open();
                pair.Value.Detach().To(stored, Device.Cpu).Contiguous().WriteTo(stream);
            });
        }), metadata);
    }

    /// <summary>The first tensor with a NaN or an infinity, or null: the question to ask when a sample turns out not finite.</summary>
    public string? FirstNonFinite()
    {
        foreach (var (name, entry) in _store.Entries)
        {
            if (!entry.DType.IsFloat()) continue;
            using var scope = TensorScope.Open();
            if (!Load(entry, name, entry.DType == DType.F64 ? DType.F64 : DType.F32).AllFinite()) return name;
        }
        return null;
    }

    /// <summary>As <see cref="FirstNonFinite"/>, as the error that names file and tensor.</summary>
    /// <exception cref="CheckpointException">Some weight is not finite.</exception>
    public void RequireFinite()
    {
        if (FirstNonFinite() is { } name)
            throw new CheckpointException(_store.Entries[name].File, name, "holds NaN or infinity; download or convert the file again");
    }

    public void Dispose()
    {
        foreach (var tensor in _store.Ready.Values) tensor.Dispose();
        _store.Ready.Clear();
        _store.Checkpoint?.Dispose();
    }

    Tensor Load(TensorEntry entry, string name, DType type)
    {
        using var scope = TensorScope.Open();
        var tensor = Map(entry);
        var loaded = entry.DType == DType.F8E4M3 ? Float8.Widen(tensor) : tensor;
        if (_store.Patches.TryGetValue(name, out var patch)) loaded = patch(loaded.Float());
        return scope.Keep(loaded.To(loaded.DType.IsFloat() ? type : loaded.DType, _store.Device));
    }

    Tensor LoadFloat(TensorEntry entry, string name)
    {
        RequireType(name, entry, _type);
        return Load(entry, name, _type);
    }

    /// <summary>The tensor where it lies in the file: read-only memory, alive as long as the mapping.</summary>
    static unsafe Tensor Map(TensorEntry entry)
    {
        if (entry.Bytes == 0) return Tensor.Empty(entry.Shape, entry.DType == DType.F8E4M3 ? DType.U8 : entry.DType, Device.Cpu);
        entry.Owner.Retain();
        var handle = GCHandle.Alloc(entry.Owner);
        var type = entry.DType == DType.F8E4M3 ? DType.U8 : entry.DType;
        try
        {
            var tensor = Tensor.FromMemory(entry.Data, entry.Shape, entry.Strides, type, &Unmap, GCHandle.ToIntPtr(handle));
            return entry.IsAligned ? tensor : tensor.Clone();
        }
        catch
        {
            Drop(GCHandle.ToIntPtr(handle));
            throw;
        }
    }

    [UnmanagedCallersOnly]
    static void Unmap(nint context) => Drop(context);

    static void Drop(nint context)
    {
        var handle = GCHandle.FromIntPtr(context);
        ((MappedFile)handle.Target!).Release();
        handle.Free();
    }

    Tensor Make(RandomSource random, string name, long[] shape, DType type)
    {
        using var scope = TensorScope.Open();
        var tensor = shape.Length < 2 || name.EndsWith("gamma", StringComparison.Ordinal)
            ? Tensor.Full(shape, name.EndsWith("bias", StringComparison.Ordinal) ? 0 : 1, DType.F32, Device.Cpu)
            : random.Normal($"weights/{name}", 0, shape).Mul_(1 / Math.Sqrt(shape[1..].Aggregate(1L, (a, b) => a * b)));
        return scope.Keep(tensor.To(type, _store.Device));
    }

    CheckpointException Missing(string name) => new(_store.Source, name,
        "is missing; the file is incomplete or belongs to another architecture");

    static void RequireShape(string name, string file, long[] found, long[] wanted)
    {
        if (!found.AsSpan().SequenceEqual(wanted))
            throw new CheckpointException(file, name,
                $"has shape [{string.Join(", ", found)}] where the model needs [{string.Join(", ", wanted)}]");
    }

    /// <summary>Whole numbers stored where a network computes with fractions are some other file's; a kernel would misread them.</summary>
    static void RequireType(string name, TensorEntry entry, DType wanted)
    {
        if (wanted.IsFloat() && !entry.DType.IsFloat()) throw new CheckpointException(entry.File, name,
            $"holds {entry.DType} where the model needs fractions (F32, BF16, F16, F64 or F8E4M3)");
    }

    sealed class Store(string source, DType type, Device device, Checkpoint? checkpoint)
    {
        public readonly string Source = source;
        public readonly DType DType = type;
        public readonly Device Device = device;
        public readonly Checkpoint? Checkpoint = checkpoint;
        public readonly Dictionary<string, TensorEntry> Entries = new(StringComparer.Ordinal);
        public readonly SortedDictionary<string, Tensor> Ready = new(StringComparer.Ordinal);
        public readonly Dictionary<string, Func<Tensor, Tensor>> Patches = new(StringComparer.Ordinal);
        public readonly Dictionary<string, List<LowRank>> Attached = new(StringComparer.Ordinal);
        public readonly HashSet<string> Used = new(StringComparer.Ordinal), Taken = new(StringComparer.Ordinal);
        public RandomSource? Fresh;
        public List<(string Name, long[] Shape)>? Record;
        Tensor? _nothing;
        public Tensor Nothing => _nothing ??= Ready["nothing"] = Tensor.Empty([0], DType.F32, Device.Cpu).Own();
    }
}

/// <summary>The 8-bit float with 4 exponent bits (OCP "E4M3FN"): bias 7, no infinity, 0x7f is NaN.</summary>
static class Float8
{
    static readonly float[] Table = [.. Enumerable.Range(0, 256).Select(Decode)];

    /// <summary>Bytes [..] on the CPU -> the same shape in fp32.</summary>
    public static Tensor Widen(Tensor bytes)
    {
        using var scope = TensorScope.Open();
        var index = bytes.Reshape(bytes.Count).To(DType.I32);
        return scope.Keep(Tensor.From(Table, 256).IndexSelect(0, index).Reshape(bytes.Shape));
    }

    internal static float Decode(int bits)
    {
        var sign = (bits & 0x80) != 0 ? -1f : 1f;
        var (exponent, mantissa) = ((bits >> 3) & 15, bits & 7);
        if (exponent == 15 && mantissa == 7) return float.NaN;
        return sign * (exponent == 0 ? mantissa / 8f * MathF.Pow(2, -6) : (1 + mantissa / 8f) * MathF.Pow(2, exponent - 7));
    }
}
