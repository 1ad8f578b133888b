// The recorded answers of the sentencepiece library (data/record.py says how they were made).
using System.Text;
using System.Text.Json;
using Fabula.Models.Text;

namespace Fabula.Models.Tests.Text;

static class Recorded
{
    public static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "Text", "data", name);

    public static SentencePieceModel Model(string name) => SentencePieceModel.Load(PathOf(name + ".model"));

    /// <summary>The texts, some of them malformed UTF-8.</summary>
    public static IReadOnlyList<byte[]> Lines() =>
    [
        .. File.ReadLines(PathOf("lines.txt")).Select(line => line.StartsWith("hex ", StringComparison.Ordinal)
            ? Convert.FromHexString(line[4..])
            : Encoding.UTF8.GetBytes(JsonSerializer.Deserialize<string>(line)!)),
    ];

    /// <summary>The ids the library gave to each line, and what it decoded them to.</summary>
    public static IReadOnlyList<(int[] Ids, string Decoded)> Answers(string name) =>
    [
        .. File.ReadLines(PathOf(name + ".ids")).Select(line => line.Split('\t')).Select(columns => (
            columns[0].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).ToArray(),
            JsonSerializer.Deserialize<string>(columns[1])!)),
    ];
}
