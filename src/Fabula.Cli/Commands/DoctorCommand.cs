using System.CommandLine;
using System.Diagnostics;
using Fabula.Build;
using Fabula.Models;
using Fabula.Production;
using Fabula.Torch;

namespace Fabula.Cli.Commands;

/// <summary>`fabula doctor [FOLDER]`: machine, native library, ffmpeg, models, store; what is wrong and what to do.</summary>
static class DoctorCommand
{
    const long LittleMemory = 4L << 30, LittleDisk = 2L << 30;

    public static Command Create()
    {
        var folder = new Argument<string?>("FOLDER")
        {
            Description = "A production whose store is looked at too",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("doctor", "Checks machine, models and store, and says what to do") { folder };
        command.SetAction(parsed => Outcome.Of(() => Run(parsed.GetValue(folder))));
        return command;
    }

    static int Run(string? folder)
    {
        var healthy = Machine() & Library() & Ffmpeg() & Models();
        if (folder is not null) healthy &= Store(folder);
        Console.WriteLine(healthy ? "All is well." : "Something is missing; see above.");
        return healthy ? 0 : 1;
    }

    static bool Say(bool good, string what, string found, string? advice = null)
    {
        Console.WriteLine($"{(good ? "ok  " : "FIX ")} {what,-10} {Outcome.Shown(found)}");
        if (!good && advice is not null) Console.WriteLine($"     {"",-10} {advice}");
        return good;
    }

    static bool Machine()
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var disk = new DriveInfo(Path.GetFullPath(".")).AvailableFreeSpace;
        return Say(memory >= LittleMemory && disk >= LittleDisk, "machine",
            $"{Environment.ProcessorCount} cores, {memory / 1e9:0.0} GB of memory, {disk / 1e9:0.0} GB free on this disk",
            "Films need about 4 GB of memory and 2 GB of disk: close programs, or free some space.");
    }

    static bool Library()
    {
        try
        {
            return Say(true, "libtorch", $"{LibTorch.Version}, {LibTorch.CpuCapability}, {LibTorch.CudaDevices} CUDA devices");
        }
        catch (Exception e) when (e is TorchException or TypeInitializationException or DllNotFoundException)
        {
            return Say(false, "libtorch", (e.InnerException ?? e).Message, "Run ./fabula from the repository: it builds what is missing.");
        }
    }

    static bool Ffmpeg()
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("ffmpeg", ["-version"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var line = process.StandardOutput.ReadLine() ?? "";
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return Say(process.ExitCode == 0, "ffmpeg", line.Split(" Copyright")[0], "Install the package ffmpeg again.");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return Say(false, "ffmpeg", "is not there", "Install the package ffmpeg: it writes the video file.");
        }
    }

    static bool Models()
    {
        if (FilmArguments.Pocket() is not { } path)
            return Say(false, "model", "there is no whole model in models/pocket",
                "Name a model's folder with --model, or set FABULA_MODELS; --model stand-in draws without one.");
        try
        {
            var model = ModelFolder.Open(path);
            var broken = model.Parts.FirstOrDefault(part => !part.IsUsable);
            return Say(broken is null, "model",
                $"{path}: {(broken is null ? FilmFacts.Of(model).Name + Story(model) : $"the {broken.Role} {broken.Problem}")}",
                "Get the file again: fabula models inspect says more.");
        }
        catch (CheckpointException e) { return Say(false, "model", e.Message, "Get the model again."); }
    }

    /// <summary>Whether it can make films with --method onestory.</summary>
    static string Story(ModelFolder model) =>
        StoryFolder.Of(model) is not { } story ? "; no OneStory"
        : story.Problem is { } problem ? $"; OneStory: {problem}" : "; with OneStory";

    static bool Store(string folder)
    {
        var build = Path.Combine(folder, "out", ".build");
        if (!Directory.Exists(build)) return Say(true, "store", $"{folder} was not made yet");
        using var opened = BuildFolder.OpenToRead(build);
        var rotten = opened.Store.List().Count(digest =>
            opened.Store.Check(new Artifact(digest, new FileInfo(opened.Store.PathOf(new Artifact(digest, 0))).Length), thorough: true)
            is { IsSound: false });
        return Say(rotten == 0 && opened.DamagedLines == 0, "store",
            $"{opened.Store.List().Count()} files, {rotten} damaged, {opened.DamagedLines} damaged lines in the journal",
            $"Run: fabula make {Outcome.Shown(folder)}. It makes anew what is damaged.");
    }
}
