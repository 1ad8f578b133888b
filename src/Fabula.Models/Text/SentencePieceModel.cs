// A SentencePiece vocabulary: text to ids and back, exactly as the sentencepiece library does it.
// Kudo and Richardson 2018, https://arxiv.org/abs/1808.06226. Reference: google/sentencepiece v0.2.1,
// src/sentencepiece_processor.cc; parity: SentencePieceParityTests against ids recorded from the library.
using System.Text;
using Fabula.Torch;

namespace Fabula.Models.Text;

/// <summary>Immutable, and safe to use from several threads.</summary>
public sealed class SentencePieceModel
{
    const string WordMark = "\u2581";

    readonly Vocabulary _vocabulary;
    readonly TextNormalizer _normalizer;

    /// <summary>Builds a vocabulary from its pieces; a piece's id is its place in the list.</summary>
    /// <param name="pieces">At least one, with exactly one of type Unknown; 4,000,000 at most.</param>
    /// <param name="settings">How to normalise and split.</param>
    /// <param name="name">What to call it in error messages.</param>
    /// <exception cref="TokenizerException">The pieces make no vocabulary, e.g. one is there twice.</exception>
    public SentencePieceModel(IReadOnlyList<Piece> pieces, SentencePieceSettings? settings = null, string name = "new vocabulary")
        : this(Encoded(pieces, settings ?? new()), name)
    {
    }

    SentencePieceModel(VocabularyFile file, string name)
    {
        Settings = file.Settings;
        _vocabulary = new(file.Texts, file.Scores, file.Types, Settings.ByteFallback, name);
        _normalizer = new(Settings, _vocabulary.UserDefined, name);
    }

    public SentencePieceSettings Settings { get; }

    /// <summary>The number of pieces; ids are 0 to Count - 1.</summary>
    public int Count => _vocabulary.Count;

    public int UnknownId => _vocabulary.UnknownId;

    /// <summary>The id that opens a text, or -1 when the vocabulary has none.</summary>
    public int BeginId => _vocabulary.FindControl(Settings.BeginPiece);

    /// <summary>The id that ends a text, or -1 when the vocabulary has none.</summary>
    public int EndId => _vocabulary.FindControl(Settings.EndPiece);

    /// <summary>The id that fills up a batch, or -1 when the vocabulary has none.</summary>
    public int PadId => _vocabulary.FindControl(Settings.PadPiece);

    public Piece this[int id] => new(_vocabulary.TextOf(id), _vocabulary.Score(id), _vocabulary.TypeOf(id));

    /// <summary>Reads a file: spiece.model, sentencepiece.bpe.model and their like, or a Hugging Face tokenizer.json.</summary>
    /// <exception cref="TokenizerException">It is missing, damaged, or of a kind we do not read.</exception>
    public static SentencePieceModel Load(string path)
    {
        byte[] data;
        try
        {
            RegularFile.Require(path);
            data = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CheckpointException)
        {
            throw new TokenizerException($"The vocabulary '{path}' cannot be read ({e.Message.TrimEnd('.')}); check the path.", e);
        }
        return path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? ReadJson(data, path) : Read(data, path);
    }

    /// <summary>Reads the bytes of a SentencePiece model; the bytes must not change afterwards.</summary>
    /// <inheritdoc cref="Load" path="/exception"/>
    public static SentencePieceModel Read(ReadOnlyMemory<byte> data, string name) =>
        new(SentencePieceFile.Read(data, name), name);

    /// <summary>Reads the bytes of a Hugging Face tokenizer.json with a unigram model.</summary>
    /// <inheritdoc cref="Load" path="/exception"/>
    public static SentencePieceModel ReadJson(ReadOnlyMemory<byte> data, string name) =>
        new(TokenizerJson.Read(data, name), name);

    /// <summary>The bytes of a spiece.model that the sentencepiece library opens too.</summary>
    public byte[] ToBytes() => SentencePieceFile.Write(_vocabulary, Settings);

    /// <summary>Writes a spiece.model.</summary>
    public void Save(string path) => File.WriteAllBytes(path, ToBytes());

    /// <summary>The id of exactly this piece, or -1.</summary>
    public int IdOf(string piece) => _vocabulary.Find(piece);

    /// <summary>Text as the model sees it before splitting.</summary>
    public string Normalize(string text) => Encoding.UTF8.GetString(_normalizer.Normalize(Encoding.UTF8.GetBytes(text)));

    /// <summary>The ids of a text, without begin or end marks.</summary>
    /// <exception cref="TokenizerException">The model's normalisation rules are damaged.</exception>
    public int[] Encode(string text) => Encode(Encoding.UTF8.GetBytes(text));

    /// <summary>The ids of UTF-8 text; each malformed byte counts as U+FFFD.</summary>
    /// <inheritdoc cref="Encode(string)" path="/exception"/>
    public int[] Encode(ReadOnlySpan<byte> utf8)
    {
        var text = _normalizer.Normalize(utf8);
        var segments = Settings.Type == SegmentationType.Bpe
            ? Segmentation.Bpe(_vocabulary, text)
            : Segmentation.Unigram(_vocabulary, text);
        List<int> ids = new(segments.Count);
        bool afterUnknown = false;
        foreach (var (start, length, id) in segments)
        {
            bool unknown = id == UnknownId;
            if (unknown && _vocabulary.ByteFallback)
                foreach (byte value in text.Slice(start, length)) ids.Add(_vocabulary.ByteId(value));
            else if (!unknown || !afterUnknown) ids.Add(id); // a run of unknown characters is one piece
            afterUnknown = unknown;
        }
        return [.. ids];
    }

    /// <summary>The text of some ids: marks vanish, bytes are joined to characters, ▁ becomes a space.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative or not below <see cref="Count"/>.</exception>
    public string Decode(ReadOnlySpan<int> ids)
    {
        StringBuilder text = new();
        List<byte> bytes = [];
        bool atStart = true, markSeen = false;
        foreach (int id in ids)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id, nameof(ids));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, Count, nameof(ids));
            if (_vocabulary.TypeOf(id) == PieceType.Byte)
            {
                bytes.Add((byte)Vocabulary.ByteOf(_vocabulary.TextOf(id)));
                continue;
            }
            Flush(bytes, text);
            if (markSeen || text.Length > 0) atStart = false;
            text.Append(Surface(id, atStart, out markSeen));
        }
        Flush(bytes, text);
        return text.ToString();
    }

    string Surface(int id, bool atStart, out bool markSeen)
    {
        markSeen = false;
        if (_vocabulary.TypeOf(id) == PieceType.Control) return "";
        if (_vocabulary.TypeOf(id) == PieceType.Unknown) return Settings.UnknownSurface;
        string piece = _vocabulary.TextOf(id);
        if (atStart && (Settings.AddDummyPrefix || Settings.RemoveExtraWhitespaces) && piece.StartsWith(WordMark, StringComparison.Ordinal))
        {
            piece = piece[1..];
            markSeen = !Settings.RemoveExtraWhitespaces; // when extra spaces go, all leading ones do
        }
        return piece.Replace(WordMark, " ", StringComparison.Ordinal);
    }

    // Malformed bytes decode to U+FFFD each.
    static void Flush(List<byte> bytes, StringBuilder text)
    {
        byte[] rest = [.. bytes];
        for (int i = 0, length; i < rest.Length; i += length)
        {
            bool valid = Rune.DecodeFromUtf8(rest.AsSpan(i), out var rune, out length) == System.Buffers.OperationStatus.Done;
            if (!valid) length = 1;
            text.Append(valid ? rune.ToString() : "\uFFFD");
        }
        bytes.Clear();
    }

    static VocabularyFile Encoded(IReadOnlyList<Piece> pieces, SentencePieceSettings settings) => new(
        [.. pieces.Select(p => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(p.Text))],
        [.. pieces.Select(p => p.Score)], [.. pieces.Select(p => p.Type)], settings);
}
