using Fabula.Build;
using Fabula.Models.Text;
using Fabula.Narrative;
using Fabula.Planning;
using Fabula.Torch;

namespace Fabula.Cli.Commands;

/// <summary>
/// Runs a command; what the user can mend becomes one sentence and exit code 2, anything else is our fault and shows itself.
/// </summary>
static class Outcome
{
    public static int Of(Func<int> command)
    {
        try
        {
            return command();
        }
        catch (Exception e) when (e is CheckpointException or TokenizerException or FormatException or ArgumentException or TorchException
            or InvalidOperationException or IOException or UnauthorizedAccessException or NarrativeException or GraphException
            or BuildFolderException or PlanningException)
        {
            Console.Error.WriteLine($"fabula: {Shown(e.Message.ReplaceLineEndings(" "))}");
            return 2;
        }
    }

    /// <summary>Text from a file or a path without control characters, so that it cannot write to the terminal.</summary>
    public static string Shown(string text) => string.Create(text.Length, text, static (span, source) =>
    {
        for (var i = 0; i < span.Length; i++) span[i] = char.IsControl(source[i]) ? '?' : source[i];
    });
}
