// The drafts of a clip: its place, people cut out of their pictures, on their ways, and what they carry in front of them.
using Fabula.Models;

namespace Fabula.Production;

/// <param name="place">The empty place, as the shot sees it.</param>
/// <param name="people">Per way a figure, or none.</param>
/// <param name="things">Per prop of the settings its cut-out, or none.</param>
sealed class Collages(ClipSettings settings, Picture place, IReadOnlyList<CutOut?> people, IReadOnlyList<CutOut?>? things = null)
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
        if (staging.Count == 0) return [_place];
        List<HeldProp> props = [.. (settings.Props ?? []).Where((_, i) => things?[i] is not null)];
        var aspect = (double)settings.Height / settings.Width;
        IEnumerable<StageBox> Carried(int frame) =>
            props.Select(prop => prop.At(Share(Math.Max(0, from - 1) + frame), staging[frame], aspect));
        // A given frame shows things as they were in somebody's hands: they, and who gives or takes one, are laid on it anew.
        var anew = props.Where(prop => !prop.Stays).SelectMany(prop => new[] { prop.From, prop.To })
            .Concat(Enumerable.Range(people.Count, props.Count)).ToHashSet();
        var boxes = staging.Select((people, frame) => (IReadOnlyList<StageBox>)[.. people, .. Carried(frame)]).ToList();
        return Collage.Clip(_place, [.. people, .. (things ?? []).OfType<CutOut>()], boxes, Fitted(first), Fitted(last), anew);
    }

    double Share(int frame) => (double)frame / Math.Max(1, settings.Frames - 1);

    Picture? Fitted(Picture? picture) =>
        picture is null ? null : new(PlateView.Fit(picture, settings.Width, settings.Height), settings.Width, settings.Height);

    /// <summary>Where everybody is in each frame of a part of the clip, which repeats a frame if it is not the first.</summary>
    public IReadOnlyList<IReadOnlyList<StageBox>> Staging(int from, int frames) => _ways.Count == 0 ? [] :
        [.. Enumerable.Range(Math.Max(0, from - 1), frames)
            .Select(frame => (IReadOnlyList<StageBox>)[.. _ways.Select(way => way.At(Share(frame)))])];
}
