// Where finished files lie, by their digest.
namespace Fabula.Build;

public enum ArtifactCondition { Sound, Missing, Corrupt }

/// <param name="Explanation">What is wrong, as the rest of a sentence that begins with the file; null if it is sound.</param>
public readonly record struct ArtifactState(ArtifactCondition Condition, string? Explanation = null)
{
    public bool IsSound => Condition == ArtifactCondition.Sound;
}

/// <summary>
/// Finished files by digest. An artifact is whole from the moment that it is there, and never changes. Safe to use from many threads.
/// </summary>
public interface IArtifactStore
{
    /// <summary>Looks whether an artifact is there and is what it was.</summary>
    /// <param name="thorough">Reads all bytes, even if nothing suggests that they have changed.</param>
    ArtifactState Check(Artifact artifact, bool thorough = false);

    /// <summary>A file that can be read and must not be written; it lies there as long as <see cref="Check"/> finds it sound.</summary>
    string PathOf(Artifact artifact);

    /// <summary>Takes a finished file in: it is flushed, measured and moved away from where it was.</summary>
    Artifact Add(string path);

    /// <summary>Copies a file from outside in, unless it is there already.</summary>
    /// <exception cref="StepException">It cannot be read, or no longer has these bytes.</exception>
    void Import(string path, Artifact expected);

    IEnumerable<Digest> List();

    /// <summary>Removes an artifact; returns the bytes that were freed, 0 if there was none.</summary>
    long Remove(Digest digest);
}
