namespace Fabula.Training.Curation;

/// <summary>A video or a setting that cannot be used; the message says what, and what mends it.</summary>
public sealed class CurationException(string message, Exception? inner = null) : FormatException(message, inner);
