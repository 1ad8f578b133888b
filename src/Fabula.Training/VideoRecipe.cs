// Recipe: the pocket video model learns to stage Paper Theatre. `fabula train video`
//
// One Wan transformer learns all modes in a mix (VideoExamples), pictures first, since they teach words, people and places at a fifth of a
// clip's cost, then clips. Flow matching on latents of the pocket VAE; remembered frames are noised together with the shot and stand at
// negative times (StoryMem, section 3.3), the loss is the shot's. The loss counts people more than the ground they stand on.
using System.Text.Json.Nodes;
using Fabula.Models;
using Fabula.Models.Text;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <param name="BatchTokens">Roughly how many tokens a batch of one process has, with 12 to 32 examples.</param>
/// <param name="PicturesUntil">Share of the steps in which a third of the batches are clips; later half.</param>
/// <param name="FigureWeight">How much more a latent that shows people counts.</param>
/// <param name="OwnMemory">Share of remembered frames that the model itself has made (<see cref="OwnPictures"/>); needs weights to begin
/// with.</param>
/// <param name="MemoryNoise">Deviation of noise on half of the remembered pictures, as generated ones are not perfect.</param>
/// <param name="Turns">Share of the batches that are InfinityStory's filtered transitions; fine-tuning for bridges.</param>
/// <param name="Words">Share of the batches that are portraits and empty places from words alone; with 1 a picture model is taught,
/// which stands in a folder of its own (<see cref="PictureModel"/>).</param>
public sealed record VideoSettings(int Steps = 6000, int BatchTokens = 1800, double PicturesUntil = 0.5, double FigureWeight = 4,
    double MemoryNoise = 0.15, ulong Seed = 3, double Turns = 0, double OwnMemory = 0, double Words = 0)
{
    public Pace Pace { get; init; } = new(Matrices: 0.02, Others: 2e-3, Warmup: 60, DecayFrom: 0.35, EmaDecay: 0.998, WeightDecay: 0.02);
    public WanConfig Network { get; init; } = PocketNetwork;
    public Rhythm Rhythm { get; init; } = new();

    /// <summary>For weights that know something already: they are only brought to rest.</summary>
    public static VideoSettings GoingOn => new() { Pace = new VideoSettings().Pace with { DecayFrom = 0.05 } };

    /// <summary>Latents of a picture.</summary>
    public static readonly (int Rows, int Columns) Picture = (16, 28);

    public static readonly WanConfig PocketNetwork = new()
    {
        Kind = "i2v",
        Dim = 192,
        FfnDim = 576,
        Heads = 3,
        Layers = 6,
        InDim = 36,
        OutDim = 16,
        Patch = (1, 4, 4),
        FreqDim = 128,
        TextDim = 128,
        TextLen = PocketText.Length,
        LearnedPositions = (4, 7),
        AnswersClean = true,
        PoolsText = true,
        TakesDrafts = true,
    };

    public JsonObject ToJson(int crew)
    {
        var json = Plain(crew);
        // Runs without it have no word of it.
        if (OwnMemory > 0) json["own_memory"] = OwnMemory;
        if (Words > 0) json["words"] = Words;
        if (Network.LearnedPositions == default) json["learned_positions"] = false;
        return json;
    }

    JsonObject Plain(int crew) => new()
    {
        ["recipe"] = "video 1",
        ["steps"] = Steps,
        ["tokens"] = BatchTokens,
        ["pictures_until"] = PicturesUntil,
        ["figure_weight"] = FigureWeight,
        ["memory_noise"] = MemoryNoise,
        ["turns"] = Turns,
        ["seed"] = Seed,
        ["processes"] = crew,
        ["dim"] = Network.Dim,
        ["layers"] = Network.Layers,
        ["pace"] = Pace.ToJson(),
    };
}

/// <summary>What the recipe needs of the other networks: a frozen text encoder, and the VAE to look at samples.</summary>
public sealed record VideoTools(WanVae Vae, Umt5Encoder Text, WanTokenizer Tokenizer)
{
    public SentenceReader Reader() => new(Text, Tokenizer);
}

public static class VideoRecipe
{
    /// <summary>Trains, or goes on training; on the tensor thread.</summary>
    /// <param name="from">Weights to begin with instead of fresh ones (fine-tuning, or the next session), by name.</param>
    public static void Run(VideoSettings settings, VideoTools tools, VideoExamples examples, TrainingRun run, Crew crew, Action<string> say,
        CancellationToken stop, Weights? from = null)
    {
        using var weights = Weights.Fresh(settings.Seed, DType.F32, Device.Cpu);
        var model = new WanTransformer(settings.Network, weights);
        foreach (var (name, tensor) in weights.Parameters) Begin(name, tensor, from);
        if (from is null) LookAtTheLike(weights.Parameters);
        weights.Trainable();
        using var teacher = new Teacher(weights.Parameters, IsMatrix, settings.Pace, crew);
        run.Resume(weights, teacher);
        if (settings.Turns > 0 && crew.Leads)
            say($"transitions: {examples.TurnCount.Kept} of {examples.TurnCount.Drawn} pass the filter");
        using var batches = new Ahead<VideoBatch>(run.Start, settings.Steps, step => Batch(settings, examples, step, crew.Rank));
        var random = new RandomSource(settings.Seed);
        var held = new Lazy<VideoExamples>(() => HeldOut(settings, tools, run.Folder));
        new Course(run, weights, teacher, crew, settings.Steps, settings.Rhythm, say).Go(step =>
        {
            var batch = batches.Next(stop);
            return new(batch.Size, (batch.Mode.Name, Learn(settings, tools, model, batch, random, step, crew.Rank)));
        }, step =>
        {
            Show(settings, tools, run, teacher.Averages, held.Value, step);
            PocketFolder.WriteVideo(run.Folder, settings.Network, teacher.Averages);
        });
    }

    /// <summary>Averaged weights as a model. The caller disposes of the weights.</summary>
    public static (WanTransformer Model, Weights Weights) Averaged(WanConfig network, IEnumerable<KeyValuePair<string, Tensor>> averages)
    {
        var weights = Weights.Fresh(0, DType.F32, Device.Cpu);
        var model = new WanTransformer(network, weights);
        foreach (var (name, average) in averages) weights.Parameters[name].CopyFrom(average);
        return (model, weights);
    }

    internal static void Begin(string name, Tensor tensor, Weights? from)
    {
        using var scope = TensorScope.Open();
        if (from is not null && from.Has(name)) tensor.CopyFrom(from.Get(name, DType.F32, tensor.Shape));
        // What a block adds is nothing at first.
        else if (name.Contains("blocks.", StringComparison.Ordinal)
            && (name.EndsWith(".o.weight", StringComparison.Ordinal) || name.EndsWith("ffn.2.weight", StringComparison.Ordinal)))
            tensor.Zero_();
        else if (name is "head.head.weight" or "draft_embedding.weight") tensor.Zero_();
        else if (name.EndsWith("modulation", StringComparison.Ordinal)) tensor.Mul_(0.3);
        // As loud as a token of noise, or the network is long in finding out that there is an above and a below.
        else if (name.StartsWith("position", StringComparison.Ordinal)) tensor.Mul_(Math.Sqrt(tensor.Size(1)));
        else if (name == "time_projection.1.weight") tensor.Mul_(0.1);
        if (from is null && name == "time_projection.1.bias")
            foreach (var gate in new[] { 2, 5 }) tensor.Narrow(0, gate * tensor.Size(0) / 6, tensor.Size(0) / 6).Fill_(1);
    }

    /// <summary>
    /// Queries begin as keys do, so that a token looks at tokens like itself, such as those of the same place in a remembered picture
    /// (Trockman and Kolter, "Mimetic Initialization of Self-Attention Layers", 2023).
    /// </summary>
    internal static void LookAtTheLike(IReadOnlyDictionary<string, Tensor> weights)
    {
        foreach (var (name, keys) in weights)
            if (name.EndsWith("self_attn.k.weight", StringComparison.Ordinal))
                keys.Detach().CopyFrom(weights[name.Replace("attn.k", "attn.q", StringComparison.Ordinal)]);
    }

    static bool IsMatrix(string name, Tensor tensor) => name.StartsWith("blocks.", StringComparison.Ordinal) && tensor.Dims == 2;

    /// <summary>Deviation of the noise on drafts and known frames, which the model itself has made in a film.</summary>
    const double DraftNoise = 0.08;

    static VideoBatch Batch(VideoSettings settings, VideoExamples examples, int step, int rank)
    {
        var chance = new Chance(settings.Seed)["video"][step];
        var clips = chance["clips"].Happens(step < settings.PicturesUntil * settings.Steps ? 0.35 : 0.55);
        var mode = chance["turn"].Happens(settings.Turns) ? VideoMode.Turn : chance["of words"].Happens(settings.Words) ? VideoMode.Words
            : VideoMode.Pick(clips ? VideoMode.Clips : VideoMode.Pictures, chance["mode"].Unit);
        var tokens = 28 * ((mode.Clip ? 5 : 1) + mode.Memory);
        return examples.Draw(chance["batch"][rank], mode, Math.Clamp(settings.BatchTokens / tokens, 12, 32));
    }

    /// <summary>Forward and backward of one batch; the mean loss.</summary>
    static double Learn(VideoSettings settings, VideoTools tools, WanTransformer model, VideoBatch batch, RandomSource random, int step,
        int rank)
    {
        using var learning = Autograd.Enable();
        var wrong = Wrong(tools, model, batch, Sigmas(random, step, rank, batch.Size),
            (purpose, shape) => random.Normal($"{purpose} {rank}", step, shape), step % 2 == 0 ? settings.MemoryNoise : 0);
        var weight = Tensor.From(batch.Weight, batch.Size, 1, batch.Frames, wrong.Size(3), wrong.Size(4));
        var loss = (wrong * (weight / weight.Mean())).Mean();
        loss.Backward();
        return loss.Item();
    }

    /// <summary>
    /// Squared errors of the clean latents [B, z, f, h, w], at a noise level per sample. All levels count alike: counted as velocities
    /// (1/t^2) the errors would be about the last traces of noise, and hardly about what is where.
    /// </summary>
    /// <param name="rows">Of the captions, where somebody has them already.</param>
    internal static Tensor Wrong(VideoTools tools, WanTransformer model, VideoBatch batch, double[] sigmas,
        Func<string, long[], Tensor> normal, double memoryNoise, Tensor[]? rows = null, WanContext? context = null)
    {
        var (size, f, m) = (batch.Size, batch.Frames, batch.Memory);
        var (all, condition) = Tensors(model.Config, batch, memoryNoise > 0 ? shape => normal("memory", shape) * memoryNoise : null);
        if (memoryNoise > 0)
        {
            var (mask, known) = (condition.Narrow(1, 0, 4), condition.Narrow(1, 4, condition.Size(1) - 4));
            var given = 1 - mask.Mean(1, keep: true).Lt(1e-3).Float();
            condition = Tensor.Cat(1, mask, known + normal("draft", known.Shape) * (given * DraftNoise));
        }
        var noise = normal("noise", all.Shape);
        var t = Tensor.From([.. sigmas.Select(sigma => (float)sigma)], size, 1, 1, 1, 1);
        var noisy = all + (noise - all) * t;
        var (patch, (height, width)) = (model.Config.Patch, VideoSettings.Picture);
        using var rotation = model.Rotate(Conditioning.Positions(m, f), height / patch.H, width / patch.W);
        using var prompt = model.Prepare(rows ?? Rows(tools, batch.Captions));
        using var modulation = model.Modulate(WanTime.Each([.. sigmas.Select(sigma => sigma * 1000)]));
        var velocity = model.Forward(Tensor.Cat(1, noisy, condition), modulation, prompt, rotation, context: context);
        return ((velocity - (noise - all)).Narrow(2, m, f) * t).Square();
    }

    /// <summary>
    /// A batch as the model has it: all frames [B, z, M + f, h, w], the remembered ones first, and what is known of them
    /// [B, 4 + z, M + f, h, w].
    /// </summary>
    /// <param name="blemish">What is added to the remembered frames, by shape.</param>
    internal static (Tensor All, Tensor Condition) Tensors(WanConfig network, VideoBatch batch, Func<long[], Tensor>? blemish = null)
    {
        var (size, f, m, z) = (batch.Size, batch.Frames, batch.Memory, network.OutDim);
        var (rows, columns) = VideoSettings.Picture;
        Tensor Latents(float[] values, int frames) => Tensor.From(values, size, z, frames, rows, columns);
        var mask = Tensor.From(batch.KnownMask, size, 4, f, rows, columns);
        var (all, condition) = (Latents(batch.Target, f), Tensor.Cat(1, mask, Latents(batch.Known, f)));
        if (m == 0) return (all, condition);
        var remembered = Latents(batch.Remembered, m);
        if (blemish is not null) remembered += blemish(remembered.Shape);
        var whole = Tensor.Ones([size, 4, m, rows, columns], DType.F32, Device.Cpu);
        return (Tensor.Cat(2, remembered, all), Tensor.Cat(2, Tensor.Cat(1, whole, remembered), condition));
    }

    /// <summary>What is examined and shown.</summary>
    static IEnumerable<VideoMode> Modes(VideoSettings settings) =>
        settings.Words == 1 ? [VideoMode.Words] : VideoMode.Pictures.Concat(VideoMode.Clips);

    /// <summary>Errors on held-out stories at three noise levels, each mode's the same examples and noise every time.</summary>
    static List<KeyValuePair<string, double>> Examine(VideoSettings settings, VideoTools tools, WanTransformer model, VideoExamples held)
    {
        var (errors, random) = (new List<KeyValuePair<string, double>>(), new RandomSource(settings.Seed));
        foreach (var mode in Modes(settings).Concat(held.TurnCount.Kept > 0 && settings.Words < 1 ? [VideoMode.Turn] : []))
        {
            using var scope = TensorScope.Open();
            var batch = held.Draw(new Chance(settings.Seed)["examined"][mode.Name], mode, mode.Clip ? 6 : 24);
            foreach (var t in new[] { 0.95, 0.7, 0.4 })
            {
                var wrong = Wrong(tools, model, batch, [.. Enumerable.Repeat(t, batch.Size)],
                    (purpose, shape) => random.Normal($"examined {purpose}", 0, shape), 0);
                errors.Add(new($"held out, {mode.Name} at {t}", wrong.Mean().Item()));
            }
        }
        return errors;
    }

    /// <summary>Noise levels spread evenly over a logit-normal (1.1, 1.3), every tenth uniform.</summary>
    internal static double[] Sigmas(RandomSource random, int step, int rank, int count)
    {
        using var scope = TensorScope.Open();
        var draws = random.Uniform($"sigma {rank}", step, 3, count).ToFloats();
        var turn = (int)(random.Uniform($"turn {rank}", step, 1).Item() * count);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            if (draws[count + i] < 0.1) return Math.Max(1e-3, draws[2 * count + i]);
            var u = ((i + turn) % count + draws[i]) / count;
            return 1 / (1 + Math.Exp(-(1.1 + 1.3 * Quantile(Math.Clamp(u, 0.002, 0.998)))));
        })];
    }

    /// <summary>Of the normal distribution, by a logistic approximation (Bowling et al. 2009), good to 0.02.</summary>
    static double Quantile(double p) => -Math.Log(1 / p - 1) / 1.702;

    internal static Tensor[] Rows(VideoTools tools, IReadOnlyList<string> captions)
    {
        using var off = Autograd.Disable();
        return tools.Text.Encode([.. captions.Select(tools.Tokenizer.Encode)]);
    }

    /// <summary>Stories that are not learned from, encoded.</summary>
    static VideoExamples HeldOut(VideoSettings settings, VideoTools tools, string folder)
    {
        using var off = Autograd.Disable();
        var (z, rows, columns, width, height) = Sizes(settings.Network, tools);
        using var stage = new Stage(width, height);
        var stories = new LatentStories(tools.Vae, folder, settings.Seed, height, width);
        var told = Enumerable.Range(0, 3).Select(i => LatentStories.Tell(settings.Seed, i, heldOut: true));
        return new([.. told.Select(story => stories.Encode(story, true, stage))], z, rows, columns, 0);
    }

    /// <summary>Channels, rows and columns of latents; pixels.</summary>
    internal static (int Z, int Rows, int Columns, int Width, int Height) Sizes(WanConfig network, VideoTools tools)
    {
        var stride = tools.Vae.Config.SpatialStride;
        var (rows, columns) = VideoSettings.Picture;
        return (network.OutDim, rows, columns, columns * stride, rows * stride);
    }

    /// <summary>Samples from the averaged weights: every mode on held-out stories, the truth above.</summary>
    static void Show(VideoSettings settings, VideoTools tools, TrainingRun run,
        IEnumerable<KeyValuePair<string, Tensor>> averages, VideoExamples held, int step)
    {
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        var (model, weights) = Averaged(settings.Network, averages);
        using var _ = weights;
        var (z, rows, columns, width, height) = Sizes(settings.Network, tools);
        run.Log(step, Examine(settings, tools, model, held));
        var pictures = new List<ReadOnlyMemory<byte>>();
        foreach (var mode in Modes(settings))
        {
            var batch = held.Draw(new Chance(settings.Seed)["show"][mode.Name], mode, mode.Clip ? 1 : settings.Words == 1 ? 20 : 5);
            for (var i = 0; i < batch.Size; i++)
            {
                using var inner = TensorScope.Open();
                var latents = Tensor.From(batch.Target, batch.Size, z, batch.Frames, rows, columns);
                var truth = tools.Vae.Decode(latents.Narrow(0, i, 1));
                var made = tools.Vae.Decode(Sample(settings, tools, model, batch, i));
                foreach (var clip in new[] { truth, made })
                    for (var frame = 0; frame < clip.Size(2); frame += 4) pictures.Add(VaeRecipe.Bytes(clip.Narrow(2, frame, 1)));
            }
        }
        run.Sheet("video", step, pictures, width, height, 10);
    }

    /// <summary>One example of a batch, sampled as the product does; [1, z, f, h, w].</summary>
    /// <param name="seed">Of the noise; the run's own unless given.</param>
    public static Tensor Sample(VideoSettings settings, VideoTools tools, WanTransformer model, VideoBatch batch, int i,
        ulong? seed = null)
    {
        using var scope = TensorScope.Open();
        var (m, f) = (batch.Memory, batch.Frames);
        var (all, condition) = Tensors(model.Config, batch);
        var rows = Rows(tools, [batch.Captions[i], ""]);
        var shot = new WanShot
        {
            Schedule = Schedule.UniPC(PocketFolder.Steps, PocketFolder.Shift),
            Noise = new RandomSource(seed ?? settings.Seed).Normal($"show {i}", 0, [1, .. all.Shape[1..]]),
            Prompt = rows[0],
            NegativePrompt = rows[1],
            Condition = condition.Narrow(0, i, 1),
            Positions = Conditioning.Positions(m, f),
        };
        SolverState? last = null;
        foreach (var state in new WanSampler(new WanExpert(model, 1)).Sample(shot)) last = state;
        using (last) return scope.Keep(last!.Latents.Narrow(2, m, f).Clone());
    }
}
