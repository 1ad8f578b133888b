// Where people stand in the first frame of a shot. A model that paints people onto an empty place is told where (StageBox), or it would
// have to guess from the noise, differently in every part of the picture.
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production;

public static class Staging
{
    /// <summary>Side by side around the middle, as large as the shot sees them.</summary>
    /// <param name="people">Everybody in the shot, in the order in which its words name them.</param>
    /// <returns>A box for each; an empty one for those who are not there yet.</returns>
    public static IReadOnlyList<StageBox> Of(PlanShot shot, IEnumerable<PlanCharacter> people)
    {
        var all = people.ToList();
        var here = all.Where(person => shot.Start.Contains(person.Id)).ToList();
        var (width, adult, child, bottom, apart) = Framing(shot.Size);
        return
        [
            .. all.Select(person =>
            {
                var place = here.IndexOf(person);
                if (place < 0) return default;
                var centre = 0.5 + (place - (here.Count - 1) / 2.0) * apart;
                return new StageBox(Math.Max(0, centre - width / 2), IsChild(person) ? child : adult, Math.Min(1, centre + width / 2),
                    bottom);
            }),
        ];
    }

    /// <summary>
    /// Shares of the frame: how wide somebody is, where the heads of adults and children are, where the picture of them ends, and how far
    /// neighbours stand apart. Means over 150 drawn stories.
    /// </summary>
    static (double Width, double Adult, double Child, double Bottom, double Apart) Framing(ShotSize size) => size switch
    {
        ShotSize.Medium => (0.30, 0.12, 0.20, 1, 0.23),
        ShotSize.Close or ShotSize.ExtremeClose => (0.47, 0.08, 0.13, 1, 0.40),
        _ => (0.20, 0.25, 0.39, 0.91, 0.20),
    };

    static readonly string[] Children = ["boy", "girl", "child", "kid", "toddler", "baby"];

    static bool IsChild(PlanCharacter person) =>
        person.Appearance.ToLowerInvariant().Split([' ', ',', '.', '-', ';'], StringSplitOptions.RemoveEmptyEntries).Any(Children.Contains);
}
