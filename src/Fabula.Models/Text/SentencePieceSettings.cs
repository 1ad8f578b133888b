// How a SentencePiece model splits and normalises text: the fields of trainer_spec and normalizer_spec that matter for encoding.
namespace Fabula.Models.Text;

/// <summary>The segmentation algorithms we read; the numbers are those of the file format.</summary>
public enum SegmentationType
{
    /// <summary>The most probable split under a unigram language model (T5, umT5, XLM-R).</summary>
    Unigram = 1,

    /// <summary>Byte-pair merges, best score first (Llama 2, Gemma).</summary>
    Bpe = 2,
}

/// <summary>Defaults are those of sentencepiece_model.proto.</summary>
public sealed record SentencePieceSettings
{
    public SegmentationType Type { get; init; } = SegmentationType.Unigram;

    /// <summary>Characters outside the vocabulary become 256 byte pieces instead of the unknown piece.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>The word mark ▁ closes a word instead of opening it.</summary>
    public bool WhitespaceAsSuffix { get; init; }

    /// <summary>Text gets a leading (or, as suffix, closing) ▁, so that a word looks the same wherever it stands.</summary>
    public bool AddDummyPrefix { get; init; } = true;

    /// <summary>Leading, closing and repeated spaces are dropped.</summary>
    public bool RemoveExtraWhitespaces { get; init; } = true;

    /// <summary>A space is written ▁ before splitting.</summary>
    public bool EscapeWhitespaces { get; init; } = true;

    /// <summary>The compiled normalisation rules (length, double array, strings); empty for none.</summary>
    public ReadOnlyMemory<byte> Charsmap { get; init; }

    /// <summary>The name of the rules, e.g. "nmt_nfkc"; for people only.</summary>
    public string CharsmapName { get; init; } = "";

    /// <summary>What the unknown piece decodes to.</summary>
    public string UnknownSurface { get; init; } = " \u2047 ";

    public string BeginPiece { get; init; } = "<s>";

    public string EndPiece { get; init; } = "</s>";

    public string PadPiece { get; init; } = "<pad>";

    public string UnknownPiece { get; init; } = "<unk>";
}
