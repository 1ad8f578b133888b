using System.Text.Json;
using Fabula.Training.Evaluation;

namespace Fabula.Training.Tests;

/// <summary>OneStory's tables from made-up marks, and the rows that a file names.</summary>
public sealed class OneStoryTablesTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("fabula-rows-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static OneStoryMarks Marks(params (int Apart, double Alike)[] pairs) =>
        new([.. pairs.Select(pair => new CharacterPair(pair.Apart, pair.Alike))], [0.5], [1], [], [], [], [], [], []);

    [Fact]
    public void A_case_counts_once_and_differences_are_paired()
    {
        // Four pairs of one case and one of the other: the mean is of the two cases, 0.6 and 0.2.
        OneStoryMarks[] ours = [Marks((1, 0.6), (1, 0.6), (2, 0.6), (2, 0.6)), Marks((1, 0.2))];
        OneStoryMarks[] theirs = [Marks((1, 0.5), (2, 0.5)), Marks((1, 0.1))];
        var tables = OneStoryTables.Of("given", 4, [(OneStoryColumns.Drawn, theirs), ("none", theirs), ("ours", ours)]);
        var row = tables[0].Rows[2];
        Assert.StartsWith("0.400 (", row[1]);
        Assert.StartsWith("+0.100 (+0.100 to +0.100)", row[^2]);
        Assert.Equal("0.000 (0.000 to 0.000)", tables[0].Rows[2][^1]);
        Assert.Equal("", tables[0].Rows[0][^2]);
        // The distance of one shot has both cases, that of two the first, that of three none.
        Assert.Equal(["ours", "0.400 (0.200 to 0.600)", "0.600 (0.600 to 0.600)", ""], tables[2].Rows[2]);
    }

    [Fact]
    public void Marks_come_back_from_the_disk_as_they_were()
    {
        var marks = Marks((1, 0.25), (3, 0.75));
        var again = JsonSerializer.Deserialize<OneStoryMarks>(JsonSerializer.Serialize(marks))!;
        Assert.Equal(marks.ByDistance, again.ByDistance);
        Assert.Equal(marks.Environment, again.Environment);
    }

    [Fact]
    public void Rows_are_read_by_name_folder_and_what_differs()
    {
        var path = Path.Combine(_folder, "rows.json");
        File.WriteAllText(path, """[{ "name": "one", "with": { "kept": 1 } }, { "name": "other", "folder": "runs/x" }]""");
        var rows = OneStoryRow.Read(path);
        Assert.Equal([("one", null), ("other", "runs/x")], rows.Select(row => (row.Name, row.Folder)));
        Assert.Equal(1, (int)rows[0].With!["kept"]!);
        foreach (var wrong in new[] { "{", "[]", """[{ "name": "one", "wiht": {} }]""", """[{ "with": {} }]""" })
        {
            File.WriteAllText(path, wrong);
            Assert.Contains("list of rows", Assert.Throws<FormatException>(() => OneStoryRow.Read(path)).Message);
        }
    }

    [Fact]
    public void What_is_chosen_adds_up_over_cases()
    {
        var choice = new OneStoryChoice(new(3, 4), new(1, 1), new(0, 1), new(1, 4), [0.5], [0.2], new(1, 2), new(3, 3), [4, 2]);
        var table = OneStoryChoices.Table([("best", [choice, choice with { Right = new(4, 4) }])], "title");
        Assert.StartsWith("87.5 % (", table.Rows[0][1]);
        Assert.EndsWith("n 8)", table.Rows[0][1]);
        Assert.StartsWith("25.0 % (", table.Rows[0][3]);
        Assert.StartsWith("100.0 % (", table.Rows[0][5]);
        Assert.Equal("3.0", table.Rows[0][^1]);
        Assert.StartsWith("50.0 % (", table.Rows[1][1]);
    }
}
