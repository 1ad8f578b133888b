// The drafts of a clip: its place, and people cut out of their pictures, on their ways.
using Fabula.Models;

namespace Fabula.Production;

/// <param name="place">The empty place, as the shot sees it.</param>
/// <param name="people">Per way a picture on plain ground, or none.</param>
sealed class Collages(ClipSettings settings, Picture place, IReadOnlyList<Picture?> people)
{
    readonly Picture _place = new(PlateView.Fit(place, settings.Width, settings.Height), settings.Width, settings.Height);
    readonly List<CutOut?> _people = [.. people.Select(picture => picture is null ? null : CutOut.Of(picture))];
    readonly IReadOnlyList<StageWay> _ways = settings.Staging ?? [];

    /// <summary>An arm may reach out of the box of somebody who stands: so far, as a share of the frame.</summary>
    const double Around = 0.05;

    /// <summary>
    /// One for each frame of a part of the clip; where nobody is, one for all. Where the first or the last frame is given, those who stay
    /// where they are are as that frame has them, and only those who walk are laid on it.
    /// </summary>
    public IReadOnlyList<Picture> Drafts(int from, int frames, Picture? first, Picture? last)
    {
        var staging = Staging(from, frames);
        if (staging.Count == 0) return [_place];
        bool[] walks = [.. _people.Select((figure, i) => figure is not null && staging.Any(boxes => boxes[i] != staging[0][i]))];
        var (start, end) = (Without(walks, first, staging[0]), Without(walks, last, staging[^1]));
        List<CutOut?> walkers = [.. _people.Select((figure, i) => walks[i] ? figure : null)];
        return [.. staging.Select((boxes, i) => (i < (frames + 1) / 2 ? start ?? end : end ?? start) is { } known
            ? Collage.Of(known, walkers, boxes) : Collage.Of(_place, _people, boxes))];
    }

    /// <summary>A frame with the empty place where somebody stands who will walk, unless somebody who stays is in front.</summary>
    Picture? Without(bool[] walks, Picture? frame, IReadOnlyList<StageBox> boxes)
    {
        if (frame is null) return null;
        var (width, height) = (settings.Width, settings.Height);
        var rgb = PlateView.Fit(frame, width, height);
        bool Covers(StageBox box, double x, double y, double around) => box != default && x > box.Left - around && x < box.Right + around
            && y > box.Top - around && y < box.Bottom + around;
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var (across, down) = ((x + 0.5) / width, (y + 0.5) / height);
                if (!boxes.Where((box, i) => walks[i] && Covers(box, across, down, Around)).Any()
                    || boxes.Where((box, i) => !walks[i] && Covers(box, across, down, 0)).Any()) continue;
                _place.Rgb.AsSpan((y * width + x) * 3, 3).CopyTo(rgb.AsSpan((y * width + x) * 3));
            }
        return new(rgb, width, height);
    }

    /// <summary>Where everybody is in each frame of a part of the clip, which repeats a frame if it is not the first.</summary>
    public IReadOnlyList<IReadOnlyList<StageBox>> Staging(int from, int frames) => _ways.Count == 0 ? [] :
        [.. Enumerable.Range(Math.Max(0, from - 1), frames)
            .Select(frame => (IReadOnlyList<StageBox>)[.. _ways.Select(way => way.At((double)frame / Math.Max(1, settings.Frames - 1)))])];
}
