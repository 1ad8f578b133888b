// Where people are in a shot, as shares of the frame's width and height.
namespace Fabula.Models;

/// <summary>
/// Somebody who stands, from the hair to the ground under the feet: also what the frame cuts off, so that a box may go beyond 0..1. Empty
/// for somebody who is not there.
/// </summary>
/// <param name="Tilt">How far somebody leans to the right while walking, in radians.</param>
public readonly record struct StageBox(double Left, double Top, double Right, double Bottom, double Tilt = 0)
{
    public double Width => Right - Left;
    public double Height => Bottom - Top;

    public static StageBox Between(StageBox a, StageBox b, double share) => new(a.Left + (b.Left - a.Left) * share,
        a.Top + (b.Top - a.Top) * share, a.Right + (b.Right - a.Right) * share, a.Bottom + (b.Bottom - a.Bottom) * share);
}

/// <summary>What a paper puppet can do where it stands.</summary>
public enum StageAct
{
    Stand,
    /// <summary>From one side to the other, as who talks or waves.</summary>
    Sway,
    Hop,
}

/// <summary>Somebody's way in a shot: at From until Start, then evenly to To until End, both as shares of the shot.</summary>
/// <param name="From">Empty for somebody who first appears at Start, on the way.</param>
/// <param name="To">Empty for somebody who is gone from End on.</param>
/// <param name="Act">Of somebody who stays.</param>
public readonly record struct StageWay(StageBox From, StageBox To, double Start = 0, double End = 1, StageAct Act = StageAct.Stand)
{
    /// <summary>Paper puppets have stiff legs and walk by leaning from side to side: so far, once for every width that they go.</summary>
    const double Lean = 0.07, SwayLean = 0.04, HopHeight = 0.09;
    const int Sways = 2, Hops = 3;

    /// <param name="at">From 0 to 1.</param>
    public StageBox At(double at)
    {
        if (From == default) return at < Start ? default : To;
        if (To == default) return at < End ? From : default;
        if (From == To) return Acting(at);
        if (End <= Start) return From;
        if (at <= Start) return From;
        if (at >= End) return To;
        var share = (at - Start) / (End - Start);
        var steps = Math.Max(1, Math.Round(Math.Abs(To.Left - From.Left) / Math.Max(0.05, From.Width)));
        return StageBox.Between(From, To, share) with { Tilt = Lean * Math.Sin(2 * Math.PI * steps * share) };
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
