// The drafts of a clip: its place, and people cut out of their pictures, on their ways.
using Fabula.Models;

namespace Fabula.Production;

/// <param name="place">The empty place, as the shot sees it.</param>
/// <param name="people">Per way a figure, or none.</param>
sealed class Collages(ClipSettings settings, Picture place, IReadOnlyList<CutOut?> people)
{
    readonly Picture _place = new(PlateView.Fit(place, settings.Width, settings.Height), settings.Width, settings.Height);
    readonly IReadOnlyList<StageWay> _ways = settings.Staging ?? [];

    /// <summary>Everybody who is staged can be laid on the place.</summary>
    public bool IsWhole => people.All(figure => figure is not null);

    /// <summary>One for each frame of a part of the clip; where nobody is, one for all.</summary>
    /// <param name="first">The part's first frame, where it is given; so the last.</param>
    public IReadOnlyList<Picture> Drafts(int from, int frames, Picture? first, Picture? last)
    {
        var staging = Staging(from, frames);
        return staging.Count == 0 ? [_place] : Collage.Clip(_place, people, staging, Fitted(first), Fitted(last));
    }

    Picture? Fitted(Picture? picture) =>
        picture is null ? null : new(PlateView.Fit(picture, settings.Width, settings.Height), settings.Width, settings.Height);

    /// <summary>Where everybody is in each frame of a part of the clip, which repeats a frame if it is not the first.</summary>
    public IReadOnlyList<IReadOnlyList<StageBox>> Staging(int from, int frames) => _ways.Count == 0 ? [] :
        [.. Enumerable.Range(Math.Max(0, from - 1), frames)
            .Select(frame => (IReadOnlyList<StageBox>)[.. _ways.Select(way => way.At((double)frame / Math.Max(1, settings.Frames - 1)))])];
}
