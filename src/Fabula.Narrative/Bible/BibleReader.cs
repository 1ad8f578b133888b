// bible.yaml -> Bible. Everything that is not understood is refused, with the nearest thing that would be.
using System.Globalization;

namespace Fabula.Narrative;

public static class BibleReader
{
    /// <summary>Reads a bible; <paramref name="source"/> is the file's name in messages.</summary>
    /// <exception cref="NarrativeException">The text is not a bible; the message names the line and the fix.</exception>
    public static Bible Read(string text, string source = "bible.yaml")
    {
        var reader = new Fields(source);
        if (SafeYaml.Read(text, source) is not YamlMap root)
            throw new NarrativeException($"{source}, line 1: A bible is a map. Begin it with 'people:'.");
        reader.Only(root, "bible", "title", "style", "film", "people", "places", "props");
        var bible = new Bible
        {
            Title = reader.OptionalText(root, "title"),
            Style = Style(reader, root),
            Film = Film(reader, root),
            People = [.. reader.Named(root, "people").Select(entry => Person(reader, entry.Id, entry.Value))],
            Places = [.. reader.Named(root, "places").Select(entry => Place(reader, entry.Id, entry.Value))],
            Props = [.. reader.Named(root, "props").Select(entry => Prop(reader, entry.Id, entry.Value))],
        };
        NamesOnce(bible, source);
        return bible;
    }

    static BibleStyle Style(Fields reader, YamlMap root)
    {
        if (Fields.Find(root, "style") is not { } node) return new();
        if (node is YamlText look) return new(look.Text.Trim());
        var map = reader.Map(node, "style");
        reader.Only(map, "style", "look", "avoid");
        return new(reader.OptionalText(map, "look") ?? "", reader.OptionalText(map, "avoid") ?? "");
    }

    static BibleFilm Film(Fields reader, YamlMap root)
    {
        var film = new BibleFilm();
        if (Fields.Find(root, "film") is not { } node) return film;
        var map = reader.Map(node, "film");
        reader.Only(map, "film", "width", "height", "rate", "frames", "seed");
        film = new(
            reader.Number(map, "width", film.Width, 16, 8192), reader.Number(map, "height", film.Height, 16, 8192),
            reader.Number(map, "rate", film.Rate, 1, 120), reader.Number(map, "frames", film.Frames, 1, 100_001),
            reader.Number(map, "seed", film.Seed, 0, int.MaxValue));
        return film.Frames % 4 == 1 ? film
            : throw reader.Error(map, $"'frames' is {film.Frames}, and the models make 4n+1 frames.",
                $"Write {(film.Frames - 1) / 4 * 4 + 1} or {(film.Frames - 1) / 4 * 4 + 5}.");
    }

    static BiblePerson Person(Fields reader, YamlText id, YamlNode node)
    {
        if (node is YamlText looks) return new(id.Text, NameOf(id.Text), looks.Text.Trim(), [], [], id.Line);
        var map = reader.Map(node, id.Text);
        reader.Only(map, $"person '{id.Text}'", "name", "looks", "also", "pictures");
        return new(id.Text, reader.OptionalText(map, "name") ?? NameOf(id.Text), reader.Text(map, "looks", id.Text),
            reader.Texts(map, "also"), reader.Pictures(map), id.Line);
    }

    static BiblePlace Place(Fields reader, YamlText id, YamlNode node)
    {
        if (node is YamlText looks) return new(id.Text, NameOf(id.Text), false, looks.Text.Trim(), [], [], id.Line);
        var map = reader.Map(node, id.Text);
        reader.Only(map, $"place '{id.Text}'", "name", "inside", "looks", "also", "pictures", "door");
        var hours = reader.PicturesAt(map);
        return new(id.Text, reader.OptionalText(map, "name") ?? NameOf(id.Text), reader.YesNo(map, "inside"),
            reader.Text(map, "looks", id.Text), reader.Texts(map, "also"),
            hours is null ? reader.Pictures(map) : [hours.First().Value], id.Line)
        {
            PicturesAt = hours,
            Door = Fields.Find(map, "door") is null ? null : reader.Number(map, "door", 0, 0, 100),
        };
    }

    static BibleProp Prop(Fields reader, YamlText id, YamlNode node)
    {
        if (node is YamlText looks) return new(id.Text, NameOf(id.Text), looks.Text.Trim(), [], id.Line);
        var map = reader.Map(node, id.Text);
        reader.Only(map, $"prop '{id.Text}'", "name", "looks", "pictures", "size", "held");
        return new(id.Text, reader.OptionalText(map, "name") ?? NameOf(id.Text), reader.Text(map, "looks", id.Text),
            reader.Pictures(map), id.Line, Fields.Find(map, "size") is null ? null : reader.Number(map, "size", 0, 1, PlanProp.Largest),
            reader.Word<PropHold>(map, "held"));
    }

    /// <summary>lamp_room -> Lamp room</summary>
    static string NameOf(string id) => char.ToUpperInvariant(id[0]) + id[1..].Replace('_', ' ').Replace('-', ' ');

    /// <summary>Two people (or two places) with one name could never be told apart in a screenplay.</summary>
    static void NamesOnce(Bible bible, string source)
    {
        Once(bible.People.Select(person => (person.Line, person.Id, Names: person.Also.Append(person.Name))), "people");
        Once(bible.Places.Select(place => (place.Line, place.Id, Names: place.Also.Append(place.Name))), "places");

        void Once(IEnumerable<(int Line, string Id, IEnumerable<string> Names)> entries, string kind)
        {
            var known = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            foreach (var (line, id, names) in entries)
                foreach (var name in names.Append(id).Distinct(StringComparer.OrdinalIgnoreCase))
                    if (!known.TryAdd(name, id))
                        throw new NarrativeException(
                            $"{source}, line {line}: '{id}' and '{known[name]}' are both called '{name}' in {kind}. Rename one of them.");
        }
    }
}

/// <summary>Typed access to the maps of one file, with errors that name the file and the line.</summary>
sealed class Fields(string source)
{
    public NarrativeException Error(YamlNode at, string problem, string fix) => new($"{source}, line {at.Line}: {problem} {fix}");

    public void Only(YamlMap map, string what, params string[] known)
    {
        foreach (var (key, _) in map.Entries)
            if (!known.Contains(key.Text)) throw Error(key, $"A {what} has no '{key.Text}'.", Nearest.Advice(key.Text, known));
    }

    /// <summary>The value of a key; null where it is missing or empty.</summary>
    public static YamlNode? Find(YamlMap map, string key)
    {
        var value = map.Entries.FirstOrDefault(entry => entry.Key.Text == key).Value;
        return value is YamlText { Quoted: false, Text: "" or "~" or "null" } ? null : value;
    }

    public YamlMap Map(YamlNode node, string key) =>
        node as YamlMap ?? throw Error(node, $"'{key}' is not a map.", "Write its fields on indented lines below it, as 'key: value'.");

    public string? OptionalText(YamlMap map, string key) => Find(map, key) is { } node ? Plain(node, key) : null;

    public string Text(YamlMap map, string key, string of) =>
        OptionalText(map, key) ?? throw Error(map, $"'{of}' has no '{key}'.", $"Add a line '{key}: ...' that says what one sees.");

    public IReadOnlyList<string> Texts(YamlMap map, string key) => Find(map, key) switch
    {
        null => [],
        YamlList list => [.. list.Items.Select(item => Plain(item, key))],
        var node => [Plain(node, key)],
    };

    public int Number(YamlMap map, string key, int usual, int least, int most)
    {
        if (Find(map, key) is not { } node) return usual;
        return int.TryParse(Plain(node, key), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= least && number <= most ? number
            : throw Error(node, $"'{key}' is '{Plain(node, key)}'.", $"Write a whole number from {least} to {most}.");
    }

    /// <summary>One of the words of an enum, in small letters; null where the key is missing.</summary>
    public T? Word<T>(YamlMap map, string key) where T : struct, Enum
    {
        if (Find(map, key) is not { } node) return null;
        var words = Enum.GetNames<T>().Select(name => name.ToLowerInvariant()).ToList();
        var word = Plain(node, key);
        return words.Contains(word) ? Enum.Parse<T>(word, ignoreCase: true)
            : throw Error(node, $"'{key}' is '{word}'.", Nearest.Advice(word, words));
    }

    public bool YesNo(YamlMap map, string key) => Find(map, key) is not { } node ? false : Plain(node, key).ToLowerInvariant() switch
    {
        "true" or "yes" => true,
        "false" or "no" => false,
        var other => throw Error(node, $"'{key}' is '{other}'.", "Write yes or no."),
    };

    /// <summary>The entries of a map from id to thing; ids are small words, since they become names of files.</summary>
    public IEnumerable<(YamlText Id, YamlNode Value)> Named(YamlMap root, string key)
    {
        if (Find(root, key) is not { } node) yield break;
        foreach (var (id, value) in Map(node, key).Entries)
        {
            if (!PlanIds.IsId(id.Text))
                throw Error(id, $"'{id.Text}' cannot be an id.",
                    $"Use small letters, digits, - and _, as in '{PlanIds.Slug(id.Text, 6)}'.");
            yield return (id, value);
        }
    }

    /// <summary>Paths inside the production folder: relative, with no step out of it.</summary>
    public IReadOnlyList<string> Pictures(YamlMap map)
    {
        foreach (var path in Texts(map, "pictures")) Inside(Find(map, "pictures")!, path);
        return Texts(map, "pictures");
    }

    /// <summary>Pictures by hour: 'pictures: { day: pictures/park.png, night: pictures/dark.png }'; null for any other form.</summary>
    public IReadOnlyDictionary<string, string>? PicturesAt(YamlMap map)
    {
        if (Find(map, "pictures") is not YamlMap { Entries.Count: > 0 } hours) return null;
        Only(hours, "place's pictures", [.. BiblePlace.Hours]);
        foreach (var (hour, path) in hours.Entries) Inside(path, Plain(path, hour.Text));
        return hours.Entries.ToDictionary(entry => entry.Key.Text, entry => Plain(entry.Value, entry.Key.Text));
    }

    void Inside(YamlNode at, string path)
    {
        if (!ProductionPath.IsInside(path))
            throw Error(at, $"The picture '{path}' lies outside the production folder.",
                "Copy it into the folder and name it from there, as in 'pictures/ada.png'.");
    }

    string Plain(YamlNode node, string key) =>
        node is YamlText text ? text.Text.Trim() : throw Error(node, $"'{key}' is not plain text.", "Write one value after the colon.");
}
