namespace Fabula.Planning;

/// <summary>The agents could not plan. The message says what, which agent, and what to do.</summary>
public class PlanningException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A model answered, and in no round validly.</summary>
public sealed class InvalidAnswerException(string message) : PlanningException(message);
