// The same person from frame to frame, and how people come and go: over the edge of the frame or through a door, as people do, or out of
// nothing, as a weak video model has it.
namespace Fabula.Training.Evaluation;

/// <summary>One person over time: [frame, where], frames ascending.</summary>
public sealed record Track(IReadOnlyList<(int Frame, SeenPerson Person)> Path)
{
    public int Start => Path[0].Frame;
    public int End => Path[^1].Frame;
}

/// <param name="Entered">People who came over an edge or through the door.</param>
/// <param name="Left">People who went that way.</param>
/// <param name="PoppedUp">People who were suddenly there, away from any edge.</param>
/// <param name="Vanished">People who were suddenly gone.</param>
/// <param name="Ghosts">Frames with a faint figure, away from any edge, that looks like somebody of this clip who stands elsewhere or has
/// gone.</param>
public sealed record Crossings(int Entered, int Left, int PoppedUp, int Vanished, int Ghosts)
{
    /// <summary>Nobody fades, pops up or leaves a ghost.</summary>
    public bool Clean => PoppedUp + Vanished + Ghosts == 0;
}

/// <summary><see cref="Crossings"/> with the people themselves.</summary>
public sealed record CrossingTracks(List<Track> Entered, List<Track> Left, List<Track> PoppedUp, List<Track> Vanished, int Ghosts)
{
    public int Pops => PoppedUp.Count + Vanished.Count;
}

public static class Tracks
{
    /// <summary>How many frames somebody may be overlooked, or hidden by another, without being somebody new.</summary>
    const int Gap = 3;

    /// <summary>How near an edge, as a share of the frame's width, a box must come to have come from there.</summary>
    const double Margin = 0.035;

    /// <summary>Links people from frame to frame by place and looks, the cheapest way.</summary>
    public static IReadOnlyList<Track> Of(IReadOnlyList<Reading> readings, int width)
    {
        var tracks = new List<List<(int Frame, SeenPerson Person)>>();
        for (var frame = 0; frame < readings.Count; frame++)
        {
            var people = readings[frame].People;
            var open = tracks.Where(track => frame - track[^1].Frame <= Gap).ToList();
            var cost = open.Select(track => people.Select(person => Apart(track, frame, person, width)).ToArray()).ToList();
            var pairs = Matching.Cheapest(cost, people.Count, dearest: 0.3);
            for (var i = 0; i < open.Count; i++)
                if (pairs[i] is { } column) open[i].Add((frame, people[column]));
            for (var column = 0; column < people.Count; column++)
                if (!pairs.Contains(column)) tracks.Add([(frame, people[column])]);
        }
        return [.. tracks.Select(track => new Track(track))];
    }

    /// <param name="door">The middle and the width of an open door, in pixels.</param>
    public static Crossings Cross(IReadOnlyList<Reading> readings, int width, (double Middle, double Width)? door = null)
    {
        var ways = Ways(readings, width, door);
        return new(ways.Entered.Count, ways.Left.Count, ways.PoppedUp.Count, ways.Vanished.Count, ways.Ghosts);
    }

    /// <summary>As <see cref="Cross"/>, with the tracks themselves.</summary>
    public static CrossingTracks Ways(IReadOnlyList<Reading> readings, int width, (double Middle, double Width)? door = null)
    {
        var tracks = Of(readings, width);
        var ways = new CrossingTracks([], [], [], [], readings.Count(reading => reading.Faint.Any(faint => !AtWay(faint)
            && !reading.People.Any(person => Math.Abs(person.X - faint.X) < (person.Width + faint.Width) / 4)
            && tracks.Any(track => Alike(faint, track.Path[track.Path.Count / 2].Person) < 1.5))));
        foreach (var track in tracks)
        {
            if (track.Start > 0) (AtWay(track.Path[0].Person) ? ways.Entered : ways.PoppedUp).Add(track);
            if (track.End < readings.Count - 1) (AtWay(track.Path[^1].Person) ? ways.Left : ways.Vanished).Add(track);
        }
        return ways;

        bool AtWay(SeenPerson person) => person.Left <= Margin * width || person.Right >= (1 - Margin) * width
            || door is { } way && Math.Abs(person.X - way.Middle) < way.Width;
    }

    /// <summary>The way from where somebody would be by now, in widths of the frame, and a little for looks that differ.</summary>
    static double Apart(List<(int Frame, SeenPerson Person)> track, int frame, SeenPerson person, int width)
    {
        var (last, at) = track[^1];
        var pace = track.Count > 1 ? (at.X - track[^2].Person.X) / (last - track[^2].Frame) : 0;
        return Math.Min(Math.Abs(at.X - person.X), Math.Abs(at.X + pace * (frame - last) - person.X)) / width + 0.1 * Alike(at, person);
    }

    /// <summary>Attributes in which two differ, each weighed by how sure the judge is of both: 0 alike, 6 different.</summary>
    internal static double Alike(SeenPerson a, SeenPerson b)
    {
        return Of(a.Kind, b.Kind) + Of(a.Skin, b.Skin) + Of(a.Hair, b.Hair) + Of(a.Style, b.Style) + Of(a.Top, b.Top) + Of(a.Hat, b.Hat);

        static double Of<T>(Guess<T> a, Guess<T> b) where T : struct, Enum => a.Value.Equals(b.Value) ? 0 : a.Probability * b.Probability;
    }
}
