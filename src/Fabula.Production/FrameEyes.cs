// What looks at frames for a bank of keyframes. Two implementations ship: colours and sharpness, which need no weights, and CLIP with an
// aesthetic head, as StoryMem has it, where their weights are given.
using Fabula.Models;

namespace Fabula.Production;

/// <param name="Feature">Of length 1: the dot product of two says how alike frames of one shot are, -1 to 1.</param>
/// <param name="Whole">The same, for comparing with remembered frames.</param>
/// <param name="IsGood">Whether it may be remembered.</param>
public sealed record FrameMark(float[] Feature, float[] Whole, bool IsGood)
{
    public static double Alike(float[] a, float[] b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}

public interface IFrameEyes : IDisposable
{
    /// <summary>All that a mark depends on beside the frames: part of the key of every bank; null without weights.</summary>
    string? Digest { get; }

    /// <param name="frames">Of one shot, or remembered ones; each [H, W, 3].</param>
    IReadOnlyList<FrameMark> See(IReadOnlyList<byte[]> frames, int width, int height);
}

/// <summary>Colours of an 8 x 8 grid; good is what is neither black, white nor a smear (<see cref="FrameLook"/>).</summary>
public sealed class PlainEyes : IFrameEyes
{
    public string? Digest => null;

    public IReadOnlyList<FrameMark> See(IReadOnlyList<byte[]> frames, int width, int height)
    {
        var looks = frames.Select(frame => FrameLook.Of(frame, width, height)).ToList();
        if (looks.Count == 0) return [];
        var typical = looks.Select(look => look.Sharpness).Order().ElementAt(looks.Count / 2);
        return [.. looks.Select(look => new FrameMark(look.Feature, look.Feature, look.IsGood(typical)))];
    }

    public void Dispose() { }
}

/// <summary>CLIP's features; good is what its aesthetic head finds fine, or without a head what <see cref="PlainEyes"/> do.</summary>
public sealed class ClipEyes(ClipLooks looks) : IFrameEyes
{
    /// <summary>
    /// On LAION's scale of 0 to 10, where most pictures are between 4 and 6. StoryMem asks another model (HPSv3), whose 3.0 is on another
    /// scale; this number is ours and measured on nothing.
    /// </summary>
    const double LeastAesthetic = 3.5;

    public string? Digest => looks.Digest;

    public IReadOnlyList<FrameMark> See(IReadOnlyList<byte[]> frames, int width, int height)
    {
        if (frames.Count == 0) return [];
        var plain = looks.HasAesthetic ? null : new PlainEyes().See(frames, width, height);
        return [.. looks.Of(frames, width, height).Select((look, i) =>
            new FrameMark(look.Feature, look.Whole, plain?[i].IsGood ?? look.Aesthetic >= LeastAesthetic))];
    }

    public void Dispose() => looks.Dispose();
}
