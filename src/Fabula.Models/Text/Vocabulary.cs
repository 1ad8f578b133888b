// The pieces of a model, checked once and laid out for fast matching. The checks are the reference's
// (google/sentencepiece src/model_interface.cc, InitializePieces), and three more for untrusted files: a cap on the number
// of pieces, a cap on a piece's length, finite scores.
using System.Globalization;
using System.Text;

namespace Fabula.Models.Text;

internal sealed class Vocabulary
{
    const int MostPieces = 4_000_000, LongestPiece = 1024; // pieces; bytes

    readonly ReadOnlyMemory<byte>[] _texts;
    readonly float[] _scores;
    readonly PieceType[] _types;
    readonly Dictionary<string, int> _reserved = [];
    readonly int[] _byteIds = new int[256];
    readonly string _source;

    public Vocabulary(ReadOnlyMemory<byte>[] texts, float[] scores, PieceType[] types, bool byteFallback, string source)
    {
        (_texts, _scores, _types, _source) = (texts, scores, types, source);
        if (texts.Length > MostPieces) throw Damaged($"{texts.Length} pieces, more than {MostPieces}");
        Array.Fill(_byteIds, -1);
        List<int> matched = [], userDefined = [];
        for (int id = 0; id < texts.Length; id++)
        {
            if (texts[id].IsEmpty || texts[id].Length > LongestPiece)
                throw Damaged($"piece {id} has {texts[id].Length} bytes, not 1 to {LongestPiece}");
            if (!float.IsFinite(scores[id])) throw Damaged($"piece {id} has the score {scores[id]}");
            switch (types[id])
            {
                case PieceType.Normal:
                    (LowestScore, HighestScore) = (Math.Min(LowestScore, scores[id]), Math.Max(HighestScore, scores[id]));
                    matched.Add(id);
                    break;
                case PieceType.Unused: matched.Add(id); break;
                case PieceType.UserDefined:
                    matched.Add(id);
                    userDefined.Add(id);
                    break;
                default: Reserve(id, byteFallback); break;
            }
        }
        if (UnknownId < 0) throw Damaged("it has no unknown piece");
        if (byteFallback && _byteIds.AsSpan().Contains(-1)) throw Damaged("it promises byte pieces and lacks some of the 256");
        Trie = PieceTrie.Build(texts, [.. matched], out int duplicate);
        if (duplicate >= 0) throw Damaged($"piece {duplicate}, '{TextOf(duplicate)}', is there twice");
        if (userDefined.Count > 0) UserDefined = PieceTrie.Build(texts, [.. userDefined], out _);
        ByteFallback = byteFallback;
    }

    public int Count => _texts.Length;

    public int UnknownId { get; private set; } = -1;

    public bool ByteFallback { get; }

    /// <summary>Of the normal pieces; starts where the reference starts, so that an odd vocabulary behaves the same.</summary>
    public float LowestScore { get; } = float.MaxValue;

    /// <inheritdoc cref="LowestScore"/>
    public float HighestScore { get; } = 1.17549435e-38f; // FLT_MIN, the smallest positive number: the reference's choice

    /// <summary>All pieces that text can match.</summary>
    public PieceTrie Trie { get; }

    /// <summary>The user-defined symbols, or null when there are none.</summary>
    public PieceTrie? UserDefined { get; }

    public float Score(int id) => _scores[id];

    public PieceType TypeOf(int id) => _types[id];

    public ReadOnlyMemory<byte> BytesOf(int id) => _texts[id];

    public string TextOf(int id) => Encoding.UTF8.GetString(_texts[id].Span);

    public int ByteId(byte value) => _byteIds[value];

    /// <summary>The id of this piece; reserved pieces first; -1 when the vocabulary has none.</summary>
    public int Find(string piece) =>
        _reserved.TryGetValue(piece, out int id) ? id : Trie.Find(Encoding.UTF8.GetBytes(piece));

    /// <summary>The id of the control piece of this name, or -1.</summary>
    public int FindControl(string piece) =>
        _reserved.TryGetValue(piece, out int id) && _types[id] == PieceType.Control ? id : -1;

    /// <summary>The byte that a piece such as &lt;0x0A&gt; stands for, or -1.</summary>
    public static int ByteOf(string piece) =>
        piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
        && byte.TryParse(piece.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)
        && piece.AsSpan(3, 2).IndexOfAnyInRange('a', 'f') < 0 ? value : -1;

    // Unknown, control and byte pieces: known by name, never matched from text.
    void Reserve(int id, bool byteFallback)
    {
        string text = TextOf(id);
        if (!_reserved.TryAdd(text, id)) throw Damaged($"piece {id}, '{text}', is there twice");
        if (_types[id] == PieceType.Unknown && UnknownId >= 0) throw Damaged("it has two unknown pieces");
        if (_types[id] == PieceType.Unknown) UnknownId = id;
        if (_types[id] != PieceType.Byte) return;
        if (!byteFallback) throw Damaged($"byte piece '{text}' in a vocabulary without byte fallback");
        if (ByteOf(text) is not (>= 0 and var value)) throw Damaged($"'{text}' is no byte piece");
        _byteIds[value] = id;
    }

    TokenizerException Damaged(string what) => TokenizerException.Damaged(_source, what);
}
