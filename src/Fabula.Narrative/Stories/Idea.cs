// A story of one paragraph, as one would tell it: each sentence becomes a shot. A sentence
// that names another place of the bible moves there.
using Fabula.Narrative.Fountain;

namespace Fabula.Narrative;

/// <summary>An idea and the sentences in it, in order.</summary>
public sealed record Idea(string Text, IReadOnlyList<string> Sentences)
{
    public const int MaxLetters = 4_000;

    /// <exception cref="NarrativeException">Nothing is told, or it is more than one paragraph.</exception>
    public static Idea Read(string text, string source = "idea")
    {
        var lines = text.TrimStart('\uFEFF').ReplaceLineEndings("\n").Trim().Split('\n', StringSplitOptions.TrimEntries);
        if (lines
            is [""]) throw new NarrativeException($"{source}, line 1: Nothing is told here. Write a few sentences about what one sees.");
        if (Array.IndexOf(lines, "") is > 0 and var blank)
            throw new NarrativeException($"{source}, line {blank + 1}: An idea is one paragraph. "
                + "Join them, or write a screenplay with scene headings (a .fountain file).");
        var idea = string.Join(' ', lines);
        return idea.Length <= MaxLetters ? new(idea, [.. Cut(idea)])
            : throw new NarrativeException($"{source}, line 1: An idea has at most {MaxLetters:N0} letters, this one {idea.Length:N0}. "
                + "Shorten it, or write a screenplay (a .fountain file).");
    }

    /// <summary>The screenplay that tells it: a scene for each run of sentences at one place,
    /// the bible's first place to begin with.</summary>
    /// <exception cref="NarrativeException">The bible has no place.</exception>
    public Screenplay ToScreenplay(Bible bible)
    {
        if (bible.Places.Count == 0)
            throw new NarrativeException("The bible has no place for the idea to happen in. Add one under 'places'.");
        var places = new NameIndex(bible.Places.SelectMany(place =>
            place.Also.Append(place.Name).Select(name => (name.ToLowerInvariant(), place.Name))));
        var (elements, here) = (new List<Element>(), "");
        foreach (var sentence in Sentences)
        {
            var words = Word.Split(sentence);
            var named = Enumerable.Range(0, words.Count).Select(at => places.At(words, at).Id).FirstOrDefault(id => id is not null);
            var there = named ?? (here.Length > 0 ? here : bible.Places[0].Name);
            var setting = bible.Places.First(place => place.Name == there).Inside ? "INT." : "EXT.";
            if (there != here) elements.Add(new SceneHeading($"{setting} {there.ToUpperInvariant()}"));
            elements.Add(new ActionParagraph(sentence));
            here = there;
        }
        return new([], elements);
    }

    /// <summary>A sentence ends with . ! ? before a blank and a capital, or at the end.</summary>
    static IEnumerable<string> Cut(string text)
    {
        var start = 0;
        for (var i = 0; i + 2 < text.Length; i++)
            if (text[i] is '.' or '!' or '?' && text[i + 1] == ' ' && !char.IsLower(text[i + 2]))
            {
                yield return text[start..(i + 1)].Trim();
                start = i + 1;
            }
        if (text[start..].Trim() is { Length: > 0 } rest) yield return rest;
    }
}
