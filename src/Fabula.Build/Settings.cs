// Settings are JSON in one canonical form, so that equal settings have equal bytes whoever wrote them and in whatever order: names sorted
// by UTF-16 code units, no white space, each string with the fewest escapes, whole numbers digit for digit (a seed has 64 bits), other
// numbers as the shortest text that reads back as the same double. After RFC 8785, which however rounds whole numbers to doubles.
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Fabula.Build;

/// <summary>A JSON object in canonical form.</summary>
public sealed class Settings : IEquatable<Settings>
{
    static readonly JsonDocumentOptions Strict = new() { MaxDepth = 64 };

    public static Settings None { get; } = new("{}");

    /// <summary>The text that enters the step's key.</summary>
    public string Canonical { get; }

    Settings(string canonical) => Canonical = canonical;

    /// <exception cref="JsonException">Not JSON, no object, a name twice, half a surrogate pair, or deeper than 64 levels.</exception>
    public static Settings Parse(string json)
    {
        if (!Validation.IsUnicode(json)) throw new JsonException("The settings hold half a surrogate pair.");
        using var document = JsonDocument.Parse(json, Strict);
        return From(document.RootElement);
    }

    /// <summary>The public properties of a value, as System.Text.Json writes them.</summary>
    public static Settings Of<T>(T value, JsonSerializerOptions? options = null) => From(JsonSerializer.SerializeToElement(value, options));

    /// <exception cref="JsonException">As <see cref="Parse"/>.</exception>
    public static Settings From(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object) throw new JsonException($"Settings are a JSON object, not {element.ValueKind}.");
        var text = new StringBuilder();
        Write(text, element);
        return new Settings(text.ToString());
    }

    /// <summary>Text that was canonical when it was recorded.</summary>
    internal static Settings Recorded(string canonical) => canonical == "{}" ? None : new Settings(canonical);

    /// <summary>The settings as a value of one's own type.</summary>
    public T Read<T>(JsonSerializerOptions? options = null) =>
        JsonSerializer.Deserialize<T>(Canonical, options) ?? throw new JsonException("The settings are null.");

    public bool Equals(Settings? other) => other is not null && Canonical == other.Canonical;
    public override bool Equals(object? obj) => Equals(obj as Settings);
    public override int GetHashCode() => Canonical.GetHashCode(StringComparison.Ordinal);
    public override string ToString() => Canonical;

    /// <summary>Fields that differ, as "camera.lens" or "people[2]", in canonical order; null where a side has no such field.</summary>
    public static IEnumerable<(string Field, string? Old, string? New)> Changes(Settings old, Settings now)
    {
        if (old.Equals(now)) return [];
        using var before = JsonDocument.Parse(old.Canonical, Strict);
        using var after = JsonDocument.Parse(now.Canonical, Strict);
        var found = new List<(string, string?, string?)>();
        Compare("", before.RootElement, after.RootElement, found);
        return found;
    }

    static void Compare(string field, JsonElement? old, JsonElement? now, List<(string, string?, string?)> found)
    {
        if (old is { ValueKind: JsonValueKind.Object } a && now is { ValueKind: JsonValueKind.Object } b)
        {
            foreach (var name in a.EnumerateObject().Concat(b.EnumerateObject()).Select(property => property.Name).Distinct()
                .Order(StringComparer.Ordinal))
                Compare(field.Length == 0 ? name : $"{field}.{name}", Get(a, name), Get(b, name), found);
        }
        else if (old is { ValueKind: JsonValueKind.Array } c && now is { ValueKind: JsonValueKind.Array } d)
        {
            for (var i = 0; i < Math.Max(c.GetArrayLength(), d.GetArrayLength()); i++)
                Compare($"{field}[{i}]", i < c.GetArrayLength() ? c[i] : null, i < d.GetArrayLength() ? d[i] : null, found);
        }
        else if (old?.GetRawText() != now?.GetRawText()) found.Add((field, old?.GetRawText(), now?.GetRawText()));

        static JsonElement? Get(JsonElement owner, string name) => owner.TryGetProperty(name, out var value) ? value : null;
    }

    static void Write(StringBuilder text, JsonElement element)
    {
        var first = true;
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                text.Append('{');
                string? last = null;
                foreach (var property in element.EnumerateObject().OrderBy(property => property.Name, StringComparer.Ordinal))
                {
                    if (property.Name == last) throw new JsonException($"The settings have two fields '{last}'.");
                    if (last is not null) text.Append(',');
                    Write(text, last = property.Name);
                    text.Append(':');
                    Write(text, property.Value);
                }
                text.Append('}');
                break;
            case JsonValueKind.Array:
                text.Append('[');
                foreach (var item in element.EnumerateArray())
                {
                    if (!first) text.Append(',');
                    first = false;
                    Write(text, item);
                }
                text.Append(']');
                break;
            case JsonValueKind.String: Write(text, Decoded(element)); break;
            case JsonValueKind.Number: text.Append(Number(element.GetRawText())); break;
            default: text.Append(element.GetRawText()); break; // true, false, null
        }
    }

    static string Decoded(JsonElement element)
    {
        try { return element.GetString()!; }
        catch (InvalidOperationException e) { throw new JsonException("The settings hold half a surrogate pair.", e); }
    }

    static void Write(StringBuilder text, string value)
    {
        if (!Validation.IsUnicode(value)) throw new JsonException("The settings hold half a surrogate pair.");
        text.Append('"');
        foreach (var letter in value)
            if (letter is '"' or '\\') text.Append('\\').Append(letter);
            else if (letter < ' ') text.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}");
            else text.Append(letter);
        text.Append('"');
    }

    static string Number(string raw)
    {
        if (!raw.AsSpan().ContainsAny(".eE")) return raw == "-0" ? "0" : raw;
        var value = double.Parse(raw, NumberStyles.Float, CultureInfo.InvariantCulture);
        if (!double.IsFinite(value)) throw new JsonException($"The number {raw} in the settings is too large for a double.");
        if (Math.Abs(value) < 1L << 53 && Math.Truncate(value) == value) return ((BigInteger)value).ToString(CultureInfo.InvariantCulture);
        return value.ToString("R", CultureInfo.InvariantCulture);
    }
}
