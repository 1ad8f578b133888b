using System.Diagnostics;

namespace Fabula.Build.Tests;

public class RunnerTests
{
    [Fact]
    public async Task A_second_run_does_nothing_and_touches_nothing()
    {
        using var folder = new TestFolder();
        var a = new Step("a", Toys.Say, Toys.Saying("A"), [folder.Source("photo", "photo")], ["text.txt"]);
        var graph = BuildGraph.Create([a, Toys.Step("b", "B", a.As("a"))]);
        var first = await folder.Run(graph);
        Assert.Equal(["a", "b"], first.Ran);
        Assert.Equal("B|A|photo", File.ReadAllText(folder.ObjectOf(first.End.Results.Find("b")!.Value)));
        var (before, journal) = (folder.Artifacts(), File.ReadAllText(Path.Combine(folder.Build, "journal")));
        var second = await folder.Run(graph);
        Assert.Empty(second.Ran);
        Assert.Equal("Nothing to do.", second.End.ToString());
        Assert.Equal(first.End.Results.Find("b"), second.End.Results.Find("b"));
        Assert.Equal(before, folder.Artifacts());
        Assert.Equal(journal, File.ReadAllText(Path.Combine(folder.Build, "journal")));
        Assert.Empty(Directory.GetDirectories(Path.Combine(folder.Build, "scratch")));
        Assert.Empty(Directory.GetFiles(Path.Combine(folder.Build, "incoming")));
    }

    [Fact]
    public async Task A_step_that_gives_the_same_bytes_as_before_leaves_what_depends_on_it_alone()
    {
        using var folder = new TestFolder();
        var upper = Toys.Text("upper", run => run.Settings.Read<Dictionary<string, string>>()["say"].ToUpperInvariant());
        BuildGraph Graph(string words)
        {
            var a = new Step("a", upper, Toys.Saying(words), [], ["text.txt"]);
            var b = Toys.Step("b", "B", a.As("a"));
            return BuildGraph.Create([a, b, Toys.Step("c", "C", b.As("b"))]);
        }

        await folder.Run(Graph("ada"));
        var same = await folder.Run(Graph("ADA"));
        Assert.Equal(["a"], same.Ran);
        Assert.Equal(["b", "c"], same.Reused);
        Assert.Equal(["a", "b", "c"], (await folder.Run(Graph("bea"))).Ran);
        Assert.Empty((await folder.Run(Graph("ada"))).Ran); // an edit undone costs nothing
    }

    [Fact]
    public async Task A_failure_fails_only_what_depends_on_it_and_says_so()
    {
        using var folder = new TestFolder();
        var bad = new Recipe("bad", 1, (_, _) => throw new InvalidOperationException("The lamp went out."));
        var a = new Step("a", bad, Settings.None, [], ["x"]);
        var b = Toys.Step("b", "B", a.As("a"));
        var graph = BuildGraph.Create([a, b, Toys.Step("c", "C"), Toys.Step("d", "D", b.As("b"))]);
        var told = await folder.Run(graph);
        Assert.Equal(["c"], told.Ran);
        Assert.Equal("a failed: The lamp went out.", told.Failure);
        Assert.Equal(["b: not made, because a failed", "d: not made, because a failed"],
            told.Events.OfType<StepSkipped>().Select(skipped => skipped.ToString()));
        Assert.Equal((BuildOutcome.Failed, 1, 1, 2), (told.End.Outcome, told.End.Ran, told.End.Failed, told.End.Skipped));
        Assert.Null(told.End.Results.Find("d"));
        Assert.NotNull(told.End.Results.Find("c"));
    }

    [Fact]
    public async Task What_two_failures_stand_before_is_told_once()
    {
        using var folder = new TestFolder();
        var bad = new Recipe("bad", 1, (run, _) => throw new InvalidOperationException(run.Settings.Canonical));
        var a = new Step("a", bad, Toys.Saying("1"), [], ["x"]);
        var b = new Step("b", bad, Toys.Saying("2"), [], ["x"]);
        var told = await folder.Run(BuildGraph.Create([a, b, Toys.Step("c", "C", a.As("a"), b.As("b"))]));
        Assert.Equal((2, 1), (told.End.Failed, told.End.Skipped));
        Assert.Equal("a", Assert.Single(told.Events.OfType<StepSkipped>()).Because);
    }

    [Fact]
    public async Task A_stopped_step_saves_itself_and_goes_on_where_it_was()
    {
        using var folder = new TestFolder();
        using var stop = new CancellationTokenSource();
        var rounds = new List<int>();
        var loop = new Recipe("loop", 1, async (run, cancel) =>
        {
            for (var i = run.Load("state") is [var done] ? done : 0; i < 5; i++)
            {
                cancel.ThrowIfCancellationRequested();
                rounds.Add(i);
                if (i == 2) stop.Cancel();
                run.Save("state", [(byte)(i + 1)]);
                run.Report(i + 1, 5);
            }
            await File.WriteAllTextAsync(run.Output("x"), "five rounds", CancellationToken.None);
        });
        var a = new Step("a", loop, Settings.None, [], ["x"]);
        var graph = BuildGraph.Create([a, Toys.Step("b", "B", a.As("a"))]);
        using var open = BuildFolder.Open(folder.Build);
        var stopped = await open.Run(graph, cancel: stop.Token);
        Assert.True(Assert.Single(stopped.Events.OfType<StepStopped>()).Saved);
        Assert.Equal((BuildOutcome.Stopped, 0), (stopped.End.Outcome, stopped.End.Ran));
        Assert.Equal([1, 2, 3], stopped.Events.OfType<StepProgress>().Select(progress => progress.Done));
        var resumed = await open.Run(graph);
        Assert.True(resumed.Events.OfType<StepStarted>().First().Resumed);
        Assert.Equal([0, 1, 2, 3, 4], rounds);
        Assert.Equal(["a", "b"], resumed.Ran);
    }

    [Fact]
    public async Task Who_stops_reading_stops_the_run()
    {
        using var folder = new TestFolder();
        var stopped = false;
        var endless = new Recipe("endless", 1, async (_, cancel) =>
        {
            try { await Task.Delay(Timeout.Infinite, cancel); }
            finally { stopped = true; }
        });
        using var open = BuildFolder.Open(folder.Build);
        await foreach (var news in open.Runner().Run(BuildGraph.Create([new Step("a", endless, Settings.None, [], ["x"])])))
            if (news is StepStarted) break;
        Assert.True(stopped);
    }

    [Fact]
    public async Task As_many_steps_run_at_once_as_jobs_allow_and_no_more()
    {
        using var folder = new TestFolder();
        var (running, most) = (0, 0);
        var all = new TaskCompletionSource();
        var meet = new Recipe("meet", 1, async (run, cancel) =>
        {
            var now = Interlocked.Increment(ref running);
            lock (all) most = Math.Max(most, now);
            if (now == 3) all.TrySetResult();
            await all.Task.WaitAsync(TimeSpan.FromSeconds(60), cancel); // only three at once get past here
            await File.WriteAllTextAsync(run.Output("x"), run.Step.Id, cancel);
            Interlocked.Decrement(ref running);
        });
        var graph = BuildGraph.Create(Enumerable.Range(0, 9).Select(i => new Step($"s{i}", meet, Toys.Saying($"{i}"), [], ["x"])));
        var told = await folder.Run(graph, new RunOptions(Jobs: 3));
        Assert.Equal((9, 3), (told.Ran.Length, most));
    }

    [Fact]
    public async Task Steps_start_in_the_order_of_the_graph()
    {
        using var folder = new TestFolder();
        var z = Toys.Step("z", "Z");
        var graph = BuildGraph.Create([z, Toys.Step("c", "C", z.As("z")), Toys.Step("a", "A"), Toys.Step("b", "B", z.As("z"))]);
        Assert.Equal(["z", "c", "a", "b"], (await folder.Run(graph)).Events.OfType<StepStarted>().Select(start => start.Step.Id));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task The_same_work_under_two_names_is_done_once(int jobs)
    {
        using var folder = new TestFolder();
        var a = Toys.Step("a", "same");
        var told = await folder.Run(BuildGraph.Create([a, a with { Id = "b" }, a with { Id = "c" }]), new RunOptions(jobs));
        Assert.Equal(["a"], told.Ran);
        Assert.Equal(["b", "c"], told.Reused);
        Assert.Equal(told.End.Results.Find("a"), told.End.Results.Find("c"));
    }

    [Fact]
    public async Task The_same_work_is_not_tried_again_after_it_failed()
    {
        using var folder = new TestFolder();
        var tries = 0;
        var bad = new Recipe("bad", 1, (_, _) => throw new InvalidOperationException($"Try {Interlocked.Increment(ref tries)}"));
        var a = new Step("a", bad, Settings.None, [], ["x"]);
        var told = await folder.Run(BuildGraph.Create([a, a with { Id = "b" }]), new RunOptions(2));
        Assert.Equal((2, 1), (told.End.Failed, tries));
    }

    [Fact]
    public async Task A_recipe_that_is_not_repeatable_is_found_out_and_never_gives_a_mixed_result()
    {
        using var folder = new TestFolder();
        var count = 0;
        var a = new Step("a", Toys.Text("count", _ => $"{++count}"), Settings.None, [], ["x"]);
        var graph = BuildGraph.Create([a, Toys.Step("b", "B", a.As("a"))]);
        var first = await folder.Run(graph);
        File.Delete(folder.ObjectOf(first.End.Results.Find("a")!.Value));
        var told = await folder.Run(graph);
        Assert.Equal(PlanState.Done, told.Plan["b"].State); // expected to stand, since a was to give the same again
        Assert.Equal(["a", "b"], told.Ran);
        Assert.Contains("'x' came out other than last time", Assert.Single(told.Events.OfType<StepDiffered>()).ToString());
        Assert.Equal("B|2", File.ReadAllText(folder.ObjectOf(told.End.Results.Find("b")!.Value)));
    }

    [Fact]
    public async Task Outputs_are_checked_before_they_count()
    {
        using var folder = new TestFolder();
        var torn = new Recipe("torn", 1, (run, cancel) => File.WriteAllTextAsync(run.Output("x"), "to", cancel))
        {
            Check = async (name, path, cancel) =>
            {
                if (await File.ReadAllTextAsync(path, cancel) != "torn")
                    throw new InvalidDataException($"{name} breaks off after 2 letters.");
            },
        };
        var told = await folder.Run(BuildGraph.Create([new Step("a", torn, Settings.None, [], ["x"])]));
        Assert.Equal("a failed: x breaks off after 2 letters.", told.Failure);
        Assert.Empty(folder.Artifacts());
    }

    [Theory]
    [InlineData("nothing", "ended without writing 'x'")]
    [InlineData("more", "wrote 'y', which the step does not declare")]
    [InlineData("link", "a folder or a link")]
    [InlineData("folder", "a folder or a link")]
    [InlineData("foreign", "asks for the input 'face', which the step does not have")]
    [InlineData("undeclared", "writes '../z', which the step does not declare")]
    [InlineData("state", "saves a state '../z'")]
    public async Task A_recipe_that_breaks_the_rules_is_told_which(string deed, string problem)
    {
        using var folder = new TestFolder();
        var rogue = new Recipe("rogue", 1, async (run, cancel) =>
        {
            var x = run.Output("x");
            if (deed is "more") await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(x)!, "y"), "y", cancel);
            if (deed is "link") File.CreateSymbolicLink(x, "/etc/hostname");
            if (deed is "folder") Directory.CreateDirectory(x);
            if (deed is "foreign") run.Input("face");
            if (deed is "undeclared") run.Output("../z");
            if (deed is "state") run.Save("../z", [1]);
        });
        Assert.Contains(problem, (await folder.Run(BuildGraph.Create([new Step("a", rogue, Settings.None, [], ["x"])]))).Failure);
        Assert.Equal(["build"], Directory.GetFileSystemEntries(folder.Root).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_source_that_changed_after_the_graph_was_made_is_not_used()
    {
        using var folder = new TestFolder();
        var a = new Step("a", Toys.Say, Toys.Saying("A"), [folder.Source("photo", "old")], ["text.txt"]);
        folder.Write("photo", "new");
        var told = await folder.Run(BuildGraph.Create([a]));
        Assert.Contains("has changed since the graph was made", told.Failure);
        File.Delete(Path.Combine(folder.Root, "photo"));
        Assert.Contains("does not exist", (await folder.Run(BuildGraph.Create([a]))).Failure);
    }

    [Fact]
    public async Task A_clock_that_jumps_changes_nothing()
    {
        using var folder = new TestFolder();
        var a = Toys.Step("a", "A");
        var graph = BuildGraph.Create([a, Toys.Step("b", "B", a.As("a"))]);
        using (var open = BuildFolder.Open(folder.Build, new WildClock())) Assert.Equal(2, (await open.Run(graph)).Ran.Length);
        foreach (var file in Directory.GetFiles(folder.Build))
            File.SetLastWriteTimeUtc(file, new DateTime(2090, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        using (var open = BuildFolder.Open(folder.Build, new WildClock())) Assert.Empty((await open.Run(graph)).Ran);
    }

    sealed class WildClock : TimeProvider
    {
        long _now;
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddDays(_now = -_now * 3 + 1000);
        public override long GetTimestamp() => _now = -_now * 3 + Stopwatch.Frequency;
    }
}
