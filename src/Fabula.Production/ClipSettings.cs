// What goes into the key of a clip beside its inputs, and nothing else.
using System.Text.Json.Serialization;
using Fabula.Build;
using Fabula.Models;

namespace Fabula.Production;

/// <param name="Renderer">The model and how it computes.</param>
/// <param name="Part">Most frames of one pass.</param>
/// <param name="Memory">How many pictures of each remembered input are taken, in the inputs' order.</param>
/// <param name="Zoom">With a background: how many times nearer the camera is than the background's (<see cref="PlateView"/>).</param>
/// <param name="Staging">With a background: people's ways on it (<see cref="Production.Staging"/>).</param>
/// <param name="Motion">How many of the last frames of the clip before it begins with; 0: the last one, or none.</param>
/// <param name="DraftTrust">With a background and a picture of everybody: see <see cref="ShotRequest.DraftTrust"/>.</param>
/// <param name="Cast">With a bank: who the ways of <paramref name="Staging"/> are, where somebody has no picture.</param>
/// <param name="Props">With a background: what people carry, of which there are pictures.</param>
/// <param name="Light">With a background: the hour in whose light people stand, where it is not day; and whether inside.</param>
/// <param name="Anchor">Of a clip of several parts: its first frame stays in view in all of them (<see cref="ShotRequest.Anchor"/>), and
/// among the remembered pictures where the model remembers.</param>
/// <param name="BankRoom">With a bank: how many of its keyframes are taken, and <paramref name="Pinned"/> of which shots first.</param>
public sealed record ClipSettings(string Renderer, string Prompt, string Negative, int Width, int Height, int Frames, int Part, ulong Seed,
    int Steps, double Shift, double Guidance, double MemoryStride, double MemoryGuidance, IReadOnlyList<int> Memory,
    double Zoom = 1, int BankRoom = 0, IReadOnlyList<string>? Pinned = null, IReadOnlyList<StageWay>? Staging = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int Motion = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] double DraftTrust = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? Cast = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<HeldProp>? Props = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] FigureLight? Light = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Anchor = false)
{
    public Settings Canonical() => Settings.Of(this);

    public static ClipSettings Of(Step step) => step.Settings.Read<ClipSettings>();

    /// <summary>Frames that a part repeats of the one before it, or the first part of the clip before.</summary>
    public int Repeated => Math.Max(1, Motion);

    /// <summary>
    /// Parts that make the clip: (frames of the pass, seed). All but the first repeat frames, which are left out. With motion the first
    /// one does, too, and all but one of these are left out: so there are more to be made, but not in a pass of their own.
    /// </summary>
    public IReadOnlyList<(int Frames, ulong Seed)> Parts()
    {
        var frames = Motion > 0 && Frames <= Part ? Math.Min(Frames + Motion - 1, Part) : Frames + Repeated - 1;
        var parts = new List<(int, ulong)> { (Math.Min(frames, Part), Seed) };
        for (var made = parts[0].Item1; made < frames; made += parts[^1].Item1 - Repeated)
            parts.Add((Math.Min(frames - made + Repeated, Part), Seed + (ulong)parts.Count * 1_000_003));
        return parts;
    }

    /// <summary>Most remembered pictures.</summary>
    public int Remembered => Memory.Sum() + BankRoom + (Anchor ? 1 : 0);

    /// <summary>What rendering costs, in pixels times steps.</summary>
    public double Work() => (double)Width * Height * Frames * Steps;

    public ShotRequest Request(int frames, ulong seed) => new()
    {
        Prompt = Prompt,
        NegativePrompt = Negative,
        Width = Width,
        Height = Height,
        Frames = frames,
        Seed = seed,
        Steps = Steps,
        Shift = Shift,
        Guidance = Guidance,
        MemoryStride = MemoryStride,
        MemoryGuidance = MemoryGuidance,
    };
}

/// <summary>What light falls on people.</summary>
public sealed record FigureLight(DayTime Time, bool Inside)
{
    /// <summary>A part of what falls on the place, or nobody would know their faces and clothes by night.</summary>
    const double Share = 0.25;

    public CutOut On(CutOut figure) => figure.Lit(picture => DayLight.Figure(picture, Time, Inside, Share));
}

/// <summary>What goes into the key of a place at another hour, or seen from its other side.</summary>
/// <param name="From">The hour of the picture.</param>
public sealed record LightSettings(DayTime From, DayTime To, bool Inside, bool Mirrored);

/// <summary>What goes into the key of a prompt's rows of text.</summary>
/// <param name="Renderer">The model and how it computes.</param>
public sealed record WordsSettings(string Renderer, string Prompt);

/// <summary>What goes into the key of a choice among earlier shots.</summary>
/// <param name="Shots">Those that it chooses among, oldest first.</param>
public sealed record RecallSettings(string Renderer, string Prompt, IReadOnlyList<string> Shots);

/// <summary>What goes into the key of a bank of keyframes: its size, and a label for each picture and the clip that are added.</summary>
/// <param name="Eyes">The digest of what looks at frames; no word of it where that needs no weights.</param>
/// <param name="Ways">People's ways in the clip, where they are known.</param>
public sealed record BankSettings(int Width, int Height, IReadOnlyList<BankLabel> Labels,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Eyes = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, StageWay>? Ways = null)
{
    /// <summary>Per frame where people are.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, StageBox>>? Staging(int frames) => Ways is null ? null :
        [.. Enumerable.Range(0, frames).Select(frame => Ways.ToDictionary(way => way.Key,
            way => way.Value.At((double)frame / Math.Max(1, frames - 1))))];
}
