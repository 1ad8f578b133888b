// What lies inside lines: notes [[ ]], boneyards /* */, emphasis * ** *** _ and the backslash that takes their meaning away.
// Every scan is linear: a mark that was once found to have no partner is not searched for again.
using System.Text;

namespace Fabula.Narrative.Fountain;

public enum SpanKind { Text, Note, Boneyard }

/// <summary>A stretch of text [Start, End); for a note or a boneyard the signs are included.</summary>
public readonly record struct Span(SpanKind Kind, int Start, int End);

public static class Markup
{
    /// <summary>
    /// Cuts text into stretches of plain text, notes and boneyards. A note may span lines, but not a blank one (a line of two or more
    /// spaces does not count as blank); a boneyard may span anything. What is opened and never closed is text.
    /// </summary>
    public static IEnumerable<Span> Spans(string text)
    {
        var lastBoneyardEnd = text.LastIndexOf("*/", StringComparison.Ordinal);
        var (start, noNoteBefore) = (0, 0);
        for (var i = 0; i + 1 < text.Length;)
        {
            var end = -1;
            var kind = SpanKind.Text;
            if (text[i] == '/' && text[i + 1] == '*' && i + 2 <= lastBoneyardEnd)
                (kind, end) = (SpanKind.Boneyard, text.IndexOf("*/", i + 2, StringComparison.Ordinal) + 2);
            else if (text[i] == '[' && text[i + 1] == '[' && i >= noNoteBefore)
            {
                (var closed, end) = NoteEnd(text, i + 2);
                if (closed) kind = SpanKind.Note;
                else noNoteBefore = end;
            }
            if (kind == SpanKind.Text)
            {
                i++;
                continue;
            }
            if (i > start) yield return new(SpanKind.Text, start, i);
            yield return new(kind, i, end);
            i = start = end;
        }
        if (start < text.Length) yield return new(SpanKind.Text, start, text.Length);
    }

    /// <summary>The text without notes and boneyards; emphasis is left in.</summary>
    public static string Visible(string text)
    {
        if (!text.Contains("[[", StringComparison.Ordinal) && !text.Contains("/*", StringComparison.Ordinal)) return text;
        var visible = new StringBuilder(text.Length);
        foreach (var span in Spans(text))
            if (span.Kind == SpanKind.Text) visible.Append(text, span.Start, span.End - span.Start);
        return visible.ToString();
    }

    /// <summary>The contents of the notes in a text, without brackets, with the number of line ends before each.</summary>
    public static IEnumerable<(string Text, int LineOffset)> Notes(string text)
    {
        var (lines, counted) = (0, 0);
        foreach (var span in Spans(text))
        {
            if (span.Kind != SpanKind.Note) continue;
            lines += text.AsSpan(counted, span.Start - counted).Count('\n');
            counted = span.Start;
            yield return (text[(span.Start + 2)..(span.End - 2)].Trim(), lines);
        }
    }

    /// <summary>The words alone: no notes, no boneyards, no emphasis; runs of blanks left by what was removed become one.</summary>
    public static string Plain(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var run in Emphasis.Runs(Visible(text)))
            foreach (var letter in run.Text)
                if (letter != ' ' || plain.Length == 0 || plain[^1] != ' ') plain.Append(letter);
        return plain.ToString().Trim();
    }

    /// <summary>(true, index after "]]"), or (false, index of the blank line or end that comes first).</summary>
    static (bool Closed, int End) NoteEnd(string text, int from)
    {
        for (var i = from; i < text.Length; i++)
        {
            if (text[i] == ']' && i + 1 < text.Length && text[i + 1] == ']') return (true, i + 2);
            if (text[i] is not ('\n' or '\r')) continue;
            if (text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n') i++;
            var next = i + 1;
            while (next < text.Length && text[next] is not ('\n' or '\r') && next - i <= 2) next++;
            var length = next - i - 1;
            var ended = next >= text.Length || text[next] is '\n' or '\r';
            if (ended && length <= 1 && string.IsNullOrWhiteSpace(text[(i + 1)..next])) return (false, i);
        }
        return (false, text.Length);
    }
}
