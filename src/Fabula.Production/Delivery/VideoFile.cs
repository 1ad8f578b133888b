// H.264 in MP4, as every player and editor takes it: yuv420p, BT.709, square pixels, constant frame rate, index in front.
using System.Globalization;

namespace Fabula.Production.Delivery;

/// <summary>Sizes in pixels, of the pictures that come in and of the film; frames in a second.</summary>
sealed record VideoShape(int FromWidth, int FromHeight, int Width, int Height, int Rate)
{
    /// <summary>At least so wide, in even numbers, with the pictures' own proportions.</summary>
    public static VideoShape Of(int fromWidth, int fromHeight, int width, int rate)
    {
        var wide = Even(Math.Max(width, fromWidth));
        return new(fromWidth, fromHeight, wide, Even((double)wide * fromHeight / fromWidth), rate);
    }

    /// <summary>What tells ffmpeg about the pictures on its standard input.</summary>
    public string[] Input =>
        ["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", $"{FromWidth}x{FromHeight}",
            "-framerate", Rate.ToString(CultureInfo.InvariantCulture), "-i", "pipe:0"];

    static int Even(double side) => Math.Max(2, 2 * (int)Math.Round(side / 2));
}

static class VideoFile
{
    const string Scaling = "flags=lanczos+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact";

    /// <summary>Writes a file of this name in the folder; the same pictures give the same bytes.</summary>
    public static void Write(string program, string folder, string name, VideoShape shape, IEnumerable<byte[]> frames,
        CancellationToken stop) =>
        Ffmpeg.Run(program, folder,
            [.. shape.Input, "-an", "-vf", $"scale={shape.Width}:{shape.Height}:{Scaling}:out_color_matrix=bt709:out_range=tv,"
                + "format=yuv420p,setsar=1", .. Encoding, name], name, frames, stop);

    /// <summary>Draws the subtitles into a copy of the film. Both names are ours: a filter reads a path as a language of its own.</summary>
    public static void BurnIn(string program, string folder, string film, string subtitles, string name, CancellationToken stop) =>
        Ffmpeg.Run(program, folder, ["-i", film, "-an", "-vf", $"subtitles={subtitles},format=yuv420p", .. Encoding, name], name, null,
            stop);

    static string[] Encoding =>
        ["-c:v", "libx264", "-preset", "veryfast", "-crf", "16", "-g", "48", "-colorspace", "bt709", "-color_primaries", "bt709",
            "-color_trc", "bt709", "-color_range", "tv", .. Ffmpeg.SameBytes, "-movflags", "+faststart", "-f", "mp4"];
}
