// The files that people open, from the clips of a finished film: docs/delivery.md says what each of them is. Everything is made in a hidden
// folder inside the target and moved to its place, name by name, when all of it is whole.
using System.Runtime.ExceptionServices;
using System.Text;
using Fabula.Build;
using Fabula.Narrative;
using Fabula.Narrative.Edit;
using Fabula.Narrative.Fountain;

namespace Fabula.Production.Delivery;

/// <summary>A finished clip: a shot, or a bridge under its transition's id.</summary>
/// <param name="FramesFile">For <see cref="Production.FramesFile"/>.</param>
/// <param name="DropFirst">Frames at its start that repeat the clip before: 1 where it goes on from it, else 0.</param>
/// <param name="MemoryFrom">The shots that it remembers.</param>
/// <param name="Digest">SHA-256 of the frames file.</param>
public sealed record ShotClip(string ShotId, string FramesFile, int Width, int Height, int Frames, double FramesPerSecond, int DropFirst,
    ulong Seed, string Prompt, IReadOnlyList<string> MemoryFrom, string Digest)
{
    /// <summary>OneStory: which frames of these, the most relevant first.</summary>
    public IReadOnlyList<RecalledFrames> Recalled { get; init; } = [];
}

/// <param name="Digest">Of weights and way of computing.</param>
/// <param name="Version">Of Fabula.</param>
public sealed record ModelFacts(string Name, string Digest, int Steps, double Guidance, string Version);

/// <param name="Width">The film's least width in pixels; its height follows.</param>
/// <param name="Rate">Its frames in a second; a model that makes more keeps its own rate.</param>
/// <param name="BurnIn">Also writes film-subtitled.mp4, with the dialogue in the picture.</param>
/// <param name="SteadyColour">Takes a model's drift back where a clip goes on from another.</param>
/// <param name="Ffmpeg">The program's name or path.</param>
public sealed record DeliveryOptions(int Width = 1280, int Rate = 24, bool BurnIn = false, bool SteadyColour = true,
    string Ffmpeg = "ffmpeg");

/// <param name="Files">What was written, with / between names.</param>
/// <param name="Joins">The colour at the joins, as it was measured.</param>
/// <param name="Notes">What could not be written, in sentences.</param>
public sealed record Delivered(IReadOnlyList<string> Files, IReadOnlyList<JoinColour> Joins, IReadOnlyList<string> Notes);

public static class FilmDelivery
{
    const string Film = "film.mp4", Subtitled = "film-subtitled.mp4", Srt = "film.srt", Vtt = "film.vtt", Work = ".delivery";

    /// <summary>Clips are in the film's order.</summary>
    public sealed record Input(FilmPlan Plan, IReadOnlyList<ShotClip> Clips, ModelFacts Model, Bible Bible, Screenplay? Screenplay);

    /// <summary>Writes the film's files into a folder; files of these names that are there are replaced when all are whole.</summary>
    /// <exception cref="DeliveryException">There is no film in the clips, or ffmpeg failed.</exception>
    /// <exception cref="NarrativeException">A clip is missing, or too short for its joins.</exception>
    public static Delivered Write(Input input, string outFolder, CancellationToken stop, DeliveryOptions? options = null)
    {
        options ??= new();
        var (shape, names) = (Shape(input, options), FileNames(input.Clips));
        var timeline = Timeline(input, shape, names);
        var work = Path.Combine(Path.GetFullPath(outFolder), Work);
        if (Directory.Exists(work)) Directory.Delete(work, recursive: true);
        Directory.CreateDirectory(Path.Combine(work, "clips"));
        try
        {
            var (joins, shifts) = SteadyColour.Measure(input.Clips, SamePlace(input.Plan), options.SteadyColour, stop);
            var notes = Documents(timeline, work);
            Pictures(input, options, shape, timeline, names, shifts, work, stop);
            Text(work, "storyboard.html", Storyboard.Page(input, timeline, Stills.Of(input, options, work, stop),
                Stills.Recalled(input, options, work, stop), notes));
            var digests = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var file in Files(work)) digests.Add(file, Artifact.OfFile(Path.Combine(work, file)).Digest.ToString());
            Text(work, "provenance.json", Provenance.Write(input, timeline, names, joins, digests, notes));
            return new(Publish(work, outFolder), joins, notes);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    static VideoShape Shape(Input input, DeliveryOptions options)
    {
        if (input.Clips.Count == 0) throw new DeliveryException("There is no clip to make a film from. Render a shot first.");
        var first = input.Clips[0];
        foreach (var clip in input.Clips)
            if ((clip.Width, clip.Height) != (first.Width, first.Height))
                throw new DeliveryException($"The clip of '{clip.ShotId}' is {clip.Width} x {clip.Height}, and that of '{first.ShotId}' "
                    + $"{first.Width} x {first.Height}. Render all shots with one model and one size.");
            else if (clip.Frames < 1 || clip.FramesPerSecond is not (>= 1 and <= 240) || clip.DropFirst < 0)
                throw new DeliveryException($"The clip of '{clip.ShotId}' has {clip.Frames} frames at {clip.FramesPerSecond} in a second, "
                    + "which cannot be. Render it again.");
        var rate = Retiming.Rate(options.Rate, input.Clips.Max(clip => clip.FramesPerSecond));
        return VideoShape.Of(first.Width, first.Height, options.Width, rate);
    }

    static Timeline Timeline(Input input, VideoShape shape, Dictionary<string, string> names) =>
        Narrative.Edit.Timeline.From(Retiming.Plan(input.Plan, shape.Rate, shape.Width, shape.Height),
            input.Clips.ToDictionary(clip => clip.ShotId, clip => new ClipFile(names[clip.ShotId], At(clip, clip.Frames, shape.Rate),
                At(clip, clip.DropFirst, shape.Rate))));

    static int At(ShotClip clip, int frame, int rate) => Retiming.Delivered(frame, clip.FramesPerSecond, rate);

    /// <summary>clips/ID.mp4. Ids are small words (<see cref="PlanIds"/>); whatever else a plan may hold cannot leave the folder.</summary>
    static Dictionary<string, string> FileNames(IReadOnlyList<ShotClip> clips)
    {
        var (names, taken) = (new Dictionary<string, string>(), new HashSet<string>());
        foreach (var clip in clips)
        {
            if (!names.TryAdd(clip.ShotId, $"clips/{PlanIds.Unique(FileName(clip.ShotId), taken)}.mp4"))
                throw new DeliveryException($"There are two clips of '{clip.ShotId}'. Give the shots different ids.");
        }
        return names;
    }

    internal static string FileName(string id)
    {
        var letters = id.Length > 140 ? id[..140] : id;
        var safe = new string([.. letters.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? c : '-')]);
        safe = safe.Trim('-', '_');
        return safe.Length == 0 ? "clip" : safe;
    }

    static Func<string, string, bool> SamePlace(FilmPlan plan)
    {
        var places = plan.Scenes.ToDictionary(scene => scene.Id, scene => scene.Location);
        var shots = plan.Shots.ToDictionary(shot => shot.Id, shot => places.GetValueOrDefault(shot.Scene));
        var bridges = plan.Transitions.ToDictionary(join => join.Id, join => (join.From, join.To));
        // A bridge is in the places that it joins: it comes from one and goes to the other.
        return (from, to) => Place(from, first: false) is { } place && place == Place(to, first: true);

        string? Place(string id, bool first) => shots.TryGetValue(id, out var place) ? place
            : bridges.TryGetValue(id, out var join) ? shots.GetValueOrDefault(first ? join.From : join.To) : null;
    }

    /// <summary>Timeline and subtitles; returns what could not be written.</summary>
    static List<string> Documents(Timeline timeline, string work)
    {
        var notes = new List<string>();
        Text(work, Srt, SubtitleText.Srt(timeline));
        Text(work, Vtt, SubtitleText.WebVtt(timeline));
        Text(work, "film.otio", Otio.Write(timeline));
        Text(work, "film.fcpxml", FcpXml.Write(timeline));
        // The oldest form has limits that a film may pass: 999 events, dissolves of 255 frames.
        try { Text(work, "film.edl", Edl.Write(timeline)); }
        catch (NarrativeException e) { notes.Add($"film.edl was not written. {e.Message}"); }
        return notes;
    }

    static void Pictures(Input input, DeliveryOptions options, VideoShape shape, Timeline timeline, Dictionary<string, string> names,
        IReadOnlyDictionary<string, ColourShift> shifts, string work, CancellationToken stop)
    {
        var clips = input.Clips.ToDictionary(clip => clip.ShotId);
        var (tool, model) = ($"Fabula {input.Model.Version}", input.Model.Name);
        // The film takes longest and begins first. Each file comes of one thread, so their number changes no byte.
        Together([
            () => VideoFile.Write(options.Ffmpeg, work, Film, shape,
                FilmFrames.Of(timeline, id => new(clips[id], shifts.GetValueOrDefault(id), shape.Rate)), stop),
            .. input.Clips.Select(clip => (Action)(() => VideoFile.Write(options.Ffmpeg, work, names[clip.ShotId], shape,
                ClipFrames.All(clip, shifts.GetValueOrDefault(clip.ShotId), shape.Rate), stop))),
        ]);
        if (options.BurnIn && timeline.Subtitles.Count > 0) VideoFile.BurnIn(options.Ffmpeg, work, Film, Srt, Subtitled, stop);
        foreach (var file in Files(work).Where(file => file.EndsWith(".mp4", StringComparison.Ordinal)))
            Xmp.Append(Path.Combine(work, file), Xmp.Packet(timeline.Title, tool, model));
    }

    /// <summary>As many at a time as there are cores; the first failure is the failure.</summary>
    static void Together(IReadOnlyList<Action> works)
    {
        var next = -1;
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount };
        try { Parallel.For(0, works.Count, options, _ => works[Interlocked.Increment(ref next)]()); }
        catch (AggregateException e) { ExceptionDispatchInfo.Throw(e.InnerExceptions[0]); }
    }

    static void Text(string folder, string name, string text)
    {
        using var file = new FileStream(Path.Combine(folder, name), FileMode.Create, FileAccess.Write, FileShare.None);
        file.Write(new UTF8Encoding(false).GetBytes(text));
        file.Flush(flushToDisk: true);
    }

    static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/')).Order(StringComparer.Ordinal);

    static List<string> Publish(string work, string outFolder)
    {
        var files = Files(work).ToList();
        Directory.CreateDirectory(Path.Combine(outFolder, "clips"));
        foreach (var file in files) File.Move(Path.Combine(work, file), Path.Combine(outFolder, file), overwrite: true);
        return files;
    }
}
