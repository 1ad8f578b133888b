using System.Diagnostics;
using Fabula.Narrative.Fountain;

namespace Fabula.Narrative.Tests;

public class PlannerTests
{
    public static Bible Lighthouse => BibleReader.Read(Repository.Read("tests/Fabula.Narrative.Tests/Lighthouse/bible.yaml"));

    static Planned Plan(string screenplay) => ScreenplayPlanner.Plan(FountainReader.Read(screenplay), Lighthouse);

    public static FilmPlan Sample => Plan(Repository.Read("tests/Fabula.Narrative.Tests/Lighthouse/screenplay.fountain")).Plan;

    [Fact]
    public void The_lighthouse_story_plans_without_findings()
    {
        var planned = Plan(Repository.Read("tests/Fabula.Narrative.Tests/Lighthouse/screenplay.fountain"));
        Assert.Equal("", string.Join('\n', planned.Findings));
        Assert.InRange(planned.Plan.Shots.Count, 8, 10);
        Snapshot.Match(PlanJson.Write(planned.Plan), "lighthouse.plan.json");
    }

    [Fact]
    public void A_plan_reads_back_as_it_was_written()
    {
        var text = PlanJson.Write(Sample);
        Assert.Equal(text, PlanJson.Write(PlanJson.Read(text)));
    }

    [Fact]
    public void Changing_one_line_changes_one_shots_action_and_no_other_id_or_seed()
    {
        var before = Sample.Shots;
        var after = Plan(Repository.Read("tests/Fabula.Narrative.Tests/Lighthouse/screenplay.fountain").Replace("drinks tea",
            "reads a book")).Plan.Shots;
        Assert.Equal(before.Count, after.Count);
        var changed = before.Zip(after).Where(pair => pair.First.Action != pair.Second.Action).ToList();
        Assert.Equal("Old Tom sits at the table and reads a book.", Assert.Single(changed).Second.Action);
        Assert.Equal(before.Select(shot => (shot.Id, shot.Seed)), after.Select(shot => (shot.Id, shot.Seed)));
    }

    [Theory]
    [InlineData("Ada enters.", "", "ada")]
    [InlineData("Ada walks in.", "", "ada")]
    [InlineData("Ada walks in the rain.", "ada", "ada")]
    [InlineData("Ada and Mia enter from the left.", "", "ada mia")]
    [InlineData("Ada waves to Mia and leaves.", "ada mia", "mia")]
    [InlineData("Ada waves. She walks away.", "ada", "")]
    [InlineData("Ada waves. Mia slowly walks out.", "ada mia", "ada")]
    [InlineData("Ada rakes leaves.", "ada", "ada")]
    [InlineData("Old Tom runs into the house.", "", "tom")]
    [InlineData("The keeper waves.", "ada", "ada")]
    [InlineData("The sea is grey.", "", "")]
    [InlineData("Mia sings. [[enter: Ada left, Tom]]", "mia", "ada mia tom")]
    [InlineData("Ada and Mia dance. [[exit: Mia door]]", "ada mia", "ada")]
    [InlineData("It rains. [[with: Tom]]", "tom", "tom")]
    public void Words_and_notes_say_who_is_visible_at_start_and_end(string action, string start, string end)
    {
        var shot = Assert.Single(Plan($"EXT. BEACH - DAY\n\n{action}").Plan.Shots);
        Assert.Equal((start, end), (string.Join(' ', shot.Start), string.Join(' ', shot.End)));
    }

    [Fact]
    public void Who_entered_stays_until_leaving_and_a_close_picture_shows_only_those_named()
    {
        var shots = Plan("EXT. BEACH\n\nAda enters.\n\nMia enters.\n\nClose on Mia.\n\nThe wind blows.\n\nAda leaves.\n\nIt rains.")
            .Plan.Shots;
        Assert.Equal(["|ada", "ada|ada,mia", "mia|mia", "ada,mia|ada,mia", "ada,mia|mia", "mia|mia"],
            shots.Select(shot => $"{string.Join(',', shot.Start)}|{string.Join(',', shot.End)}"));
    }

    [Fact]
    public void Neighbours_join_by_who_is_there_and_how_they_are_framed()
    {
        var joins = Plan("""
            EXT. BEACH

            Ada waves. [[shot: medium]]

            Ada sits down.

            Mia laughs. [[shot: medium]]

            Ada smiles. [[shot: close]]

            DISSOLVE TO:

            INT. KITCHEN

            Tom drinks tea.

            INT. LAMP ROOM

            Mia sits. [[fade: 8 frames]]
            """).Plan.Transitions;
        Assert.Equal(["Continue Stay 0", "Bridge Enter 81", "Cut Exit 0", "Dissolve Replace 12", "Fade Replace 8"],
            joins.Select(join => $"{join.Method} {join.Kind} {join.Frames}"));
    }

    [Fact]
    public void Speech_belongs_to_the_shot_that_shows_the_speaker_and_makes_it_long_enough()
    {
        var shots = Plan("EXT. BEACH\n\nAda waves.\n\nADA\n" + string.Join(' ', Enumerable.Repeat("word", 25))
            + "\n\nTOM\n(loud)\nHello!\n\nMIA (V.O.)\nIt was long ago.").Plan.Shots;
        Assert.Equal(["Ada waves.", "Old Tom speaks."], shots.Select(shot => shot.Action));
        Assert.Equal(169, shots[0].Frames); // 25 words / 2.5 + 0.5 s = 10.5 s = 168 frames
        Assert.Equal(("loud", true), (shots[1].Dialogue[0].Delivery, shots[1].Dialogue[0].OnScreen));
        Assert.False(shots[1].Dialogue[1].OnScreen);
    }

    [Fact]
    public void A_shot_remembers_earlier_shots_that_share_a_person_or_the_place()
    {
        var shots = Sample.Shots;
        for (var i = 0; i < shots.Count; i++)
            Assert.Empty(shots[i].Memory.Except(shots.Take(i).Select(earlier => earlier.Id)));
        Assert.Contains(shots[0].Id, shots[^1].Memory); // Ada, first seen
    }

    [Fact]
    public void Errors_name_the_line_and_the_nearest_name() => Snapshot.Match(string.Join('\n', Plan("""
        EXT. BEECH - DAY

        Addo waves. [[shot: mediun]]

        Ada sits beside Mja. [[enter: Bob left]] [[duration: soon]]

        MIO
        Hello.

        INT. KITCHEN

        INT. LAMP ROOM

        Ada leaves.

        Ada leaves. [[continue]] [[entr: Mia]]

        Ben [[oops
        """).Findings) + "\n", "errors.txt");

    [Fact]
    public void Choices_made_in_an_earlier_plan_are_kept()
    {
        var plan = Sample;
        var chosen = plan with { Shots = [plan.Shots[0] with { Seed = 99, Take = 2, Takes = [5] }, .. plan.Shots.Skip(1)] };
        var kept = ScreenplayPlanner.KeepChoices(Sample, chosen).Shots[0];
        Assert.Equal((99, 2), (kept.Seed, kept.Take));
    }

    [Fact]
    public void Ten_thousand_shots_are_planned_in_seconds()
    {
        var text = string.Concat(Enumerable.Range(0, 1_000).Select(scene =>
            $"INT. KITCHEN - DAY {scene}\n\n"
                + string.Concat(Enumerable.Range(0, 10).Select(shot => $"Ada moves chair {scene * 10 + shot}.\n\n"))));
        var clock = Stopwatch.StartNew();
        Assert.Equal(10_000, Plan(text).Plan.Shots.Count);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"took {clock.Elapsed}");
    }

    [Fact]
    public void Planning_survives_any_text()
    {
        var random = new Random(6);
        string[] pieces = ["\n\n", "\n", "INT. ", "KITCHEN", "Ada ", "MIA", "enters", " and ", "leaves", ".", "[[exit: Ada]]",
            "[[continue]]",
            "[[with: Tom]]", "CUT TO:", "(V.O.)", "^", "FADE OUT.", "> ", "She ", "[[fade: 600s]]", "[[duration: 1 frame]]", "é", "#1#"];
        for (var i = 0; i < 5_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => pieces[random.Next(pieces.Length)]));
            var plan = Plan(text).Plan;
            Assert.Equal(PlanJson.Write(plan), PlanJson.Write(PlanJson.Read(PlanJson.Write(plan))));
        }
    }
}
