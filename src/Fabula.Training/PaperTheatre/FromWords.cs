// The other way round: from the words of Captions to what they describe. For reference pictures of people and places that a bible gives in
// words, and for knowing whether the theatre can draw them at all.
namespace Fabula.Training.PaperTheatre;

public static class FromWords
{
    /// <summary>Words that say nothing by themselves.</summary>
    static readonly HashSet<string> Glue = ["a", "an", "and", "with", "in", "the", "wears", "has", "is"];

    /// <summary>"an old man with tanned skin, short white hair, a beard, a blue jumper and grey trousers".</summary>
    /// <exception cref="FormatException">A word cannot be drawn, or it is not said who it is; the message says what is known.</exception>
    public static Person Person(string text)
    {
        var words = new Words(text);
        var kind = words.Find<Kind>() ?? throw words.Missing("who it is", Phrases<Kind>());
        var female = kind is Kind.Woman or Kind.Girl or Kind.OldWoman;
        var height = words.Before<Height>();
        var skin = words.Find<Skin>() ?? Skin.Tan;
        var (style, hair) = words.Find<HairStyle, HairColour>("HairStyle", "{hair}")
            ?? throw words.Missing("hair", [.. Phrases<HairStyle>().Select(way => way.Replace("{hair}", "brown"))]);
        var (hat, hatColour) = words.Find<Hat, HatColour>("Hat", "{colour}") ?? (Hat.None, HatColour.Red);
        var (pattern, top) = words.Find<Pattern, TopColour>(female ? "Dress" : "Shirt", "{top}")
            ?? throw words.Missing(female ? "a dress" : "a shirt", [female ? "a red dress" : "a red shirt"]);
        var person = new Person(kind, skin, hair, style, top, pattern, hat, hatColour, height ?? Height.Average,
            words.Take("Glasses"), words.Take("Beard"), words.Find<Trousers>() ?? Trousers.Navy);
        words.EnsureAllRead();
        if (!PaperTheatre.Person.Styles(kind).Contains(style) || !PaperTheatre.Person.Hairs(kind).Contains(hair))
            throw new FormatException($"The theatre draws no {Lexicon.Ways($"Kind.{kind}")[0]} with {hair} hair worn as {style}. "
                + $"It has {string.Join(", ", PaperTheatre.Person.Hairs(kind).ToArray())} as "
                + $"{string.Join(", ", PaperTheatre.Person.Styles(kind).ToArray())}.");
        return person;
    }

    /// <summary>"on the beach early in the morning with a yellow parasol".</summary>
    /// <exception cref="FormatException">A word cannot be drawn, or it is not said where it is.</exception>
    public static Location Location(string text)
    {
        var words = new Words(text);
        var place = words.Find<Place>() ?? throw words.Missing("where it is", Phrases<Place>());
        var time = words.Find<TimeOfDay>() ?? TimeOfDay.Day;
        var accent = words.FindFilled<Accent>($"Detail.{place}", "{accent}") ?? Accent.Red;
        words.EnsureAllRead();
        return new(place, time, accent);
    }

    /// <summary>"a basket of apples", "a teddy bear": what people carry.</summary>
    /// <exception cref="FormatException">A word cannot be drawn, or nothing is named.</exception>
    public static Carried Thing(string text)
    {
        var words = new Words(text);
        var thing = words.Carries() ?? throw words.Missing("what people carry", Phrases<Carried>());
        words.EnsureAllRead();
        return thing;
    }

    static List<string> Phrases<T>() where T : struct, Enum =>
        [.. Enum.GetValues<T>().Where(value => Lexicon.Has($"{typeof(T).Name}.{value}"))
            .SelectMany(value => Lexicon.Ways($"{typeof(T).Name}.{value}"))];

    /// <summary>The words of a text, of which each is read once.</summary>
    sealed class Words(string text)
    {
        readonly List<string> _words = [.. Lexicon.Split(text)];
        readonly HashSet<int> _read = [];
        int _kindAt = -1;

        /// <summary>The value with the longest way of saying that the text holds.</summary>
        public T? Find<T>() where T : struct, Enum
        {
            var found = Longest(Enum.GetValues<T>().Where(value => Lexicon.Has($"{typeof(T).Name}.{value}"))
                .SelectMany(value => Lexicon.Ways($"{typeof(T).Name}.{value}").Select(way => (way, value))));
            if (found is { } match && typeof(T) == typeof(Kind)) _kindAt = match.At;
            return found?.Value;
        }

        /// <summary>A height stands right before the kind: "a short man with short hair".</summary>
        public T? Before<T>() where T : struct, Enum
        {
            if (_kindAt <= 0) return null;
            foreach (var value in Enum.GetValues<T>().Where(value => Lexicon.Has($"{typeof(T).Name}.{value}")))
                if (Lexicon.Ways($"{typeof(T).Name}.{value}").Contains(_words[_kindAt - 1]) && _read.Add(_kindAt - 1)) return value;
            return null;
        }

        public (TShape, TColour)? Find<TShape, TColour>(string entry, string gap)
            where TShape : struct, Enum where TColour : struct, Enum =>
            Longest(from shape in Enum.GetValues<TShape>()
                    where Lexicon.Has($"{entry}.{shape}")
                    from way in Lexicon.Ways($"{entry}.{shape}")
                    from colour in Enum.GetValues<TColour>()
                    from name in Lexicon.Ways($"{typeof(TColour).Name}.{colour}")
                    select (way.Replace(gap, name), (shape, colour)))?.Value;

        public TColour? FindFilled<TColour>(string entry, string gap) where TColour : struct, Enum => !Lexicon.Has(entry) ? null
            : Longest(from way in Lexicon.Ways(entry)
                      from colour in Enum.GetValues<TColour>()
                      from name in Lexicon.Ways($"{typeof(TColour).Name}.{colour}")
                      select (way.Replace(gap, name), colour))?.Value;

        /// <summary>Of each way to say that somebody carries something its noun: "box", "basket of apples".</summary>
        public Carried? Carries() => Longest(from thing in Enum.GetValues<Carried>()
                                             from way in Lexicon.Ways($"Carried.{thing}")
                                             select (string.Join(' ', Lexicon.Split(way).Skip(1)), thing))?.Value;

        public bool Take(string entry) => Longest(Lexicon.Ways(entry).Select(way => (way, true))) is not null;

        public void EnsureAllRead()
        {
            if (_words.Index().FirstOrDefault(word => !_read.Contains(word.Index) && !Glue.Contains(word.Item)) is { Item: { } unread })
                throw new FormatException($"'{unread}' in '{text}' is nothing that the theatre can draw there. Leave it out, or say it in "
                    + "the words of docs/paper-theatre.md.");
        }

        public FormatException Missing(string what, IReadOnlyList<string> known) =>
            new($"'{text}' does not say {what}. Write for example: {string.Join(", ", known.Take(8))}.");

        (T Value, int At)? Longest<T>(IEnumerable<(string Way, T Value)> ways)
        {
            ((T Value, int At) Found, int Words)? best = null;
            foreach (var (way, value) in ways)
            {
                var phrase = Lexicon.Split(way).SkipWhile(word => word is "a" or "an").ToList();
                for (var at = 0; phrase.Count > (best?.Words ?? 0) && at + phrase.Count <= _words.Count; at++)
                    if (phrase.Index().All(word => _words[at + word.Index] == word.Item && !_read.Contains(at + word.Index)))
                        best = ((value, at), phrase.Count);
            }
            if (best is not { } match) return null;
            for (var i = 0; i < match.Words; i++) _read.Add(match.Found.At + i);
            return match.Found;
        }
    }
}
