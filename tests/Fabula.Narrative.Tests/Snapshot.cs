namespace Fabula.Narrative.Tests;

/// <summary>Compares a text with a file beside the tests, so that a change of what people see is a change in a diff.</summary>
static class Snapshot
{
    const string Folder = "tests/Fabula.Narrative.Tests/Snapshots";

    /// <summary>Set FABULA_SNAPSHOTS=write to accept what is there now.</summary>
    public static void Match(string actual, string name)
    {
        var path = Path.Combine(Repository.Root, Folder, name);
        if (Environment.GetEnvironmentVariable("FABULA_SNAPSHOTS") == "write") File.WriteAllText(path, actual);
        Assert.True(File.Exists(path), $"{Folder}/{name} is missing. Run the tests once with FABULA_SNAPSHOTS=write.");
        Assert.Equal(File.ReadAllText(path), actual);
    }
}
