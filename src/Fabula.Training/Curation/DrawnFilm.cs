// Films of drawn shots whose joins are known: what shot boundary detectors are measured on.
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Curation;

/// <param name="SamePlace">Both shots are at the same place, from the same distance: the picture hardly changes.</param>
public readonly record struct DrawnJoin(Boundary Boundary, bool SamePlace);

/// <param name="Frames">RGB bytes of 48 x 27 pixels each.</param>
public sealed record DrawnFilm(IReadOnlyList<byte[]> Frames, IReadOnlyList<DrawnJoin> Joins)
{
    const int Scale = 2;

    /// <summary>A stage for these films, which are drawn at twice their size.</summary>
    public static Stage Stage() => new(Scale * ClassicBoundaries.Width, Scale * ClassicBoundaries.Height);

    /// <summary>
    /// One story of the playwright, its shots of 17, 25 or 33 frames joined by cuts and, four times in ten, by dissolves of 4 to 8.
    /// </summary>
    public static DrawnFilm Draw(Stage stage, Chance chance)
    {
        var (frames, joins, story) = (new List<byte[]>(), new List<DrawnJoin>(), Playwright.Story(chance["story"]));
        foreach (var (i, shot) in story.Shots.Index())
        {
            var clip = stage.Draw(shot.Spec with { Frames = chance["frames"][i].Pick(17, 25, 33) });
            List<byte[]> small = [.. Enumerable.Range(0, clip.Seen.Count).Select(j => Small(clip.Frame(j)))];
            var mixed = i > 0 && chance["dissolve"][i].Happens(0.4) ? 4 + chance["length"][i].Below(5) : 0;
            if (i > 0)
            {
                var (before, boundary) = (story.Shots[i - 1], new Boundary(frames.Count - mixed - 1, frames.Count));
                joins.Add(new(boundary, before.Place == shot.Place && before.Spec.Size == shot.Spec.Size));
            }
            for (var j = 0; j < mixed; j++)
            {
                var at = frames.Count - mixed + j;
                frames[at] = Mixed(frames[at], small[j], j + 1, mixed + 1);
            }
            frames.AddRange(small.Skip(mixed));
        }
        return new(frames, joins);
    }

    static byte[] Mixed(byte[] first, byte[] second, int parts, int all)
    {
        var mixed = new byte[first.Length];
        for (var i = 0; i < mixed.Length; i++) mixed[i] = (byte)((first[i] * (all - parts) + second[i] * parts + all / 2) / all);
        return mixed;
    }

    /// <summary>Means of 2 x 2 pixels.</summary>
    static byte[] Small(ReadOnlySpan<byte> picture)
    {
        const int Row = 3 * Scale * ClassicBoundaries.Width;
        var small = new byte[3 * ClassicBoundaries.Width * ClassicBoundaries.Height];
        for (var i = 0; i < small.Length; i++)
        {
            var (pixel, channel) = (i / 3, i % 3);
            var at = Scale * (pixel / ClassicBoundaries.Width) * Row + 3 * Scale * (pixel % ClassicBoundaries.Width) + channel;
            small[i] = (byte)((picture[at] + picture[at + 3] + picture[at + Row] + picture[at + Row + 3] + 2) / 4);
        }
        return small;
    }
}
