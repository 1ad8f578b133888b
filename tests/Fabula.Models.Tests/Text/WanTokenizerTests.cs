// A prompt's way to fixed-length ids.
using Fabula.Models.Text;

namespace Fabula.Models.Tests.Text;

public sealed class WanTokenizerTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("fabula-").FullName;
    readonly SentencePieceModel _model = PocketVocabulary.Make(SegmentationType.Unigram, bytes: false);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_prompt_is_cleaned_ended_and_padded()
    {
        var tokens = new WanTokenizer(_model, length: 8).Encode("  the &lt;shot&gt;\n cat ");
        Assert.Equal([.. _model.Encode("the <shot> cat"), 1], tokens.Ids.Take(tokens.Length));
        Assert.All(tokens.Ids.Skip(tokens.Length), id => Assert.Equal(0, id));
        Assert.Equal((8, false), (tokens.Ids.Count, tokens.Cut));
    }

    [Fact]
    public void A_long_prompt_is_cut_before_its_end_mark()
    {
        var tokens = new WanTokenizer(_model, length: 4).Encode("a cat a cat a cat");
        Assert.Equal([.. _model.Encode("a cat a"), 1], tokens.Ids);
        Assert.Equal((4, true), (tokens.Length, tokens.Cut));
        Assert.False(new WanTokenizer(_model, length: 4).Encode("a cat a").Cut);
    }

    [Fact]
    public void An_empty_prompt_is_one_end_mark()
    {
        var tokens = new WanTokenizer(_model).Encode(" \n ");
        Assert.Equal((512, 1, 1), (tokens.Ids.Count, tokens.Length, tokens.Ids[0]));
    }

    [Fact]
    public void An_end_mark_written_in_a_prompt_is_text()
    {
        var tokens = new WanTokenizer(_model).Encode("a &lt;/s&gt; cat");
        Assert.Equal(tokens.Length - 1, tokens.Ids.ToList().IndexOf(1));
    }

    [Fact]
    public void Words_the_vocabulary_lacks_are_named_once_and_bare()
    {
        string prompt = "The cat, the ZEBRA! “zebra” walks; Ж Ж.";
        Assert.Equal(["The", "ZEBRA", "zebra", "Ж"], new WanTokenizer(_model).UnknownWords(prompt));
        var bytes = new WanTokenizer(PocketVocabulary.Make(SegmentationType.Unigram, bytes: true));
        Assert.Equal(["The", "ZEBRA", "zebra", "Ж"], bytes.UnknownWords(prompt));
        Assert.Empty(bytes.UnknownWords("the cat walks"));
    }

    [Fact]
    public void A_folder_prefers_its_spiece_model_to_its_tokenizer_json()
    {
        string inner = Directory.CreateDirectory(Path.Combine(_folder, "google", "umt5-xxl")).FullName;
        var empty = Assert.Throws<TokenizerException>(() => WanTokenizer.Open(_folder));
        Assert.Contains("holds no vocabulary", empty.Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(inner, "tokenizer.json"), SampleJson.Of(_model, normalizer: new { type = "Strip" }));
        Assert.Equal(_model.Encode("a cat"), WanTokenizer.Open(_folder).Model.Encode("a cat"));
        PocketVocabulary.Make(SegmentationType.Bpe, bytes: true).Save(Path.Combine(inner, "spiece.model"));
        Assert.Equal(SegmentationType.Bpe, WanTokenizer.Open(_folder).Model.Settings.Type);
        Assert.Equal(SegmentationType.Unigram, WanTokenizer.Open(Path.Combine(inner, "tokenizer.json")).Model.Settings.Type);
    }

    [Fact]
    public void A_vocabulary_without_an_end_mark_is_refused() =>
        Assert.Contains("no end mark '</s>'", Assert.Throws<TokenizerException>(
            () => new WanTokenizer(new SentencePieceModel([new("<unk>", 0, PieceType.Unknown)]))).Message, StringComparison.Ordinal);
}
