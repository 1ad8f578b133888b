// Finding the bible's people (or places) in a sentence.
namespace Fabula.Narrative;

/// <summary>A word of a text, without its punctuation; Stop: a sentence ends behind it.</summary>
readonly record struct Word(string Text, bool Stop, bool First)
{
    public string Lower { get; } = Text.ToLowerInvariant();

    public bool Capital => char.IsUpper(Text[0]);

    /// <summary>The words of a text; an apostrophe with what follows ("Ada's") is left out.</summary>
    public static List<Word> Split(string text)
    {
        var (words, first) = (new List<Word>(), true);
        for (var i = 0; i < text.Length;)
        {
            if (!char.IsLetterOrDigit(text[i]))
            {
                if (text[i] is '.' or '!' or '?' or ';' && words.Count > 0)
                {
                    words[^1] = words[^1] with { Stop = true };
                    first = true;
                }
                i++;
                continue;
            }
            var end = i;
            while (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] == '-')) end++;
            words.Add(new(text[i..end].TrimEnd('-'), false, first));
            first = false;
            if (end < text.Length && text[end] is '\'' or '’') for (end++; end < text.Length && char.IsLetter(text[end]);) end++;
            i = end;
        }
        return words;
    }
}

/// <summary>Names of one or several words. A name that is written with a capital is found only with one ("Will", never "will").</summary>
sealed class NameIndex
{
    readonly Dictionary<string, List<(string[] Words, bool Capital, string Id)>> byFirst = [];
    readonly Dictionary<string, string> whole = new(StringComparer.OrdinalIgnoreCase);

    public NameIndex(IEnumerable<(string Name, string Id)> names)
    {
        foreach (var (name, id) in names)
        {
            whole.TryAdd(name, id);
            var words = Word.Split(name);
            if (words.Count == 0) continue;
            if (!byFirst.TryGetValue(words[0].Lower, out var list)) byFirst[words[0].Lower] = list = [];
            list.Add(([.. words.Select(word => word.Lower)], words[0].Capital, id));
            list.Sort((a, b) => b.Words.Length.CompareTo(a.Words.Length)); // "Old Tom" before "Old"
        }
    }

    public IReadOnlyCollection<string> Names => whole.Keys;

    /// <summary>The id of a whole name, in any letters; null if it is not known.</summary>
    public string? Find(string name)
    {
        if (whole.TryGetValue(name.Trim(), out var id)) return id;
        var bare = name.Trim();
        return bare.StartsWith("the ", StringComparison.OrdinalIgnoreCase) && whole.TryGetValue(bare[4..], out id) ? id : null;
    }

    /// <summary>Id and number of words of the name that begins at a word; (null, 1) if none does.</summary>
    public (string? Id, int Words) At(List<Word> words, int at)
    {
        if (byFirst.TryGetValue(words[at].Lower, out var list))
            foreach (var (name, capital, id) in list)
                if ((!capital || words[at].Capital) && at + name.Length <= words.Count
                    && name.Index().All(part => words[at + part.Index].Lower == part.Item)) return (id, name.Length);
        return (null, 1);
    }
}
