// A reader of OpenTimelineIO files as strict as its documentation (docs/tutorials/otio-serialized-schema.md): every object has a schema of
// a known version, and the fields of that schema and no others.
using System.Text.Json;

namespace Fabula.Production.Tests.Delivery;

static class OtioSchema
{
    static readonly string[] Item = ["metadata", "name", "source_range", "effects", "markers", "enabled"];

    static readonly Dictionary<string, string[]> Schemas = new()
    {
        ["Timeline.1"] = ["metadata", "name", "global_start_time", "tracks"],
        ["Stack.1"] = [.. Item, "children"],
        ["Track.1"] = [.. Item, "children", "kind"],
        ["Clip.2"] = [.. Item, "media_references", "active_media_reference_key"],
        ["Gap.1"] = Item,
        ["Transition.1"] = ["metadata", "name", "in_offset", "out_offset", "transition_type", "enabled"],
        ["Marker.2"] = ["metadata", "name", "color", "comment", "marked_range", "range"], // range: see Otio.Marker
        ["ExternalReference.1"] = ["metadata", "name", "available_range", "available_image_bounds", "target_url"],
        ["TimeRange.1"] = ["duration", "start_time"],
        ["RationalTime.1"] = ["rate", "value"],
    };

    public static void Check(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in json.EnumerateArray()) Check(item);
            return;
        }
        if (json.ValueKind != JsonValueKind.Object) return;
        if (json.TryGetProperty("OTIO_SCHEMA", out var schema))
        {
            Assert.True(Schemas.TryGetValue(schema.GetString()!, out var fields), $"{schema} is no schema");
            Assert.Empty(json.EnumerateObject().Select(field => field.Name).Except([.. fields!, "OTIO_SCHEMA"]));
            foreach (var field in fields!) Assert.True(json.TryGetProperty(field, out _), $"{schema} has no {field}");
        }
        foreach (var field in json.EnumerateObject())
            if (field.Name != "metadata") Check(field.Value);
    }

    /// <summary>The length of the one track: clips and gaps, as transitions take no time.</summary>
    public static double Frames(JsonElement timeline) => Children(timeline).Where(child => child.TryGetProperty("source_range", out _))
        .Sum(child => Value(child.GetProperty("source_range").GetProperty("duration")));

    /// <summary>File and length of what the clips refer to.</summary>
    public static IEnumerable<(string Path, int Frames)> Media(JsonElement timeline) => Children(timeline)
        .Where(child => child.TryGetProperty("media_references", out _))
        .Select(clip => clip.GetProperty("media_references").GetProperty(clip.GetProperty("active_media_reference_key").GetString()!))
        .Select(media => (media.GetProperty("target_url").GetString()!,
            (int)Value(media.GetProperty("available_range").GetProperty("duration"))));

    static JsonElement.ArrayEnumerator Children(JsonElement timeline) =>
        timeline.GetProperty("tracks").GetProperty("children")[0].GetProperty("children").EnumerateArray();

    static double Value(JsonElement time) => time.GetProperty("value").GetDouble();
}
