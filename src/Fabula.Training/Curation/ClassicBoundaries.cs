// A shot boundary detector without weights, for whoever has none of TransNet V2: differences of colours, blocks and edges between frames.
//
// A cut is a frame that differs from the one before by much more than frames near it do: the threshold adapts to what moves. A dissolve
// is a stretch whose frames lie on the straight line between its two ends, as mixtures of two pictures do, and move along it step by step;
// what moves lies beside that line. How well it does is measured: `fabula theatre boundaries`.
namespace Fabula.Training.Curation;

public sealed record ClassicBoundaries
{
    /// <summary>Pixels that it looks at, and the side of its blocks.</summary>
    public const int Width = 48, Height = 27, Block = 3;
    /// <summary>Another number, another detector: kept results of the earlier one no longer count.</summary>
    public const int Version = 1;

    /// <summary>A cut differs by this, and <see cref="CutFactor"/> times the middle one of the differences around it, or more.</summary>
    public double CutLeast { get; init; } = 0.10;
    public double CutFactor { get; init; } = 2.5;
    /// <summary>Differences on each side that a cut is compared with.</summary>
    public int Around { get; init; } = 6;
    /// <summary>The ends of a dissolve differ by this at least (mean of the blocks' channels, 0 to 1).</summary>
    public double DissolveLeast { get; init; } = 0.09;
    /// <summary>Frames of a dissolve lie off the line by at most this share of its length (root mean square).</summary>
    public double OffLine { get; init; } = 0.20;
    /// <summary>No step of a dissolve is longer than this share of the line.</summary>
    public double LongestStep { get; init; } = 0.45;
    /// <summary>Frames from end to end of a dissolve, looked for at about 12 frames a second.</summary>
    public IReadOnlyList<int> Lengths { get; init; } = [4, 6, 8, 11, 15, 20];

    /// <summary>Cuts and dissolves, in order.</summary>
    /// <param name="frames">RGB bytes of 48 x 27 pixels each; read once, in order.</param>
    /// <param name="framesPerSecond">Above 12 dissolves are looked for in every second, third ... frame.</param>
    public (IReadOnlyList<Boundary> Found, int Frames) Find(IEnumerable<byte[]> frames, double framesPerSecond)
    {
        var seen = frames.Select(frame => Signature.Of(frame, Width, Height, Block)).ToList();
        var dissolves = Dissolves(seen, Math.Max(1, (int)Math.Round(framesPerSecond / 12)));
        // A cut is no small step: what looks like one within a dissolve is a part of it.
        var cuts = Cuts(seen).Select(cut => new Boundary(cut - 1, cut))
            .Where(cut => dissolves.All(dissolve => cut.First <= dissolve.Last || cut.Last >= dissolve.First));
        return ([.. cuts.Concat(dissolves).OrderBy(boundary => boundary.Last)], seen.Count);
    }

    /// <summary>First frames of shots behind cuts.</summary>
    List<int> Cuts(List<Signature> seen)
    {
        double[] steps = [.. Enumerable.Range(0, seen.Count).Select(i => i == 0 ? 0 : Distance(seen[i - 1], seen[i]))];
        var cuts = new List<int>();
        for (var i = 1; i < seen.Count; i++)
        {
            var (from, to) = (Math.Max(1, i - Around), Math.Min(seen.Count - 1, i + Around));
            var others = Enumerable.Range(from, to - from + 1).Where(j => j != i).Select(j => steps[j]).Order().ToList();
            var usual = others.Count == 0 ? 0 : others[others.Count / 2];
            var isPeak = steps[i] >= steps[i - 1] && (i + 1 == seen.Count || steps[i] > steps[i + 1]);
            if (isPeak && steps[i] >= CutLeast + CutFactor * usual) cuts.Add(i);
        }
        return cuts;
    }

    /// <summary>Half colours, a quarter blocks, a quarter edges; the latter two are small numbers, so they are stretched.</summary>
    static double Distance(Signature a, Signature b) =>
        0.5 * a.ColourDistance(b) + 0.25 * Math.Min(1, 4 * a.BlockDistance(b)) + 0.25 * Math.Min(1, 12 * a.EdgeDistance(b));

    List<Boundary> Dissolves(List<Signature> seen, int stride)
    {
        var candidates = new List<(Boundary Boundary, double Worth)>();
        foreach (var length in Lengths)
            for (var i = 0; i + length * stride < seen.Count; i += stride)
                if (Worth(seen, i, length, stride) is > 0 and var worth) candidates.Add((new(i, i + length * stride), worth));
        var taken = new List<Boundary>();
        foreach (var (boundary, _) in candidates.OrderByDescending(candidate => candidate.Worth))
            if (taken.All(other => other.First <= boundary.Last || other.Last >= boundary.First)) taken.Add(boundary);
        return taken;
    }

    /// <summary>How good a dissolve from this frame on is: how far its ends are apart, less for what is off the line; 0 for none.</summary>
    double Worth(List<Signature> seen, int first, int length, int stride)
    {
        var (a, b) = (seen[first].Blocks, seen[first + length * stride].Blocks);
        var apart = seen[first].BlockDistance(seen[first + length * stride]);
        if (apart < DissolveLeast) return 0;
        var whole = 0.0;
        for (var i = 0; i < a.Length; i++) whole += (b[i] - a[i]) * (b[i] - a[i]);
        var (off, before) = (0.0, 0.0);
        for (var step = 1; step <= length; step++)
        {
            var frame = seen[first + step * stride].Blocks;
            double along = 0, far = 0;
            for (var i = 0; i < a.Length; i++)
            {
                along += (frame[i] - a[i]) * (b[i] - a[i]);
                far += (frame[i] - a[i]) * (frame[i] - a[i]);
            }
            var share = along / whole;                                  // how far along the line, 0 to 1
            if (share - before > LongestStep || share - before < -0.05) return 0;
            off += Math.Max(0, far / whole - share * share);            // Pythagoras: the squared distance from the line
            before = share;
        }
        var beside = Math.Sqrt(off / length);
        return beside > OffLine ? 0 : apart * (1 - beside) / Math.Sqrt(length);
    }
}
