// Which element a line begins: the one place where the rules of https://fountain.io/syntax are decided, for reader and writer alike.
using System.Text.RegularExpressions;

namespace Fabula.Narrative.Fountain;

enum LineKind { Blank, Hidden, Section, Synopsis, PageBreak, Action, Heading, Transition, Centred, Lyric, Cue }

static partial class LineKinds
{
    /// <summary>
    /// The kind of a line. <paramref name="fresh"/>: a paragraph may begin here (a blank line, or an element of one line, comes before).
    /// <paramref name="followed"/>: the next line is not blank. Marks (# = ! &gt; ~) count anywhere, the rest on fresh lines only.
    /// </summary>
    public static LineKind Of(SourceLine line, bool fresh, bool followed)
    {
        if (line.Blank) return LineKind.Blank;
        if (line.Hidden) return fresh ? LineKind.Hidden : LineKind.Action;
        var text = line.Markup.AsSpan().Trim();
        switch (text[0])
        {
            case '#': return LineKind.Section;
            case '=': return text.Length >= 3 && !text.ContainsAnyExcept('=') ? LineKind.PageBreak : LineKind.Synopsis;
            case '!': return LineKind.Action;
            case '~': return LineKind.Lyric;
            case '>': return text.Length > 1 && text[^1] == '<' ? LineKind.Centred : LineKind.Transition;
        }
        if (!fresh) return LineKind.Action;
        if (text[0] == '@') return LineKind.Cue;
        if (text[0] == '.' && text.Length > 1 && char.IsLetterOrDigit(text[1])) return LineKind.Heading;
        var visible = line.Visible.TrimStart();
        if (HeadingStart().IsMatch(visible)) return LineKind.Heading;
        if (!followed && visible.EndsWith("TO:", StringComparison.Ordinal) && AllCapitals(visible)) return LineKind.Transition;
        return followed && IsCue(visible.AsSpan().TrimEnd()) ? LineKind.Cue : LineKind.Action;
    }

    /// <summary>Capitals, with at least one letter; what stands in brackets after the name may be written in any way.</summary>
    static bool IsCue(ReadOnlySpan<char> visible)
    {
        var open = visible.IndexOf('(');
        if (open < 0) return AllCapitals(visible);
        var close = visible.TrimEnd('^').TrimEnd();
        return AllCapitals(visible[..open]) && close[^1] == ')';
    }

    static bool AllCapitals(ReadOnlySpan<char> text)
    {
        var capital = false;
        foreach (var letter in text)
        {
            if (char.IsLower(letter)) return false;
            capital |= char.IsUpper(letter);
        }
        return capital;
    }

    /// <summary>INT, EXT, EST, INT./EXT, INT/EXT, I/E (and the pairs turned round), then a full stop, a blank or the end.</summary>
    [GeneratedRegex(@"^(INT|EXT|EST|INT\.?/EXT|EXT\.?/INT|I/E|E/I)([.\s]|$)", RegexOptions.IgnoreCase)]
    private static partial Regex HeadingStart();

    /// <summary>
    /// The key of a title page's first line. So that a story that opens "FADE IN:" or "JOHN: ..." has no title page, a key in capitals
    /// alone is taken only if it is TITLE.
    /// </summary>
    public static bool OpensTitlePage(SourceLine line) =>
        TitleKey(line) is { } key && (key == "TITLE" || (key.Length <= 40 && char.IsLetter(key[0]) && !AllCapitals(key)
            && Of(line, fresh: true, followed: false) == LineKind.Action));

    /// <summary>The part before the colon of an unindented line; null if there is none.</summary>
    public static string? TitleKey(SourceLine line)
    {
        if (line.Markup.Length == 0 || char.IsWhiteSpace(line.Markup[0])) return null;
        var colon = line.Markup.IndexOf(':');
        return colon > 0 && !line.Markup.AsSpan(0, colon).Contains('\n') ? line.Markup[..colon].TrimEnd() : null;
    }
}
