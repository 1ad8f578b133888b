// Where people are in a shot, as shares of the frame's width and height.
using System.Text.Json.Serialization;

namespace Fabula.Models;

/// <summary>
/// Somebody who stands, from the hair to the ground under the feet: also what the frame cuts off, so that a box may go beyond 0..1. Empty
/// for somebody who is not there.
/// </summary>
/// <param name="Tilt">How far somebody leans to the right while walking, in radians.</param>
/// <param name="Stride">How far each leg is from straight down while walking, in radians: apart, or below 0 past one another.</param>
/// <param name="Faded">How much of somebody is not there yet, or no more: 0 to 1.</param>
public readonly record struct StageBox(double Left, double Top, double Right, double Bottom, double Tilt = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] double Stride = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] double Faded = 0)
{
    public double Width => Right - Left;
    public double Height => Bottom - Top;

    public static StageBox Between(StageBox a, StageBox b, double share) => new(a.Left + (b.Left - a.Left) * share,
        a.Top + (b.Top - a.Top) * share, a.Right + (b.Right - a.Right) * share, a.Bottom + (b.Bottom - a.Bottom) * share);
}

/// <summary>What a paper puppet can do.</summary>
public enum StageAct
{
    Stand,
    /// <summary>From one side to the other, as who talks or waves.</summary>
    Sway,
    Hop,
    /// <summary>Of somebody on the way: with longer steps, leaning forward. Others walk.</summary>
    Run,
}

/// <summary>Which end of a way lies behind a door: somebody is not there before it begins, or after it ends.</summary>
public enum StageDoor { None, From, To }

/// <summary>Somebody's way in a shot: at From until Start, then evenly to To until End, both as shares of the shot.</summary>
/// <param name="From">Empty for somebody who first appears at Start, on the way.</param>
/// <param name="To">Empty for somebody who is gone from End on.</param>
/// <param name="Steps">On the way: how often the legs swing apart and together again.</param>
/// <param name="Door">Somebody comes out of it, or goes in.</param>
public readonly record struct StageWay(StageBox From, StageBox To, double Start = 0, double End = 1, StageAct Act = StageAct.Stand,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int Steps = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] StageDoor Door = StageDoor.None)
{
    const double SwayLean = 0.04, HopHeight = 0.09;
    const int Sways = 2, Hops = 3;

    /// <summary>A walker leans from side to side with the steps, a runner forward; of a leg's length a share of a box's width.</summary>
    const double WalkLean = 0.035, RunLean = 0.10, LegLength = 0.65;

    /// <summary>How far legs swing, in radians: at least, so that one sees it, and at most.</summary>
    const double LeastSwing = 0.3, WalkSwing = 0.5, RunSwing = 0.7;

    /// <summary>Whoever appears or vanishes fades in or out, over so great a share of the shot.</summary>
    const double Fading = 0.15;

    /// <param name="at">From 0 to 1.</param>
    public StageBox At(double at)
    {
        if (From == default) return Appearing(To, at);
        if (To == default) return Vanishing(From, at);
        if (Door == StageDoor.From && at < Start + Fading) return Appearing(Between(at), at);
        if (Door == StageDoor.To && at > End - Fading) return Vanishing(Between(at), at);
        return Between(at);
    }

    StageBox Appearing(StageBox box, double at) =>
        at < Start ? default : box with { Faded = Math.Max(0, 1 - (at - Start + 1e-9) / Fading) };

    StageBox Vanishing(StageBox box, double at) => at >= End ? default : box with { Faded = Math.Max(0, 1 - (End - at) / Fading) };

    StageBox Between(double at)
    {
        if (From == To) return Acting(at);
        if (End <= Start || at <= Start) return From;
        if (at >= End) return To;
        return Walking((at - Start) / (End - Start));
    }

    /// <summary>Begins and ends with the legs together. A step is as long as the way has it, unless legs are too short.</summary>
    StageBox Walking(double share)
    {
        var (way, runs) = (To.Left - From.Left, Act == StageAct.Run);
        var step = Math.Abs(way) / Math.Max(1, Steps) / 2 / Math.Max(0.01, LegLength * From.Width);
        var swing = Math.Clamp(Math.Asin(Math.Min(1, step)), LeastSwing, runs ? RunSwing : WalkSwing);
        var phase = Math.Sin(Math.PI * Steps * share);
        // Leaning begins and ends with the way.
        var forward = runs ? RunLean * Math.Sign(way) * Math.Min(1, 6 * Math.Min(share, 1 - share)) : 0;
        return StageBox.Between(From, To, share) with { Tilt = forward + WalkLean * phase, Stride = swing * phase };
    }

    /// <summary>Begins and ends at rest, so that the next shot can go on from there.</summary>
    StageBox Acting(double at)
    {
        if (at is <= 0 or >= 1) return From;
        var rise = Act == StageAct.Hop ? HopHeight * From.Height * Math.Abs(Math.Sin(Math.PI * Hops * at)) : 0;
        return From with
        {
            Top = From.Top - rise,
            Bottom = From.Bottom - rise,
            Tilt = Act == StageAct.Sway ? SwayLean * Math.Sin(2 * Math.PI * Sways * at) : 0,
        };
    }
}
