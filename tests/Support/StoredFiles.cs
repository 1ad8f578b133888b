using System.Diagnostics;

namespace Fabula.Tests;

/// <summary>Files as the disk has them, for proving that none was touched.</summary>
static class StoredFiles
{
    /// <summary>Every file's name, inode, size, time of the last write and of the last change of any kind.</summary>
    public static HashSet<string> Of(string folder)
    {
        using var find = Process.Start(new ProcessStartInfo("find", [folder, "-type", "f", "-printf", "%P %i %s %T@ %C@\\n"])
        {
            RedirectStandardOutput = true,
        })!;
        var lines = find.StandardOutput.ReadToEnd();
        find.WaitForExit();
        Assert.Equal(0, find.ExitCode);
        return [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }
}
