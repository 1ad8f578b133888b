namespace Fabula.Planning;

/// <summary>The agents could not plan. The message says what, which agent, and what to do.</summary>
public sealed class PlanningException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>A model answered, and in no round validly; asking for other things may still do.</summary>
    public bool IsInvalidAnswer { get; init; }
}
