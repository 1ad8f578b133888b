// The words of the camera, as they stand in plans, notes and prompts.
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Fabula.Narrative;

[JsonConverter(typeof(PlanWord<ShotSize>))]
public enum ShotSize
{
    [JsonStringEnumMemberName("extreme wide")] ExtremeWide,
    Wide,
    Full,
    Medium,
    Close,
    [JsonStringEnumMemberName("extreme close")] ExtremeClose,
}

[JsonConverter(typeof(PlanWord<CameraAngle>))]
public enum CameraAngle
{
    Eye,
    Low,
    High,
    Overhead,
    /// <summary>From the other side.</summary>
    Reverse,
}

[JsonConverter(typeof(PlanWord<CameraMove>))]
public enum CameraMove
{
    Static,
    [JsonStringEnumMemberName("pan left")] PanLeft,
    [JsonStringEnumMemberName("pan right")] PanRight,
    [JsonStringEnumMemberName("tilt up")] TiltUp,
    [JsonStringEnumMemberName("tilt down")] TiltDown,
    [JsonStringEnumMemberName("push in")] PushIn,
    [JsonStringEnumMemberName("pull out")] PullOut,
    Follow,
}

[JsonConverter(typeof(PlanWord<JoinMethod>))]
public enum JoinMethod
{
    /// <summary>The next picture is simply there.</summary>
    Cut,
    /// <summary>One picture melts into the other.</summary>
    Dissolve,
    /// <summary>Down to black, and up again.</summary>
    Fade,
    /// <summary>The shot goes on from the last frames of the one before.</summary>
    Continue,
    /// <summary>A clip of its own, made from the last frame of one shot to the first frame of the next.</summary>
    Bridge,
}

/// <summary>Who is visible across a join, by sets A (end of the shot before) and B (start of the next).</summary>
[JsonConverter(typeof(PlanWord<JoinKind>))]
public enum JoinKind
{
    /// <summary>A = B, somebody is there.</summary>
    Stay,
    /// <summary>A is part of B.</summary>
    Enter,
    /// <summary>B is part of A.</summary>
    Exit,
    /// <summary>Some come, some go, some stay.</summary>
    Swap,
    /// <summary>All go, others come.</summary>
    Replace,
    /// <summary>Nobody before, nobody after.</summary>
    Empty,
}

[JsonConverter(typeof(PlanWord<ShotMethod>))]
public enum ShotMethod
{
    /// <summary>From the prompt alone.</summary>
    Text,
    /// <summary>From a keyframe made first.</summary>
    Keyframe,
    /// <summary>From the prompt and remembered frames of the shots in its memory list.</summary>
    Memory,
}

/// <summary>How people carry something.</summary>
[JsonConverter(typeof(PlanWord<PropHold>))]
public enum PropHold
{
    /// <summary>It hangs from a hand: a basket.</summary>
    Hand,
    /// <summary>With both hands before the body: a book.</summary>
    Front,
    /// <summary>It stands on a hand that is raised: a balloon.</summary>
    Up,
}

/// <summary>How a film keeps people and places the same.</summary>
[JsonConverter(typeof(PlanWord<FilmMethod>))]
public enum FilmMethod
{
    /// <summary>A bank of keyframes that grows from shot to shot; shots that go on from one another, and cuts.</summary>
    [JsonStringEnumMemberName("storymem")] StoryMem,
    /// <summary>A plate for every place, a keyframe before every shot, bridges in which people walk in and out.</summary>
    [JsonStringEnumMemberName("infinitystory")] InfinityStory,
    /// <summary>Of all earlier shots the few frames that a learned choice finds relevant to the new one.</summary>
    [JsonStringEnumMemberName("onestory")] OneStory,
    /// <summary>The first frames of all shots are told one after another from the script, then each shot goes on from its own.</summary>
    [JsonStringEnumMemberName("moviedreamer")] MovieDreamer,
}

/// <summary>Words in small letters with blanks; numbers in their place are refused.</summary>
public sealed class PlanWord<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase, allowIntegerValues: false) where T : struct,
    Enum;

public static class ShotWords
{
    static readonly Dictionary<string, ShotSize> Sizes = new(StringComparer.OrdinalIgnoreCase)
    {
        ["extreme wide"] = ShotSize.ExtremeWide,
        ["wide"] = ShotSize.Wide,
        ["full"] = ShotSize.Full,
        ["medium"] = ShotSize.Medium,
        ["close"] = ShotSize.Close,
        ["close-up"] = ShotSize.Close,
        ["extreme close"] = ShotSize.ExtremeClose,
    };
    static readonly Dictionary<string, CameraAngle> Angles = new(StringComparer.OrdinalIgnoreCase)
    {
        ["eye"] = CameraAngle.Eye,
        ["low"] = CameraAngle.Low,
        ["high"] = CameraAngle.High,
        ["overhead"] = CameraAngle.Overhead,
        ["reverse"] = CameraAngle.Reverse,
    };
    static readonly Dictionary<string, CameraMove> Moves = new(StringComparer.OrdinalIgnoreCase)
    {
        ["static"] = CameraMove.Static,
        ["pan left"] = CameraMove.PanLeft,
        ["pan right"] = CameraMove.PanRight,
        ["tilt up"] = CameraMove.TiltUp,
        ["tilt down"] = CameraMove.TiltDown,
        ["push in"] = CameraMove.PushIn,
        ["pull out"] = CameraMove.PullOut,
        ["follow"] = CameraMove.Follow,
    };

    public static IReadOnlyList<string> All { get; } = [.. Sizes.Keys, .. Angles.Keys, .. Moves.Keys];

    public static ShotSize? Size(string word) => Sizes.TryGetValue(word, out var size) ? size : null;

    public static CameraAngle? Angle(string word) => Angles.TryGetValue(word, out var angle) ? angle : null;

    public static CameraMove? Move(string word) => Moves.TryGetValue(word, out var move) ? move : null;

    /// <summary>The word for a size: "wide".</summary>
    public static string Of(ShotSize size) => Sizes.First(entry => entry.Value == size).Key;

    public static string Of(CameraMove move) => Moves.First(entry => entry.Value == move).Key;
}
