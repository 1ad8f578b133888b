// Stage directions: the beats of people who come, stay, go, or only do something. "Blocking" is the theatre's word for who stands and walks
// where.
namespace Fabula.Training.PaperTheatre;

public enum Transition { Enter, Exit, Swap, Replace }

public static class Blocking
{
    /// <summary>Somebody does one thing in one place for the whole shot.</summary>
    public static IReadOnlyList<Beat> Stay(Doing doing, double x, double facing = 0) => [Beat.At(0, 1, doing, new(x), facing)];

    /// <summary>From beyond the left (-1) or right (1) edge of the frame to x, arriving at a share of the shot, and then something
    /// else.</summary>
    /// <param name="from">When the way begins; before it nobody can be seen.</param>
    public static IReadOnlyList<Beat> Enter(ShotSpec frame, int side, double x, double from, double arrive, Doing then)
    {
        var outside = new Spot(frame.Outside(side));
        return Joined(from, outside, new Beat(from, arrive, Pace(frame, outside.X - x, arrive - from), outside, new(x)),
            Beat.At(arrive, 1, then, new(x), -side * 0.35));
    }

    /// <summary>Does something at x, then leaves beyond an edge of the frame; gone at a share of the shot.</summary>
    public static IReadOnlyList<Beat> Exit(ShotSpec frame, int side, double x, double leave, double gone, Doing first)
    {
        var outside = new Spot(frame.Outside(side));
        var way = new Beat(leave, gone, Pace(frame, outside.X - x, gone - leave), new(x), outside);
        return [Beat.At(0, leave, first, new(x), -side * 0.2), way, .. gone < 1 ? [Beat.At(gone, 1, Doing.Stand, outside)]
            : Array.Empty<Beat>()];
    }

    /// <summary>Through the door of an indoor place: it opens, the person steps out of it and comes to the front line.</summary>
    public static IReadOnlyList<Beat> EnterByDoor(ShotSpec frame, double x, double from, double arrive, Doing then)
    {
        var door = DoorOf(frame);
        var (hidden, sill, step) = (new Spot(door + 24, 1.4), new Spot(door, 1), new Spot(door + Math.Sign(x - door) * 7, 0.35));
        var (a, b) = (from + (arrive - from) * 0.25, from + (arrive - from) * 0.55);
        return Joined(from, new(door + 24, 1.5), new Beat(from, a, Doing.Walk, hidden, sill), new Beat(a, b, Doing.Walk, sill, step),
            new Beat(b, arrive, Doing.Walk, step, new(x)), Beat.At(arrive, 1, then, new(x)));
    }

    public static IReadOnlyList<Beat> ExitByDoor(ShotSpec frame, double x, double leave, double gone, Doing first)
    {
        var door = DoorOf(frame);
        var (hidden, sill, step) = (new Spot(door + 24, 1.4), new Spot(door, 1), new Spot(door + Math.Sign(x - door) * 7, 0.35));
        var (a, b) = (leave + (gone - leave) * 0.45, leave + (gone - leave) * 0.75);
        return
        [
            Beat.At(0, leave, first, new(x)), new Beat(leave, a, Doing.Walk, new(x), step), new Beat(a, b, Doing.Walk, step, sill),
            new Beat(b, gone, Doing.Walk, sill, hidden), .. gone < 1 ? [Beat.At(gone, 1, Doing.Stand, new(door + 24, 1.5))]
                : Array.Empty<Beat>(),
        ];
    }

    static Beat[] Joined(double from, Spot hidden, params Beat[] beats) =>
        from > 0 ? [Beat.At(0, from, Doing.Stand, hidden), .. beats] : beats;

    /// <summary>Longer ways are run: more than 75 stage units a second in a wide shot.</summary>
    static Doing Pace(ShotSpec frame, double way, double share) => Math.Abs(way) / (share * frame.Seconds) > 75 ? Doing.Run : Doing.Walk;

    static double DoorOf(ShotSpec frame) => frame.Location.Door
        ?? throw new ArgumentException($"The {frame.Location.Place} has no door: enter from the left or the right.", nameof(frame));
}
