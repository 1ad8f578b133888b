// What befalls a film from outside: a full disk, a folder that cannot be written, two runs at once. Each is one sentence with the way out,
// nothing that was finished is lost, and the next run makes the same film.
using Fabula.Build;

namespace Fabula.Production.Tests;

public class FaultTests
{
    const string Short = """
        EXT. PARK - DAY

        Ada walks to the right. [[shot: wide]]

        Ada waves. [[shot: wide]]
        """;

    /// <summary>Which writes of the store the disk is full from on: every fifth, so that all kinds of writes have their turn.</summary>
    const int Some = 5;

    static async Task<string> Uninterrupted()
    {
        using var production = new SmallProduction(Short);
        return (await production.Make()).Film!;
    }

    [Fact]
    public async Task A_disk_that_is_full_at_some_write_is_named_and_the_next_run_makes_the_same_film()
    {
        var film = await Uninterrupted();
        var (steps, publishing) = (0, 0);
        // First while the film is made, then, write after write, while it is put where people look.
        for (var (room, each) = (0, Some); ; room += each)
        {
            using var production = new SmallProduction(Short);
            var count = 0;
            void Write(string path)
            {
                if (Interlocked.Increment(ref count) > room) throw new IOException($"No space left on device : '{path}'", 28);
            }
            void Publish(string path)
            {
                if (each == 1) Write(path);
            }
            var disk = new Disk((change, path) =>
            {
                if (each == Some && change is not ("delete" or "truncate" or "lock" or "seal")) Write(path);
            }, flush: false);
            string[] made = [];
            using (var opened = production.Open())
                try
                {
                    var told = await opened.Told(() => BuildFolder.Open(opened.Build, null, disk), point: Publish);
                    if (told.Succeeded)
                    {
                        if (each == 1) break;
                        (room, each) = (-1, 1);
                        continue;
                    }
                    steps++;
                    made = told.Ran;
                    Assert.Contains("is full. Free some space and run again", told.Events.OfType<StepFailed>().First().Problem);
                }
                catch (BuildFolderException e)
                {
                    if (each == 1) publishing++;
                    Assert.EndsWith("is full. Free some space and run again: what is finished is kept.", e.Message);
                    Assert.DoesNotContain('\n', e.Message);
                }
            var next = await production.Make();
            Assert.Equal(film, next.Film);
            Assert.Empty(made.Intersect(next.Ran));
            Assert.Empty(Directory.GetFiles(production.Root, "*.new", SearchOption.AllDirectories));
        }
        Assert.True(steps > 10 && publishing == 3, $"{steps} times in a step, {publishing} times while publishing");
    }

    [Fact]
    public async Task A_file_where_the_films_folder_belongs_is_named_and_left_alone()
    {
        using var production = new SmallProduction(Short);
        production.Write("out", "my notes");
        var e = await Assert.ThrowsAsync<BuildFolderException>(() => production.Make());
        Assert.Equal($"'{Path.Combine(production.Root, "out")}' is a file where a folder belongs. Move it away, or choose another folder.",
            e.Message);
        Assert.Equal("my notes", File.ReadAllText(Path.Combine(production.Root, "out")));
        File.Delete(Path.Combine(production.Root, "out"));
        Assert.Equal(await Uninterrupted(), (await production.Make()).Film);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_named_with_the_way_out()
    {
        using var production = new SmallProduction(Short);
        // Where nobody can write, not even root: the kernel's own file system.
        var e = await Assert.ThrowsAsync<BuildFolderException>(() => production.Make(new(StandInRenderer.Name, Output: "/sys/fabula")));
        Assert.StartsWith("'/sys/fabula/.build' cannot be written", e.Message);
        Assert.EndsWith("Make it writable, or build in another folder.", e.Message);
        Assert.Equal(await Uninterrupted(), (await production.Make()).Film);
    }

    [Fact]
    public async Task A_second_run_is_refused_while_the_first_goes_on()
    {
        using var production = new SmallProduction(Short);
        using var first = production.Open();
        var refused = 0;
        await foreach (var news in first.Make())
        {
            if (news is not StepFinished) continue;
            var e = await Assert.ThrowsAsync<BuildFolderException>(() => production.Make());
            Assert.StartsWith($"Another run is at work in '{production.Build}' (process {Environment.ProcessId}). Wait until it has ended",
                e.Message);
            refused++;
        }
        Assert.InRange(refused, 4, 100);
        Assert.Equal(await Uninterrupted(), first.Digest);
    }
}
