// A few pictures of every clip, small, as JPEG: what the storyboard shows. One ffmpeg draws them all.
using System.Globalization;

namespace Fabula.Production.Delivery;

static class Stills
{
    const int Width = 384;

    /// <summary>With more clips than this one picture of each must do, so that a browser can still hold the page.</summary>
    const int MostClipsInFull = 150;

    /// <summary>data: URLs of a clip's first, middle and last frame (of a long film: its first), by the clip's id.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Of(FilmDelivery.Input input, DeliveryOptions options, string work,
        CancellationToken stop) => Draw(input, options, work, [.. input.Clips.Select(clip => (clip, Moments(input, clip)))], stop)
            .ToDictionary(pair => pair.Clip.ShotId, pair => pair.Pictures);

    /// <summary>data: URLs of the frames that shots recall, by shot and frame; none of a long film.</summary>
    public static IReadOnlyDictionary<(string Shot, int Frame), string> Recalled(FilmDelivery.Input input, DeliveryOptions options,
        string work, CancellationToken stop)
    {
        if (input.Clips.Count > MostClipsInFull) return new Dictionary<(string, int), string>();
        var wanted = input.Clips.SelectMany(clip => clip.Recalled).ToLookup(frame => frame.Shot, frame => frame.Frame);
        List<(ShotClip Clip, List<int> Moments)> moments = [.. input.Clips.Where(clip => wanted.Contains(clip.ShotId))
            .Select(clip => (clip, wanted[clip.ShotId].Distinct().Where(frame => frame < clip.Frames).Order().ToList()))
            .Where(entry => entry.Item2.Count > 0)];
        return Draw(input, options, work, moments, stop).Zip(moments, (drawn, asked) => drawn.Pictures.Zip(asked.Moments,
            (picture, frame) => (Key: (asked.Clip.ShotId, frame), picture))).SelectMany(shown => shown)
            .ToDictionary(shown => shown.Key, shown => shown.picture);
    }

    static List<(ShotClip Clip, IReadOnlyList<string> Pictures)> Draw(FilmDelivery.Input input, DeliveryOptions options, string work,
        List<(ShotClip Clip, List<int> Moments)> wanted, CancellationToken stop)
    {
        if (wanted.Count == 0) return [];
        var folder = Path.Combine(work, "stills");
        Directory.CreateDirectory(folder);
        try
        {
            var first = input.Clips[0];
            var shape = VideoShape.Of(first.Width, first.Height, 0, 1);
            var side = Math.Min(Width, first.Width).ToString(CultureInfo.InvariantCulture);
            Ffmpeg.Run(options.Ffmpeg, folder, [.. shape.Input, "-vf", $"scale={side}:-2:flags=lanczos+accurate_rnd+bitexact",
                "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "4", .. Ffmpeg.SameBytes, "-f", "image2", "%07d.jpg"],
                "the storyboard's pictures", wanted.SelectMany(entry => Frames(entry.Clip, entry.Moments)), stop);
            var next = 1;
            return [.. wanted.Select(entry => (entry.Clip, (IReadOnlyList<string>)[.. entry.Moments.Select(_ =>
                "data:image/jpeg;base64," + Convert.ToBase64String(File.ReadAllBytes(Path.Combine(folder, $"{next++:0000000}.jpg"))))]))];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    static List<int> Moments(FilmDelivery.Input input, ShotClip clip) => input.Clips.Count > MostClipsInFull ? [0]
        : [.. new[] { 0, clip.Frames / 2, clip.Frames - 1 }.Distinct()];

    static IEnumerable<byte[]> Frames(ShotClip clip, List<int> moments)
    {
        using var file = FramesFile.Open(clip.FramesFile);
        foreach (var (i, frame) in file.Read().Take(moments[^1] + 1).Index())
            if (moments.Contains(i)) yield return frame;
    }
}
