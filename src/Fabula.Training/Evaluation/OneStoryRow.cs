// A row of OneStory's tables: a way to remember, and where it is OneStory's, with which weights and settings. Rows of one table share the
// model, which is loaded once.
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fabula.Models;

namespace Fabula.Training.Evaluation;

public enum MemoryWay { None, LastFrame, StoryMem, OneStory }

/// <param name="Folder">OneStory's weights, and a transformer where it has one of its own; null: the model's.</param>
/// <param name="With">Fields of onestory.json that differ.</param>
public sealed record OneStoryRow(string Name, MemoryWay Way, string? Folder = null, JsonObject? With = null)
{
    static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
    };

    sealed record Written(string Name, string? Folder, JsonObject? With);

    /// <summary>Every way with the model's own weights.</summary>
    public static OneStoryRow Of(MemoryWay way) => new(way switch
    {
        MemoryWay.LastFrame => "last frame",
        MemoryWay.StoryMem => "StoryMem",
        MemoryWay.OneStory => "OneStory",
        _ => "none",
    }, way);

    /// <summary>Rows from a file: a list of names, each with a folder and fields of onestory.json, or without.</summary>
    /// <exception cref="FormatException">It is no such list.</exception>
    public static IReadOnlyList<OneStoryRow> Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<Written[]>(File.ReadAllText(path), Options) is { Length: > 0 } rows
                && rows.All(row => row is { Name: not null })
                ? [.. rows.Select(row => new OneStoryRow(row.Name, MemoryWay.OneStory, row.Folder, row.With))]
                : throw new JsonException("it is empty");
        }
        catch (JsonException e) { throw new FormatException($"'{path}' is no list of rows, each with a name, a folder, with.", e); }
    }

    string In(FilmModel model) => Folder ?? Path.Combine(model.Folder, StoryFolder.Name);

    OneStoryConfig Settings(string folder) =>
        OneStoryConfig.Read(Path.Combine(folder, OneStory.ConfigFile)) is var own && With is null ? own : own.With(With!);

    /// <summary>Has the model remember as this row does; other ways need nothing.</summary>
    public void Apply(FilmModel model)
    {
        if (Way == MemoryWay.OneStory) model.Tell(In(model), Settings(In(model)));
    }

    /// <summary>What the row's shots depend on beside the model.</summary>
    public string Digest(FilmModel model)
    {
        if (Way != MemoryWay.OneStory) return $"{Way}";
        var folder = In(model);
        return $"{Way} {Settings(folder).ToJson().ToJsonString()} {Weights(model)}";
    }

    /// <summary>Its weights alone.</summary>
    public string Weights(FilmModel model) => DigestOf(In(model), "*.safetensors");

    /// <summary>The model without OneStory, whose weights may change while others' rows stay.</summary>
    public static string Base(FilmModel model) => $"{DigestOf(model.Folder, "*.safetensors")} {DigestOf(model.Folder, "*.json")}";

    /// <summary>Of the files right in a folder; a training's own state is none of them.</summary>
    static string DigestOf(string folder, string files) => string.Join(' ', Directory.EnumerateFiles(folder, files)
        .Where(file => !Path.GetFileName(file).StartsWith("state-", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
        .Select(file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))[..16]));
}
