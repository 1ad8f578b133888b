// The shots of one benchmark case, one after the other, each way to remember: from words alone, with the last frame of the shot before,
// with StoryMem's bank of keyframes, and with OneStory's choice. Same seeds, same sampling; nothing else is given, or the empty place
// behind a shot, and on it the people whom remembered frames show (Recollection), newcomers from their portraits.
using System.Globalization;
using Fabula.Models;
using Fabula.Production;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <summary>Which shots of a case are given their empty place.</summary>
public enum Plates
{
    None,
    /// <summary>The first one in each place; where a place returns, it is what remembered frames show of it.</summary>
    First,
    Every,
}

/// <param name="plates">None: nothing else is given. Else the empty place is a draft, and people are laid on it: newcomers as their
/// portraits have them, others as remembered frames do; who is in none of them is left to words.</param>
/// <param name="matte">Finds people in remembered frames; needed for drafts.</param>
public sealed class OneStoryFilms(FilmModel model, Stage stage, Plates plates = Plates.None, Func<Picture, bool[]>? matte = null)
    : IDisposable
{
    const int Width = JudgeConfig.Width, Height = JudgeConfig.Height, Frames = 17;
    readonly DrawnCollages _people = new(stage, Width, Height);
    readonly string _work = Directory.CreateTempSubdirectory("fabula-onestory").FullName;

    /// <summary>Per shot its frames, each [H, W, 3].</summary>
    public IReadOnlyList<IReadOnlyList<byte[]>> Make(OneStoryCase story, MemoryWay way, ulong seed)
    {
        var made = new List<IReadOnlyList<byte[]>>();
        var (bank, kept, met) = (KeyframeBank.Empty, new List<string>(), new HashSet<int>());
        foreach (var (i, shot) in story.Story.Shots.Index())
        {
            IReadOnlyList<(int Shot, int Frame)> known = (way, i) switch
            {
                (_, 0) => [],
                (MemoryWay.LastFrame, _) => [(i - 1, made[^1].Count - 1)],
                (MemoryWay.StoryMem, _) => [.. bank.Pick([], KeyframeBank.Capacity).Select(at => bank.Entries[at].Label)
                    .Select(label => (int.Parse(label.Shot, CultureInfo.InvariantCulture), label.Frame))],
                (MemoryWay.OneStory, _) => [.. model.Recall(story.Prompts[i], kept, Recalled).OrderBy(frame => (frame.Shot, frame.Frame))
                    .Select(frame => (frame.Shot, Math.Min(frame.Frame, made[frame.Shot].Count - 1)))],
                _ => [],
            };
            // OneStory's frames are context; there is room for a few of the others beside the shot.
            IReadOnlyList<byte[]> memory = way is MemoryWay.OneStory ? []
                : [.. known.TakeLast(model.Facts.MostMemory).Select(at => made[at.Shot][at.Frame])];
            var newcomers = shot.Cast.Where(met.Add).ToHashSet();
            var first = story.FromImage && i == 0 ? stage.Draw(shot.Spec, 0).Frames : null;
            SeenFrame Seen((int Shot, int Frame) at) =>
                new(new(made[at.Shot][at.Frame], Width, Height), Standing(story.Story.Shots[at.Shot])[at.Frame], $"{at.Shot}");
            var drafts = plates == Plates.None ? null
                : Drafts(story.Story, i, newcomers, [.. known.Select(at => (at.Shot, Seen(at)))]);
            made.Add(Render(story.Prompts[i], seed + (ulong)i, memory, first, way == MemoryWay.OneStory && i > 0 ? Recalled : null,
                drafts: drafts));
            if (way == MemoryWay.OneStory) kept.Add(Keep(made[^1], $"{i}"));
            if (way == MemoryWay.StoryMem)
                bank = bank.With(new($"{i}", 0, [.. shot.Cast.Select(who => $"{who}")], $"{shot.Place}"), made[^1], Width, Height,
                    staging: Standing(shot));
        }
        return made;
    }

    /// <summary>Per frame of a shot where its people are, in the order of its cast.</summary>
    public StageBox[][] Boxes(StoryShot shot) => _people.Boxes(shot.Spec);

    /// <summary>The same by name.</summary>
    List<IReadOnlyDictionary<string, StageBox>> Standing(StoryShot shot) => [.. Boxes(shot)
        .Select(boxes => shot.Cast.Zip(boxes).ToDictionary(pair => $"{pair.First}", pair => pair.Second))];

    /// <summary>What is laid on the empty place, frame by frame.</summary>
    sealed record Laid(IReadOnlyList<Picture> Frames, StageBox[][] Boxes, bool IsWhole);

    /// <summary>Null where the place is not known.</summary>
    /// <param name="known">Remembered frames; the place of each is its shot, as shots of one place see it from different distances.</param>
    Laid? Drafts(DrawnStory story, int number, HashSet<int> newcomers, IReadOnlyList<(int Shot, SeenFrame Frame)> known)
    {
        var (shot, recollection) = (story.Shots[number], new Recollection(matte!, [.. known.Select(seen => seen.Frame)]));
        var isGiven = plates == Plates.Every || story.Shots.Take(number).All(other => other.Place != shot.Place);
        var plate = isGiven ? Plate(shot.Spec) : Remembered(story, shot, known, recollection);
        if (plate is null) return null;
        List<CutOut?> cast = [.. shot.Cast.Select(who => newcomers.Contains(who) ? _people.Figure(story.People[who])
            : recollection.Person($"{who}"))];
        var boxes = _people.Boxes(shot.Spec);
        return new([.. boxes.Select(frame => Collage.Of(plate, cast, frame))], boxes, cast.All(figure => figure is not null));
    }

    Picture Plate(ShotSpec shot) =>
        new(stage.Draw(shot.Plate with { Frames = 1, Camera = PaperTheatre.CameraMove.Static }).Frames, Width, Height);

    /// <summary>
    /// The shot's place as the widest of the remembered shots there saw it, without people, and of that what this one sees; all of it
    /// where this one is wider.
    /// </summary>
    static Picture? Remembered(DrawnStory story, StoryShot shot, IReadOnlyList<(int Shot, SeenFrame Frame)> known,
        Recollection recollection)
    {
        var there = known.Select(seen => seen.Shot).Where(other => story.Shots[other].Place == shot.Place)
            .OrderBy(other => story.Shots[other].Spec.Zoom).ThenBy(other => other).ToList();
        if (there.Count == 0) return null;
        var part = PlateView.Part(recollection.Place($"{there[0]}")!, shot.Spec.Zoom / story.Shots[there[0]].Spec.Zoom);
        return new(PlateView.Fit(part, Width, Height), Width, Height);
    }

    /// <summary>What later shots may recall of a clip; the file.</summary>
    public string Keep(IReadOnlyList<byte[]> frames, string name)
    {
        var path = Path.Combine(_work, $"{name}.safetensors");
        model.Keep(frames, Width, Height, path);
        return path;
    }

    public IReadOnlyList<RecalledFrame> Recall(string prompt, IReadOnlyList<string> earlier, string? into = null) =>
        model.Recall(prompt, earlier, into ?? Path.Combine(_work, "recalled.safetensors"));

    public string Recalled => Path.Combine(_work, "recalled.safetensors");

    public IReadOnlyList<byte[]> Render(string prompt, ulong seed, IReadOnlyList<byte[]> memory, string? recalled = null,
        int? steps = null) => Render(prompt, seed, memory, null, recalled, steps);

    IReadOnlyList<byte[]> Render(string prompt, ulong seed, IReadOnlyList<byte[]> memory, byte[]? first, string? recalled,
        int? steps = null, Laid? drafts = null)
    {
        var facts = model.Facts;
        return model.Render(new ShotRequest
        {
            Prompt = prompt,
            Frames = Frames,
            Width = Width,
            Height = Height,
            Seed = seed,
            Steps = steps ?? facts.Steps,
            Guidance = facts.Guidance,
            Shift = facts.Shift,
            First = first is null ? null : new(first, Width, Height),
            Drafts = drafts?.Frames ?? [],
            Staging = drafts?.Boxes ?? [],
            DraftTrust = drafts is { IsWhole: true } ? facts.DraftTrust : 0,
            Memory = [.. memory.Select(rgb => new Picture(rgb, Width, Height))],
            MemoryStride = facts.MemoryStride,
            MemoryGuidance = memory.Count > 0 ? facts.MemoryGuidance : 1,
            Recalled = recalled,
        }, new RenderKeeping(_work, _ => null, (_, _) => { }, (_, _) => { }), CancellationToken.None);
    }

    /// <summary>The drawn shots of a case: the best that any way can do.</summary>
    public IReadOnlyList<IReadOnlyList<byte[]>> Drawn(OneStoryCase story) => [.. story.Story.Shots.Select(shot =>
    {
        var clip = stage.Draw(shot.Spec);
        return (IReadOnlyList<byte[]>)[.. Enumerable.Range(0, shot.Spec.Frames).Select(f => clip.Frame(f).ToArray())];
    })];

    public void Dispose()
    {
        _people.Dispose();
        Directory.Delete(_work, recursive: true);
    }
}
