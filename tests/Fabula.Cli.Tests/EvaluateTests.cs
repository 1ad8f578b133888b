namespace Fabula.Cli.Tests;

/// <summary>`fabula evaluate`, asked for as little as it takes.</summary>
public sealed class EvaluateTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("fabula-evaluate-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_tokenizer_without_a_planner_is_measured_alone()
    {
        var shipped = Path.Combine(Repository.Root, "models", "pocket", "moviedreamer");
        foreach (var file in Directory.EnumerateFiles(shipped, "keyframe_tokenizer*"))
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        string[] command = ["evaluate", "moviedreamer", "--keyframes", _folder, "--stories", "1", "--anchor", "0"];
        var run = Command.Run(command);
        Assert.True(run.Code == 0, run.Errors + run.Output);
        Assert.Contains("| from 2 tokens of 384, the sketch alone", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("told", run.Output, StringComparison.Ordinal);

        var sheet = Path.Combine(_folder, "sheet.png");
        Command.Run([.. command, "--sheet", sheet]).IsRefused(_folder, "has no planner");
        Assert.False(File.Exists(sheet));
    }

    [Fact]
    public void Rows_that_are_none_and_fields_that_there_are_not_are_refused()
    {
        var rows = Path.Combine(_folder, "rows.json");
        File.WriteAllText(rows, "[]");
        Command.Run("evaluate", "onestory", "--only", "choice", "--rows", rows).IsRefused(rows, "no list of rows");
        File.WriteAllText(rows, """[{ "name": "wrong", "with": { "spred": 1 } }]""");
        Command.Run("evaluate", "onestory", "--only", "choice", "--cases", "1", "--rows", rows).IsRefused("spred", "spread");
    }

    [Theory]
    [InlineData("--plates", "first")]
    [InlineData("--only", "columns")]
    [InlineData("--with", "storymem")]
    public void What_there_is_not_to_ask_for_is_refused_beside_what_there_is(string option, string known)
    {
        var run = Command.Run("evaluate", "onestory", "--cases", "1", option, "much");
        Assert.Equal(2, run.Code);
        Assert.Contains("'much'", run.Errors, StringComparison.Ordinal);
        Assert.Contains($"'{known}'", run.Errors, StringComparison.Ordinal);
    }
}
