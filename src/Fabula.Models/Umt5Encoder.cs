// The UMT5 text encoder: a T5 encoder whose every block has relative-position biases of its own. Wan's prompts pass through it.
//
// Paper: "UniMax: Fairer and More Effective Language Sampling for Large-Scale Multilingual Pretraining" (2023), on T5 1.1 (2020).
// Reference: Wan-Video/Wan2.1 @ 9737cba, wan/modules/t5.py (T5Encoder). Parity: tests/Fabula.Models.Tests/GoldenTests.cs.
// What makes it differ from a plain encoder: no position in the tokens but a learned bias per head and distance bucket in the scores,
// scores without 1/sqrt(d), RMS norms without bias, gated feed-forward, no bias anywhere.
//
// Exact saving over the reference: it runs all 512 padded rows; padding is never seen, so the batch is cut to its longest prompt.
//
// Shapes: B prompts; L tokens, padding included; D width; N heads; d width of a head; K buckets.
using Fabula.Models.Text;
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>What a checkpoint's text encoder is: the reference's constructor arguments but dropout, which nothing here applies.</summary>
public sealed record Umt5Config
{
    public int Vocabulary { get; init; } = 256384;
    public int Dim { get; init; } = 4096;
    /// <summary>Width of all heads together; need not be <see cref="Dim"/>.</summary>
    public int AttentionDim { get; init; } = 4096;
    public int FfnDim { get; init; } = 10240;
    public int Heads { get; init; } = 64;
    public int Layers { get; init; } = 24;
    /// <summary>Distance buckets, half of them for keys after the query; a multiple of 4.</summary>
    public int Buckets { get; init; } = 32;
    /// <summary>Distance, in tokens, from which on all share the last bucket.</summary>
    public int MaxDistance { get; init; } = 128;
    /// <summary>One table of biases for all blocks (T5) instead of one per block (UMT5).</summary>
    public bool SharedPositions { get; init; }
    public double Eps { get; init; } = 1e-6;
    /// <summary>Most tokens of a prompt, the end mark included: what Wan's video transformer reads.</summary>
    public int MaxTokens { get; init; } = 512;

    public int HeadDim => AttentionDim / Heads;

    /// <summary>The encoder of all Wan 2.1 and 2.2 models (models_t5_umt5-xxl-enc-bf16.pth, google/umt5-xxl).</summary>
    public static readonly Umt5Config XXL = new();
}

/// <summary>The network. Weights are borrowed: they must outlive it. Gradients flow through it where they are enabled.</summary>
public sealed class Umt5Encoder
{
    readonly Embedding _tokens;
    readonly Embedding? _sharedPositions;
    readonly Umt5Block[] _blocks;
    readonly RmsNorm _norm;
    readonly Device _device;

    public Umt5Config Config { get; }

    /// <param name="weights">Under the reference's names; open files with <see cref="Rename"/> to take Hugging Face's too.</param>
    public Umt5Encoder(Umt5Config config, Weights weights)
    {
        Config = config;
        _device = weights.Device;
        _tokens = new Embedding(weights["token_embedding"], config.Vocabulary, config.Dim);
        if (config.SharedPositions) _sharedPositions = Positions(config, weights);
        _blocks = [.. Enumerable.Range(0, config.Layers).Select(i => new Umt5Block(config, weights["blocks"][i]))];
        _norm = new RmsNorm(weights["norm"], config.Dim, config.Eps);
        weights.EnsureAllUsed();
    }

    /// <summary>
    /// For <see cref="Weights.Open"/>: a new function from the file's names to the reference's. Takes the reference's own names and those
    /// of Hugging Face's UMT5EncoderModel (the text_encoder folder of diffusers), which may hold the token table twice under two names.
    /// </summary>
    public static Func<string, string?> Rename()
    {
        var tokensSeen = false;
        return name =>
        {
            if (name is "shared.weight" or "encoder.embed_tokens.weight")
            {
                if (tokensSeen) return null;
                tokensSeen = true;
                return "token_embedding.weight";
            }
            if (name == "encoder.final_layer_norm.weight") return "norm.weight";
            if (!name.StartsWith("encoder.block.", StringComparison.Ordinal)) return name;
            return name.Replace("encoder.block.", "blocks.", StringComparison.Ordinal)
                .Replace("layer.0.SelfAttention.relative_attention_bias.", "pos_embedding.embedding.", StringComparison.Ordinal)
                .Replace("layer.0.SelfAttention.", "attn.", StringComparison.Ordinal)
                .Replace("layer.0.layer_norm.", "norm1.", StringComparison.Ordinal)
                .Replace("layer.1.DenseReluDense.wi_0.", "ffn.gate.0.", StringComparison.Ordinal)
                .Replace("layer.1.DenseReluDense.wi_1.", "ffn.fc1.", StringComparison.Ordinal)
                .Replace("layer.1.DenseReluDense.wo.", "ffn.fc2.", StringComparison.Ordinal)
                .Replace("layer.1.layer_norm.", "norm2.", StringComparison.Ordinal);
        };
    }

    /// <summary>Prompts, as the tokenizer gives them, to rows: see the other overload.</summary>
    public Tensor[] Encode(IReadOnlyList<PromptTokens> prompts) => Encode(Ids(prompts), [.. prompts.Select(prompt => prompt.Length)]);

    /// <summary>Tokens [B, L] i64 of prompts, L those of the longest.</summary>
    public static Tensor Ids(IReadOnlyList<PromptTokens> prompts)
    {
        var longest = prompts.Max(prompt => prompt.Length);
        return Tensor.From([.. prompts.SelectMany(prompt => prompt.Ids.Take(longest).Select(id => (long)id))], prompts.Count, longest);
    }

    /// <summary>Prompts to the rows that the video transformer reads [t5.py T5EncoderModel.__call__].</summary>
    /// <param name="ids">Tokens [B, L] i64, each below the vocabulary size; what follows a prompt's end does not matter.</param>
    /// <param name="lengths">Tokens of each prompt, end mark included: 1 to L, at most <see cref="Umt5Config.MaxTokens"/>.</param>
    /// <returns>Per prompt [length, D], fp32, born in the caller's scope.</returns>
    /// <exception cref="ArgumentException">A length or a token is out of range.</exception>
    public Tensor[] Encode(Tensor ids, IReadOnlyList<int> lengths)
    {
        if (ids.Dims != 2 || ids.Size(0) != lengths.Count)
            throw new ArgumentException($"Tokens are [{string.Join(", ", ids.Shape)}]; {lengths.Count} lengths need [{lengths.Count}, L].");
        for (var i = 0; i < lengths.Count; i++)
        {
            if (lengths[i] > Config.MaxTokens) throw new ArgumentException(
                $"Prompt {i + 1} has {lengths[i]} tokens; this model reads {Config.MaxTokens}. Shorten the prompt.");
            if (lengths[i] < 1 || lengths[i] > ids.Size(1))
                throw new ArgumentException($"Prompt {i + 1} is said to have {lengths[i]} tokens; it must be 1 to {ids.Size(1)}.");
        }
        using var scope = TensorScope.Open();
        var longest = lengths.Max();
        var used = ids.Narrow(1, 0, longest);
        bool[] isUsed = [.. lengths.SelectMany(length => Enumerable.Range(0, longest).Select(i => i < length))];
        var mask = Tensor.From(isUsed, lengths.Count, longest);
        var known = used.To(Device.Cpu).MaskedFill(mask.Eq(0), 0);
        var (low, high) = (known.Min().Item(), known.Max().Item());
        if (low < 0 || high >= Config.Vocabulary) throw new ArgumentException(
            $"Token {(low < 0 ? low : high)} is not among this encoder's {Config.Vocabulary}; the tokenizer belongs to another model.");
        var rows = Forward(known, mask);                                                         // [B, L, D]
        var prompts = new Tensor[lengths.Count];
        for (var i = 0; i < prompts.Length; i++) prompts[i] = scope.Keep(rows.Select(0, i).Narrow(0, 0, lengths[i]).Clone());
        return prompts;
    }

    /// <summary>All rows, those of padding included.</summary>
    /// <param name="ids">[B, L] i64.</param>
    /// <param name="mask">[B, L]; keys where it is 0 are not seen. Absent: all are.</param>
    /// <returns>[B, L, D] fp32.</returns>
    public Tensor Forward(Tensor ids, Tensor? mask = null, Trace? trace = null)
    {
        using var scope = TensorScope.Open();
        var length = ids.Size(1);
        var x = _tokens.Forward(ids.To(DType.I64, _device)).Float();                             // [B, L, D]
        trace?.Record("token_embedding", x);
        var hidden = mask?.To(_device).Eq(0).Unsqueeze(1).Unsqueeze(1);                          // [B, 1, 1, L]
        var buckets = BucketGrid(length).To(_device);                                            // [L L]
        var shared = _sharedPositions is null ? null : PositionBias(_sharedPositions, buckets, length);
        for (var i = 0; i < _blocks.Length; i++)
        {
            using var inner = TensorScope.Open();
            var bias = shared ?? PositionBias(_blocks[i].Positions!, buckets, length);           // [1, N, L, L]
            trace?.Record($"pos_bias.{i}", bias);
            x = inner.Keep(_blocks[i].Forward(x, hidden is null ? bias : bias.MaskedFill(hidden, float.MinValue), i, trace));
            trace?.Record($"block.{i}", x);
        }
        return scope.Keep(_norm.Forward(x));
    }

    /// <summary>
    /// Buckets of the relative positions (key minus query, in tokens) [t5.py T5RelativeEmbedding]: near ones each their own, far ones by
    /// the logarithm of the distance. The logarithm is taken in fp32, as the reference does: bucket borders depend on it.
    /// </summary>
    /// <param name="relative">i64, any shape, on the CPU. Same shape out, each 0 to <see cref="Umt5Config.Buckets"/> - 1.</param>
    public Tensor RelativeBuckets(Tensor relative)
    {
        using var scope = TensorScope.Open();
        var half = Config.Buckets / 2;
        var exact = half / 2;
        var distance = relative.Float().Abs();
        var steps = (distance / exact).Log() / Math.Log((double)Config.MaxDistance / exact) * (half - exact);
        // Near distances have a negative or infinite logarithm and take themselves; they are clamped only to stay convertible.
        var far = (steps.Clamp(0, half).To(DType.I64).Float() + exact).Clamp(0, half - 1);
        var bucket = distance.Lt(exact).Where(distance, far) + (-relative).Lt(0).Float() * half;
        return scope.Keep(bucket.To(DType.I64));
    }

    internal static Embedding Positions(Umt5Config config, Weights weights) =>
        new(weights["pos_embedding"]["embedding"].As(DType.F32), config.Buckets, config.Heads);

    /// <summary>The bucket of every query and key, [L L] i64 on the CPU: row-major by query.</summary>
    Tensor BucketGrid(long length)
    {
        using var scope = TensorScope.Open();
        var buckets = RelativeBuckets(Tensor.Arange(1 - length, length, DType.I64, Device.Cpu)); // [2L - 1]
        var positions = Tensor.Arange(0, length, DType.I64, Device.Cpu);
        var index = positions.Unsqueeze(0) - positions.Unsqueeze(1) + (length - 1);              // [L, L]
        return scope.Keep(buckets.IndexSelect(0, index.Flatten().To(DType.I64)));
    }

    Tensor PositionBias(Embedding positions, Tensor buckets, long length) =>
        positions.Forward(buckets).Transpose(0, 1).Reshape(1, Config.Heads, length, length);
}

/// <summary>Self-attention and gated feed-forward, each on a norm of its input and added to it [t5.py T5SelfAttention].</summary>
sealed class Umt5Block
{
    readonly RmsNorm _norm1, _norm2;
    readonly Umt5Attention _attention;
    readonly Linear _gate, _fc1, _fc2;

    /// <summary>This block's bias per bucket and head; null where all blocks share one.</summary>
    public Embedding? Positions { get; }

    public Umt5Block(Umt5Config config, Weights weights)
    {
        _norm1 = new RmsNorm(weights["norm1"], config.Dim, config.Eps);
        _attention = new Umt5Attention(config, weights["attn"]);
        _norm2 = new RmsNorm(weights["norm2"], config.Dim, config.Eps);
        _gate = new Linear(weights["ffn"]["gate"][0], config.Dim, config.FfnDim, bias: false);
        _fc1 = new Linear(weights["ffn"]["fc1"], config.Dim, config.FfnDim, bias: false);
        _fc2 = new Linear(weights["ffn"]["fc2"], config.FfnDim, config.Dim, bias: false);
        if (!config.SharedPositions) Positions = Umt5Encoder.Positions(config, weights);
    }

    /// <summary>x [B, L, D] fp32; bias [B|1, N, L, L] fp32, masked keys at its minimum.</summary>
    public Tensor Forward(Tensor x, Tensor bias, int i, Trace? trace)
    {
        var type = _fc1.Weight.DType;
        var y = _attention.Forward(_norm1.Forward(x, type), bias);
        trace?.Record($"block.{i}.attn", y);
        x += y;
        y = _norm2.Forward(x, type);
        y = _fc1.Forward(y) * Fused.GeluTanh(_gate.Forward(y));                                  // [B, L, FfnDim]
        return x + _fc2.Forward(y);
    }
}

sealed class Umt5Attention(Umt5Config config, Weights weights)
{
    readonly Linear _q = new(weights["q"], config.Dim, config.AttentionDim, bias: false),
        _k = new(weights["k"], config.Dim, config.AttentionDim, bias: false),
        _v = new(weights["v"], config.Dim, config.AttentionDim, bias: false),
        _o = new(weights["o"], config.AttentionDim, config.Dim, bias: false);

    /// <summary>x [B, L, D] -> [B, L, D]. Scores and what they weigh in fp32 whatever the weights' type; no scaling.</summary>
    public Tensor Forward(Tensor x, Tensor bias)
    {
        var (q, k, v) = (Split(_q.Forward(x)), Split(_k.Forward(x)), Split(_v.Forward(x)));      // [B, N, L, d]
        var y = (q.Matmul(k.Transpose(2, 3)) + bias).Softmax(-1).Matmul(v);                      // [B, N, L, L] -> [B, N, L, d]
        return _o.Forward(y.Transpose(1, 2).Reshape(x.Size(0), x.Size(1), config.AttentionDim));
    }

    Tensor Split(Tensor x) => x.Float().Reshape(x.Size(0), x.Size(1), config.Heads, config.HeadDim).Transpose(1, 2);
}
