// Cleaning against ftfy 6.3.1 and Python's html.unescape, recorded.
using System.Text.Json;
using Fabula.Models.Text;

namespace Fabula.Models.Tests.Text;

public sealed class PromptCleaningTests
{
    [Fact]
    public void Prompts_come_out_as_from_wans_own_cleaning()
    {
        List<string> wrong = [];
        foreach (string line in File.ReadLines(Recorded.PathOf("cleaned.txt")))
        {
            var (prompt, expected) = (Text(line.Split('\t')[0]), Text(line.Split('\t')[1]));
            string clean = PromptCleaning.Clean(prompt);
            if (clean != expected) wrong.Add($"{line}: {JsonSerializer.Serialize(clean)}");
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} differ:\n{string.Join('\n', wrong.Take(12))}");
    }

    [Fact]
    public void Unpaired_surrogates_become_replacement_characters() =>
        Assert.Equal("a\uFFFDb \U0001F600", PromptCleaning.Clean("a\uD83Db \uD83D\uDE00"));

    [Fact]
    public void Endlessly_escaped_ampersands_end() =>
        Assert.StartsWith("&amp;", PromptCleaning.Clean("&" + string.Concat(Enumerable.Repeat("amp;", 20_000))), StringComparison.Ordinal);

    static string Text(string json) => JsonSerializer.Deserialize<string>(json)!;
}
