namespace Fabula.Narrative.Tests;

public class ContinuityTests
{
    static readonly FilmPlan Good = PlannerTests.Sample;

    static FilmPlan Shot(int index, Func<PlanShot, PlanShot> change) =>
        Good with { Shots = [.. Good.Shots.Select((shot, i) => i == index ? change(shot) : shot)] };

    static FilmPlan Join(int index, Func<PlanTransition, PlanTransition> change) =>
        Good with { Transitions = [.. Good.Transitions.Select((join, i) => i == index ? change(join) : join)] };

    [Fact]
    public void A_good_plan_has_no_findings() => Assert.Empty(Continuity.Check(Good));

    public static IEnumerable<object[]> Slips => Plans.Select(slip => new object[] { slip.Key, slip.Value.Expected });

    static readonly Dictionary<string, (FilmPlan Plan, string Expected)> Plans = new()
    {
        ["first shot goes on"] = (Shot(0, shot => shot with { Cut = false }), "Set its \"cut\" to true."),
        ["unknown person"] = (Shot(0, shot => shot with { Start = ["adaa"] }), "'adaa' is not one of the characters. Did you mean 'ada'?"),
        ["unknown scene"] = (Shot(0, shot => shot with { Scene = "beach-dai" }), "Did you mean 'beach-day'?"),
        ["80 frames"] = (Shot(0, shot => shot with { Frames = 80 }), "Write 77 or 81."),
        ["empty shot"] = (Shot(0, shot => shot with { Action = " " }), "Nothing is said about what one sees."),
        ["two of one id"] = (Shot(1, shot => shot with { Id = Good.Shots[0].Id }), "stands here twice"),
        ["later memory"] = (Shot(0, shot => shot with { Memory = [Good.Shots[3].Id] }), "which comes later"),
        ["its own memory"] = (Shot(1, shot => shot with { Memory = [shot.Id] }), "not before it"),
        ["unknown memory"] = (Shot(1, shot => shot with { Memory = ["nothing-like-it"] }), "which does not exist"),
        ["memory of nothing"] = (Shot(0, shot => shot with { Method = ShotMethod.Memory }), "remembers nothing"),
        ["bad id"] = (Shot(0, shot => shot with { Id = "../x" }), "cannot be an id"),
        ["speaks unseen"] = (Shot(0, shot => shot with { Dialogue = [new() { Character = "tom", Line = "Hi" }] }), "speaks on screen"),
        ["no such take"] = (Shot(0, shot => shot with { Take = 3 }), "There is no take 3."),
        ["listed twice"] = (Shot(0, shot => shot with { Start = ["ada", "ada"] }), "listed twice"),
        ["appears"] = (Join(0, join => join with { Method = JoinMethod.Continue }) is var plan
            ? plan with { Shots = [plan.Shots[0] with { End = [] }, plan.Shots[1] with { Cut = false }, .. plan.Shots.Skip(2)] } : Good,
            "'ada' appears without entering"),
        ["no neighbours"] = (Join(0, join => join with { To = Good.Shots[3].Id }), "are not neighbours"),
        ["no transition"] = (Good with { Transitions = [.. Good.Transitions.Skip(1)] }, "No transition says how"),
        ["long dissolve"] = (Join(2, join => join with { Method = JoinMethod.Dissolve, Frames = 99 }), "does not fit"),
        ["wrong kind"] = (Join(0, join => join with { Kind = JoinKind.Swap }), "Its kind is 'swap'"),
        ["wrong people"] = (Join(0, join => join with { Enter = ["tom"] }), "Its people are not those of the two shots."),
        ["continue elsewhere"] = (Join(Good.Transitions.ToList().FindIndex(join => join.Method == JoinMethod.Dissolve),
            join => join with { Method = JoinMethod.Bridge, Frames = 81 }), "cannot lead from the place"),
        ["picture outside"] = (Good with
        {
            Characters = [Good.Characters[0] with { References = ["../a.png"] },
            .. Good.Characters.Skip(1)]
        }, "outside"),
        ["no shots"] = (Good with { Shots = [], Transitions = [] }, "The film has no shot."),
        ["odd size"] = (Good with { Film = Good.Film with { Width = 831 } }, "multiples of 16"),
        ["unknown place"] = (Good with { Scenes = [Good.Scenes[0] with { Location = "beech" }, .. Good.Scenes.Skip(1)] },
            "Did you mean 'beach'?"),
    };

    [Theory]
    [MemberData(nameof(Slips))]
    public void Every_slip_is_found_and_its_fix_is_named(string slip, string expected) =>
        Assert.Contains(Continuity.Check(Plans[slip].Plan), finding => finding.ToString().Contains(expected, StringComparison.Ordinal));

    [Fact]
    public void Leaving_twice_is_an_error_and_coming_back_unseen_a_warning()
    {
        var (a, b) = (Good.Shots[0], Good.Shots[1]);
        var twice = Good with
        {
            Shots = [a with { Start = ["ada"], End = [] }, b with { Start = ["ada"], End = [] },
            .. Good.Shots.Skip(2)]
        };
        Assert.Contains(Continuity.Check(twice), finding => finding is { Severity: Severity.Error }
            && finding.Problem.Contains("leaves twice"));
        var back = Good with
        {
            Shots = [a with { Start = ["ada"], End = [] }, b with { Start = ["ada"], End = ["ada"] },
            .. Good.Shots.Skip(2)]
        };
        Assert.Contains(Continuity.Check(back), finding => finding is { Severity: Severity.Warning }
            && finding.Problem.Contains("without entering"));
    }
}
