// Writes a screenplay so that reading it gives the same screenplay. What was not touched since it was read comes out letter for letter.
using System.Text;

namespace Fabula.Narrative.Fountain;

public static class FountainWriter
{
    /// <exception cref="NarrativeException">An element holds what Fountain has no way to say, such as a heading of two lines.</exception>
    public static string Write(Screenplay screenplay)
    {
        // Keeping the untouched parts is right nearly always; where an edit changes how its neighbour reads, all is written anew.
        var kept = Join(screenplay, keep: true);
        if (FountainReader.Read(kept).Equals(screenplay)) return kept;
        var written = Join(screenplay, keep: false);
        var again = FountainReader.Read(written);
        if (again.Equals(screenplay)) return written;
        var at = screenplay.Elements.Zip(again.Elements).TakeWhile(pair => pair.First.Equals(pair.Second)).Count();
        throw new NarrativeException(at < screenplay.Elements.Count
            ? $"Element {at + 1} of the screenplay ({Brief(screenplay.Elements[at])}) cannot be written as Fountain. "
              + "Take line ends, blanks at the ends and unclosed [[ or /* out of it, or choose another kind of element."
            : "The title page cannot be written as Fountain. Begin it with a short key such as 'Title', and keep each value on one line.");
    }

    static string Join(Screenplay screenplay, bool keep)
    {
        var text = new StringBuilder(keep ? screenplay.Lead : "");
        Element? before = null;
        foreach (var entry in screenplay.TitlePage) Put(entry, Title(entry));
        foreach (var element in screenplay.Elements)
        {
            var together = keep && before?.Raw is not null && element.Raw is not null;
            while (before is not null && !together && !EndsBlank(text)) text.Append('\n');
            Put(element, Text(element, atStart: before is null));
        }
        // A byte order mark is skipped in front of a text, so a story that begins with one needs two.
        return !keep && text.Length > 0 && text[0] == '\uFEFF' ? "\uFEFF" + text : text.ToString();

        void Put(Element element, string fresh)
        {
            if (keep && element.Raw is not null) text.Append(element.Raw);
            else text.Append(fresh).Append('\n');
            before = element;
        }
    }

    static bool EndsBlank(StringBuilder text) =>
        text.Length == 0
            || (text[^1] == '\n' && (text.Length == 1 || text[^2] == '\n' || (text[^2] == '\r' && text.Length > 2 && text[^3] == '\n')));

    static string Title(TitleEntry entry) => entry.Values.Count switch
    {
        0 => $"{entry.Key}:",
        1 => $"{entry.Key}: {entry.Values[0]}",
        _ => $"{entry.Key}:\n    {string.Join("\n    ", entry.Values)}",
    };

    static string Text(Element element, bool atStart) => element switch
    {
        SceneHeading heading => Forced(heading.Text, ".", LineKind.Heading) + (heading.Number is null ? "" : $" #{heading.Number}#"),
        ActionParagraph action => string.Join('\n', Lines(action.Text).Select((line, i) => ActionLine(line, i == 0, i == 0 && atStart))),
        Speech speech => Cue(speech, atStart) + string.Concat(speech.Lines.Select(line => "\n" + Said(line))),
        Lyric lyric => $"~{lyric.Text}",
        TransitionLine transition => Forced(transition.Text, "> ", LineKind.Transition, atStart),
        CentredText centred => $"> {centred.Text} <",
        Section section => $"{new string('#', section.Level)} {section.Text}",
        Synopsis synopsis => $"= {synopsis.Text}",
        PageBreak => "===",
        Note note => note.Text,
        Boneyard boneyard => boneyard.Text,
        _ => throw new ArgumentOutOfRangeException(nameof(element)),
    };

    /// <summary>Lines as the reader sees them: a line end inside a note or a boneyard is not one.</summary>
    static List<string> Lines(string text)
    {
        var lines = SourceLines.Split(text, []).Select(line => line.Markup).ToList();
        if (text.Length == 0 || text[^1] == '\n') lines.Add("");
        return lines;
    }

    static string ActionLine(string line, bool fresh, bool atStart)
    {
        var source = new SourceLine(0, 0, 0, line);
        var plain = !line.TrimStart().StartsWith('!') && LineKinds.Of(source, fresh, followed: false) == LineKind.Action
            && LineKinds.Of(source, fresh, followed: true) == LineKind.Action && !(atStart && LineKinds.OpensTitlePage(source));
        return plain ? line : "!" + line;
    }

    static string Cue(Speech speech, bool atStart)
    {
        var line = new SourceLine(0, 0, 0, speech.Cue);
        var followed = speech.Lines.Count > 0 && speech.Lines[0] is not { Kind: SpeechKind.Dialogue, Text: "" };
        var natural = speech.Cue.Length > 0 && speech.Cue[0] != '@' && LineKinds.Of(line, true, followed) == LineKind.Cue
            && !(atStart && LineKinds.OpensTitlePage(line));
        return (natural ? "" : "@") + speech.Cue + (speech.Dual ? " ^" : "");
    }

    static string Said(SpeechLine line) => line.Kind switch
    {
        SpeechKind.Parenthetical => $"({line.Text})",
        SpeechKind.Lyric => $"~{line.Text}",
        _ => line.Text.Length == 0 ? "  " : line.Text,
    };

    static string Forced(string text, string mark, LineKind kind, bool atStart = false)
    {
        var line = new SourceLine(0, 0, 0, text);
        var natural = text.Length > 0 && text[0] != mark[0] && LineKinds.Of(line, true, false) == kind
            && !(atStart && LineKinds.TitleKey(line) == "TITLE");
        return natural ? text : mark + text;
    }

    static string Brief(Element element) => element.ToString() is { Length: > 80 } text ? text[..77] + "..." : element.ToString();
}
