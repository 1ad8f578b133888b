// A recorded reference: config.json (exact constructor arguments), weights, inputs and outputs as safetensors files in one folder.
using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>
/// One folder of recorded numbers, and what our implementation made of its inputs. Files are opened on first use; everything is freed on
/// Dispose. What a runner computes it hands over by <see cref="Made"/> under the recorded output's name.
/// </summary>
public sealed class Fixture : IDisposable
{
    readonly Dictionary<string, Tensor> _inputs = [], _made = [];
    readonly List<Weights> _weights = [];
    readonly JsonDocument _config;

    /// <param name="type">Type of the network's matrices: fp32 for parity, bf16 for the looser comparison.</param>
    public Fixture(string folder, DType type, Device device)
    {
        (Folder, Type, Device) = (folder, type, device);
        var path = Path.Combine(folder, "config.json");
        if (!File.Exists(path)) throw new CheckpointException(path, null,
            "does not exist; a recorded reference has config.json, inputs.safetensors and outputs.safetensors");
        _config = SmallJson.Read(path);
        using var inputs = Open("inputs");
        foreach (var name in inputs.Names) _inputs[name] = inputs.Get(name, StoredType(inputs, name), inputs.ShapeOf(name)).Clone().Own();
    }

    public string Folder { get; }
    public DType Type { get; }
    public Device Device { get; }
    public JsonElement Config => _config.RootElement;
    public IReadOnlyDictionary<string, Tensor> Results => _made;

    /// <summary>An input by name, as recorded.</summary>
    public Tensor Input(string name) => _inputs.TryGetValue(name, out var tensor) ? tensor
        : throw new CheckpointException(Path.Combine(Folder, "inputs.safetensors"), name, "is missing");

    public bool HasInput(string name) => _inputs.ContainsKey(name);

    /// <summary>Inputs name.0, name.1, ... in order.</summary>
    public IReadOnlyList<Tensor> Inputs(string name) =>
        [.. Enumerable.Range(0, int.MaxValue).TakeWhile(i => HasInput($"{name}.{i}")).Select(i => Input($"{name}.{i}"))];

    /// <summary>The network's weights, freed with the fixture.</summary>
    /// <param name="prefix">For files with several networks: only names that begin with it, without it.</param>
    public Weights Weights(string prefix = "", Func<string, string?>? rename = null)
    {
        var weights = Torch.Weights.Open(Path.Combine(Folder, "weights.safetensors"), Type, Device,
            name => !name.StartsWith(prefix, StringComparison.Ordinal) ? null : rename is null ? name[prefix.Length..] : rename(name[prefix.Length..]));
        _weights.Add(weights);
        weights.RequireFinite();
        return weights;
    }

    /// <summary>The recorded outputs, as fp32 or as the integers or doubles they are.</summary>
    public IEnumerable<(string Name, Tensor Expected)> Outputs()
    {
        using var outputs = Open("outputs");
        foreach (var name in outputs.Names.ToList()) yield return (name, outputs.Get(name, StoredType(outputs, name), outputs.ShapeOf(name)));
    }

    /// <summary>One recorded output: where a reference run's own intermediate is the next step's input.</summary>
    public Tensor Recorded(string name)
    {
        using var outputs = Open("outputs");
        return outputs.Get(name, StoredType(outputs, name), outputs.ShapeOf(name)).Clone();
    }

    public bool IsRecorded(string name)
    {
        using var outputs = Open("outputs");
        return outputs.Has(name);
    }

    /// <summary>Hands over a result.</summary>
    public void Made(string name, Tensor result)
    {
        if (_made.Remove(name, out var earlier)) earlier.Dispose();
        _made[name] = result.Clone().Own();
    }

    public void Dispose()
    {
        foreach (var tensor in _inputs.Values.Concat(_made.Values)) tensor.Dispose();
        foreach (var weights in _weights) weights.Dispose();
        _config.Dispose();
    }

    Weights Open(string file) => Torch.Weights.Open(Path.Combine(Folder, file + ".safetensors"), DType.F32, Device.Cpu);

    static DType StoredType(Weights weights, string name) => weights.TypeOf(name) is DType.F64 ? DType.F64 : DType.F32;
}
