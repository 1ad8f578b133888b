// What remembered frames say of how somebody, or some place, looks: people are cut out of a frame that shows them whole, and a place is put
// together from the parts of its frames where nobody stands. So a shot can have drafts (Collage.cs) of what only earlier shots have shown.
// After StoryMem's idea that keyframes of earlier shots carry all looks; that they do so as drafts, and not as frames beside the shot
// alone, is ours: the pocket model is too small to learn it (docs/LOG.md has the measurements).
namespace Fabula.Models;

/// <summary>A frame of an earlier shot, or a picture.</summary>
/// <param name="People">Who is in it, and where.</param>
/// <param name="Place">Where it plays; null where it shows no place, as a portrait.</param>
public sealed record SeenFrame(Picture Frame, IReadOnlyDictionary<string, StageBox> People, string? Place);

/// <param name="matte">Per pixel of a picture whether it shows somebody.</param>
/// <param name="frames">Oldest first. Of those that show something equally well the oldest is believed: the others came of it.</param>
public sealed class Recollection(Func<Picture, bool[]> matte, IReadOnlyList<SeenFrame> frames)
{
    /// <summary>Of somebody's box, how much at least is figure in the frame; and from how much on it does not matter.</summary>
    const double LeastFigure = 0.15, EnoughFigure = 0.5;

    /// <summary>Pixels around people that are not believed to be the place: shadows and soft edges.</summary>
    const int Around = 4;

    readonly Dictionary<Picture, bool[]> _people = new(ReferenceEqualityComparer.Instance);

    bool[] People(Picture frame) => _people.TryGetValue(frame, out var known) ? known : _people[frame] = matte(frame);

    /// <summary>Somebody's figure, from the frame that shows most of it; null where none shows enough.</summary>
    public CutOut? Person(string id) => frames.Where(frame => frame.People.GetValueOrDefault(id) != default)
        .Select(frame => Person(frame, id)).Where(figure => figure.Share >= LeastFigure)
        .OrderByDescending(figure => Math.Min(EnoughFigure, Math.Round(figure.Share, 1))).FirstOrDefault().Figure;

    (CutOut? Figure, double Share) Person(SeenFrame seen, string id)
    {
        var (frame, box) = (seen.Frame, seen.People[id]);
        var others = seen.People.Where(other => other.Key != id && other.Value != default).Select(other => other.Value).ToList();
        var (people, mine) = (People(frame), new bool[frame.Width * frame.Height]);
        double Beside(StageBox other, double x) => Math.Abs(x - (other.Left + other.Right) / 2) / other.Width;
        var count = 0;
        for (var i = 0; i < mine.Length; i++)
        {
            if (!people[i]) continue;
            var (x, y) = ((i % frame.Width + 0.5) / frame.Width, (i / frame.Width + 0.5) / frame.Height);
            if (x < box.Left || x > box.Right || y < box.Top || y > box.Bottom) continue;
            mine[i] = others.All(other => Beside(box, x) <= Beside(other, x));
            if (mine[i]) count++;
        }
        return (CutOut.Of(frame, mine, box), count / (box.Width * box.Height * mine.Length));
    }

    /// <summary>The empty place, as all its frames see it that are as large as the first; null where no frame shows it.</summary>
    public Picture? Place(string id)
    {
        var seen = frames.Where(frame => frame.Place == id).Select(frame => frame.Frame).ToList();
        if (seen.Count == 0) return null;
        var (first, width, height) = (seen[0], seen[0].Width, seen[0].Height);
        var (rgb, known) = ((byte[])first.Rgb.Clone(), new bool[width * height]);
        foreach (var frame in seen.Where(frame => (frame.Width, frame.Height) == (width, height)))
        {
            var people = Wider(People(frame), width, height);
            for (var i = 0; i < known.Length; i++)
                if (!known[i] && !people[i])
                {
                    frame.Rgb.AsSpan(3 * i, 3).CopyTo(rgb.AsSpan(3 * i));
                    known[i] = true;
                }
        }
        Fill(rgb, known, width, height);
        return first with { Rgb = rgb };
    }

    static bool[] Wider(bool[] people, int width, int height)
    {
        var (rows, wide) = (new bool[people.Length], new bool[people.Length]);
        for (var i = 0; i < people.Length; i++)
            if (people[i])
                for (var x = Math.Max(0, i % width - Around); x <= Math.Min(width - 1, i % width + Around); x++)
                    rows[i / width * width + x] = true;
        for (var i = 0; i < rows.Length; i++)
            if (rows[i])
                for (var y = Math.Max(0, i / width - Around); y <= Math.Min(height - 1, i / width + Around); y++)
                    wide[y * width + i % width] = true;
        return wide;
    }

    /// <summary>What nobody has seen is between its nearest neighbours of the same row; a row that nobody has seen stays.</summary>
    static void Fill(byte[] rgb, bool[] known, int width, int height)
    {
        for (var y = 0; y < height; y++)
        {
            var seen = Enumerable.Range(0, width).Where(x => known[y * width + x]).ToArray();
            if (seen.Length == 0) continue;
            var next = 0;
            for (var x = 0; x < width; x++)
            {
                while (next < seen.Length && seen[next] < x) next++;
                if (known[y * width + x]) continue;
                var (left, right) = (seen[Math.Max(0, next - 1)], seen[Math.Min(next, seen.Length - 1)]);
                if (left > x) left = right;
                if (right < x) right = left;
                var share = right == left ? 0 : (double)(x - left) / (right - left);
                for (var c = 0; c < 3; c++)
                    rgb[3 * (y * width + x) + c] = (byte)Math.Round(rgb[3 * (y * width + left) + c] * (1 - share)
                        + rgb[3 * (y * width + right) + c] * share);
            }
        }
    }
}
