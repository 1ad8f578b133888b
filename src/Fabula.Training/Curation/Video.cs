// A video of a stranger, read by ffmpeg: what it is, its frames in small, pictures of it.
using System.Globalization;
using System.Text.Json;

namespace Fabula.Training.Curation;

/// <param name="Rate">Frames in a second at which it is read, whatever its own do in between.</param>
public sealed record VideoFacts(int Width, int Height, double Rate, double Seconds);

static class Video
{
    const double MostSeconds = 4 * 3600, LeastRate = 1, MostRate = 60;
    const int MostSide = 16384, Small = 3 * ClassicBoundaries.Width * ClassicBoundaries.Height;

    /// <exception cref="CurationException">It is no video, or one that nobody would learn from.</exception>
    public static VideoFacts Probe(string path, string name, CancellationToken stop)
    {
        var said = Tool.Run("ffprobe",
        [
            "-v", "error", .. Tool.Input(path), "-select_streams", "V:0", "-of", "json",
            "-show_entries", "stream=width,height,avg_frame_rate,duration:format=duration",
        ], name, 1 << 20, stop);
        using var json = Parsed(said, name);
        if (!json.RootElement.TryGetProperty("streams", out var streams) || streams.ValueKind != JsonValueKind.Array
            || streams.GetArrayLength() == 0)
            throw new CurationException($"{name} has no moving pictures. Leave it out.");
        var stream = streams[0];
        var (width, height) = (Number(stream, "width"), Number(stream, "height"));
        if (width is not (>= 16 and <= MostSide) || height is not (>= 16 and <= MostSide))
            throw new CurationException($"{name} has pictures of {width} x {height}; sides from 16 to {MostSide} pixels are read. "
                + "Scale it.");
        var seconds = Number(stream, "duration");
        if (double.IsNaN(seconds) && json.RootElement.TryGetProperty("format", out var format)) seconds = Number(format, "duration");
        if (seconds is not (> 0 and <= MostSeconds))
            throw new CurationException($"{name} says that it is {seconds:0.#} seconds long; videos up to {MostSeconds / 3600:0} hours are "
                + "read. Cut it into shorter ones, or write it anew with ffmpeg -c copy.");
        var rate = Fraction(stream, "avg_frame_rate");
        if (double.IsNaN(rate) || rate < LeastRate)
            throw new CurationException($"{name} does not say how many frames it has in a second. Write it anew with ffmpeg -r 25.");
        return new((int)width, (int)height, Math.Min(rate, MostRate), seconds);
    }

    /// <summary>All its frames at its rate, 48 x 27 pixels, RGB bytes.</summary>
    /// <exception cref="CurationException">It breaks off, or cannot be decoded.</exception>
    public static IEnumerable<byte[]> Frames(string path, string name, VideoFacts facts, CancellationToken stop)
    {
        var (count, announced) = (0, facts.Seconds * facts.Rate);
        foreach (var frame in Tool.Pieces("ffmpeg",
        [
            "-nostdin", "-hide_banner", "-v", "error", "-threads", "1", .. Tool.Input(path), "-map", "0:V:0", "-vf",
            $"fps={facts.Rate},scale={ClassicBoundaries.Width}:{ClassicBoundaries.Height}:flags=area",
            "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1",
        ], name, Small, TimeSpan.FromSeconds(120 + 4 * facts.Seconds), stop))
        {
            if (++count > announced * 1.1 + 60)
                throw new CurationException($"{name} goes on behind the end that it announces. Write it anew with ffmpeg -c copy.");
            yield return frame;
        }
        if (count == 0 || count < announced * 0.9 - facts.Rate)
            throw new CurationException($"{name} breaks off after {count / facts.Rate:0.0} of {facts.Seconds:0.0} seconds. Get it again, "
                + "or leave it out.");
    }

    /// <summary>Writes one frame as JPEG, atomically; a file that is there already is left alone.</summary>
    /// <param name="width">At most so wide, its proportions kept.</param>
    public static void WritePicture(string path, string name, VideoFacts facts, int frame, int width, string picture,
        CancellationToken stop)
    {
        if (File.Exists(picture)) return;
        var jpeg = Tool.Run("ffmpeg",
        [
            "-nostdin", "-hide_banner", "-v", "error", "-threads", "1", "-ss",
            (Math.Max(0, frame - 0.25) / facts.Rate).ToString("0.######", CultureInfo.InvariantCulture), .. Tool.Input(path), "-map",
            "0:V:0", "-frames:v", "1", "-vf", $"scale='min({width},iw)':-2", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "4",
            "-flags:v", "+bitexact", "-f", "image2pipe", "pipe:1",
        ], name, 16 << 20, stop);
        if (jpeg.Length == 0) throw new CurationException($"{name} has no picture at frame {frame}. Get it again, or leave it out.");
        Kept.Write(picture, jpeg);
    }

    /// <summary>A JPEG that <see cref="WritePicture"/> wrote as RGB bytes [side, side, 3], stretched to the square.</summary>
    public static byte[] Pixels(string picture, int side, CancellationToken stop)
    {
        var pixels = Tool.Run("ffmpeg",
        [
            "-nostdin", "-hide_banner", "-v", "error", "-threads", "1", "-protocol_whitelist", "file,pipe", "-f", "mjpeg", "-i",
            "file:" + Path.GetFullPath(picture), "-frames:v", "1", "-vf", $"scale={side}:{side}:flags=bilinear", "-pix_fmt", "rgb24",
            "-f", "rawvideo", "pipe:1",
        ], picture, side * side * 3, stop);
        return pixels.Length == side * side * 3 ? pixels
            : throw new CurationException($"{picture} is no whole picture. Delete it: it is made again.");
    }

    static JsonDocument Parsed(byte[] json, string name)
    {
        try { return JsonDocument.Parse(json); }
        catch (JsonException e) { throw new CurationException($"{name}: ffprobe's answer cannot be understood. Leave it out.", e); }
    }

    /// <summary>NaN where there is none; ffprobe writes some numbers as text.</summary>
    static double Number(JsonElement json, string field) => json.TryGetProperty(field, out var value)
        && double.TryParse(value.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.NaN;

    /// <summary>Of "30000/1001"; NaN where there is none.</summary>
    static double Fraction(JsonElement json, string field) => json.TryGetProperty(field, out var value)
        && value.ToString().Split('/') is [var top, var bottom] && double.TryParse(top, CultureInfo.InvariantCulture, out var a)
        && double.TryParse(bottom, CultureInfo.InvariantCulture, out var b) && b > 0 ? a / b : double.NaN;
}
