// Every recorded line, id for id.
using System.Text;

namespace Fabula.Models.Tests.Text;

public sealed class SentencePieceParityTests
{
    [Theory]
    [InlineData("unigram-nmt-nfkc")]
    [InlineData("unigram-nfkc-bytes")]
    [InlineData("unigram-identity-symbols")]
    [InlineData("unigram-rules-suffix")]
    [InlineData("bpe-identity-symbols")]
    [InlineData("bpe-rules-bytes")]
    public void Ids_and_decoded_text_are_those_of_the_sentencepiece_library(string name)
    {
        var model = Recorded.Model(name);
        var (lines, answers) = (Recorded.Lines(), Recorded.Answers(name));
        Assert.Equal(lines.Count, answers.Count);
        List<string> wrong = [];
        foreach (var (line, (ids, decoded)) in lines.Zip(answers))
        {
            var found = model.Encode(line);
            string back = model.Decode(ids);
            if (!found.SequenceEqual(ids) || back != decoded)
                wrong.Add($"{Encoding.UTF8.GetString(line)}: {string.Join(' ', found)} for {string.Join(' ', ids)}; {back} for {decoded}");
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {lines.Count} differ:\n{string.Join('\n', wrong.Take(12))}");
    }
}
