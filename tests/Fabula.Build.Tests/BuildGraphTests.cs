namespace Fabula.Build.Tests;

public class BuildGraphTests
{
    static string Problem(params Step[] steps) => Assert.Throws<GraphException>(() => BuildGraph.Create(steps)).Message;

    [Fact]
    public void Steps_come_after_what_they_read_and_otherwise_in_the_order_given()
    {
        var a = Toys.Step("a", "1");
        var b = Toys.Step("b", "2");
        var last = Toys.Step("last", "3", b.As("b"), a.As("a"));
        var c = Toys.Step("c", "4", a.As("a"));
        Assert.Equal(["a", "c", "b", "last"], BuildGraph.Create([last, a, c, b]).Steps.Select(step => step.Id));
        Assert.Equal(["b", "a", "c", "last"], BuildGraph.Create([b, a, c, last]).Steps.Select(step => step.Id));
    }

    [Fact]
    public void A_cycle_is_shown_step_by_step()
    {
        var problem = Problem(Toys.Step("a", "", new StepInput("x", "c", "text.txt")),
            Toys.Step("b", "", new StepInput("x", "a", "text.txt")),
            Toys.Step("c", "", new StepInput("x", "b", "text.txt")), Toys.Step("d", "", new StepInput("x", "c", "text.txt")));
        Assert.Equal("These steps wait for one another: a -> b -> c -> a. Take one of these inputs away.", problem);
    }

    [Fact]
    public void A_step_that_reads_itself_is_a_cycle() =>
        Assert.Contains("a -> a", Problem(Toys.Step("a", "", new StepInput("x", "a", "text.txt"))));

    [Fact]
    public void A_cycle_of_ten_thousand_steps_is_found_and_shortened()
    {
        Step[] steps = [.. Enumerable.Range(0, 10_000).Select(i =>
            Toys.Step($"s{i}", "", new StepInput("x", $"s{(i + 1) % 10_000}", "text.txt")))];
        Assert.Contains("(10000 steps)", Problem(steps));
    }

    [Fact]
    public void All_problems_are_told_at_once()
    {
        var a = Toys.Step("a", "");
        var problem = Problem(a, a, Toys.Step("b", "", new StepInput("x", "nobody", "text.txt"), new StepInput("x", "a", "other.txt")),
            a with { Id = "c", Outputs = [] }, a with { Id = "" });
        Assert.Equal("""
            Two steps have the id 'a': rename one.
            Step 5 has the id '': use 1 to 200 characters, without line breaks.
            Step 'b' has two inputs 'x': rename one.
            Step 'b' reads 'text.txt' of step 'nobody', which does not exist: add it, or correct the id.
            Step 'b' reads 'other.txt' of step 'a', which makes only text.txt.
            Step 'c' has no output: name at least one file.
            """, problem);
    }

    [Theory]
    [InlineData("../escape")]
    [InlineData("..")]
    [InlineData("/etc/passwd")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData(".hidden")]
    [InlineData("a\0b")]
    [InlineData("a\n")]
    [InlineData("")]
    [InlineData("né")]
    public void An_output_name_cannot_lead_anywhere(string name) =>
        Assert.Contains("has an output", Problem(Toys.Step("a", "") with { Outputs = [name] }));

    [Fact]
    public void Two_outputs_that_differ_in_case_are_refused_since_some_disks_hold_them_for_one() =>
        Assert.Contains("two outputs", Problem(Toys.Step("a", "") with { Outputs = ["Clip.mp4", "clip.mp4"] }));

    [Fact]
    public void An_id_may_say_anything_on_one_line()
    {
        Assert.Single(BuildGraph.Create([Toys.Step("../../etc: 'Ada' & $(rm) ü", "")]).Steps);
        Assert.Contains("has the id 'a?b'", Problem(Toys.Step("a\nb", "")));
    }

    [Fact]
    public void Only_keeps_what_the_named_steps_need()
    {
        var a = Toys.Step("a", "");
        var b = Toys.Step("b", "");
        var c = Toys.Step("c", "", a.As("a"));
        var graph = BuildGraph.Create([a, b, c, Toys.Step("d", "", c.As("c"), b.As("b"))]);
        Assert.Equal(["a", "c"], graph.Only("c").Steps.Select(step => step.Id));
        Assert.Equal(["a", "b", "c"], graph.Only("b", "c").Steps.Select(step => step.Id));
        Assert.Contains("Did you mean", Assert.Throws<GraphException>(() => graph.Only("C")).Message);
    }

    [Theory]
    [InlineData("../outside.txt")]
    [InlineData("/etc/hostname")]
    [InlineData("in/../../outside.txt")]
    [InlineData("in\\..\\..\\outside.txt")]
    [InlineData("link/outside.txt")]
    [InlineData("link.txt")]
    [InlineData("")]
    [InlineData("a\0b")]
    public void A_source_cannot_be_read_from_outside_its_folder(string path)
    {
        using var folder = new TestFolder();
        folder.Write("outside.txt", "secret");
        var root = Directory.CreateDirectory(Path.Combine(folder.Root, "story", "in")).Parent!.FullName;
        Directory.CreateSymbolicLink(Path.Combine(root, "link"), folder.Root);
        File.CreateSymbolicLink(Path.Combine(root, "link.txt"), Path.Combine(folder.Root, "outside.txt"));
        File.WriteAllText(Path.Combine(root, "in", "face.txt"), "face");
        Assert.Equal(Digest.Of("face"), SourceInput.Read("face", root, "in/face.txt").Content.Digest);
        Assert.Throws<GraphException>(() => SourceInput.Read("face", root, path));
    }
}
