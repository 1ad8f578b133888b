// A vocabulary entry as sentencepiece_model.proto defines it (google/sentencepiece, ModelProto.SentencePiece).
namespace Fabula.Models.Text;

/// <summary>What a piece is for; the numbers are those of the file format.</summary>
public enum PieceType
{
    /// <summary>Text, chosen by score.</summary>
    Normal = 1,

    /// <summary>Stands for everything the vocabulary lacks; exactly one per model.</summary>
    Unknown = 2,

    /// <summary>A mark such as &lt;/s&gt; that text never produces and decoding hides.</summary>
    Control = 3,

    /// <summary>Text that is always kept as one piece and never normalised.</summary>
    UserDefined = 4,

    /// <summary>Listed but switched off.</summary>
    Unused = 5,

    /// <summary>One byte, written &lt;0x00&gt; to &lt;0xFF&gt;, for characters the vocabulary lacks.</summary>
    Byte = 6,
}

/// <summary>One vocabulary entry.</summary>
/// <param name="Text">Its text, never empty; a word's beginning is marked with U+2581 (▁).</param>
/// <param name="Score">Log probability (unigram) or minus the merge rank (BPE); finite.</param>
/// <param name="Type">What it is for.</param>
public readonly record struct Piece(string Text, float Score, PieceType Type = PieceType.Normal);
