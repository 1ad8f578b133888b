// The notes that Fabula understands, in an otherwise ordinary screenplay: [[shot: close, pan left]], [[enter: Ada left, Ben]].
//
//   note     := word | word ":" part ("," part)*
//   word     := shot | cut | continue | bridge | dissolve | fade | duration | enter | exit | with | seed
//
// Every other note is the author's own and means nothing here. docs/screenplay.md has the list with examples.
using System.Globalization;

namespace Fabula.Narrative.Fountain;

/// <summary>A note that Fabula understands, and the line it stands on.</summary>
public abstract record TypedNote(int Line);

/// <summary>[[shot: medium, low, pan left]]: any of size, angle, camera movement, in any order.</summary>
public sealed record ShotNote(int Line, ShotSize? Size, CameraAngle? Angle, CameraMove? Move) : TypedNote(Line);

/// <summary>[[cut]], [[continue]], [[bridge]], [[dissolve: 12 frames]], [[fade: 1s]]: how the shot joins the one before.</summary>
public sealed record JoinNote(int Line, JoinMethod Method, NoteLength? Length) : TypedNote(Line);

/// <summary>[[duration: 4s]]</summary>
public sealed record DurationNote(int Line, NoteLength Length) : TypedNote(Line);

public enum PeopleVerb { Enter, Exit, With }

/// <summary>[[enter: Ada left, Ben]], [[exit: Ben door]], [[with: Ada, Ben]]; the side is left, right, door, front or back.</summary>
public sealed record PeopleNote(int Line, PeopleVerb Verb, IReadOnlyList<(string Name, string? Side)> People) : TypedNote(Line);

/// <summary>[[seed: 7]]</summary>
public sealed record SeedNote(int Line, int Seed) : TypedNote(Line);

/// <summary>A length as written: in seconds, or in frames.</summary>
public readonly record struct NoteLength(double? Seconds, int? Frames)
{
    /// <summary>Whole frames at a rate in frames per second, at least 1.</summary>
    public int At(int rate) => Frames ?? Math.Max(1, (int)Math.Round(Seconds!.Value * rate, MidpointRounding.AwayFromZero));
}

public static class TypedNotes
{
    static readonly string[] Words =
        ["shot", "cut", "continue", "bridge", "dissolve", "fade", "duration", "enter", "exit", "with", "seed"];
    static readonly string[] Sides = ["left", "right", "door", "front", "back"];

    /// <summary>The typed notes of an element, in order; those that cannot be understood are left out (the reader reported them).</summary>
    public static IReadOnlyList<TypedNote> Of(Element element) => [.. All(element, null)];

    internal static void Check(Element element, List<Finding> findings)
    {
        foreach (var _ in All(element, findings)) { }
    }

    static IEnumerable<TypedNote> All(Element element, List<Finding>? findings)
    {
        var texts = element switch
        {
            ActionParagraph action => [action.Text],
            Note note => [note.Text],
            SceneHeading heading => [heading.Text],
            Speech speech => speech.Lines.Select(line => line.Text).Prepend(speech.Cue),
            _ => Enumerable.Empty<string>(),
        };
        var line = element.Line;
        foreach (var text in texts)
        {
            foreach (var (note, offset) in Markup.Notes(text))
                if (Parse(note, line + offset, findings) is { } typed) yield return typed;
            line += text.AsSpan().Count('\n') + 1;
        }
    }

    static TypedNote? Parse(string note, int line, List<Finding>? findings)
    {
        var colon = note.IndexOf(':');
        var word = (colon < 0 ? note : note[..colon]).Trim().ToLowerInvariant();
        var parts = colon < 0 ? [] : note[(colon + 1)..].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (!Words.Contains(word))
        {
            if (colon >= 0 && word.Length >= 3 && Nearest.Name(word, Words) is { } near)
                Report($"'{word}:' is not a note that Fabula knows.", $"Did you mean '{near}:'? If it is your own note, leave it.",
                    Severity.Warning);
            return null;
        }
        switch (word)
        {
            case "shot": return Shot();
            case "cut" or "continue" or "bridge" when colon < 0: return new JoinNote(line, Method(word), null);
            case "dissolve" or "fade" when colon < 0: return new JoinNote(line, Method(word), null);
            case "dissolve" or "fade": return Length() is { } join ? new JoinNote(line, Method(word), join) : null;
            case "duration": return Length() is { } duration ? new DurationNote(line, duration) : null;
            case "enter" or "exit" or "with": return People();
            case "seed":
                if (parts.Length == 1 && int.TryParse(parts[0], NumberStyles.None, null, out var seed)) return new SeedNote(line, seed);
                Report("A seed is a whole number from 0.", "Write for example [[seed: 7]].");
                return null;
            default:
                Report($"'{word}' takes nothing after a colon.", $"Write [[{word}]].");
                return null;
        }

        void Report(string problem, string fix, Severity severity = Severity.Error) =>
            findings?.Add(new(severity, $"line {line}", $"[[{(note.Length > 60 ? note[..57] + "..." : note)}]]: {problem}", fix));

        ShotNote? Shot()
        {
            ShotSize? size = null;
            CameraAngle? angle = null;
            CameraMove? move = null;
            foreach (var part in parts)
            {
                if (ShotWords.Size(part) is { } s) size = s;
                else if (ShotWords.Angle(part) is { } a) angle = a;
                else if (ShotWords.Move(part) is { } m) move = m;
                else
                {
                    Report($"'{part}' is no shot size, angle or camera movement.", Nearest.Advice(part, ShotWords.All));
                    return null;
                }
            }
            if (parts.Length > 0) return new(line, size, angle, move);
            Report("It says nothing about the shot.", "Write for example [[shot: medium, pan left]].");
            return null;
        }

        NoteLength? Length()
        {
            var length = parts.Length == 1 ? ReadLength(parts[0]) : null;
            if (length is null) Report("A length is written in seconds or frames, up to 10 minutes.",
                "Write for example 4s, 2.5s or 65 frames.");
            return length;
        }

        PeopleNote? People()
        {
            if (parts.Length > 0) return new(line, Enum.Parse<PeopleVerb>(word, ignoreCase: true), [.. parts.Select(Person)]);
            Report("It names nobody.", $"Write for example [[{word}: Ada{(word == "with" ? "" : " left")}]].");
            return null;
        }
    }

    static JoinMethod Method(string word) => Enum.Parse<JoinMethod>(word, ignoreCase: true);

    static (string, string?) Person(string part)
    {
        var space = part.LastIndexOf(' ');
        var side = space < 0 ? null : Sides.FirstOrDefault(s => s.Equals(part[(space + 1)..], StringComparison.OrdinalIgnoreCase));
        return side is null ? (part, null) : (part[..space].Trim(), side);
    }

    static NoteLength? ReadLength(string text)
    {
        var unit = text.TakeWhile(letter => char.IsAsciiDigit(letter) || letter == '.').Count();
        if (!double.TryParse(text.AsSpan(0, unit), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
            out var number)) return null;
        return text[unit..].Trim().ToLowerInvariant() switch
        {
            "s" or "sec" or "second" or "seconds" or "" when number is > 0 and <= 600 => new(number, null),
            "f" or "frame" or "frames" when number is >= 1 and <= 60_000 && number == Math.Floor(number) => new(null, (int)number),
            _ => null,
        };
    }
}
