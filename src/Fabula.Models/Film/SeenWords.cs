// Which words of a prompt a model has never met. Models taught with few words list them in words.txt, one a line; for others only what the
// vocabulary cannot spell counts.
using System.Text.RegularExpressions;
using Fabula.Models.Text;

namespace Fabula.Models;

public sealed partial class SeenWords
{
    public const string FileName = "words.txt";
    const int LongestFile = 4 << 20;

    readonly HashSet<string>? _words;
    readonly Lazy<WanTokenizer>? _tokenizer;

    SeenWords(HashSet<string>? words, Lazy<WanTokenizer>? tokenizer) => (_words, _tokenizer) = (words, tokenizer);

    /// <summary>The words that the model was taught with, in small letters; none where it does not say.</summary>
    public IReadOnlyCollection<string> Known => _words ?? [];

    /// <summary>A list of one's own.</summary>
    public static SeenWords Of(IEnumerable<string> words) => new([.. words.Select(word => word.ToLowerInvariant())], null);

    public static SeenWords Of(ModelFolder folder)
    {
        var path = Path.Combine(folder.Root, FileName);
        if (new FileInfo(path) is { Exists: true, Length: <= LongestFile })
            return Of(File.ReadLines(path).SelectMany(line => Word().Matches(line).Select(match => match.Value)));
        return new SeenWords(null, new Lazy<WanTokenizer>(folder.LoadTokenizer));
    }

    /// <summary>Words of a prompt that it has never met, in small letters where it has a list; each once.</summary>
    public IReadOnlyList<string> Unknown(string prompt) => _words is null ? _tokenizer!.Value.UnknownWords(prompt)
        : [.. Word().Matches(prompt).Select(match => match.Value.ToLowerInvariant()).Distinct().Where(word => !Knows(word))];

    /// <summary>"Ada's" is known where "ada" is, "sky-blue" where "sky" and "blue" are.</summary>
    bool Knows(string word) => _words!.Contains(word) || (word.EndsWith("'s", StringComparison.Ordinal) && _words.Contains(word[..^2]))
        || (word.Contains('-') && word.Split('-').All(_words.Contains));

    [GeneratedRegex(@"\p{L}+(?:['’-]\p{L}+)*")]
    private static partial Regex Word();
}
