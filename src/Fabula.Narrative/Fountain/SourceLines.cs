// A text as the lines that Fountain sees: a note or a boneyard that runs over several lines of the file is part of one line here.
namespace Fabula.Narrative.Fountain;

/// <summary>One line. Start..Next are its place in the text, line end included; Markup is what it says with \n as line end.</summary>
sealed record SourceLine(int Number, int Start, int Next, string Markup)
{
    /// <summary>Without notes and boneyards.</summary>
    public string Visible { get; } = Fountain.Markup.Visible(Markup);

    public bool Blank { get; } = string.IsNullOrWhiteSpace(Markup);

    /// <summary>A blank line that two spaces keep inside a speech.</summary>
    public bool Held => Blank && Markup.Length >= 2;

    /// <summary>Nothing but notes and boneyards.</summary>
    public bool Hidden => !Blank && string.IsNullOrWhiteSpace(Visible);
}

static class SourceLines
{
    public static List<SourceLine> Split(string text, List<Finding> findings)
    {
        var lines = new List<SourceLine>();
        var (start, number, crossed) = (0, 1, 0);
        foreach (var span in Markup.Spans(text))
        {
            if (span.Kind == SpanKind.Text) Unclosed(text, span, number, findings);
            for (var i = span.Start; i < span.End; i++)
            {
                if (text[i] is not ('\n' or '\r') || (text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n')) continue;
                if (span.Kind != SpanKind.Text)
                {
                    crossed++;
                    continue;
                }
                Add(i, i + 1);
                number += crossed + 1;
                (start, crossed) = (i + 1, 0);
            }
        }
        if (start < text.Length) Add(text.Length, text.Length);
        return lines;

        void Add(int end, int next)
        {
            if (end > start && end < text.Length && text[end] == '\n' && text[end - 1] == '\r') end--;
            var markup = text[start..end];
            if (markup.Contains('\r', StringComparison.Ordinal)) markup = markup.Replace("\r\n", "\n").Replace('\r', '\n');
            lines.Add(new(number, start, next, markup));
        }
    }

    static void Unclosed(string text, Span span, int number, List<Finding> findings)
    {
        var from = span.Start;
        while (findings.Count < 20)
        {
            var at = text.AsSpan(from, span.End - from).IndexOfAny("[/") is var found && found < 0 ? -1 : from + found;
            if (at < 0 || at + 1 >= span.End) return;
            var (mark, name) = (text[at], text[at + 1]) switch
            {
                ('[', '[') => ("]]", "note"),
                ('/', '*') => ("*/", "boneyard"),
                _ => ("", ""),
            };
            if (mark != "")
            {
                var line = number + text.AsSpan(span.Start, at - span.Start).Count('\n');
                findings.Add(Finding.Warning($"line {line}", $"A {name} is opened and never closed, so it is read as text.",
                    $"Close it with {mark}{(mark == "]]" ? " before the next blank line" : "")}."));
            }
            from = at + (mark == "" ? 1 : 2);
        }
    }
}
