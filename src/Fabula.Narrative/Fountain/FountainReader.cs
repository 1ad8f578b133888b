// Fountain 1.1: any text at all is a screenplay, so reading never fails; what looks like a slip of the pen is a finding.
// The rules, and what Fabula's own notes mean, are in docs/screenplay.md.
using System.Text.RegularExpressions;

namespace Fabula.Narrative.Fountain;

public static partial class FountainReader
{
    /// <summary>Reads a screenplay in time linear in its length.</summary>
    public static Screenplay Read(string text)
    {
        var findings = new List<Finding>();
        var mark = text.StartsWith('\uFEFF') ? "\uFEFF" : "";
        var lines = SourceLines.Split(text[mark.Length..], findings);
        var page = new List<TitleEntry>();
        var elements = new List<Element>();
        var starts = new List<int>();                                       // where each title entry and element begins
        var at = 0;
        while (at < lines.Count && lines[at].Blank) at++;
        if (at < lines.Count && LineKinds.OpensTitlePage(lines[at]))
            while (at < lines.Count && !lines[at].Blank)
            {
                starts.Add(lines[at].Start + mark.Length);
                page.Add(TitleEntry(lines, ref at));
            }
        for (var fresh = true; at < lines.Count;)
        {
            if (lines[at].Blank)
            {
                fresh = true;
                at++;
                continue;
            }
            starts.Add(lines[at].Start + mark.Length);
            elements.Add(Next(lines, ref at, fresh));
            fresh = elements[^1] is not (ActionParagraph or Speech);
        }
        var all = page.Concat<Element>(elements).ToList();
        for (var i = 0; i < all.Count; i++) all[i].Raw = text[starts[i]..(i + 1 < all.Count ? starts[i + 1] : text.Length)];
        foreach (var element in elements) TypedNotes.Check(element, findings);
        return new(page, elements) { Findings = findings, Lead = all.Count == 0 ? text : text[..starts[0]] };
    }

    static TitleEntry TitleEntry(List<SourceLine> lines, ref int at)
    {
        var first = lines[at++];
        var key = LineKinds.TitleKey(first)!;
        var values = new List<string>();
        if (first.Markup[(first.Markup.IndexOf(':') + 1)..].Trim() is { Length: > 0 } value) values.Add(value);
        for (; at < lines.Count && !lines[at].Blank && LineKinds.TitleKey(lines[at]) is null; at++) values.Add(lines[at].Markup.Trim());
        return new(key, values) { Line = first.Number };
    }

    /// <summary>The element that begins on this line, which is not blank; leaves <paramref name="at"/> behind it.</summary>
    static Element Next(List<SourceLine> lines, ref int at, bool fresh)
    {
        var line = lines[at];
        var kind = LineKinds.Of(line, fresh, Followed(lines, at));
        if (kind != LineKind.Action) at++;
        var text = line.Markup.Trim();
        Element element = kind switch
        {
            LineKind.Action => Action(lines, ref at),
            LineKind.Section => Section(text),
            LineKind.Synopsis => new Synopsis(text[1..].Trim()),
            LineKind.PageBreak => new PageBreak(),
            LineKind.Lyric => new Lyric(text[1..].Trim()),
            LineKind.Centred => new CentredText(text[1..^1].Trim()),
            LineKind.Transition => new TransitionLine(text[0] == '>' ? text[1..].Trim() : text),
            LineKind.Heading => Heading(text),
            LineKind.Cue => Said(lines, ref at, text),
            _ => Markup.Notes(text).Any() ? new Note(text) : new Boneyard(text),
        };
        return element with { Line = line.Number };
    }

    static bool Followed(List<SourceLine> lines, int at) => at + 1 < lines.Count && !lines[at + 1].Blank;

    static Section Section(string text)
    {
        var level = text.AsSpan().IndexOfAnyExcept('#') is var other && other < 0 ? text.Length : other;
        return new(level, text[level..].Trim());
    }

    static SceneHeading Heading(string text)
    {
        if (text[0] == '.') text = text[1..];
        var number = SceneNumber().Match(text);
        if (!number.Success || !OnlyHidden(text[(number.Index + number.Length)..])) return new(text);
        var rest = text[(number.Index + number.Length)..].Trim();
        return new(text[..number.Index].TrimEnd() + (rest.Length > 0 ? " " + rest : ""), number.Groups[1].Value);
    }

    static bool OnlyHidden(string text) => string.IsNullOrWhiteSpace(Markup.Visible(text));

    /// <summary>Letters, digits, dashes and full stops between number signs; the last such in the line.</summary>
    [GeneratedRegex(@"\s*#([\p{L}\p{Nd}.\-]+)#", RegexOptions.RightToLeft)]
    private static partial Regex SceneNumber();

    static Speech Said(List<SourceLine> lines, ref int at, string cue)
    {
        if (cue[0] == '@') cue = cue[1..].TrimStart();
        var dual = cue.EndsWith('^');
        if (dual) cue = cue[..^1].TrimEnd();
        var said = new List<SpeechLine>();
        for (; at < lines.Count && (!lines[at].Blank || lines[at].Held); at++)
        {
            var text = lines[at].Markup.Trim();
            said.Add(text switch
            {
                ['(', .., ')'] => new(SpeechKind.Parenthetical, text[1..^1].Trim()),
                ['~', ..] => new(SpeechKind.Lyric, text[1..].Trim()),
                _ => new(SpeechKind.Dialogue, text),
            });
        }
        return new(cue, dual, said);
    }

    static ActionParagraph Action(List<SourceLine> lines, ref int at)
    {
        var first = lines[at].Number;
        var text = new List<string>();
        do
        {
            text.Add(ActionText(lines[at].Markup));
            at++;
        }
        while (at < lines.Count && LineKinds.Of(lines[at], fresh: false, Followed(lines, at)) == LineKind.Action);
        return new(string.Join('\n', text)) { Line = first };
    }

    /// <summary>One line of action: indentation kept, a tab as four spaces, the forcing mark and blanks at the end gone.</summary>
    static string ActionText(string markup)
    {
        var words = markup.TrimStart();
        if (words.StartsWith('!')) markup = string.Concat(markup.AsSpan(0, markup.Length - words.Length), words.AsSpan(1));
        var indent = markup.Length - markup.AsSpan().TrimStart().Length;
        return (markup[..indent].Replace("\t", "    ") + markup[indent..]).TrimEnd();
    }
}
