using Fabula.Narrative.Fountain;

namespace Fabula.Narrative.Tests;

/// <summary>Who carries what, from the words of actions.</summary>
public class HoldingsTests
{
    const string Text = """
        people:
          ada: { name: Ada, looks: a woman }
          ben: { name: Ben, looks: a man }
        places:
          beach: a beach
          street: a street
        props:
          bear: { name: Teddy bear, looks: an old bear, pictures: [bear.png], size: 30, held: front }
          book: a red book
        """;

    static IReadOnlyList<PlanShot> Shots(params string[] actions) => Planned(Text, actions).Plan.Shots;

    static Planned Planned(string bible, params string[] actions) =>
        ScreenplayPlanner.Plan(FountainReader.Read("EXT. BEACH - DAY\n\n" + string.Join("\n\n", actions)), BibleReader.Read(bible));

    static string Told(IReadOnlyDictionary<string, string>? held) =>
        held is null ? "-" : string.Join(' ', held.Select(pair => $"{pair.Key}:{pair.Value}"));

    [Theory]
    [InlineData("Ada, holding a teddy bear, waits. Ben waves.", "bear:ada", "-")]
    [InlineData("Ben, with the old red book, comes in from the left.", "book:ben", "-")]
    [InlineData("Ada talks with Ben about the book.", "-", "-")]
    [InlineData("Ada waits. She is carrying a book.", "book:ada", "-")]
    [InlineData("Ada gives the teddy bear to Ben.", "bear:ada", "bear:ben")]
    [InlineData("Ada gives Ben the book and leaves.", "book:ada", "book:ben")]
    [InlineData("Ben waves. Ada takes the book.", "-", "book:ada")]
    [InlineData("Ada puts the teddy bear down.", "bear:ada", "")]
    [InlineData("The book lies there. Ada and Ben wait.", "-", "-")]
    [InlineData("Ada has a book. Ben holds a teddy bear.", "bear:ben book:ada", "-")]
    public void Words_say_who_carries_what_at_the_start_and_at_the_end(string action, string start, string end)
    {
        var shot = Assert.Single(Shots(action));
        Assert.Equal((start, end), (Told(shot.StartProps), Told(shot.EndProps)));
    }

    [Fact]
    public void Whoever_has_a_thing_keeps_it_in_the_scene_until_somebody_else_has_it_or_they_hold_another()
    {
        var shots = Shots("Ada, holding a teddy bear, waits.", "Ada waves.", "Ben comes in.", "Ben takes the teddy bear.",
            "Ada waves to Ben.", "Ben, carrying a book, waits.", "Close on Ada.");
        Assert.Equal(["bear:ada", "bear:ada", "bear:ada", "bear:ada", "bear:ben", "book:ben", "-"],
            shots.Select(shot => Told(shot.StartProps)));
        Assert.Equal(["-", "-", "-", "bear:ben", "-", "-", "-"], shots.Select(shot => Told(shot.EndProps)));
        // The words of the action say it, or the plan does: a model that reads has it either way.
        Assert.Contains("Ada is a woman, with an old bear.", shots[1].Prompt, StringComparison.Ordinal);
        Assert.DoesNotContain("old bear", shots[0].Prompt, StringComparison.Ordinal);
        Assert.Contains("old bear", shots[0].Keyframe, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_who_leaves_with_a_thing_has_it_in_the_next_scene()
    {
        string Next(string last) => Told(Shots("Ada, holding a book, waits. Ben, with a teddy bear, waits.", last,
            "EXT. STREET - DAY", "Ada and Ben wait.")[^1].StartProps);
        Assert.Equal("-", Next("Ada waves."));
        Assert.Equal("book:ada", Next("Ada leaves."));
        Assert.Equal("bear:ben book:ada", Next("Ada leaves. Ben leaves."));
    }

    [Fact]
    public void Plans_hold_what_is_carried_as_it_is_read_and_refuse_what_cannot_be()
    {
        var plan = Planned(Text, "Ada gives the teddy bear to Ben.").Plan;
        var text = PlanJson.Write(plan);
        Assert.Contains("\"bear\": \"ada\"", text, StringComparison.Ordinal);
        Assert.Equal(text, PlanJson.Write(PlanJson.Read(text)));
        Assert.Equal((30, PropHold.Front, null, null),
            (plan.Props[0].Size, plan.Props[0].Held, plan.Props[1].Size, (object?)plan.Props[1].Held));
        // Without a prop nothing is written, so that a plan of an earlier version stays the same bytes.
        Assert.DoesNotContain("Props\": {", PlanJson.Write(Planned(Text, "Ada waves.").Plan), StringComparison.Ordinal);
        IReadOnlyList<Finding> Check(string prop, string who) => Continuity.Check(plan with
        {
            Shots = [plan.Shots[0] with { EndProps = new Dictionary<string, string> { [prop] = who } }],
        });
        Assert.Empty(Check("book", "ben"));
        Assert.Contains("'bok' in \"endProps\" is not one of the props", Assert.Single(Check("bok", "ben")).Problem,
            StringComparison.Ordinal);
        Assert.Contains("'cy' carries 'book'", Assert.Single(Check("book", "cy")).Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("props:\n  bear: { looks: a bear, held: fornt }", "line 2: 'held' is 'fornt'. Did you mean 'front'")]
    [InlineData("props:\n  bear: { looks: a bear, size: 900 }", "line 2: 'size' is '900'. Write a whole number from 1 to 200.")]
    [InlineData("places:\n  park:\n    looks: a park\n    pictures:\n      nigth: a.png", "line 5: A place's pictures has no 'nigth'")]
    [InlineData("places:\n  park:\n    looks: a park\n    pictures: { night: ../a.png }", "line 4: The picture '../a.png' lies outside")]
    [InlineData("places:\n  park: { looks: a park, door: left }", "line 2: 'door' is 'left'. Write a whole number from 0 to 100.")]
    public void What_a_bible_says_wrong_is_refused_with_its_line(string bible, string told) =>
        Assert.Contains(told, Assert.Throws<NarrativeException>(() => BibleReader.Read(bible)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_place_may_have_a_picture_for_each_hour_and_a_door()
    {
        var plan = Planned(Text.Replace("beach: a beach",
            "beach: { looks: a beach, pictures: { evening: a.png, night: b.png }, door: 20 }"), "Ada waits.").Plan;
        var place = Assert.Single(plan.Locations);
        Assert.Equal(["a.png"], place.References);
        Assert.Equal(("evening:a.png night:b.png", 20), (Told(place.ReferencesAt), place.Door));
    }
}
