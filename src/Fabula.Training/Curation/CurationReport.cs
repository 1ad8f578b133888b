// What a curation found, kept and left out.
using System.Text.Json.Serialization;

namespace Fabula.Training.Curation;

/// <param name="First">Its first frame at the video's rate.</param>
/// <param name="Last">Its last frame, which belongs to it.</param>
/// <param name="Caption">Referring to the shot before it, but for the first; null where no model was asked.</param>
/// <param name="Alone">The caption of the shot by itself.</param>
public sealed record SampleShot(int First, int Last, string? Caption, string? Alone);

/// <summary>Two shots or more that follow one another: what a model learns from.</summary>
/// <param name="Video">Its path within the folder.</param>
public sealed record Sample(string Video, double FramesPerSecond, IReadOnlyList<SampleShot> Shots);

/// <summary>A shot that was left out.</summary>
/// <param name="Filter">short, same, caption, keyword or alone.</param>
public sealed record LeftOut(string Video, int First, int Last, string Filter, string Why);

/// <summary>A join across which no sample goes.</summary>
public sealed record Unrelated(string Video, int Last, int First, string Why);

public sealed record RefusedVideo(string Video, string Why);

public sealed record CurationReport(string Boundaries, int Videos, int Shots, IReadOnlyList<RefusedVideo> Refused,
    IReadOnlyList<LeftOut> LeftOut, IReadOnlyList<Unrelated> Unrelated,
    [property: JsonIgnore] IReadOnlyList<Sample> Samples)
{
    /// <summary>The filters in the order in which they are asked, and what each removes.</summary>
    static readonly (string Filter, string What)[] Filters =
    [
        ("short", "shots too short"), ("same", "shots the same as the one before"), ("caption", "shots without a valid caption"),
        ("keyword", "shots by a word of their captions"), ("alone", "shots with no neighbour left"),
    ];

    public IEnumerable<string> Lines()
    {
        yield return $"{Videos} videos, {Refused.Count} of them refused; {Shots} shots found by {Boundaries}";
        foreach (var (filter, what) in Filters)
        {
            if (filter == "alone") yield return $"  {Unrelated.Count,6} joins of unrelated shots: no sample goes across";
            yield return $"  {-LeftOut.Count(shot => shot.Filter == filter),6} {what}";
        }
        var sizes = Samples.GroupBy(sample => sample.Shots.Count).OrderBy(group => group.Key)
            .Select(group => $"{group.Count()} of {group.Key}");
        yield return $"  {Samples.Sum(sample => sample.Shots.Count),6} shots kept in {Samples.Count} samples"
            + (Samples.Count == 0 ? "" : $" ({string.Join(", ", sizes)} shots)");
    }
}
