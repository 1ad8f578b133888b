// Recipe: OneStory's frame selector learns alone, from whole films. `fabula train selector`
//
// The paper trains selector and video model together, on samples of three shots. No gradient flows between the two (the choice is hard),
// and the video model is what makes such a step dear: alone the selector sees some hundred times as many examples in the same time, also of
// stories that have pictures and no clips. Its loss and labels are those of OneStoryRecipe.cs: cosines of what frames show, -1 in a shot of
// another story, 0 in an altered one. Here a sample is a shot and all frames before it, as in a film, with such shots among them now and
// then. The shipped selector (recipes/onestory-selector/pocket.json) has seen no altered shots, and labels those of other stories 0: whole
// films have shots enough that share nothing with the one to be made, and are labelled so (docs/evidence/onestory-2b.md). All of its
// stories have clips (--clip-every 1), as those it chooses from; taught where three in four had pictures alone it let more strangers in.
using System.Text.Json.Nodes;
using Fabula.Models;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <param name="Noise">Deviation of noise on latents, in half of the steps.</param>
/// <param name="Foreign">How often a shot of another story is among the earlier ones; a second one as often again.</param>
/// <param name="ForeignLabel">What such a shot is labelled: the paper's -1. 0 is what shots of the same story have that share nothing with
/// the one to be made.</param>
/// <param name="Either">How far a shot's people alone, or its place alone, make a frame relevant: see <see cref="FrameLabels"/>.</param>
/// <param name="Altered">How often one of the earlier shots is there a second time, altered (<see cref="Alteration"/>).</param>
/// <param name="ColourChange">As <see cref="Inflation.ColourChange"/>.</param>
/// <param name="Missing">How often each of the other shots is left out, so that somebody has to be found where they are elsewhere, too;
/// one always stays.</param>
/// <param name="AnyOrder">All other shots of a film are looked at, and not only those before the one to be made: what a frame is worth to a
/// shot does not depend on which comes first.</param>
public sealed record SelectorSettings(int Steps = 1000, int Batch = 24, double Noise = 0.15, double Foreign = 0.4,
    double ForeignLabel = FrameLabels.Foreign, double Either = 0, double Altered = 0.2, double ColourChange = 0.3,
    double Missing = 0, bool AnyOrder = false, ulong Seed = 8)
{
    public Pace Pace { get; init; } = new(Others: 1e-3, EmaDecay: 0.99);

    public Rhythm Rhythm { get; init; } = new(Save: 60);

    /// <summary>How wide phi_V is between its convolutions, and how deep after them.</summary>
    public int Hidden { get; init; } = 128;
    public int Blocks { get; init; } = 1;

    /// <summary>
    /// How films choose by it: see <see cref="FrameSelectionConfig"/>. Measured on stories to develop on (docs/models/onestory.md): people
    /// who return are seen again, and no more than one frame in twenty is of a shot that does not belong.
    /// </summary>
    public int Kept { get; init; } = 6;
    public double Least { get; init; } = -1;
    public double Behind { get; init; } = 0.4;
    public double Spread { get; init; } = 0.45;
    public int PerShot { get; init; }

    public FrameSelectionConfig Over(FrameSelectionConfig config) => config with
    {
        Hidden = Hidden,
        Blocks = Blocks,
        Kept = Kept,
        Least = Least,
        Behind = Behind,
        Spread = Spread,
        PerShot = PerShot,
    };

    /// <param name="features">Which feature models the labels are of.</param>
    public JsonObject ToJson(int crew, string features = "truth") => new()
    {
        ["recipe"] = "selector 5",
        ["steps"] = Steps,
        ["batch"] = Batch,
        ["noise"] = Noise,
        ["foreign"] = Foreign,
        ["foreign_label"] = ForeignLabel,
        ["either"] = Either,
        ["altered"] = Altered,
        ["colour_change"] = ColourChange,
        ["missing"] = Missing,
        ["any_order"] = AnyOrder,
        ["hidden"] = Hidden,
        ["blocks"] = Blocks,
        ["kept"] = Kept,
        ["least"] = Least,
        ["behind"] = Behind,
        ["spread"] = Spread,
        ["per_shot"] = PerShot,
        ["features"] = features,
        ["seed"] = Seed,
        ["processes"] = crew,
        ["pace"] = Pace.ToJson(),
    };
}

public static class SelectorRecipe
{
    /// <summary>One shot to choose for.</summary>
    /// <param name="Frames">Earlier frames [z, h, w], in the order of the film.</param>
    internal sealed record Sample(string Caption, IReadOnlyList<Half[]> Frames, IReadOnlyList<float> Labels);

    const string Selection = "selection.";
    const int Rows = 16, Columns = 28;

    /// <summary>Trains, or goes on training; on the tensor thread. Returns the mean label of the frames chosen on held-out films.</summary>
    /// <param name="known">The sizes of both of OneStory's parts.</param>
    /// <param name="beside">OneStory's weights whose conditioner stands beside the new selector.</param>
    /// <param name="held">Stories of people who are never learned from.</param>
    /// <param name="labels">Asked on a thread of its own: of feature models without tensors.</param>
    public static double Run(SelectorSettings settings, OneStoryConfig known, Weights beside, VideoTools tools,
        IReadOnlyList<LatentStory> stories, IReadOnlyList<LatentStory> held, FrameLabels labels, TrainingRun run, Crew crew,
        Action<string> say, CancellationToken stop)
    {
        var config = known with { Selection = settings.Over(known.Selection) };
        using var weights = Weights.Fresh(settings.Seed, DType.F32, Device.Cpu);
        var selector = new FrameSelection(config.Selection, weights["selection"]);
        weights.Trainable();
        using var teacher = new Teacher(weights.Parameters, (_, _) => false, settings.Pace, crew);
        run.Resume(weights, teacher);
        using var lessons = new Ahead<Sample[]>(run.Start, settings.Steps, step => Draw(stories, settings, labels,
            new Chance(settings.Seed)["selector"][step][crew.Rank]));
        var random = new RandomSource(settings.Seed);
        new Course(run, weights, teacher, crew, settings.Steps, settings.Rhythm, say).Go(step =>
        {
            var lesson = lessons.Next(stop);
            using var learning = Autograd.Enable();
            var scores = Score(selector, tools, lesson, shape =>
                step % 2 == 0 ? random.Normal($"remembered {crew.Rank}", step, shape) * settings.Noise : null);
            var loss = Loss(scores, lesson);
            loss.Backward();
            return new(settings.Batch, ("loss", loss.Item()));
        });
        return crew.Leads ? Examine(settings, config, beside, tools, held, labels, run, teacher, say) : 0;
    }

    internal static Sample[] Draw(IReadOnlyList<LatentStory> stories, SelectorSettings settings, FrameLabels labels, Chance chance) =>
        [.. Enumerable.Range(0, settings.Batch).Select(i =>
        {
            var here = chance[i];
            var story = here["story"].Below(stories.Count);
            var count = stories[story].Story.Shots.Count;
            var target = settings.AnyOrder ? here["shot"].Below(count) : 1 + here["shot"].Below(count - 1);
            int[] others = [.. Enumerable.Range(0, settings.AnyOrder ? count : target).Where(shot => shot != target)];
            int[] seen = [.. others.Where(shot => !here["missing"][shot].Happens(settings.Missing))];
            if (seen.Length == 0) seen = [here["stays"].Pick(others)];
            var foreign = Enumerable.Range(0, 2).Where(n => here["foreign"][n].Happens(settings.Foreign)).Select(n =>
            {
                var chance = here["other"][n][0];
                var other = stories[(story + 1 + chance["story"].Below(stories.Count - 1)) % stories.Count];
                return (Story: other, Shot: chance["shot"].Below(other.Story.Shots.Count));
            });
            return Draw(stories[story], target, seen, [.. foreign], here["altered"].Happens(settings.Altered), settings, labels, here);
        })];

    /// <param name="seen">The shots that are remembered.</param>
    /// <param name="foreign">Shots of other stories that are inserted anywhere.</param>
    /// <param name="altered">One of the remembered shots is inserted anywhere, altered.</param>
    static Sample Draw(LatentStory latents, int target, int[] seen, IReadOnlyList<(LatentStory Story, int Shot)> foreign, bool altered,
        SelectorSettings settings, FrameLabels labels, Chance chance)
    {
        var shots = seen.Select(shot => Frames(latents, shot, Labels(latents, shot, target, labels))).ToList();
        void Insert(string what, int number, IEnumerable<(Half[], float)> frames) =>
            shots.Insert(chance["where"][what][number].Below(shots.Count + 1), [.. frames]);
        if (altered)
        {
            var alteration = new Alteration(chance["alteration"], Rows, Columns, settings.ColourChange);
            Insert("altered", 0, Frames(latents, chance["again"].Pick(seen), _ => FrameLabels.Altered)
                .Select(frame => (Altered(frame.Latents, alteration), frame.Label)));
        }
        foreach (var (number, other) in foreign.Index())
            Insert("foreign", number, Frames(other.Story, other.Shot, _ => (float)settings.ForeignLabel));
        var register = chance["told"].Pick(Register.Referential, Register.Referential, Register.Planned, Register.Full);
        var all = shots.SelectMany(frames => frames).ToList();
        return new(Captions.Write(latents.Story.Shots[target].Spec, register, chance["words"]), [.. all.Select(frame => frame.Latents)],
            [.. all.Select(frame => frame.Label)]);
    }

    /// <summary>Of a latent frame of an earlier shot its label.</summary>
    static Func<int, float> Labels(LatentStory latents, int shot, int target, FrameLabels labels)
    {
        var all = labels.Of(latents.Story, shot, target, Conditioning.LatentFrames(latents.Story.Shots[shot].Spec.Frames));
        return f => all[f];
    }

    static Half[] Altered(Half[] frame, Alteration alteration)
    {
        const int Plane = Rows * Columns;
        var (from, into) = (Array.ConvertAll(frame, value => (float)value), new float[frame.Length]);
        for (var channel = 0; channel < frame.Length / Plane; channel++)
            alteration.Apply(from.AsSpan(channel * Plane, Plane), channel, into.AsSpan(channel * Plane, Plane));
        return Array.ConvertAll(into, value => (Half)value);
    }

    /// <summary>A shot's latent frames: of its clip, or of its pictures where it has none.</summary>
    /// <param name="label">Of a latent frame of the clip.</param>
    static List<(Half[] Latents, float Label)> Frames(LatentStory story, int shot, Func<int, float> label)
    {
        var (clip, pictures) = (story.Clips[shot], story.Pictures[shot]);
        if (clip.Length == 0) return [.. pictures.Select((picture, i) => (picture, label((LatentStory.Moments[i] + 3) / 4)))];
        // [z, f, h, w] to f times [z, h, w].
        const int Plane = Rows * Columns;
        var count = clip.Length / pictures[0].Length;
        return [.. Enumerable.Range(0, count).Select(f => ((Half[])[.. Enumerable.Range(0, pictures[0].Length / Plane)
            .SelectMany(z => clip.AsSpan((z * count + f) * Plane, Plane).ToArray())], label(f)))];
    }

    /// <summary>[B, F]; minus infinity where a sample has no frame.</summary>
    static Tensor Score(FrameSelection selector, VideoTools tools, Sample[] samples, Func<long[], Tensor?> noise)
    {
        var (longest, frames) = (samples.Max(sample => sample.Frames.Count), samples.SelectMany(sample => sample.Frames).ToList());
        var size = frames[0].Length;
        var values = new Half[frames.Count * size];
        foreach (var (f, frame) in frames.Index()) frame.CopyTo(values, f * size);
        var memory = Tensor.From(values, frames.Count, selector.Config.Channels, Rows, Columns).Float();
        if (noise(memory.Shape) is { } grain) memory = memory + grain;
        var projected = selector.Project(memory);                                                        // [all frames, n, D]
        // Every sample's frames beside each other; where it has no more, its first one, which is not looked at.
        var (places, first) = (new long[samples.Length * longest], 0);
        foreach (var (i, sample) in samples.Index())
        {
            for (var f = 0; f < longest; f++) places[i * longest + f] = first + (f < sample.Frames.Count ? f : 0);
            first += sample.Frames.Count;
        }
        projected = projected.IndexSelect(0, Tensor.From(places, places.Length));
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
        IReadOnlyList<LatentStory> held, FrameLabels labels, TrainingRun run, Teacher teacher, Action<string> say)
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(0, DType.F32, Device.Cpu);
        var selector = new FrameSelection(config.Selection, weights["selection"]);
        foreach (var (name, average) in teacher.Averages) weights.Parameters[name].CopyFrom(average);
        var samples = held.Index().SelectMany(story => Enumerable.Range(1, story.Item.Story.Shots.Count - 1).Select(target =>
        {
            var (other, chance) = (held[(story.Index + 1) % held.Count], new Chance(settings.Seed)["held out"][story.Index][target]);
            return Draw(story.Item, target, [.. Enumerable.Range(0, target)], [(other, chance["which"][0].Below(other.Story.Shots.Count))],
                false, settings, labels, chance);
        })).ToArray();
        var scores = Score(selector, tools, samples, _ => null).ToFloats();
        var longest = scores.Length / samples.Length;
        double Worth(Func<Sample, float[], int[]> choose) => samples.Select((sample, i) =>
            choose(sample, scores[(i * longest)..(i * longest + sample.Frames.Count)]).Average(f => (double)sample.Labels[f])).Average();
        var kept = config.Selection.Kept;
        var chosen = Worth((_, row) => FrameSelection.Top(row, kept));
        KeyValuePair<string, double>[] worth =
        [
            new("held out, loss", Loss(Tensor.From(scores, samples.Length, longest), samples).Item()),
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
