// MovieDreamer's planner: reads a film's script, keyframe after keyframe, and foresees each keyframe's picture tokens, which a renderer
// turns into a picture (KeyframeRenderer.cs). Everything before is seen, so who and what was shown may return as it was.
//
// Paper: "MovieDreamer: Hierarchical Generation for Coherent Long Visual Sequence" (2024), sections 3.3 and appendix A. No code was
// published; nothing here is a port. Decoder: Llama.cs. Head: GaussianMixture.cs.
// A keyframe's rows: <START_OF_FRAME>, then identifiers (a table), sentences (one vector each) and identities (one vector each) as its
// script has them, <END_OF_FRAME>, then its picture tokens, each foreseen by the row before it. Every kind of vector has two layers of its
// own that bring it to the decoder's width. Reference pictures are picture tokens in front of everything, which nothing foresees
// (few-shot).
//
// What the paper does not say and is a choice here: that picture tokens follow <END_OF_FRAME> (its figure 2 can be read so); that e_pred of
// the l1 and l2 losses is the mixture's mean; the number of components; that references are told again when they fall out of the window.
//
// Shapes: B sequences of L rows; D width of the decoder; n picture tokens per keyframe of width d; S sentences, C identities, P picture
// tokens.
using Fabula.Torch;

namespace Fabula.Models;

public sealed record KeyframePlannerConfig
{
    /// <summary>The decoder: no head for words, a vocabulary of identifiers, and a window over which a story slides.</summary>
    public LlamaConfig Decoder { get; init; } = LlamaConfig.Llama2_7B with { Vocabulary = 32002, HasHead = false, Window = 4096 };
    /// <summary>Picture tokens per keyframe (the paper's), and their width (not said).</summary>
    public int Tokens { get; init; } = 2;
    public int TokenDim { get; init; } = 2048;
    /// <summary>Width of a sentence's vector: LongCLIP-L's.</summary>
    public int SentenceDim { get; init; } = 768;
    /// <summary>Width of an identity's vector: FaRL's.</summary>
    public int IdentityDim { get; init; } = 512;
    /// <summary>Components of the mixture. Not said by the paper; GIVT, which it follows, has 16.</summary>
    public int Components { get; init; } = 16;
    /// <summary>
    /// Least variance of a component. Not said; tokens have deviation 1 (KeyframeCompressor), and what is known to a hundredth of that is
    /// learned by heart.
    /// </summary>
    public double VarianceFloor { get; init; } = 1e-4;

    /// <exception cref="ArgumentException">The numbers do not go together.</exception>
    public void Require()
    {
        Decoder.Require();
        if (Decoder.HasHead || Decoder.TiedHead)
            throw new ArgumentException("A planner's decoder has no head for words: HasHead is false.");
        if (new[] { Tokens, TokenDim, SentenceDim, IdentityDim, Components }.Min() < 1 || !(VarianceFloor > 0))
            throw new ArgumentException("A planner's tokens, widths and components are at least 1, its least variance is above 0.");
    }
}

public enum PlannerKind
{
    /// <summary>By its place in the vocabulary.</summary>
    Identifier,
    Sentence,
    Identity,
    /// <summary>A picture token that is given.</summary>
    Reference,
    /// <summary>A picture token that the row before it foresees.</summary>
    Picture,
}

/// <summary>One row of a sequence: what it is, and which of its kind (references count among the pictures).</summary>
public readonly record struct PlannerRow(PlannerKind Kind, int Index);

/// <summary>
/// What rows refer to; null where there is none. Sentences [S, SentenceDim], identities [C, IdentityDim], pictures [P, d].
/// </summary>
public sealed record PlannerVectors(Tensor? Sentences, Tensor? Identities, Tensor? Pictures);

/// <summary>A keyframe to be told: its script's rows, and the vectors that they refer to.</summary>
public sealed record PlannerFrame(IReadOnlyList<PlannerRow> Rows, Tensor? Sentences, Tensor? Identities);

/// <summary>The network. Weights are borrowed: they must outlive it. Gradients flow through it where they are enabled.</summary>
public sealed class KeyframePlanner
{
    readonly Llama _decoder;
    readonly TwoLayers _sentence, _identity, _picture;
    readonly Linear _head;
    readonly Device _device;

    public KeyframePlannerConfig Config { get; }

    /// <exception cref="ArgumentException">The configuration does not go together.</exception>
    /// <exception cref="CheckpointException">The weights are not those of this configuration.</exception>
    public KeyframePlanner(KeyframePlannerConfig config, Weights weights)
    {
        config.Require();
        Config = config;
        _device = weights.Device;
        var dim = config.Decoder.Dim;
        _decoder = new Llama(config.Decoder, weights["decoder"]);
        _sentence = new TwoLayers(weights["sentence"], config.SentenceDim, dim, dim);
        _identity = new TwoLayers(weights["identity"], config.IdentityDim, dim, dim);
        _picture = new TwoLayers(weights["picture"], config.TokenDim, dim, dim);
        _head = new Linear(weights["head"], dim, config.Components * (2 * config.TokenDim + 1));
        weights.EnsureAllUsed();
    }

    /// <summary>The mixture of every picture row, in the order of sequences and rows.</summary>
    /// <param name="sequences">Rows; a shorter one is filled up behind, where nothing sees it.</param>
    /// <param name="mask">[B, L]; rows where it is 0 are seen by none (token masking).</param>
    /// <param name="dropout">In training: what each half of the decoder's layers adds passes through it.</param>
    /// <exception cref="ArgumentException">A row refers to no vector, or nothing stands before a picture.</exception>
    public GaussianMixture Foresee(IReadOnlyList<IReadOnlyList<PlannerRow>> sequences, PlannerVectors vectors, Tensor? mask = null,
        Func<Tensor, Tensor>? dropout = null)
    {
        using var scope = TensorScope.Open();
        var rows = Rows(sequences, vectors);
        var hidden = _decoder.Forward(rows, mask: mask, dropout: dropout);                       // [B, L, D]
        long[] before = [.. sequences.SelectMany((sequence, b) => sequence.Index().Where(row => row.Item.Kind == PlannerKind.Picture)
            .Select(row => row.Index > 0 ? b * hidden.Size(1) + row.Index - 1
                : throw new ArgumentException("A picture that is foreseen cannot be the first row.")))];
        var made = Mixture(hidden.Reshape(-1, hidden.Size(2)).IndexSelect(0, Tensor.From(before, before.Length).To(_device)));
        return new(scope.Keep(made.LogWeights), scope.Keep(made.Means), scope.Keep(made.Variances));
    }

    /// <summary>
    /// Tells keyframe after keyframe, however many: what fell out of the window takes no memory. Each is [n, d] and the caller's to dispose
    /// of; it depends on the random source, its number and what was told before.
    /// </summary>
    /// <param name="references">Picture tokens [P, d] of reference pictures (few-shot); null: from the script alone (zero-shot).</param>
    /// <param name="temperature">Scales the deviation of what is drawn; GIVT draws images at 0.95.</param>
    public IEnumerable<Tensor> Tell(IEnumerable<PlannerFrame> frames, RandomSource random, Tensor? references = null,
        double temperature = 0.95)
    {
        using var cache = new LlamaCache();
        var (number, told) = (0, 0L);
        foreach (var frame in frames)
        {
            var after = cache.Tokens + frame.Rows.Count + Config.Tokens;
            if (references is not null && (number == 0 || Config.Decoder.Window > 0 && after - told > Config.Decoder.Window))
            {
                told = cache.Tokens;
                Read([.. Enumerable.Range(0, (int)references.Size(0)).Select(i => new PlannerRow(PlannerKind.Reference, i))],
                    new(null, null, references), cache).Dispose();
            }
            yield return Next(frame, random, number++, temperature, cache);
        }
    }

    /// <summary>
    /// Tells one keyframe after others that are known. Nothing but these, in this order, is in view: whoever gives as many at every time
    /// tells a film of any length, each keyframe in the same time, and a keyframe depends on nothing else.
    /// </summary>
    /// <param name="before">Keyframes with their tokens [n, d], oldest first.</param>
    public Tensor TellAfter(IReadOnlyList<(PlannerFrame Frame, Tensor Tokens)> before, PlannerFrame frame, RandomSource random,
        double temperature = 0.95)
    {
        using var cache = new LlamaCache();
        foreach (var (known, tokens) in before)
        {
            PlannerRow[] rows = [.. known.Rows, .. Enumerable.Range(0, Config.Tokens).Select(i => new PlannerRow(PlannerKind.Picture, i))];
            Read(rows, new(known.Sentences, known.Identities, tokens), cache).Dispose();
        }
        return Next(frame, random, 0, temperature, cache);
    }

    Tensor Next(PlannerFrame frame, RandomSource random, int number, double temperature, LlamaCache cache)
    {
        using var scope = TensorScope.Open();
        var last = Read(frame.Rows, new(frame.Sentences, frame.Identities, null), cache);        // [1, D]
        var drawn = new List<Tensor>();
        for (var i = 0; i < Config.Tokens; i++)
        {
            drawn.Add(Mixture(last).Draw(random.Uniform($"component {i}", number, 1),
                random.Normal($"token {i}", number, 1, Config.TokenDim), temperature));          // [1, d]
            last = Read([new(PlannerKind.Picture, 0)], new(null, null, drawn[i]), cache);
        }
        return Tensor.Cat(0, [.. drawn]).Clone().Own();
    }

    /// <summary>Takes rows into the cache; what the last of them foresees, [1, D].</summary>
    Tensor Read(IReadOnlyList<PlannerRow> rows, PlannerVectors vectors, LlamaCache cache)
    {
        using var scope = TensorScope.Open();
        return scope.Keep(_decoder.Forward(Rows([rows], vectors), cache).Select(1, rows.Count - 1).Clone());
    }

    GaussianMixture Mixture(Tensor hidden) => GaussianMixture.Of(_head.ForwardWide(hidden), Config.Components, Config.VarianceFloor);

    /// <summary>All rows at the decoder's width, [B, L, D]: one table of every vector in use, of which each row takes one.</summary>
    Tensor Rows(IReadOnlyList<IReadOnlyList<PlannerRow>> sequences, PlannerVectors vectors)
    {
        using var scope = TensorScope.Open();
        var identifiers = sequences.SelectMany(rows => rows).Where(row => row.Kind == PlannerKind.Identifier).Select(row => (long)row.Index)
            .Distinct().ToList();
        var (table, starts, size) = (new List<Tensor>(), new Dictionary<PlannerKind, (long From, long Count)>(), 0L);
        void Add(Tensor? projected, params ReadOnlySpan<PlannerKind> kinds)
        {
            foreach (var kind in kinds) starts[kind] = (size, projected?.Size(0) ?? 0);
            if (projected is null) return;
            table.Add(projected.Float());
            size += projected.Size(0);
        }
        Add(identifiers.Count == 0 ? null
            : _decoder.Embed(Tensor.From<long>([.. identifiers], 1, identifiers.Count)).Squeeze(0), PlannerKind.Identifier);
        Add(Projected(vectors.Sentences, "Sentences", Config.SentenceDim, _sentence), PlannerKind.Sentence);
        Add(Projected(vectors.Identities, "Identities", Config.IdentityDim, _identity), PlannerKind.Identity);
        Add(Projected(vectors.Pictures, "Picture tokens", Config.TokenDim, _picture), PlannerKind.Reference, PlannerKind.Picture);
        table.Add(Tensor.Zeros([1, Config.Decoder.Dim], DType.F32, _device));                    // fills up shorter sequences
        var longest = sequences.Max(rows => rows.Count);
        var index = new long[sequences.Count * longest];
        Array.Fill(index, size);
        foreach (var (b, rows) in sequences.Index())
            foreach (var (at, row) in rows.Index())
            {
                var (from, count) = starts[row.Kind];
                var which = row.Kind == PlannerKind.Identifier ? identifiers.IndexOf(row.Index) : row.Index;
                index[b * longest + at] = which >= 0 && which < count ? from + which
                    : throw new ArgumentException($"A row is {row.Kind} {row.Index}, of {count} that are given.");
            }
        return scope.Keep(Tensor.Cat(0, [.. table]).IndexSelect(0, Tensor.From(index, index.Length).To(_device))
            .Reshape(sequences.Count, longest, Config.Decoder.Dim));
    }

    Tensor? Projected(Tensor? vectors, string what, long width, TwoLayers layers) =>
        vectors is null ? null : layers.Forward(vectors.Shaped(what, -1, width).To(DType.F32, _device));
}

/// <summary>Two layers with a GELU between them: how every kind of vector comes to another network's width (appendix A).</summary>
sealed class TwoLayers(Weights weights, long inputs, long hidden, long outputs)
{
    readonly Linear _first = new(weights[0], inputs, hidden), _second = new(weights[2], hidden, outputs);

    /// <summary>x [..., inputs] -> [..., outputs].</summary>
    public Tensor Forward(Tensor x) => _second.Forward(_first.Forward(x).Gelu());
}
