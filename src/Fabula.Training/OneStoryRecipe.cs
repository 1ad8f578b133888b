// Recipe: a video model learns to tell a story with memory. `fabula train onestory`
//
// Paper: "OneStory: Coherent Multi-Shot Video Generation with Adaptive Memory" (arXiv 2512.07802), sections 4.4 and A. A finished video
// model, its frame selector and its conditioner are trained together on samples of three shots (OneStoryExamples): the loss is the last
// shot's, as in VideoRecipe, plus lambda times the selector's, the squared distance of its scores from the labels. Conditioning is
// decoupled: until the selector knows anything, context frames are drawn evenly from the real shots; then the selector's best are taken.
// AdamW with the paper's rate and decay. The numbers that the paper does not state are options with their reasons.
using System.Text.Json;
using System.Text.Json.Nodes;
using Fabula.Models;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <param name="Batch">Samples of one process. Not in the paper; as many as the video recipe has clips in a batch.</param>
/// <param name="WarmupUntil">Share of the steps with context drawn by chance. Not in the paper; a third, for a selector that begins from
/// nothing.</param>
/// <param name="SelectorWeight">Lambda. Not in the paper. The two losses share no weights, so it matters for clipping alone.</param>
/// <param name="FigureWeight">How much more a latent that shows people counts, as in the video recipe.</param>
public sealed record OneStorySettings(int Steps = 3000, int Batch = 12, double WarmupUntil = 0.3, double SelectorWeight = 1,
    double FigureWeight = 4, ulong Seed = 6)
{
    /// <summary>AdamW's rate and decay are the paper's; Muon has nothing to do here.</summary>
    public Pace Pace { get; init; } = new(Others: 5e-4, WeightDecay: 0.01);
    public Inflation Inflation { get; init; } = new();
    public WanConfig Network { get; init; } = VideoSettings.PocketNetwork;
    public AdaptiveConditionerConfig Conditioner { get; init; } = new();
    public Rhythm Rhythm { get; init; } = new();

    /// <summary>The selector is as wide as the video model, as in the paper.</summary>
    public OneStoryConfig Parts => new(new(Network.OutDim, Network.TextDim, Network.Dim) { Heads = Network.Heads }, Conditioner);

    public JsonObject ToJson(int crew) => new()
    {
        ["recipe"] = "onestory 1",
        ["steps"] = Steps,
        ["batch"] = Batch,
        ["warmup_until"] = WarmupUntil,
        ["lambda"] = SelectorWeight,
        ["figure_weight"] = FigureWeight,
        ["real_triplets"] = Inflation.RealTriplets,
        ["other_story"] = Inflation.OtherStory,
        ["synthetic_first"] = Inflation.SyntheticFirst,
        ["colour_change"] = Inflation.ColourChange,
        ["seed"] = Seed,
        ["processes"] = crew,
        ["dim"] = Network.Dim,
        ["layers"] = Network.Layers,
        ["parts"] = Parts.ToJson(),
        ["pace"] = Pace.ToJson(),
    };
}

public static class OneStoryRecipe
{
    /// <summary>The names of selector and conditioner begin with it; all others are the video model's.</summary>
    const string Parts = "onestory";

    /// <summary>Trains, or goes on training; on the tensor thread.</summary>
    /// <param name="from">The video model's weights.</param>
    public static void Run(OneStorySettings settings, VideoTools tools, Weights from, OneStoryExamples examples, TrainingRun run, Crew crew,
        Action<string> say, CancellationToken stop)
    {
        using var weights = Weights.Fresh(settings.Seed, DType.F32, Device.Cpu);
        var (video, story) = Create(settings, weights);
        foreach (var (name, tensor) in weights.Parameters)
        {
            using var scope = TensorScope.Open();
            if (!IsPart(name)) tensor.CopyFrom(from.Get(name, DType.F32, tensor.Shape));
        }
        story.Conditioner.BeginFrom(weights);
        weights.Trainable();
        using var teacher = new Teacher(weights.Parameters, (_, _) => false, settings.Pace, crew);
        run.Resume(weights, teacher);
        using var batches = new Ahead<OneStoryBatch>(run.Start, settings.Steps, step =>
            examples.Draw(new Chance(settings.Seed)["onestory"][step][crew.Rank], settings.Batch, settings.Inflation));
        var random = new RandomSource(settings.Seed);
        var held = new Lazy<OneStoryExamples>(() => HeldOut(settings, tools, run.Folder));
        new Course(run, weights, teacher, crew, settings.Steps, settings.Rhythm, say).Go(step =>
        {
            var batch = batches.Next(stop);
            var (shot, selection) = Learn(settings, tools, video, story, batch, random, step, crew.Rank);
            return new(batch.Size, ("shot", shot), ("selector", selection));
        }, step =>
        {
            Show(settings, tools, run, teacher.Averages, held.Value, step);
            Write(run.Folder, settings, teacher.Averages);
        });
    }

    static (WanTransformer Video, OneStory Story) Create(OneStorySettings settings, Weights weights) =>
        (new WanTransformer(settings.Network, weights), new OneStory(settings.Parts, settings.Network, weights[Parts]));

    static bool IsPart(string name) => name.StartsWith(Parts + ".", StringComparison.Ordinal);

    /// <summary>The video model as any other, and OneStory's two files beside it.</summary>
    static void Write(string folder, OneStorySettings settings, IEnumerable<KeyValuePair<string, Tensor>> averages)
    {
        var all = averages.ToList();
        PocketFolder.WriteVideo(folder, settings.Network, all.Where(pair => !IsPart(pair.Key)));
        Weights.Save(Path.Combine(folder, OneStory.WeightsFile), all.Where(pair => IsPart(pair.Key))
            .Select(pair => new KeyValuePair<string, Tensor>(pair.Key[(Parts.Length + 1)..], pair.Value)), DType.BF16);
        File.WriteAllText(Path.Combine(folder, OneStory.ConfigFile),
            settings.Parts.ToJson().ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
    }

    /// <summary>Forward and backward of one batch; L_shot and L_sel.</summary>
    static (double Shot, double Selection) Learn(OneStorySettings settings, VideoTools tools, WanTransformer video, OneStory story,
        OneStoryBatch batch, RandomSource random, int step, int rank)
    {
        using var learning = Autograd.Enable();
        var (rows, memory) = (VideoRecipe.Rows(tools, batch.Captions), Latents(settings, batch, batch.Memory, 2 * batch.Frames));
        var scores = Score(story, memory, rows);
        var selection = (scores - Tensor.From(batch.Labels, batch.Size, 2 * batch.Frames)).Square().Mean();
        var kept = settings.Parts.Selection.Kept;
        var chosen = step < settings.WarmupUntil * settings.Steps ? [.. batch.Real.Select(real => real[..Math.Min(kept, batch.Frames)])]
            : Best(scores, 2 * batch.Frames, kept);
        using var context = story.Conditioner.Condition(memory, chosen);
        var wrong = Wrong(settings, video, batch, rows, context, VideoRecipe.Sigmas(random, step, rank, batch.Size),
            shape => random.Normal($"noise {rank}", step, shape));
        var weight = Tensor.From(batch.Weight, batch.Size, 1, batch.Frames, wrong.Size(3), wrong.Size(4));
        var shot = (wrong * (weight / weight.Mean())).Mean();
        (shot + selection * settings.SelectorWeight).Backward();
        return (shot.Item(), selection.Item());
    }

    /// <summary>Every remembered frame's relevance, [B, F].</summary>
    static Tensor Score(OneStory story, Tensor memory, Tensor[] rows)
    {
        var (batch, z, frames, h, w) = (memory.Size(0), memory.Size(1), memory.Size(2), memory.Size(3), memory.Size(4));
        var projected = story.Selection.Project(memory.Transpose(1, 2).Reshape(batch * frames, z, h, w));
        return story.Selection.Score(projected.Reshape(batch, frames, projected.Size(1), projected.Size(2)), rows);
    }

    static int[][] Best(Tensor scores, int frames, int kept) =>
        [.. scores.Detach().ToFloats().Chunk(frames).Select(row => FrameSelection.Top(row, kept))];

    static Tensor Latents(OneStorySettings settings, OneStoryBatch batch, float[] values, int frames)
    {
        var ((rows, columns), patch) = (settings.Network.LearnedPositions, settings.Network.Patch);
        return Tensor.From(values, batch.Size, settings.Network.OutDim, frames, rows * patch.H, columns * patch.W);
    }

    /// <summary>
    /// Squared errors [B, z, f, h, w] of shots of which nothing is known but words and context, counted as in the video recipe.
    /// </summary>
    static Tensor Wrong(OneStorySettings settings, WanTransformer video, OneStoryBatch batch, Tensor[] rows, WanContext context,
        double[] sigmas, Func<long[], Tensor> normal)
    {
        var target = Latents(settings, batch, batch.Target, batch.Frames);
        var noise = normal(target.Shape);
        var t = Tensor.From([.. sigmas.Select(sigma => (float)sigma)], batch.Size, 1, 1, 1, 1);
        var noisy = target + (noise - target) * t;
        var (places, across) = settings.Network.LearnedPositions;
        using var rotation = video.Rotate(Conditioning.Positions(0, batch.Frames), places, across);
        using var prompt = video.Prepare(rows);
        using var modulation = video.Modulate(WanTime.Each([.. sigmas.Select(sigma => sigma * 1000)]));
        var velocity = video.Forward(Tensor.Cat(1, noisy, Unknown(settings, noisy)), modulation, prompt, rotation, context: context);
        return ((velocity - (noise - target)) * t).Square();
    }

    /// <summary>Mask and condition of shots of which nothing is known, as <see cref="Conditioning.Encode"/> has them alone.</summary>
    static Tensor Unknown(OneStorySettings settings, Tensor latents) => Tensor.Zeros(
        [latents.Size(0), settings.Network.InDim - settings.Network.OutDim, .. latents.Shape[2..]], DType.F32, Device.Cpu);

    /// <summary>
    /// On held-out stories: the selector's loss, what its choice is worth by the labels beside the newest frames, frames at equal distances
    /// and the best there are, and the shots' errors with each but the last.
    /// </summary>
    static List<KeyValuePair<string, double>> Examine(OneStorySettings settings, VideoTools tools, WanTransformer video, OneStory story,
        OneStoryExamples held)
    {
        using var scope = TensorScope.Open();
        const int Size = 16;
        var batch = held.Draw(new Chance(settings.Seed)["examined"], Size, settings.Inflation);
        var (rows, memory) = (VideoRecipe.Rows(tools, batch.Captions), Latents(settings, batch, batch.Memory, 2 * batch.Frames));
        var (scores, frames, kept) = (Score(story, memory, rows), 2 * batch.Frames, settings.Parts.Selection.Kept);
        var labels = batch.Labels.Chunk(frames).ToArray();
        int[][] Every(int[] ranks) => [.. Enumerable.Repeat(ranks, Size)];
        double Worth(int[][] chosen) => chosen.Zip(labels, (ranks, row) => ranks.Average(frame => row[frame])).Average();
        var results = new List<KeyValuePair<string, double>>
        {
            new("held out, selector", (scores - Tensor.From(batch.Labels, Size, frames)).Square().Mean().Item()),
            new("held out, relevance of the best", Worth([.. labels.Select(row => FrameSelection.Top(row, kept))])),
        };
        foreach (var (name, chosen) in new[] { ("selected", Best(scores, frames, kept)),
            ("newest", Every(FrameSelection.Recent(frames, kept))), ("even", Every(FrameSelection.Even(frames, kept))) })
        {
            using var inner = TensorScope.Open();
            using var context = story.Conditioner.Condition(memory, chosen);
            results.Add(new($"held out, relevance of {name}", Worth(chosen)));
            results.Add(new($"held out, shot with {name}", Wrong(settings, video, batch, rows, context,
                [.. Enumerable.Repeat(0.9, Size)], shape => new RandomSource(settings.Seed).Normal("examined", 0, shape)).Mean().Item()));
        }
        return results;
    }

    /// <summary>Stories that are not learned from, encoded.</summary>
    static OneStoryExamples HeldOut(OneStorySettings settings, VideoTools tools, string folder)
    {
        using var off = Autograd.Disable();
        var (z, rows, columns, width, height) = VideoRecipe.Sizes(settings.Network, tools);
        using var stage = new Stage(width, height);
        using var features = new TheatreFeatures();
        var stories = new LatentStories(tools.Vae, folder, settings.Seed, height, width);
        return new(Enumerable.Range(0, 3).Select(i =>
            stories.Encode(LatentStories.Tell(settings.Seed, i, heldOut: true), true, stage)), z, rows, columns, 0, features.All);
    }

    /// <summary>Shots of held-out stories from the averaged weights, the truth above.</summary>
    static void Show(OneStorySettings settings, VideoTools tools, TrainingRun run, IEnumerable<KeyValuePair<string, Tensor>> averages,
        OneStoryExamples held, int step)
    {
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        using var weights = Weights.Fresh(0, DType.F32, Device.Cpu);
        var (video, story) = Create(settings, weights);
        foreach (var (name, average) in averages) weights.Parameters[name].CopyFrom(average);
        var (_, _, _, width, height) = VideoRecipe.Sizes(settings.Network, tools);
        run.Log(step, Examine(settings, tools, video, story, held));
        var batch = held.Draw(new Chance(settings.Seed)["show"], 4, settings.Inflation);
        var (truth, memory) = (Latents(settings, batch, batch.Target, batch.Frames),
            Latents(settings, batch, batch.Memory, 2 * batch.Frames));
        var pictures = new List<ReadOnlyMemory<byte>>();
        for (var i = 0; i < batch.Size; i++)
        {
            using var inner = TensorScope.Open();
            var words = VideoRecipe.Rows(tools, [batch.Captions[i], ""]);
            using var context = story.Remember(memory.Narrow(0, i, 1), words[0]).Context;
            var noise = new RandomSource(settings.Seed).Normal($"show {i}", 0, [1, .. truth.Shape[1..]]);
            var shot = new WanShot
            {
                Schedule = Schedule.UniPC(8, 3),
                Noise = noise,
                Prompt = words[0],
                NegativePrompt = words[1],
                Condition = Unknown(settings, noise),
                Context = context,
            };
            SolverState? last = null;
            foreach (var state in new WanSampler(new WanExpert(video, 1)).Sample(shot)) last = state;
            using (last)
                foreach (var latents in new[] { truth.Narrow(0, i, 1), last!.Latents })
                {
                    var clip = tools.Vae.Decode(latents);
                    for (var frame = 0; frame < clip.Size(2); frame += 4) pictures.Add(VaeRecipe.Bytes(clip.Narrow(2, frame, 1)));
                }
        }
        run.Sheet("onestory", step, pictures, width, height, 10);
    }
}
