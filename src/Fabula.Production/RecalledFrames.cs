// What a shot of OneStory recalls, for people: a list beside its clip, in the storyboard and in provenance.json.
using System.Text.Json;

namespace Fabula.Production;

/// <param name="Shot">The earlier shot.</param>
/// <param name="Frame">The middle of the frames of it that are recalled together, from 0.</param>
/// <param name="Score">How relevant the selector finds it, -1 to 1.</param>
/// <param name="Share">Of the tokens that the shot has for what it recalls.</param>
public sealed record RecalledFrames(string Shot, int Frame, double Score, double Share)
{
    static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    internal static void Write(string path, IReadOnlyList<RecalledFrames> frames) =>
        File.WriteAllText(path, JsonSerializer.Serialize(frames, Readable) + "\n");

    /// <summary>The list of a shot, the most relevant first.</summary>
    /// <exception cref="InvalidDataException">The file holds no such list.</exception>
    public static IReadOnlyList<RecalledFrames> Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<RecalledFrames[]>(File.ReadAllBytes(path), Readable) is { } read
                && read.All(frame => frame is { Shot: not null, Frame: >= 0 }) ? read : throw new JsonException("it is empty");
        }
        catch (JsonException e) { throw new InvalidDataException($"'{path}' is no list of recalled frames.", e); }
    }
}
