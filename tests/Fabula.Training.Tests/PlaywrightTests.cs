using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

public class PlaywrightTests
{
    [Fact]
    public void Stories_follow_their_pattern()
    {
        for (var seed = 0ul; seed < 60; seed++)
        {
            var main = Playwright.Story(new Chance(seed), of: StoryPattern.MainSubject);
            Assert.All(main.Shots, shot => Assert.Contains(0, shot.Cast));
            Assert.True(main.Shots.Select(shot => shot.Place).Distinct().Count() >= 3);

            var insert = Playwright.Story(new Chance(seed), of: StoryPattern.InsertAndRecall).Shots;
            Assert.Contains(0, insert[0].Cast);
            Assert.DoesNotContain(0, insert[1].Cast);
            Assert.Equal((insert[0].Place, true), (insert[2].Place, insert[2].Cast.Contains(0)));

            var apart = Playwright.Story(new Chance(seed), of: StoryPattern.ApartThenTogether).Shots;
            Assert.Equal([0], apart[0].Cast);
            Assert.Equal([1], apart[1].Cast);
            Assert.Equal([0, 1, 2], apart[^1].Cast.Order());
        }
    }

    [Fact]
    public void People_and_places_of_a_story_stay_the_same_records()
    {
        for (var seed = 0ul; seed < 40; seed++)
        {
            var story = Playwright.Story(new Chance(seed));
            Assert.Equal(story.Shots.Count, Playwright.Story(new Chance(seed)).Shots.Count);
            Assert.All(story.Shots, shot => Assert.Equal(story.Locations[shot.Place], shot.Spec.Location));
            Assert.All(story.Shots, shot => Assert.Equal(shot.Cast.Select(i => story.People[i]),
                shot.Spec.Roles.Select(role => role.Person)));
        }
    }

    [Fact]
    public void Held_out_people_never_meet_the_others()
    {
        for (var seed = 0ul; seed < 60; seed++)
        {
            Assert.All(Playwright.Story(new Chance(seed)).People, person => Assert.False(person.HeldOut));
            Assert.All(Playwright.Story(new Chance(seed), heldOut: true).People, person => Assert.True(person.HeldOut));
        }
    }

    [Fact]
    public void Nearly_all_transitions_pass_the_viewers_check()
    {
        using var stage = new Stage(112, 64);
        var verdicts = Enumerable.Range(0, 80).Select(i =>
        {
            var (spec, first, last) = Draw(new Chance(55)[i]);
            return TransitionCheck.Of(stage.Draw(spec), first, last);
        }).CountBy(verdict => verdict).ToDictionary();
        Assert.True(verdicts[Verdict.Kept] >= 72, string.Join(", ", verdicts));
    }

    [Fact]
    public void The_check_sees_who_pops_up_fades_hides_or_changes_place()
    {
        using var stage = new Stage(112, 64);
        var frame = new ShotSpec(new(Place.Park), ShotSize.Wide, CameraMove.Static, []);
        var (man, girl) = (Person.Draw(new Chance(1), Kind.Man), Person.Draw(new Chance(2), Kind.Girl));
        Verdict Of(int[] first, int[] last, params Role[] roles) => TransitionCheck.Of(stage.Draw(frame with { Roles = roles }), first,
            last);

        Assert.Equal(Verdict.Kept, Of([], [0], new Role(man, Blocking.Enter(frame, 1, 150, 0, 0.8, Doing.Stand))));
        Assert.Equal(Verdict.WrongStart, Of([0], [0], new Role(man, Blocking.Enter(frame, 1, 150, 0, 0.8, Doing.Stand))));
        Assert.Equal(Verdict.WrongEnd, Of([], [], new Role(man, Blocking.Enter(frame, 1, 150, 0, 0.8, Doing.Stand))));
        Role Jumps(double from, double to) => new(man, [Beat.At(0, 0.5, Doing.Stand, new(from)), Beat.At(0.5, 1, Doing.Stand, new(to))]);
        Assert.Equal(Verdict.PoppedUp, Of([], [0], Jumps(-80, 112)));
        Assert.Equal(Verdict.Vanished, Of([0], [], Jumps(112, -80)));
        Assert.Equal(Verdict.Covered, Of([0, 1], [0, 1], new Role(girl, Blocking.Stay(Doing.Stand, 112)),
            new Role(man, [Beat.At(0, 0.3, Doing.Stand, new(170)), Beat.At(0.3, 0.6, Doing.Stand, new(112)), Beat.At(0.6, 1, Doing.Stand,
            new(170))])));
        var still = stage.Draw(frame);
        var night = stage.Draw(frame with { Location = new(Place.Park, TimeOfDay.Night) });
        night.Frame(16).CopyTo(still.Frames.AsSpan(16 * 112 * 64 * 3));
        Assert.Equal(Verdict.OtherPlace, TransitionCheck.Of(still, [], []));
    }

    [Fact]
    public void A_transition_refuses_people_who_do_not_fit()
    {
        var person = Person.Draw(new Chance(1));
        Assert.Contains("one who arrives", Assert.Throws<ArgumentException>(() =>
            Playwright.Change(new Chance(1), new(Place.Park), Transition.Swap, [], person, null)).Message);
        Assert.Throws<ArgumentException>(() => Playwright.Change(new Chance(1), new(Place.Park), Transition.Replace, [person, person],
            person, person));
    }

    internal static (ShotSpec Spec, int[] First, int[] Last) Draw(Chance chance)
    {
        var kind = chance["kind"].Any<Transition>();
        var staying = Enumerable.Range(0, chance["staying"].Below(kind is Transition.Swap or Transition.Replace ? 2 : 3))
            .Select(i => Person.Draw(chance["stays"][i])).ToArray();
        var spec = Playwright.Change(chance, Location.Draw(chance["where"]), kind, staying,
            kind == Transition.Enter ? null : Person.Draw(chance["leaves"]), kind == Transition.Exit ? null
            : Person.Draw(chance["arrives"]));
        int[] stays = [.. Enumerable.Range(0, staying.Length)];
        return (spec, kind == Transition.Enter ? stays : [.. stays, staying.Length], kind == Transition.Exit ? stays
            : [.. stays, spec.Roles.Count - 1]);
    }
}
