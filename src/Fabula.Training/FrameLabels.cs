// What OneStory's selector is told of remembered frames (arXiv 2512.07802, A.2): how alike a frame and the shot to be made are, by feature
// models that are passed in. (The paper has DINOv2 and CLIP.)
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <summary>A feature model: of a story's shot one vector per latent frame, all of one length.</summary>
public delegate float[][] ShotFeature(DrawnStory story, int shot);

/// <param name="features">The label is the mean over these of the cosine between a frame and the mean frame of the shot to be made: how
/// the paper puts its two together is not stated. A vector of zeros is like nothing.</param>
/// <param name="either">How far one feature is enough, 0 to 1: that share of the label is the largest of the cosines, the rest their
/// mean. A frame of somebody elsewhere, or of the place without them, is then nearer to one that shows both than to one that shows
/// neither.</param>
public sealed class FrameLabels(IReadOnlyList<ShotFeature> features, double either = 0)
{
    /// <summary>The paper's, of a shot of another story and of an altered one.</summary>
    public const float Foreign = -1, Altered = 0;

    readonly Dictionary<DrawnStory, float[]?[][]> _seen = new(ReferenceEqualityComparer.Instance);

    /// <summary>Looks at a shot, once; feature models that compute with tensors want the tensor thread. Per model its vectors.</summary>
    public IReadOnlyList<float[]> See(DrawnStory story, int shot)
    {
        if (!_seen.TryGetValue(story, out var shots))
            _seen[story] = shots = [.. story.Shots.Select(_ => new float[]?[features.Count])];
        for (var model = 0; model < features.Count; model++)
            shots[shot][model] ??= Normalised(features[model](story, shot));
        return shots[shot]!;
    }

    /// <summary>Per latent frame of a shot its label, -1 to 1, against the shot to be made.</summary>
    /// <param name="frames">Latent frames of a shot.</param>
    public float[] Of(DrawnStory story, int shot, int target, int frames)
    {
        var (seen, wanted) = (See(story, shot), See(story, target));
        return [.. Enumerable.Range(0, frames).Select(f =>
        {
            double[] alike = [.. seen.Zip(wanted).Select(model => Alike(model.First, f, model.Second, frames))];
            return (float)(either * alike.Max() + (1 - either) * alike.Average());
        })];
    }

    static double Alike(float[] seen, int f, float[] wanted, int frames)
    {
        var length = wanted.Length / frames;
        var (dot, norm) = (0.0, 0.0);
        for (var i = 0; i < length; i++)
        {
            var mean = 0.0;
            for (var g = 0; g < frames; g++) mean += wanted[g * length + i];
            (dot, norm) = (dot + mean * seen[f * length + i], norm + mean * mean);
        }
        return norm == 0 ? 0 : dot / Math.Sqrt(norm);
    }

    /// <summary>Vectors of length 1, one after the other; a vector of zeros, which is like nothing, stays.</summary>
    static float[] Normalised(float[][] frames) => [.. frames.SelectMany(frame =>
    {
        var norm = Math.Sqrt(frame.Sum(value => (double)value * value));
        return frame.Select(value => norm == 0 ? 0 : (float)(value / norm));
    })];
}
