// StoryMem's memory: keyframes of the shots before this one, each with a label of who and what it shows. A shot's bank is the bank before
// it and what its own clip adds, so that no shot can see a later one, whatever lies on the disk.
//
// Paper: "StoryMem: Multi-shot Long Video Storytelling with Memory" (2025), section 3.2: at most three keyframes a shot, chosen by how
// alike frames are, a quality gate, no keyframe twice; the first frames stay (sink), the newest follow (window).
using System.Text.Json;
using Fabula.Models;

namespace Fabula.Production;

/// <param name="Shot">The shot, or the step of a reference picture, such as portrait/ada.</param>
/// <param name="Frame">Which frame of it.</param>
/// <param name="People">Who is visible in the shot.</param>
public sealed record BankLabel(string Shot, int Frame, IReadOnlyList<string> People, string? Place);

/// <summary>Frames, oldest first, and their labels.</summary>
public sealed record KeyframeBank(IReadOnlyList<(BankLabel Label, byte[] Rgb)> Entries)
{
    /// <summary>The first keyframes of the film, which stay for ever, and the newest.</summary>
    public const int Sink = 3, Window = 7;
    /// <summary>Of every person and place this many newest keyframes stay as well.</summary>
    const int EachKept = 2;
    const double Known = 0.9;

    public static readonly KeyframeBank Empty = new([]);

    /// <summary>The bank after a shot.</summary>
    /// <param name="frames">The clip's, each [H, W, 3].</param>
    /// <param name="eyes">What compares and judges frames; <see cref="PlainEyes"/> unless given.</param>
    public KeyframeBank With(BankLabel shot, IReadOnlyList<byte[]> frames, int width, int height, IFrameEyes? eyes = null)
    {
        eyes ??= new PlainEyes();
        var looks = eyes.See(frames, width, height);
        var chosen = KeyframeSelection.Choose(frames.Count, (i, j) => FrameMark.Alike(looks[i].Feature, looks[j].Feature),
            i => looks[i].IsGood ? 1 : 0, new KeyframeRules { MinQuality = 1 }).Indices;
        // The bank must know somebody at last, however bad the picture.
        if (chosen.Count == 0 && Entries.Count == 0) chosen = [0];
        var known = eyes.See([.. Entries.Select(entry => entry.Rgb)], width, height);
        var fresh = KeyframeSelection.WithoutKnown(chosen, known.Count,
            (frame, memory) => FrameMark.Alike(looks[frame].Whole, known[memory].Whole), Known);
        // A frame that the bank knows may still be the only one of somebody new.
        var unseen = shot.People.Any(person => !Entries.Any(entry => entry.Label.People.Contains(person)));
        if (fresh.Count == 0 && unseen && chosen.Count > 0) fresh = [chosen[0]];
        return new KeyframeBank([.. Entries, .. fresh.Select(i => (shot with { Frame = i }, frames[i]))]).Bounded();
    }

    public KeyframeBank With(BankLabel picture, byte[] rgb) => new([.. Entries, (picture, rgb)]);

    /// <summary>Only what may still be asked for, so that a long film's bank stays small.</summary>
    KeyframeBank Bounded()
    {
        var kept = new HashSet<int>(Enumerable.Range(0, Entries.Count).Where(i => i < Sink || i >= Entries.Count - Window));
        var subjects = Entries.SelectMany(entry => entry.Label.People.Append(entry.Label.Place)).OfType<string>().Distinct();
        foreach (var subject in subjects)
            kept.UnionWith(Entries.Index().Where(at => at.Item.Label.People.Contains(subject) || at.Item.Label.Place == subject)
                .Select(at => at.Index).TakeLast(EachKept));
        return new([.. Entries.Where((_, i) => kept.Contains(i))]);
    }

    /// <summary>
    /// What a shot remembers, oldest first: keyframes of the shots that its plan names (the newest, at most two thirds of the room), then
    /// the sink and the window.
    /// </summary>
    /// <param name="most">Room, at least 1.</param>
    public IReadOnlyList<int> Pick(IReadOnlyCollection<string> pinned, int most)
    {
        var picked = new SortedSet<int>(Entries.Index().Where(at => pinned.Contains(at.Item.Label.Shot)).Select(at => at.Index)
            .TakeLast(Math.Max(1, most * 2 / 3)));
        var sink = Math.Max(1, most * Sink / (Sink + Window));
        foreach (var i in Enumerable.Range(0, Math.Min(sink, Entries.Count)).Concat(Enumerable.Range(0, Entries.Count).Reverse()))
            if (picked.Count < most) picked.Add(i);
        return [.. picked];
    }

    /// <summary>Frames all of one size go into one file, labels into another. An empty bank cannot be written.</summary>
    public void Write(string frames, string labels, int width, int height)
    {
        FramesFile.Write(frames, width, height, Entries.Count, Entries.Select(entry => entry.Rgb));
        File.WriteAllText(labels, JsonSerializer.Serialize(Entries.Select(entry => entry.Label)));
    }

    /// <exception cref="InvalidDataException">The files are broken, or do not belong together.</exception>
    public static KeyframeBank Read(string frames, string labels)
    {
        using var file = FramesFile.Open(frames);
        BankLabel[]? read;
        try { read = JsonSerializer.Deserialize<BankLabel[]>(File.ReadAllText(labels)); }
        catch (JsonException e) { throw new InvalidDataException($"'{labels}' holds no labels of keyframes.", e); }
        if (read?.Length != file.Frames) throw new InvalidDataException($"'{labels}' does not belong to '{frames}'.");
        return new([.. read.Zip(file.Read())]);
    }
}
