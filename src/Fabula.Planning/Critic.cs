// What can be known to be wrong with an answer, in sentences that go back to the model. Nothing that a model says passes unchecked.
using System.Text.Json;
using Fabula.Narrative;

namespace Fabula.Planning;

static class Critic
{
    public const int MaxText = 600, MaxFindings = 12;

    /// <summary>The answer as the agent's record, or null with findings: JSON, schema, and every text in it.</summary>
    public static (T? Answer, IReadOnlyList<string> Findings) Read<T>(Agent<T> agent, ChatAnswer said) where T : class
    {
        if (said.Cut is { } cut) return (null, [cut]);
        try
        {
            var answer = StrictJson.Read(said.Text, agent.Type, "answer");
            using var document = JsonDocument.Parse(said.Text);
            var findings = Texts(document.RootElement, "$").Take(MaxFindings).ToList();
            return findings.Count == 0 ? (answer, []) : (null, findings);
        }
        catch (Exception e) when (e is NarrativeException or JsonException or InvalidOperationException)
        {
            // InvalidOperationException: half a letter of two halves, which JSON can write and no text can hold.
            return (null, [Shown(e.Message)]);
        }
    }

    static IEnumerable<string> Texts(JsonElement json, string path) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().SelectMany(field => Texts(field.Value, $"{path}.{field.Name}")),
        JsonValueKind.Array => json.EnumerateArray().Index().SelectMany(item => Texts(item.Item, $"{path}[{item.Index}]")),
        JsonValueKind.String => Text(json.GetString()!, path),
        _ => [],
    };

    static IEnumerable<string> Text(string text, string path)
    {
        if (string.IsNullOrWhiteSpace(text)) yield return $"{path} is empty. Write it.";
        if (text.Length > MaxText) yield return $"{path} has {text.Length} letters. Write at most {MaxText}.";
        if (text.Any(IsHidden)) yield return $"{path} has line ends, control characters or marks of direction. Write one plain line.";
    }

    /// <summary>Control characters, and marks that turn the direction of what follows.</summary>
    static bool IsHidden(char letter) => char.IsControl(letter) || letter is >= '\u202A' and <= '\u202E' or >= '\u2066' and <= '\u2069'
        or '\u2028' or '\u2029';

    public static IEnumerable<string> Count(string what, int count, int least, int most)
    {
        if (count < least || count > most) yield return $"There are {count} {what}. Write {least} to {most}.";
    }

    /// <summary>Ids that can be ids, and neither id nor name twice.</summary>
    public static IEnumerable<string> Named(string list, IEnumerable<(string Id, string Name)> entries)
    {
        var (ids, names) = (new HashSet<string>(), new HashSet<string>(StringComparer.OrdinalIgnoreCase));
        foreach (var (i, (id, name)) in entries.Index())
        {
            if (!PlanIds.IsId(id))
                yield return $"{list}[{i}]: '{id}' cannot be an id. Use small letters, digits, - and _, as in '{PlanIds.Slug(id, 4)}'.";
            if (!ids.Add(id)) yield return $"{list}[{i}]: The id '{id}' stands here twice. Each has an id of its own.";
            if (!names.Add(name)) yield return $"{list}[{i}]: The name '{name}' stands here twice. Each has a name of its own.";
        }
    }

    public static IEnumerable<string> Known(string where, string what, IEnumerable<string> ids, IReadOnlyCollection<string> known) =>
        ids.Where(id => !known.Contains(id)).Select(id => $"{where}: '{id}' is not one of the {what}. {Nearest.Advice(id, known)}");

    /// <summary>Parts that follow one another and together leave no passage from first to last out.</summary>
    public static IEnumerable<string> Passages(string list, Story story, int first, int last, int mostLetters,
        IEnumerable<(int First, int Last)> parts)
    {
        var (before, reached) = (first, first - 1);
        foreach (var (i, (from, to)) in parts.Index())
        {
            if (from < first || to > last || from > to)
            {
                yield return $"{list}[{i}] tells passages {from} to {to}. Write numbers from {first} to {last}, "
                    + "the first not behind the last.";
                yield break;
            }
            if (from < before) yield return $"{list}[{i}] begins at passage {from}, before the one before it. Keep the story's order.";
            if (from > reached + 1) yield return $"Passage {reached + 1} is left out before {list}[{i}]. Let one of them tell it.";
            if (from < to && story.Letters(from, to) > mostLetters)
                yield return $"{list}[{i}] tells {story.Letters(from, to)} letters of the story. Divide it: at most {mostLetters}.";
            (before, reached) = (from, Math.Max(reached, to));
        }
        if (reached < last) yield return $"Passages {reached + 1} to {last} are left out. Tell the story to its end.";
    }

    /// <summary>A finding as it may be shown and sent: short, on one line.</summary>
    public static string Shown(string finding) =>
        new([.. Brief.Of(finding, 400).Select(letter => IsHidden(letter) || char.IsSurrogate(letter) ? '?' : letter)]);
}

/// <summary>The first letters of a text that may be long; never half of a letter of two halves.</summary>
static class Brief
{
    public static string Of(string text, int letters) =>
        text.Length <= letters ? text : text[..(char.IsHighSurrogate(text[letters - 4]) ? letters - 4 : letters - 3)] + "...";
}
