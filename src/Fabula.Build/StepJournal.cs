// What was made, by which key.
namespace Fabula.Build;

/// <param name="Name">What the step calls it.</param>
/// <param name="From">Where it came from, for people: "shot-1/clip.mp4" or a path. Has no influence.</param>
public readonly record struct RecordedInput(string Name, Digest Digest, string From);

public readonly record struct RecordedOutput(string Name, Artifact Artifact);

/// <summary>One step that was made. Holds all that went into the key, so that a later plan can say what has changed.</summary>
/// <param name="Step">The id that it had.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record StepRecord(Digest Key, string Step, string Recipe, int Version, Settings Settings,
    IReadOnlyList<RecordedInput> Inputs, IReadOnlyList<RecordedOutput> Outputs, double Seconds);

/// <summary>Which keys were made, with what outputs. Safe to use from many threads.</summary>
public interface IStepJournal
{
    /// <summary>What was last made by this key.</summary>
    StepRecord? Find(Digest key);

    /// <summary>What the step of this id last stood for.</summary>
    StepRecord? Last(string step);

    /// <summary>
    /// Whether any record has this recipe, version, settings and names (<see cref="StepKey"/>), whatever its inputs' bytes.
    /// </summary>
    bool HasSeen(Digest work);

    /// <summary>Records a finished step; when this returns, the record outlives the process.</summary>
    void Append(StepRecord record);

    /// <summary>Notes that a step now stands for an older record (after an edit was undone). Only explanations depend on it.</summary>
    void Use(string step, Digest key);

    /// <summary>Forgets the records that are not to be kept.</summary>
    void Compact(Predicate<StepRecord> keep);
}
