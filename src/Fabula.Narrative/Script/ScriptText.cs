// A multimodal script as a text that people read and edit. Identifiers stand alone on their lines, "@ada" is a character's vector, "- Ada
// has red hair." a sentence. What is written reads back the same.
using System.Text;

namespace Fabula.Narrative;

public static class ScriptText
{
    /// <exception cref="ArgumentException">A sentence or an id is empty or has more than one line, so that it would not read
    /// back.</exception>
    public static string Write(MultimodalScript script)
    {
        var text = new StringBuilder();
        foreach (var frame in script.Frames)
            foreach (var (kind, words) in frame.Parts())
                text.Append(kind switch
                {
                    ScriptPartKind.Character => "@" + OneLine(words),
                    ScriptPartKind.Sentence => "- " + OneLine(words),
                    _ => words == ScriptFrame.Start ? $"{words} {OneLine(frame.Id)}" : words,
                }).Append(words == ScriptFrame.End ? "\n\n" : "\n");
        return text.ToString();
    }

    /// <exception cref="NarrativeException">The text is not a script; the message names the line and the fix.</exception>
    public static MultimodalScript Read(string text, string source = "script.txt")
    {
        var frames = new List<ScriptFrame>();
        string? id = null;
        var (people, scene, plot) = (new List<ScriptCharacter>(), new List<string>(), new List<string>());
        List<string>? into = null;                                                               // where a sentence belongs
        var inCharacters = false;
        foreach (var (number, line) in text.Split('\n').Select(line => line.Trim()).Index())
        {
            NarrativeException Wrong(string what) => new($"{source}, line {number + 1}: {what}");
            if (line.Length == 0) continue;
            if (line.StartsWith(ScriptFrame.Start, StringComparison.Ordinal))
            {
                if (id is not null) throw Wrong($"The frame '{id}' is still open. Write {ScriptFrame.End} before this line.");
                id = line[ScriptFrame.Start.Length..].Trim();
                if (id.Length == 0) throw Wrong($"The frame has no id. Write it behind {ScriptFrame.Start}.");
                (people, scene, plot, into, inCharacters) = ([], [], [], null, false);
                continue;
            }
            if (id is null) throw Wrong($"This stands outside of a frame. Begin one with {ScriptFrame.Start} and an id.");
            if (line == ScriptFrame.End)
            {
                frames.Add(new(id, people, scene, plot));
                id = null;
            }
            else if (line is ScriptFrame.CharactersMark or ScriptFrame.SceneMark or ScriptFrame.PlotMark)
                (inCharacters, into) = (line == ScriptFrame.CharactersMark,
                    line == ScriptFrame.SceneMark ? scene : line == ScriptFrame.PlotMark ? plot : null);
            else if (line[0] == '@' && line.Length > 1)
            {
                if (!inCharacters)
                    throw Wrong($"'{line}' stands outside of the characters. Move it below \"{ScriptFrame.CharactersMark}\".");
                into = [];
                people.Add(new(line[1..], into));
            }
            else if (line.StartsWith("- ", StringComparison.Ordinal))
                (into ?? throw Wrong("The sentence belongs to nothing. Write above it whom it is about (@ada), or \"Plot:\"."))
                    .Add(line[2..]);
            else throw Wrong($"'{line}' is neither an identifier nor @ada nor a sentence. Begin a sentence with \"- \".");
        }
        return id is null ? new(frames)
            : throw new NarrativeException($"{source}: The frame '{id}' does not end. Write {ScriptFrame.End}.");
    }

    static string OneLine(string words) =>
        words.Length > 0 && words.AsSpan().Trim().Length == words.Length && !words.AsSpan().ContainsAny("\n\r") ? words
        : throw new ArgumentException($"'{words}' cannot stand in a script: it must be one line without blanks at its ends.");
}
