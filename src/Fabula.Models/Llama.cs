// LLaMA: a decoder that reads a row of vectors and foresees, at each place, the next. MovieDreamer tells keyframe after keyframe with it.
//
// Papers: "LLaMA: Open and Efficient Foundation Language Models" (2023), "Llama 2" (2023); grouped queries: "GQA" (2023); rotary positions:
// "RoFormer" (2021). Reference: the modeling_llama.py of Hugging Face transformers as it stands in Vchitect/VBench @ 45e79ec
// (VBench-2.0/vbench2/third_party/LLaVA_NeXT). Parity: tests/Fabula.Models.Tests/GoldenTests.cs.
// What makes it differ from a plain decoder: RMS norms before each half, rotation of the two halves of a head against each other (not of
// neighbours), fewer heads for keys than for queries, gated feed-forward, mostly no bias.
//
// Beyond the reference: a window, within which a query sees its own and the latest keys. Keys carry their absolute rotation and only
// differences of positions matter, so what falls out at the front is dropped and a story may go on for ever in the same memory.
//
// Shapes: B sequences; L new rows; K rows seen; D width; N heads of queries; G queries per key head; n = N/G key heads; d width of a head.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>What a checkpoint's decoder is: the fields of Hugging Face's config.json.</summary>
public sealed record LlamaConfig
{
    public int Vocabulary { get; init; } = 32000;
    public int Dim { get; init; } = 4096;
    public int FfnDim { get; init; } = 11008;
    public int Layers { get; init; } = 32;
    public int Heads { get; init; } = 32;
    /// <summary>Heads of keys and values; divides <see cref="Heads"/>.</summary>
    public int KeyHeads { get; init; } = 32;
    /// <summary>Most positions that the model was taught, and that a sequence without window may have.</summary>
    public int MaxTokens { get; init; } = 4096;
    public double RopeTheta { get; init; } = 10000;
    public double Eps { get; init; } = 1e-5;
    /// <summary>Whether the four projections of attention have a bias.</summary>
    public bool AttentionBias { get; init; }
    /// <summary>Whether scores are taken with the table of tokens instead of a head of their own.</summary>
    public bool TiedHead { get; init; }
    /// <summary>False for a decoder on which another head is built: no token scores then.</summary>
    public bool HasHead { get; init; } = true;
    /// <summary>Most keys that a query sees, its own included; 0 for all before it.</summary>
    public int Window { get; init; }

    public int HeadDim => Dim / Heads;

    /// <summary>meta-llama/Llama-2-7b-hf.</summary>
    public static readonly LlamaConfig Llama2_7B = new();

    /// <exception cref="ArgumentException">The numbers do not go together.</exception>
    public void Require()
    {
        if (new[] { Vocabulary, Dim, FfnDim, Layers, Heads, KeyHeads, MaxTokens }.Min() < 1)
            throw new ArgumentException("A LLaMA's widths, layers, heads, vocabulary and positions are all at least 1.");
        if (Dim % Heads != 0 || HeadDim % 2 != 0)
            throw new ArgumentException($"{Heads} heads do not divide a LLaMA's width of {Dim} into even parts.");
        if (Heads % KeyHeads != 0) throw new ArgumentException($"{KeyHeads} key heads do not divide {Heads} heads.");
        if (Window < 0 || Window > MaxTokens)
            throw new ArgumentException($"The window is {Window}; it must be from 0 (none) to the {MaxTokens} positions of the model.");
        if (!(RopeTheta > 1) || !(Eps > 0)) throw new ArgumentException($"Theta {RopeTheta} must be above 1 and eps {Eps} above 0.");
    }
}

/// <summary>The network. Weights are borrowed: they must outlive it. Gradients flow through it where they are enabled.</summary>
public sealed class Llama
{
    /// <summary>Queries that are scored at a time.</summary>
    const int QueryBlock = 512;

    readonly Embedding _tokens;
    readonly LlamaLayer[] _layers;
    readonly RmsNorm _norm;
    readonly Linear? _head;
    readonly Device _device;

    public LlamaConfig Config { get; }

    /// <param name="weights">Under Hugging Face's names: model.layers.0.self_attn.q_proj.weight.</param>
    /// <exception cref="ArgumentException">The configuration does not go together.</exception>
    /// <exception cref="CheckpointException">The weights are not those of this configuration.</exception>
    public Llama(LlamaConfig config, Weights weights)
    {
        config.Require();
        Config = config;
        _device = weights.Device;
        var model = weights["model"];
        _tokens = new Embedding(model["embed_tokens"], config.Vocabulary, config.Dim);
        _layers = [.. Enumerable.Range(0, config.Layers).Select(i => new LlamaLayer(config, model["layers"][i], i))];
        _norm = new RmsNorm(model["norm"], config.Dim, config.Eps);
        if (config.HasHead && !config.TiedHead) _head = new Linear(weights["lm_head"], config.Dim, config.Vocabulary, bias: false);
        if (config.TiedHead) weights.Ignore("lm_head.weight");
        weights.EnsureAllUsed();
    }

    /// <summary>Tokens to rows.</summary>
    /// <param name="ids">[B, L] i64, each below the vocabulary size.</param>
    /// <returns>[B, L, D] fp32.</returns>
    /// <exception cref="ArgumentException">A token is out of range.</exception>
    public Tensor Embed(Tensor ids)
    {
        using var scope = TensorScope.Open();
        ids.Shaped("Tokens", -1, -1);
        var (low, high) = (ids.Min().Item(), ids.Max().Item());
        if (low < 0 || high >= Config.Vocabulary)
            throw new ArgumentException($"Token {(low < 0 ? low : high)} is not among this model's {Config.Vocabulary}.");
        return scope.Keep(_tokens.Forward(ids.To(DType.I64, _device)).Float());
    }

    /// <summary>Rows to what each place foresees, before the head.</summary>
    /// <param name="rows">[B, L, D]: embedded tokens, or vectors of any origin.</param>
    /// <param name="cache">What earlier calls have seen, which these rows follow and are added to; for use without gradients.</param>
    /// <param name="mask">[B, L]; keys where it is 0 are not seen. Positions count on regardless. Not with a cache.</param>
    /// <param name="dropout">In training: what each half of a layer adds passes through it.</param>
    /// <returns>[B, L, D] fp32, after the closing norm.</returns>
    /// <exception cref="ArgumentException">Shapes do not fit, or without a window there are more rows than positions.</exception>
    public Tensor Forward(Tensor rows, LlamaCache? cache = null, Tensor? mask = null, Trace? trace = null,
        Func<Tensor, Tensor>? dropout = null)
    {
        rows.Shaped("Rows", cache?.Batch ?? -1, -1, Config.Dim);
        mask?.Shaped("Masks", rows.Size(0), rows.Size(1));
        if (mask is not null && cache is not null) throw new ArgumentException("A mask and a cache do not go together.");
        var (length, before) = (rows.Size(1), cache?.Tokens ?? 0);
        if (Config.Window == 0 && before + length > Config.MaxTokens) throw new ArgumentException(
            $"The sequence has {before + length} tokens; this model reads {Config.MaxTokens}. Shorten it or give the model a window.");
        using var scope = TensorScope.Open();
        cache?.Reserve(Config, length, _layers[0].KeyType, _device);
        var (cosine, sine) = Angles(before, length);                                             // [L, 1, d/2]
        var blocks = Blocks(length, cache?.Held ?? 0);
        var unseen = mask?.To(_device).Eq(0).Reshape(rows.Size(0), 1, 1, 1, length);
        var x = rows.To(DType.F32, _device);                                                     // [B, L, D]
        for (var i = 0; i < _layers.Length; i++)
        {
            trace?.Record($"hidden.{i}", x);
            using var inner = TensorScope.Open();
            x = inner.Keep(_layers[i].Forward(x, cosine, sine, blocks, unseen, cache, trace, dropout));
        }
        cache?.Advance(length);
        x = _norm.Forward(x);
        trace?.Record($"hidden.{_layers.Length}", x);
        return scope.Keep(x);
    }

    /// <summary>What <see cref="Forward"/> foresees, as a score per token.</summary>
    /// <param name="hidden">[..., D].</param>
    /// <returns>[..., vocabulary] fp32.</returns>
    /// <exception cref="InvalidOperationException">The model was built without a head.</exception>
    public Tensor Logits(Tensor hidden)
    {
        if (!Config.HasHead) throw new InvalidOperationException("This LLaMA was built without a head for tokens.");
        using var scope = TensorScope.Open();
        return scope.Keep((_head?.Forward(hidden) ?? Linear.Apply(hidden, _tokens.Weight, null)).Float());
    }

    /// <summary>Cosine and sine of each position's angles; in fp32 as the reference takes them, since far positions depend on it.</summary>
    (Tensor Cosine, Tensor Sine) Angles(long before, long length)
    {
        var half = Config.HeadDim / 2;
        var (cosine, sine) = (new float[length * half], new float[length * half]);
        for (var i = 0; i < half; i++)
        {
            var frequency = 1f / (float)Math.Pow(Config.RopeTheta, 2f * i / Config.HeadDim);
            for (var at = 0; at < length; at++)
            {
                double angle = (before + at) * frequency;
                (cosine[at * half + i], sine[at * half + i]) = ((float)Math.Cos(angle), (float)Math.Sin(angle));
            }
        }
        return (Tensor.From(cosine, length, 1, half).To(_device), Tensor.From(sine, length, 1, half).To(_device));
    }

    /// <summary>Queries in blocks, each with the keys that any of them sees and, where not all see all, who does not.</summary>
    /// <param name="held">Keys from before the first query.</param>
    List<LlamaBlock> Blocks(long length, long held)
    {
        var blocks = new List<LlamaBlock>();
        for (long from = 0; from < length; from += QueryBlock)
        {
            var count = Math.Min(QueryBlock, length - from);
            var low = Config.Window == 0 ? 0 : Math.Max(0, held + from - Config.Window + 1);
            var keys = held + from + count - low;
            if (count == 1)
            {
                blocks.Add(new(from, 1, low, keys, null));
                continue;
            }
            var hidden = new bool[count * keys];
            for (long q = 0; q < count; q++)
                for (long k = 0; k < keys; k++)
                {
                    var distance = held + from + q - (low + k);
                    hidden[q * keys + k] = distance < 0 || Config.Window > 0 && distance >= Config.Window;
                }
            blocks.Add(new(from, count, low, keys, Tensor.From(hidden, count, keys).To(_device)));
        }
        return blocks;
    }
}

/// <summary>Queries from From on, keys from Low on; Hidden [Count, Keys] is true where a query does not see a key.</summary>
readonly record struct LlamaBlock(long From, long Count, long Low, long Keys, Tensor? Hidden);

/// <summary>
/// The keys and values that a sequence has seen, per layer [B, n, room, d]. With a window the oldest are dropped at the front: never are
/// more kept than twice the window and the rows of one call. Dispose of it.
/// </summary>
public sealed class LlamaCache(long batch = 1) : IDisposable
{
    Tensor[] _keys = [], _values = [];
    long _room;

    public long Batch { get; } = batch;
    /// <summary>Rows seen since the start: the position of the next.</summary>
    public long Tokens { get; private set; }
    /// <summary>Rows still kept; at most <see cref="Tokens"/>.</summary>
    internal long Held { get; private set; }

    /// <summary>Makes room for so many more rows, dropping what no later query sees.</summary>
    internal void Reserve(LlamaConfig config, long count, DType type, Device device)
    {
        if (Held + count <= _room) return;
        var keep = config.Window == 0 ? Held : Math.Min(Held, config.Window - 1);
        var room = Math.Max(keep + count, Math.Min(2 * (keep + count), config.Window == 0 ? config.MaxTokens : 2L * config.Window));
        if (_keys.Length == 0) (_keys, _values) = (new Tensor[config.Layers], new Tensor[config.Layers]);
        foreach (var rows in new[] { _keys, _values })
            for (var i = 0; i < rows.Length; i++)
            {
                using var scope = TensorScope.Open();
                var fresh = Tensor.Empty([Batch, config.KeyHeads, room, config.HeadDim], type, device).Own();
                if (keep > 0) fresh.Narrow(2, 0, keep).CopyFrom(rows[i].Narrow(2, Held - keep, keep));
                rows[i]?.Dispose();
                rows[i] = fresh;
            }
        (Held, _room) = (keep, room);
    }

    /// <summary>Adds a layer's new rows [B, n, L, d] behind those held, and gives all: [B, n, held + L, d].</summary>
    internal (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values)
    {
        var length = keys.Size(2);
        _keys[layer].Narrow(2, Held, length).CopyFrom(keys);
        _values[layer].Narrow(2, Held, length).CopyFrom(values);
        return (_keys[layer].Narrow(2, 0, Held + length), _values[layer].Narrow(2, 0, Held + length));
    }

    internal void Advance(long count) => (Tokens, Held) = (Tokens + count, Held + count);

    public void Dispose()
    {
        foreach (var tensor in _keys.Concat(_values)) tensor?.Dispose();
        (_keys, _values) = ([], []);
    }
}

/// <summary>Attention and feed-forward, each on a norm of its input and added to it.</summary>
sealed class LlamaLayer(LlamaConfig config, Weights weights, int index)
{
    readonly RmsNorm _inputNorm = new(weights["input_layernorm"], config.Dim, config.Eps),
        _postNorm = new(weights["post_attention_layernorm"], config.Dim, config.Eps);
    readonly LlamaAttention _attention = new(config, weights["self_attn"], index);
    readonly Linear _gate = new(weights["mlp"]["gate_proj"], config.Dim, config.FfnDim, bias: false),
        _up = new(weights["mlp"]["up_proj"], config.Dim, config.FfnDim, bias: false),
        _down = new(weights["mlp"]["down_proj"], config.FfnDim, config.Dim, bias: false);

    public DType KeyType => _gate.Weight.DType;

    /// <summary>x [B, L, D] fp32 -> the same.</summary>
    public Tensor Forward(Tensor x, Tensor cosine, Tensor sine, List<LlamaBlock> blocks, Tensor? unseen, LlamaCache? cache, Trace? trace,
        Func<Tensor, Tensor>? dropout)
    {
        var type = _gate.Weight.DType;
        var seen = _attention.Forward(_inputNorm.Forward(x, type), cosine, sine, blocks, unseen, cache, trace);
        x += dropout?.Invoke(seen) ?? seen;
        var y = _postNorm.Forward(x, type);
        y = _down.Forward(_gate.Forward(y).Silu() * _up.Forward(y));                             // [B, L, FfnDim] inside
        return x + (dropout?.Invoke(y) ?? y);
    }
}

sealed class LlamaAttention
{
    readonly LlamaConfig _config;
    readonly int _index;
    readonly Linear _q, _k, _v, _o;

    public LlamaAttention(LlamaConfig config, Weights weights, int index)
    {
        (_config, _index) = (config, index);
        var keys = config.KeyHeads * config.HeadDim;
        _q = new Linear(weights["q_proj"], config.Dim, config.Dim, config.AttentionBias);
        _k = new Linear(weights["k_proj"], config.Dim, keys, config.AttentionBias);
        _v = new Linear(weights["v_proj"], config.Dim, keys, config.AttentionBias);
        _o = new Linear(weights["o_proj"], config.Dim, config.Dim, config.AttentionBias);
        weights.Ignore("rotary_emb.inv_freq");                                                   // stored by old checkpoints, computed here
    }

    /// <summary>
    /// x [B, L, D] -> [B, L, D]. Scores and sums in fp32 whatever the weights' type. The G queries of a key head stand below each other in
    /// one matrix, so keys are not copied for them.
    /// </summary>
    public Tensor Forward(Tensor x, Tensor cosine, Tensor sine, List<LlamaBlock> blocks, Tensor? unseen, LlamaCache? cache, Trace? trace)
    {
        var (batch, heads, n, d) = (x.Size(0), _config.Heads, _config.KeyHeads, _config.HeadDim);
        var q = Rotate(Split(_q.Forward(x), heads), cosine, sine).Transpose(1, 2) * (1 / Math.Sqrt(d));  // [B, N, L, d]
        var k = Rotate(Split(_k.Forward(x), n), cosine, sine).Transpose(1, 2);                   // [B, n, L, d]
        var v = Split(_v.Forward(x), n).Transpose(1, 2);
        if (cache is not null) (k, v) = cache.Append(_index, k, v);                              // [B, n, K, d]
        trace?.Record($"past_k.{_index}", k);
        var made = new List<Tensor>();
        foreach (var (from, count, low, keys, hidden) in blocks)
        {
            using var scope = TensorScope.Open();
            var rows = q.Narrow(2, from, count).Reshape(batch, n, heads / n * count, d);         // [B, n, G L, d]
            var scores = rows.Matmul(k.Narrow(2, low, keys).Float().Transpose(2, 3)).Reshape(batch, n, heads / n, count, keys);
            if (hidden is not null) scores = scores.MaskedFill(hidden, float.MinValue);
            if (unseen is not null) scores = scores.MaskedFill(unseen.Narrow(4, low, keys), float.MinValue);
            var weighed = scores.Softmax(-1).Reshape(batch, n, heads / n * count, keys).Matmul(v.Narrow(2, low, keys).Float());
            made.Add(scope.Keep(weighed.Reshape(batch, heads, count, d)));                       // [B, N, L, d]
        }
        return _o.Forward(Tensor.Cat(2, [.. made]).Transpose(1, 2).Reshape(x.Shape));
    }

    Tensor Split(Tensor x, int heads) => x.Float().Reshape(x.Size(0), x.Size(1), heads, _config.HeadDim);

    /// <summary>Turns the pair (i, i + d/2) of every head of x [B, L, heads, d] by its position's angle i.</summary>
    static Tensor Rotate(Tensor x, Tensor cosine, Tensor sine)
    {
        var half = x.Size(3) / 2;
        var (a, b) = (x.Narrow(3, 0, half), x.Narrow(3, half, half));
        return Tensor.Cat(3, a * cosine - b * sine, b * cosine + a * sine);
    }
}
