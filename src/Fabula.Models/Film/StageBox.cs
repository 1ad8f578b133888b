// Where people are in a shot, as shares of the frame's width and height.
namespace Fabula.Models;

/// <summary>
/// Somebody who stands, from the hair to the ground under the feet: also what the frame cuts off, so that a box may go beyond 0..1. Empty
/// for somebody who is not there.
/// </summary>
public readonly record struct StageBox(double Left, double Top, double Right, double Bottom)
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
    /// <param name="at">From 0 to 1.</param>
    public StageBox At(double at)
    {
        if (From == default) return at < Start ? default : To;
        if (To == default) return at < End ? From : default;
        return End <= Start ? From : StageBox.Between(From, To, Math.Clamp((at - Start) / (End - Start), 0, 1));
    }
}
