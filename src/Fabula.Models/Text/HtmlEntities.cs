// HTML character references, decoded two ways: generously, as Python's html.unescape and web browsers do, and only where no
// doubt is possible, as ftfy does. Table: the named character references of the HTML standard
// (https://html.spec.whatwg.org/multipage/named-characters.html). References: CPython Lib/html/__init__.py; rspeer/python-ftfy
// v6.3.1 ftfy/fixes.py unescape_html and ftfy/chardata.py.
using System.Globalization;
using System.Text.RegularExpressions;

namespace Fabula.Models.Text;

internal static partial class HtmlEntities
{
    static readonly Dictionary<string, string> Named = Table.Read("html5-entities.txt").ToDictionary(
        e => e.Key, e => string.Concat(e.Value.Split(' ').Select(c => char.ConvertFromUtf32(Hex(c)))));

    static readonly Dictionary<string, string> Capitals = Named
        .Where(e => e.Key[^1] == ';' && !e.Key.Any(char.IsAsciiLetterUpper))
        .Select(e => (Key: e.Key.ToUpperInvariant(), e.Value))
        .Where(e => Unescape("&" + e.Key) == "&" + e.Key)
        .ToDictionary(e => e.Key, e => Upper(e.Value));

    /// <summary>Every reference, also those without a semicolon ("&amp;amp" and "&amp;notit").</summary>
    public static string Unescape(string text) => Reference().Replace(text, match => Decode(match.Value[1..]));

    /// <summary>Only references closed by a semicolon; names also in capitals ("&amp;EACUTE;").</summary>
    public static string UnescapeCertain(string text) => CertainReference().Replace(text, match =>
    {
        string reference = match.Value[1..];
        if (Named.TryGetValue(reference, out string? characters) || Capitals.TryGetValue(reference, out characters)) return characters;
        if (reference[0] != '#') return match.Value;
        string unescaped = Unescape(match.Value);
        return unescaped.Contains(';', StringComparison.Ordinal) ? match.Value : unescaped;
    });

    static string Decode(string reference)
    {
        if (reference[0] == '#') return Numbered(reference[1..].TrimEnd(';'));
        for (int length = reference.Length; length > 1; length--)
            if (Named.TryGetValue(reference[..length], out string? characters)) return characters + reference[length..];
        return "&" + reference;
    }

    static string Numbered(string digits)
    {
        bool hex = digits[0] is 'x' or 'X';
        digits = (hex ? digits[1..] : digits).TrimStart('0');
        if (digits.Length > 8) return "\uFFFD";
        long code = digits.Length == 0 ? 0 : long.Parse(digits,
            hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture);
        return code switch
        {
            0 or (>= 0xD800 and <= 0xDFFF) or > 0x10FFFF => "\uFFFD",
            0x0D => "\r",
            >= 0x80 and <= 0x9F => PromptCleaning.Windows1252((char)code).ToString(),
            (>= 1 and <= 8) or 0x0B or (>= 0x0E and <= 0x1F) or 0x7F or (>= 0xFDD0 and <= 0xFDEF) => "",
            _ when (code & 0xFFFE) == 0xFFFE => "",
            _ => char.ConvertFromUtf32((int)code),
        };
    }

    // Upper case with the seven expansions that occur among the named characters.
    static string Upper(string text) => text switch
    {
        "ß" => "SS",
        "ŉ" => "ʼN",
        "ﬀ" => "FF",
        "ﬁ" => "FI",
        "ﬂ" => "FL",
        "ﬃ" => "FFI",
        "ﬄ" => "FFL",
        _ => text.ToUpperInvariant(),
    };

    static int Hex(string digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")]
    private static partial Regex Reference();

    [GeneratedRegex("&#?[0-9A-Za-z]{1,24};")]
    private static partial Regex CertainReference();
}
