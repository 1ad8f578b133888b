// How a bank of keyframes chooses. Films are made with the default; the others leave one part out, to measure what it is worth
// (`fabula evaluate memory`), as StoryMem's ablations do.
namespace Fabula.Production;

/// <summary>What a bank takes of a finished shot: what is new in it, or always the one frame.</summary>
public enum BankTakes { New, First, Last }

/// <param name="Sink">How many of the film's first keyframes stay for ever.</param>
/// <param name="Window">How many of the newest follow.</param>
/// <param name="EachKept">Of every person and place this many newest keyframes stay as well.</param>
/// <param name="Gate">Black, white and smeared frames are no keyframes.</param>
/// <param name="Pins">Keyframes of the shots that the plan names come first.</param>
/// <param name="ShowsPeople">Of everybody there is a keyframe that shows them whole, if any frame does.</param>
public sealed record BankRules(int Sink = KeyframeBank.Sink, int Window = KeyframeBank.Window, int EachKept = 2,
    BankTakes Takes = BankTakes.New, bool Gate = true, bool Pins = true, bool ShowsPeople = true)
{
    /// <summary>Those of films.</summary>
    public static readonly BankRules Product = new();

    public static readonly BankRules LastFrame = new(Sink: 0, Window: 1, EachKept: 0, BankTakes.Last, Gate: false, Pins: false);
    public static readonly BankRules WithoutSink = new(Sink: 0);
    public static readonly BankRules FirstFrame = new(Takes: BankTakes.First);
    public static readonly BankRules WithoutGate = new(Gate: false);

    /// <summary>As StoryMem publishes it: sink and window, whoever is in the shot.</summary>
    public static readonly BankRules Published = new(Pins: false, ShowsPeople: false);
    public static readonly BankRules PublishedWithoutSink = new(Sink: 0, Pins: false, ShowsPeople: false);

    /// <summary>How much of a room the sink has.</summary>
    /// <param name="room">At least 1.</param>
    public int SinkIn(int room) => Sink == 0 ? 0 : Math.Max(1, room * Sink / (Sink + Window));
}
