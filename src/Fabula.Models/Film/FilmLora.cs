// LoRAs that belong to a model folder: film.json names them under "loras", each with what its file does not say of itself.
using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models;

/// <param name="File">A file, or a folder as PEFT saves it, within the model folder, so that the model's digest is over its bytes.</param>
/// <param name="Expert">Of two experts the one it is for: 0 the high-noise one, 1 the low-noise one; null: all that there are.</param>
/// <param name="Strength">Times the adapter's own scale.</param>
/// <param name="Scaling">In place of what the file, or adapter_config.json beside it, says; null: as they say.</param>
public sealed record FilmLora(string File, int? Expert, double Strength, LoraScaling? Scaling)
{
    const int Most = 16, Deepest = 3;

    public bool IsFor(int expert) => Expert is null || Expert == expert;

    /// <summary>The list in film.json; none where there is no such field.</summary>
    /// <param name="path">Of film.json.</param>
    /// <param name="experts">How many transformers the model has.</param>
    /// <exception cref="CheckpointException">It is broken, or names a file that is not there or lies elsewhere.</exception>
    internal static IReadOnlyList<FilmLora> Read(JsonElement film, string path, int experts)
    {
        if (!film.TryGetProperty("loras", out var list)) return [];
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > Most)
            throw new CheckpointException(path, null, $"has 'loras' that are no list of at most {Most} adapters");
        return [.. list.EnumerateArray().Select(entry => One(entry, path, experts))];
    }

    static FilmLora One(JsonElement entry, string path, int experts)
    {
        if (entry.ValueKind != JsonValueKind.Object) throw new CheckpointException(path, null, "has an entry of 'loras' that is no object");
        var fields = new Fields(entry, path);
        var file = fields.Text("file", "");
        var parts = file.Split('/', '\\');
        // A name that begins with a dot leads elsewhere, or is hidden from the digest, as is one that lies too deep.
        if (file.Length == 0 || Path.IsPathRooted(file) || parts.Length > Deepest || parts.Any(part => part.Length == 0 || part[0] == '.'))
            throw new CheckpointException(path, null,
                "has a LoRA whose 'file' is no path within the model folder, such as lora/film.safetensors");
        var full = Path.Combine(Path.GetDirectoryName(path)!, file);
        if (!Directory.Exists(full) && !(System.IO.File.Exists(full) && Path.GetExtension(full) is ".safetensors" or ".pth"))
            throw new CheckpointException(path, null, $"names the LoRA '{file}', which is no .safetensors or .pth file and no folder here");
        int? expert = fields.Text("expert", "") switch
        {
            "" => null,
            "high" => 0,
            "low" => 1,
            var other => throw new CheckpointException(path, null, $"names the expert '{other}'; there are high and low"),
        };
        if (expert is not null && experts == 1)
            throw new CheckpointException(path, null,
                "has a LoRA for one of two experts, and this model has one transformer: leave 'expert' out");
        bool Has(string name) => entry.TryGetProperty(name, out _);
        var scaling = !Has("alpha") && !Has("rank_stabilized") ? null
            : new LoraScaling(Has("alpha") ? fields.Number("alpha", 0, 1e6, 1) : null, fields.Flag("rank_stabilized", false));
        return new(file, expert, fields.Number("strength", -100, 100, 1), scaling);
    }
}
