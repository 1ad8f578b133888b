namespace Fabula.Planning;

/// <summary>The agents could not plan. The message says what, which agent, and what to do.</summary>
public sealed class PlanningException(string message, Exception? inner = null) : Exception(message, inner);
