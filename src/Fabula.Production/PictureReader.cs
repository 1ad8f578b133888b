// Reference pictures from people, of any usual kind. PNG is read here (PngReader); JPEG, WebP, BMP and the first picture of a GIF are
// turned into PNG by ffmpeg, which is told by the file's first bytes what it is and gets it on its standard input: it opens no file, and
// no playlist can have it read others. Size and time have limits; what is damaged is refused, not half shown.
using Fabula.Models;
using Fabula.Production.Delivery;

namespace Fabula.Production;

public static class PictureReader
{
    const int MostBytes = 64 << 20, MostPixels = 1 << 25, MostMade = 192 << 20;
    static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <exception cref="InvalidDataException">It is no picture that can be read; the message follows the file's name.</exception>
    public static Picture Read(string path, CancellationToken stop, string ffmpeg = "ffmpeg")
    {
        if (new FileInfo(path).Length is > MostBytes and var size)
            throw new InvalidDataException($"has {size >> 20} MiB: make the picture smaller");
        var file = File.ReadAllBytes(path);
        return Kind(file) is var (name, demuxer) ? PngReader.Read(Turned(file, name, demuxer, ffmpeg, stop)) : PngReader.Read(file);
    }

    static byte[] Turned(byte[] file, string name, string demuxer, string ffmpeg, CancellationToken stop)
    {
        try
        {
            return Ffmpeg.Turn(ffmpeg,
            [
                "-threads", "1", "-protocol_whitelist", "pipe", "-err_detect", "explode", "-max_pixels", $"{MostPixels}",
                "-f", demuxer, "-i", "pipe:0", "-xerror", "-frames:v", "1", "-sws_flags",
                "bicubic+accurate_rnd+full_chroma_int+bitexact", "-pix_fmt", "rgba", "-c:v", "png", "-flags:v", "+bitexact",
                "-f", "image2pipe", "pipe:1",
            ], "the picture", file, MostMade, Longest, stop);
        }
        catch (DeliveryException e)
        {
            throw new InvalidDataException($"is a {name} that cannot be read ({e.Message.TrimEnd('.')}): save it as PNG", e);
        }
    }

    /// <summary>For people, and for ffmpeg; null for anything else, which PngReader answers for.</summary>
    static (string Name, string Demuxer)? Kind(ReadOnlySpan<byte> file)
    {
        if (file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF])) return ("JPEG", "jpeg_pipe");
        if (file.Length >= 12 && file.StartsWith("RIFF"u8) && file[8..12].SequenceEqual("WEBP"u8)) return ("WebP", "webp_pipe");
        if (file.StartsWith("GIF8"u8)) return ("GIF", "gif_pipe");
        return file.StartsWith("BM"u8) ? ("BMP", "bmp_pipe") : null;
    }
}
