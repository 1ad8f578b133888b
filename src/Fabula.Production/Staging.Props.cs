// Where people carry what they carry: "props" in the theatre. A thing hangs from a hand, is held before the body, or stands on a hand.
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production;

public static partial class Staging
{
    /// <summary>A share of a shot: how long a thing is on its way from hand to hand; and when, where nobody comes or goes.</summary>
    const double Passing = 0.16, Passes = 0.35;

    /// <summary>Percent of a grown-up, where the bible says nothing.</summary>
    const int UsualSize = 25;

    /// <summary>A grown-up is so many times as tall as a child in one picture.</summary>
    const double GrownUp = 1.245;

    /// <summary>What the people of a shot carry, by the index of their ways.</summary>
    /// <param name="ways">Of the shot (<see cref="Of"/>).</param>
    public static IReadOnlyList<(PlanProp Prop, HeldProp Held)> Props(FilmPlan plan, PlanShot shot, IReadOnlyList<StageWay> ways) =>
        Props(plan, shot.Size, [.. shot.Start.Union(shot.End)], ways, shot.StartProps, shot.EndProps ?? shot.StartProps);

    /// <summary>The same on a bridge, in the order of <see cref="OnBridge"/>: nobody takes up or puts down anything there.</summary>
    public static IReadOnlyList<(PlanProp Prop, HeldProp Held)> PropsOnBridge(FilmPlan plan, PlanTransition join, PlanShot from,
        PlanShot to, IReadOnlyList<StageWay> ways)
    {
        List<string> cast = [.. join.Stay, .. join.Exit, .. join.Enter];
        Dictionary<string, string> Of(IReadOnlyDictionary<string, string>? held) =>
            (held ?? new Dictionary<string, string>()).Where(pair => cast.Contains(pair.Value)).ToDictionary();
        var (before, after) = (Of(from.EndProps ?? from.StartProps), Of(to.StartProps));
        foreach (var (prop, who) in after) before.TryAdd(prop, who);
        foreach (var (prop, who) in before) after.TryAdd(prop, who);
        return Props(plan, to.Size, cast, ways, before, after);
    }

    static List<(PlanProp, HeldProp)> Props(FilmPlan plan, ShotSize size, List<string> cast, IReadOnlyList<StageWay> ways,
        IReadOnlyDictionary<string, string>? start, IReadOnlyDictionary<string, string>? end)
    {
        var people = plan.Characters.ToDictionary(person => person.Id);
        var adults = cast.Any(id => !IsChild(people[id]));
        var hands = new HashSet<string>();
        var held = new List<(PlanProp, HeldProp)>();
        foreach (var prop in plan.Props)
        {
            int Whose(IReadOnlyDictionary<string, string>? all) => all?.GetValueOrDefault(prop.Id) is { } id ? cast.IndexOf(id) : -1;
            var (from, to) = (Whose(start), Whose(end));
            if (from < 0 && to < 0) continue;
            PropGrip Grip(int who) => who < 0 ? default : Staging.Grip(prop, size, people[cast[who]], adults, ways[who], hands);
            var (begins, ends) = (Grip(from), from == to ? default : Grip(to));
            var leaves = from == to ? 0 : Leaves(from < 0 ? null : ways[from], to < 0 ? null : ways[to]);
            held.Add((prop, new(from, to, begins, from == to ? begins : ends, leaves, from == to ? 0 : leaves + Passing,
                from >= 0 && to >= 0 ? default : OnGround(ways[Math.Max(from, to)], from < 0 ? ends : begins))));
        }
        return held;
    }

    /// <summary>After somebody has come, before somebody goes.</summary>
    static double Leaves(StageWay? giver, StageWay? taker)
    {
        var coming = new[] { giver, taker }.Where(way => way is { } known && Moves(known) && IsInside(known.To)).Max(way => way?.End);
        var going = new[] { giver, taker }.Where(way => way is { } known && Moves(known) && !IsInside(known.To)).Min(way => way?.Start);
        return coming ?? (going is { } start ? Math.Max(0, start - Passing) : Passes);
    }

    static bool Moves(StageWay way) => way.From != way.To;

    static bool IsInside(StageBox box) => box != default && (box.Left + box.Right) / 2 is > 0 and < 1;

    static PropGrip Grip(PlanProp prop, ShotSize size, PlanCharacter person, bool adults, StageWay way, HashSet<string> hands)
    {
        var child = IsChild(person);
        var (_, top, bottom, _) = Framing(size, child, adults);
        var box = way.To == default ? way.From : way.To;
        var height = (prop.Size ?? UsualSize) / 100.0 * (bottom - top) * (child ? GrownUp : 1) / box.Height;
        var hold = prop.Held ?? Usually(prop);
        // The second thing is in the other hand. What is held before the body is seen beside it, too.
        var side = hands.Add(person.Id) ? 1 : -1;
        return hold switch
        {
            PropHold.Front => new(side * 0.3, child ? 0.72 : 0.58, 0.5, height),
            PropHold.Hand => new(side * 0.38, child ? 0.74 : 0.64, 0, height),
            _ => new(side * 0.44, child ? 0.74 : 0.62, 1, height),
        };
    }

    /// <summary>At the feet of who takes it up or has put it down.</summary>
    static StageBox OnGround(StageWay way, PropGrip grip)
    {
        var box = IsInside(way.To) ? way.To : way.From;
        var (height, middle) = (grip.Height * box.Height, (box.Left + box.Right) / 2 + 0.7 * box.Width);
        return new(middle - height / 4, box.Bottom - height, middle + height / 4, box.Bottom);
    }

    static readonly string[] Hang = ["basket", "bag", "handbag", "suitcase", "case", "bucket", "lantern", "lamp", "kettle", "can", "cage"];
    static readonly string[] Stand = ["balloon", "balloons", "umbrella", "parasol", "flower", "flowers", "flag", "torch", "candle", "kite"];

    /// <summary>How a thing of such a name is carried.</summary>
    static PropHold Usually(PlanProp prop)
    {
        var words = $"{prop.Name} {prop.Description}".ToLowerInvariant().Split([' ', ',', '.', '-'], StringSplitOptions.RemoveEmptyEntries);
        return words.Any(Stand.Contains) ? PropHold.Up : words.Any(Hang.Contains) ? PropHold.Hand : PropHold.Front;
    }
}
