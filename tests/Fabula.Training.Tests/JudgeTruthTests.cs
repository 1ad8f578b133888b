using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

public class JudgeTruthTests
{
    static readonly Person Man = new(Kind.Man, Skin.Tan, HairColour.Ginger, HairStyle.Curly, TopColour.Green, Hat: Hat.Cap,
        HatColour: HatColour.Blue);

    static readonly int Top = Asked("top"), HairAsked = Asked("hair"), Style = Asked("style"), HatColourAsked = Asked("hat colour");

    static int Asked(string name) => JudgeQuestions.OfPeople.Index().First(question => question.Item.Name == name).Index;

    static JudgeTruth Truth(params (Person Person, double X)[] people)
    {
        using var stage = new Stage(224, 128);
        return JudgeTruth.Of(stage.Draw(new(new(Place.Park), ShotSize.Wide, CameraMove.Static,
            [.. people.Select(entry => new Role(entry.Person, Blocking.Stay(Doing.Stand, entry.X)))], Frames: 1)), 0);
    }

    [Fact]
    public void Somebody_who_stands_free_shows_everything_that_they_have()
    {
        var person = Assert.Single(Truth((Man, 112)).People);
        Assert.True(person.Whole);
        Assert.All(person.Shows, Assert.True);
        Assert.Equal([(int)Kind.Man, (int)Skin.Tan, (int)HairColour.Ginger, (int)HairStyle.Curly, (int)TopColour.Green, (int)Hat.Cap,
            (int)HatColour.Blue], JudgeQuestions.Answers(person.Person));
        Assert.False(Truth((Man with { Hat = Hat.None }, 112)).People[0].Shows[HatColourAsked]);
    }

    [Fact]
    public void Short_hair_under_a_hat_has_no_style_that_shows()
    {
        Assert.False(Truth((Man with { Style = HairStyle.Spiky }, 112)).People[0].Shows[Style]);
        Assert.True(Truth((Man with { Style = HairStyle.Spiky, Hat = Hat.None }, 112)).People[0].Shows[Style]);
    }

    [Fact]
    public void Whoever_is_cut_by_the_edge_or_covered_is_not_whole()
    {
        Assert.False(Truth((Man, 3)).People[0].Whole);
        var other = Man with { Top = TopColour.Pink };
        Assert.All(Truth((Man, 112), (other, 118)).People, person => Assert.False(person.Whole));
        Assert.All(Truth((Man, 80), (other, 150)).People, person => Assert.True(person.Whole));
    }

    [Fact]
    public void A_hand_at_the_edge_makes_a_frame_unclear()
    {
        Assert.True(Truth((Man, 112)).Clear);
        Assert.Contains(Enumerable.Range(0, 20).Select(i => Truth((Man, -25 + i))), truth => !truth.Clear);
        Assert.True(Truth((Man, -80)).Clear);
        Assert.Empty(Truth((Man, -80)).People);
    }

    [Fact]
    public void What_is_said_to_show_is_there_in_pixels_and_lies_in_the_box()
    {
        using var stage = new Stage(224, 128);
        for (var i = 0; i < 40; i++)
        {
            var chance = new Chance(77)[i];
            var spec = Playwright.Shot(chance, Location.Draw(chance["at"]), [Person.Draw(chance["a"]), Person.Draw(chance["b"])]);
            var clip = stage.Draw(spec, 8);
            foreach (var seen in JudgeTruth.Of(clip, 0).People)
            {
                var role = spec.Roles.Index().First(entry => entry.Item.Person == seen.Person).Index;
                var inside = 0;
                for (var y = 0; y < 128; y++)
                    for (var x = 0; x < 224; x++)
                        if (clip.Mask(0)[y * 224 + x] == role + 1)
                        {
                            Assert.InRange(x + 0.5, seen.X - seen.Width / 2, seen.X + seen.Width / 2);
                            Assert.InRange(y + 0.5, seen.Y - seen.Height / 2, seen.Y + seen.Height / 2);
                            inside++;
                        }
                Assert.Equal(inside, seen.Pixels);
                if (seen.Shows[Top]) Assert.True(Pixels(clip, role, Palette.Of(seen.Person.Top)) >= 5);
                if (seen.Shows[HairAsked]) Assert.True(Pixels(clip, role, Palette.Of(seen.Person.Hair)) >= 3);
                if (seen.Shows[HatColourAsked]) Assert.True(Pixels(clip, role, Palette.Of(seen.Person.HatColour)) >= 5);
            }
        }
    }

    [Fact]
    public void Some_frames_of_a_shot_are_those_of_the_whole_shot()
    {
        using var stage = new Stage(224, 128);
        var spec = Playwright.Shot(new Chance(3), new(Place.Kitchen), [Man]) with { Camera = CameraMove.PanLeft };
        var (all, some) = (stage.Draw(spec), stage.Draw(spec, 11, 4));
        Assert.Equal(2, some.Seen.Count);
        Assert.True(some.Frame(0).SequenceEqual(all.Frame(11)) && some.Frame(1).SequenceEqual(all.Frame(4)));
        Assert.True(some.Mask(1).SequenceEqual(all.Mask(4)));
        Assert.Equal(all.Seen[4], some.Seen[1]);
    }

    [Fact]
    public void Teaching_frames_show_nobody_who_is_held_out_and_examination_frames_nobody_else()
    {
        using var stage = new Stage(224, 128);
        Assert.All(Enumerable.Range(0, 60).SelectMany(i => JudgeLessons.Draw(stage, new Chance(9)[i]))
            .SelectMany(lesson => lesson.Truth.People), person => Assert.False(person.Person.HeldOut));
        Assert.All(JudgeLessons.HeldOut(40).SelectMany(frame => frame.Truth.People), person => Assert.True(person.Person.HeldOut));
    }

    static int Pixels(Clip clip, int role, Colour colour) => Enumerable.Range(0, 224 * 128).Count(i => clip.Masks[i] == role + 1
        && Math.Abs(clip.Frames[i * 3] - colour.R * 255) < 12 && Math.Abs(clip.Frames[i * 3 + 1] - colour.G * 255) < 12
        && Math.Abs(clip.Frames[i * 3 + 2] - colour.B * 255) < 12);
}
