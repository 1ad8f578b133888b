using System.Reflection;

namespace Fabula.Cli.Tests;

/// <summary>The `fabula` command run inside the test's process: its exit code and what it wrote.</summary>
sealed record Command(int Code, string Output, string Errors)
{
    static readonly Lock Console = new();

    public static Command Run(params string[] arguments)
    {
        lock (Console)
        {
            var (before, beforeErrors) = (System.Console.Out, System.Console.Error);
            using var output = new StringWriter();
            using var errors = new StringWriter();
            try
            {
                System.Console.SetOut(output);
                System.Console.SetError(errors);
                var entry = Assembly.Load("fabula").EntryPoint!;
                var run = Task.Run(() => entry.Invoke(null, [arguments]));
                Assert.True(run.Wait(TimeSpan.FromSeconds(60)), $"fabula {string.Join(' ', arguments)} does not end");
                return new((int)run.Result!, output.ToString(), errors.ToString());
            }
            finally
            {
                System.Console.SetOut(before);
                System.Console.SetError(beforeErrors);
            }
        }
    }

    /// <summary>Refused as bad input is: exit code 2 and one line that holds all of these words.</summary>
    public void IsRefused(params string[] words)
    {
        Assert.True(Code == 2, $"exit code {Code}: {Errors}{Output}");
        var line = Assert.Single(Errors.TrimEnd('\n').Split('\n'));
        Assert.StartsWith("fabula: ", line, StringComparison.Ordinal);
        Assert.DoesNotContain(line, char.IsControl);
        Assert.All(words, word => Assert.Contains(word, line, StringComparison.Ordinal));
        Assert.InRange(line.Length, 20, 1500);
    }
}
