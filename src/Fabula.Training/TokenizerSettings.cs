// The stages and the numbers of TokenizerRecipe.cs.
using System.Text.Json.Nodes;
using Fabula.Models;

namespace Fabula.Training;

/// <summary>What is taught for a part of the steps, and what the decoder sees meanwhile.</summary>
/// <param name="Share">Of all steps.</param>
/// <param name="Tokens">The decoder sees the picture tokens.</param>
/// <param name="Script">It sees sentences and identities.</param>
/// <param name="Sketch">The compressor learns with the sketch, and there is no decoder yet.</param>
public sealed record TokenizerStage(string Name, double Share, bool Compressor, bool Decoder, bool Tokens, bool Script, bool Sketch = false)
{
    /// <summary>Compressor to both as 20k to 100k; the shares of the first and the last are ours, since the paper has none.</summary>
    public static readonly TokenizerStage[] All =
    [
        new("decoder", 0.25, Compressor: false, Decoder: true, Tokens: false, Script: true),
        new("compressor", 0.5 / 6, Compressor: true, Decoder: false, Tokens: true, Script: false),
        new("both", 2.5 / 6, Compressor: true, Decoder: true, Tokens: true, Script: false),
        new("renderer", 0.25, Compressor: false, Decoder: true, Tokens: true, Script: true),
    ];

    /// <summary>For a decoder that begins as a model that knows pictures, as the paper's does: without the first stage.</summary>
    public static readonly TokenizerStage[] OnPictures =
        [All[1] with { Share = 0.1 }, All[2] with { Share = 0.5 }, All[3] with { Share = 0.4 }];

    /// <summary>With a sketch: tokens are learned with it, and stand while the decoder learns.</summary>
    public static readonly TokenizerStage[] OnSketches =
    [
        new("sketch", 0.6, Compressor: true, Decoder: false, Tokens: true, Script: false, Sketch: true),
        All[3] with { Share = 0.4 },
    ];

    /// <summary>
    /// The maps from tokens to rows and the linear sketch are new in both of the paper's networks, so they learn with either half.
    /// </summary>
    public bool Teaches(string name) => name.StartsWith("compressor.", StringComparison.Ordinal) ? Compressor && (Sketch
            || !(name.StartsWith("compressor.straight.", StringComparison.Ordinal)
                || name.StartsWith("compressor.patches.", StringComparison.Ordinal)))
        : name.StartsWith("renderer.sketch.", StringComparison.Ordinal) ? Tokens && (Sketch || Compressor)
        : !Sketch && (Decoder || name.StartsWith("renderer.tokens.", StringComparison.Ordinal));
}

/// <param name="Batch">Pictures per process and step.</param>
/// <param name="NoiseOffset">Deviation of noise that is the same all over a channel (the paper's 0.05).</param>
/// <param name="Masking">How often a row of the renderer's is hidden (the paper's 0.2).</param>
/// <param name="Alone">How often the renderer sees the tokens and nothing else, so that it stays a plain decoder too.</param>
/// <param name="TokenNoise">Deviation of noise on the renderer's tokens in every second step, as a planner's are not perfect.</param>
/// <param name="FigureWeight">How much more a latent that shows people counts, as in VideoRecipe.cs.</param>
/// <param name="Laid">How often, where the renderer sees a script, people are laid on its draft.</param>
/// <param name="Plates">How often the draft's ground is then a picture of the empty place instead of the sketch.</param>
public sealed record TokenizerSettings(int Steps = 8000, int Batch = 24, double NoiseOffset = 0.05, double Masking = 0.2,
    double Alone = 0.2, double TokenNoise = 0.2, double FigureWeight = 4, double Laid = 0.8, double Plates = 0.25, ulong Seed = 3)
{
    public Pace Pace { get; init; } = new(Matrices: 0.02, Others: 2e-3, Warmup: 60, DecayFrom: 0.35, EmaDecay: 0.998, WeightDecay: 0.02);
    public KeyframeTokenizerConfig Network { get; init; } = new();
    public Rhythm Rhythm { get; init; } = new();

    /// <summary>Updates of the decoder after a sketch; 0: as many as its share of all steps.</summary>
    public int DecoderSteps { get; init; }

    public int StepsOf(TokenizerStage stage) => DecoderSteps > 0 && stage.Script && Network.SketchBlocks > 0 ? DecoderSteps
        : Math.Max(1, (int)Math.Round(Steps * stage.Share));

    public JsonObject ToJson(TokenizerStage stage, int crew) => new()
    {
        ["recipe"] = "tokenizer 2",
        ["stage"] = stage.Name,
        ["steps"] = StepsOf(stage),
        ["batch"] = Batch,
        ["noise_offset"] = NoiseOffset,
        ["masking"] = Masking,
        ["alone"] = Alone,
        ["token_noise"] = TokenNoise,
        ["figure_weight"] = FigureWeight,
        ["laid"] = Laid,
        ["plates"] = Plates,
        ["seed"] = Seed,
        ["processes"] = crew,
        ["tokens"] = Network.Tokens,
        ["token_dim"] = Network.TokenDim,
        ["dim"] = Network.Dim,
        ["drafts"] = Network.Drafts,
        ["sketch_blocks"] = Network.SketchBlocks,
        ["pace"] = Pace.ToJson(),
    };
}
