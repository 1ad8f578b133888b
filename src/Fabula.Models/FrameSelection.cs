// Which frames of all earlier shots a new shot should look at: learned queries read its caption, then the film so far, and say of every
// frame how relevant it is.
//
// Paper: "OneStory: Coherent Multi-Shot Video Generation with Adaptive Memory" (arXiv 2512.07802), section 4.2. There is no public code;
// the tests are tests/Fabula.Models.Tests/FrameSelectionTests.cs. Its equations, with the paper's letters:
//   M1 = phi_V(M)          every frame's latents to a few tokens, by convolutions
//   Q1 = Attn(Q, phi_T(t)) learned queries attend to the caption,
//   Q2 = Attn(Q1, M1)      then to the tokens of all frames
//   s  = mean over queries of phi_P(M1) Q2^T, one number per frame; the K best are the memory of this shot.
// What the paper leaves open is an option of FrameSelectionConfig, or one of these: keys and values are the projected rows themselves, as
// the equations have them, with projections for queries and answers only, so that memory is projected once and kept; a query keeps what
// it was (residual), or all would end as the same mean of the film; the product is a cosine, since its targets are cosines (A.2).
// The choice of the best is hard: the selector learns from its own loss, and nothing flows back through the choice.
//
// Shapes: B shots to score for; F earlier latent frames; z latent channels; h, w latent rows, columns; n tokens of a frame; m queries; D.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>Which frames a shot remembers: the selector's, or what the paper compares it with (table 2).</summary>
public enum FrameChoice
{
    Selected,
    /// <summary>The newest frames; with one of them kept, the last frame of the film so far.</summary>
    Newest,
    /// <summary>Frames at equal distances over the film so far.</summary>
    Even,
}

/// <summary>The selector's sizes. The paper gives none of the numbers; each says why it is what it is.</summary>
/// <param name="Channels">z: the VAE's.</param>
/// <param name="TextDim">The text encoder's rows.</param>
/// <param name="Dim">D. The paper takes the video model's width.</param>
public sealed record FrameSelectionConfig(int Channels, int TextDim, int Dim)
{
    /// <summary>m. Enough for the people of a shot, its place and a spare one.</summary>
    public int Queries { get; init; } = 4;
    /// <summary>Heads of both attentions; each query can look at as many things at once.</summary>
    public int Heads { get; init; } = 4;
    /// <summary>
    /// phi_V: the sides of two convolutions, kernel and stride alike, with a GELU between. 4 and 2 make one token of 8 x 8 latents, which
    /// are 64 x 64 pixels: 8 tokens for a frame of 16 x 28 latents, 104 for one of 60 x 104.
    /// </summary>
    public (int First, int Second) Kernels { get; init; } = (4, 2);
    /// <summary>Channels between the two convolutions: a quarter of the numbers of a 4 x 4 block of 16-channel latents.</summary>
    public int Hidden { get; init; } = 64;
    /// <summary>
    /// Blocks after the convolutions of phi_V, each one a hidden layer on every token alone, added to it: two products see colours, the
    /// third can see what they say of somebody.
    /// </summary>
    public int Blocks { get; init; }
    /// <summary>K_sel, at most. The paper's figure 4 shows four.</summary>
    public int Kept { get; init; } = 4;
    /// <summary>
    /// Frames that score less are left out, however few are left; the best one always stays. -1, the least there is, leaves out nothing.
    /// </summary>
    public double Least { get; init; } = -1;
    /// <summary>
    /// Frames that score more than this below the best one are left out: a shot in a new place, where nothing scores high, keeps its
    /// people, and a stranger beside the right shot does not stay. 2, the most there is, leaves out nothing.
    /// </summary>
    public double Behind { get; init; } = 2;
    /// <summary>
    /// How much the likeness of a frame to its nearest chosen one (cosine of phi_P) is held against it: 0, as published, takes the best
    /// whatever they show.
    /// </summary>
    public double Spread { get; init; }
    /// <summary>Most frames of one shot; 0, as published, does not ask whose they are.</summary>
    public int PerShot { get; init; }
    /// <summary>What the video model beside it was taught with.</summary>
    public FrameChoice Choice { get; init; }
}

/// <summary>The selector. Weights are borrowed.</summary>
public sealed class FrameSelection
{
    readonly Linear _project0, _project2, _text, _pool0, _pool2;
    readonly (Linear Wide, Linear Back)[] _blocks;
    readonly LayerNorm _projectNorm, _textNorm;
    readonly Tensor _queries;
    readonly QueryAttention _onText, _onMemory;

    public FrameSelectionConfig Config { get; }

    public FrameSelection(FrameSelectionConfig config, Weights weights)
    {
        Config = config;
        var (dim, (first, second)) = (config.Dim, config.Kernels);
        _queries = weights.Get("queries", config.Queries, dim);
        _text = new Linear(weights["text"], config.TextDim, dim);
        _textNorm = new LayerNorm(weights["text_norm"], dim, 1e-6);
        _project0 = new Linear(weights["memory"][0], config.Channels * first * first, config.Hidden);
        _project2 = new Linear(weights["memory"][2], second * second * config.Hidden, dim);
        _blocks = [.. Enumerable.Range(0, config.Blocks).Select(i => weights["memory_blocks"][i])
            .Select(block => (new Linear(block[0], dim, 2 * dim), new Linear(block[2], 2 * dim, dim)))];
        _projectNorm = new LayerNorm(weights["memory_norm"], dim, 1e-6);
        (_pool0, _pool2) = (new Linear(weights["frame"][0], dim, dim), new Linear(weights["frame"][2], dim, dim));
        (_onText, _onMemory) = (new QueryAttention(config, weights["on_text"]), new QueryAttention(config, weights["on_memory"]));
    }

    /// <summary>
    /// Frames to tokens, phi_V: convolutions whose kernel is their stride, as matrix products over unfolded blocks. It depends on nothing
    /// else, so a film projects each shot once and keeps it.
    /// </summary>
    /// <param name="latents">[F, z, h, w].</param>
    /// <returns>[F, n, D] fp32.</returns>
    public Tensor Project(Tensor latents)
    {
        // Some at a time, so that what lies between stays in the processor's caches.
        const long Part = 50;
        using var scope = TensorScope.Open();
        var parts = new List<Tensor>();
        for (long at = 0; at < latents.Size(0); at += Part)
            parts.Add(ProjectPart(latents.Narrow(0, at, Math.Min(Part, latents.Size(0) - at))));
        return scope.Keep(Tensor.Cat(0, [.. parts]));
    }

    Tensor ProjectPart(Tensor latents)
    {
        using var scope = TensorScope.Open();
        var (frames, (first, second)) = (latents.Size(0), Config.Kernels);
        // Zeros, the mean of latents, below and beside the frame where blocks reach beyond it.
        long Beyond(long length) => (length + first * second - 1) / (first * second) * (first * second) - length;
        var x = latents.Pad([0, Beyond(latents.Size(3)), 0, Beyond(latents.Size(2))]);
        var (rows, columns) = (x.Size(2) / first / second, x.Size(3) / first / second);
        x = _project0.ForwardGelu(WanPatchEmbedding.Unfold(x.Unsqueeze(2), (1, first, first)));          // [F, 4 n, hidden]
        x = x.Reshape(frames, rows, second, columns, second, Config.Hidden).Transpose(2, 3)
            .Reshape(frames, rows * columns, second * second * Config.Hidden);
        x = _project2.Forward(x);                                                                        // [F, n, D]
        foreach (var (wide, back) in _blocks) x += back.Forward(wide.ForwardGelu(x));
        return scope.Keep(_projectNorm.Forward(x, DType.F32));
    }

    /// <summary>The relevance of every frame to every shot, -1 to 1.</summary>
    /// <param name="memory">From <see cref="Project"/>: [B, F, n, D], or [1, F, n, D] where all shots are of one film.</param>
    /// <param name="captions">Per shot the text encoder's rows [rows, TextDim], without padding.</param>
    /// <param name="earlier">
    /// Per shot, how many of the F frames come before it: the others are seen by nobody and score minus infinity. Null: all.
    /// </param>
    /// <returns>[B, F] fp32.</returns>
    public Tensor Score(Tensor memory, IReadOnlyList<Tensor> captions, IReadOnlyList<int>? earlier = null)
    {
        using var scope = TensorScope.Open();
        var (batch, frames, tokens, dim) = (captions.Count, memory.Size(1), memory.Size(2), (long)Config.Dim);
        var longest = captions.Max(rows => rows.Size(0));
        var text = Tensor.Stack(0, [.. captions.Select(rows => rows.Float().Pad([0, 0, 0, longest - rows.Size(0)]))]);
        text = _textNorm.Forward(_text.Forward(text), DType.F32);                                        // [B, rows, D]
        var hidden = Hidden([.. captions.Select(rows => (int)rows.Size(0))], (int)longest, 1, text.Device);
        var seen = memory.Expand(batch, frames, tokens, dim).Reshape(batch, frames * tokens, dim);       // [B, F n, D]
        var later = earlier is null ? null : Hidden(earlier, (int)frames, (int)tokens, memory.Device);   // [B, F n]

        var q = _queries.Float().Unsqueeze(0).Expand(batch, Config.Queries, dim);                        // [B, m, D]
        q = _onText.Forward(q, text, hidden);
        q = _onMemory.Forward(q, seen, later);
        var s = Pool(memory).Matmul(Unit(q).Transpose(1, 2)).Mean(2);                                    // [B, F, m] -> [B, F]
        if (earlier is not null) s = s + Hidden(earlier, (int)frames, 1, s.Device);
        return scope.Keep(s);
    }

    /// <summary>phi_P: what each frame shows as a whole, of length 1.</summary>
    /// <param name="memory">[B, F, n, D].</param>
    /// <returns>[B, F, D] fp32.</returns>
    public Tensor Pool(Tensor memory)
    {
        using var scope = TensorScope.Open();
        return scope.Keep(Unit(_pool2.ForwardWide(Fused.GeluTanh(_pool0.ForwardWide(memory.Mean(2))))));
    }

    /// <summary>
    /// The frames that a shot remembers, the most relevant first, by the config: one after the other the best of those that are left, as
    /// far as <see cref="FrameSelectionConfig.Least"/>, Behind, Spread and PerShot allow.
    /// </summary>
    /// <param name="scores">Of one shot, a row of <see cref="Score"/>.</param>
    /// <param name="pooled">[F, D] of <see cref="Pool"/>, row by row; only a spread reads it.</param>
    /// <param name="shots">Per frame the number of its shot; only a limit per shot reads it.</param>
    public static int[] Pick(FrameSelectionConfig config, ReadOnlySpan<float> scores, ReadOnlySpan<float> pooled, IReadOnlyList<int> shots)
    {
        if (config.Choice != FrameChoice.Selected) return Choose(config.Choice, scores, config.Kept);
        var (chosen, dim) = (new List<int>(), config.Dim);
        var nearest = new double[config.Spread > 0 ? scores.Length : 0];
        var least = config.Least;
        while (chosen.Count < config.Kept)
        {
            var (best, worth) = (-1, double.NegativeInfinity);
            for (var f = 0; f < scores.Length; f++)
            {
                if (chosen.Contains(f) || chosen.Count > 0 && scores[f] < least
                    || config.PerShot > 0 && chosen.Count(other => shots[other] == shots[f]) >= config.PerShot) continue;
                var here = scores[f] - (config.Spread > 0 && chosen.Count > 0 ? config.Spread * nearest[f] : 0);
                if (here >= worth && !double.IsNegativeInfinity(here)) (best, worth) = (f, here);
            }
            if (best < 0) break;
            chosen.Add(best);
            if (chosen.Count == 1) least = Math.Max(least, scores[best] - config.Behind);
            for (var f = 0; f < nearest.Length; f++)
            {
                var alike = 0f;
                for (var i = 0; i < dim; i++) alike += pooled[f * dim + i] * pooled[best * dim + i];
                nearest[f] = chosen.Count == 1 ? alike : Math.Max(nearest[f], alike);
            }
        }
        var ranked = scores.ToArray();
        return [.. chosen.OrderByDescending(f => ranked[f]).ThenByDescending(f => f)];
    }

    /// <summary>The best frames, most relevant first; equals go to the newer one. Fewer where fewer come before the shot.</summary>
    /// <param name="scores">Of one shot, a row of <see cref="Score"/>.</param>
    public static int[] Top(ReadOnlySpan<float> scores, int kept)
    {
        var all = scores.ToArray();
        return [.. Enumerable.Range(0, all.Length).Where(i => !float.IsNegativeInfinity(all[i]))
            .OrderByDescending(i => all[i]).ThenByDescending(i => i).Take(kept)];
    }

    /// <summary>Ranked frames by any way of choosing.</summary>
    /// <param name="scores">Of the frames before one shot; only the selector's own choice reads more than their number.</param>
    public static int[] Choose(FrameChoice choice, ReadOnlySpan<float> scores, int kept) => choice switch
    {
        FrameChoice.Newest => Recent(scores.Length, kept),
        FrameChoice.Even => Even(scores.Length, kept),
        _ => Top(scores, kept),
    };

    /// <summary>The newest frames, the last one first.</summary>
    public static int[] Recent(int frames, int kept) => [.. Enumerable.Range(0, Math.Min(frames, kept)).Select(i => frames - 1 - i)];

    /// <summary>Frames at equal distances over the film so far, the last one first.</summary>
    public static int[] Even(int frames, int kept)
    {
        var count = Math.Min(frames, kept);
        return [.. Enumerable.Range(0, count).Select(i => frames - 1 - (int)((long)i * frames / count))];
    }

    /// <summary>[B, count times]: 0, and minus infinity from each shot's own length on.</summary>
    static Tensor Hidden(IReadOnlyList<int> lengths, int count, int times, Device device)
    {
        if (lengths.FirstOrDefault(length => length < 1 || length > count, 1) is var wrong and not 1)
            throw new ArgumentException($"A shot cannot have {wrong} of {count} frames before it; the first shot of a film has no memory.");
        var values = new float[lengths.Count * count * times];
        for (var b = 0; b < lengths.Count; b++)
            values.AsSpan((b * count + lengths[b]) * times, (count - lengths[b]) * times).Fill(float.NegativeInfinity);
        return Tensor.From(values, lengths.Count, (long)count * times).To(device);
    }

    static Tensor Unit(Tensor x) => x / (x.Norm(-1, keep: true) + 1e-6);
}

/// <summary>Queries look at rows that are keys and values at once, and add what they find to themselves.</summary>
sealed class QueryAttention(FrameSelectionConfig config, Weights weights)
{
    readonly LayerNorm _norm = new(weights["norm"], config.Dim, 1e-6);
    readonly Linear _q = new(weights["q"], config.Dim, config.Dim), _o = new(weights["o"], config.Dim, config.Dim);

    /// <summary>q [B, m, D], rows [B, N, D], hidden [B, N] or null -> [B, m, D].</summary>
    public Tensor Forward(Tensor q, Tensor rows, Tensor? hidden)
    {
        Tensor Heads(Tensor x) => x.Reshape(x.Size(0), x.Size(1), config.Heads, config.Dim / config.Heads);
        var (asked, seen) = (Heads(_q.Forward(_norm.Forward(q.Contiguous(), DType.F32)).Float()), Heads(rows));
        var found = Fused.Attention(asked, seen, seen, 1 / Math.Sqrt(config.Dim / (double)config.Heads), hidden);
        return q + _o.Forward(found.Reshape(q.Shape)).Float();
    }
}
