// Text before it is split: the model's normalisation rules, spaces as the model wants them, the word mark ▁.
// Works on bytes as the reference does: google/sentencepiece src/normalizer.cc, Normalizer::Normalize.
using System.Buffers;
using System.Text;

namespace Fabula.Models.Text;

internal sealed class TextNormalizer(SentencePieceSettings settings, PieceTrie? userDefined, string source)
{
    readonly Charsmap? _charsmap = settings.Charsmap.IsEmpty ? null : new(settings.Charsmap, source);

    static ReadOnlySpan<byte> WordMark => "\u2581"u8;

    static ReadOnlySpan<byte> Replacement => "\uFFFD"u8;

    ReadOnlySpan<byte> Space => settings.EscapeWhitespaces ? WordMark : " "u8;

    /// <summary>Normalises UTF-8; malformed bytes become U+FFFD each.</summary>
    public ReadOnlySpan<byte> Normalize(ReadOnlySpan<byte> text)
    {
        if (settings.RemoveExtraWhitespaces)
            while (!text.IsEmpty && Prefix(text, out var first) is var length && first.SequenceEqual(" "u8)) text = text[length..];
        if (text.IsEmpty) return default;

        var output = new ArrayBufferWriter<byte>(text.Length + (text.Length / 2) + 16);
        if (settings.AddDummyPrefix && !settings.WhitespaceAsSuffix) output.Write(Space);
        bool afterSpace = settings.RemoveExtraWhitespaces;
        while (!text.IsEmpty)
        {
            int length = Prefix(text, out var part);
            text = text[length..];
            if (afterSpace) part = part.TrimStart((byte)' ');
            if (part.IsEmpty) continue;
            afterSpace = settings.RemoveExtraWhitespaces && part[^1] == ' ';
            Append(output, part);
        }

        var normalized = output.WrittenSpan;
        if (settings.RemoveExtraWhitespaces)
            while (normalized.EndsWith(Space)) normalized = normalized[..^Space.Length];
        if (!settings.AddDummyPrefix || !settings.WhitespaceAsSuffix) return normalized;
        return (byte[])[.. normalized, .. Space];
    }

    void Append(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> part)
    {
        if (!settings.EscapeWhitespaces)
        {
            output.Write(part);
            return;
        }
        for (int space; (space = part.IndexOf((byte)' ')) >= 0; part = part[(space + 1)..])
        {
            output.Write(part[..space]);
            output.Write(WordMark);
        }
        output.Write(part);
    }

    // The next piece of input that is normalised as one: a user-defined symbol, the longest rule, or one character.
    int Prefix(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> normalized)
    {
        int length = userDefined?.LongestPrefix(text) ?? 0;
        if (length > 0)
        {
            normalized = text[..length];
            return length;
        }
        length = _charsmap is null ? NoRule(out normalized) : _charsmap.Match(text, out normalized);
        if (length > 0) return length;
        bool valid = Rune.DecodeFromUtf8(text, out _, out length) == OperationStatus.Done;
        if (!valid) length = 1;
        normalized = valid ? text[..length] : Replacement;
        return length;
    }

    static int NoRule(out ReadOnlySpan<byte> normalized)
    {
        normalized = default;
        return 0;
    }
}
