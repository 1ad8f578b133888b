using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>Configuration files, which strangers wrote: short, at most 32 levels deep, one object.</summary>
static class SmallJson
{
    /// <exception cref="CheckpointException">Unreadable, too long, not JSON, or no object.</exception>
    public static JsonDocument Read(string path, long longest = 1 << 20)
    {
        JsonDocument json;
        try
        {
            RegularFile.Require(path);
            if (new FileInfo(path).Length is var length && length > longest)
                throw new CheckpointException(path, null, $"is too long for a configuration, {length} bytes (the limit is {longest})");
            var bytes = File.ReadAllBytes(path);
            json = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 32 });
            // Text that cannot be decoded is only found when it is asked for: ask for all of it now.
            var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = 32 });
            while (reader.Read())
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName) reader.GetString();
        }
        catch (JsonException e)
        {
            throw new CheckpointException(path, null, $"is not JSON ({e.Message.Split(" LineNumber", 2)[0].TrimEnd('.')})", e);
        }
        catch (InvalidOperationException e) { throw new CheckpointException(path, null, "has text that is not valid Unicode", e); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, null, $"cannot be read ({e.Message.TrimEnd('.')})", e);
        }
        if (json.RootElement.ValueKind == JsonValueKind.Object) return json;
        json.Dispose();
        throw new CheckpointException(path, null, "is no JSON object");
    }
}
