// The shots of one benchmark case, one after the other, each way to remember: from words alone, with the last frame of the shot before,
// with StoryMem's bank of keyframes, and with OneStory's choice. Same seeds, same sampling; nothing else is given, or the empty place
// behind every shot.
using Fabula.Models;
using Fabula.Production;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

public enum MemoryWay { None, LastFrame, StoryMem, OneStory }

/// <param name="plates">The empty place is given as a draft, and where people stand on it at first, so that their looks come from memory.
/// </param>
public sealed class OneStoryFilms(FilmModel model, Stage stage, bool plates = false) : IDisposable
{
    const int Width = JudgeConfig.Width, Height = JudgeConfig.Height, Frames = 17;
    readonly DrawnCollages _people = new(stage, Width, Height);
    readonly string _work = Directory.CreateTempSubdirectory("fabula-onestory").FullName;

    /// <summary>Per shot its frames, each [H, W, 3].</summary>
    public IReadOnlyList<IReadOnlyList<byte[]>> Make(OneStoryCase story, MemoryWay way, ulong seed)
    {
        var made = new List<IReadOnlyList<byte[]>>();
        var (bank, kept) = (KeyframeBank.Empty, new List<string>());
        foreach (var (i, shot) in story.Story.Shots.Index())
        {
            IReadOnlyList<byte[]> memory = (way, i) switch
            {
                (_, 0) => [],
                (MemoryWay.LastFrame, _) => [made[^1][^1]],
                (MemoryWay.StoryMem, _) => [.. bank.Pick([], model.Facts.MostMemory).Select(at => bank.Entries[at].Rgb)],
                _ => [],
            };
            var recalled = way == MemoryWay.OneStory && i > 0 ? Path.Combine(_work, "recalled.safetensors") : null;
            if (recalled is not null) model.Recall(story.Prompts[i], kept, recalled);
            var first = story.FromImage && i == 0 ? stage.Draw(shot.Spec, 0).Frames : null;
            made.Add(Render(story.Prompts[i], seed + (ulong)i, memory, first, recalled, place: plates && first is null ? shot.Spec : null));
            if (way == MemoryWay.OneStory) kept.Add(Keep(made[^1], $"{i}"));
            if (way == MemoryWay.StoryMem)
                bank = bank.With(new($"{i}", 0, [.. shot.Cast.Select(who => $"{who}")], $"{shot.Place}"), made[^1], Width, Height);
        }
        return made;
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

    public IReadOnlyList<byte[]> Render(string prompt, ulong seed, IReadOnlyList<byte[]> memory, byte[]? first = null,
        string? recalled = null, int? steps = null, ShotSpec? place = null)
    {
        var plate = place is null ? null
            : stage.Draw(place.Plate with { Frames = 1, Camera = PaperTheatre.CameraMove.Static }).Frames;
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
            Drafts = plate is null ? [] : [new(plate, Width, Height)],
            Staging = place is null ? [] : _people.Boxes(place),
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
