// *italic*, **bold**, ***bold italic***, _underlined_, and any of them inside another. As in Markdown a mark opens only before
// something that is not a blank, closes only after something that is not a blank, and a backslash makes it an ordinary letter.
// Emphasis does not reach over a line end (https://fountain.io/syntax, Emphasis).
using System.Text;

namespace Fabula.Narrative.Fountain;

/// <summary>A stretch of letters that look alike.</summary>
public readonly record struct Run(string Text, bool Bold = false, bool Italic = false, bool Underlined = false);

public static class Emphasis
{
    /// <summary>The runs of a text in order; line ends are kept inside the runs.</summary>
    public static IReadOnlyList<Run> Runs(string text)
    {
        var runs = new List<Run>();
        var start = 0;
        while (start < text.Length)
        {
            var end = text.IndexOf('\n', start) is var found && found < 0 ? text.Length : found + 1;
            Line(text[start..end], runs);
            start = end;
        }
        return runs;
    }

    /// <summary>Marks are paired innermost first with one stack, so that a line is read once.</summary>
    static void Line(string line, List<Run> runs)
    {
        var marks = new List<(int At, int Length)>();
        for (var i = 0; i < line.Length;)
        {
            if (line[i] == '\\' && i + 1 < line.Length) { i += 2; continue; }
            var length = MarkLength(line, i);
            if (length > 0) marks.Add((i, length));
            i += Math.Max(length, 1);
        }
        var partner = new Dictionary<int, int>();
        var open = new List<(int At, int Length)>();
        foreach (var mark in marks)
        {
            var opener = CanClose(line, mark) ? open.FindLastIndex(o => Same(line, o, mark)) : -1;
            if (opener >= 0)
            {
                partner[open[opener].At] = mark.At;
                partner[mark.At] = open[opener].At;
                open.RemoveRange(opener, open.Count - opener);
            }
            else if (CanOpen(line, mark) && open.Count < 16) open.Add(mark);
        }
        Write(line, partner, runs);
    }

    static void Write(string line, Dictionary<int, int> partner, List<Run> runs)
    {
        var letters = new StringBuilder();
        var (bold, italic, underlined) = (0, 0, 0);
        for (var i = 0; i < line.Length;)
        {
            if (partner.TryGetValue(i, out var other))
            {
                Flush();
                var (length, step) = (MarkLength(line, i), other > i ? 1 : -1);
                if (line[i] == '_') underlined += step;
                else
                {
                    if (length >= 2) bold += step;
                    if (length != 2) italic += step;
                }
                i += length;
                continue;
            }
            if (line[i] == '\\' && i + 1 < line.Length && line[i + 1] is '*' or '_' or '\\') i++;
            letters.Append(line[i++]);
        }
        Flush();

        void Flush()
        {
            if (letters.Length > 0) runs.Add(new(letters.ToString(), bold > 0, italic > 0, underlined > 0));
            letters.Clear();
        }
    }

    static int MarkLength(string line, int at)
    {
        if (line[at] == '_') return 1;
        var length = 0;
        while (length < 3 && at + length < line.Length && line[at + length] == '*') length++;
        return length;
    }

    static bool Same(string line, (int At, int Length) a, (int At, int Length) b) => a.Length == b.Length && line[a.At] == line[b.At];

    static bool CanOpen(string line, (int At, int Length) mark) =>
        mark.At + mark.Length < line.Length && !char.IsWhiteSpace(line[mark.At + mark.Length]);

    static bool CanClose(string line, (int At, int Length) mark) => mark.At > 0 && !char.IsWhiteSpace(line[mark.At - 1]);
}
