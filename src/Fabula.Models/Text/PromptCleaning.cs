// What Wan does to a prompt before it splits it (Wan2.1 wan/modules/tokenizers.py, basic_clean and whitespace_clean):
// ftfy.fix_text, html.unescape twice, white space collapsed. Of ftfy (rspeer/python-ftfy v6.3.1, default settings) every fixer
// is here but fix_encoding, which repairs text decoded in a wrong encoding ("sÃ³"): such text stays as it came.
using System.Text;
using System.Text.RegularExpressions;

namespace Fabula.Models.Text;

/// <summary>Cleans prompts as Wan's own code does.</summary>
public static partial class PromptCleaning
{
    const int MostRounds = 100; // against "&amp;amp;amp;..." without end; ftfy itself has no bound

    static readonly Dictionary<char, string> StandardWidths = Table.Read("standard-widths.txt").ToDictionary(
        e => (char)Convert.ToInt32(e.Key, 16), e => string.Concat(e.Value.Split(' ').Select(c => (char)Convert.ToInt32(c, 16))));

    /// <summary>The prompt as Wan's text encoder gets it: one line, no outer spaces.</summary>
    public static string Clean(string prompt)
    {
        string text = HtmlEntities.Unescape(HtmlEntities.Unescape(FixText(prompt)));
        StringBuilder clean = new(text.Length);
        foreach (char c in text.AsSpan().Trim())
        {
            if (!char.IsWhiteSpace(c)) clean.Append(c);
            else if (clean[^1] != ' ') clean.Append(' ');
        }
        return clean.ToString();
    }

    /// <summary>ftfy.fix_text without fix_encoding: line by line, each until nothing changes.</summary>
    internal static string FixText(string text)
    {
        StringBuilder output = new(text.Length);
        bool entities = true; // from the first line with a "<" on, the text counts as HTML and keeps its entities
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = text.IndexOf('\n', start) + 1;
            if (end == 0) end = text.Length;
            string line = text[start..end];
            entities &= !line.Contains('<', StringComparison.Ordinal);
            for (int round = 0; round < MostRounds; round++)
            {
                string before = line;
                line = FixOnce(line, entities);
                if (line == before) break;
            }
            output.Append(line);
        }
        return output.ToString();
    }

    static string FixOnce(string line, bool entities)
    {
        if (entities) line = HtmlEntities.UnescapeCertain(line);
        StringBuilder fixedLine = new(line.Length);
        foreach (char c in line) fixedLine.Append(FixCharacter(Windows1252(c)));
        line = LineBreak().Replace(fixedLine.ToString(), "\n");
        line = TerminalEscape().Replace(line, "");
        line = ControlCharacter().Replace(line, "");
        return CanonicalForm.Compose(line); // makes unpaired surrogates U+FFFD, too
    }

    /// <summary>A C1 control character becomes what Windows-1252 has in its place; others stay.</summary>
    internal static char Windows1252(char c) => c is < '\x80' or > '\x9F'
        ? c
        : "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8DŽ\x8F\x90‘’“”•–—˜™š›œ\x9DžŸ"[c - 0x80];

    // Ligatures, then widths, then quotation marks, as ftfy orders them, in one step.
    static string FixCharacter(char c) => c switch
    {
        < '\u0132' => c.ToString(),
        'Ĳ' => "IJ",
        'ĳ' => "ij",
        'ŉ' => "'n",
        'Ǳ' => "DZ",
        'ǲ' => "Dz",
        'ǳ' => "dz",
        'Ǆ' => "DŽ",
        'ǅ' => "Dž",
        'ǆ' => "dž",
        'Ǉ' => "LJ",
        'ǈ' => "Lj",
        'ǉ' => "lj",
        'Ǌ' => "NJ",
        'ǋ' => "Nj",
        'ǌ' => "nj",
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        'ﬅ' => "ſt",
        'ﬆ' => "st",
        '\u02BC' or (>= '\u2018' and <= '\u201B') => "'",
        >= '\u201C' and <= '\u201F' => "\"",
        _ => StandardWidths.GetValueOrDefault(c) ?? c.ToString(),
    };

    [GeneratedRegex("\r\n|[\r\u2028\u2029\u0085]")]
    private static partial Regex LineBreak();

    [GeneratedRegex("\u001B\\[[\\d;]*[a-zA-Z]")]
    private static partial Regex TerminalEscape();

    [GeneratedRegex("[\0-\b\v\x0E-\x1F\x7F\u206A-\u206F\uFEFF\uFFF9-\uFFFC]")]
    private static partial Regex ControlCharacter();
}
