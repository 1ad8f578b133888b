// The edit: which frames of which clip are seen when. Made from a plan and the clips that were rendered for it; everything else in this
// folder writes it down in some form. All counts are frames of the film's rate.
namespace Fabula.Narrative.Edit;

/// <summary>A rendered clip: its path inside the production folder, its length in frames.</summary>
/// <param name="Repeats">Frames at its start that repeat the end of the clip before; null is 1 where the plan says that it goes on, else
/// 0.</param>
public sealed record ClipFile(string Path, int Frames, int? Repeats = null);

/// <summary>
/// One clip in the film, seen from frame <paramref name="In"/> of its file for <paramref name="Frames"/> frames. Cuts lie between the
/// items; a dissolve of d frames into this item reaches <see cref="Lead"/> frames before its cut and <see cref="Tail"/> behind it,
/// using frames of both files beyond their cuts.
/// </summary>
public sealed record TimelineItem(string Id, string Name, string Path, int FileFrames, int In, int Frames)
{
    /// <summary>Length of the dissolve from the item before into this one; 0 is a cut.</summary>
    public int Dissolve { get; init; }

    /// <summary>Frames of black in front of it, and of its own frames that come up from black or go down to it.</summary>
    public int BlackBefore { get; init; }
    public int FadeIn { get; init; }
    public int FadeOut { get; init; }

    /// <summary>A clip between two shots, made to join them.</summary>
    public bool IsBridge { get; init; }

    public int Lead => Dissolve / 2;

    public int Tail => Dissolve - Dissolve / 2;
}

/// <summary>A line to be read: frames from the film's first, [Start, End).</summary>
public sealed record Subtitle(long Start, long End, string? Speaker, string Text);

/// <summary>Width and height in pixels, rate in frames per second.</summary>
public sealed record Timeline(string Title, int Rate, int Width, int Height, IReadOnlyList<TimelineItem> Items,
    IReadOnlyList<Subtitle> Subtitles)
{
    /// <summary>The film's length.</summary>
    public long Frames => Items.Sum(item => (long)item.BlackBefore + item.Frames);

    /// <summary>The items with the frame of the film at which each begins (behind its black).</summary>
    public IEnumerable<(long Start, TimelineItem Item)> Placed()
    {
        var at = 0L;
        foreach (var item in Items)
        {
            yield return (at + item.BlackBefore, item);
            at += item.BlackBefore + item.Frames;
        }
    }

    /// <summary>
    /// Puts the clips of a plan in order. <paramref name="clips"/> has one for each shot's id, and
    /// one for each bridge's transition id. A clip that
    /// goes on from another (continue, bridge) repeats its last frame, which is left out.
    /// </summary>
    /// <exception cref="NarrativeException">A clip is missing, or too short for its joins.</exception>
    public static Timeline From(FilmPlan plan, IReadOnlyDictionary<string, ClipFile> clips)
    {
        var joins = plan.Transitions.ToDictionary(transition => transition.To);
        var items = new List<TimelineItem>();
        foreach (var shot in plan.Shots)
        {
            var join = items.Count == 0 ? null : joins.GetValueOrDefault(shot.Id);
            if (join?.Method == JoinMethod.Bridge)
                items.Add(Item(join.Id, join.Prompt ?? $"{join.From} to {join.To}", skip: 1) with { IsBridge = true });
            var item = Item(shot.Id, shot.Action, join?.Method is JoinMethod.Bridge or JoinMethod.Continue ? 1 : 0);
            if (join?.Method == JoinMethod.Dissolve && join.Frames > 0) item = Dissolve(items, item, join.Frames);
            if (join?.Method == JoinMethod.Fade && join.Frames > 0)
            {
                items[^1] = items[^1] with { FadeOut = Short(items[^1], join.Frames) };
                item = item with { FadeIn = Short(item, join.Frames), BlackBefore = Math.Max(1, join.Frames / 2) };
            }
            items.Add(item);
        }
        if (items.Count > 0)
        {
            items[0] = items[0] with { FadeIn = Short(items[0], plan.Film.FadeIn) };
            items[^1] = items[^1] with { FadeOut = Short(items[^1], plan.Film.FadeOut) };
        }
        var timeline = new Timeline(plan.Film.Title, plan.Film.Rate, plan.Film.Width, plan.Film.Height, items, []);
        return timeline with { Subtitles = [.. SubtitleTimes.Of(plan, timeline)] };

        TimelineItem Item(string id, string name, int skip) =>
            !clips.TryGetValue(id, out var clip) ? throw new NarrativeException($"There is no clip for '{id}'. Render it first.")
            : clip.Frames <= (clip.Repeats ?? skip)
                ? throw new NarrativeException($"The clip of '{id}' has {clip.Frames} frames, too few. Render it again.")
            : new(id, name, clip.Path, clip.Frames, clip.Repeats ?? skip, clip.Frames - (clip.Repeats ?? skip));

        // A fade takes at most half of the clip, so that one at each end never meet.
        static int Short(TimelineItem item, int frames) => Math.Min(frames, item.Frames / 2);
    }

    static TimelineItem Dissolve(List<TimelineItem> items, TimelineItem item, int frames)
    {
        var before = items[^1];
        // The clip before keeps at least a frame of its own behind the dissolve that led into it.
        var most = Math.Min(before.Frames - before.Tail - 1, item.Frames - 1);
        if (frames > most)
            throw new NarrativeException(
                $"The dissolve from '{before.Id}' to '{item.Id}' has {frames} frames, more than their clips allow. "
                + $"Make it at most {Math.Max(0, most)} in the plan.");
        item = item with { Dissolve = frames, In = item.In + frames / 2, Frames = item.Frames - frames / 2 };
        items[^1] = before with { Frames = before.Frames - item.Tail };
        return item;
    }
}
