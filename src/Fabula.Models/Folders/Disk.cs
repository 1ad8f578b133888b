using System.Text.Json;
using Fabula.Models.Text;
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>What is on disk, without reading more than a file's first bytes or an index of shards.</summary>
static class Disk
{
    /// <summary>The first of these files that is there, with what is wrong with it.</summary>
    public static (string? Path, string? Problem) First(string folder, string[] names) =>
        names.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists) is { } path ? (path, ProblemOf(path))
            : (null, $"is missing (looked for {string.Join(", ", names)})");

    /// <summary>A safetensors checkpoint of this stem: one file, or an index with all its shards.</summary>
    public static (string? Path, string? Problem) Checkpoint(string folder, string stem)
    {
        var (index, single) = (Path.Combine(folder, stem + ".safetensors.index.json"), Path.Combine(folder, stem + ".safetensors"));
        if (File.Exists(index)) return (index, ShardProblem(index));
        if (File.Exists(single)) return (single, ProblemOf(single));
        return Directory.EnumerateFiles(folder, stem + "*.safetensors").Order(StringComparer.Ordinal).ToList() switch
        {
            [] => (null, $"is missing (looked for {stem}*.safetensors in {Path.GetFileName(folder)})"),
            [var only] => (only, ProblemOf(only)),
            _ => (null, $"lacks {stem}.safetensors.index.json, which tells its shards apart: download it"),
        };
    }

    /// <summary>The first of these folders that holds a vocabulary.</summary>
    public static ModelPart Tokenizer(string root, string[] folders)
    {
        var found = folders.Select(folder => Path.Combine(root, folder))
            .FirstOrDefault(folder => WanTokenizer.Files.Any(name => File.Exists(Path.Combine(folder, name))));
        return new ModelPart("tokenizer", found, null, found is not null ? null
            : $"is missing (looked for {string.Join(" or ", WanTokenizer.Files)} in {string.Join(" and ", folders)})");
    }

    static string? ShardProblem(string index)
    {
        using var json = SmallJson.Read(index, longest: 16 << 20);
        if (!json.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object
            || map.EnumerateObject().Any(entry => entry.Value.ValueKind != JsonValueKind.String))
            return $"has a broken index, {Path.GetFileName(index)}";
        foreach (var shard in map.EnumerateObject().Select(entry => entry.Value.GetString()!).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal))
        {
            if (shard != Path.GetFileName(shard) || shard is "" or "." or "..")
                return $"has a broken index, {Path.GetFileName(index)}: it names a shard elsewhere";
            var path = Path.Combine(Path.GetDirectoryName(index)!, shard);
            if (!File.Exists(path)) return $"lacks the shard {shard}: download it";
            if (ProblemOf(path) is { } problem) return problem;
        }
        return null;
    }

    static string? ProblemOf(string path)
    {
        Span<byte> start = stackalloc byte[23];
        int read;
        try
        {
            RegularFile.Require(path);
            using var file = File.OpenRead(path);
            read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        }
        catch (CheckpointException e) { return e.Message[(path.Length + 1)..].TrimEnd('.') + $" ({Path.GetFileName(path)})"; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"cannot be read, {Path.GetFileName(path)} ({e.Message.TrimEnd('.')})";
        }
        return read == 0 ? $"is an empty file, {Path.GetFileName(path)}: download it again"
            : start[..read].SequenceEqual("version https://git-lfs"u8)
                ? $"is a Git LFS pointer, {Path.GetFileName(path)}: run 'git lfs pull'" : null;
    }
}
