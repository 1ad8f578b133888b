// Unicode normalisation form C, because the program runs without the system's Unicode library, where .NET's own
// string.Normalize changes nothing. Algorithm: Unicode Standard, section 3.11; Hangul by arithmetic, section 3.12.
// Tables: UnicodeData.txt of Unicode 14; "!" marks a decomposition that is not composed again.
using System.Globalization;
using System.Text;

namespace Fabula.Models.Text;

internal static class CanonicalForm
{
    const int Syllables = 0xAC00, Leads = 0x1100, Vowels = 0x1161, Tails = 0x11A7;
    const int VowelCount = 21, TailCount = 28, SyllableCount = 19 * VowelCount * TailCount;

    static readonly Dictionary<int, int[]> Decompositions = [];
    static readonly Dictionary<(int, int), int> Compositions = [];
    static readonly Dictionary<int, int> Classes = [];

    static CanonicalForm()
    {
        foreach (var (key, value) in Table.Read("canonical-decompositions.txt"))
        {
            int composed = Hex(key);
            int[] parts = [.. value.TrimEnd('!').Split(' ').Select(Hex)];
            Decompositions[composed] = parts;
            if (parts.Length == 2 && value[^1] != '!') Compositions[(parts[0], parts[1])] = composed;
        }
        foreach (var (key, value) in Table.Read("combining-classes.txt"))
        {
            string[] ends = key.Split('-');
            for (int rune = Hex(ends[0]); rune <= Hex(ends[1]); rune++) Classes[rune] = int.Parse(value, CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The text in form C; unpaired surrogates become U+FFFD.</summary>
    public static string Compose(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', '\u02FF')) return text; // nothing below U+0300 combines
        List<int> runes = [];
        foreach (var rune in text.EnumerateRunes()) Decompose(rune.Value, runes);
        Reorder(runes);
        StringBuilder composed = new(text.Length);
        foreach (int rune in Recompose(runes)) composed.Append(new Rune(rune).ToString());
        return composed.ToString();
    }

    static void Decompose(int rune, List<int> output)
    {
        int syllable = rune - Syllables;
        if (syllable is >= 0 and < SyllableCount)
        {
            output.Add(Leads + (syllable / (VowelCount * TailCount)));
            output.Add(Vowels + (syllable / TailCount % VowelCount));
            if (syllable % TailCount > 0) output.Add(Tails + (syllable % TailCount));
        }
        else if (Decompositions.TryGetValue(rune, out var parts))
            foreach (int part in parts) Decompose(part, output);
        else output.Add(rune);
    }

    // Marks between two starters stand in order of their class; equal classes keep their order.
    static void Reorder(List<int> runes)
    {
        for (int start = 0, end; start < runes.Count; start = end + 1)
        {
            for (end = start; end < runes.Count && Class(runes[end]) != 0;) end++;
            if (end - start < 2) continue;
            int[] marks = [.. runes[start..end].OrderBy(Class)];
            for (int i = 0; i < marks.Length; i++) runes[start + i] = marks[i];
        }
    }

    static List<int> Recompose(List<int> runes)
    {
        List<int> output = new(runes.Count);
        int starter = -1, before = 0; // place of the last starter in output; class of the rune added last
        foreach (int rune in runes)
        {
            int @class = Class(rune);
            bool adjacent = starter == output.Count - 1;
            if (starter >= 0 && (adjacent || (before != 0 && before < @class)) && Pair(output[starter], rune) is > 0 and var whole)
            {
                output[starter] = whole;
                continue;
            }
            if (@class == 0) starter = output.Count;
            before = @class;
            output.Add(rune);
        }
        return output;
    }

    static int Pair(int first, int second)
    {
        int lead = first - Leads, vowel = second - Vowels, syllable = first - Syllables, tail = second - Tails;
        if (lead is >= 0 and < 19 && vowel is >= 0 and < VowelCount)
            return Syllables + (((lead * VowelCount) + vowel) * TailCount);
        if (syllable is >= 0 and < SyllableCount && syllable % TailCount == 0 && tail is > 0 and < TailCount) return first + tail;
        return Compositions.GetValueOrDefault((first, second));
    }

    static int Class(int rune) => rune < 0x300 ? 0 : Classes.GetValueOrDefault(rune);

    static int Hex(string digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
