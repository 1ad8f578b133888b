// What befalls a folder from outside: lost and damaged files, full and read-only disks, two runs at once.
using System.Text;

namespace Fabula.Build.Tests;

public class FaultTests
{
    static BuildGraph Chain()
    {
        var a = Toys.Step("a", "A");
        var b = Toys.Step("b", "B", a.As("a"));
        return BuildGraph.Create([a, b, Toys.Step("c", "C", b.As("b"))]);
    }

    [Theory]
    [InlineData("delete", "its file text.txt is missing", false)]
    [InlineData("truncate", "its file text.txt has 1 bytes where 3 were stored", false)]
    [InlineData("lengthen", "its file text.txt has 4 bytes where 3 were stored", false)]
    [InlineData("flip", "its file text.txt no longer has the bytes that were stored", false)]
    [InlineData("rot", "its file text.txt no longer has the bytes that were stored", true)]
    [InlineData("link", "its file text.txt was replaced by a link", false)]
    [InlineData("folder", "its file text.txt is missing", false)]
    public async Task A_damaged_artifact_is_found_explained_and_made_anew(string damage, string explanation, bool thorough)
    {
        using var folder = new TestFolder();
        var first = await folder.Run(Chain());
        var path = folder.ObjectOf(first.End.Results.Find("b")!.Value);
        var before = folder.Artifacts();
        var time = File.GetLastWriteTimeUtc(path);
        if (damage is "truncate") Toys.Overwrite(path, file => file.SetLength(1));
        if (damage is "lengthen") Toys.Overwrite(path, file => file.SetLength(4));
        if (damage is "flip" or "rot") Toys.Overwrite(path, file => file.WriteByte((byte)'X'));
        if (damage is "delete" or "link" or "folder") File.Delete(path);
        if (damage is "link") File.CreateSymbolicLink(path, folder.Write("other", "B|A"));
        if (damage is "folder") Directory.CreateDirectory(Path.Combine(path, "inside"));
        if (damage is "rot")
        {
            File.SetLastWriteTimeUtc(path, time);
            Assert.Empty((await folder.Run(Chain())).Ran); // one look does not see bytes that changed without a write
        }

        var told = await folder.Run(Chain(), new RunOptions(Thorough: thorough));
        Assert.Equal(explanation, Assert.Single(told.Plan["b"].Reasons).ToString());
        Assert.Equal(["b"], told.Ran);
        Assert.Equal("B|A", File.ReadAllText(path));
        Assert.Equal(first.End.Results.Find("c"), told.End.Results.Find("c"));
        Assert.Equal(2, before.Intersect(folder.Artifacts()).Count()); // the others are the very same files
        using var open = BuildFolder.OpenToRead(folder.Build);
        Assert.True(open.Plan(Chain(), thorough: true).NothingToDo);
    }

    [Fact]
    public async Task A_rotten_file_is_never_an_input_and_heals_when_it_was_found()
    {
        using var folder = new TestFolder();
        var first = await folder.Run(Chain());
        var path = folder.ObjectOf(first.End.Results.Find("b")!.Value);
        var time = File.GetLastWriteTimeUtc(path);
        Toys.Overwrite(path, file => file.WriteByte((byte)'X'));
        File.SetLastWriteTimeUtc(path, time);
        var edited = Chain().With("c", step => step with { Settings = Toys.Saying("C2") });
        Assert.Equal("c failed: its input 'b' (b/text.txt) no longer has the bytes that were stored. Run again, and it is made anew.",
            (await folder.Run(edited)).Failure);
        var told = await folder.Run(edited);
        Assert.Equal(["b", "c"], told.Ran);
        Assert.Equal("C2|B|A", File.ReadAllText(folder.ObjectOf(told.End.Results.Find("c")!.Value)));
    }

    [Fact]
    public async Task A_copied_folder_is_read_once_and_then_trusted_again()
    {
        using var folder = new TestFolder();
        await folder.Run(Chain());
        foreach (var path in Directory.GetFiles(Path.Combine(folder.Build, "objects"), "*", SearchOption.AllDirectories))
            File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
        using var open = BuildFolder.OpenToRead(folder.Build);
        Assert.True(open.Plan(Chain()).NothingToDo);
        Assert.Empty((await folder.Run(Chain())).Ran);
        Assert.DoesNotContain(Directory.GetFiles(Path.Combine(folder.Build, "objects"), "*", SearchOption.AllDirectories),
            path => File.GetLastWriteTimeUtc(path) == DateTime.UnixEpoch);
    }

    [Fact]
    public async Task Artifacts_cannot_be_written_by_accident()
    {
        using var folder = new TestFolder();
        var told = await folder.Run(Chain());
        Assert.True(File.GetAttributes(folder.ObjectOf(told.End.Results.Find("c")!.Value)).HasFlag(FileAttributes.ReadOnly));
    }

    [Fact]
    public async Task A_file_that_a_running_step_needs_and_somebody_deletes_fails_the_step_and_heals_next_time()
    {
        using var folder = new TestFolder();
        var a = Toys.Step("a", "A");
        string? victim = null;
        var vandal = Toys.Text("vandal", run =>
        {
            File.Delete(victim = Path.GetFullPath(run.Input("a")));
            return "b";
        });
        var b = new Step("b", vandal, Settings.None, [a.As("a")], ["x"]);
        var graph = BuildGraph.Create([a, b, Toys.Step("c", "C", a.As("a"), b.As("b"))]);
        var told = await folder.Run(graph);
        Assert.Equal("c failed: its input 'a' (a/text.txt) is missing. Run again, and it is made anew.", told.Failure);
        Assert.Equal(["a", "c"], (await folder.Run(graph)).Ran);
        Assert.True(File.Exists(victim));
    }

    [Fact]
    public async Task A_journal_cut_off_anywhere_is_read_up_to_there_and_written_on()
    {
        using var folder = new TestFolder();
        var whole = await folder.Run(Chain());
        var journal = Path.Combine(folder.Build, "journal");
        var bytes = File.ReadAllBytes(journal);
        for (var length = 0; length < bytes.Length; length += length < 20 ? 1 : 7)
        {
            File.WriteAllBytes(journal, bytes[..length]);
            var lines = Math.Max(0, Encoding.UTF8.GetString(bytes, 0, length).Count(letter => letter == '\n') - 1);
            var told = await folder.Run(Chain());
            Assert.Equal(3 - lines, told.Ran.Length);
            Assert.Equal(whole.End.Results.Find("c"), told.End.Results.Find("c"));
            Assert.Empty((await folder.Run(Chain())).Ran);
        }
    }

    [Fact]
    public async Task A_journal_with_a_wrong_byte_anywhere_loses_one_line_at_most_and_never_gives_another_film()
    {
        using var folder = new TestFolder();
        var whole = await folder.Run(Chain());
        var journal = Path.Combine(folder.Build, "journal");
        var bytes = File.ReadAllBytes(journal);
        for (var i = bytes.AsSpan().IndexOf((byte)'\n') + 1; i < bytes.Length; i += 11)
        {
            byte[] wrong = [.. bytes];
            wrong[i] ^= 4;
            File.WriteAllBytes(journal, wrong);
            var told = await folder.Run(Chain());
            Assert.InRange(told.Ran.Length, 1, 2); // two if the byte was the end of a line
            Assert.Equal(whole.End.Results.Find("c"), told.End.Results.Find("c"));
        }
    }

    [Fact]
    public void A_journal_of_another_kind_is_refused_and_left_alone()
    {
        using var folder = new TestFolder();
        Directory.CreateDirectory(folder.Build);
        File.WriteAllText(Path.Combine(folder.Build, "journal"), "fabula-journal 2\nwhatever\n");
        Assert.Contains("newer version", Assert.Throws<BuildFolderException>(() => BuildFolder.Open(folder.Build)).Message);
        Assert.Equal("fabula-journal 2\nwhatever\n", File.ReadAllText(Path.Combine(folder.Build, "journal")));
    }

    [Fact]
    public async Task A_journal_is_compacted_without_forgetting_what_steps_stand_for()
    {
        using var folder = new TestFolder();
        using (var open = BuildFolder.Open(folder.Build))
        {
            await open.Run(BuildGraph.Create([Toys.Step("a", "1")]));
            await open.Run(BuildGraph.Create([Toys.Step("a", "2")]));
            await open.Run(BuildGraph.Create([Toys.Step("a", "1")]));
            var record = open.Journal.Last("a")!;
            for (var i = 0; i < 1100; i++) open.Journal.Use("a", record.Key);
        }
        var path = Path.Combine(folder.Build, "journal");
        Assert.True(File.ReadAllLines(path).Length > 1100);
        using (var open = BuildFolder.Open(folder.Build)) Assert.Equal("""{"say":"1"}""", open.Journal.Last("a")!.Settings.Canonical);
        Assert.Equal(4, File.ReadAllLines(path).Length); // heading, two records, what "a" stands for
        Assert.Empty((await folder.Run(BuildGraph.Create([Toys.Step("a", "2")]))).Ran);
    }

    [Fact]
    public async Task A_full_disk_at_any_point_is_named_and_loses_nothing_that_was_finished()
    {
        using var folder = new TestFolder();
        var points = 0;
        using (var open = BuildFolder.Open(folder.Build, null, new Disk((_, _) => points++))) await open.Run(Chain());
        var film = (await folder.Run(Chain())).End.Results.Find("c");
        Assert.InRange(points, 40, 200);
        for (var full = 0; full < points; full++)
        {
            using var other = new TestFolder(inMemory: true);
            var count = 0;
            var ran = 0;
            var disk = new Disk((change, path) =>
            {
                if (count++ >= full && change is not ("delete" or "truncate" or "lock" or "seal"))
                    throw new IOException($"No space left on device : '{path}'", 28);
            });
            try
            {
                using var open = BuildFolder.Open(other.Build, null, disk);
                var told = await open.Run(Chain());
                ran = told.Ran.Length;
                if (ran < 3) Assert.Contains("is full. Free some space and run again", told.Events.OfType<StepFailed>().First().ToString());
            }
            catch (BuildFolderException e) { Assert.Contains("is full. Free some space", e.Message); }
            var next = await other.Run(Chain());
            Assert.InRange(next.Ran.Length, 3 - ran - 1, 3 - ran); // the last record may have reached the disk when its flush failed
            Assert.Equal(film, next.End.Results.Find("c"));
        }
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_refused_with_the_way_out()
    {
        using var folder = new TestFolder();
        foreach (var refusal in (Exception[])[new UnauthorizedAccessException("Access to the path is denied."),
            new IOException("Read-only file system", 30)])
        {
            var e = Assert.Throws<BuildFolderException>(() => BuildFolder.Open(folder.Build, null, new Disk((_, _) => throw refusal)));
            Assert.EndsWith("Make it writable, or build in another folder.", e.Message);
        }
        File.WriteAllText(folder.Build, "a file");
        Assert.Throws<BuildFolderException>(() => BuildFolder.Open(folder.Build));
    }

    [Fact]
    public void Two_runs_in_one_folder_are_refused_with_the_name_of_the_first()
    {
        using var folder = new TestFolder();
        using (BuildFolder.Open(folder.Build))
            Assert.Equal($"Another run is at work in '{folder.Build}' (process {Environment.ProcessId}). "
                + "Wait until it has ended, or stop it; a run that was killed lets go by itself.",
                Assert.Throws<BuildFolderException>(() => BuildFolder.Open(folder.Build)).Message);
        BuildFolder.Open(folder.Build).Dispose();
    }

    [Fact]
    public async Task Pruning_keeps_what_the_given_graphs_reach_and_nothing_else()
    {
        using var folder = new TestFolder();
        var photo = folder.Source("photo", "photo");
        BuildGraph Graph(string words)
        {
            var a = new Step("a", Toys.Say, Toys.Saying(words), [photo], ["text.txt"]);
            return BuildGraph.Create([a, Toys.Step("b", "B", a.As("a"))]);
        }

        foreach (var words in (string[])["one", "two", "three"]) await folder.Run(Graph(words));
        Assert.Equal(7, folder.Artifacts().Count);
        using var open = BuildFolder.Open(folder.Build);
        Directory.CreateDirectory(Path.Combine(folder.Build, "scratch", Digest.Of("abandoned").ToString(), "work"));
        var before = folder.Artifacts();
        Assert.Equal(new Pruned(2, "two|photo".Length + "B|two|photo".Length, 1), open.Prune(Graph("one"), Graph("three")));
        Assert.Subset(before, folder.Artifacts());
        Assert.True(open.Plan(Graph("one")).NothingToDo);
        Assert.True(open.Plan(Graph("three")).NothingToDo);
        Assert.Equal(2, (await open.Run(Graph("two"))).Ran.Length);
        // An edit that has not run yet keeps what it would replace: it may be undone.
        Assert.Equal(4, open.Prune(Graph("four")).Files);
        Assert.True(open.Plan(Graph("two")).NothingToDo);
        Assert.Equal(3, open.Prune().Files);
        Assert.Empty(folder.Artifacts());
    }
}
