using Fabula.Narrative.Fountain;

namespace Fabula.Narrative.Tests;

public class FountainTests
{
    static Element Only(string text) => Assert.Single(FountainReader.Read(text).Elements);

    static Element[] All(string text) => [.. FountainReader.Read(text).Elements];

    [Theory]
    [InlineData("INT. LAMP ROOM - NIGHT")]
    [InlineData("ext. beach - day")]
    [InlineData("EST. HARBOUR")]
    [InlineData("INT./EXT. BOAT - DAY")]
    [InlineData("INT/EXT BOAT - DAY")]
    [InlineData("I/E. BOAT")]
    [InlineData("EXT BEACH")]
    public void A_line_that_begins_with_a_setting_is_a_scene_heading(string line) => Assert.Equal(new SceneHeading(line), Only(line));

    [Fact]
    public void A_full_stop_forces_a_heading_and_an_ellipsis_does_not()
    {
        Assert.Equal(new SceneHeading("ON THE STAIRS"), Only(".ON THE STAIRS"));
        Assert.Equal(new ActionParagraph("...and then it rains."), Only("...and then it rains."));
        Assert.Equal(new ActionParagraph("INTERIOR thoughts"), Only("INTERIOR thoughts"));
    }

    [Theory]
    [InlineData("INT. HOUSE - DAY #1#", "1")]
    [InlineData("INT. HOUSE - DAY #1A#", "1A")]
    [InlineData("INT. HOUSE - DAY #I-1-A#", "I-1-A")]
    [InlineData("INT. HOUSE - DAY #110.5#", "110.5")]
    [InlineData(".HOUSE #7#", "7")]
    public void A_scene_number_keeps_its_writing(string line, string number) =>
        Assert.Equal(number, Assert.IsType<SceneHeading>(Only(line)).Number);

    [Fact]
    public void A_heading_needs_a_blank_line_before_it() =>
        Assert.Equal(new ActionParagraph("She reads.\nINT. HOUSE - DAY"), Only("She reads.\nINT. HOUSE - DAY"));

    [Fact]
    public void Action_keeps_line_breaks_and_indentation_and_a_tab_is_four_spaces() =>
        Assert.Equal(new ActionParagraph("A list\n    one\n      two"), Only("A list\n\tone\n      two"));

    [Fact]
    public void An_exclamation_mark_forces_action()
    {
        Assert.Equal(new ActionParagraph("SCANNING THE AISLES...\nNo one."), Only("!SCANNING THE AISLES...\nNo one."));
        Assert.Equal(new ActionParagraph("INT. IS A PREFIX"), Only("!INT. IS A PREFIX"));
    }

    [Fact]
    public void A_cue_in_capitals_with_text_under_it_is_speech()
    {
        var speech = Assert.IsType<Speech>(Only("ADA (on the radio)\n(quietly)\nHello?\n~la la la\nAnyone?"));
        Assert.Equal(("ADA", "on the radio", false), (speech.Name, speech.Extension, speech.OffScreen));
        Assert.Equal([
            new(SpeechKind.Parenthetical, "quietly"), new(SpeechKind.Dialogue, "Hello?"), new(SpeechKind.Lyric, "la la la"),
            new(SpeechKind.Dialogue, "Anyone?")], speech.Lines);
    }

    [Theory]
    [InlineData("ADA (V.O.)", true)]
    [InlineData("ADA (O.S.)", true)]
    [InlineData("ADA (OC)", true)]
    [InlineData("ADA (CONT'D)", false)]
    public void Voices_from_elsewhere_are_known_by_their_extension(string cue, bool offScreen) =>
        Assert.Equal(offScreen, Assert.IsType<Speech>(Only(cue + "\nHello.")).OffScreen);

    [Fact]
    public void A_cue_needs_a_letter_a_blank_line_before_and_none_after()
    {
        Assert.IsType<Speech>(Only("R2D2\nBeep."));
        Assert.Equal(new ActionParagraph("23\nis a number."), Only("23\nis a number."));
        Assert.Equal(new ActionParagraph("ADA"), All("ADA\n\nHello.")[0]);
        Assert.Equal(new ActionParagraph("They wait.\nADA\nHello."), Only("They wait.\nADA\nHello."));
    }

    [Fact]
    public void An_at_sign_forces_a_cue_of_any_letters() =>
        Assert.Equal("McCLANE", Assert.IsType<Speech>(Only("@McCLANE\nYes.")).Name);

    [Fact]
    public void A_caret_makes_speech_dual()
    {
        var elements = All("ADA\nGo!\n\nBEN ^\nStay!");
        Assert.False(Assert.IsType<Speech>(elements[0]).Dual);
        Assert.Equal(("BEN", true), Assert.IsType<Speech>(elements[1]) is var speech ? (speech.Cue, speech.Dual) : default);
    }

    [Fact]
    public void Two_spaces_hold_a_blank_line_inside_speech()
    {
        Assert.Equal(3, Assert.IsType<Speech>(Only("ADA\nOne.\n  \nTwo.")).Lines.Count);
        Assert.Equal(2, All("ADA\nOne.\n\nTwo.").Length);
    }

    [Fact]
    public void Transitions_are_capitals_that_end_in_TO_alone_between_blank_lines()
    {
        Assert.Equal(new TransitionLine("CUT TO:"), All("He waits.\n\nCUT TO:\n\nINT. HOUSE")[1]);
        Assert.Equal(new ActionParagraph("CUT TO:"), All("He waits.\n\nCUT TO: \n\nINT. HOUSE")[1]);
        Assert.Equal(new TransitionLine("Fade out."), Only("> Fade out."));
    }

    [Fact]
    public void Text_between_arrows_is_centred() => Assert.Equal(new CentredText("THE END"), Only("> THE END <"));

    [Fact]
    public void Sections_synopses_page_breaks_and_lyrics_are_known_by_their_marks() => Assert.Equal(
        new Element[] { new Section(2, "Act"), new Synopsis("They meet."), new PageBreak(), new Lyric("la la") },
        All("## Act\n= They meet.\n=====\n~la la"));

    [Fact]
    public void A_title_page_has_keys_with_values_beside_or_below_them()
    {
        var screenplay = FountainReader.Read("Title:\n    _**The Lamp**_\n    A film\nAuthor: Nobody\nDraft date: 1/2/2026\n\nINT. HOUSE");
        Assert.Equal(["Title", "Author", "Draft date"], screenplay.TitlePage.Select(entry => entry.Key));
        Assert.Equal("The Lamp A film", screenplay.Title("title"));
        Assert.Equal(new SceneHeading("INT. HOUSE"), Assert.Single(screenplay.Elements));
    }

    [Theory]
    [InlineData("FADE IN:\n\nINT. HOUSE")]
    [InlineData("ADA: no colon makes a cue.")]
    [InlineData("INT. HOUSE: THE CELLAR")]
    public void A_story_may_open_with_a_colon_and_have_no_title_page(string text) => Assert.Empty(FountainReader.Read(text).TitlePage);

    [Fact]
    public void Notes_and_boneyards_may_span_lines_and_hide_what_is_in_them()
    {
        var elements = All("Ada waves.[[note\nINT. NOT A HEADING\nend]]\n\n/*\nINT. GONE\n\nBEN\nGone.\n*/\n\nBen waves.");
        Assert.Equal(3, elements.Length);
        Assert.Equal("Ada waves.", Markup.Plain(((ActionParagraph)elements[0]).Text));
        Assert.IsType<Boneyard>(elements[1]);
        Assert.Equal(12, elements[2].Line);
    }

    [Fact]
    public void A_note_ends_with_its_paragraph_unless_two_spaces_hold_the_line()
    {
        Assert.Equal(2, All("[[one\n\ntwo]]").Length);
        Assert.IsType<Note>(Only("[[one\n  \ntwo]]"));
        Assert.Contains("line 3", FountainReader.Read("Ada.\n\nBen [[oops").Findings[0].Where);
        Assert.Contains("*/", FountainReader.Read("Ada. /* oops").Findings[0].Fix);
    }

    [Theory]
    [InlineData("*a* **b** ***c*** _d_", "a:i| :|b:b| :|c:bi| :|d:u")]
    [InlineData("_under *both*_", "under :u|both:iu")]
    [InlineData("He dialed *69 and then *23, and hung up.", "He dialed *69 and then *23, and hung up.:")]
    [InlineData(@"Steel \*toes\* only", "Steel *toes* only:")]
    [InlineData("a * b * c", "a * b * c:")]
    public void Emphasis_follows_the_rules_of_Fountain(string text, string expected)
    {
        var runs = Emphasis.Runs(text).Select(run =>
            $"{run.Text}:{(run.Bold ? "b" : "")}{(run.Italic ? "i" : "")}{(run.Underlined ? "u" : "")}");
        Assert.Equal(expected, string.Join('|', runs));
    }

    [Fact]
    public void Elements_know_their_lines_whatever_ends_them()
    {
        Assert.Equal([1, 3, 6], All("INT. A\n\nOne.\nTwo.\n\nThree.").Select(element => element.Line));
        Assert.Equal([1, 3, 6], All("INT. A\r\n\r\nOne.\r\nTwo.\r\n\r\nThree.").Select(element => element.Line));
        Assert.Equal([1, 3, 6], All("INT. A\r\rOne.\rTwo.\r\rThree.").Select(element => element.Line));
    }

    [Fact]
    public void An_edit_leaves_every_other_line_as_it_was()
    {
        const string Text = "Title: Lamp\r\n\r\n\r\n  INT. A  \r\n\r\nOne.\r\n\r\n\r\nTwo.\r\n";
        var screenplay = FountainReader.Read(Text);
        var edited = screenplay with
        {
            Elements = [screenplay.Elements[0], new ActionParagraph("New."), screenplay.Elements[2]],
        };
        Assert.Equal("Title: Lamp\r\n\r\n\r\n  INT. A  \r\n\r\nNew.\n\nTwo.\r\n", FountainWriter.Write(edited));
    }

    [Fact]
    public void What_Fountain_cannot_say_is_refused() => Assert.Contains("cannot be written as Fountain",
        Assert.Throws<NarrativeException>(() => FountainWriter.Write(new([], [new SceneHeading("INT. A\nB")]))).Message);
}
