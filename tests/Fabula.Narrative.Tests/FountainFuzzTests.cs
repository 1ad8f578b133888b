// 100,000 screenplays put together from the pieces that matter to the reader, each read, written and read again.
using System.Diagnostics;
using System.Text;
using Fabula.Narrative.Fountain;

namespace Fabula.Narrative.Tests;

public class FountainFuzzTests
{
    static readonly string[] Pieces =
    [
        "\n", "\n", "\n\n", "\r\n", "\r", " ", "  ", "\t", "INT. ", "EXT", "ADA", "Ben", "CUT TO:", "Title: ", "TITLE:", ":", "[[", "]]",
            "/*", "*/", "#",
        "#1A#", "=", "===", "!", "@", ".", "~", ">", "<", "^", "(", ")", "*", "_", "\\", "a", "1", "\uFEFF", "\u2028", "\u0085", "\0", "é",
            "黒", "\ud800",
        "shot:", "enter: Ada left", "duration: 4s", "walks in", ",", "\v", "'", "/", "[", "]", "I/E",
    ];

    static string Text(Random random)
    {
        var text = new StringBuilder();
        for (var n = random.Next(1, 24); n > 0; n--) text.Append(Pieces[random.Next(Pieces.Length)]);
        return text.ToString();
    }

    [Fact]
    public void A_hundred_thousand_screenplays_come_back_letter_for_letter()
    {
        var random = new Random(4);
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 100_000; i++)
        {
            var text = Text(random);
            var written = FountainWriter.Write(FountainReader.Read(text));
            if (written != text) Assert.Fail($"{Show(text)} came back as {Show(written)}");
        }
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"took {clock.Elapsed}");
    }

    [Fact]
    public void A_screenplay_written_anew_reads_the_same()
    {
        var random = new Random(5);
        for (var i = 0; i < 30_000; i++)
        {
            var text = Text(random);
            var read = FountainReader.Read(text);
            var fresh = new Screenplay([.. read.TitlePage.Select(e => e with { })], [.. read.Elements.Select(e => e with { })]);
            var written = "";
            try { written = FountainWriter.Write(fresh); }
            catch (NarrativeException error) { Assert.Fail($"{Show(text)}: {Show(error.Message)}"); }
            var again = FountainReader.Read(written);
            if (!again.Equals(fresh)) Assert.Fail($"{Show(text)} was written as {Show(written)}");
        }
    }

    [Theory]
    [InlineData("[[")]
    [InlineData("/*")]
    [InlineData("[[\n")]
    [InlineData("*_")]
    [InlineData("a **b")]
    [InlineData("ADA\n")]
    [InlineData("/*/")]
    [InlineData("#1#")]
    [InlineData("(")]
    [InlineData("[[enter: ")]
    public void Time_grows_with_length_and_not_faster(string piece)
    {
        var text = string.Concat(Enumerable.Repeat(piece, 400_000 / piece.Length));
        var clock = Stopwatch.StartNew();
        var screenplay = FountainReader.Read(text);
        foreach (var element in screenplay.Elements.OfType<ActionParagraph>().Take(3)) _ = Markup.Plain(element.Text);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"400,000 letters of {Show(piece)} took {clock.Elapsed}");
    }

    static string Show(string text) => string.Concat(text.Select(c => c is < ' ' or > '~' or '\\' ? $"\\u{(int)c:x4}" : c.ToString()));
}
