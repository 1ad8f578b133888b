// Recipe: OneStory's frame selector learns alone, from whole films. `fabula train selector`
//
// The paper trains selector and video model together, on samples of three shots. No gradient flows between the two (the choice is hard),
// and the video model is what makes such a step dear: alone the selector sees some hundred times as many examples in the same time, also of
// stories that have pictures and no clips. Its loss and labels are those of OneStoryRecipe.cs: cosines of what frames show, -1 in a shot of
// another story. Here a sample is a shot and all frames before it, as in a film, with a foreign shot among them in half of the cases.
using System.Text.Json.Nodes;
using Fabula.Models;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <param name="Noise">Deviation of noise on latents, in half of the steps.</param>
/// <param name="Foreign">How often a shot of another story is among the earlier ones.</param>
public sealed record SelectorSettings(int Steps = 1500, int Batch = 24, double Noise = 0.15, double Foreign = 0.5, ulong Seed = 8)
{
    public Pace Pace { get; init; } = new(Others: 1e-3, EmaDecay: 0.99);

    public JsonObject ToJson(int crew) => new()
    {
        ["recipe"] = "selector 1",
        ["steps"] = Steps,
        ["batch"] = Batch,
        ["noise"] = Noise,
        ["foreign"] = Foreign,
        ["seed"] = Seed,
        ["processes"] = crew,
        ["pace"] = Pace.ToJson(),
    };
}

public static class SelectorRecipe
{
    /// <summary>One shot to choose for.</summary>
    /// <param name="Frames">Earlier frames [z, h, w], in the order of the film.</param>
    sealed record Sample(string Caption, IReadOnlyList<Half[]> Frames, IReadOnlyList<float> Labels);

    const string Selection = "selection.";
    const int Rows = 16, Columns = 28;

    /// <summary>Trains, or goes on training; on the tensor thread. Returns the mean label of the frames chosen on held-out films.</summary>
    /// <param name="config">The sizes of both of OneStory's parts.</param>
    /// <param name="beside">OneStory's weights whose conditioner stands beside the new selector.</param>
    /// <param name="held">Stories of people who are never learned from.</param>
    public static double Run(SelectorSettings settings, OneStoryConfig config, Weights beside, VideoTools tools,
        IReadOnlyList<LatentStory> stories, IReadOnlyList<LatentStory> held, TrainingRun run, Crew crew, Action<string> say,
        CancellationToken stop)
    {
        using var weights = Weights.Fresh(settings.Seed, DType.F32, Device.Cpu);
        var selector = new FrameSelection(config.Selection, weights["selection"]);
        weights.Trainable();
        using var teacher = new Teacher(weights.Parameters, (_, _) => false, settings.Pace, crew);
        run.Resume(weights, teacher);
        using var lessons = new Ahead<Sample[]>(run.Start, settings.Steps, step => Draw(stories, settings,
            new Chance(settings.Seed)["selector"][step][crew.Rank], settings.Batch));
        var random = new RandomSource(settings.Seed);
        new Course(run, weights, teacher, crew, settings.Steps, new Rhythm(Save: 60), say).Go(step =>
        {
            var lesson = lessons.Next(stop);
            using var learning = Autograd.Enable();
            var scores = Score(selector, tools, lesson, shape =>
                step % 2 == 0 ? random.Normal($"remembered {crew.Rank}", step, shape) * settings.Noise : null);
            var loss = Loss(scores, lesson);
            loss.Backward();
            return new(settings.Batch, ("loss", loss.Item()));
        });
        return crew.Leads ? Examine(settings, config, beside, tools, held, run, teacher, say) : 0;
    }

    static Sample[] Draw(IReadOnlyList<LatentStory> stories, SelectorSettings settings, Chance chance, int count) =>
        [.. Enumerable.Range(0, count).Select(i =>
        {
            var here = chance[i];
            var (story, other) = (here["story"].Pick<LatentStory>([.. stories]), here["other"].Pick<LatentStory>([.. stories]));
            return Draw(story, 1 + here["shot"].Below(story.Story.Shots.Count - 1),
                story != other && here["foreign"].Happens(settings.Foreign) ? other : null, here);
        })];

    static Sample Draw(LatentStory latents, int target, LatentStory? foreign, Chance chance)
    {
        var (story, frames, labels) = (latents.Story, new List<Half[]>(), new List<float>());
        var inserted = foreign is null ? -1 : chance["where"].Below(target + 1);
        for (var shot = 0; shot <= target; shot++)
        {
            if (shot == inserted)
                foreach (var frame in Frames(foreign!, chance["which"].Below(foreign!.Story.Shots.Count)))
                {
                    frames.Add(frame);
                    labels.Add(-1);
                }
            if (shot == target) break;
            var alike = Alike(story.Shots[shot], story.Shots[target]);
            foreach (var frame in Frames(latents, shot))
            {
                frames.Add(frame);
                labels.Add(alike);
            }
        }
        var register = chance["told"].Pick(Register.Referential, Register.Referential, Register.Planned, Register.Full);
        return new(Captions.Write(story.Shots[target].Spec, register, chance["words"]), frames, labels);
    }

    /// <summary>Who is in two shots and where they play, as <see cref="TheatreFeatures"/>: the mean of both cosines.</summary>
    static float Alike(StoryShot a, StoryShot b)
    {
        var people = a.Cast.Count == 0 || b.Cast.Count == 0 ? 0
            : a.Cast.Intersect(b.Cast).Count() / Math.Sqrt((double)a.Cast.Count * b.Cast.Count);
        return (float)((people + (a.Place == b.Place ? 1 : 0)) / 2);
    }

    /// <summary>A shot's latent frames: of its clip, or of its pictures where it has none.</summary>
    static IEnumerable<Half[]> Frames(LatentStory story, int shot)
    {
        var (clip, picture) = (story.Clips[shot], story.Pictures[shot][0].Length);
        if (clip.Length == 0) return story.Pictures[shot];
        // [z, f, h, w] to f times [z, h, w].
        const int Plane = Rows * Columns;
        var count = clip.Length / picture;
        return Enumerable.Range(0, count).Select(f => (Half[])[.. Enumerable.Range(0, picture / Plane)
            .SelectMany(z => clip.AsSpan((z * count + f) * Plane, Plane).ToArray())]);
    }

    /// <summary>[B, F]; minus infinity where a sample has no frame.</summary>
    static Tensor Score(FrameSelection selector, VideoTools tools, Sample[] samples, Func<long[], Tensor?> noise)
    {
        var longest = samples.Max(sample => sample.Frames.Count);
        var size = samples[0].Frames[0].Length;
        var values = new float[samples.Length * longest * size];
        foreach (var (i, sample) in samples.Index())
            foreach (var (f, frame) in sample.Frames.Index())
                for (var at = 0; at < size; at++) values[(i * longest + f) * size + at] = (float)frame[at];
        var memory = Tensor.From(values, samples.Length * longest, selector.Config.Channels, Rows, Columns);
        if (noise(memory.Shape) is { } grain) memory = memory + grain;
        var projected = selector.Project(memory);
        return selector.Score(projected.Reshape(samples.Length, longest, projected.Size(1), projected.Size(2)),
            VideoRecipe.Rows(tools, [.. samples.Select(sample => sample.Caption)]), [.. samples.Select(sample => sample.Frames.Count)]);
    }

    static Tensor Loss(Tensor scores, Sample[] samples)
    {
        var longest = (int)scores.Size(1);
        float[] Padded(Func<Sample, int, float> of) => [.. samples.SelectMany(sample =>
            Enumerable.Range(0, longest).Select(f => f < sample.Frames.Count ? of(sample, f) : 0))];
        var labels = Tensor.From(Padded((sample, f) => sample.Labels[f]), samples.Length, longest);
        var there = Tensor.From(Padded((_, _) => 1), samples.Length, longest);
        return (there.Lt(0.5).Where(labels, scores) - labels).Square().Sum() / there.Sum();
    }

    /// <summary>What the choice is worth on films of other people, beside the newest frames and the best; writes the files.</summary>
    static double Examine(SelectorSettings settings, OneStoryConfig config, Weights beside, VideoTools tools,
        IReadOnlyList<LatentStory> held, TrainingRun run, Teacher teacher, Action<string> say)
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(0, DType.F32, Device.Cpu);
        var selector = new FrameSelection(config.Selection, weights["selection"]);
        foreach (var (name, average) in teacher.Averages) weights.Parameters[name].CopyFrom(average);
        var samples = held.Index().SelectMany(story => Enumerable.Range(1, story.Item.Story.Shots.Count - 1).Select(target =>
            Draw(story.Item, target, held[(story.Index + 1) % held.Count], new Chance(settings.Seed)["held out"][story.Index][target])))
            .ToArray();
        var scores = Score(selector, tools, samples, _ => null).ToFloats();
        var longest = scores.Length / samples.Length;
        double Worth(Func<Sample, float[], int[]> choose) => samples.Select((sample, i) =>
            choose(sample, scores[(i * longest)..(i * longest + sample.Frames.Count)]).Average(f => (double)sample.Labels[f])).Average();
        var kept = config.Selection.Kept;
        var chosen = Worth((_, row) => FrameSelection.Top(row, kept));
        KeyValuePair<string, double>[] worth =
        [
            new("held out, relevance of selected", chosen),
            new("held out, relevance of newest", Worth((_, row) => FrameSelection.Recent(row.Length, kept))),
            new("held out, relevance of the best", Worth((sample, _) => FrameSelection.Top([.. sample.Labels], kept))),
        ];
        run.Log(settings.Steps, worth);
        say(string.Join("  ", worth.Select(value => $"{value.Key} {value.Value:0.000}")));
        Weights.Save(Path.Combine(run.Folder, OneStory.WeightsFile), beside.Names
            .Where(name => !name.StartsWith(Selection, StringComparison.Ordinal))
            .Select(name => new KeyValuePair<string, Tensor>(name, beside.Get(name, DType.F32, beside.ShapeOf(name)!)))
            .Concat(teacher.Averages), DType.BF16);
        File.WriteAllText(Path.Combine(run.Folder, OneStory.ConfigFile),
            config.ToJson().ToJsonString(new() { WriteIndented = true }) + "\n");
        return chosen;
    }
}
