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
/// <param name="WarmupUntil">Share of the steps with context drawn by chance; 0 does not decouple (table 2b). Not in the paper; a third,
/// for a selector that begins from nothing.</param>
/// <param name="SelectorWeight">Lambda. Not in the paper. The two losses share no weights, so it matters for clipping alone.</param>
/// <param name="FigureWeight">How much more a latent that shows people counts, as in the video recipe.</param>
/// <param name="MemoryNoise">Deviation of noise on what is remembered, in half of the steps, as in the video recipe.</param>
/// <param name="Choice">Newest or even frames instead of the selector's (table 2a).</param>
/// <param name="Kept">K_sel.</param>
public sealed record OneStorySettings(int Steps = 3000, int Batch = 12, double WarmupUntil = 0.3, double SelectorWeight = 1,
    double FigureWeight = 4, double MemoryNoise = 0.15, FrameChoice Choice = FrameChoice.Selected, int Kept = 4, ulong Seed = 6)
{
    /// <summary>AdamW's rate and decay are the paper's; Muon has nothing to do here.</summary>
    public Pace Pace { get; init; } = new(Others: 5e-4, WeightDecay: 0.01);
    public Inflation Inflation { get; init; } = new();
    public WanConfig Network { get; init; } = VideoSettings.PocketNetwork;
    public AdaptiveConditionerConfig Conditioner { get; init; } = new();
    public Rhythm Rhythm { get; init; } = new();

    /// <summary>The selector is as wide as the video model, as in the paper.</summary>
    public OneStoryConfig Parts => new(new(Network.OutDim, Network.TextDim, Network.Dim)
    {
        Heads = Network.Heads,
        Choice = Choice,
        Kept = Kept,
    }, Conditioner);

    /// <param name="features">Which feature models the labels are of.</param>
    public JsonObject ToJson(int crew, string features = "truth") => new()
    {
        ["recipe"] = "onestory 2",
        ["steps"] = Steps,
        ["batch"] = Batch,
        ["warmup_until"] = WarmupUntil,
        ["lambda"] = SelectorWeight,
        ["figure_weight"] = FigureWeight,
        ["memory_noise"] = MemoryNoise,
        ["real_triplets"] = Inflation.RealTriplets,
        ["inflated"] = Inflation.Share,
        ["other_story"] = Inflation.OtherStory,
        ["synthetic_first"] = Inflation.SyntheticFirst,
        ["colour_change"] = Inflation.ColourChange,
        ["features"] = features,
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
        {
            var chance = new Chance(settings.Seed)["onestory"][step];
            return examples.Draw(chance[crew.Rank], settings.Batch, settings.Inflation,
                VideoMode.Pick(OneStoryExamples.Modes, chance["mode"].Unit));
        });
        var random = new RandomSource(settings.Seed);
        var held = new Lazy<OneStoryExamples>(() => HeldOut(settings, tools, run.Folder));
        new Course(run, weights, teacher, crew, settings.Steps, settings.Rhythm, say).Go(step =>
        {
            var batch = batches.Next(stop);
            var (shot, selection) = Learn(settings, tools, video, story, batch, random, step, crew.Rank);
            return new(batch.Size, ("shot", shot), ($"shot, {batch.Shot.Mode.Name}", shot), ("selector", selection));
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
        Tensor Normal(string purpose, long[] shape) => random.Normal($"{purpose} {rank}", step, shape);
        var (rows, memory, noise) = (VideoRecipe.Rows(tools, batch.Shot.Captions), Memory(settings, batch),
            step % 2 == 0 ? settings.MemoryNoise : 0);
        if (noise > 0) memory += Normal("remembered", memory.Shape) * noise;
        var scores = Score(story, memory, rows, batch);
        var warm = settings.Choice == FrameChoice.Selected && step < settings.WarmupUntil * settings.Steps;
        var kept = Math.Min(settings.Kept, batch.Earlier.Min());
        var chosen = warm ? [.. batch.Real.Select(real => real[..kept])] : Choose(settings.Choice, scores, batch, kept);
        using var context = story.Conditioner.Condition(memory, chosen);
        var wrong = VideoRecipe.Wrong(tools, video, batch.Shot, VideoRecipe.Sigmas(random, step, rank, batch.Size), Normal, noise, rows,
            context);
        var weight = Tensor.From(batch.Shot.Weight, batch.Size, 1, batch.Frames, wrong.Size(3), wrong.Size(4));
        var shot = (wrong * (weight / weight.Mean())).Mean();
        var selection = SelectorLoss(scores, batch);
        (shot + selection * settings.SelectorWeight).Backward();
        return (shot.Item(), selection.Item());
    }

    /// <summary>Every remembered frame's relevance, [B, F]; minus infinity where a sample has none.</summary>
    static Tensor Score(OneStory story, Tensor memory, Tensor[] rows, OneStoryBatch batch)
    {
        var (size, z, frames, h, w) = (memory.Size(0), memory.Size(1), memory.Size(2), memory.Size(3), memory.Size(4));
        var projected = story.Selection.Project(memory.Transpose(1, 2).Reshape(size * frames, z, h, w));
        return story.Selection.Score(projected.Reshape(size, frames, projected.Size(1), projected.Size(2)), rows, batch.Earlier);
    }

    /// <summary>The mean squared distance from the labels, over the frames that there are.</summary>
    static Tensor SelectorLoss(Tensor scores, OneStoryBatch batch)
    {
        var labels = Tensor.From(batch.Labels, batch.Size, 2 * batch.Frames);
        var there = Tensor.From([.. batch.Earlier.SelectMany(count =>
            Enumerable.Range(0, 2 * batch.Frames).Select(i => i < count ? 1f : 0))], batch.Size, 2 * batch.Frames);
        return (there.Lt(0.5).Where(labels, scores) - labels).Square().Sum() / there.Sum();
    }

    static int[][] Choose(FrameChoice choice, Tensor scores, OneStoryBatch batch, int kept)
    {
        var rows = scores.Detach().ToFloats().Chunk(2 * batch.Frames);
        return [.. rows.Zip(batch.Earlier, (row, earlier) => FrameSelection.Choose(choice, row.AsSpan(0, earlier), kept))];
    }

    /// <summary>[B, z, F, h, w].</summary>
    static Tensor Memory(OneStorySettings settings, OneStoryBatch batch)
    {
        var (rows, columns) = VideoSettings.Picture;
        return Tensor.From(batch.Memory, batch.Size, settings.Network.OutDim, 2 * batch.Frames, rows, columns);
    }

    /// <summary>
    /// On held-out stories: the selector's loss, what its choice is worth by the labels beside the newest frames, frames at equal distances
    /// and the best there are; the errors of shots that are made from memory alone with each but the last, and with none; and the errors of
    /// every mode with the model's own choice, at three noise levels, of the same examples every time.
    /// </summary>
    static List<KeyValuePair<string, double>> Examine(OneStorySettings settings, VideoTools tools, WanTransformer video, OneStory story,
        OneStoryExamples held)
    {
        const int Size = 16;
        var random = new RandomSource(settings.Seed);
        var results = new List<KeyValuePair<string, double>>();
        foreach (var mode in OneStoryExamples.Modes)
        {
            using var scope = TensorScope.Open();
            var batch = held.Draw(new Chance(settings.Seed)["examined"][mode.Name], Size, settings.Inflation, mode);
            var (rows, memory) = (VideoRecipe.Rows(tools, batch.Shot.Captions), Memory(settings, batch));
            var (scores, kept) = (Score(story, memory, rows, batch), Math.Min(settings.Kept, batch.Earlier.Min()));
            double Error(double t, int[][]? chosen)
            {
                using var inner = TensorScope.Open();
                using var context = chosen is null ? null : story.Conditioner.Condition(memory, chosen);
                return VideoRecipe.Wrong(tools, video, batch.Shot, [.. Enumerable.Repeat(t, Size)],
                    (purpose, shape) => random.Normal($"examined {purpose}", 0, shape), 0, rows, context).Mean().Item();
            }
            foreach (var t in new[] { 0.95, 0.7, 0.4 })
                results.Add(new($"held out, {mode.Name} at {t}", Error(t, Choose(settings.Choice, scores, batch, kept))));
            if (mode != OneStoryExamples.Modes[0]) continue;
            double Worth(int[][] chosen) =>
                chosen.Zip(batch.Labels.Chunk(2 * batch.Frames), (ranks, row) => ranks.Average(frame => row[frame])).Average();
            results.Add(new("held out, selector", SelectorLoss(scores, batch).Item()));
            results.Add(new("held out, relevance of the best", Worth([.. batch.Labels.Chunk(2 * batch.Frames)
                .Zip(batch.Earlier, (row, earlier) => FrameSelection.Top(row.AsSpan(0, earlier), kept))])));
            results.Add(new("held out, shot with none", Error(0.95, null)));
            foreach (var choice in Enum.GetValues<FrameChoice>())
            {
                var chosen = Choose(choice, scores, batch, kept);
                var name = choice.ToString().ToLowerInvariant();
                results.Add(new($"held out, relevance of {name}", Worth(chosen)));
                results.Add(new($"held out, shot with {name}", Error(0.95, chosen)));
            }
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
        var pictures = new List<ReadOnlyMemory<byte>>();
        foreach (var mode in OneStoryExamples.Modes)
        {
            var batch = held.Draw(new Chance(settings.Seed)["show"], 2, settings.Inflation, mode);
            for (var i = 0; i < batch.Size; i++)
            {
                using var inner = TensorScope.Open();
                var (truth, known) = VideoRecipe.Tensors(settings.Network, batch.Shot);
                var made = Sample(settings, tools, video, story, batch, i, known.Narrow(0, i, 1));
                foreach (var latents in new[] { truth.Narrow(0, i, 1), made })
                {
                    var clip = tools.Vae.Decode(latents);
                    for (var frame = 0; frame < clip.Size(2); frame += 4) pictures.Add(VaeRecipe.Bytes(clip.Narrow(2, frame, 1)));
                }
            }
        }
        run.Sheet("onestory", step, pictures, width, height, 10);
    }

    /// <summary>One shot of a batch as the product makes it, [1, z, f, h, w].</summary>
    static Tensor Sample(OneStorySettings settings, VideoTools tools, WanTransformer video, OneStory story, OneStoryBatch batch, int i,
        Tensor condition)
    {
        using var scope = TensorScope.Open();
        var words = VideoRecipe.Rows(tools, [batch.Shot.Captions[i], ""]);
        using var context = story.Remember(Memory(settings, batch).Narrow(0, i, 1).Narrow(2, 0, batch.Earlier[i]), words[0],
            [.. Enumerable.Range(0, batch.Earlier[i]).Select(frame => frame / batch.Frames)]).Context;
        var shot = new WanShot
        {
            Schedule = Schedule.UniPC(PocketFolder.Steps, PocketFolder.Shift),
            Noise = new RandomSource(settings.Seed).Normal($"show {i}", 0, [1, settings.Network.OutDim, .. condition.Shape[2..]]),
            Prompt = words[0],
            NegativePrompt = words[1],
            Condition = condition,
            Context = context,
        };
        SolverState? last = null;
        foreach (var state in new WanSampler(new WanExpert(video, 1)).Sample(shot)) last = state;
        using (last) return scope.Keep(last!.Latents.Clone());
    }
}
