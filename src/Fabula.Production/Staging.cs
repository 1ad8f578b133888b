// Where people stand in a shot and which way they go: "blocking" in the theatre. A model that paints people onto an empty place is told
// (StageWay), or it would have to guess from the noise, differently in every part of the picture.
using System.Text.RegularExpressions;
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production;

public static partial class Staging
{
    /// <summary>Shares of a shot: when people begin and end to walk in and out, and when those appear or vanish who use a door.</summary>
    const double WalksIn = 0.04, HasCome = 0.85, WalksOut = 0.16, HasGone = 0.98, Appears = 0.3, Vanishes = 0.7;

    /// <summary>
    /// Everybody's way in every shot, by the shot's name, for its people in the order of <see cref="PlanShot.Start"/> and then
    /// <see cref="PlanShot.End"/>. After a cut they stand side by side around the middle, whoever comes from or goes to a side on that
    /// side; without one, those who have been there stay where they are.
    /// </summary>
    /// <param name="plan">Without errors.</param>
    public static IReadOnlyDictionary<string, IReadOnlyList<StageWay>> Of(FilmPlan plan)
    {
        var people = plan.Characters.ToDictionary(person => person.Id);
        var ways = new Dictionary<string, IReadOnlyList<StageWay>>();
        var standing = new Dictionary<string, double>();
        var doors = plan.Scenes.ToDictionary(scene => scene.Id, scene => plan.Locations.Single(place => place.Id == scene.Location).Door);
        foreach (var shot in plan.Shots)
        {
            if (shot.Cut) standing.Clear();
            var cast = shot.Start.Union(shot.End).ToList();
            var adults = cast.Any(id => !IsChild(people[id]));
            Place(shot, cast, standing, doors[shot.Scene]);
            ways[shot.Id] = [.. cast.Select(id => Way(shot, id, Box(shot.Size, people[id], adults, standing[id]), doors[shot.Scene]))];
            if (cast.Count == 1) (ways[shot.Id], standing[cast[0]]) = Walking(shot, ways[shot.Id][0], standing[cast[0]]);
            ways[shot.Id] = [.. ways[shot.Id].Zip(cast, (way, id) => Acting(way, shot, people[id], cast.Count))];
            foreach (var gone in cast.Except(shot.End)) standing.Remove(gone);
        }
        return ways;
    }

    /// <summary>Gives everybody in the shot a middle, as a share of its width.</summary>
    /// <param name="door">Whoever uses it stands on its side.</param>
    static void Place(PlanShot shot, List<string> cast, Dictionary<string, double> standing, int? door)
    {
        var apart = Framing(shot.Size, false, true).Apart;
        var beside = door is { } at ? (at < 50) == PlateView.IsReverse(shot) ? 1 : -1 : 0;
        int Side(string id) => shot.Sides.GetValueOrDefault(id) switch { "left" => -1, "right" => 1, "door" => beside, _ => 0 };
        var strangers = cast.Where(id => !standing.ContainsKey(id)).ToList();
        if (strangers.Count == cast.Count)
        {
            // An exit to the left passes nobody.
            foreach (var (i, id) in strangers.OrderBy(Side).Index()) standing[id] = 0.5 + (i - (cast.Count - 1) / 2.0) * apart;
            return;
        }
        foreach (var id in strangers)
        {
            var here = cast.Where(standing.ContainsKey).Select(other => standing[other]).ToList();
            var (left, right) = (here.Min() - apart, here.Max() + apart);
            var leftwards = Side(id) < 0 ? left > 0.1 || right > 0.9 : Side(id) > 0 ? right > 0.9 && left > 0.1 : 1 - right < left;
            standing[id] = leftwards ? left : right;
        }
    }

    /// <summary>Somebody alone who "walks to the right" and stays in the picture does so.</summary>
    static (IReadOnlyList<StageWay> Ways, double Middle) Walking(PlanShot shot, StageWay way, double middle)
    {
        if (way.From != way.To || Walks().Match(shot.Action) is not { Success: true } walks) return ([way], middle);
        // After a cut the middle is half way.
        var toRight = walks.Groups[1].Value.Equals("right", StringComparison.OrdinalIgnoreCase);
        var (from, to) = (middle - (shot.Cut ? 0.15 : 0) * (toRight ? 1 : -1), Math.Clamp(middle + (toRight ? 0.15 : -0.15), 0.1, 0.9));
        StageBox At(double x) => way.From with { Left = way.From.Left + x - middle, Right = way.From.Right + x - middle };
        return ([new(At(from), At(to))], to);
    }

    /// <summary>What somebody does in the sentences that name them; alone in the picture, in all.</summary>
    static StageWay Acting(StageWay way, PlanShot shot, PlanCharacter person, int cast)
    {
        string[] names = [person.Name, .. person.Aliases];
        var told = shot.Action.Split('.', '!', '?', ';').Where(sentence => cast == 1
            || names.Any(name => sentence.Contains(name, StringComparison.OrdinalIgnoreCase))).ToList();
        if (way.From == default || way.To == default) return way;
        if (way.From != way.To) return Walking(way, shot.Frames, told.Any(Runs().IsMatch));
        var speaks = shot.Dialogue.Any(line => line.Character == person.Id && line.OnScreen);
        return way with { Act = told.Any(Hops().IsMatch) ? StageAct.Hop : speaks || told.Any(Sways().IsMatch) ? StageAct.Sway
            : StageAct.Stand };
    }

    /// <summary>A step is as long as suits the figure; in few frames fewer are made, or nobody could tell one from the next.</summary>
    static StageWay Walking(StageWay way, int frames, bool runs)
    {
        var steps = Math.Round(Math.Abs(way.To.Left - way.From.Left) / Math.Max(0.05, (runs ? RunStep : WalkStep) * way.From.Width));
        var most = Math.Max(1, (way.End - way.Start) * (frames - 1) / FramesOfStep);
        return way with { Steps = (int)Math.Clamp(steps, 1, most), Act = runs ? StageAct.Run : StageAct.Stand };
    }

    /// <summary>The length of a step in widths of a figure, and the fewest frames that it takes.</summary>
    const double WalkStep = 0.9, RunStep = 1.3, FramesOfStep = 3;

    [GeneratedRegex(@"\b(?:run|rush|hurr|race|racing|dash|flee)\w*", RegexOptions.IgnoreCase)]
    private static partial Regex Runs();

    [GeneratedRegex(@"\b(?:jump|hop|skip|danc)\w*", RegexOptions.IgnoreCase)]
    private static partial Regex Hops();

    [GeneratedRegex(@"\b(?:wave|waving|talk|speak|say|tell|ask|answer|laugh|sing|point|nod|call|shout|greet)\w*", RegexOptions.IgnoreCase)]
    private static partial Regex Sways();

    [GeneratedRegex(@"\b(?:walk|run|go|step|hurr|wander|stroll)\w*\b[^.!?]*\bto the (left|right)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Walks();

    /// <param name="door">Where the place's door is, in percent of its width.</param>
    static StageWay Way(PlanShot shot, string id, StageBox box, int? door)
    {
        var (comes, goes, side) = (!shot.Start.Contains(id), !shot.End.Contains(id), shot.Sides.GetValueOrDefault(id));
        if ((comes || goes) && side == "door" && door is { } at && PlateView.Zoom(shot.Size) == 1)
        {
            var behind = InDoor(box, PlateView.IsReverse(shot) ? 1 - at / 100.0 : at / 100.0);
            return comes ? new(behind, box, WalksIn, HasCome, Door: StageDoor.From)
                : new(box, behind, WalksOut, HasGone, Door: StageDoor.To);
        }
        return comes ? Comes(box, side) : goes ? Goes(box, side) : new(box, box);
    }

    /// <summary>Somebody in a doorway at the back: a little smaller, and higher in the picture, as the drawn world has it.</summary>
    static StageBox InDoor(StageBox box, double middle)
    {
        const double Smaller = 0.88, Higher = 0.13;
        var (width, height, bottom) = (box.Width * Smaller, box.Height * Smaller, box.Bottom - Higher);
        return new(middle - width / 2, bottom - height, middle + width / 2, bottom);
    }

    static StageWay Comes(StageBox box, string? side) =>
        side is "door" or "back" or "front" ? new(default, box, Appears) : new(Outside(box, side), box, WalksIn, HasCome);

    static StageWay Goes(StageBox box, string? side) =>
        side is "door" or "back" or "front" ? new(box, default, 0, Vanishes) : new(box, Outside(box, side), WalksOut, HasGone);

    /// <summary>Beside the picture, on a side or on the nearer one.</summary>
    static StageBox Outside(StageBox box, string? side)
    {
        var leftwards = side is null ? box.Left + box.Right < 1 : side == "left";
        var away = leftwards ? -box.Right - 0.02 : 1.02 - box.Left;
        return box with { Left = box.Left + away, Right = box.Right + away };
    }

    /// <summary>
    /// The ways on a bridge: of those who stay, those who go and those who come, each in the bridge's order. Whoever stays is where the
    /// shot before ends and goes to where the shot after begins.
    /// </summary>
    /// <param name="ways">Of all shots (<see cref="Of"/>).</param>
    public static IReadOnlyList<StageWay> OnBridge(PlanTransition join, PlanShot from, PlanShot to,
        IReadOnlyDictionary<string, IReadOnlyList<StageWay>> ways)
    {
        StageWay Walks(StageWay way) => way.From == way.To ? way : Walking(way, join.Frames, runs: false);
        StageBox Of(PlanShot shot, string id, double at) => ways[shot.Id][shot.Start.Union(shot.End).ToList().IndexOf(id)].At(at);
        return
        [
            .. join.Stay.Select(id => Walks(new StageWay(Of(from, id, 1), Of(to, id, 0), WalksIn, HasGone))),
            .. join.Exit.Select(id => Walks(Goes(Of(from, id, 1), null))), .. join.Enter.Select(id => Walks(Comes(Of(to, id, 0), null))),
        ];
    }

    static StageBox Box(ShotSize size, PlanCharacter person, bool adults, double middle)
    {
        var (width, top, bottom, _) = Framing(size, IsChild(person), adults);
        var words = Words(person);
        var height = words.Contains("tall") ? 1.1 : words.Contains("small") || words.Contains("short") ? 0.9 : 1;
        return new(middle - width * height / 2, bottom - (bottom - top) * height, middle + width * height / 2, bottom);
    }

    /// <summary>
    /// Shares of the frame: how wide somebody is, where the top of the hair and the feet are, and how far neighbours stand apart. Means
    /// over 100 drawn stories, whose near shots look at the tallest.
    /// </summary>
    static (double Width, double Top, double Bottom, double Apart) Framing(ShotSize size, bool child, bool adults) => size switch
    {
        ShotSize.Medium => child ? adults ? (0.30, 0.31, 1.13, 0.24) : (0.32, 0.11, 0.91, 0.24) : (0.29, 0.13, 1.13, 0.24),
        ShotSize.Close or ShotSize.ExtremeClose => child ? adults ? (0.46, 0.40, 1.63, 0.40) : (0.46, 0.11, 1.35, 0.40)
            : (0.46, 0.07, 1.63, 0.40),
        _ => child ? (0.20, 0.39, 0.92, 0.21) : (0.195, 0.26, 0.92, 0.21),
    };

    static readonly string[] Children = ["boy", "girl", "child", "kid", "toddler", "baby"];

    static bool IsChild(PlanCharacter person) => Words(person).Any(Children.Contains);

    static string[] Words(PlanCharacter person) =>
        person.Appearance.ToLowerInvariant().Split([' ', ',', '.', '-', ';'], StringSplitOptions.RemoveEmptyEntries);
}
