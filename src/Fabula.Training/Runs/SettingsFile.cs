// Settings of a recipe from a file: `fabula train video --config recipes/pocket-video.json`. Only what differs from the recipe's own
// settings need be in it; names are those of the C# records, in snake case.
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Fabula.Training;

public static class SettingsFile
{
    static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        IgnoreReadOnlyProperties = true,
        IncludeFields = true,                                        // of tuples
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>The settings with what the file says instead.</summary>
    /// <param name="json">A JSON object.</param>
    /// <exception cref="FormatException">It is none, or names a setting that there is not, or one of another kind.</exception>
    public static T Over<T>(T settings, string json)
    {
        try
        {
            if (JsonNode.Parse(json) is not JsonObject said) throw new FormatException("is no JSON object of settings");
            var all = (JsonObject)JsonSerializer.SerializeToNode(settings, Options)!;
            Merge(all, said, "");
            return all.Deserialize<T>(Options)!;
        }
        catch (JsonException e)
        {
            throw new FormatException(e.Path is { Length: > 2 } path ? $"has a wrong value at {path[2..]}" : "is no JSON", e);
        }
    }

    static void Merge(JsonObject all, JsonObject said, string above)
    {
        foreach (var (name, value) in said)
        {
            if (!all.TryGetPropertyValue(name, out var own))
                throw new FormatException($"names '{above}{name}', which this recipe does not have; it has "
                    + string.Join(", ", all.Select(pair => above + pair.Key)));
            if (own is JsonObject inner && value is JsonObject deeper) Merge(inner, deeper, $"{above}{name}.");
            else all[name] = value?.DeepClone();
        }
    }
}
