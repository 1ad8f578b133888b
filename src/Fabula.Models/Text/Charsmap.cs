// The compiled normalisation rules inside a SentencePiece model: <trie bytes: uint32> <double array> <strings, each ended by 0>.
// The double array is that of darts-clone (unit layout: darts.h, DoubleArrayUnit). The rules are untrusted: every index is
// checked, and a rule's key and replacement have bounds, so that a forged map can neither read outside nor blow up a text.
// Reference: google/sentencepiece src/normalizer.cc, Normalizer::NormalizePrefix and DecodePrecompiledCharsMap.
using System.Buffers.Binary;

namespace Fabula.Models.Text;

internal sealed class Charsmap
{
    const int LongestKey = 256, LongestReplacement = 1024; // bytes; real rules need 30 and 50

    readonly uint[] _units;
    readonly ReadOnlyMemory<byte> _strings;
    readonly string _source;

    public Charsmap(ReadOnlyMemory<byte> blob, string source)
    {
        _source = source;
        if (blob.Length <= 4) throw Damaged("it is too short");
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(blob.Span);
        if (size < 4 || size >= blob.Length - 4) throw Damaged("its trie is larger than the map");
        var units = blob.Span[4..(int)(4 + size)];
        _units = new uint[size / 4];
        for (int i = 0; i < _units.Length; i++) _units[i] = BinaryPrimitives.ReadUInt32LittleEndian(units[(4 * i)..]);
        _strings = blob[(int)(4 + size)..];
    }

    /// <summary>Finds the longest rule that the text begins with.</summary>
    /// <param name="text">UTF-8, perhaps malformed.</param>
    /// <param name="replacement">What stands in its place.</param>
    /// <returns>The bytes of text the rule covers; 0 for no rule.</returns>
    public int Match(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> replacement)
    {
        int longest = 0, found = 0;
        uint node = Offset(_units[0]);
        for (int i = 0; i < text.Length && i < LongestKey; i++)
        {
            node ^= text[i];
            uint unit = At(node);
            if ((unit & 0x800000FF) != text[i]) break;
            node ^= Offset(unit);
            if ((unit & 0x100) != 0) (longest, found) = (i + 1, (int)(At(node) & 0x7FFFFFFF));
        }
        replacement = longest == 0 ? default : Replacement(found);
        return longest;
    }

    ReadOnlySpan<byte> Replacement(int start)
    {
        if (start >= _strings.Length) throw Damaged("a rule points outside its strings");
        var rest = _strings.Span[start..];
        int length = rest.IndexOf((byte)0);
        if (length < 0) length = rest.Length;
        return length <= LongestReplacement ? rest[..length] : throw Damaged("a rule's replacement is too long");
    }

    uint At(uint node) => node < _units.Length ? _units[node] : throw Damaged("a rule points outside its trie");

    static uint Offset(uint unit) => unit >> 10 << (int)((unit & 0x200) >> 6);

    TokenizerException Damaged(string what) => TokenizerException.Damaged(_source, $"normalisation map: {what}");
}
