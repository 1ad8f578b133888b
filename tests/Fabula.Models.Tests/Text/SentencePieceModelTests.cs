// What a vocabulary promises beside parity: files written and read again, errors in one sentence, speed.
using System.Diagnostics;
using Fabula.Models.Text;

namespace Fabula.Models.Tests.Text;

public sealed class SentencePieceModelTests
{
    static readonly Piece Unknown = new("<unk>", 0, PieceType.Unknown);

    [Theory]
    [InlineData("pocket-unigram", SegmentationType.Unigram, false)]
    [InlineData("pocket-bpe-bytes", SegmentationType.Bpe, true)]
    public void A_vocabulary_we_write_gives_the_library_the_same_ids(string name, SegmentationType type, bool bytes)
    {
        var model = PocketVocabulary.Make(type, bytes);
        Assert.Equal(File.ReadAllBytes(Recorded.PathOf(name + ".model")), model.ToBytes());
        foreach (var (line, (ids, decoded)) in Recorded.Lines().Zip(Recorded.Answers(name)))
        {
            Assert.Equal(ids, model.Encode(line));
            Assert.Equal(decoded, model.Decode(ids));
        }
    }

    [Theory]
    [InlineData("unigram-nmt-nfkc")]
    [InlineData("unigram-rules-suffix")]
    [InlineData("bpe-identity-symbols")]
    public void A_library_vocabulary_written_by_us_reads_the_same(string name)
    {
        var model = Recorded.Model(name);
        string path = Path.Combine(Path.GetTempPath(), $"fabula-{Guid.NewGuid():N}.model");
        model.Save(path);
        var again = SentencePieceModel.Load(path);
        File.Delete(path);
        Assert.Equal(model.ToBytes(), again.ToBytes());
        Assert.Equal(
            (model.PadId, model.EndId, model.UnknownId, model.BeginId), (again.PadId, again.EndId, again.UnknownId, again.BeginId));
        foreach (byte[] line in Recorded.Lines()) Assert.Equal(model.Encode(line), again.Encode(line));
    }

    [Fact]
    public void Pieces_have_ids_and_ids_have_pieces()
    {
        var model = PocketVocabulary.Make(SegmentationType.Unigram, bytes: false);
        Assert.Equal(("▁cat", PieceType.Normal), (model[model.IdOf("▁cat")].Text, model[model.IdOf("▁cat")].Type));
        Assert.Equal((0, 1, 2, -1), (model.PadId, model.EndId, model.UnknownId, model.BeginId));
        Assert.Equal((0, -1), (model.IdOf("<pad>"), model.IdOf("dog")));
        Assert.Equal("\u2581a\u2581cat", model.Normalize("  a   cat "));
    }

    [Fact]
    public void Unknown_characters_in_a_row_are_one_unknown_piece() =>
        Assert.Equal(1, PocketVocabulary.Make(SegmentationType.Unigram, bytes: false).Encode("ЖЖЖ").Count(id => id == 2));

    [Fact]
    public void Unknown_words_fall_back_to_bytes()
    {
        var model = PocketVocabulary.Make(SegmentationType.Unigram, bytes: true);
        Assert.Equal(["▁", "<0xD0>", "<0x96>"], model.Encode("Ж").Select(id => model[id].Text));
        Assert.Equal("Ж", model.Decode(model.Encode("Ж")));
    }

    [Fact]
    public void A_vocabulary_that_is_none_is_refused_in_one_sentence()
    {
        AssertRefused("it has no unknown piece", [new("a", 0)]);
        AssertRefused("two unknown pieces", [Unknown, new("<unk2>", 0, PieceType.Unknown)]);
        AssertRefused("piece 2, 'a', is there twice", [Unknown, new("a", 0), new("a", -1)]);
        AssertRefused("piece 1 has 0 bytes", [Unknown, new("", 0)]);
        AssertRefused("piece 1 has the score NaN", [Unknown, new("a", float.NaN)]);
        AssertRefused("byte piece '<0x41>' in a vocabulary without byte fallback", [Unknown, new("<0x41>", 0, PieceType.Byte)]);
        var error = Assert.Throws<TokenizerException>(() => new SentencePieceModel([Unknown], new() { ByteFallback = true }));
        Assert.Contains("lacks some of the 256", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_files_are_refused_in_one_sentence()
    {
        AssertDamaged("it holds no pieces", []);
        AssertDamaged("it ends inside a number", [0x0A, 0x80]);
        AssertDamaged("longer than ten bytes", [0x0A, .. Enumerable.Repeat((byte)0xFF, 12)]);
        AssertDamaged("field 1 claims 18446744073709551615 bytes, 0 are left", [0x0A, .. Enumerable.Repeat((byte)0xFF, 9), 1]);
        AssertDamaged("wire type 3", [0x33]);
        AssertDamaged("field number out of range", [0x00]);
        AssertDamaged("more than 4000000 pieces", [.. Enumerable.Repeat<byte[]>([0x0A, 0], 4_000_001).SelectMany(b => b)]);
        byte[] words = [0x0A, 3, 0x0A, 1, 0x61, 0x12, 2, 0x18, 3];
        AssertDamaged("by words", words);
        var missing = Assert.Throws<TokenizerException>(() => SentencePieceModel.Load("/no/such.model"));
        Assert.Contains("check the path", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_normalisation_rules_are_refused()
    {
        foreach (byte[] map in (byte[][])[[1], [0, 0, 0, 0, 1], [255, 255, 255, 255, 1, 2], [4, 0, 0, 0, 1, 2, 3, 4]])
            Assert.Throws<TokenizerException>(() => new SentencePieceModel([Unknown], new() { Charsmap = map }));
        byte[] outside = [4, 0, 0, 0, 0, 255, 255, 255, 0];
        var model = new SentencePieceModel([Unknown], new() { Charsmap = outside });
        Assert.Throws<TokenizerException>(() => model.Encode("text"));
    }

    [Fact]
    public void Umt5s_size_loads_and_encodes_quickly()
    {
        var random = new Random(5);
        HashSet<string> words = [];
        while (words.Count < 256_000)
            words.Add("▁" + string.Concat(Enumerable.Range(0, random.Next(2, 12)).Select(_ => (char)('a' + random.Next(26)))));
        byte[] file = new SentencePieceModel([Unknown, .. words.Select((w, i) => new Piece(w, -i * 1e-4f))]).ToBytes();
        var clock = Stopwatch.StartNew();
        var model = SentencePieceModel.Read(file, "large");
        var loading = clock.Elapsed;
        clock.Restart();
        model.Encode(string.Join(' ', words.Take(100_000)));
        var encoding = clock.Elapsed;
        Assert.True(loading.TotalSeconds < 3 && encoding.TotalSeconds < 3, $"loading {loading}, encoding {encoding}"); // 0.3 s if idle
    }

    static void AssertRefused(string because, Piece[] pieces) =>
        Assert.Contains(because, Assert.Throws<TokenizerException>(() => new SentencePieceModel(pieces)).Message, StringComparison.Ordinal);

    static void AssertDamaged(string because, byte[] file)
    {
        string message = Assert.Throws<TokenizerException>(() => SentencePieceModel.Read(file, "some.model")).Message;
        Assert.Contains(because, message, StringComparison.Ordinal);
        Assert.Contains("some.model", message, StringComparison.Ordinal);
    }
}
