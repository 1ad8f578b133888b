namespace Fabula.Build;

/// <summary>Steps that do not fit together. The message names every problem, one a line.</summary>
public sealed class GraphException(IReadOnlyList<string> problems) : Exception(string.Join('\n', problems))
{
    public IReadOnlyList<string> Problems { get; } = problems;
}

/// <summary>The folder that holds the artifacts cannot be used. The message says why and what to do.</summary>
public sealed class BuildFolderException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// A step did not keep to the rules, or could not. The message is a sentence that can follow the step's name and a colon.
/// </summary>
public sealed class StepException(string message, Exception? inner = null) : Exception(message, inner);
