// What a curation keeps and leaves out. OneStory publishes no thresholds: these are ours, and a file can have others.
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Fabula.Training.Curation;

public sealed record CurationSettings
{
    /// <summary>Shots shorter than this are left out, in seconds.</summary>
    public double LeastSeconds { get; init; } = 1;
    /// <summary>A shot more like the shot before it is left out; compared without weights (see <see cref="Signature.Look"/>).</summary>
    public double SameLooksAbove { get; init; } = 0.98;
    /// <summary>The same, compared by DINO, where its weights are given.</summary>
    public double SameDinoAbove { get; init; } = 0.95;
    /// <summary>
    /// Neighbours less alike than this do not belong together; compared without weights. Off as it stands: colours and brightness hardly
    /// know what belongs together (docs/LOG.md has the figures).
    /// </summary>
    public double UnrelatedLooksBelow { get; init; } = -1;
    /// <summary>The same, compared by CLIP, where its weights are given.</summary>
    public double UnrelatedClipBelow { get; init; } = 0.45;
    /// <summary>A shot whose caption has one of these, as whole words in letters of any size, is left out.</summary>
    public IReadOnlyList<string> Keywords { get; init; } =
    [
        "subtitle", "subtitles", "caption text", "watermark", "logo", "title card", "end credits", "opening credits", "black frame",
        "black screen", "split screen", "slideshow", "screen recording", "user interface",
    ];
    /// <summary>Shots in a sample, at most; at least there are 2.</summary>
    public int MostShots { get; init; } = 3;
    /// <summary>Width of the pictures that the captions are written from, in pixels.</summary>
    public int PictureWidth { get; init; } = 448;

    static readonly JsonSerializerOptions Reading = new(Kept.Json)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        AllowTrailingCommas = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
    };

    /// <summary>Of a JSON file; what it does not name stays as it is here.</summary>
    /// <exception cref="CurationException">It cannot be read, or a number is out of its range.</exception>
    public static CurationSettings Read(string path)
    {
        try
        {
            if (!File.Exists(path)) throw new CurationException($"{path} is not there. Name a JSON file of settings with --config.");
            if (new FileInfo(path).Length > 1 << 20) throw new CurationException($"{path} is too long for settings. 1 MB is enough.");
            var settings = JsonSerializer.Deserialize<CurationSettings>(File.ReadAllBytes(path), Reading)
                ?? throw new CurationException($"{path} holds nothing. Write an object in {{ }}.");
            return settings.Checked(path);
        }
        catch (JsonException e)
        {
            var where = e.LineNumber is { } line ? $", line {line + 1}" : "";
            throw new CurationException($"{path}{where}: these are no settings ({e.Message.Split(" Path:", 2)[0].TrimEnd('.')}). Known are "
                + $"{string.Join(", ", Names)}.", e);
        }
    }

    static IEnumerable<string> Names => typeof(CurationSettings).GetProperties().Select(property =>
        JsonNamingPolicy.CamelCase.ConvertName(property.Name));

    CurationSettings Checked(string path)
    {
        Range("leastSeconds", LeastSeconds, 0, 3600);
        Range("sameLooksAbove", SameLooksAbove, -1, 1);
        Range("sameDinoAbove", SameDinoAbove, -1, 1);
        Range("unrelatedLooksBelow", UnrelatedLooksBelow, -1, 1);
        Range("unrelatedClipBelow", UnrelatedClipBelow, -1, 1);
        Range("mostShots", MostShots, 2, 100);
        Range("pictureWidth", PictureWidth, 64, 2048);
        if (Keywords.Count > 1000 || Keywords.Any(word => string.IsNullOrWhiteSpace(word) || word.Length > 100))
            throw new CurationException($"{path}: 'keywords' has more than 1000 words, an empty one, or one of more than 100 letters.");
        return this;

        void Range(string name, double value, double low, double high)
        {
            if (!(value >= low && value <= high))
                throw new CurationException($"{path}: '{name}' is {value}. Write a number from {low} to {high}.");
        }
    }
}
