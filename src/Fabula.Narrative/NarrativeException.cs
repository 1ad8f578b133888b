namespace Fabula.Narrative;

/// <summary>A document cannot be used. The message is one sentence or two that name the file, the place in it, and what mends it.</summary>
public sealed class NarrativeException(string message) : Exception(message);
