// How a model wants to be used for films. A model folder may say so in film.json; what it leaves out follows from the kind of model.
using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models;

/// <param name="Name">For people.</param>
/// <param name="Modes">What it can be asked for.</param>
/// <param name="SideMultiple">Both sides of a picture are multiples of this many pixels.</param>
/// <param name="Steps">Denoising steps, unless asked for otherwise.</param>
public sealed record FilmFacts(string Name, FilmModes Modes, int SideMultiple, int Steps, double Shift, double Guidance)
{
    public const string FileName = "film.json";

    /// <summary>Size, rate and longest shot that it was taught with; null: whatever the plan says.</summary>
    public int? Width { get; init; }
    public int? Height { get; init; }
    public int? Rate { get; init; }
    /// <summary>Most frames of one pass; a longer shot is made in parts that go on from one another.</summary>
    public int Frames { get; init; } = 81;
    /// <summary>Most remembered pictures at once.</summary>
    public int MostMemory { get; init; } = 10;
    public double MemoryStride { get; init; } = 5;
    public double MemoryGuidance { get; init; } = 1;
    /// <summary>A shot that goes on from another is given so many of its last frames (StoryMem's MM2V: 5); 0: the last frame.</summary>
    public int MotionFrames { get; init; }
    /// <summary>
    /// How much more of a collage is kept than the model would: what a tiny model cannot know, such as which leg is in front, it paints as
    /// the mean of all that may be, and a collage is sharp. See <see cref="ShotRequest.DraftTrust"/>.
    /// </summary>
    public double DraftTrust { get; init; }
    /// <summary>Portraits and plates are drawn first where the bible brings none, for shots whose method is 'keyframe'.</summary>
    public bool DrawsPortraits { get; init; }
    /// <summary>Adapters that are merged into the weights, in this order.</summary>
    public IReadOnlyList<FilmLora> Loras { get; init; } = [];

    /// <summary>Facts of a model folder.</summary>
    /// <exception cref="CheckpointException">film.json is broken.</exception>
    public static FilmFacts Of(ModelFolder folder)
    {
        var config = folder.Config;
        var stride = ReferenceConfig.Vae(folder.Vae.Config!.Value).SpatialStride;
        var modes = (config.Kind, config.ClipDim > 0) switch
        {
            ("t2v", _) => FilmModes.Text,
            ("ti2v", _) => FilmModes.Text | FilmModes.First,
            ("i2v", true) => FilmModes.First,
            ("flf2v", true) => FilmModes.First | FilmModes.Last,
            _ => FilmModes.Text | FilmModes.First | FilmModes.Last | FilmModes.Memory,
        };
        if (config.TakesDrafts) modes |= FilmModes.Background;
        if (StoryFolder.Of(folder) is { Problem: null }) modes |= FilmModes.Story;
        if (KeyframeModel.IsIn(folder.Root)) modes |= FilmModes.Keyframes;
        var defaults = folder.Defaults;
        var facts = new FilmFacts(folder.Name, modes, stride * Math.Max(config.Patch.H, config.Patch.W), defaults.Steps, defaults.Shift,
            defaults.Guidance)
        { Frames = defaults.Frames };
        var path = Path.Combine(folder.Root, FileName);
        return File.Exists(path) ? Override(facts, path, folder.Transformers.Count) : facts;
    }

    static FilmFacts Override(FilmFacts facts, string path, int experts)
    {
        using var json = SmallJson.Read(path);
        if (json.RootElement.ValueKind != JsonValueKind.Object) throw new CheckpointException(path, null, "is no JSON object");
        var fields = new Fields(json.RootElement, path);
        bool Has(string name) => json.RootElement.TryGetProperty(name, out _);
        int? Side(string name) => Has(name) ? fields.Whole(name, 16, 8192) : null;
        var made = facts with
        {
            Name = fields.Text("name", facts.Name),
            Width = Side("width"),
            Height = Side("height"),
            Rate = Has("rate") ? fields.Whole("rate", 1, 99) : null,
            Frames = fields.Whole("frames", 5, 1025, facts.Frames),
            Steps = fields.Whole("steps", 1, 1000, facts.Steps),
            Shift = fields.Number("shift", 0, 100, facts.Shift),
            Guidance = fields.Number("guidance", 0, 100, facts.Guidance),
            MostMemory = fields.Whole("most_memory", 0, 64, facts.MostMemory),
            MemoryStride = fields.Number("memory_stride", 0, 1000, facts.MemoryStride),
            MemoryGuidance = fields.Number("memory_guidance", 0, 100, facts.MemoryGuidance),
            MotionFrames = fields.Whole("motion_frames", 0, 33, facts.MotionFrames),
            DraftTrust = fields.Number("draft_trust", -20, 20, facts.DraftTrust),
            DrawsPortraits = fields.Flag("draws_portraits", facts.DrawsPortraits),
            Loras = FilmLora.Read(json.RootElement, path, experts),
        };
        if (made.Frames % 4 != 1) throw new CheckpointException(path, null, $"has 'frames' {made.Frames}, which is not 4n+1");
        if (made.MotionFrames > 0 && (made.MotionFrames % 4 != 1 || made.MotionFrames >= made.Frames
            || !made.Modes.HasFlag(FilmModes.Memory) || made.Modes.HasFlag(FilmModes.Background)))
            throw new CheckpointException(path, null, $"has 'motion_frames' {made.MotionFrames}: they are 0, or 4n+1 and fewer than "
                + "'frames' where the model remembers and takes no drafts");
        if (made.Width % made.SideMultiple is > 0 || made.Height % made.SideMultiple is > 0 || made.Width is null != made.Height is null)
            throw new CheckpointException(path, null, $"needs 'width' and 'height' as multiples of {made.SideMultiple}");
        return made;
    }
}
