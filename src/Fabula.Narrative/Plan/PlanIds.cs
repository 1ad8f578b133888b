// Ids are small words that people can read, and that are safe as names of files: ada-opens-door.
using System.Text;

namespace Fabula.Narrative;

public static class PlanIds
{
    public const int MaxLength = 64;

    static readonly HashSet<string> Fillers = ["a", "an", "the", "and", "of", "to", "in", "on", "at", "with", "her", "his", "its", "their"];

    /// <summary>Small ASCII letters, digits, - and _; begins with a letter or digit; at most 64 letters.</summary>
    public static bool IsId(string id) =>
        id.Length is > 0 and <= MaxLength && id.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_')
        && id[0] is not ('-' or '_');

    /// <summary>The first few words that carry meaning, joined by dashes; "x" where no letter can be used.</summary>
    public static string Slug(string text, int words)
    {
        var kept = Words(text).Where(word => !Fillers.Contains(word)).Take(words).ToList();
        if (kept.Count == 0) kept = [.. Words(text).Take(words)];
        var slug = string.Join('-', kept);
        if (slug.Length > 48) slug = slug[..48].TrimEnd('-');
        return slug.Length == 0 ? "x" : slug;
    }

    /// <summary>The slug, or slug-2, slug-3, ... for the second and third that would have it.</summary>
    public static string Unique(string slug, HashSet<string> taken)
    {
        var id = slug;
        for (var n = 2; !taken.Add(id); n++) id = $"{slug}-{n}";
        return id;
    }

    /// <summary>A seed from the film's seed and a name: 31 bits of FNV-1a over the UTF-8 letters. The same on every machine for ever,
    /// and an inserted shot does not change the seed of another.</summary>
    public static int Seed(int film, string id)
    {
        var hash = 14695981039346656037UL;
        foreach (var letter in Encoding.UTF8.GetBytes($"{film}/{id}")) hash = (hash ^ letter) * 1099511628211UL;
        return (int)((hash ^ (hash >> 32)) & 0x7fff_ffff);
    }

    static IEnumerable<string> Words(string text)
    {
        var word = new StringBuilder();
        foreach (var letter in text.ToLowerInvariant())
        {
            if (char.IsAsciiLetterOrDigit(letter)) word.Append(letter);
            else if (letter is not ('\'' or '’') && word.Length > 0)
            {
                yield return word.ToString();
                word.Clear();
            }
        }
        if (word.Length > 0) yield return word.ToString();
    }
}
