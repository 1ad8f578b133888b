// Reads JSON against the shape that the source generator knows, and says at which path it differs and what mends it.
// The serializer would refuse the same documents, but in words for programmers.
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Fabula.Narrative;

static class StrictJson
{
    public static T Read<T>(string text, JsonTypeInfo<T> type, string source) where T : class
    {
        try
        {
            using var document = JsonDocument.Parse(text, new() { AllowDuplicateProperties = false });
            Check(document.RootElement, type, "$", source);
            return document.RootElement.Deserialize(type)!;
        }
        catch (JsonException error)
        {
            var line = error.LineNumber is { } number ? $", line {number + 1}" : "";
            throw new NarrativeException($"{source}{line}: This is not the JSON that is expected ({Brief(error.Message)}). "
                + "Look for a missing comma, quote or bracket there, or a field that stands twice.");
        }
    }

    static void Check(JsonElement json, JsonTypeInfo type, string path, string source)
    {
        switch (type.Kind)
        {
            case JsonTypeInfoKind.Object:
                Expect(json, path, source, "an object in { }", JsonValueKind.Object);
                Fields(json, type, path, source);
                break;
            case JsonTypeInfoKind.Enumerable:
                Expect(json, path, source, "a list in [ ]", JsonValueKind.Array);
                var item = type.Options.GetTypeInfo(type.ElementType!);
                foreach (var (index, element) in json.EnumerateArray().Index()) Check(element, item, $"{path}[{index}]", source);
                break;
            case JsonTypeInfoKind.Dictionary:
                Expect(json, path, source, "an object in { }", JsonValueKind.Object);
                var value = type.Options.GetTypeInfo(type.ElementType!);
                foreach (var field in json.EnumerateObject()) Check(field.Value, value, $"{path}.{field.Name}", source);
                break;
            default:
                Value(json, type, path, source);
                break;
        }
    }

    static void Fields(JsonElement json, JsonTypeInfo type, string path, string source)
    {
        var known = type.Properties.ToDictionary(property => property.Name);
        foreach (var field in json.EnumerateObject())
        {
            if (!known.TryGetValue(field.Name, out var property))
                throw new NarrativeException($"{source}: {path} has no field '{field.Name}'. {Nearest.Advice(field.Name, known.Keys)}");
            if (field.Value.ValueKind == JsonValueKind.Null && property.IsGetNullable) continue;
            Check(field.Value, type.Options.GetTypeInfo(property.PropertyType), $"{path}.{field.Name}", source);
        }
        foreach (var property in type.Properties)
            if (property.IsRequired && !json.TryGetProperty(property.Name, out _))
                throw new NarrativeException($"{source}: {path} has no '{property.Name}', which it needs. Add it.");
    }

    static void Value(JsonElement json, JsonTypeInfo type, string path, string source)
    {
        var plain = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        if (plain == typeof(string)) Expect(json, path, source, "text in quotes", JsonValueKind.String);
        else if (plain == typeof(bool)) Expect(json, path, source, "true or false", JsonValueKind.True, JsonValueKind.False);
        else if (plain == typeof(int))
        {
            Expect(json, path, source, "a whole number", JsonValueKind.Number);
            if (!json.TryGetInt32(out _))
                throw new NarrativeException($"{source}: {path} is {Brief(json.GetRawText())}. Write a whole number below {int.MaxValue}.");
        }
        else if (plain.IsEnum)
        {
            Expect(json, path, source, "a word in quotes", JsonValueKind.String);
            var words = Enum.GetValuesAsUnderlyingType(plain).Cast<object>()
                .Select(number => JsonSerializer.SerializeToElement(Enum.ToObject(plain, number), type).GetString()!).ToList();
            if (!words.Contains(json.GetString()!))
                throw new NarrativeException(
                    $"{source}: {path} is '{Brief(json.GetString()!)}'. {Nearest.Advice(json.GetString()!, words)}");
        }
    }

    static void Expect(JsonElement json, string path, string source, string what, params ReadOnlySpan<JsonValueKind> kinds)
    {
        if (!kinds.Contains(json.ValueKind))
            throw new NarrativeException($"{source}: {path} is {Brief(json.GetRawText())}. Write {what} there.");
    }

    static string Brief(string text) => text.Length > 60 ? text[..57] + "..." : text;
}
