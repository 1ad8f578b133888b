// OpenTimelineIO JSON. Schemas as in its docs/tutorials/otio-serialized-schema.md: Timeline.1, Stack.1, Track.1, Clip.2, Gap.1,
// Transition.1, Marker.2, ExternalReference.1, TimeRange.1, RationalTime.1.
using System.Text.Json.Nodes;

namespace Fabula.Narrative.Edit;

public static class Otio
{
    public static string Write(Timeline timeline)
    {
        var rate = timeline.Rate;
        var children = new JsonArray();
        foreach (var item in timeline.Items)
        {
            if (item.BlackBefore > 0)
                children.Add((JsonNode)Composable("Gap.1", "black", Range(0, item.BlackBefore, rate)));
            if (item.Dissolve > 0) children.Add((JsonNode)Transition("dissolve", item.Lead, item.Tail, rate));
            else if (item.FadeIn > 0) children.Add((JsonNode)Transition("fade in", 0, item.FadeIn, rate));
            children.Add((JsonNode)Clip(item, rate));
            if (item.FadeOut > 0) children.Add((JsonNode)Transition("fade out", item.FadeOut, 0, rate));
        }
        var track = Composable("Track.1", "V1", null);
        (track["kind"], track["children"]) = ("Video", children);
        var stack = Composable("Stack.1", "tracks", null);
        stack["children"] = new JsonArray((JsonNode)track);
        stack["markers"] = new JsonArray([.. timeline.Subtitles.Select(subtitle => (JsonNode)Marker(subtitle, rate))]);
        var json = new JsonObject
        {
            ["OTIO_SCHEMA"] = "Timeline.1",
            ["metadata"] = new JsonObject { ["fabula"] = new JsonObject { ["width"] = timeline.Width, ["height"] = timeline.Height } },
            ["name"] = timeline.Title,
            ["global_start_time"] = Time(Timecode.OneHour(rate), rate),
            ["tracks"] = stack,
        };
        return PlanJson.Pretty(System.Text.Json.JsonSerializer.SerializeToElement(json, EditJson.Default.JsonObject));
    }

    static JsonObject Composable(string schema, string name, JsonObject? range) => new()
    {
        ["OTIO_SCHEMA"] = schema,
        ["metadata"] = new JsonObject(),
        ["name"] = name,
        ["source_range"] = range,
        ["effects"] = new JsonArray(),
        ["markers"] = new JsonArray(),
        ["enabled"] = true,
    };

    static JsonObject Clip(TimelineItem item, int rate)
    {
        var clip = Composable("Clip.2", item.Id, Range(item.In, item.Frames, rate));
        clip["metadata"] = new JsonObject
        {
            ["fabula"] = new JsonObject { ["id"] = item.Id, ["action"] = item.Name, ["bridge"] = item.IsBridge },
        };
        clip["media_references"] = new JsonObject
        {
            ["DEFAULT_MEDIA"] = new JsonObject
            {
                ["OTIO_SCHEMA"] = "ExternalReference.1",
                ["metadata"] = new JsonObject(),
                ["name"] = item.Id,
                ["available_range"] = Range(0, item.FileFrames, rate),
                ["available_image_bounds"] = null,
                ["target_url"] = Url(item.Path),
            },
        };
        clip["active_media_reference_key"] = "DEFAULT_MEDIA";
        return clip;
    }

    static JsonObject Transition(string name, int before, int after, int rate) => new()
    {
        ["OTIO_SCHEMA"] = "Transition.1",
        ["metadata"] = new JsonObject(),
        ["name"] = name,
        ["transition_type"] = "SMPTE_Dissolve",
        ["in_offset"] = Time(before, rate),
        ["out_offset"] = Time(after, rate),
        ["enabled"] = true,
    };

    // "range" is Marker.1's word for "marked_range". The reader to come, which knows Marker.3, raises a Marker.2 by way of it and fails
    // where it is missing; the readers that are out keep it and do not look at it.
    static JsonObject Marker(Subtitle subtitle, int rate) => new()
    {
        ["OTIO_SCHEMA"] = "Marker.2",
        ["metadata"] = new JsonObject(),
        ["name"] = subtitle.Speaker ?? "",
        ["color"] = "YELLOW",
        ["comment"] = subtitle.Text,
        ["marked_range"] = Range(subtitle.Start, subtitle.End - subtitle.Start, rate),
        ["range"] = Range(subtitle.Start, subtitle.End - subtitle.Start, rate),
    };

    static JsonObject Range(long start, long frames, int rate) => new()
    {
        ["OTIO_SCHEMA"] = "TimeRange.1",
        ["duration"] = Time(frames, rate),
        ["start_time"] = Time(start, rate),
    };

    static JsonObject Time(long frames, int rate) => new()
    {
        ["OTIO_SCHEMA"] = "RationalTime.1",
        ["rate"] = (double)rate,
        ["value"] = (double)frames,
    };

    /// <summary>Relative to the timeline's own folder, as a URL: each name of the path escaped.</summary>
    internal static string Url(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
}

[System.Text.Json.Serialization.JsonSerializable(typeof(JsonObject))]
sealed partial class EditJson : System.Text.Json.Serialization.JsonSerializerContext;
