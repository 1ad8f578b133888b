// A model that plans well and simply: what it answers follows from what it is shown.
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fabula.Planning.Tests;

/// <param name="ScenesPerChapter">Each chapter tells all of its passages in each of them.</param>
sealed record Author(int Chapters = 2, int ScenesPerChapter = 1, int ShotsPerScene = 4)
{
    static readonly string[] Deeds = ["fills the kettle", "laughs with Tom", "pours tea", "smiles"];

    public Reply Answer(Asked asked) => new(JsonSerializer.Serialize(asked.Agent switch
    {
        "chapters" => ChaptersOf(asked.Data["passages"]!.AsArray().Count),
        "locations" => new
        {
            locations = new[]
            {
                Place("kitchen", "Kitchen", true, "a small kitchen with a blue stove"),
                Place("harbour", "Harbour", false, "a stone quay with green boats"),
            },
        },
        "people" => new
        {
            people = new[]
            {
                new { id = "ada", name = "Ada", appearance = "a tall woman in a yellow dress" },
                new { id = "tom", name = "Tom", appearance = "an old man with a white beard" },
            },
        },
        "scenes" => new { scenes = Enumerable.Range(0, ScenesPerChapter).Select(i => Scene(asked.Data, i)) },
        "shots" => new { shots = Enumerable.Range(0, ShotsPerScene).Select(i => Shot(i)) },
        "transitions" => new
        {
            transitions = asked.Data["joins"]!.AsArray().Select(join => new
            {
                number = (int)join!["number"]!,
                prompt = $"{string.Join(" and ", Names(join, "enter").Concat(Names(join, "exit")))} moves across the picture.",
            }),
        },
        var other => throw new InvalidOperationException(other),
    }));

    object ChaptersOf(int passages) => new
    {
        title = "The Kettle",
        logline = "Tea is made.",
        look = "soft watercolour",
        chapters = Enumerable.Range(0, Chapters).Select(i => new
        {
            title = $"Chapter {i + 1}",
            summary = "Ada and Tom make tea.",
            firstPassage = 1 + i * passages / Chapters,
            lastPassage = Math.Max(1 + i * passages / Chapters, (i + 1) * passages / Chapters),
        }),
    };

    static object Place(string id, string name, bool inside, string description) => new { id, name, inside, description };

    static object Scene(JsonNode data, int index)
    {
        var passages = data["passages"]!.AsArray();
        return new
        {
            location = index % 2 == 0 ? "kitchen" : "harbour",
            time = "morning",
            overview = "Ada waits; Tom comes.",
            people = new[] { "ada", "tom" },
            firstPassage = (int)passages[0]!["number"]!,
            lastPassage = (int)passages[^1]!["number"]!,
        };
    }

    /// <summary>By turns: Ada alone; Ada, then Tom is there (a bridge); both go on (a continuation); close on Ada (a cut).</summary>
    public static object Shot(int index, string? action = null, string[]? start = null, string[]? end = null) => new
    {
        action = action ?? $"Ada {Deeds[index % 4]}.",
        size = index % 4 == 3 ? "close" : "medium",
        angle = "eye",
        camera = "static",
        start = start ?? Visible(index),
        end = end ?? Visible(index),
        sides = Array.Empty<object>(),
        dialogue = index % 4 == 1 ? new[] { new { person = "tom", line = "Good morning!", onScreen = true } } : [],
        seconds = 4,
    };

    static string[] Visible(int index) => (index % 4) is 0 or 3 ? ["ada"] : ["ada", "tom"];

    static IEnumerable<string> Names(JsonNode join, string list) => join[list]!.AsArray().Select(name => (string)name!);
}
