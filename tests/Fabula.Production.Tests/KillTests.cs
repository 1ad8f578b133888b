// Promise 2, second half: kill it anywhere, get the same film.
using System.Diagnostics;
using Fabula.Build;

namespace Fabula.Production.Tests;

public class KillTests
{
    const string Short = """
        EXT. PARK - DAY

        Ada walks to the right. [[shot: wide]]

        Ada waves. [[shot: wide]]
        """;

    sealed class Killed() : Exception("killed");

    static async Task<string> Uninterrupted(string screenplay)
    {
        using var production = new SmallProduction(screenplay);
        return (await production.Make()).Film!;
    }

    [Fact]
    public async Task Killed_at_any_write_the_next_run_makes_the_same_film()
    {
        var film = await Uninterrupted(Short);
        var killed = 0;
        for (var point = 0; ; point++)
        {
            using var production = new SmallProduction(Short);
            var count = 0;
            void Kill(string at)
            {
                if (Interlocked.Increment(ref count) > point) throw new Killed();
            }
            var finished = false;
            try
            {
                using var opened = production.Open();
                var disk = new Disk((_, path) => Kill(path), flush: false);
                finished = (await opened.Told(() => BuildFolder.Open(opened.Build, null, disk), point: Kill)).Succeeded;
            }
            catch (Killed) { }
            if (finished) break;
            killed++;
            var next = await production.Make();
            Assert.True(next.Succeeded);
            Assert.Equal(film, next.Film);
            Assert.Empty((await production.Make()).Ran);
        }
        Assert.InRange(killed, 60, 1000);
    }

    [Fact]
    public async Task Killed_many_times_the_real_command_makes_the_same_film()
    {
        const int Kills = 20;
        using var uninterrupted = new SmallProduction();
        string? film;
        using (var whole = Film.Open(uninterrupted.Root, new(StandInRenderer.Name))) film = (await whole.Told()).Film;
        using var production = new SmallProduction();
        var chance = new Random(20);
        for (var killed = 0; killed < Kills;)
        {
            using var process = Fabula("make", production.Root, "--model", StandInRenderer.Name, "--json");
            var lines = chance.Next(1, 40);
            string? line = null;
            while (lines-- > 0 && (line = await process.StandardOutput.ReadLineAsync()) is not null)
                Assert.DoesNotContain("\"failed\"", line);
            if (line is null)
            {
                await process.WaitForExitAsync();
                Assert.Equal(0, process.ExitCode);
                Directory.Delete(Path.Combine(production.Root, "out"), recursive: true);
                continue;
            }
            process.Kill(); // SIGKILL
            await process.WaitForExitAsync();
            killed++;
        }
        using var last = Film.Open(production.Root, new(StandInRenderer.Name));
        Assert.Equal(film, (await last.Told()).Film);
    }

    [Fact]
    public async Task A_stopped_command_saves_and_says_how_to_go_on()
    {
        using var production = new SmallProduction();
        using var process = Fabula("make", production.Root, "--model", StandInRenderer.Name, "--steps", "1000");
        Assert.Contains("portrait/ada", await process.StandardOutput.ReadLineAsync());
        // As Ctrl-C, which a shell's background jobs are told to ignore.
        using (var signal = Process.Start("kill", ["-TERM", $"{process.Id}"])) await signal.WaitForExitAsync();
        var told = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(130, process.ExitCode);
        Assert.Contains("the same command goes on from here", told);
        Assert.True((await production.Make(new(StandInRenderer.Name, Steps: 1000))).Succeeded);
    }

    static Process Fabula(params string[] arguments) => Process.Start(new ProcessStartInfo(
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
        ["exec", "--runtimeconfig", Path.Combine(AppContext.BaseDirectory, "fabula.runtimeconfig.json"),
            Path.Combine(AppContext.BaseDirectory, "fabula.dll"), .. arguments])
    {
        RedirectStandardOutput = true,
    })!;
}
