// How well a detector finds known joins: precision and recall.
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Curation;

/// <param name="Found">Of <paramref name="All"/>, those that the detector found.</param>
public readonly record struct Share(int Found, int All)
{
    public double Value => All == 0 ? double.NaN : (double)Found / All;

    public override string ToString() => $"{Found} of {All} ({100 * Value:0.0} %)";
}

/// <param name="Precision">Of the boundaries said, those that are joins.</param>
/// <param name="Cuts">Of the cuts to another place or distance, those found.</param>
/// <param name="Dissolves">The same of the dissolves.</param>
/// <param name="SamePlace">Of the joins of both kinds at which place and distance stay, those found.</param>
public sealed record BoundaryMarks(Share Precision, Share Cuts, Share Dissolves, Share SamePlace)
{
    public static readonly BoundaryMarks None = new(default, default, default, default);

    /// <summary>On so many drawn films of a seed.</summary>
    public static BoundaryMarks Of(Eyes eyes, int films, ulong seed)
    {
        using var stage = DrawnFilm.Stage();
        return Enumerable.Range(0, films).Select(i => DrawnFilm.Draw(stage, new Chance(seed)["boundaries"][i]))
            .Aggregate(None, (marks, film) => marks.And(film, eyes.Boundaries(film.Frames, ShotSpec.FramesPerSecond).Found));
    }

    public IEnumerable<string> Lines() =>
    [
        $"boundaries said that are joins       {Precision}",
        $"joins found                          {Recall}",
        $"  cuts                               {Cuts}",
        $"  dissolves of 4 to 8 frames         {Dissolves}",
        $"  of both, within place and distance {SamePlace}",
    ];

    /// <summary>Of all joins, those found.</summary>
    public Share Recall => Sum(Sum(Cuts, Dissolves), SamePlace);

    /// <summary>
    /// These and one more film's. A boundary is a join if its middle lies within the join's frames or at most one frame beside them; each
    /// join counts once.
    /// </summary>
    public BoundaryMarks And(DrawnFilm film, IReadOnlyList<Boundary> said)
    {
        var found = new HashSet<int>();
        foreach (var boundary in said)
        {
            var join = film.Joins.Index().FirstOrDefault(join => !found.Contains(join.Index)
                && boundary.Middle >= join.Item.Boundary.Last - 1 && boundary.Middle <= join.Item.Boundary.First + 1, (-1, default)).Index;
            if (join >= 0) found.Add(join);
        }
        return new(Sum(Precision, new(found.Count, said.Count)),
            Sum(Cuts, Of(join => !join.SamePlace && join.Boundary.IsCut)),
            Sum(Dissolves, Of(join => !join.SamePlace && !join.Boundary.IsCut)), Sum(SamePlace, Of(join => join.SamePlace)));

        Share Of(Func<DrawnJoin, bool> which)
        {
            var all = film.Joins.Index().Where(join => which(join.Item)).ToList();
            return new(all.Count(join => found.Contains(join.Index)), all.Count);
        }
    }

    static Share Sum(Share a, Share b) => new(a.Found + b.Found, a.All + b.All);
}
