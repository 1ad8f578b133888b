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

/// <summary>Somebody's way in a shot: at From until Start, then evenly to To until End, both as shares of the shot.</summary>
/// <param name="From">Empty for somebody who first appears at Start, on the way.</param>
/// <param name="To">Empty for somebody who is gone from End on.</param>
public readonly record struct StageWay(StageBox From, StageBox To, double Start = 0, double End = 1)
{
    /// <summary>Puppets of paper have stiff legs and walk by leaning from one side to the other: so far, as often as they are wide.</summary>
    const double Lean = 0.07;

    /// <param name="at">From 0 to 1.</param>
    public StageBox At(double at)
    {
        if (From == default) return at < Start ? default : To;
        if (To == default) return at < End ? From : default;
        if (End <= Start || From == To) return From;
        if (at <= Start) return From;
        if (at >= End) return To;
        var share = (at - Start) / (End - Start);
        var steps = Math.Max(1, Math.Round(Math.Abs(To.Left - From.Left) / Math.Max(0.05, From.Width)));
        return StageBox.Between(From, To, share) with { Tilt = Lean * Math.Sin(2 * Math.PI * steps * share) };
    }
}
