using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production.Tests;

/// <summary>Where people stand and which way they go, of a plan.</summary>
public sealed class StagingTests
{
    static PlanShot Shot(string id, ShotSize size, string[] start, string[] end, bool cut = true,
        params (string Who, string Side)[] sides) => new()
        {
            Id = id,
            Scene = "one",
            Action = "",
            Size = size,
            Start = start,
            End = end,
            Sides = sides.ToDictionary(side => side.Who, side => side.Side),
            Prompt = "",
            Keyframe = "",
            Frames = 17,
            Cut = cut,
            Method = ShotMethod.Keyframe,
            Memory = [],
            Seed = 1,
        };

    static IReadOnlyDictionary<string, IReadOnlyList<StageWay>> Staged(params PlanShot[] shots) => Staged(null, shots);

    static IReadOnlyDictionary<string, IReadOnlyList<StageWay>> Staged(int? door, params PlanShot[] shots)
    {
        using var production = new SmallProduction();
        using var film = production.Open();
        PlanCharacter Person(string id, string looks) => new() { Id = id, Name = id, Appearance = looks };
        return Staging.Of(film.Plan with
        {
            Locations = [new() { Id = "there", Name = "There", Description = "", Door = door }],
            Scenes = [new() { Id = "one", Heading = "THERE", Location = "there" }],
            Characters = [Person("ada", "a woman"), Person("ben", "A little boy, in red"), Person("cy", "a tall man")],
            Shots = shots,
        });
    }

    static double Middle(StageBox box) => (box.Left + box.Right) / 2;

    [Fact]
    public void People_stand_side_by_side_on_one_ground_as_tall_as_the_shot_sees_them()
    {
        var wide = Staged(Shot("s", ShotSize.Wide, ["ada", "ben", "cy"], ["ada", "ben", "cy"]))["s"];
        Assert.All(wide, way => Assert.Equal(way.From, way.To));
        Assert.True(wide[0].From.Right <= wide[1].From.Left + 0.02 && wide[1].From.Right <= wide[2].From.Left + 0.02);
        Assert.True(wide[0].From.Left > 0 && wide[2].From.Right < 1);
        Assert.True(wide[1].From.Top > wide[0].From.Top && wide[0].From.Top > wide[2].From.Top, "a boy, a woman, a tall man");
        Assert.Single(wide.Select(way => way.From.Bottom).Distinct());
        // A close shot shows the head and cuts off the rest.
        var close = Staged(Shot("s", ShotSize.Close, ["ada"], ["ada"]))["s"][0].From;
        Assert.Equal(0.5, Middle(close), 9);
        Assert.True(close.Top > 0 && close.Bottom > 1.3 && close.Width > 2 * wide[0].From.Width);
    }

    [Fact]
    public void Whoever_comes_from_a_side_or_goes_to_it_crosses_that_edge()
    {
        var ways = Staged(Shot("s", ShotSize.Wide, ["ada", "cy"], ["ada", "ben"], true, ("cy", "left"), ("ben", "right")))["s"];
        var (stays, goes, comes) = (ways[0], ways[1], ways[2]);
        Assert.Equal(stays.At(0), stays.At(1));
        Assert.True(goes.At(1).Right < 0 && goes.At(0).Left > 0 && Middle(goes.At(0)) < Middle(stays.At(0)));
        Assert.True(comes.At(0).Left > 1 && comes.At(1).Right < 1 && Middle(comes.At(1)) > Middle(stays.At(0)));
        for (var i = 0; i < 16; i++)
        {
            Assert.True(goes.At((i + 1) / 16.0).Left <= goes.At(i / 16.0).Left);
            Assert.True(comes.At((i + 1) / 16.0).Left <= comes.At(i / 16.0).Left);
        }
    }

    [Fact]
    public void Whoever_walks_leans_from_side_to_side_and_stands_upright_again()
    {
        var way = new StageWay(new(0.1, 0.2, 0.3, 0.9), new(0.7, 0.2, 0.9, 0.9), 0.2, 0.8, Steps: 3);
        Assert.Equal((0, 0), (way.At(0.1).Tilt, way.At(0.1).Stride));
        Assert.Equal(way.To, way.At(0.9));
        var walking = Enumerable.Range(0, 61).Select(i => way.At(0.2 + i / 100.0)).ToList();
        Assert.True(walking.Max(box => box.Tilt) > 0.02 && walking.Min(box => box.Tilt) < -0.02);
        Assert.All(walking, box => Assert.InRange(Math.Abs(box.Tilt), 0, 0.1));
        // Apart, past one another, apart: three steps, and the legs together between them and at both ends.
        Assert.True(way.At(0.3).Stride > 0.25 && way.At(0.5).Stride < -0.25 && way.At(0.7).Stride > 0.25);
        Assert.All(new[] { 0.2, 0.4, 0.6, 0.8 }, at => Assert.Equal(0, way.At(at).Stride, 9));
        Assert.All(Enumerable.Range(0, 10), i => Assert.Equal((0, 0), Still(new StageWay(way.From, way.From).At(i / 9.0))));
        static (double, double) Still(StageBox box) => (box.Tilt, box.Stride);
    }

    [Fact]
    public void Steps_are_as_many_as_the_way_is_long_and_who_runs_leans_forward_and_swings_further()
    {
        StageWay Going(string action, double frames = 17) => Staged(Shot("s", ShotSize.Wide, ["ada"], [], true, ("ada", "right")) with
        {
            Action = action,
            Frames = (int)frames,
        })["s"][0];
        var (walks, runs) = (Going("Ada walks off to the right."), Going("Ada runs off to the right."));
        Assert.InRange(walks.Steps, 2, 4);
        Assert.True(runs.Steps < walks.Steps);
        Assert.Equal(1, Going("Ada walks off to the right.", 5).Steps);
        double Most(StageWay way, Func<StageBox, double> of) => Enumerable.Range(0, 101).Max(i => Math.Abs(of(way.At(i / 100.0))));
        Assert.True(Most(runs, box => box.Stride) > Most(walks, box => box.Stride));
        Assert.True(Enumerable.Range(50, 10).All(i => runs.At(i / 100.0).Tilt > 0.05), "forward is to the right");
        Assert.Equal(0, Staged(Shot("s", ShotSize.Wide, ["ada"], ["ada"]) with { Action = "Ada runs a shop." })["s"][0].Steps);
    }

    [Theory]
    [InlineData("Ada jumps for joy. Cy stands still.", StageAct.Hop, StageAct.Stand)]
    [InlineData("Ada listens. Cy talks with Ada!", StageAct.Sway, StageAct.Sway)]
    [InlineData("They wait.", StageAct.Stand, StageAct.Stand)]
    public void People_act_as_paper_puppets_can(string action, StageAct ada, StageAct cy)
    {
        var ways = Staged(Shot("a", ShotSize.Wide, ["ada", "cy"], ["ada", "cy"]) with { Action = action })["a"];
        Assert.Equal((ada, cy), (ways[0].Act, ways[1].Act));
        foreach (var way in ways)
        {
            Assert.Equal((way.From, way.From), (way.At(0), way.At(1)));         // they begin and end at rest
            var boxes = Enumerable.Range(1, 15).Select(i => way.At(i / 16.0)).ToList();
            Assert.Equal(way.Act == StageAct.Hop, boxes.Any(box => box.Bottom < way.From.Bottom - 0.02));
            Assert.Equal(way.Act == StageAct.Sway, boxes.Any(box => box.Tilt > 0.02) && boxes.Any(box => box.Tilt < -0.02));
            Assert.All(boxes, box => Assert.Equal(way.From.Left, box.Left));
        }
    }

    /// <summary>A red figure of 10 x 40 pixels that stands in the middle of a white wall of 100 x 60.</summary>
    static Picture Portrait()
    {
        var rgb = new byte[100 * 60 * 3];
        Array.Fill(rgb, (byte)255);
        for (var y = 10; y < 50; y++)
            for (var x = 45; x < 55; x++) (rgb[(y * 100 + x) * 3 + 1], rgb[(y * 100 + x) * 3 + 2]) = (0, 0);
        return new(rgb, 100, 60);
    }

    /// <summary>White hair of a soft picture fades into a pale wall in small steps, which the ground must not follow.</summary>
    [Fact]
    public void White_hair_with_soft_outlines_is_not_ground()
    {
        const int Width = 100, Height = 60;
        var rgb = new byte[Width * Height * 3];
        for (var i = 0; i < Width * Height; i++)
        {
            var far = Math.Sqrt(Math.Pow(i % Width - 50, 2) + Math.Pow(i / Width - 30, 2));
            var hair = Math.Clamp((25 - far) / 12, 0, 1);                       // 1 within 13 pixels, 0 from 25 on
            (rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]) =
                ((byte)(195 + 55 * hair), (byte)(210 + 40 * hair), (byte)(240 + 10 * hair));
        }
        var (left, top, right, bottom) = CutOut.Of(new(rgb, Width, Height))!.Bounds;
        Assert.InRange(50 - left, 12, 24);
        Assert.InRange(bottom - 30, 12, 24);
        var laid = Collage.Of(new(new byte[rgb.Length], Width, Height), [CutOut.Of(new(rgb, Width, Height))],
            [new((double)left / Width, (double)top / Height, (right + 1.0) / Width, (bottom + 1.0) / Height)]).Rgb;
        Assert.InRange(laid[(30 * Width + 50) * 3], 240, 255);                   // the middle of the hair
    }

    [Fact]
    public void Specks_beside_a_figure_are_ground()
    {
        var portrait = Portrait();
        for (var y = 3; y < 5; y++) portrait.Rgb.AsSpan((y * 100 + 20) * 3, 6).Clear();
        Assert.Equal((45, 10, 54, 49), CutOut.Of(portrait)!.Bounds);
    }

    [Fact]
    public void A_figure_leans_around_its_feet()
    {
        var place = new Picture(new byte[100 * 60 * 3], 100, 60);
        double Middle(double tilt, int row)
        {
            var rgb = Collage.Of(place, [CutOut.Of(Portrait())], [new(0.45, 10 / 60.0, 0.55, 50 / 60.0, tilt)]).Rgb;
            return Enumerable.Range(0, 100).Where(x => rgb[(row * 100 + x) * 3] > 128).Average();
        }
        Assert.Equal(Middle(0, 12), Middle(0, 48), 6);
        Assert.InRange(Middle(0.1, 14) - Middle(0, 14), 2.5, 4.5);              // 36 pixels above the ground, to the right
        Assert.InRange(Middle(0.1, 48) - Middle(0, 48), -0.6, 0.6);
    }

    [Fact]
    public void Who_stays_is_drafted_as_a_given_frame_has_them_and_who_walks_as_the_portrait()
    {
        const int Width = 100, Height = 60;
        static Picture Plain(byte grey) => new([.. Enumerable.Repeat(grey, Width * Height * 3)], Width, Height);
        var (stays, walks) = (new StageBox(0.1, 0.2, 0.2, 0.9), new StageWay(new(0.5, 0.2, 0.6, 0.9), new(1.1, 0.2, 1.2, 0.9)));
        var settings = new ClipSettings("", "", "", Width, Height, 9, 9, 1, 1, 1, 1, 1, 1, [], Staging: [new(stays, stays), walks]);
        var drafts = new Collages(settings, Plain(10), [CutOut.Of(Portrait()), CutOut.Of(Portrait())]).Drafts(0, 9, Plain(200), Plain(90));
        byte At(int frame, double x, double y) => drafts[frame].Rgb[((int)(y * Height) * Width + (int)(x * Width)) * 3 + 1];
        Assert.Equal(9, drafts.Count);
        Assert.Equal((200, 200, 90, 90), (At(0, 0.15, 0.5), At(4, 0.15, 0.5), At(5, 0.15, 0.5), At(8, 0.15, 0.5)));
        Assert.Equal(0, At(0, 0.55, 0.5));                                      // the portrait, laid on
        Assert.Equal((10, 10), (At(4, 0.55, 0.5), At(4, 0.62, 0.5)));           // gone from there: the empty place
        Assert.Equal(90, At(8, 0.55, 0.5));                                     // the last frame never showed him
        // Without a given frame everybody is a portrait on the empty place.
        drafts = new Collages(settings, Plain(10), [CutOut.Of(Portrait()), CutOut.Of(Portrait())]).Drafts(0, 9, null, null);
        Assert.Equal((0, 0, 10), (At(0, 0.15, 0.5), At(0, 0.55, 0.5), At(0, 0.4, 0.5)));
    }

    [Fact]
    public void Through_a_door_somebody_appears_and_vanishes()
    {
        var ways = Staged(Shot("s", ShotSize.Wide, ["ada"], ["cy"], true, ("ada", "door"), ("cy", "door")))["s"];
        Assert.NotEqual(default, ways[0].At(0));
        Assert.Equal(default, ways[0].At(1));
        Assert.Equal(default, ways[1].At(0));
        Assert.NotEqual(default, ways[1].At(1));
        // They fade, and do not pop.
        double[] Faded(StageWay way) => [.. Enumerable.Range(0, 21).Select(i => way.At(i / 20.0)).Where(box => box != default)
            .Select(box => box.Faded)];
        Assert.True(Faded(ways[0])[0] == 0 && Faded(ways[0])[^1] > 0.5 && Faded(ways[1])[0] > 0.5 && Faded(ways[1])[^1] == 0);
    }

    [Fact]
    public void Where_the_bible_knows_the_door_people_come_out_of_it_and_go_into_it()
    {
        IReadOnlyList<StageWay> Ways(ShotSize size, CameraAngle angle = CameraAngle.Eye) => Staged(20,
            Shot("s", size, ["ada"], ["cy"], true, ("ada", "door"), ("cy", "door")) with { Angle = angle })["s"];
        var (goes, comes) = (Ways(ShotSize.Wide)[0], Ways(ShotSize.Wide)[1]);
        Assert.Equal((default, default), (goes.At(1), comes.At(0)));
        foreach (var box in new[] { goes.At(0.9), comes.At(0.1) })
        {
            Assert.InRange(Middle(box), 0.15, 0.3);
            Assert.True(box.Bottom < goes.From.Bottom - 0.08 && box.Height < goes.From.Height && box.Faded > 0.5, "further away");
        }
        Assert.True(comes.Steps > 0 && comes.At(1).Faded == 0 && comes.At(0.4).Faded == 0);
        Assert.InRange(Middle(Ways(ShotSize.Wide, CameraAngle.Reverse)[1].At(0.1)), 0.7, 0.85);
        // Who stays makes room on the door's side.
        var joins = Shot("s", ShotSize.Wide, ["ada"], ["ada", "cy"], true, ("cy", "door"));
        Assert.True(Middle(Staged(20, joins)["s"][1].At(1)) < 0.5 && Middle(Staged(80, joins)["s"][1].At(1)) > 0.5);
        Assert.Equal(default, Ways(ShotSize.Medium)[1].From);                    // a near shot does not see the door
    }

    [Fact]
    public void Half_of_a_figure_that_fades_is_the_place()
    {
        var place = new Picture([.. Enumerable.Repeat((byte)101, 100 * 60 * 3)], 100, 60);
        byte Red(double faded) => Collage.Of(place, [CutOut.Of(Portrait())],
            [new(0.45, 10 / 60.0, 0.55, 50 / 60.0, Faded: faded)]).Rgb[(30 * 100 + 50) * 3];
        Assert.Equal((255, 178, 101), (Red(0), Red(0.5), Red(1)));
    }

    [Fact]
    public void Without_a_cut_people_stay_where_they_are_and_newcomers_stand_beside_them()
    {
        var ways = Staged(
            Shot("a", ShotSize.Wide, ["ada"], ["ada"]),
            Shot("b", ShotSize.Wide, ["ada"], ["ada", "cy"], false, ("cy", "right")),
            Shot("c", ShotSize.Wide, ["ada", "cy"], ["cy"], false, ("ada", "left")),
            Shot("d", ShotSize.Wide, ["cy"], ["cy"]));
        Assert.Equal(ways["a"][0].To, ways["b"][0].From);
        Assert.Equal(ways["b"][0].To, ways["c"][0].From);
        Assert.Equal(ways["b"][1].To, ways["c"][1].From);
        Assert.True(Middle(ways["b"][1].To) > Middle(ways["b"][0].To) + 0.15);
        Assert.Equal(0.5, Middle(ways["d"][0].From), 9);                         // after a cut anew
    }

    [Theory]
    [InlineData("Ada walks to the right.", 1)]
    [InlineData("Slowly she goes TO THE LEFT", -1)]
    [InlineData("Ada waves. To the right is a tree.", 0)]
    [InlineData("Ada looks to the left.", 0)]
    public void Somebody_alone_who_walks_to_a_side_does_so_and_goes_on_from_there(string action, int direction)
    {
        var ways = Staged(
            Shot("a", ShotSize.Wide, ["ada"], ["ada"]) with { Action = action },
            Shot("b", ShotSize.Wide, ["ada"], ["ada"], false));
        var way = ways["a"][0];
        Assert.Equal(direction, Math.Sign(Middle(way.At(1)) - Middle(way.At(0))));
        Assert.InRange(Middle(way.At(0)), 0.1, 0.9);
        Assert.Equal(way.At(1), ways["b"][0].At(0));
    }

    [Fact]
    public void On_a_bridge_whoever_stays_changes_places_and_the_others_walk_out_and_in()
    {
        var (from, to) = (Shot("a", ShotSize.Wide, ["ada", "cy"], ["ada", "cy"]), Shot("b", ShotSize.Wide, ["ada", "ben"], ["ada", "ben"]));
        var ways = Staged(from, to);
        var join = new PlanTransition
        {
            Id = "a--b",
            From = "a",
            To = "b",
            Method = JoinMethod.Bridge,
            Kind = JoinKind.Swap,
            Stay = ["ada"],
            Exit = ["cy"],
            Enter = ["ben"],
            Frames = 17,
        };
        if (Staging.OnBridge(join, from, to, ways) is not [var ada, var cy, var ben])
            throw new Xunit.Sdk.XunitException("One way for each of the three.");
        Assert.Equal((ways["a"][0].At(1), ways["b"][0].At(0)), (ada.At(0), ada.At(1)));
        Assert.Equal(ways["a"][1].At(1), cy.At(0));
        Assert.True(cy.At(1).Left > 1);                              // he stood on the right
        Assert.Equal(ways["b"][1].At(0), ben.At(1));
        Assert.True(ben.At(0).Left > 1);
    }
}
