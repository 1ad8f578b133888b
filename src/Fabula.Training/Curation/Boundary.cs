// Where one shot of a video ends and the next begins, as frames.
namespace Fabula.Training.Curation;

/// <param name="Last">The last frame that shows the earlier shot alone.</param>
/// <param name="First">The first frame that shows the later shot alone: the next one for a cut, some frames on for a dissolve.</param>
public readonly record struct Boundary(int Last, int First)
{
    public bool IsCut => First == Last + 1;

    /// <summary>The middle of the change, in frames.</summary>
    public double Middle => (Last + First) / 2.0;
}

/// <param name="First">Its first frame.</param>
/// <param name="Last">Its last frame, which belongs to it.</param>
public readonly record struct FrameRange(int First, int Last)
{
    public int Count => Last - First + 1;

    /// <summary>What lies between the boundaries of a video of so many frames; frames of a dissolve belong to no shot.</summary>
    public static IReadOnlyList<FrameRange> Between(IReadOnlyList<Boundary> boundaries, int frames)
    {
        var (shots, first) = (new List<FrameRange>(), 0);
        foreach (var boundary in boundaries)
        {
            if (boundary.Last >= first) shots.Add(new(first, boundary.Last));
            first = boundary.First;
        }
        if (first < frames) shots.Add(new(first, frames - 1));
        return shots;
    }

    /// <summary>
    /// Boundaries from the probability of each frame that a change of shots is there: each run of frames above the threshold is one, its
    /// first frame the earlier shot's last one [TransNetV2 inference: predictions_to_scenes].
    /// </summary>
    public static IReadOnlyList<Boundary> FromProbabilities(IReadOnlyList<float> probabilities, double threshold = 0.5)
    {
        var found = new List<Boundary>();
        for (var i = 0; i < probabilities.Count; i++)
        {
            if (probabilities[i] <= threshold) continue;
            var last = i;
            while (i + 1 < probabilities.Count && probabilities[i + 1] > threshold) i++;
            if (i + 1 < probabilities.Count) found.Add(new(last, i + 1));
        }
        return found;
    }
}
