// "Did you mean": the nearest of the known names, by the number of slips of the pen between them.
namespace Fabula.Narrative;

public static class Nearest
{
    /// <summary>Names longer than this are never compared, so that a page of text in the wrong place costs nothing.</summary>
    const int LongestName = 64;

    /// <summary>The known name that was probably meant, or null when none is near: at most one slip for every three letters.</summary>
    public static string? Name(string written, IEnumerable<string> known)
    {
        if (written.Length is 0 or > LongestName) return null;
        var allowed = Math.Max(1, written.Length / 3);
        return known.Where(name => name.Length is > 0 and <= LongestName && Math.Abs(name.Length - written.Length) <= allowed)
            .Select(name => (name, slips: Slips(written.ToLowerInvariant(), name.ToLowerInvariant())))
            .Where(entry => entry.slips <= allowed && entry.slips < Math.Min(written.Length, entry.name.Length))
            .OrderBy(entry => entry.slips).ThenBy(entry => entry.name, StringComparer.Ordinal)
            .Select(entry => entry.name).FirstOrDefault();
    }

    /// <summary>"Did you mean 'x'?" where a name is near, else the list of what is known.</summary>
    public static string Advice(string written, IReadOnlyCollection<string> known) =>
        Name(written, known) is { } near ? $"Did you mean '{near}'?"
        : known.Count == 0 ? "Nothing is known by any name here."
        : $"Known are: {string.Join(", ", known.Take(12))}{(known.Count > 12 ? ", ..." : "")}.";

    /// <summary>Insertions, deletions, exchanges, and swaps of neighbours that turn one word into the other
    /// (optimal string alignment distance).</summary>
    public static int Slips(string a, string b)
    {
        var (before, last, row) = (new int[b.Length + 1], new int[b.Length + 1], new int[b.Length + 1]);
        for (var j = 0; j <= b.Length; j++) last[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                row[j] = Math.Min(Math.Min(row[j - 1], last[j]) + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = Math.Min(row[j], before[j - 2] + 1);
            }
            (before, last, row) = (last, row, before);
        }
        return last[b.Length];
    }
}
