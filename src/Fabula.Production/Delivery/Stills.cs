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
        CancellationToken stop)
    {
        var folder = Path.Combine(work, "stills");
        Directory.CreateDirectory(folder);
        try
        {
            var first = input.Clips[0];
            var shape = VideoShape.Of(first.Width, first.Height, 0, 1);
            var side = Math.Min(Width, first.Width).ToString(CultureInfo.InvariantCulture);
            Ffmpeg.Run(options.Ffmpeg, folder, [.. shape.Input, "-vf", $"scale={side}:-2:flags=lanczos+accurate_rnd+bitexact",
                "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "4", .. Ffmpeg.SameBytes, "-f", "image2", "%07d.jpg"],
                "the storyboard's pictures", input.Clips.SelectMany(clip => Frames(clip, Moments(input, clip))), stop);
            var (pictures, next) = (new Dictionary<string, IReadOnlyList<string>>(), 1);
            foreach (var clip in input.Clips)
                pictures.Add(clip.ShotId, [.. Moments(input, clip).Select(_ =>
                    Convert.ToBase64String(File.ReadAllBytes(Path.Combine(folder, $"{next++:0000000}.jpg"))))
                    .Select(jpeg => "data:image/jpeg;base64," + jpeg)]);
            return pictures;
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
