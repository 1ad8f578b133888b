// Looks at a drawn transition as a viewer would and says whether it may be learned from: the right people at both ends, everybody comes and
// goes by an edge or the door, and the empty place stays the same. The truth of the clip is measured, not the plan.
namespace Fabula.Training.PaperTheatre;

public enum Verdict { Kept, WrongStart, WrongEnd, PoppedUp, Vanished, Covered, OtherPlace }

public static class TransitionCheck
{
    /// <summary>Of a shot whose roles stand as <see cref="Playwright.Change"/> has them: who stays, who leaves, who arrives.</summary>
    public static Verdict Of(Clip clip, Transition kind)
    {
        var all = Enumerable.Range(0, clip.Spec.Roles.Count).ToList();
        int[] first = [.. kind == Transition.Exit ? all : all.SkipLast(1)];
        int[] last = [.. kind switch
        {
            Transition.Enter => all,
            Transition.Exit => all.SkipLast(1),
            _ => all.Where(role => role != all.Count - 2),
        }];
        return Of(clip, first, last);
    }

    /// <param name="first">Which roles must be seen in the first frame, as indices; all others must not be.</param>
    /// <param name="last">The same for the last frame.</param>
    public static Verdict Of(Clip clip, IReadOnlyCollection<int> first, IReadOnlyCollection<int> last)
    {
        var (roles, frames) = (clip.Spec.Roles.Count, clip.Seen.Count);
        for (var role = 0; role < roles; role++)
        {
            if (clip.Seen[0][role].Visible != first.Contains(role)) return Verdict.WrongStart;
            if (clip.Seen[^1][role].Visible != last.Contains(role)) return Verdict.WrongEnd;
            for (var i = 1; i < frames; i++)
            {
                var (before, now) = (clip.Seen[i - 1][role], clip.Seen[i][role]);
                if (now.Visible && !before.Visible && now.AtEdge == 0 && !now.InDoor) return Verdict.PoppedUp;
                if (before.Visible && !now.Visible && before.AtEdge == 0 && !before.InDoor) return Verdict.Vanished;
            }
            // Somebody who stands there for good must not be hidden by others for most of the body.
            if (first.Contains(role) && last.Contains(role) && clip.Seen.Min(seen => seen[role].Pixels) * 4 < clip.Seen.Max(seen =>
                seen[role].Pixels))
                return Verdict.Covered;
        }
        return SamePlace(clip) ? Verdict.Kept : Verdict.OtherPlace;
    }

    /// <summary>Pixels that show the empty place in the first and the last frame, and lie far from people, are equal up to soft
    /// shadows.</summary>
    static bool SamePlace(Clip clip)
    {
        var first = clip.Mask(0);
        var last = clip.Mask(clip.Seen.Count - 1);
        var a = clip.Frame(0);
        var b = clip.Frame(clip.Seen.Count - 1);
        var (seen, other) = (0, 0);
        for (var i = 0; i < first.Length; i++)
        {
            if (first[i] != 0 || last[i] != 0) continue;
            seen++;
            if (Math.Abs(a[i * 3] - b[i * 3]) + Math.Abs(a[i * 3 + 1] - b[i * 3 + 1]) + Math.Abs(a[i * 3 + 2] - b[i * 3 + 2]) > 24) other++;
        }
        return other < seen * 0.05;
    }
}
