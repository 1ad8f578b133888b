// tokenizer.json in place of spiece.model.
using System.Text;
using Fabula.Models.Text;

namespace Fabula.Models.Tests.Text;

public sealed class TokenizerJsonTests
{
    [Theory]
    [InlineData("unigram-nmt-nfkc")]
    [InlineData("unigram-nfkc-bytes")]
    public void A_tokenizer_json_gives_the_ids_of_its_spiece_model(string name)
    {
        var model = Recorded.Model(name);
        var json = Read(SampleJson.Of(model));
        foreach (var (line, (ids, _)) in Recorded.Lines().Zip(Recorded.Answers(name))) Assert.Equal(ids, json.Encode(line));
        Assert.Equal((model.PadId, model.EndId, model.UnknownId), (json.PadId, json.EndId, json.UnknownId));
    }

    [Fact]
    public void A_step_without_a_sentencepiece_equal_is_refused_by_name()
    {
        var model = PocketVocabulary.Make(SegmentationType.Unigram, bytes: false);
        AssertRefused("normalizer Lowercase", SampleJson.Of(model, normalizer: new { type = "Lowercase" }));
        AssertRefused("a model other than Unigram", SampleJson.Of(model, modelType: "BPE"));
        AssertRefused("no usable tokenizer.json", "{\"model\":{\"type\":\"Unigram\"}}");
        AssertRefused("no usable tokenizer.json", "not json");
        AssertRefused("no usable tokenizer.json", "[1]");
        AssertRefused("no usable tokenizer.json", "{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\"]]}}");
    }

    static SentencePieceModel Read(string json) => SentencePieceModel.ReadJson(Encoding.UTF8.GetBytes(json), "tokenizer.json");

    static void AssertRefused(string because, string json) =>
        Assert.Contains(because, Assert.Throws<TokenizerException>(() => Read(json)).Message, StringComparison.Ordinal);
}
