// OneStory's two parts together, beside a video model: what a new shot remembers of all earlier ones.
//
// Paper: "OneStory: Coherent Multi-Shot Video Generation with Adaptive Memory" (arXiv 2512.07802), section 4. FrameSelection.cs says which
// frames matter, AdaptiveConditioner.cs makes tokens of them, WanTransformer.Forward takes these as its context. In a model's folder
// stand onestory.json and onestory.safetensors beside the transformer's own files.
//
// Shapes: z latent channels; F latent frames of all earlier shots; h, w latent rows, columns.
using System.Text.Json;
using System.Text.Json.Nodes;
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>The sizes of both parts.</summary>
public sealed record OneStoryConfig(FrameSelectionConfig Selection, AdaptiveConditionerConfig Conditioner)
{
    public JsonObject ToJson() => new()
    {
        ["channels"] = Selection.Channels,
        ["text_dim"] = Selection.TextDim,
        ["dim"] = Selection.Dim,
        ["queries"] = Selection.Queries,
        ["heads"] = Selection.Heads,
        ["kernels"] = new JsonArray(Selection.Kernels.First, Selection.Kernels.Second),
        ["hidden"] = Selection.Hidden,
        ["blocks"] = Selection.Blocks,
        ["kept"] = Selection.Kept,
        ["least"] = Selection.Least,
        ["behind"] = Selection.Behind,
        ["spread"] = Selection.Spread,
        ["per_shot"] = Selection.PerShot,
        ["choice"] = Selection.Choice.ToString().ToLowerInvariant(),
        ["scales"] = new JsonArray([.. Conditioner.Scales.Select(scale => JsonValue.Create(scale))]),
        ["budget"] = Conditioner.Budget,
        ["story_order"] = Conditioner.Order == ContextOrder.Story,
        ["stride"] = Conditioner.Stride,
        ["timestep"] = Conditioner.Timestep ?? -1,
    };

    static FrameChoice Choice(JsonElement fields) => !fields.TryGetProperty("choice", out var choice) ? FrameChoice.Selected
        : Enum.TryParse<FrameChoice>(choice.ToString(), ignoreCase: true, out var known) && Enum.IsDefined(known) ? known
        : throw new FormatException("onestory.json: 'choice' is not selected, newest or even.");

    /// <summary>A number that older files do not have: 0.</summary>
    static int Count(JsonElement fields, string name, int most) => fields.TryGetProperty(name, out _) ? fields.Int(name, 0, most) : 0;

    /// <summary>The same with what is said instead: some of the fields of onestory.json.</summary>
    /// <exception cref="FormatException">A field that there is not, or a value that it cannot have.</exception>
    public OneStoryConfig With(JsonObject instead)
    {
        var fields = ToJson();
        foreach (var (name, value) in instead)
            fields[name] = fields.ContainsKey(name) ? value?.DeepClone()
                : throw new FormatException($"onestory.json has no '{name}'; it has "
                    + $"{string.Join(", ", fields.Select(field => field.Key))}.");
        using var json = JsonDocument.Parse(fields.ToJsonString());
        return Of(json.RootElement);
    }

    /// <exception cref="CheckpointException">The file is not there, or not such a configuration.</exception>
    public static OneStoryConfig Read(string path)
    {
        using var json = SmallJson.Read(path);
        try { return Of(json.RootElement); }
        catch (FormatException e)
        {
            throw new CheckpointException(path, null, "is no configuration of OneStory: " + e.Message.TrimEnd('.'), e);
        }
    }

    static OneStoryConfig Of(JsonElement fields)
    {
        const int Widest = 16384, Largest = 64;
        if (fields.Ints("kernels") is not [>= 1 and <= Largest and var first, >= 1 and <= Largest and var second])
            throw new FormatException($"onestory.json: 'kernels' is not two numbers from 1 to {Largest}.");
        var scales = fields.Ints("scales");
        if (scales.Length > 8 || scales.Any(scale => scale is < 1 or > Largest))
            throw new FormatException($"onestory.json: 'scales' is not at most 8 numbers from 1 to {Largest}.");
        var selection = new FrameSelectionConfig(fields.Int("channels", 1, 1024), fields.Int("text_dim", 1, Widest),
            fields.Int("dim", 1, Widest))
        {
            Queries = fields.Int("queries", 1, 1024),
            Heads = fields.Int("heads", 1, 512),
            Kernels = (first, second),
            Hidden = fields.Int("hidden", 1, Widest),
            Blocks = Count(fields, "blocks", 64),
            Kept = fields.Int("kept", 1, 4096),
            Least = fields.Double("least", -1),
            Behind = fields.Double("behind", 2),
            Spread = fields.Double("spread", 0),
            PerShot = Count(fields, "per_shot", 4096),
            Choice = Choice(fields),
        };
        if (selection.Dim % selection.Heads != 0)
            throw new FormatException($"onestory.json: {selection.Heads} heads do not share a width of {selection.Dim}.");
        var timestep = fields.Double("timestep", -1);
        return new(selection, new()
        {
            Scales = scales,
            Budget = fields.Int("budget", 1, 64),
            Order = fields.Flag("story_order") ? ContextOrder.Story : ContextOrder.Relevance,
            Stride = fields.Double("stride", 5),
            Timestep = timestep < 0 ? null : timestep,
        });
    }
}

/// <summary>Selector and conditioner of one video model. Weights are borrowed.</summary>
public sealed class OneStory(OneStoryConfig config, WanConfig network, Weights weights)
{
    public const string ConfigFile = "onestory.json", WeightsFile = "onestory.safetensors";

    public FrameSelection Selection { get; } = new(config.Selection, weights["selection"]);
    public AdaptiveConditioner Conditioner { get; } = new(config.Conditioner, network, weights["conditioner"]);

    /// <summary>Those of a model's folder, in the type of its transformer. The caller disposes of the weights.</summary>
    /// <param name="config">In place of the folder's own; null: that.</param>
    /// <exception cref="CheckpointException">They are not there, or do not fit the transformer.</exception>
    public static (OneStory Model, Weights Weights) Open(string folder, WanConfig network, DType type, Device device,
        OneStoryConfig? config = null)
    {
        config ??= OneStoryConfig.Read(Path.Combine(folder, ConfigFile));
        var weights = Weights.Open(Path.Combine(folder, WeightsFile), type, device);
        try
        {
            var model = new OneStory(config, network, weights);
            weights.EnsureAllUsed();
            return (model, weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>The context of a shot, from all latent frames before it. The caller disposes of it.</summary>
    /// <param name="memory">[1, z, F, h, w], in the order of the film.</param>
    /// <param name="caption">The text encoder's rows.</param>
    /// <param name="shots">Per frame the number of its shot.</param>
    /// <param name="projected">[1, F, n, D] of <see cref="FrameSelection.Project"/>, where somebody has kept them.</param>
    /// <returns>The tokens, and which frames they were made of, the most relevant first.</returns>
    public (WanContext Context, IReadOnlyList<ChosenFrame> Chosen) Remember(Tensor memory, Tensor caption, IReadOnlyList<int> shots,
        Tensor? projected = null)
    {
        using var scope = TensorScope.Open();
        projected ??= Selection.Project(memory.Squeeze(0).Transpose(0, 1)).Unsqueeze(0);                 // [1, F, n, D]
        var chosen = Choose(projected, caption, shots, (int)memory.Size(3), (int)memory.Size(4));
        return (Conditioner.Condition(memory, [[.. chosen.Select(frame => frame.Frame)]]), chosen);
    }

    /// <summary>Which frames a shot remembers, the most relevant first; those for which the budget has no room are left out.</summary>
    /// <param name="projected">[1, F, n, D].</param>
    /// <param name="shots">Per frame the number of its shot.</param>
    /// <param name="rows">Latent rows and columns of a frame.</param>
    public IReadOnlyList<ChosenFrame> Choose(Tensor projected, Tensor caption, IReadOnlyList<int> shots, int rows, int columns)
    {
        using var scope = TensorScope.Open();
        var scores = Selection.Score(projected, [caption]).ToFloats();
        var pooled = config.Selection.Spread > 0 ? Selection.Pool(projected).ToFloats() : [];
        var ranked = FrameSelection.Pick(config.Selection, scores, pooled, shots);
        return [.. ranked.Zip(Conditioner.TokensOf(ranked.Length, rows, columns),
            (frame, tokens) => new ChosenFrame(frame, scores[frame], tokens))];
    }
}

/// <summary>A frame that a shot remembers.</summary>
/// <param name="Frame">Its number among all latent frames before the shot.</param>
/// <param name="Score">-1 to 1.</param>
/// <param name="Tokens">How many context tokens it was given.</param>
public readonly record struct ChosenFrame(int Frame, float Score, int Tokens);
