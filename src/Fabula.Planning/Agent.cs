// The agents: a name, a prompt file, and the record they answer with. docs/agents.md shows the order in which they are asked.
using System.ComponentModel;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Fabula.Planning;

static class Agents
{
    public static readonly Agent<ChaptersAnswer> Chapters = new("chapters", AnswersJson.Default.ChaptersAnswer);
    public static readonly Agent<LocationsAnswer> Locations = new("locations", AnswersJson.Default.LocationsAnswer);
    public static readonly Agent<PeopleAnswer> People = new("people", AnswersJson.Default.PeopleAnswer);
    public static readonly Agent<ScenesAnswer> Scenes = new("scenes", AnswersJson.Default.ScenesAnswer);
    public static readonly Agent<ShotsAnswer> Shots = new("shots", AnswersJson.Default.ShotsAnswer);
    public static readonly Agent<TransitionsAnswer> Transitions = new("transitions", AnswersJson.Default.TransitionsAnswer);
    public static readonly Agent<CaptionAnswer> Caption = new("caption", AnswersJson.Default.CaptionAnswer, "watch");
    public static readonly Agent<ReferAnswer> Refer = new("refer", AnswersJson.Default.ReferAnswer, "watch");
}

/// <param name="rules">The prompt of the rules that it shares with others.</param>
sealed class Agent<T>(string name, JsonTypeInfo<T> type, string rules = "rules") where T : class
{
    public string Name { get; } = name;

    public JsonTypeInfo<T> Type { get; } = type;

    /// <summary>What the model is told to do: the shared rules, then its own.</summary>
    public string Prompt { get; } = Text(rules) + "\n" + Text(name);

    /// <summary>Every object closed and every field required, which is also what strict endpoints ask for.</summary>
    public JsonNode Schema { get; } = type.GetJsonSchemaAsNode(new()
    {
        TreatNullObliviousAsNonNullable = true,
        TransformSchemaNode = Described,
    });

    static JsonNode Described(JsonSchemaExporterContext context, JsonNode schema)
    {
        if (schema is not JsonObject fields) return schema;
        var attributes = context.PropertyInfo?.AttributeProvider?.GetCustomAttributes(typeof(DescriptionAttribute), false);
        if (attributes is [DescriptionAttribute described, ..]) fields["description"] = described.Description;
        if (fields.ContainsKey("enum")) fields["type"] = "string"; // some endpoints want the type beside the words
        return fields;
    }

    static string Text(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"{name}.md")
            ?? throw new InvalidOperationException($"The prompt {name}.md is not part of this program.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n").Trim() + "\n";
    }
}

/// <summary>How data is written for a model and into the record: letters of all scripts as they are, quotes and controls escaped.</summary>
static class DataJson
{
    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    public static readonly JsonSerializerOptions Indented = new(Options) { WriteIndented = true, NewLine = "\n" };
}
