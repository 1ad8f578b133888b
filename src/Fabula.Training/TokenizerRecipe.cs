// Recipe: MovieDreamer's keyframe tokenizer learns to put a picture into two tokens and to draw it from them. `fabula train tokenizer`
//
// Paper: "MovieDreamer" (2024), section 3.2, 3.4 and appendix A; networks: KeyframeTokenizer.cs, KeyframeRenderer.cs. Its order is kept:
// the compressor alone while the decoder stands still (20k of 120k steps), then both, then the identity-preserving renderer, which sees
// sentences and identities too and whose rows are masked; noise has an offset per channel. What differs: its decoder begins as SDXL, which
// knows pictures from words, so here a first stage teaches the decoder that; the loss is flow matching's on clean latents, as in
// VideoRecipe.cs; its two data sets are one.
//
// Every stage is a run in a folder of its own, with its own optimiser, and begins with the averaged weights that the one before ended with.
using System.Text.Json.Nodes;
using Fabula.Models;
using Fabula.Narrative;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <summary>What is taught for a part of the steps, and what the decoder sees meanwhile.</summary>
/// <param name="Share">Of all steps.</param>
/// <param name="Tokens">The decoder sees the picture tokens.</param>
/// <param name="Script">It sees sentences and identities.</param>
public sealed record TokenizerStage(string Name, double Share, bool Compressor, bool Decoder, bool Tokens, bool Script)
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

    /// <summary>
    /// The maps from tokens to rows and to drafts are new in both of the paper's networks, so they learn with either half. Principal
    /// components stay what they are.
    /// </summary>
    public bool Teaches(string name) => name.StartsWith("compressor.", StringComparison.Ordinal)
        ? Compressor && !name.StartsWith("compressor.straight.", StringComparison.Ordinal)
        : Decoder || name.StartsWith("renderer.tokens.", StringComparison.Ordinal)
            || (Tokens && name.StartsWith("renderer.draft.", StringComparison.Ordinal));
}

/// <param name="Batch">Pictures per process and step.</param>
/// <param name="NoiseOffset">Deviation of noise that is the same all over a channel (the paper's 0.05).</param>
/// <param name="Masking">How often a row of the renderer's is hidden (the paper's 0.2).</param>
/// <param name="Alone">How often the renderer sees the tokens and nothing else, so that it stays a plain decoder too.</param>
/// <param name="TokenNoise">Deviation of noise on the renderer's tokens in every second step, as a planner's are not perfect.</param>
/// <param name="FigureWeight">How much more a latent that shows people counts, as in VideoRecipe.cs.</param>
public sealed record TokenizerSettings(int Steps = 8000, int Batch = 24, double NoiseOffset = 0.05, double Masking = 0.2,
    double Alone = 0.2, double TokenNoise = 0.2, double FigureWeight = 4, ulong Seed = 3)
{
    public Pace Pace { get; init; } = new(Matrices: 0.02, Others: 2e-3, Warmup: 60, DecayFrom: 0.35, EmaDecay: 0.998, WeightDecay: 0.02);
    public KeyframeTokenizerConfig Network { get; init; } = new();
    public Rhythm Rhythm { get; init; } = new();

    public int StepsOf(TokenizerStage stage) => Math.Max(1, (int)Math.Round(Steps * stage.Share));

    public JsonObject ToJson(TokenizerStage stage, int crew) => new()
    {
        ["recipe"] = "tokenizer 1",
        ["stage"] = stage.Name,
        ["steps"] = StepsOf(stage),
        ["batch"] = Batch,
        ["noise_offset"] = NoiseOffset,
        ["masking"] = Masking,
        ["alone"] = Alone,
        ["token_noise"] = TokenNoise,
        ["figure_weight"] = FigureWeight,
        ["seed"] = Seed,
        ["processes"] = crew,
        ["tokens"] = Network.Tokens,
        ["token_dim"] = Network.TokenDim,
        ["dim"] = Network.Dim,
        ["drafts"] = Network.Drafts,
        ["pace"] = Pace.ToJson(),
    };
}

public static class TokenizerRecipe
{
    /// <summary>Trains, or goes on training; on the tensor thread. Ends with the tokenizer in the folder.</summary>
    /// <param name="held">Stories that are not learned from.</param>
    /// <param name="from">A video model's weights of the decoder's shape, which it begins with; null: it begins from nothing.</param>
    public static void Run(TokenizerSettings settings, VideoTools tools, KeyframeExamples examples, KeyframeExamples held, string folder,
        Crew crew, Action<string> say, CancellationToken stop, Weights? from = null)
    {
        using var weights = Weights.Fresh(settings.Seed, DType.F32, Device.Cpu);
        var lesson = new Lesson(settings, tools, new KeyframeTokenizer(settings.Network, weights), new SentenceReader(tools));
        Begin(weights.Parameters, from);
        if (settings.Network.Drafts)
        {
            say("the principal components of the pictures");
            BeginStraight(settings, weights.Parameters, examples);
        }
        foreach (var (number, stage) in (from is null ? TokenizerStage.All : TokenizerStage.OnPictures).Index())
        {
            var run = new TrainingRun(Path.Combine(folder, $"{number + 1}-{stage.Name}"), settings.ToJson(stage, crew.Size));
            Teach(lesson, stage, weights, examples, held, run, crew, say, stop);
        }
        if (crew.Leads) PocketFolder.Write(folder, PocketFolder.Tokenizer, settings.Network, weights.Parameters);
    }

    static void Teach(Lesson lesson, TokenizerStage stage, Weights weights, KeyframeExamples examples, KeyframeExamples held,
        TrainingRun run, Crew crew, Action<string> say, CancellationToken stop)
    {
        var (settings, steps) = (lesson.Settings, lesson.Settings.StepsOf(stage));
        foreach (var (name, tensor) in weights.Parameters) tensor.RequireGrad(stage.Teaches(name));
        using var teacher = new Teacher(weights.Parameters.Where(pair => stage.Teaches(pair.Key)), IsMatrix, settings.Pace, crew);
        run.Resume(weights, teacher);
        using var batches = new Ahead<Keyframe[]>(run.Start, steps,
            step => Batch(examples, settings.Batch, new Chance(settings.Seed)["tokenizer"][stage.Name][step][crew.Rank]));
        new Course(run, weights, teacher, crew, steps, settings.Rhythm, say) { Name = $"{stage.Name}: " }
            .Go(step => new(settings.Batch, ("error", lesson.Learn(stage, batches.Next(stop), step, crew.Rank))));
        using (Autograd.Disable())
            foreach (var (name, average) in teacher.Averages) weights.Parameters[name].Detach().CopyFrom(average);
        if (!crew.Leads || run.Start == steps) return;
        var examined = Batch(held, 24, new Chance(settings.Seed)["examined"]);
        lesson.Show(stage, examined[..8], run, steps);
        var errors = lesson.Examine(stage, examined);
        run.Log(steps, errors);
        say($"{stage.Name}: " + string.Join("  ", errors.Select(error => $"{error.Key} {error.Value:0.000}")));
    }

    static bool IsMatrix(string name, Tensor tensor) => name.Contains(".blocks.", StringComparison.Ordinal) && tensor.Dims == 2;

    /// <summary>The decoder begins as the video model does or as the given one, the compressor's blocks like the decoder's.</summary>
    static void Begin(IReadOnlyDictionary<string, Tensor> weights, Weights? from)
    {
        const string Decoder = "renderer.decoder.", Compressor = "compressor.";
        foreach (var (name, tensor) in weights)
            if (name.StartsWith(Decoder, StringComparison.Ordinal)) VideoRecipe.Begin(name[Decoder.Length..], tensor, from);
            else if (name.StartsWith(Compressor, StringComparison.Ordinal)) VideoRecipe.Begin(name[Compressor.Length..], tensor, null);
        if (from is null) VideoRecipe.LookAtTheLike(weights);
        else LetThrough(weights["renderer.sentence.0.weight"], weights["renderer.sentence.2.weight"]);
    }

    /// <summary>
    /// Two layers with a GELU between them begin nearly as the identity where they are square: what the decoder knows of words is of use
    /// from the first step.
    /// </summary>
    static void LetThrough(Tensor first, Tensor second)
    {
        if (first.Size(0) != first.Size(1) || second.Size(0) != second.Size(1)) return;
        const double Small = 0.25;                                       // GELU is x / 2 near 0
        using var scope = TensorScope.Open();
        foreach (var (layer, scale) in new[] { (first, Small), (second, 2 / Small) })
        {
            var size = (int)layer.Size(0);
            var values = new float[size * size];
            for (var i = 0; i < size; i++) values[i * size + i] = (float)scale;
            layer.Detach().CopyFrom(Tensor.From(values, size, size));
        }
    }

    /// <summary>Most pictures whose principal components are looked for.</summary>
    const int Looked = 4000;

    /// <summary>Tokens begin as the pictures' principal components, each of deviation 1, drafts as what these say of the picture.</summary>
    static void BeginStraight(TokenizerSettings settings, IReadOnlyDictionary<string, Tensor> weights, KeyframeExamples examples)
    {
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        var network = settings.Network;
        var pictures = examples.Stories(false).SelectMany(story => story.Pictures.Select((shot, i) => shot[i % shot.Length])).ToList();
        var every = Math.Max(1.0, (double)pictures.Count / Looked);
        List<Tensor> rows = [];
        for (var at = 0.0; (int)at < pictures.Count; at += every)
            rows.Add(Tensor.From([.. pictures[(int)at].Select(value => (float)value)], network.Channels, network.Rows, network.Columns));
        var flat = KeyframeTokenizer.Features(Tensor.Stack(0, [.. rows]), network.Patch).Reshape(rows.Count, -1);
        var (mean, directions, deviation) = PrincipalComponents.Of(flat, network.Tokens * network.TokenDim);
        var whole = deviation.Clamp(1e-2, 1e6).Unsqueeze(1);                                     // [n d, 1]
        var to = directions / whole;
        weights["compressor.straight.weight"].Detach().CopyFrom(to);
        weights["compressor.straight.bias"].Detach().CopyFrom(-to.Matmul(mean.Unsqueeze(1)).Squeeze(1));
        weights["renderer.draft.weight"].Detach().CopyFrom((directions * whole).Transpose(0, 1) * KeyframeRenderer.DraftScale);
        weights["renderer.draft.bias"].Detach().CopyFrom(mean * KeyframeRenderer.DraftScale);
        weights["compressor.tokens.weight"].Detach().Zero_();
        weights["compressor.tokens.bias"].Detach().Zero_();
    }

    /// <summary>Keyframes of any story and shot, in words of all registers that describe a picture.</summary>
    static Keyframe[] Batch(KeyframeExamples examples, int size, Chance chance) => [.. Enumerable.Range(0, size).Select(i =>
    {
        var (here, story) = (chance[i], chance[i]["story"].Below(examples.Stories(false).Count));
        return examples.Draw(story, here["shot"].Below(examples.Stories(false)[story].Story.Shots.Count), here["moment"].Below(3), false,
            here["told"].Pick(Register.Full, Register.Planned, Register.Referential), here["caption"], here["who"]);
    })];

    /// <summary>What learning and examining have in common.</summary>
    sealed record Lesson(TokenizerSettings Settings, VideoTools Tools, KeyframeTokenizer Tokenizer, SentenceReader Reader)
    {
        readonly RandomSource _random = new(Settings.Seed);

        /// <summary>Forward and backward of one batch; the mean error.</summary>
        public double Learn(TokenizerStage stage, Keyframe[] batch, int step, int rank)
        {
            using var learning = Autograd.Enable();
            var (pictures, purpose) = (Pictures(batch), $"{stage.Name} {rank}");
            var renders = stage is { Tokens: true, Script: true };
            var sigmas = VideoRecipe.Sigmas(_random, step, rank, batch.Length);
            var view = View(stage, batch, pictures, renders ? Shown(purpose, step, batch.Length) : null,
                renders && step % 2 == 0 ? shape => _random.Normal($"tokens {purpose}", step, shape) * Settings.TokenNoise : null);
            var wrong = Wrong(pictures, view, sigmas, purpose, step);
            var weight = 1 + Settings.FigureWeight * Tensor.From([.. batch.SelectMany(keyframe => keyframe.Figures)], batch.Length, 1,
                Settings.Network.Rows, Settings.Network.Columns);
            var loss = (wrong * (weight / weight.Mean())).Mean();
            loss.Backward();
            return loss.Item();
        }

        /// <summary>Which rows the renderer sees, [B, R]: some are masked, and in some pictures all but the tokens.</summary>
        Tensor Shown(string purpose, int step, int size)
        {
            var network = Settings.Network;
            var masked = _random.Uniform($"mask {purpose}", step, size, network.ContextRows).Lt(Settings.Masking).Eq(0).Float();
            var script = Tensor.Cat(1, Tensor.Zeros([size, network.Tokens], DType.F32, Device.Cpu),
                Tensor.Ones([size, network.ContextRows - network.Tokens], DType.F32, Device.Cpu));
            return masked * (1 - _random.Uniform($"alone {purpose}", step, size, 1).Lt(Settings.Alone).Float() * script);
        }

        /// <summary>
        /// Errors at three noise levels, and the same with every picture drawn from the next one's rows: what the rows tell.
        /// </summary>
        public List<KeyValuePair<string, double>> Examine(TokenizerStage stage, Keyframe[] batch)
        {
            using var scope = TensorScope.Open();
            using var off = Autograd.Disable();
            var pictures = Pictures(batch);
            var view = View(stage, batch, pictures, null);
            Tensor Next(Tensor of) => Tensor.Cat(0, of.Narrow(0, 1, batch.Length - 1), of.Narrow(0, 0, 1));
            var others = new KeyframeView(Next(view.Rows), view.Draft is null ? null : Next(view.Draft));
            double At(double sigma, KeyframeView told) =>
                Wrong(pictures, told, [.. Enumerable.Repeat(sigma, batch.Length)], "examined", 0).Mean().Item();
            return [.. new[] { 0.95, 0.7, 0.4 }.SelectMany(sigma => new KeyValuePair<string, double>[]
            {
                new($"held out at {sigma}", At(sigma, view)), new($"another's rows at {sigma}", At(sigma, others)),
            })];
        }

        /// <summary>Squared errors of the clean latents [B, z, h, w], each picture at a noise level of its own.</summary>
        Tensor Wrong(Tensor pictures, KeyframeView view, double[] sigmas, string purpose, int step)
        {
            var (size, z) = (pictures.Size(0), pictures.Size(1));
            var noise = _random.Normal($"noise {purpose}", step, pictures.Shape)
                + _random.Normal($"offset {purpose}", step, size, z, 1, 1) * Settings.NoiseOffset;
            var t = Tensor.From([.. sigmas.Select(sigma => (float)sigma)], size, 1, 1, 1);
            var velocity = Tokenizer.Renderer.Velocity(pictures + (noise - pictures) * t, sigmas, view.Rows, view.Draft);
            return ((velocity - (noise - pictures)) * t).Square();
        }

        Tensor Pictures(Keyframe[] batch) => Tensor.From([.. batch.SelectMany(keyframe => keyframe.Picture.Select(value => (float)value))],
            batch.Length, Settings.Network.Channels, Settings.Network.Rows, Settings.Network.Columns);

        /// <param name="blemish">What is added to the tokens, by shape.</param>
        KeyframeView View(TokenizerStage stage, Keyframe[] batch, Tensor pictures, Tensor? shown, Func<long[], Tensor>? blemish = null)
        {
            var tokens = stage.Tokens ? Tokenizer.Encode(pictures) : null;
            if (tokens is not null && blemish is not null) tokens += blemish(tokens.Shape);
            return TokenizerRecipe.View(Tokenizer, Reader, batch, tokens, stage.Script, shown);
        }

        /// <summary>Pictures of a batch, and below each the one that is drawn from what the decoder sees of it.</summary>
        public void Show(TokenizerStage stage, Keyframe[] batch, TrainingRun run, int step)
        {
            using var scope = TensorScope.Open();
            using var off = Autograd.Disable();
            var pictures = Pictures(batch);
            Sheet(run, "rendered", step, Tools.Vae, pictures, Rendered(Tokenizer, View(stage, batch, pictures, null), Settings.Seed));
        }
    }

    /// <summary>What the decoder sees of each keyframe.</summary>
    /// <param name="tokens">[B, n, d]; null: it does not see them.</param>
    /// <param name="script">It sees sentences and identities.</param>
    /// <param name="shown">[B, R]: 0 where a row is masked; null: none is.</param>
    internal static KeyframeView View(KeyframeTokenizer tokenizer, SentenceReader reader, Keyframe[] batch, Tensor? tokens, bool script,
        Tensor? shown = null)
    {
        using var scope = TensorScope.Open();
        var (network, size) = (tokenizer.Config, batch.Length);
        var there = new float[size * network.ContextRows];
        var (sentences, identities) = (new List<Tensor>(), new List<Tensor>());
        foreach (var (b, keyframe) in batch.Index())
        {
            string[] said = [.. keyframe.Script.Parts().Where(part => part.Kind == ScriptPartKind.Sentence).Select(part => part.Text)];
            var people = keyframe.Identities.Length;
            var mine = there.AsSpan(b * network.ContextRows, network.ContextRows);
            if (tokens is not null) mine[..network.Tokens].Fill(1);
            mine.Slice(network.Tokens, said.Length).Fill(1);
            mine.Slice(network.Tokens + network.Sentences, people).Fill(1);
            if (!script) continue;
            sentences.Add(reader.Read(said)!.Pad([0, 0, 0, network.Sentences - said.Length]));
            identities.Add(Tensor.From([.. keyframe.Identities.SelectMany(values => values)], people, network.IdentityDim)
                .Pad([0, 0, 0, network.Identities - people]));
        }
        var seen = Tensor.From(there, size, network.ContextRows);
        if (shown is not null) seen *= shown;
        if (tokens is null)
        {
            tokens = Tensor.Zeros([size, network.Tokens, network.TokenDim], DType.F32, Device.Cpu);
            return new(scope.Keep(Shown().Rows), null);
        }
        var view = Shown();
        return new(scope.Keep(view.Rows), view.Draft is null ? null : scope.Keep(view.Draft));
        KeyframeView Shown() => script
            ? tokenizer.Renderer.View(tokens, Tensor.Stack(0, [.. sentences]), Tensor.Stack(0, [.. identities]), seen)
            : tokenizer.Renderer.View(tokens, seen: seen);
    }

    /// <summary>The pictures [B, z, h, w] of a view, in the few steps that the pocket model's films are made with.</summary>
    internal static Tensor Rendered(KeyframeTokenizer tokenizer, KeyframeView view, ulong seed)
    {
        var (network, random) = (tokenizer.Config, new RandomSource(seed));
        return Tensor.Stack(0, [.. Enumerable.Range(0, (int)view.Rows.Size(0)).Select(b => tokenizer.Renderer.Render(
            random.Normal("rendered", b, network.Channels, network.Rows, network.Columns), view.Rows.Select(0, b),
            Schedule.UniPC(PocketFolder.Steps, PocketFolder.Shift), view.Draft?.Select(0, b)))]);
    }

    /// <summary>Pictures [B, z, h, w] above others, as frames.</summary>
    internal static void Sheet(TrainingRun run, string name, int step, WanVae vae, Tensor above, Tensor below)
    {
        var (count, stride) = ((int)above.Size(0), vae.Config.SpatialStride);
        var frames = vae.Decode(Tensor.Cat(0, above, below).Unsqueeze(2));                       // [2 B, 3, 1, H, W]
        var bytes = Enumerable.Range(0, 2 * count).Select(i => (ReadOnlyMemory<byte>)VaeRecipe.Bytes(frames.Narrow(0, i, 1)));
        run.Sheet(name, step, [.. bytes], (int)above.Size(3) * stride, (int)above.Size(2) * stride, count);
    }
}
