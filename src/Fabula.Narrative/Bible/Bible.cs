// The bible: who and what the film is about, and how it looks. People write it (bible.yaml, docs/screenplay.md); nothing writes to it.
namespace Fabula.Narrative;

public sealed record Bible
{
    public string? Title { get; init; }
    public BibleStyle Style { get; init; } = new();
    public BibleFilm Film { get; init; } = new();
    public IReadOnlyList<BiblePerson> People { get; init; } = [];
    public IReadOnlyList<BiblePlace> Places { get; init; } = [];
    public IReadOnlyList<BibleProp> Props { get; init; } = [];
}

/// <summary>How every picture looks, and what no picture should show.</summary>
public sealed record BibleStyle(string Look = "", string Avoid = "");

/// <summary>Size in pixels, rate in frames per second, the usual length of a shot in frames (4n+1), and the seed of all chance.</summary>
public sealed record BibleFilm(int Width = 832, int Height = 480, int Rate = 16, int Frames = 81, int Seed = 1);

/// <summary>Somebody. Id is the key in the file; pictures are paths inside the production folder, with / between names.</summary>
public sealed record BiblePerson(string Id, string Name, string Looks, IReadOnlyList<string> Also, IReadOnlyList<string> Pictures,
    int Line);

/// <summary>Somewhere, described without people.</summary>
public sealed record BiblePlace(
    string Id, string Name, bool Inside, string Looks, IReadOnlyList<string> Also, IReadOnlyList<string> Pictures, int Line)
{
    /// <summary>Pictures by hour (<see cref="Hours"/>), where they are given so; the first is in <see cref="Pictures"/>, too.</summary>
    public IReadOnlyDictionary<string, string>? PicturesAt { get; init; }
    /// <summary>The middle of its door, in percent of the first picture's width.</summary>
    public int? Door { get; init; }

    public static readonly IReadOnlyList<string> Hours = ["morning", "day", "evening", "night"];
}

/// <summary>Something that people carry; size and held as in <see cref="PlanProp"/>.</summary>
public sealed record BibleProp(string Id, string Name, string Looks, IReadOnlyList<string> Pictures, int Line, int? Size = null,
    PropHold? Held = null);
