// Who is named in an action, who comes and who goes, from the plain words. The rules are in
// docs/screenplay.md; a note always wins over them.
namespace Fabula.Narrative;

enum Step { Enter, Exit }

/// <summary>People named in the order met, and their comings and goings in order. Pronoun: someone is meant but not named.</summary>
sealed record Presence(IReadOnlyList<string> Named, IReadOnlyList<(string Id, Step Step, string? Side)> Steps, bool Pronoun)
{
    static readonly HashSet<string> Enters = ["enter", "enters", "arrive", "arrives"];
    static readonly HashSet<string> Exits = ["exit", "exits", "leave", "leaves"];
    static readonly HashSet<string> Moves =
        ["walk", "walks", "come", "comes", "run", "runs", "step", "steps", "go", "goes", "hurry", "hurries", "climb", "climbs", "rush",
            "rushes"];
    static readonly HashSet<string> Articles = ["the", "a", "an", "his", "her", "their", "my"];
    static readonly HashSet<string> Pronouns = ["he", "she", "they", "him", "them"];
    static readonly HashSet<string> Between = ["then", "also", "both", "now", "quickly", "slowly", "quietly", "softly"];

    public static Presence Of(string action, NameIndex people, IReadOnlyList<string> before)
    {
        var words = Word.Split(action);
        var (named, steps, pronoun) = (new List<string>(), new List<(string, Step, string?)>(), false);
        List<string> first = [], run = [];                                  // the sentence's first people, and those just named
        var gap = 0;
        for (var i = 0; i < words.Count;)
        {
            if (words[i].First) (first, run, gap) = ([], [], 0);
            var (id, length) = people.At(words, i);
            if (id is not null)
            {
                if (gap > 0) run = [];
                run = [.. run, id];
                if (first.Count == 0 || first.SequenceEqual(run.SkipLast(1))) first = run;
                if (!named.Contains(id)) named.Add(id);
                gap = 0;
            }
            else if (Pronouns.Contains(words[i].Lower))
            {
                pronoun = true;
                if (first.Count == 0) first = run = named.Count > 0 ? [named[^1]] : [.. before];
                gap = 0;
            }
            else if (Verb(words, i) is { } step && Subject(words, i, first, run, gap) is { Count: > 0 } who)
            {
                var side = Side(words, i);
                foreach (var person in who) steps.Add((person, step, side));
                gap = 1;
            }
            else if (words[i].Lower is not "and" && !Between.Contains(words[i].Lower)) gap++;
            i += length;
        }
        return new(named, steps, pronoun && named.Count == 0);
    }

    /// <summary>"Ada waves to Ben and leaves": behind "and" it is the sentence's first people;
    /// otherwise those right before the verb.</summary>
    static List<string> Subject(List<Word> words, int at, List<string> first, List<string> run, int gap) =>
        at > 0 && words[at - 1].Lower == "and" ? first : gap == 0 ? run : [];

    static Step? Verb(List<Word> words, int at)
    {
        var word = words[at].Lower;
        if (Enters.Contains(word)) return Step.Enter;
        if (Exits.Contains(word)) return Step.Exit;
        if (!Moves.Contains(word) || words[at].Stop || at + 1 >= words.Count) return null;
        return words[at + 1].Lower switch
        {
            "in" when words[at + 1].Stop || at + 2 >= words.Count || !Articles.Contains(words[at + 2].Lower) => Step.Enter,
            "into" or "inside" => Step.Enter,
            "out" or "away" or "off" => Step.Exit,
            _ => null,
        };
    }

    /// <summary>"from the left", "to the right", "through the door", in the rest of the sentence.</summary>
    static string? Side(List<Word> words, int at)
    {
        for (var i = at; i < words.Count; i++)
        {
            if (i > at && words[i].First) return null;
            if (words[i].Lower is "left" or "right" or "door" && i > at && words[i - 1].Lower == "the") return words[i].Lower;
        }
        return null;
    }
}
