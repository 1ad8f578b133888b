namespace Fabula.Narrative.Tests;

public class MultimodalScriptTests
{
    static MultimodalScript Script => MultimodalScript.Of(PlannerTests.Sample);

    [Fact]
    public void A_plan_becomes_a_script_of_one_keyframe_per_shot() => Snapshot.Match(ScriptText.Write(Script), "lighthouse.script.txt");

    [Fact]
    public void The_other_side_of_a_place_is_a_sentence_of_its_own()
    {
        var plan = PlannerTests.Sample;
        IReadOnlyList<string> Scene(CameraAngle angle) => MultimodalScript.Of(plan with
        {
            Shots = [plan.Shots[0] with { Angle = angle }],
        }).Frames[0].Scene;
        Assert.Equal([MultimodalScript.OtherSide, .. Scene(CameraAngle.Eye)], Scene(CameraAngle.Reverse));
        Assert.Contains("from below", Scene(CameraAngle.Low)[0]);
    }

    [Fact]
    public void A_script_reads_back_as_it_was_written()
    {
        var text = ScriptText.Write(Script);
        Assert.Equal(text, ScriptText.Write(ScriptText.Read(text)));
        Assert.Equal(Script.Frames.SelectMany(frame => frame.Parts()), ScriptText.Read(text).Frames.SelectMany(frame => frame.Parts()));
        // Words that look like something else are still a sentence.
        MultimodalScript odd = new([new("a b", [new("x y", ["@ada", "Plot:"])], [], ["- <END_OF_FRAME>", "# 1"])]);
        Assert.Equal(odd.Frames[0].Parts(), ScriptText.Read(ScriptText.Write(odd)).Frames[0].Parts());
    }

    [Fact]
    public void A_frame_keeps_what_happens_before_what_people_look_like()
    {
        string[] Said(string what, int count) => [.. Enumerable.Range(0, count).Select(i => $"{what} {i}.")];
        var frame = new ScriptFrame("a", [.. Enumerable.Range(0, 7).Select(i => new ScriptCharacter($"c{i}", Said("look", 3)))],
            Said("scene", 4), Said("plot", 6)).Fitted();
        Assert.Equal((5, 15), (frame.Characters.Count, frame.Parts().Count(part => part.Kind == ScriptPartKind.Sentence)));
        Assert.Equal([3, 2, 0, 0, 0], frame.Characters.Select(character => character.Sentences.Count));
        Assert.Equal((4, 6), (frame.Scene.Count, frame.Plot.Count));
    }

    [Fact]
    public void Every_identifier_of_a_script_is_in_the_list() => Assert.All(Script.Frames.SelectMany(frame => frame.Parts())
        .Where(part => part.Kind == ScriptPartKind.Identifier), part => Assert.Contains(part.Text, ScriptFrame.Identifiers));

    [Theory]
    [InlineData("Ada waves.", 1, "outside of a frame")]
    [InlineData("<START_OF_FRAME>", 1, "has no id")]
    [InlineData("<START_OF_FRAME> a\n<START_OF_FRAME> b", 2, "still open")]
    [InlineData("<START_OF_FRAME> a\nPlot:\n@ada", 3, "outside of the characters")]
    [InlineData("<START_OF_FRAME> a\n\n- Ada waves.", 3, "belongs to nothing")]
    [InlineData("<START_OF_FRAME> a\nCharacters:\n- Ada waves.", 3, "belongs to nothing")]
    [InlineData("<START_OF_FRAME> a\nPlot:\nAda waves.", 3, "Begin a sentence")]
    public void What_is_no_script_is_refused_with_its_line(string text, int line, string words)
    {
        var refused = Assert.Throws<NarrativeException>(() => ScriptText.Read(text, "film.txt")).Message;
        Assert.StartsWith($"film.txt, line {line}: ", refused);
        Assert.Contains(words, refused);
    }

    [Fact]
    public void A_frame_that_does_not_end_and_a_sentence_of_two_lines_are_refused()
    {
        Assert.Contains("does not end", Assert.Throws<NarrativeException>(() => ScriptText.Read("<START_OF_FRAME> a")).Message);
        Assert.Contains("one line", Assert.Throws<ArgumentException>(
            () => ScriptText.Write(new([new("a", [], [], ["Ada\nwaves."])]))).Message);
    }

    [Fact]
    public void Sentences_are_parted_at_their_marks_and_get_one_where_none_is() => Assert.Equal(
        ["Ada runs.", "\"Where?\" she asks!", "Gone."], MultimodalScript.Sentences("  Ada runs.\n\n\"Where?\" she asks!  Gone"));
}
