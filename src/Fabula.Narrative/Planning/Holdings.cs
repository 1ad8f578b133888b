// Who carries what, from the plain words of the actions: "holding a teddy bear", "gives the basket to Leo". The rules are in
// docs/screenplay.md. Pure: from the first shot to the last, each knows what the shots before it left in whose hands.
namespace Fabula.Narrative;

static class Holdings
{
    static readonly HashSet<string> Has = ["holding", "holds", "hold", "carrying", "carries", "carry", "has", "have", "having", "with",
        "under", "bringing", "brings", "bring"];
    static readonly HashSet<string> Takes = ["takes", "take", "taking", "picks", "pick", "picking", "gets", "get", "finds", "find", "grabs",
        "grab", "catches", "catch", "receives", "receive", "lifts", "lift"];
    static readonly HashSet<string> Drops = ["drops", "drop", "dropping", "puts", "put", "putting", "leaves", "leave", "leaving", "forgets",
        "forget", "loses", "lose", "without"];
    static readonly HashSet<string> Gives = ["gives", "give", "giving", "hands", "hand", "handing", "passes", "pass", "passing", "returns",
        "return", "returning", "offers", "offer", "offering"];
    static readonly HashSet<string> Pronouns = ["he", "she", "they"];

    /// <summary>Words between a verb and its thing, and between a thing and "to Leo".</summary>
    const int FarthestVerb = 6, FarthestReceiver = 4;

    /// <param name="Giver">Who does it; To is with "gives" who gets the thing.</param>
    readonly record struct Deed(HashSet<string> Verb, string Prop, string Giver, string? To);

    /// <summary>
    /// The shots with what their people carry. Within a scene whoever has a thing keeps it; whoever leaves with it has it in the next
    /// scene.
    /// </summary>
    public static List<PlanShot> Fill(IEnumerable<PlanShot> shots, IEnumerable<PlanCharacter> characters, IEnumerable<PlanProp> props)
    {
        var people = new NameIndex(characters.SelectMany(person => person.Aliases.Append(person.Name).Append(person.Id)
            .Select(name => (name, person.Id))));
        var things = new NameIndex(props.SelectMany(prop => new[] { prop.Name, prop.Id.Replace('_', ' ') }
            .Select(name => (name.ToLowerInvariant(), prop.Id))));
        var (held, left, scene) = (new SortedDictionary<string, string>(StringComparer.Ordinal), new HashSet<string>(), "");
        var made = new List<PlanShot>();
        foreach (var shot in shots)
        {
            if (shot.Scene != scene)
            {
                foreach (var (prop, who) in held.ToList())
                    if (!left.Contains(who)) held.Remove(prop);
                (left, scene) = ([], shot.Scene);
            }
            var deeds = Read(shot, people, things);
            var start = Begin(held, deeds);
            held = After(start, deeds);
            var cast = shot.Start.Union(shot.End).ToHashSet();
            SortedDictionary<string, string> Seen(SortedDictionary<string, string> all) =>
                new(all.Where(pair => cast.Contains(pair.Value)).ToDictionary(), StringComparer.Ordinal);
            var (first, last) = (Seen(start), Seen(held));
            made.Add(shot with
            {
                StartProps = first.Count > 0 ? first : null,
                EndProps = first.SequenceEqual(last) ? null : last,
            });
            left.UnionWith(shot.Start.Except(shot.End));
            left.ExceptWith(shot.End);
        }
        return made;
    }

    /// <summary>Whoever is said to have something has that alone; who gives or loses something had it.</summary>
    static SortedDictionary<string, string> Begin(SortedDictionary<string, string> held, IReadOnlyList<Deed> deeds)
    {
        var start = new SortedDictionary<string, string>(held, StringComparer.Ordinal);
        foreach (var who in deeds.Where(deed => deed.Verb == Has).Select(deed => deed.Giver).Distinct())
            foreach (var (prop, _) in start.Where(pair => pair.Value == who && !deeds.Any(deed => deed.Prop == pair.Key)).ToList())
                start.Remove(prop);
        foreach (var deed in deeds.DistinctBy(deed => deed.Prop))
            if (deed.Verb != Takes) start[deed.Prop] = deed.Giver;
        return start;
    }

    static SortedDictionary<string, string> After(SortedDictionary<string, string> start, IReadOnlyList<Deed> deeds)
    {
        var end = new SortedDictionary<string, string>(start, StringComparer.Ordinal);
        foreach (var deed in deeds)
            if (deed.Verb == Drops) end.Remove(deed.Prop);
            else end[deed.Prop] = deed.To ?? deed.Giver;
        return end;
    }

    static List<Deed> Read(PlanShot shot, NameIndex people, NameIndex things)
    {
        var words = Word.Split(shot.Action);
        var deeds = new List<Deed>();
        var cast = shot.Start.Union(shot.End).ToList();
        var named = new List<(int At, string Id)>();
        for (var i = 0; i < words.Count;)
        {
            var (id, length) = people.At(words, i);
            if (id is null && Pronouns.Contains(words[i].Lower)) id = named.Count > 0 ? named[^1].Id : cast is [var only] ? only : null;
            if (id is not null) named.Add((i, id));
            else if (things.At(words, i) is ({ } prop, var many))
            {
                if (Of(words, i, many, prop, named, people, cast) is { } deed) deeds.Add(deed);
                length = many;
            }
            i += length;
        }
        return deeds;
    }

    /// <summary>What is done with a thing that is named: by the verb before it and the person before that, in one sentence.</summary>
    static Deed? Of(List<Word> words, int at, int length, string prop, List<(int At, string Id)> named, NameIndex people, List<string> cast)
    {
        for (var i = at - 1; i >= Math.Max(0, at - FarthestVerb) && !words[i].Stop; i--)
        {
            var between = named.Where(person => person.At > i).Select(person => person.Id).LastOrDefault();
            if (new[] { Has, Takes, Drops, Gives }.FirstOrDefault(verbs => verbs.Contains(words[i].Lower)) is not { } verb) continue;
            // "talks with Nora about the book" says nothing of who has it.
            if (words[i].Lower is "with" or "under" && between is not null) return null;
            var sentence = i;
            while (sentence > 0 && !words[sentence].First) sentence--;
            var who = named.Where(person => person.At < i && person.At >= sentence).Select(person => person.Id).LastOrDefault()
                ?? (cast is [var only] ? only : null);
            if (who is null) return null;
            if (verb != Gives) return new(verb, prop, who, null);
            return (between ?? Receiver(words, at + length, people)) is { } to ? new(Gives, prop, who, to) : new(Has, prop, who, null);
        }
        return null;
    }

    /// <summary>"... to Leo".</summary>
    static string? Receiver(List<Word> words, int from, NameIndex people)
    {
        for (var i = from; i < Math.Min(words.Count, from + FarthestReceiver) && !words[i].First && !(i > 0 && words[i - 1].Stop); i++)
            if (words[i].Lower == "to" && i + 1 < words.Count) return people.At(words, i + 1).Id;
        return null;
    }
}
