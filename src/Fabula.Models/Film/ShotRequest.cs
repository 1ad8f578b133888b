// What a film asks of a model, in bytes: nothing here knows tensors, so that Production can use it.
namespace Fabula.Models;

/// <summary>A picture [H, W, 3], one byte per channel (red, green, blue), row after row from the top.</summary>
public sealed record Picture(byte[] Rgb, int Width, int Height);

/// <summary>One shot to be rendered.</summary>
public sealed record ShotRequest
{
    public required string Prompt { get; init; }
    public string NegativePrompt { get; init; } = "";
    /// <summary>The text encoder's rows of both prompts, made before (<see cref="FilmModel.Words"/>); null: they are made now.</summary>
    public (byte[] Prompt, byte[] Negative)? Words { get; init; }
    /// <summary>Pixel frames, 4n+1.</summary>
    public required int Frames { get; init; }
    /// <summary>Pixels; both sides multiples of <see cref="FilmFacts.SideMultiple"/>.</summary>
    public required int Width { get; init; }
    public required int Height { get; init; }
    public required ulong Seed { get; init; }
    /// <summary>1..1000.</summary>
    public required int Steps { get; init; }
    /// <summary>How strongly the prompt is followed; 1 spends no second pass on the negative prompt.</summary>
    public required double Guidance { get; init; }
    public required double Shift { get; init; }
    /// <summary>The first and the last frame, where they are given; another size is scaled to cover and cut.</summary>
    public Picture? First { get; init; }
    public Picture? Last { get; init; }
    /// <summary>
    /// Of a shot that goes on from another one's last frame: the first frame of all. A model that looks at its first frame (CLIP) looks at
    /// this one instead, so that a chain of shots does not drift [MovieDreamer, section 3.5].
    /// </summary>
    public Picture? Anchor { get; init; }
    /// <summary>In place of <see cref="First"/>: the first frames, as many as <see cref="FilmFacts.MotionFrames"/>.</summary>
    public IReadOnlyList<Picture> Motion { get; init; } = [];
    /// <summary>
    /// What the frames will be like, one picture for all or one for each: the empty place behind the people, or a collage of both. A
    /// single one is without effect where a first frame is given.
    /// </summary>
    public IReadOnlyList<Picture> Drafts { get; init; } = [];
    /// <summary>With drafts: where people stand in each frame, in the order of the words; nothing where that is not known.</summary>
    public IReadOnlyList<IReadOnlyList<StageBox>> Staging { get; init; } = [];
    /// <summary>
    /// Added to what the model says, before the sigmoid, of how much of a draft is kept; 0 where the drafts lack somebody who is to be
    /// there.
    /// </summary>
    public double DraftTrust { get; init; }
    /// <summary>Remembered pictures, oldest first; each costs one latent frame.</summary>
    public IReadOnlyList<Picture> Memory { get; init; } = [];
    /// <summary>Temporal distance of remembered pictures (<see cref="Conditioning.Positions"/>).</summary>
    public double MemoryStride { get; init; } = 5;
    /// <summary>OneStory: the file of what <see cref="FilmModel.Recall"/> has chosen for this shot; null: it recalls nothing.</summary>
    public string? Recalled { get; init; }
    /// <summary>How strongly memory is followed, against the same shot without it; 1 spends no further pass.</summary>
    public double MemoryGuidance { get; init; } = 1;
}

/// <summary>Where a render keeps what it would go on from, and how it says how far it is.</summary>
/// <param name="Folder">For files in the making; it outlives a stop.</param>
/// <param name="Load">The bytes last saved under a name, if they are whole.</param>
/// <param name="Save">Keeps bytes under a name in one piece.</param>
/// <param name="Report">Steps done, steps in all.</param>
public sealed record RenderKeeping(string Folder, Func<string, byte[]?> Load, Action<string, byte[]> Save, Action<int, int> Report);

/// <summary>What a model can be asked for.</summary>
[Flags]
public enum FilmModes
{
    None = 0,
    /// <summary>A shot from words alone.</summary>
    Text = 1,
    /// <summary>A shot that begins with a given frame.</summary>
    First = 2,
    /// <summary>A shot that ends with a given frame (with <see cref="First"/>).</summary>
    Last = 4,
    /// <summary>A shot that remembers pictures.</summary>
    Memory = 8,
    /// <summary>A shot before a given empty place.</summary>
    Background = 16,
    /// <summary>A shot that recalls frames of all earlier ones (OneStory).</summary>
    Story = 32,
    /// <summary>Keyframes of a whole film, told one after another from its script (<see cref="KeyframeModel"/>).</summary>
    Keyframes = 64,
}
