// What a screenplay is made of: one record for each element of Fountain 1.1 (https://fountain.io/syntax).
// Text is the markup as written (emphasis, inline notes and boneyards included; line ends as \n); Markup.Plain gives the words alone.
namespace Fabula.Narrative.Fountain;

/// <summary>One element. Equality is about content: where it stood, and how exactly it was written, do not count.</summary>
public abstract record Element
{
    private protected Element() { }

    /// <summary>A copy is an edited element: it keeps its line for messages, and loses the exact text it was read from.</summary>
    protected Element(Element original) => Line = original.Line;

    /// <summary>First line in the source, from 1; 0 for an element that was never in a file.</summary>
    public int Line { get; init; }

    /// <summary>The exact text this was read from, up to the next element; null when it was made or edited by a program.</summary>
    internal string? Raw { get; set; }

    public virtual bool Equals(Element? other) => other is not null && EqualityContract == other.EqualityContract;

    public override int GetHashCode() => EqualityContract.GetHashCode();
}

/// <summary>INT. LAMP ROOM - NIGHT #12A#; forced with a leading full stop. The number is kept as written, without its signs.</summary>
public sealed record SceneHeading(string Text, string? Number = null) : Element;

/// <summary>A paragraph of description. Line breaks and indentation are the author's.</summary>
public sealed record ActionParagraph(string Text) : Element;

/// <summary>A cue and what is said under it. Dual: spoken at the same time as the speech before.</summary>
public sealed record Speech(string Cue, bool Dual, IReadOnlyList<SpeechLine> Lines) : Element
{
    /// <summary>The name alone, without extensions: "ADA" of "ADA (V.O.)".</summary>
    public string Name => Extensions() is var (name, _) ? name : "";

    /// <summary>What stands in brackets after the name, without the brackets: "V.O.", "CONT'D"; empty if nothing.</summary>
    public string Extension => Extensions() is var (_, extension) ? extension : "";

    /// <summary>Heard and not seen: (V.O.), (O.S.), (O.C.), with or without their full stops.</summary>
    public bool OffScreen => Extension.Replace(".", "").Replace(" ", "").ToUpperInvariant() is var cue
        && (cue.StartsWith("VO", StringComparison.Ordinal) || cue.StartsWith("OS", StringComparison.Ordinal)
            || cue.StartsWith("OC", StringComparison.Ordinal));

    public bool Equals(Speech? other) =>
        base.Equals(other) && Cue == other.Cue && Dual == other.Dual && Lines.SequenceEqual(other.Lines);

    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), Cue, Dual, Lines.Count);

    (string, string) Extensions()
    {
        var plain = Markup.Plain(Cue);
        var open = plain.IndexOf('(');
        return open < 0 ? (plain.Trim(), "") : (plain[..open].Trim(), plain[(open + 1)..].Trim().TrimEnd(')').Trim());
    }
}

public enum SpeechKind { Dialogue, Parenthetical, Lyric }

/// <summary>One line under a cue; a parenthetical without its brackets, a lyric without its tilde. An empty dialogue line is a
/// blank line held by two spaces.</summary>
public sealed record SpeechLine(SpeechKind Kind, string Text);

/// <summary>A sung line outside speech (~).</summary>
public sealed record Lyric(string Text) : Element;

/// <summary>CUT TO:, or forced with &gt;.</summary>
public sealed record TransitionLine(string Text) : Element;

/// <summary>&gt; THE END &lt;</summary>
public sealed record CentredText(string Text) : Element;

/// <summary># Act, ## Sequence, ### and so on; level from 1.</summary>
public sealed record Section(int Level, string Text) : Element;

/// <summary>= What the following scene or section is about.</summary>
public sealed record Synopsis(string Text) : Element;

/// <summary>===</summary>
public sealed record PageBreak : Element;

/// <summary>A line of nothing but notes, with their brackets: [[shot: close]].</summary>
public sealed record Note(string Text) : Element;

/// <summary>A line (or many) cut out of the script, with its signs: /* ... */.</summary>
public sealed record Boneyard(string Text) : Element;

/// <summary>Key: value, or a key with indented lines under it.</summary>
public sealed record TitleEntry(string Key, IReadOnlyList<string> Values) : Element
{
    public bool Equals(TitleEntry? other) => base.Equals(other) && Key == other.Key && Values.SequenceEqual(other.Values);

    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), Key, Values.Count);
}
