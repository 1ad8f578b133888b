// A recorded reference: config.json (exact constructor arguments), weights, inputs and outputs as safetensors files in one folder.
using System.Globalization;
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
        if (!File.Exists(path) && !Directory.Exists(path)) throw new CheckpointException(path, null,
            "does not exist; a recorded reference has config.json, inputs.safetensors and outputs.safetensors");
        _config = SmallJson.Read(path);
        try
        {
            using var inputs = Open("inputs");
            inputs.RequireFinite();
            foreach (var name in inputs.Names)
                _inputs[name] = inputs.Get(name, StoredType(inputs, name), inputs.ShapeOf(name)).Clone().Own();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Folder { get; }
    public DType Type { get; }
    public Device Device { get; }
    public JsonElement Config => _config.RootElement;
    public IReadOnlyDictionary<string, Tensor> Results => _made;

    /// <summary>An input by name, as recorded.</summary>
    public Tensor Input(string name) => _inputs.TryGetValue(name, out var tensor) ? tensor
        : throw new CheckpointException(Path.Combine(Folder, "inputs.safetensors"), name, "is missing");

    /// <summary>As <see cref="Input(string)"/>, of this shape; -1 stands for any extent above 0.</summary>
    /// <exception cref="CheckpointException">It is missing or has another shape.</exception>
    public Tensor Input(string name, params long[] shape)
    {
        var tensor = Input(name);
        return Fits(tensor.Shape, shape) ? tensor : throw Wrong(name, $"has shape [{string.Join(", ", tensor.Shape)}] where "
            + $"[{string.Join(", ", shape.Select(n => n < 0 ? "any" : n.ToString(CultureInfo.InvariantCulture)))}] is wanted");
    }

    /// <summary>As <see cref="Input(string, long[])"/>, with fractions: whole numbers are refused.</summary>
    public Tensor Numbers(string name, params long[] shape) => Input(name, shape) is var tensor && tensor.DType.IsFloat() ? tensor
        : throw Wrong(name, $"holds {tensor.DType} where fractions (F32) are wanted");

    /// <summary>What is wrong with an input, as the error that names it.</summary>
    public CheckpointException Wrong(string input, string fault) => new(Path.Combine(Folder, "inputs.safetensors"), input, fault);

    static bool Fits(long[] shape, long[] wanted) =>
        shape.Length == wanted.Length && shape.Zip(wanted).All(pair => pair.Second < 0 ? pair.First > 0 : pair.First == pair.Second);

    public bool HasInput(string name) => _inputs.ContainsKey(name);

    /// <summary>Inputs name.0, name.1, ... in order.</summary>
    public IReadOnlyList<Tensor> Inputs(string name) =>
        [.. Enumerable.Range(0, int.MaxValue).TakeWhile(i => HasInput($"{name}.{i}")).Select(i => Input($"{name}.{i}"))];

    /// <summary>The network's weights, freed with the fixture.</summary>
    /// <param name="prefix">For files with several networks: only names that begin with it, without it.</param>
    public Weights Weights(string prefix = "", Func<string, string?>? rename = null)
    {
        var weights = Torch.Weights.Open(Path.Combine(Folder, "weights.safetensors"), Type, Device,
            name => !name.StartsWith(prefix, StringComparison.Ordinal) ? null : rename is null ? name[prefix.Length..]
                : rename(name[prefix.Length..]));
        _weights.Add(weights);
        weights.RequireFinite();
        return weights;
    }

    /// <summary>The recorded outputs, as fp32 or as the integers or doubles they are.</summary>
    public IEnumerable<(string Name, Tensor Expected)> Outputs()
    {
        using var outputs = Open("outputs");
        foreach (var name in outputs.Names.ToList()) yield return (name,
            outputs.Get(name, StoredType(outputs, name), outputs.ShapeOf(name)));
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

    static DType StoredType(Weights weights, string name) =>
        weights.TypeOf(name) is var type && type != DType.F64 && type.IsFloat() ? DType.F32 : type;
}
