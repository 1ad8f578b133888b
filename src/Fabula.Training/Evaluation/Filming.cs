// One shot for a measurement, asked of a renderer as a film asks it: sizes, steps and guidance are the model's own.
using Fabula.Models;
using Fabula.Production;

namespace Fabula.Training.Evaluation;

/// <param name="renderer">Makes clips of the theatre's size. It stays the caller's.</param>
public sealed class Filming(IRenderer renderer) : IDisposable
{
    public const int Width = JudgeConfig.Width, Height = JudgeConfig.Height;
    readonly string _work = Directory.CreateTempSubdirectory("fabula-filming").FullName;

    public IRenderer Renderer => renderer;
    public FilmFacts Facts => renderer.Facts;

    /// <summary>How many pictures a shot can remember.</summary>
    public int Room => Facts.Modes.HasFlag(FilmModes.Memory) ? Facts.MostMemory : 0;

    /// <param name="frames">4n+1.</param>
    /// <param name="memory">Remembered pictures, oldest first; what the model has no room for is left out, the newest first.</param>
    /// <param name="drafts">One picture for all frames or one for each, and with them where people stand.</param>
    /// <param name="trusted">Everybody who is to be there is in the drafts (<see cref="ShotRequest.DraftTrust"/>).</param>
    /// <returns>Frames, each [H, W, 3].</returns>
    public IReadOnlyList<byte[]> Shot(string prompt, ulong seed, int frames = 17, IReadOnlyList<byte[]>? memory = null,
        byte[]? first = null, byte[]? last = null, IReadOnlyList<Picture>? drafts = null,
        IReadOnlyList<IReadOnlyList<StageBox>>? staging = null, bool trusted = false) => renderer.Render(new ShotRequest
        {
            Prompt = prompt,
            Frames = frames,
            Width = Width,
            Height = Height,
            Seed = seed,
            Steps = Facts.Steps,
            Guidance = Facts.Guidance,
            Shift = Facts.Shift,
            First = first is null ? null : Of(first),
            Last = last is null ? null : Of(last),
            Drafts = drafts ?? [],
            Staging = staging ?? [],
            DraftTrust = trusted ? Facts.DraftTrust : 0,
            Memory = [.. (memory ?? []).Take(Room).Select(Of)],
            MemoryStride = Facts.MemoryStride,
            MemoryGuidance = memory is { Count: > 0 } ? Facts.MemoryGuidance : 1,
        }, new RenderKeeping(_work, _ => null, (_, _) => { }, (_, _) => { }), CancellationToken.None);

    public static Picture Of(byte[] rgb) => new(rgb, Width, Height);

    public void Dispose() => Directory.Delete(_work, recursive: true);
}
