// Two small vocabularies made by hand with every type of piece, as our pocket models ship theirs.
using Fabula.Models.Text;

namespace Fabula.Models.Tests.Text;

static class PocketVocabulary
{
    static readonly string[] Words =
    [
        "▁", "▁a", "▁the", "▁cat", "▁c", "at", "s", "▁red", "▁house", "ho", "use", "▁w", "al", "k", "▁walk", "▁walks", "▁über",
        "ü", "é", "b", "e", "r", "t", "h", "o", "u", "w", "a", "l", "d", "c", "中", "文", "中文", "🎬", "th", "the", "ca", "wa",
    ];

    /// <summary>The pieces have falling scores; "▁walk" and "the" are switched off.</summary>
    public static SentencePieceModel Make(SegmentationType type, bool bytes)
    {
        List<Piece> pieces =
        [
            new("<pad>", 0, PieceType.Control), new("</s>", 0, PieceType.Control), new("<unk>", 0, PieceType.Unknown),
            new("<shot>", 0, PieceType.UserDefined), new("New York", 0, PieceType.UserDefined),
        ];
        if (bytes)
            for (int value = 0; value < 256; value++) pieces.Add(new($"<0x{value:X2}>", 0, PieceType.Byte));
        foreach (string word in Words)
            pieces.Add(new(word, -0.5f - (pieces.Count * 0.125f), word is "▁walk" or "the" ? PieceType.Unused : PieceType.Normal));
        return new(pieces, new() { Type = type, ByteFallback = bytes, CharsmapName = "identity" }, "pocket");
    }
}
