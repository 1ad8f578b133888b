// The film as pictures: the timeline's clips one after another, with their dissolves, their fades and their black. What is made here is
// what an editor makes of film.otio, frame for frame.
using Fabula.Narrative.Edit;

namespace Fabula.Production.Delivery;

/// <summary>A clip's frames at the film's rate, forwards only; one picture in memory.</summary>
sealed class ClipFrames : IDisposable
{
    readonly ShotClip _clip;
    readonly ColourShift? _shift;
    readonly int _rate;
    readonly FramesFile _file;
    readonly IEnumerator<byte[]> _frames;
    int _at = -1;

    public ClipFrames(ShotClip clip, ColourShift? shift, int rate)
    {
        (_clip, _shift, _rate) = (clip, shift, rate);
        _file = FramesFile.Open(clip.FramesFile);
        _frames = _file.Read().GetEnumerator();
    }

    /// <summary>The picture at a frame of the film's rate, counted from the clip's first; not to be written to.</summary>
    public byte[] At(int frame)
    {
        var wanted = Math.Min(_clip.Frames - 1, Retiming.Shown(frame, _clip.FramesPerSecond, _rate));
        for (; _at < wanted; _at++)
            if (!_frames.MoveNext())
                throw new InvalidDataException($"The clip of '{_clip.ShotId}' has {_at + 1} frames, and {_clip.Frames} are announced.");
            else if (_at + 1 == wanted) _shift?.Apply(_frames.Current, wanted);
        return _frames.Current;
    }

    /// <summary>All of them.</summary>
    public static IEnumerable<byte[]> All(ShotClip clip, ColourShift? shift, int rate)
    {
        using var frames = new ClipFrames(clip, shift, rate);
        var count = Retiming.Delivered(clip.Frames, clip.FramesPerSecond, rate);
        for (var i = 0; i < count; i++) yield return frames.At(i);
    }

    public void Dispose()
    {
        _frames.Dispose();
        _file.Dispose();
    }
}

static class FilmFrames
{
    /// <summary>The film's pictures, each [H, W, 3], as many as the timeline has frames; valid until the next is asked for.</summary>
    /// <param name="open">The frames of a timeline item's clip, by the item's id.</param>
    public static IEnumerable<byte[]> Of(Timeline timeline, Func<string, ClipFrames> open)
    {
        ClipFrames? before = null, current = null, next = null;
        try
        {
            foreach (var (i, item) in timeline.Items.Index())
            {
                var following = i + 1 < timeline.Items.Count ? timeline.Items[i + 1] : null;
                current = next ?? open(item.Id);
                next = following?.Dissolve > 0 ? open(following.Id) : null;
                if (item.BlackBefore > 0)
                {
                    var black = new byte[current.At(Math.Max(0, item.In - item.Lead)).Length];
                    for (var j = 0; j < item.BlackBefore; j++) yield return black;
                }
                for (var j = 0; j < item.Frames; j++)
                {
                    var picture = current.At(item.In + j);
                    if (before is not null && j < item.Tail)
                    {
                        var last = timeline.Items[i - 1];
                        picture = Mixed(before.At(last.In + last.Frames + j), picture, item.Lead + j + 1, item.Dissolve + 1);
                    }
                    if (next is not null && j - (item.Frames - following!.Lead) is >= 0 and var lead)
                        picture = Mixed(picture, next.At(following.In - following.Lead + lead), lead + 1, following.Dissolve + 1);
                    if (j < item.FadeIn) picture = Mixed(null, picture, j + 1, item.FadeIn + 1);
                    if (item.Frames - j <= item.FadeOut) picture = Mixed(null, picture, item.Frames - j, item.FadeOut + 1);
                    yield return picture;
                }
                before?.Dispose();
                before = null;
                if (next is null) current.Dispose();
                else before = current;
                current = null;
            }
        }
        finally
        {
            before?.Dispose();
            current?.Dispose();
            next?.Dispose();
        }
    }

    /// <summary>So many parts of all from the second picture, the rest from the first; no first picture is black.</summary>
    static byte[] Mixed(byte[]? first, byte[] second, int parts, int all)
    {
        var mixed = new byte[second.Length];
        for (var i = 0; i < mixed.Length; i++)
            mixed[i] = (byte)(((first is null ? 0 : first[i] * (all - parts)) + second[i] * parts + all / 2) / all);
        return mixed;
    }
}
