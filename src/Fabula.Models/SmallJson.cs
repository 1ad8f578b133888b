using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>Configuration files, which strangers wrote: at most 1 MiB, 32 levels, one object.</summary>
static class SmallJson
{
    const long Longest = 1 << 20;

    /// <exception cref="CheckpointException">Too long, not JSON, or no object.</exception>
    public static JsonDocument Read(string path)
    {
        if (new FileInfo(path).Length is > Longest and var length)
            throw new CheckpointException(path, null, $"is too long for a configuration, {length} bytes (the limit is {Longest})");
        JsonDocument json;
        try { json = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 32 }); }
        catch (JsonException e) { throw new CheckpointException(path, null, $"is not JSON ({e.Message.Split(" LineNumber", 2)[0].TrimEnd('.')})", e); }
        if (json.RootElement.ValueKind == JsonValueKind.Object) return json;
        json.Dispose();
        throw new CheckpointException(path, null, "is no JSON object");
    }
}
