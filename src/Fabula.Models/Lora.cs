// LoRA: low-rank additions to the weights of a trained network, W + B A * scale. "LoRA: Low-Rank Adaptation of Large Language Models"
// (Hu et al. 2021); rank-stabilized scale: "A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA" (Kalajdzievski 2023).
// File formats: huggingface/peft @ 5d602fd (names and scale); kohya and diffusers names as users' files have them.
// Parity: the recorded reference "lora_merge".
using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>How the strength of a pair follows from its rank r: alpha / r or, rank-stabilized, alpha / sqrt(r).</summary>
/// <param name="Alpha">Above 0; null takes alpha = r.</param>
public sealed record LoraScaling(double? Alpha, bool RankStabilized)
{
    /// <summary>StoryMem's memory adapters; their files do not say it.</summary>
    public static readonly LoraScaling StoryMem = new(128, RankStabilized: true);

    public double Of(long rank) => (Alpha ?? rank) / (RankStabilized ? Math.Sqrt(rank) : rank);
}

/// <summary>One addition: B A * Scale to the weight that the file calls <paramref name="Target"/>. A [r, in...], B [out, r].</summary>
public sealed record LoraPair(string Target, Tensor A, Tensor B, double Scale)
{
    /// <summary>The addition to the weight, [out, in...], in A's type.</summary>
    public Tensor Delta() => B.Flatten(1).Matmul(A.Flatten(1)) * Scale;
}

/// <summary>What became of a file's tensors: weights that were changed, by our names, and the file's names that fit no weight.</summary>
public sealed record LoraReport(IReadOnlyList<string> Matched, IReadOnlyList<string> Unmatched)
{
    public override string ToString() => Unmatched.Count == 0 ? $"{Matched.Count} weights changed."
        : $"{Matched.Count} weights changed; {Unmatched.Count} entries of the file fit nothing here, such as '{Unmatched[0]}'.";
}

/// <summary>
/// An adapter file, for weights that are open but not yet built into a model: <see cref="Merge"/> changes them, <see cref="Attach"/>
/// keeps the pairs apart. Must outlive the building of the model (Merge) or the model itself (Attach).
/// </summary>
public sealed class Lora : IDisposable
{
    static readonly string[] Prefixes =
    [
        "base_model.model.", "model.diffusion_model.", "diffusion_model.", "transformer_2.", "transformer.",
        "lora_unet_", "lora_transformer_",
    ];
    // How a name ends, and what it then is.
    static readonly (string Ending, Role Role)[] Endings =
    [
        (".lora_A.weight", Role.A), (".lora_A.default.weight", Role.A), (".lora_down.weight", Role.A), (".lora.down.weight", Role.A),
        (".lora_B.weight", Role.B), (".lora_B.default.weight", Role.B), (".lora_up.weight", Role.B), (".lora.up.weight", Role.B),
        (".alpha", Role.Alpha), (".diff", Role.Difference), (".diff_b", Role.BiasDifference),
    ];

    readonly Weights _file;
    readonly List<Tensor> _own = [];
    readonly List<(string Target, string Name, bool Bias)> _differences = [];
    readonly List<string> _unknown = [];
    bool _ownsFile;

    /// <summary>The pairs in the file, by its own names.</summary>
    public IReadOnlyList<LoraPair> Pairs { get; }

    /// <summary>Opens an adapter: a file, or a folder as PEFT and diffusers save it.</summary>
    /// <param name="scaling">
    /// Counts before all else. Without it: the alpha stored beside each pair, else adapter_config.json beside the file, else alpha = r.
    /// </param>
    /// <exception cref="CheckpointException">
    /// No adapter, a pair that is not whole, or a kind of adapter that Fabula does not have.
    /// </exception>
    public static Lora Open(string path, LoraScaling? scaling = null)
    {
        if (Directory.Exists(path))
        {
            string[] names = ["adapter_model.safetensors", "pytorch_lora_weights.safetensors", "adapter_model.bin"];
            path = names.Select(name => Path.Combine(path, name)).FirstOrDefault(File.Exists)
                ?? throw new CheckpointException(path, null, $"holds no adapter (looked for {string.Join(", ", names)})");
        }
        var file = Weights.Open(path, DType.F32, Device.Cpu);
        try
        {
            return new Lora(file, scaling, AdapterConfig(path)) { _ownsFile = true };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>An adapter over weights that somebody else keeps.</summary>
    /// <param name="otherwise">The scaling where neither <paramref name="scaling"/> nor the pair itself says one.</param>
    public Lora(Weights file, LoraScaling? scaling = null, LoraScaling? otherwise = null)
    {
        _file = file;
        if (scaling?.Alpha is { } given && !(given > 0 && double.IsFinite(given)))
            throw new ArgumentException($"A LoRA's alpha is above 0, not {given}.");
        using var scope = TensorScope.Open();
        var found = new SortedDictionary<string, Dictionary<Role, string>>(StringComparer.Ordinal);
        foreach (var name in file.Names.ToList())
        {
            if (name.EndsWith(".dora_scale", StringComparison.Ordinal) || name.Contains(".lora_magnitude_vector", StringComparison.Ordinal))
                throw new CheckpointException(file.Source, name, "makes this a DoRA adapter, which Fabula does not have; use a plain LoRA");
            var (ending, role) = Endings.FirstOrDefault(e => name.EndsWith(e.Ending, StringComparison.Ordinal));
            if (ending is null)
            {
                _unknown.Add(name);
                continue;
            }
            var target = name[..^ending.Length];
            if (!found.TryGetValue(target, out var roles)) found[target] = roles = [];
            if (!roles.TryAdd(role, name)) throw new CheckpointException(file.Source, name,
                $"says the same as '{roles[role]}'; remove one");
        }
        var pairs = new List<LoraPair>();
        foreach (var (target, roles) in found)
        {
            if (roles.TryGetValue(Role.Difference, out var difference)) _differences.Add((target, difference, false));
            if (roles.TryGetValue(Role.BiasDifference, out difference)) _differences.Add((target, difference, true));
            var (hasA, hasB) = (roles.TryGetValue(Role.A, out var a), roles.TryGetValue(Role.B, out var b));
            if (hasA != hasB) throw new CheckpointException(file.Source, a ?? b,
                $"has no {(hasA ? "B (up)" : "A (down)")} matrix beside it; the file is incomplete, download it again");
            if (hasA) pairs.Add(Pair(target, a!, b!, roles.GetValueOrDefault(Role.Alpha), scaling, otherwise));
            else if (roles.Count == 1 && roles.TryGetValue(Role.Alpha, out var alone)) _unknown.Add(alone);
        }
        if (pairs.Count == 0 && _differences.Count == 0)
            throw new CheckpointException(file.Source, null,
                "holds no LoRA: no tensor is named like lora_A and lora_B, or lora_down and lora_up");
        Pairs = pairs;
    }

    enum Role { A, B, Alpha, Difference, BiasDifference }

    /// <summary>Adds the pairs to the weights as they are loaded; a model built afterwards costs nothing more to run.</summary>
    /// <param name="strength">Times each pair's own scale; 0 changes nothing, negative values push away.</param>
    /// <exception cref="CheckpointException">
    /// Nothing in the file fits these weights, or a pair fits a weight by name but not by shape.
    /// </exception>
    public LoraReport Merge(Weights into, double strength = 1)
    {
        var (fitting, report) = Match(into);
        foreach (var (pair, weight) in fitting)
            into.Patch(weight + ".weight", w => w + (pair.Delta() * strength).Reshape(w.Shape));
        MergeDifferences(into, strength);
        return report;
    }

    /// <summary>Hands the pairs to the linear layers, which add them at run time; the weights stay as they are.</summary>
    /// <inheritdoc cref="Merge"/>
    public LoraReport Attach(Weights to, double strength = 1)
    {
        var (fitting, report) = Match(to);
        foreach (var (pair, weight) in fitting)
        {
            if (pair.A.Dims != 2) throw new CheckpointException(_file.Source, pair.Target,
                "belongs to a convolution, which cannot take it at run time; merge it");
            to.Attach(weight, new LowRank(Keep(pair.A.To(to.DType, to.Device)), Keep(pair.B.Flatten(1).To(to.DType, to.Device)),
                pair.Scale * strength));
        }
        MergeDifferences(to, strength);
        return report;
    }

    public void Dispose()
    {
        foreach (var tensor in _own) tensor.Dispose();
        if (_ownsFile) _file.Dispose();
    }

    Tensor Keep(Tensor tensor)
    {
        _own.Add(tensor.Share().Own());
        return _own[^1];
    }

    LoraPair Pair(string target, string a, string b, string? alpha, LoraScaling? scaling, LoraScaling? otherwise)
    {
        var (down, up) = (_file.ShapeOf(a), _file.ShapeOf(b));
        if (down.Length < 2 || up.Length < 2 || down[0] < 1 || up.Skip(2).Any(size => size != 1))
            throw new CheckpointException(_file.Source, a,
                $"and its B, [{string.Join(", ", down)}] and [{string.Join(", ", up)}], are no low-rank pair");
        if (down[0] != up[1])
            throw new CheckpointException(_file.Source, a, $"has rank {down[0]} where its B has {up[1]}; they do not belong together");
        var stored = alpha is null ? (double?)null : _file.Get(alpha, _file.ShapeOf(alpha)) is { Count: 1 } number ? number.Item()
            : throw new CheckpointException(_file.Source, alpha, "is not one number");
        if (stored is { } value && !(value > 0 && double.IsFinite(value)))
            throw new CheckpointException(_file.Source, alpha, $"is {value}; an alpha is above 0");
        var rule = scaling ?? (stored is null ? otherwise ?? new LoraScaling(null, false)
            : new LoraScaling(stored, otherwise?.RankStabilized ?? false));
        return new LoraPair(target, _file.Get(a, down), _file.Get(b, up), rule.Of(down[0]));
    }

    /// <summary>Pairs with the weights they change; everything is checked before anything is changed.</summary>
    (List<(LoraPair, string)> Fitting, LoraReport Report) Match(Weights weights)
    {
        var names = TargetNames(weights);
        var (fitting, unmatched) = (new List<(LoraPair, string)>(), new List<string>(_unknown));
        var matched = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var pair in Pairs)
        {
            if (Find(pair.Target, names) is not { } weight)
            {
                unmatched.Add(pair.Target);
                continue;
            }
            var shape = weights.ShapeOf(weight + ".weight");
            var (rows, columns) = (pair.B.Size(0), pair.A.Count / pair.A.Size(0));
            if (shape.Length < 2 || rows != shape[0] || columns != shape[1..].Aggregate(1L, (x, y) => x * y))
                throw new CheckpointException(_file.Source, pair.Target, $"changes a weight of {rows} by {columns}, but "
                    + $"'{weight}.weight' is [{string.Join(", ", shape)}]: the adapter is for a model of another size");
            if (!matched.Add(weight + ".weight")) throw new CheckpointException(_file.Source, pair.Target,
                $"changes '{weight}.weight' a second time");
            fitting.Add((pair, weight));
        }
        foreach (var (target, name, bias) in _differences)
        {
            if (Find(target, names) is not { } found || !weights.Has(Named(found, bias))) unmatched.Add(name);
            else if (!weights.ShapeOf(Named(found, bias)).AsSpan().SequenceEqual(_file.ShapeOf(name)))
                throw new CheckpointException(_file.Source, name,
                    $"has another shape than '{Named(found, bias)}': the adapter is for a model of another size");
            else matched.Add(Named(found, bias));
        }
        if (matched.Count == 0) throw new CheckpointException(_file.Source, null,
            $"fits nothing in {weights.Source}: it changes '{unmatched[0]}' and "
            + $"{unmatched.Count - 1} others, and none of them is there; it was made for another model");
        return (fitting, new LoraReport([.. matched], unmatched));
    }

    void MergeDifferences(Weights weights, double strength)
    {
        var names = TargetNames(weights);
        foreach (var (target, name, bias) in _differences)
            if (Find(target, names) is { } found && weights.Has(Named(found, bias)))
                weights.Patch(Named(found, bias), w => w + _file.Get(name, _file.ShapeOf(name)) * strength);
    }

    static string Named(string layer, bool bias) => layer + (bias ? ".bias" : ".weight");

    /// <summary>
    /// Every way in which a file may name a layer of ours: our name, diffusers', and kohya's, which has underscores for dots.
    /// </summary>
    static Dictionary<string, string> TargetNames(Weights weights)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in weights.Names.Where(name => name.EndsWith(".weight", StringComparison.Ordinal)))
        {
            var layer = name[..^".weight".Length];
            foreach (var alias in new[] { layer, WanNames.Transformer.ToDiffusers(name)?[..^".weight".Length] })
            {
                if (alias is null) continue;
                names.TryAdd(alias, layer);
                names.TryAdd(alias.Replace('.', '_'), layer);
            }
        }
        return names;
    }

    static string? Find(string target, Dictionary<string, string> names)
    {
        while (true)
        {
            if (names.TryGetValue(target, out var layer)) return layer;
            if (Prefixes.FirstOrDefault(prefix => target.StartsWith(prefix, StringComparison.Ordinal)) is not { } prefix) return null;
            target = target[prefix.Length..];
        }
    }

    /// <summary>What PEFT wrote beside the file, or null.</summary>
    static LoraScaling? AdapterConfig(string path)
    {
        var file = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "adapter_config.json");
        if (!File.Exists(file)) return null;
        using var json = SmallJson.Read(file);
        var root = json.RootElement;
        if (root.TryGetProperty("use_dora", out var dora) && dora.ValueKind == JsonValueKind.True)
            throw new CheckpointException(file, null, "describes a DoRA adapter, which Fabula does not have; use a plain LoRA");
        if (root.TryGetProperty("alpha_pattern", out var pattern) && pattern.ValueKind == JsonValueKind.Object
            && pattern.EnumerateObject().Any())
            throw new CheckpointException(file, null, "gives layers alphas of their own (alpha_pattern), which Fabula does not read");
        if (!root.TryGetProperty("lora_alpha", out var alpha)) return null;
        if (alpha.ValueKind != JsonValueKind.Number || !alpha.TryGetDouble(out var value) || !(value > 0 && double.IsFinite(value)))
            throw new CheckpointException(file, null, "has a 'lora_alpha' that is no number above 0");
        return new LoraScaling(value, root.TryGetProperty("use_rslora", out var stable) && stable.ValueKind == JsonValueKind.True);
    }
}
