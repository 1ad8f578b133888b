// Recipe: MovieDreamer's keyframe tokenizer learns to put a picture into two tokens and to draw it from them. `fabula train tokenizer`
//
// Paper: "MovieDreamer" (2024), section 3.2, 3.4 and appendix A; networks: KeyframeTokenizer.cs, KeyframeRenderer.cs. Its order is kept:
// the compressor alone while the decoder stands still (20k of 120k steps), then both, then the identity-preserving renderer, which sees
// sentences and identities too and whose rows are masked; noise has an offset per channel. What differs: its decoder begins as SDXL, which
// knows pictures from words, so here a first stage teaches the decoder that; the loss is flow matching's on clean latents, as in
// VideoRecipe.cs; its two data sets are one.
//
// With a sketch (KeyframeSketch.cs) compressor and sketch learn first, by the plain error of latents; then the tokens stand, and the
// decoder learns to refine sketches: with tokens alone, and as the identity-preserving renderer with people laid on them
// (KeyframeCollage.cs).
//
// Every stage is a run in a folder of its own, with its own optimiser, and begins with the averaged weights that the one before ended with.
using System.Runtime.InteropServices;
using Fabula.Models;
using Fabula.Narrative;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <summary>A keyframe, and what the decoder sees of it beside its tokens.</summary>
/// <param name="Alone">Nothing else.</param>
/// <param name="People">Who is laid on its draft.</param>
/// <param name="Ground">The empty place on which they are laid; null: the sketch.</param>
public sealed record ShownKeyframe(Keyframe Keyframe, bool Alone, IReadOnlyList<LaidFigure> People, Picture? Ground);

public static class TokenizerRecipe
{
    /// <summary>Trains, or goes on training; on the tensor thread. Leaves the tokenizer in the folder after every stage.</summary>
    /// <param name="held">Stories that are not learned from.</param>
    /// <param name="from">A video model's weights of the decoder's shape, which it begins with; null: it begins from nothing.</param>
    /// <param name="trained">A tokenizer's weights to go on from instead, by the same sizes.</param>
    public static void Run(TokenizerSettings settings, VideoTools tools, KeyframeExamples examples, KeyframeExamples held, string folder,
        Crew crew, Action<string> say, CancellationToken stop, Weights? from = null, Weights? trained = null)
    {
        using var weights = Weights.Fresh(settings.Seed, DType.F32, Device.Cpu);
        var lesson = new Lesson(settings, tools, new KeyframeTokenizer(settings.Network, weights), tools.Reader());
        if (trained is null) Begin(weights.Parameters, from);
        else Copy(trained, weights.Parameters);
        if (settings.Network.Drafts && trained is null)
        {
            say("the principal components of the pictures");
            BeginStraight(settings, weights.Parameters, examples);
        }
        var stages = settings.Network.SketchBlocks > 0 ? TokenizerStage.OnSketches
            : from is null && trained is null ? TokenizerStage.All : TokenizerStage.OnPictures;
        foreach (var (number, stage) in stages.Index())
        {
            var run = new TrainingRun(Path.Combine(folder, $"{number + 1}-{stage.Name}"), settings.ToJson(stage, crew.Size));
            Teach(lesson, stage, weights, examples, held, run, crew, say, stop);
            if (crew.Leads) PocketFolder.Write(folder, PocketFolder.Tokenizer, settings.Network, weights.Parameters);
        }
    }

    static void Teach(Lesson lesson, TokenizerStage stage, Weights weights, KeyframeExamples examples, KeyframeExamples held,
        TrainingRun run, Crew crew, Action<string> say, CancellationToken stop)
    {
        var (settings, steps) = (lesson.Settings, lesson.Settings.StepsOf(stage));
        foreach (var (name, tensor) in weights.Parameters) tensor.RequireGrad(stage.Teaches(name));
        using var teacher = new Teacher(weights.Parameters.Where(pair => stage.Teaches(pair.Key)), IsMatrix, settings.Pace, crew);
        run.Resume(weights, teacher);
        using var batches = new Ahead<ShownKeyframe[]>(run.Start, steps,
            step => Batch(settings, stage, examples, settings.Batch, new Chance(settings.Seed)["tokenizer"][stage.Name][step][crew.Rank]));
        new Course(run, weights, teacher, crew, steps, settings.Rhythm, say) { Name = $"{stage.Name}: " }
            .Go(step => new(settings.Batch, ("error", lesson.Learn(stage, batches.Next(stop), step, crew.Rank))));
        using (Autograd.Disable())
            foreach (var (name, average) in teacher.Averages) weights.Parameters[name].Detach().CopyFrom(average);
        if (!crew.Leads || run.Start == steps) return;
        var examined = Batch(settings with { Alone = 0, Plates = 0 }, stage, held, 24, new Chance(settings.Seed)["examined"]);
        lesson.Show(stage, examined[..8], run, steps);
        var errors = lesson.Examine(stage, examined);
        run.Log(steps, errors);
        say($"{stage.Name}: " + string.Join("  ", errors.Select(error => $"{error.Key} {error.Value:0.000}")));
    }

    static bool IsMatrix(string name, Tensor tensor) => name.Contains(".blocks.", StringComparison.Ordinal) && tensor.Dims == 2;

    static void Copy(Weights from, IReadOnlyDictionary<string, Tensor> into)
    {
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        foreach (var (name, tensor) in into) tensor.CopyFrom(from.Get(name, DType.F32, tensor.Shape));
    }

    /// <summary>The decoder begins as the video model does or as the given one, the other blocks like the decoder's.</summary>
    static void Begin(IReadOnlyDictionary<string, Tensor> weights, Weights? from)
    {
        const string Decoder = "renderer.decoder.", Compressor = "compressor.", Sketch = "renderer.sketch.";
        foreach (var (name, tensor) in weights)
            if (name.StartsWith(Decoder, StringComparison.Ordinal)) VideoRecipe.Begin(name[Decoder.Length..], tensor, from);
            else if (name.StartsWith(Compressor, StringComparison.Ordinal)) VideoRecipe.Begin(name[Compressor.Length..], tensor, null);
            else if (name.StartsWith(Sketch, StringComparison.Ordinal)) VideoRecipe.Begin(name[Sketch.Length..], tensor, null);
        if (weights.TryGetValue("renderer.sketch.features.weight", out var added)) added.Zero_();
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
        var pictures = examples.Stories(false).SelectMany(story => story.Pictures.Select(shot => shot[0])).ToList();
        var every = Math.Max(1.0, (double)pictures.Count / Looked);
        List<Tensor> rows = [];
        for (var at = 0.0; (int)at < pictures.Count; at += every)
            rows.Add(Tensor.From([.. pictures[(int)at].Select(value => (float)value)], network.Channels, network.Rows, network.Columns));
        var patches = KeyframeTokenizer.Features(Tensor.Stack(0, [.. rows]), network.Patch).Reshape(-1, network.Features);
        using var kinds = new PrincipalComponents(network.Features);
        kinds.Add(patches);
        var (usual, kind, _) = kinds.Find(network.PlaceRow);                                     // [F], [r, F]
        var (mean, directions, deviation) = PrincipalComponents.Of(patches.Matmul(kind.Transpose(0, 1)).Reshape(rows.Count, -1),
            network.Tokens * network.TokenDim);                                                  // [S r], [n d, S r], [n d]
        var whole = deviation.Clamp(1e-2, 1e6).Unsqueeze(1);                                     // [n d, 1]
        var to = directions / whole;
        void Set(string name, Tensor weight, Tensor bias, double scale)
        {
            weights[name + ".weight"].Detach().CopyFrom(weight * scale);
            weights[name + ".bias"].Detach().CopyFrom(bias * scale);
        }
        Set("compressor.patches", kind, Tensor.Zeros([network.PlaceRow], DType.F32, Device.Cpu), KeyframeCompressor.StraightScale);
        Set("compressor.straight", to, -to.Matmul(mean.Unsqueeze(1)).Squeeze(1), KeyframeCompressor.StraightScale);
        Set("renderer.sketch.rows", (directions * whole).Transpose(0, 1), mean, KeyframeSketch.StraightScale);
        // What the kinds of patches leave out of the usual one.
        var left = usual - usual.Unsqueeze(0).Matmul(kind.Transpose(0, 1)).Matmul(kind).Squeeze(0);
        Set("renderer.sketch.patches", kind.Transpose(0, 1), left, KeyframeSketch.StraightScale);
        weights["compressor.tokens.weight"].Detach().Zero_();
        weights["compressor.tokens.bias"].Detach().Zero_();
    }

    /// <summary>
    /// Keyframes of any story and shot, turned round where there are such, in words of all registers that describe a picture. On a thread
    /// of its own: draws who is to be cut out, and empty places.
    /// </summary>
    static ShownKeyframe[] Batch(TokenizerSettings settings, TokenizerStage stage, KeyframeExamples examples, int size, Chance chance)
    {
        using var theatre = new Theatre(settings.Network.Columns * KeyframeStride, settings.Network.Rows * KeyframeStride);
        return [.. Enumerable.Range(0, size).Select(i =>
        {
            var (here, story) = (chance[i], chance[i]["story"].Below(examples.Stories(false).Count));
            var keyframe = examples.Draw(story, here["shot"].Below(examples.Stories(false)[story].Story.Shots.Count),
                story < examples.Stories(true).Count && here["flip"].Happens(0.5),
                here["told"].Pick(Register.Full, Register.Planned, Register.Referential), here["caption"], here["who"]);
            var shown = new ShownKeyframe(keyframe, here["alone"].Happens(settings.Alone), [], null);
            if (!stage.Script || !settings.Network.Drafts || shown.Alone || !here["laid"].Happens(settings.Laid)) return shown;
            return Laid(shown, examples, theatre, here["plate"].Happens(settings.Plates));
        })];
    }

    /// <summary>With people to be laid on its draft, and with the empty place if that is to be its ground.</summary>
    internal static ShownKeyframe Laid(ShownKeyframe shown, KeyframeExamples examples, Theatre theatre, bool plate)
    {
        var (keyframe, story) = (shown.Keyframe, examples.Stories(false)[shown.Keyframe.Story].Story);
        return shown with
        {
            People = [.. keyframe.Cast.Zip(keyframe.Boxes, (who, box) => new LaidFigure(theatre.Figure(story.People[who]), box))],
            Ground = plate ? theatre.Empty(story.Shots[keyframe.Shot].Spec, keyframe.Flipped) : null,
        };
    }

    /// <summary>What is drawn for drafts.</summary>
    internal sealed class Theatre : IDisposable
    {
        readonly int _width, _height;
        readonly Stage _stage;
        readonly DrawnCollages _collages;

        public Theatre(int width, int height)
        {
            (_width, _height, _stage) = (width, height, new Stage(width, height));
            _collages = new DrawnCollages(_stage, width, height);
        }

        public CutOut Figure(Person person) => _collages.Figure(person);

        public Picture Empty(ShotSpec spec, bool flipped)
        {
            var rgb = _stage.Draw(spec.Plate, 0).Frames;
            if (flipped)
                for (var row = 0; row < _height; row++)
                {
                    var pixels = MemoryMarshal.Cast<byte, (byte, byte, byte)>(rgb.AsSpan(row * _width * 3, _width * 3));
                    pixels.Reverse();
                }
            return new(rgb, _width, _height);
        }

        public void Dispose()
        {
            _collages.Dispose();
            _stage.Dispose();
        }
    }

    /// <summary>Pixels to a latent, across and down.</summary>
    internal const int KeyframeStride = 8;

    /// <summary>What learning and examining have in common.</summary>
    sealed record Lesson(TokenizerSettings Settings, VideoTools Tools, KeyframeTokenizer Tokenizer, SentenceReader Reader)
    {
        readonly RandomSource _random = new(Settings.Seed);

        /// <summary>Forward and backward of one batch; the mean error.</summary>
        public double Learn(TokenizerStage stage, ShownKeyframe[] batch, int step, int rank)
        {
            using var learning = Autograd.Enable();
            var (pictures, purpose) = (Pictures(batch), $"{stage.Name} {rank}");
            var renders = stage is { Tokens: true, Script: true };
            var sigmas = VideoRecipe.Sigmas(_random, step, rank, batch.Length);
            Func<long[], Tensor>? blemish = step % 2 == 0 && (renders || stage.Sketch)
                ? shape => _random.Normal($"tokens {purpose}", step, shape) * Settings.TokenNoise : null;
            var wrong = stage.Sketch ? (Sketched(pictures, blemish) - pictures).Square()
                : Wrong(pictures, View(stage, batch, pictures, renders ? Shown(batch, purpose, step) : null, blemish), sigmas, purpose,
                    step);
            var weight = 1 + Settings.FigureWeight * Tensor.From([.. batch.SelectMany(shown => shown.Keyframe.Figures)], batch.Length, 1,
                Settings.Network.Rows, Settings.Network.Columns);
            var loss = (wrong * (weight / weight.Mean())).Mean();
            loss.Backward();
            return loss.Item();
        }

        /// <summary>Which rows the renderer sees, [B, R]: some are masked, and in some pictures all but the tokens.</summary>
        Tensor Shown(ShownKeyframe[] batch, string purpose, int step)
        {
            var (network, size) = (Settings.Network, batch.Length);
            var masked = _random.Uniform($"mask {purpose}", step, size, network.ContextRows).Lt(Settings.Masking).Eq(0).Float();
            var script = Tensor.Cat(1, Tensor.Zeros([size, network.Tokens], DType.F32, Device.Cpu),
                Tensor.Ones([size, network.ContextRows - network.Tokens], DType.F32, Device.Cpu));
            return masked * (1 - Tensor.From([.. batch.Select(shown => shown.Alone ? 1f : 0)], size, 1) * script);
        }

        /// <summary>What the tokens of pictures say of them by one look.</summary>
        Tensor Sketched(Tensor pictures, Func<long[], Tensor>? blemish = null)
        {
            var tokens = Tokenizer.Encode(pictures);
            return Tokenizer.Renderer.Sketch(blemish is null ? tokens : tokens + blemish(tokens.Shape));
        }

        /// <summary>
        /// Errors at three noise levels, and the same with every picture drawn from the next one's rows: what the rows tell.
        /// </summary>
        public List<KeyValuePair<string, double>> Examine(TokenizerStage stage, ShownKeyframe[] batch)
        {
            using var scope = TensorScope.Open();
            using var off = Autograd.Disable();
            var pictures = Pictures(batch);
            if (stage.Sketch) return [new("held out", (Sketched(pictures) - pictures).Square().Mean().Item())];
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

        Tensor Pictures(ShownKeyframe[] batch) => Tensor.From(
            [.. batch.SelectMany(shown => shown.Keyframe.Picture.Select(value => (float)value))], batch.Length,
            Settings.Network.Channels, Settings.Network.Rows, Settings.Network.Columns);

        /// <param name="blemish">What is added to the tokens, by shape.</param>
        KeyframeView View(TokenizerStage stage, ShownKeyframe[] batch, Tensor pictures, Tensor? shown,
            Func<long[], Tensor>? blemish = null)
        {
            var tokens = stage.Tokens ? Tokenizer.Encode(pictures) : null;
            if (tokens is not null && blemish is not null) tokens += blemish(tokens.Shape);
            return TokenizerRecipe.View(Tools, Tokenizer, Reader, batch, tokens, stage.Script, shown);
        }

        /// <summary>Pictures of a batch, and below each the one that is drawn from what the decoder sees of it.</summary>
        public void Show(TokenizerStage stage, ShownKeyframe[] batch, TrainingRun run, int step)
        {
            using var scope = TensorScope.Open();
            using var off = Autograd.Disable();
            var pictures = Pictures(batch);
            Sheet(run, "rendered", step, Tools.Vae, pictures, stage.Sketch ? Sketched(pictures)
                : Rendered(Tokenizer, View(stage, batch, pictures, null), Settings.Seed));
        }
    }

    /// <summary>What the decoder sees of each keyframe.</summary>
    /// <param name="tokens">[B, n, d]; null: it does not see them.</param>
    /// <param name="script">It sees sentences and identities.</param>
    /// <param name="shown">[B, R]: 0 where a row is masked; null: none is.</param>
    internal static KeyframeView View(VideoTools tools, KeyframeTokenizer tokenizer, SentenceReader reader, ShownKeyframe[] batch,
        Tensor? tokens, bool script, Tensor? shown = null)
    {
        using var scope = TensorScope.Open();
        var (network, size) = (tokenizer.Config, batch.Length);
        var there = new float[size * network.ContextRows];
        var (sentences, identities) = (new List<Tensor>(), new List<Tensor>());
        foreach (var (b, keyframe) in batch.Select(each => each.Keyframe).Index())
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
        KeyframeView Shown()
        {
            if (!script) return tokenizer.Renderer.View(tokens, seen: seen);
            Tensor? drafts = null;
            if (network.Drafts)
            {
                using var off = Autograd.Disable();
                drafts = KeyframeCollage.Of(tools.Vae, tokenizer.Renderer.Sketch(tokens, seen), [.. batch.Select(each => each.People)],
                    [.. batch.Select(each => each.Ground)]);
            }
            return tokenizer.Renderer.View(tokens, Tensor.Stack(0, [.. sentences]), Tensor.Stack(0, [.. identities]), seen, drafts,
                [.. batch.Select(each => each.People.Select(person => person.Box).ToList())]);
        }
    }

    /// <summary>The pictures [B, z, h, w] of a view, in the few steps that the pocket model's films are made with.</summary>
    /// <param name="draftTrust">How much more than the network would a picture keeps of its draft.</param>
    internal static Tensor Rendered(KeyframeTokenizer tokenizer, KeyframeView view, ulong seed, double draftTrust = 0)
    {
        var (network, random) = (tokenizer.Config, new RandomSource(seed));
        return Tensor.Stack(0, [.. Enumerable.Range(0, (int)view.Rows.Size(0)).Select(b => tokenizer.Renderer.Render(
            random.Normal("rendered", b, network.Channels, network.Rows, network.Columns), view.Rows.Select(0, b),
            Schedule.UniPC(PocketFolder.Steps, PocketFolder.Shift), view.Draft?.Select(0, b), draftTrust))]);
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
