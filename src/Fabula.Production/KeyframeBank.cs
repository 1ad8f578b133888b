// StoryMem's memory: keyframes of the shots before this one, each with a label of who and what it shows. A shot's bank is the bank before
// it and what its own clip adds, so that no shot can see a later one, whatever lies on the disk.
//
// Paper: "StoryMem: Multi-shot Long Video Storytelling with Memory" (2025), section 3.2: at most three keyframes a shot, chosen by how
// alike frames are, a quality gate, no keyframe twice; the first frames stay (sink), the newest follow (window).
using System.Text.Json;
using System.Text.Json.Serialization;
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production;

/// <param name="Shot">The shot, or the step of a reference picture, such as portrait/ada.</param>
/// <param name="Frame">Which frame of it.</param>
/// <param name="People">Who is visible in the shot.</param>
/// <param name="Boxes">Where they are in the frame, where that is known.</param>
public sealed record BankLabel(string Shot, int Frame, IReadOnlyList<string> People, string? Place,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, StageBox>? Boxes = null)
{
    static readonly Dictionary<string, StageBox> Nobody = [];

    /// <summary>The keyframe with this label, as drafts are made of it.</summary>
    public SeenFrame Seen(Picture frame) => new(frame, Boxes ?? Nobody, Place);
}

/// <summary>Frames, oldest first, and their labels.</summary>
public sealed record KeyframeBank(IReadOnlyList<(BankLabel Label, byte[] Rgb)> Entries)
{
    /// <summary>The first keyframes of the film, which stay for ever, and the newest.</summary>
    public const int Sink = 3, Window = 7, Capacity = Sink + Window;
    const double Known = 0.9;

    public static readonly KeyframeBank Empty = new([]);

    /// <summary>The bank after a shot.</summary>
    /// <param name="frames">The clip's, each [H, W, 3].</param>
    /// <param name="eyes">What compares and judges frames; <see cref="PlainEyes"/> unless given.</param>
    /// <param name="rules">Those of films unless given.</param>
    /// <param name="staging">Per frame where its people are, where that is known.</param>
    public KeyframeBank With(BankLabel shot, IReadOnlyList<byte[]> frames, int width, int height, IFrameEyes? eyes = null,
        BankRules? rules = null, IReadOnlyList<IReadOnlyDictionary<string, StageBox>>? staging = null)
    {
        (eyes, rules) = (eyes ?? new PlainEyes(), rules ?? BankRules.Product);
        (BankLabel, byte[]) Keyframe(int i) => (shot with { Frame = i, Boxes = staging?[i] }, frames[i]);
        if (rules.Takes != BankTakes.New)
            return new KeyframeBank([.. Entries, Keyframe(rules.Takes == BankTakes.First ? 0 : frames.Count - 1)]).Bounded(rules);
        var looks = eyes.See(frames, width, height);
        var chosen = KeyframeSelection.Choose(frames.Count, (i, j) => FrameMark.Alike(looks[i].Feature, looks[j].Feature),
            i => !rules.Gate || looks[i].IsGood ? 1 : 0, new KeyframeRules { MinQuality = 1 }).Indices;
        // The bank must know somebody at last, however bad the picture.
        if (chosen.Count == 0 && Entries.Count == 0) chosen = [0];
        var known = eyes.See([.. Entries.Select(entry => entry.Rgb)], width, height);
        var fresh = KeyframeSelection.WithoutKnown(chosen, known.Count,
            (frame, memory) => FrameMark.Alike(looks[frame].Whole, known[memory].Whole), Known);
        // A frame that the bank knows may still be the only one of somebody new.
        var unseen = shot.People.Any(person => !Entries.Any(entry => entry.Label.People.Contains(person)));
        if (fresh.Count == 0 && unseen && chosen.Count > 0) fresh = [chosen[0]];
        if (rules.ShowsPeople && staging is not null) fresh = [.. fresh.Union(Missing(shot.People, fresh, staging)).Order()];
        return new KeyframeBank([.. Entries, .. fresh.Select(Keyframe)]).Bounded(rules);
    }

    /// <summary>Of everybody whom no chosen frame shows whole, the middle one of the frames that do, if the bank has none either.</summary>
    IEnumerable<int> Missing(IEnumerable<string> people, IReadOnlyList<int> chosen,
        IReadOnlyList<IReadOnlyDictionary<string, StageBox>> staging)
    {
        static bool Shows(IReadOnlyDictionary<string, StageBox>? boxes, string id) =>
            boxes?.GetValueOrDefault(id) is { } box && box != default && box is { Left: >= -0.02, Right: <= 1.02, Top: >= -0.02 };
        foreach (var id in people)
        {
            var whole = Enumerable.Range(0, staging.Count).Where(i => Shows(staging[i], id)).ToList();
            if (whole.Count > 0 && !whole.Intersect(chosen).Any() && !Entries.Any(entry => Shows(entry.Label.Boxes, id)))
                yield return whole[whole.Count / 2];
        }
    }

    public KeyframeBank With(BankLabel picture, byte[] rgb) => new([.. Entries, (picture, rgb)]);

    /// <summary>Only what may still be asked for, so that a long film's bank stays small.</summary>
    KeyframeBank Bounded(BankRules rules)
    {
        var kept = new HashSet<int>(Enumerable.Range(0, Entries.Count).Where(i => i < rules.Sink || i >= Entries.Count - rules.Window));
        var subjects = Entries.SelectMany(entry => entry.Label.People.Append(entry.Label.Place)).OfType<string>().Distinct();
        foreach (var subject in subjects)
            kept.UnionWith(Entries.Index().Where(at => at.Item.Label.People.Contains(subject) || at.Item.Label.Place == subject)
                .Select(at => at.Index).TakeLast(rules.EachKept));
        return new([.. Entries.Where((_, i) => kept.Contains(i))]);
    }

    /// <summary>
    /// Which of the shots that a plan names for a shot's memory come first: the latest with each of its people, the latest in its place,
    /// then the others, the newest first.
    /// </summary>
    public static IReadOnlyList<string> Pins(PlanShot shot, IReadOnlyDictionary<string, PlanShot> shots,
        IReadOnlyDictionary<string, string> placeOfScene)
    {
        var named = shot.Memory.Reverse().Select(id => shots[id]).ToList();
        var people = shot.Start.Union(shot.End).Select(id => named.FirstOrDefault(other => other.Start.Union(other.End).Contains(id)));
        var place = named.FirstOrDefault(other => placeOfScene[other.Scene] == placeOfScene[shot.Scene]);
        return [.. people.Append(place).Concat(named).OfType<PlanShot>().Select(other => other.Id).Distinct()];
    }

    /// <summary>
    /// What a shot remembers, oldest first: of each shot that it names a keyframe, the newest, and then further ones, at most two thirds of
    /// the room; then the sink and the window.
    /// </summary>
    /// <param name="pinned">Shots, the most important first (<see cref="Pins"/>).</param>
    /// <param name="most">Room, at least 1.</param>
    public IReadOnlyList<int> Pick(IReadOnlyCollection<string> pinned, int most, BankRules? rules = null)
    {
        rules ??= BankRules.Product;
        var picked = new SortedSet<int>();
        var named = (rules.Pins ? pinned : []).Select(shot => new Queue<int>(Entries.Index().Where(at => at.Item.Label.Shot == shot)
            .Select(at => at.Index).Reverse())).ToList();
        var room = Math.Min(Math.Max(1, most * 2 / 3), named.Sum(keyframes => keyframes.Count));
        for (var i = 0; picked.Count < room; i++)
            if (named[i % named.Count].TryDequeue(out var keyframe)) picked.Add(keyframe);
        var others = Enumerable.Range(0, Math.Min(rules.SinkIn(most), Entries.Count)).Concat(Enumerable.Range(0, Entries.Count).Reverse());
        foreach (var i in others)
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
