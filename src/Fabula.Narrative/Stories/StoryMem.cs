// The story scripts of StoryMem, which are also the form of its benchmark ST-Bench (https://github.com/Kevin-thu/StoryMem, story/*.json).
// Shape and rules as published with it: one prompt is one shot of about 5 seconds, cut: false
// goes on from the last frame of the shot before.
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Fabula.Narrative;

public sealed record StoryMemStory
{
    [JsonPropertyName("story_name")] public string? Name { get; init; }
    [JsonPropertyName("story_overview")] public required string Overview { get; init; }
    [JsonPropertyName("scenes")] public required IReadOnlyList<StoryMemScene> Scenes { get; init; }
}

/// <summary>
/// The three lists have one entry for each shot. First frame prompts may be missing: StoryMem itself does not use them. (Set, not init: see
/// FilmPlan.cs.)
/// </summary>
public sealed record StoryMemScene
{
    [JsonPropertyName("scene_num")] public required int Number { get; init; }
    [JsonPropertyName("video_prompts")] public required IReadOnlyList<string> Prompts { get; init; }
    [JsonPropertyName("first_frame_prompt")] public IReadOnlyList<string> FirstFrames { get; set; } = [];
    [JsonPropertyName("cut")] public required IReadOnlyList<bool> Cuts { get; init; }
}

public static class StoryMem
{
    /// <exception cref="NarrativeException">The text is not such a story; the message names the JSON path and the fix.</exception>
    public static StoryMemStory Read(string text, string source = "story.json")
    {
        var story = StrictJson.Read(WithRealBooleans(text, source), NarrativeJson.Default.StoryMemStory, source);
        if (story.Scenes.Count == 0) throw Error("$.scenes", "is empty", "Add a scene with its prompts.");
        foreach (var (i, scene) in story.Scenes.Index())
        {
            var path = $"$.scenes[{i}]";
            if (scene.Number != i + 1) throw Error($"{path}.scene_num", $"is {scene.Number}",
                $"Number the scenes in order; this one is {i + 1}.");
            if (scene.Prompts.Count == 0) throw Error($"{path}.video_prompts", "is empty",
                "Write one prompt for each shot, or remove the scene.");
            if (scene.Cuts.Count != scene.Prompts.Count)
                throw Error($"{path}.cut", $"has {scene.Cuts.Count} entries for {scene.Prompts.Count} prompts",
                    "Write true or false for each shot.");
            if (scene.FirstFrames.Count != 0 && scene.FirstFrames.Count != scene.Prompts.Count)
                throw Error($"{path}.first_frame_prompt", $"has {scene.FirstFrames.Count} entries for {scene.Prompts.Count} prompts",
                    "Write one for each shot, or remove the list.");
            if (scene.Prompts.Index().FirstOrDefault(prompt => string.IsNullOrWhiteSpace(prompt.Item)) is { Item: not null } empty)
                throw Error($"{path}.video_prompts[{empty.Index}]", "is empty", "Say what one sees.");
        }
        if (!story.Scenes[0].Cuts[0])
            throw Error("$.scenes[0].cut[0]", "is false, but there is no shot before the first", "Write true.");
        return story;

        NarrativeException Error(string path, string problem, string fix) => new($"{source}: {path} {problem}. {fix}");
    }

    /// <summary>The instructions published with StoryMem show "True" and "False" in quotes, so both writings are found.</summary>
    static string WithRealBooleans(string text, string source)
    {
        try
        {
            var root = System.Text.Json.Nodes.JsonNode.Parse(text, documentOptions: new() { AllowDuplicateProperties = false });
            if (root?["scenes"] is not System.Text.Json.Nodes.JsonArray scenes) return text;
            var changed = false;
            foreach (var scene in scenes)
            {
                if (scene is not System.Text.Json.Nodes.JsonObject fields || fields["cut"]
                    is not System.Text.Json.Nodes.JsonArray cuts) continue;
                for (var i = 0; i < cuts.Count; i++)
                    if (cuts[i] is { } cut && cut.GetValueKind() == JsonValueKind.String && cut.GetValue<string>()
                        is "True" or "true" or "False" or "false")
                        (cuts[i], changed) = (cuts[i]!.GetValue<string>() is "True" or "true", true);
            }
            return changed ? root.ToJsonString() : text;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return text; // The strict reader says what is wrong, with the line.
        }
    }
}
