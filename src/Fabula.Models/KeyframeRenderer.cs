// MovieDreamer's renderer: picture tokens to a picture, by diffusion. Beside the tokens its cross-attention sees the script's sentences and
// the vectors of who is there, which bring back the faces that two tokens cannot hold.
//
// Paper: "MovieDreamer" (2024), sections 3.2 and 3.4, appendix A ("ID-preserving Rendering"): 2 tokens, up to 15 sentences and 5
// identities, two layers for each kind, zeros where one is missing, every row masked with probability 0.2 in training. The same network is
// the tokenizer's plain decoder: there sentences and identities are all missing.
// The decoder is a WanTransformer over one frame (PoolsText, AnswersClean). Its pooled row is the mean over all rows; as every place among
// the picture tokens has a linear map of its own, that is the linear map of the concatenated tokens which the paper gives to SDXL as pooled
// text.
//
// Shapes: B pictures; z, h, w of their latents; n tokens of width d; R = n + 15 + 5 rows of width C.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>What the decoder sees of pictures: rows [B, R, C], and a draft [B, 4 + z, h, w] where it takes one.</summary>
public sealed record KeyframeView(Tensor Rows, Tensor? Draft)
{
    /// <summary>Of one picture.</summary>
    public KeyframeView Of(int picture) => new(Rows.Narrow(0, picture, 1), Draft?.Narrow(0, picture, 1));
}

public sealed class KeyframeRenderer
{
    readonly KeyframeTokenizerConfig _config;
    readonly Linear[] _tokens;
    readonly TwoLayers _sentence, _identity;
    readonly WanTransformer _decoder;
    readonly KeyframeSketch? _sketch;

    public KeyframeRenderer(KeyframeTokenizerConfig config, Weights weights)
    {
        _config = config;
        _tokens = [.. Enumerable.Range(0, config.Tokens).Select(i => new Linear(weights["tokens"][i], config.TokenDim, config.ContextDim))];
        _sentence = new TwoLayers(weights["sentence"], config.SentenceDim, config.ContextDim, config.ContextDim);
        _identity = new TwoLayers(weights["identity"], config.IdentityDim, config.ContextDim, config.ContextDim);
        _decoder = new WanTransformer(Decoder(config), weights["decoder"]);
        if (config.Drafts) _sketch = new KeyframeSketch(config, weights["sketch"]);
    }

    /// <summary>The decoder that goes with a tokenizer: the pocket video model's shape without what clips need.</summary>
    public static WanConfig Decoder(KeyframeTokenizerConfig config) => new()
    {
        Dim = config.Dim,
        FfnDim = config.FfnDim,
        Heads = config.Heads,
        Layers = config.DecoderLayers,
        InDim = config.Drafts ? 2 * config.Channels + 4 : config.Channels,
        OutDim = config.Channels,
        Patch = (1, config.Patch, config.Patch),
        FreqDim = 128,
        TextDim = config.ContextDim,
        TextLen = config.ContextRows,
        LearnedPositions = (config.Rows / config.Patch, config.Columns / config.Patch),
        AnswersClean = true,
        PoolsText = true,
        TakesDrafts = config.Drafts,
    };

    /// <summary>How much each number of the tokens matters to the sketch, [n, d] (<see cref="KeyframeSketch.Loudness"/>); null without
    /// one.</summary>
    public Tensor? Loudness() => _sketch?.Loudness();

    /// <summary>What tokens [B, n, d] say of pictures by one look, [B, z, h, w].</summary>
    /// <param name="seen">[B, R]: a token is left out where it is 0; null: none is.</param>
    /// <exception cref="InvalidOperationException">This renderer takes no drafts.</exception>
    public Tensor Sketch(Tensor tokens, Tensor? seen = null)
    {
        if (_sketch is null) throw new InvalidOperationException("A renderer without drafts makes no sketches.");
        using var scope = TensorScope.Open();
        var shown = seen is null ? tokens : tokens * seen.Narrow(1, 0, _config.Tokens).Unsqueeze(2);
        return scope.Keep(_sketch.Forward(shown).Clone());
    }

    /// <summary>All that the decoder sees: <see cref="Rows"/>, and a draft.</summary>
    /// <param name="drafts">[B, z, h, w], such as people laid on the sketch (<see cref="KeyframeCollage"/>); null: the sketch.</param>
    /// <param name="staging">Where people were laid on each draft, in the order of their identities.</param>
    public KeyframeView View(Tensor tokens, Tensor? sentences = null, Tensor? identities = null, Tensor? seen = null, Tensor? drafts = null,
        IReadOnlyList<IReadOnlyList<StageBox>>? staging = null)
    {
        using var scope = TensorScope.Open();
        var rows = Rows(tokens, sentences, identities, seen);
        if (_sketch is null) return new(scope.Keep(rows), null);
        drafts ??= Sketch(tokens, seen);
        var (batch, places) = ((int)drafts.Size(0), _config.Rows * _config.Columns);
        var mask = new float[batch * 4 * places];
        for (var b = 0; b < batch; b++)
            Conditioning.WriteMask(mask.AsSpan(b * 4 * places, 4 * places), [0.5f, 0.5f, 0.5f, 0.5f], 0, 1, _config.Rows, _config.Columns,
                staging?[b] ?? []);
        var told = Tensor.From(mask, batch, 4, _config.Rows, _config.Columns).To(drafts.Device);
        return new(scope.Keep(rows), scope.Keep(Tensor.Cat(1, told, drafts)));
    }

    /// <summary>What the decoder's cross-attention sees, [B, R, C].</summary>
    /// <param name="tokens">[B, n, d].</param>
    /// <param name="sentences">[B, s, SentenceDim], s at most 15; null: none.</param>
    /// <param name="identities">[B, c, IdentityDim], c at most 5; null: none.</param>
    /// <param name="seen">[B, R]: 0 for a row that is missing in its picture, or masked; null: all that is given is there.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, or there are too many.</exception>
    public Tensor Rows(Tensor tokens, Tensor? sentences = null, Tensor? identities = null, Tensor? seen = null)
    {
        using var scope = TensorScope.Open();
        var batch = tokens.Shaped("Tokens", -1, _config.Tokens, _config.TokenDim).Size(0);
        Tensor Padded(Tensor? vectors, string what, int most, int width, TwoLayers layers)
        {
            if (vectors is null) return Tensor.Zeros([batch, most, _config.ContextDim], DType.F32, tokens.Device);
            if (vectors.Shaped(what, batch, -1, width).Size(1) > most)
                throw new ArgumentException($"{what}: {vectors.Size(1)} are given; this renderer takes {most}.");
            return layers.Forward(vectors).Float().Pad([0, 0, 0, most - vectors.Size(1)]);
        }
        var rows = Tensor.Cat(1,
            [
                .. _tokens.Select((place, i) => place.Forward(tokens.Narrow(1, i, 1)).Float()),
                Padded(sentences, "Sentences", _config.Sentences, _config.SentenceDim, _sentence),
                Padded(identities, "Identities", _config.Identities, _config.IdentityDim, _identity),
            ]);
        return scope.Keep(seen is null ? rows : rows * seen.Shaped("Masks", batch, _config.ContextRows).Unsqueeze(2));
    }

    /// <summary>The velocity noise - clean of noisy latents, each at a noise level of its own.</summary>
    /// <param name="noisy">[B, z, h, w].</param>
    /// <param name="sigmas">Per picture, 0 clean to 1 noise.</param>
    /// <param name="rows">[B, R, C].</param>
    /// <param name="draft">[B, 4 + z, h, w], where this renderer takes drafts; null: nothing is known.</param>
    /// <returns>[B, z, h, w].</returns>
    public Tensor Velocity(Tensor noisy, double[] sigmas, Tensor rows, Tensor? draft = null)
    {
        using var scope = TensorScope.Open();
        noisy.Shaped("Latents", sigmas.Length, _config.Channels, _config.Rows, _config.Columns);
        rows.Shaped("Rows", sigmas.Length, _config.ContextRows, _config.ContextDim);
        using var rotation = _decoder.Rotate([0], _config.Rows / _config.Patch, _config.Columns / _config.Patch);
        using var prompt = _decoder.Prepare([.. Enumerable.Range(0, sigmas.Length).Select(b => rows.Select(0, b))]);
        using var time = _decoder.Modulate(WanTime.Each([.. sigmas.Select(sigma => sigma * 1000)]));
        var input = Conditioned(noisy, draft).Unsqueeze(2);
        return scope.Keep(_decoder.Forward(input, time, prompt, rotation).Squeeze(2));
    }

    Tensor Conditioned(Tensor noisy, Tensor? draft)
    {
        if (!_config.Drafts) return noisy;
        return Tensor.Cat(1, noisy, draft ?? Nothing(noisy.Size(0), noisy.Device));
    }

    Tensor Nothing(long batch, Device device) =>
        Tensor.Zeros([batch, 4 + _config.Channels, _config.Rows, _config.Columns], DType.F32, device);

    /// <summary>A picture from noise [z, h, w], rows [R, C] and a draft [4 + z, h, w]; [z, h, w].</summary>
    /// <param name="draftTrust">How much more than the network would the picture keeps of its draft (<see cref="ShotRequest.DraftTrust"/>).
    /// </param>
    public Tensor Render(Tensor noise, Tensor rows, Schedule schedule, Tensor? draft = null, double draftTrust = 0)
    {
        using var scope = TensorScope.Open();
        var shot = new WanShot
        {
            Schedule = schedule,
            Noise = noise.Unsqueeze(0).Unsqueeze(2),
            Prompt = rows,
            NegativePrompt = rows,
            DraftTrust = draftTrust,
            Condition = _config.Drafts ? (draft?.Unsqueeze(0) ?? Nothing(1, noise.Device)).Unsqueeze(2) : null,
        };
        SolverState? last = null;
        foreach (var state in new WanSampler(new WanExpert(_decoder, Guidance: 1)).Sample(shot)) last = state;
        using (last) return scope.Keep(last!.Latents.Squeeze(0).Squeeze(1).Clone());
    }
}
