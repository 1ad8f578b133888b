// What a film is put together from, and the files that people open.
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
    ulong Seed, string Prompt, IReadOnlyList<string> MemoryFrom, string Digest);

/// <param name="Digest">Of weights and way of computing.</param>
/// <param name="Version">Of Fabula.</param>
public sealed record ModelFacts(string Name, string Digest, int Steps, double Guidance, string Version);

public static class FilmDelivery
{
    /// <summary>Clips are in the film's order.</summary>
    public sealed record Input(FilmPlan Plan, IReadOnlyList<ShotClip> Clips, ModelFacts Model, Bible Bible, Screenplay? Screenplay);

    /// <summary>Writes the film's files into an empty folder.</summary>
    public static void Write(Input input, string outFolder, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var clips = input.Clips.ToDictionary(clip => clip.ShotId, clip => new ClipFile($"clips/{clip.ShotId}.mp4", clip.Frames));
        var timeline = Timeline.From(input.Plan, clips);
        File.WriteAllText(Path.Combine(outFolder, "film.otio"), Otio.Write(timeline));
        File.WriteAllText(Path.Combine(outFolder, "film.edl"), Edl.Write(timeline));
    }
}
