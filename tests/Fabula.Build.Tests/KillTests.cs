// Promise 2, second half: kill it anywhere, get the same film.
using System.Diagnostics;
using Fabula.Build.TestHost;

namespace Fabula.Build.Tests;

public class KillTests
{
    sealed class Killed : Exception;

    static async Task<Digest> Uninterrupted()
    {
        using var folder = new TestFolder();
        var source = folder.Write("photo.png", "a photo");
        return (await folder.Run(SmallFilm.Graph(source, (_, _) => { }))).End.Results.Find("film")!.Value.Digest;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Killed_at_any_write_the_next_run_makes_the_same_film(int jobs)
    {
        var film = await Uninterrupted();
        var killed = 0;
        for (var point = 0; ; point++)
        {
            using var folder = new TestFolder(inMemory: jobs > 1);
            var source = folder.Write("photo.png", "a photo");
            var count = 0;
            // From this point on nothing more is written, as if the process were gone.
            void Kill(string change, string path)
            {
                if (Interlocked.Increment(ref count) > point) throw new Killed();
            }

            var finished = false;
            try
            {
                using var open = BuildFolder.Open(folder.Build, null, new Disk(Kill));
                finished = (await open.Run(SmallFilm.Graph(source, Kill), new RunOptions(jobs))).End.Outcome == BuildOutcome.Succeeded;
            }
            catch (Killed) { }
            if (finished) break;
            killed++;

            using var next = BuildFolder.Open(folder.Build);
            Assert.Equal(0, next.DamagedLines);
            var graph = SmallFilm.Graph(source, (_, _) => { });
            var told = await next.Run(graph);
            Assert.Equal(film, told.End.Results.Find("film")!.Value.Digest);
            Assert.True(next.Plan(graph, thorough: true).NothingToDo);
            // Nothing is left lying about: five steps' outputs and one source.
            Assert.Equal(7, folder.Artifacts().Count);
            Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(folder.Build, "scratch")));
            Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(folder.Build, "incoming")));
        }
        Assert.InRange(killed, 120, 1000);
    }

    [Fact]
    public async Task Killed_twenty_times_the_real_process_makes_the_same_film()
    {
        var film = await Uninterrupted();
        var chance = new Random(20);
        using var folder = new TestFolder();
        var source = folder.Write("photo.png", "a photo");
        var (killed, films) = (0, 0);
        while (killed < 20)
        {
            using var process = Start("run", folder.Build, source);
            var lines = chance.Next(1, 160);
            string? line = null;
            while (lines-- > 0 && (line = await process.StandardOutput.ReadLineAsync()) is not null
                && !line.StartsWith("FILM", StringComparison.Ordinal))
                Assert.DoesNotContain("FAILED", line);
            if (line is null || line.StartsWith("FILM", StringComparison.Ordinal))
            {
                Assert.Equal($"FILM {film}", line);
                films++;
                await process.WaitForExitAsync();
                Directory.Delete(folder.Build, recursive: true);
                continue;
            }
            process.Kill(); // SIGKILL
            await process.WaitForExitAsync();
            killed++;
        }
        Assert.Equal(film, (await folder.Run(SmallFilm.Graph(source, (_, _) => { }))).End.Results.Find("film")!.Value.Digest);
        Assert.True(films > 0, "Resuming never came to the end: nothing was kept between the kills.");
    }

    [Fact]
    public async Task A_second_process_is_refused_or_waits_until_the_first_has_ended()
    {
        using var folder = new TestFolder();
        using var holder = Start("hold", folder.Build);
        Assert.Equal("held", await holder.StandardOutput.ReadLineAsync());
        Assert.Contains($"(process {holder.Id})", Assert.Throws<BuildFolderException>(() => BuildFolder.Open(folder.Build)).Message);
        var waiting = BuildFolder.OpenWhenFree(folder.Build);
        Assert.False(waiting.IsCompleted);
        holder.Kill();
        (await waiting.WaitAsync(TimeSpan.FromSeconds(60))).Dispose();
    }

    [Fact]
    public async Task Two_processes_at_once_make_one_film_once()
    {
        using var folder = new TestFolder();
        var source = folder.Write("photo.png", "a photo");
        using var one = Start("run", folder.Build, source);
        using var two = Start("run", folder.Build, source);
        var told = await Task.WhenAll(one.StandardOutput.ReadToEndAsync(), two.StandardOutput.ReadToEndAsync());
        var film = $"FILM {await Uninterrupted()}";
        Assert.All(told, text => Assert.Contains(film, text));
        Assert.Equal(5, told.Sum(text => text.Split("FINISHED").Length - 1));
    }

    static Process Start(params string[] arguments)
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var host = Path.Combine(AppContext.BaseDirectory, "Fabula.Build.TestHost.dll");
        return Process.Start(new ProcessStartInfo(dotnet, ["exec", host, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        })!;
    }
}
