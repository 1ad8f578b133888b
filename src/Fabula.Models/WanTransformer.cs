// The Wan video transformer, 2.1 and 2.2: one diffusion transformer over video latents, text and (2.1 image models) CLIP tokens.
//
// Paper: "Wan: Open and Advanced Large-Scale Video Generative Models" (2025). Reference: Wan-Video/Wan2.1 @ 9737cba and
// Wan-Video/Wan2.2 @ 42bf4cf, wan/modules/model.py. Parity: tests/Fabula.Models.Tests/GoldenTests.cs.
// What makes it differ from a plain DiT: RMS norm of q and k over all heads together, 3-D rotary positions on interleaved pairs,
// text by cross-attention over 512 rows without a mask, six modulation vectors shared by all blocks plus a learned offset per block.
//
// Exact savings over the reference, each equal to it: text keys and values once per prompt; the padded text rows, all alike, as one
// key with a log-count bias; rotation tables once per grid; time modulation once per step and once per distinct timestep.
//
// Shapes: B samples; F, H, W latent frames, rows, columns; f, h, w the same in patches; L = f h w tokens; D model width; N text rows,
// or tokens of context.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>The network. Weights are borrowed: they must outlive it.</summary>
public sealed class WanTransformer
{
    readonly WanPatchEmbedding _patch;
    readonly Linear _text0, _text2, _time0, _time2, _timeProjection;
    readonly WanImageEmbedding? _image;
    readonly Linear? _pool0, _pool2;
    readonly Tensor? _positions, _drafts;
    readonly WanBlock[] _blocks;
    readonly WanHead _head;
    readonly DType _type;
    readonly Device _device;
    bool _collapseChecked;

    public WanConfig Config { get; }

    /// <summary>In training: keep only each block's input and compute the block again in backward.</summary>
    public bool GradientCheckpointing { get; set; }

    public WanTransformer(WanConfig config, Weights weights)
    {
        Config = config;
        (_type, _device) = (weights.DType, weights.Device);
        var dim = config.Dim;
        _patch = new WanPatchEmbedding(config, weights["patch_embedding"]);
        _text0 = new Linear(weights["text_embedding"][0], config.TextDim, dim);
        _text2 = new Linear(weights["text_embedding"][2], dim, dim);
        _time0 = new Linear(weights["time_embedding"][0], config.FreqDim, dim);
        _time2 = new Linear(weights["time_embedding"][2], dim, dim);
        _timeProjection = new Linear(weights["time_projection"][1], dim, 6 * dim);
        if (config.ClipDim > 0) _image = new WanImageEmbedding(weights["img_emb"], config.ClipDim, dim);
        if (config.PoolsText)
            (_pool0, _pool2) = (new(weights["text_pooling"][0], config.TextDim, dim), new(weights["text_pooling"][2], dim, dim));
        if (config.LearnedPositions is ( > 0, > 0) and var (places, across))
            _positions = weights.Get("position_embedding.weight", (long)places * across, dim);
        if (config.TakesDrafts) _drafts = weights.Get("draft_embedding.weight", dim);
        _blocks = [.. Enumerable.Range(0, config.Layers).Select(i => new WanBlock(config, i, weights["blocks"][i]))];
        _head = new WanHead(config, weights["head"]);
        weights.EnsureAllUsed();
    }

    /// <summary>Every tensor of such a checkpoint, by its original name, with its shape.</summary>
    public static IReadOnlyList<(string Name, long[] Shape)> Shapes(WanConfig config) => LibTorch.Run(() =>
    {
        using var recorder = Weights.Recorder();
        _ = new WanTransformer(config, recorder);
        return recorder.Recorded;
    });

    /// <summary>Text (and CLIP) conditions to keys and values.</summary>
    /// <param name="contexts">Per sample, the text encoder's rows [n, TextDim], n at most TextLen, without padding.</param>
    /// <param name="clip">CLIP tokens [B, 257, ClipDim]; FLF2V: [2B, 257, ClipDim], first and last frame of each sample in turn.</param>
    public WanPrompt Prepare(IReadOnlyList<Tensor> contexts, Tensor? clip = null, Trace? trace = null)
    {
        using var scope = TensorScope.Open();
        if (clip is null != _image is null)
            throw new ArgumentException(_image is null ? "This model has no image branch: leave the CLIP tokens out."
                : $"This model ({Config.Kind}) needs CLIP tokens of its image.");
        var (text, bias) = Collapse(contexts, trace);
        if (!_collapseChecked) CheckCollapse(text, bias);
        Tensor? image = null;
        if (_image is not null)
        {
            image = _image.Forward(Config.Kind == "flf2v" ? clip!.Reshape(clip.Size(0) / 2, 2 * clip.Size(1), clip.Size(2)) : clip!);
            trace?.Record("img_emb", image);
        }
        // Born in this scope, so that a failure halfway frees them; given away only when all are there.
        (Tensor K, Tensor V)[] texts = [.. _blocks.Select(block => block.CrossAttention.TextKeys(text))];
        (Tensor K, Tensor V)[]? images = image is null ? null : [.. _blocks.Select(block => block.CrossAttention.ImageKeys(image))];
        foreach (var (k, v) in texts.Concat(images ?? [])) { k.Own(); v.Own(); }
        var pooled = _pool0 is null ? null : _pool2!.ForwardWide(_pool0.ForwardWide(
            Tensor.Stack(0, [.. contexts.Select(context => context.To(DType.F32, _device).Mean(0))])).Silu());
        return new WanPrompt(texts, images, bias.Own(), pooled?.Own());
    }

    /// <summary>The time's modulation, for any number of forward passes at this step.</summary>
    public WanModulation Modulate(WanTime time, Trace? trace = null)
    {
        using var scope = TensorScope.Open();
        var sinusoids = time.Distinct.SelectMany(t => Sinusoid(t, Config.FreqDim)).ToArray();
        // Time and modulation are fp32 throughout.
        var e = _time2.ForwardWide(_time0.ForwardWide(Tensor.From(sinusoids, time.Distinct.Length, Config.FreqDim).To(_device)).Silu());
        var six = Six(e);
        var index = time.Index is null ? null : Tensor.From(time.Index, time.Index.Length).To(_device);
        trace?.Record("time_embedding", index is null ? e : e.IndexSelect(0, index).Unsqueeze(0));
        trace?.Record("time_projection", six.Reshape(time.Distinct.Length, 6 * Config.Dim));
        return new WanModulation(e.Own(), six.Own(), index?.Own(), time);
    }

    /// <summary>Velocity noise - clean.</summary>
    /// <param name="latents">[B, InDim, F, H, W], condition channels already joined; H and W divisible by the patch.</param>
    /// <param name="time">From <see cref="Modulate"/>, shared by the batch.</param>
    /// <param name="rotation">From <see cref="Rotate"/> for this grid.</param>
    /// <param name="padTo">Rows to pad to, as the reference does; it changes no result and exists for comparison with it.</param>
    /// <param name="context">What stands before the shot, or nothing.</param>
    /// <param name="draftTrust">How much more than the head says is kept of drafts: added before the sigmoid
    /// (<see cref="WanConfig.TakesDrafts"/>).</param>
    /// <returns>[B, OutDim, F, H, W] fp32.</returns>
    public Tensor Forward(Tensor latents, WanModulation time, WanPrompt prompt, WanRotation rotation, Trace? trace = null, int padTo = 0,
        WanContext? context = null, double draftTrust = 0)
    {
        using var scope = TensorScope.Open();
        var (batch, f, h, w) = (latents.Size(0), latents.Size(2) / Config.Patch.T, latents.Size(3) / Config.Patch.H,
            latents.Size(4) / Config.Patch.W);
        var tokens = f * h * w;
        var (cosine, sine) = (rotation.Cosine, rotation.Sine);
        if (cosine.Size(-2) != tokens)
            throw new ArgumentException($"The rotation tables are for {cosine.Size(-2)} tokens, the latents have {tokens}.");

        var known = new WanKnown(Config, latents.To(DType.F32, _device), time.Time);
        var x = _patch.Forward((Config.AnswersClean ? known.Seen() : latents).To(_type, _device)).Float();   // [B, L, D]
        trace?.Record("patch_embedding", x.Transpose(1, 2).Reshape(batch, Config.Dim, f, h, w));
        if (_positions is not null) x = x + Positions(f, h, w);
        if (_drafts is not null) x = x + known.Surprise() * _drafts.Float();
        var remembered = context?.Tokens.Size(1) ?? 0;                                           // N
        if (context is not null)
        {
            x = Tensor.Cat(1, context.Tokens.Float(), x);                                        // [B, N + L, D]
            (cosine, sine) = (Before(context.Rotation.Cosine, cosine), Before(context.Rotation.Sine, sine));
        }
        var all = remembered + tokens;
        if (padTo > all)
        {
            x = x.Pad([0, 0, 0, padTo - all]);
            (cosine, sine) = (cosine.Pad([0, 0, 0, padTo - all], 1), sine.Pad([0, 0, 0, padTo - all]));
        }
        var (e, modulation, index) = (time.Embedding, time.Six, time.Index);                     // [U, D], [U, 6, D], [L]
        var perSample = time.Time.PerSample;
        if (prompt.Pooled is { } pooled)
        {
            (e, perSample) = (e + pooled, perSample || batch > 1);
            modulation = Six(e);
        }
        modulation = modulation.Unsqueeze(perSample ? 1 : 0);                                    // [B, 1, 6, D] or [1, U, 6, D]
        var ownIndex = index;
        if (context is not null && remembered > 0) (modulation, index) = WithContext(context, time, prompt, modulation, tokens);
        for (var i = 0; i < _blocks.Length; i++)
        {
            using var inner = TensorScope.Open();
            x = inner.Keep(GradientCheckpointing ? Checkpointed(i)
                : _blocks[i].Forward(x, modulation, index, cosine, sine, all, prompt.Block(i), trace));
            trace?.Record($"block.{i}", x);
        }
        // Whatever the block sees is among the inputs: it must outlive the caller's scopes until backward.
        Tensor Checkpointed(int i)
        {
            var (text, bias, image) = prompt.Block(i);
            List<Tensor> inputs = [x, modulation, text.K, text.V, cosine, sine, bias];
            if (image is { } seen) inputs.AddRange([seen.K, seen.V]);
            if (index is not null) inputs.Add(index);
            return Checkpointing.Run(given => _blocks[i].Forward(given[0], given[1], index is null ? null : given[^1],
                given[4], given[5], all,
                new((given[2], given[3]), given[6], image is null ? null : (given[7], given[8])), null), [.. inputs]);
        }
        if (remembered > 0) x = x.Narrow(1, remembered, x.Size(1) - remembered).Contiguous();
        x = _head.Forward(x, e, ownIndex, perSample);                                            // [B, L, pt ph pw (out [+ 1])]
        trace?.Record("head", x);
        if (x.Size(1) > tokens) x = x.Narrow(1, 0, tokens);
        var numbers = (long)Config.OutDim * Config.Patch.T * Config.Patch.H * Config.Patch.W;
        var answer = Unpatchify(x.Narrow(2, 0, numbers), f, h, w);
        if (Config.TakesDrafts) answer = known.WithDrafts(answer, x.Narrow(2, numbers, x.Size(2) - numbers), draftTrust);
        return scope.Keep(Config.AnswersClean ? known.Velocity(answer) : answer);
    }

    /// <summary>The six modulation vectors of an embedding [U, D]: [U, 6, D].</summary>
    Tensor Six(Tensor embedding) => _timeProjection.ForwardWide(embedding.Silu()).Reshape(embedding.Size(0), 6, Config.Dim);

    /// <summary>Angles [(B,) N, n] before angles [(B,) L, n].</summary>
    static Tensor Before(Tensor context, Tensor shot)
    {
        if (context.Dims == shot.Dims) return Tensor.Cat(-2, context, shot);
        return context.Dims == 3 ? Tensor.Cat(-2, context, shot.Unsqueeze(0).Expand(context.Size(0), shot.Size(0), shot.Size(1)))
            : Tensor.Cat(-2, context.Unsqueeze(0).Expand(shot.Size(0), context.Size(0), context.Size(1)), shot);
    }

    /// <summary>Modulation [B|1, U, 6, D] and which row of it each of N + L tokens has; null: all the one that there is.</summary>
    (Tensor Modulation, Tensor? Index) WithContext(WanContext context, WanModulation time, WanPrompt prompt, Tensor modulation, long tokens)
    {
        var (remembered, rows) = (context.Tokens.Size(1), modulation.Size(1));
        long row = time.Time.Index is null ? 0 : Array.IndexOf(time.Time.Distinct, time.Time.Distinct.Max());
        if (context.Timestep is { } timestep)
        {
            using var own = Modulate(WanTime.Of(timestep));
            var six = (prompt.Pooled is { } pooled ? Six(own.Embedding + pooled) : own.Six.Share()).Unsqueeze(1);    // [B|1, 1, 6, D]
            var samples = Math.Max(six.Size(0), modulation.Size(0));
            Tensor Each(Tensor table) => table.Expand(samples, table.Size(1), 6, Config.Dim);
            (modulation, row) = (Tensor.Cat(1, Each(modulation), Each(six)), rows);
        }
        else if (time.Index is null)
        {
            return (modulation, null);
        }
        var shot = time.Index ?? Tensor.Zeros([tokens], DType.I64, _device);
        return (modulation, Tensor.Cat(0, Tensor.Full([remembered], row, DType.I64, _device), shot));
    }

    /// <summary>Learned positions of a grid, [1, f h w, D].</summary>
    Tensor Positions(long f, long h, long w)
    {
        if (h * w != _positions!.Size(0)) throw new ArgumentException(
            $"This model has learned one size of picture, {Config.LearnedPositions.Columns}x{Config.LearnedPositions.Rows} tokens, "
            + $"not {w}x{h}.");
        return _positions.Float().Unsqueeze(0).Repeat(1, f, 1);
    }

    /// <summary>Rotation angles of a grid [model.py rope_params, rope_apply]: computed in double, stored in fp32.</summary>
    /// <param name="frames">Temporal position of each latent frame: 0, 1, 2... or, for remembered frames, negative.</param>
    public WanRotation Rotate(IReadOnlyList<double> frames, int rows, int columns)
    {
        var (cosine, sine) = Angles(Config.HeadDim, frames, rows, columns);
        var shape = new long[] { (long)frames.Count * rows * columns, Config.HeadDim / 2 };
        return new WanRotation(Tensor.From(cosine, shape).To(_device).Own(), Tensor.From(sine, shape).To(_device).Own());
    }

    /// <summary>
    /// As the tensor form: cosine and sine, [L, d/2] row-major. A third of the pairs each for rows and columns, the rest for time.
    /// </summary>
    internal static (float[] Cosine, float[] Sine) Angles(int headDim, IReadOnlyList<double> frames, int rows, int columns)
    {
        var pairs = headDim / 2;
        var (cosine, sine) = (new float[(long)frames.Count * rows * columns * pairs],
            new float[(long)frames.Count * rows * columns * pairs]);
        var at = 0;
        for (var f = 0; f < frames.Count; f++)
            for (var r = 0; r < rows; r++)
                for (var c = 0; c < columns; c++)
                    for (var p = 0; p < pairs; p++, at++)
                    {
                        var (s, co) = Math.SinCos(Angle(headDim, p, frames[f], r, c));
                        (cosine[at], sine[at]) = ((float)co, (float)s);
                    }
        return (cosine, sine);
    }

    /// <summary>The angle of one pair of a head's dimensions at a position, in double.</summary>
    internal static double Angle(int headDim, int pair, double frame, double row, double column)
    {
        int pairs = headDim / 2, axis = pairs / 3, temporal = pairs - 2 * axis;
        var (position, i, n) = pair < temporal ? (frame, pair, temporal)
            : pair < temporal + axis ? (row, pair - temporal, axis) : (column, pair - temporal - axis, axis);
        return position * Math.Pow(10000, -(double)i / n);
    }

    /// <summary>[cos, sin] of the timestep at geometric frequencies, in double [model.py sinusoidal_embedding_1d].</summary>
    internal static float[] Sinusoid(double timestep, int dim)
    {
        var values = new float[dim];
        for (var i = 0; i < dim / 2; i++)
        {
            var (sin, cos) = Math.SinCos(timestep * Math.Pow(10000, -(double)i / (dim / 2)));
            (values[i], values[dim / 2 + i]) = ((float)cos, (float)sin);
        }
        return values;
    }

    /// <summary>
    /// Text rows through the embedding, and one row that stands for all padded ones: the reference pads with zeros to TextLen before
    /// the embedding and masks nothing, so every padded row has the same key and value, and n of them weigh as one with bias log n.
    /// </summary>
    (Tensor Text, Tensor Bias) Collapse(IReadOnlyList<Tensor> contexts, Trace? trace)
    {
        var longest = contexts.Max(context => context.Size(0));
        if (longest > Config.TextLen) throw new ArgumentException($"The prompt has {longest} tokens; this model takes {Config.TextLen}.");
        var rows = contexts.Select(context => context.To(_type, _device).Pad([0, 0, 0, longest + 1 - context.Size(0)])).ToArray();
        var text = EmbedText(Tensor.Stack(0, rows));                                             // [B, N + 1, D]; the last row is padding
        var bias = new float[contexts.Count * (longest + 1)];
        for (var b = 0; b < contexts.Count; b++)
        {
            var (used, at) = (contexts[b].Size(0), b * (longest + 1));
            for (var i = used; i < longest; i++) bias[at + i] = float.NegativeInfinity;
            bias[at + longest] = used == Config.TextLen ? float.NegativeInfinity : MathF.Log(Config.TextLen - used);
        }
        trace?.Record("text_embedding", text);
        return (text, Tensor.From(bias, contexts.Count, longest + 1).To(_device));
    }

    Tensor EmbedText(Tensor rows) => _text2.Forward(_text0.ForwardGelu(rows));

    /// <summary>Once per model: the first block's cross-attention over all TextLen rows must equal the collapsed one.</summary>
    void CheckCollapse(Tensor text, Tensor bias)
    {
        using var scope = TensorScope.Open();
        using var still = Autograd.Disable();
        var attention = _blocks[0].CrossAttention;
        var used = bias.Select(0, 0).ToFloats().Count(value => value == 0);
        var full = Tensor.Cat(1, text.Narrow(0, 0, 1).Narrow(1, 0, used),
            text.Narrow(0, 0, 1).Narrow(1, text.Size(1) - 1, 1).Expand(1, Config.TextLen - used, Config.Dim));
        var probe = new RandomSource(0).Normal("collapse", 0, 1, 4, Config.Dim).To(_type, _device);
        var none = Tensor.Zeros([1, Config.TextLen], DType.F32, _device);
        var (a, b) = (attention.TextKeys(full), attention.TextKeys(text.Narrow(0, 0, 1).Contiguous()));
        var (whole, collapsed) = (attention.Forward(probe, new(a, none, null)),
            attention.Forward(probe, new(b, bias.Narrow(0, 0, 1).Contiguous(), null)));
        var error = (whole.Float() - collapsed.Float()).Abs().Max().Item() / Math.Max(whole.Float().Abs().Max().Item(), 1e-6);
        if (error > (_type == DType.F32 ? 1e-4 : 5e-2))
            throw new InvalidOperationException(
                $"Collapsing padded text rows changed the first block by {error:E1}: these weights are not Wan's.");
        _collapseChecked = true;
    }

    Tensor Unpatchify(Tensor x, long f, long h, long w)
    {
        var (pt, ph, pw) = Config.Patch;
        return x.Reshape(x.Size(0), f, h, w, pt, ph, pw, Config.OutDim).Permute(0, 7, 1, 4, 2, 5, 3, 6)
            .Reshape(x.Size(0), Config.OutDim, f * pt, h * ph, w * pw);
    }
}

/// <summary>Patches to tokens: a convolution whose kernel is its stride, as a matrix product over unfolded patches.</summary>
sealed class WanPatchEmbedding(WanConfig config, Weights weights)
{
    readonly Tensor _weight = weights.Get("weight", config.Dim, config.InDim, config.Patch.T, config.Patch.H, config.Patch.W);
    readonly Tensor _bias = weights.Get("bias", config.Dim);

    /// <summary>x [B, C, F, H, W] -> [B, f h w, D].</summary>
    public Tensor Forward(Tensor x) => Linear.Apply(Unfold(x, config.Patch), _weight.Flatten(1), _bias);

    /// <summary>x [B, C, F, H, W] -> patches [B, f h w, C pt ph pw].</summary>
    public static Tensor Unfold(Tensor x, (int T, int H, int W) patch)
    {
        var (pt, ph, pw) = patch;
        var (b, c, f, h, w) = (x.Size(0), x.Size(1), x.Size(2) / pt, x.Size(3) / ph, x.Size(4) / pw);
        return x.Reshape(b, c, f, pt, h, ph, w, pw).Permute(0, 2, 4, 6, 1, 3, 5, 7).Reshape(b, f * h * w, c * pt * ph * pw);
    }
}

/// <summary>CLIP tokens to model width (2.1 image models) [model.py MLPProj].</summary>
sealed class WanImageEmbedding(Weights weights, int clipDim, int dim)
{
    readonly LayerNorm _norm0 = new(weights["proj"][0], clipDim, 1e-5), _norm4 = new(weights["proj"][4], dim, 1e-5);
    readonly Linear _linear1 = new(weights["proj"][1], clipDim, clipDim), _linear3 = new(weights["proj"][3], clipDim, dim);
    // FLF2V: positions for the two frames' tokens; only such checkpoints have them.
    readonly Tensor? _positions = weights.Has("emb_pos") ? weights.Get("emb_pos", 1, TokensOf(weights), clipDim) : null;

    /// <summary>514 in the released model: 257 of each frame.</summary>
    static long TokensOf(Weights weights) => weights.ShapeOf("emb_pos") is [_, var tokens, _] ? tokens : 514;

    public Tensor Forward(Tensor clip)
    {
        if (_positions is not null) clip = clip.Float() + _positions.Float();
        var y = _linear1.Forward(_norm0.Forward(clip.Float(), _linear1.Weight.DType)).Gelu();
        return _norm4.Forward(_linear3.Forward(y));                                              // [B, 257 or 514, D]
    }
}

/// <summary>Self-attention, cross-attention, feed-forward, each modulated and gated by time [model.py WanAttentionBlock].</summary>
sealed class WanBlock
{
    readonly WanConfig _config;
    readonly int _number;
    readonly WanSelfAttention _selfAttention;
    readonly LayerNorm? _norm3;
    readonly Linear _ffn0, _ffn2;
    readonly Tensor _modulation;

    public WanCrossAttention CrossAttention { get; }

    public WanBlock(WanConfig config, int number, Weights weights)
    {
        (_config, _number) = (config, number);
        _selfAttention = new WanSelfAttention(config, weights["self_attn"]);
        CrossAttention = new WanCrossAttention(config, weights["cross_attn"]);
        if (config.CrossAttentionNorm) _norm3 = new LayerNorm(weights["norm3"], config.Dim, config.Eps);
        _ffn0 = new Linear(weights["ffn"][0], config.Dim, config.FfnDim);
        _ffn2 = new Linear(weights["ffn"][2], config.FfnDim, config.Dim);
        _modulation = weights.Get("modulation", 1, 6, config.Dim);
    }

    /// <summary>x [B, L, D] fp32, written over; modulation [B|1, U, 6, D], of which token i takes row index[i].</summary>
    public Tensor Forward(Tensor x, Tensor modulation, Tensor? index, Tensor cosine, Tensor sine, long tokens, WanKeys keys, Trace? trace)
    {
        var type = _ffn0.Weight.DType;
        var e = (modulation + _modulation.Float()).Chunk(6, 2).Select(part => part.Squeeze(2)).ToArray();   // 6 x [B|1, U, D]

        using (var part = TensorScope.Open())
        {
            var y = Fused.LayerNorm(x, null, null, _config.Eps, type, e[0], e[1], index);
            y = _selfAttention.Forward(y, cosine, sine, tokens);
            trace?.Record($"block.{_number}.self_attn", y);
            x = part.Keep(Fused.GateAdd(x, y, e[2], index));
        }
        using (var part = TensorScope.Open())
        {
            var y = CrossAttention.Forward(_norm3?.Forward(x, type) ?? x.To(type), keys);
            trace?.Record($"block.{_number}.cross_attn", y);
            x = part.Keep(Fused.GateAdd(x, y));
        }
        using (var part = TensorScope.Open())
        {
            var y = Fused.LayerNorm(x, null, null, _config.Eps, type, e[3], e[4], index);
            y = _ffn2.Forward(_ffn0.ForwardGelu(y));                                                // [B, L, FfnDim] -> [B, L, D]
            return part.Keep(Fused.GateAdd(x, y, e[5], index));
        }
    }
}

sealed class WanSelfAttention(WanConfig config, Weights weights)
{
    readonly Linear _q = new(weights["q"], config.Dim, config.Dim), _k = new(weights["k"], config.Dim, config.Dim),
        _v = new(weights["v"], config.Dim, config.Dim), _o = new(weights["o"], config.Dim, config.Dim);
    readonly Tensor _normQ = weights.Get("norm_q.weight", config.Dim), _normK = weights.Get("norm_k.weight", config.Dim);

    /// <summary>x [B, L, D] -> [B, L, D]; keys beyond the first <paramref name="tokens"/> are padding and not seen.</summary>
    public Tensor Forward(Tensor x, Tensor cosine, Tensor sine, long tokens)
    {
        var q = Fused.RmsNormRotate(_q.Forward(x), _normQ, config.Eps, config.Heads, cosine, sine);      // [B, L, heads, d]
        var k = Fused.RmsNormRotate(_k.Forward(x), _normK, config.Eps, config.Heads, cosine, sine);
        var v = _v.Forward(x).Reshape(k.Shape);
        if (tokens < x.Size(1)) (k, v) = (k.Narrow(1, 0, tokens), v.Narrow(1, 0, tokens));
        return _o.Forward(Fused.Attention(q, k, v, 1 / Math.Sqrt(config.HeadDim)).Reshape(x.Shape));
    }
}

sealed class WanCrossAttention
{
    readonly WanConfig _config;
    readonly Linear _q, _k, _v, _o;
    readonly Linear? _kImage, _vImage;
    readonly Tensor _normQ, _normK;
    readonly Tensor? _normKImage;

    public WanCrossAttention(WanConfig config, Weights weights)
    {
        var dim = config.Dim;
        _config = config;
        (_q, _k) = (new Linear(weights["q"], dim, dim), new Linear(weights["k"], dim, dim));
        (_v, _o) = (new Linear(weights["v"], dim, dim), new Linear(weights["o"], dim, dim));
        (_normQ, _normK) = (weights.Get("norm_q.weight", dim), weights.Get("norm_k.weight", dim));
        if (config.ClipDim == 0) return;
        (_kImage, _vImage) = (new Linear(weights["k_img"], dim, dim), new Linear(weights["v_img"], dim, dim));
        _normKImage = weights.Get("norm_k_img.weight", dim);
    }

    /// <summary>Text rows [B, N, D] -> keys and values [B, N, heads, d].</summary>
    public (Tensor K, Tensor V) TextKeys(Tensor text) => Keys(text, _k, _v, _normK);

    public (Tensor K, Tensor V) ImageKeys(Tensor image) => Keys(image, _kImage!, _vImage!, _normKImage!);

    (Tensor K, Tensor V) Keys(Tensor rows, Linear k, Linear v, Tensor norm)
    {
        var keys = Fused.RmsNormRotate(k.Forward(rows), norm, _config.Eps, _config.Heads);
        return (keys, v.Forward(rows).Reshape(keys.Shape));
    }

    public Tensor Forward(Tensor x, WanKeys keys)
    {
        var scale = 1 / Math.Sqrt(_config.HeadDim);
        var q = Fused.RmsNormRotate(_q.Forward(x), _normQ, _config.Eps, _config.Heads);                  // [B, L, heads, d]
        var y = Fused.Attention(q, keys.Text.K, keys.Text.V, scale, keys.Bias);
        if (keys.Image is { } seen) y += Fused.Attention(q, seen.K, seen.V, scale);
        return _o.Forward(y.Reshape(x.Shape));
    }
}

/// <summary>Modulated norm and projection to patches, in fp32 [model.py Head].</summary>
sealed class WanHead(WanConfig config, Weights weights)
{
    readonly Linear _head = new(weights["head"], config.Dim,
        (config.OutDim + (config.TakesDrafts ? 1 : 0)) * config.Patch.T * config.Patch.H * config.Patch.W);
    readonly Tensor _modulation = weights.Get("modulation", 1, 2, config.Dim);

    public Tensor Forward(Tensor x, Tensor e, Tensor? index, bool perSample)
    {
        var parts = (_modulation.Float() + e.Unsqueeze(1)).Chunk(2, 1)                                   // [U, 2, D]
            .Select(part => perSample ? part : part.Transpose(0, 1)).ToArray();
        return _head.ForwardWide(Fused.LayerNorm(x, null, null, config.Eps, DType.F32, parts[0], parts[1], index));
    }
}
