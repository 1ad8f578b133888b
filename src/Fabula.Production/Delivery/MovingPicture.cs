// A small moving picture (animated WebP or GIF) of a film, for a web page or a README: plays by itself, for ever, without sound.
using System.Globalization;

namespace Fabula.Production.Delivery;

/// <param name="Width">In pixels; the height follows.</param>
/// <param name="Rate">Frames in a second of the picture.</param>
/// <param name="Start">Where in the film it begins, in seconds.</param>
/// <param name="Seconds">How much of the film it shows; null is to its end.</param>
/// <param name="Speed">2 plays twice as fast.</param>
public sealed record MovingPictureOptions(int Width = 448, int Rate = 8, double Start = 0, double? Seconds = null, double Speed = 1)
{
    public string Ffmpeg { get; init; } = "ffmpeg";
}

public static class MovingPicture
{
    /// <summary>ffmpeg's name of what the name's ending asks for.</summary>
    /// <exception cref="DeliveryException">It ends otherwise.</exception>
    public static string Format(string picture) => Path.GetExtension(picture).ToLowerInvariant() switch
    {
        ".webp" => "webp",
        ".gif" => "gif",
        _ => throw new DeliveryException($"'{picture}' is neither a .webp nor a .gif. Give it one of these endings."),
    };

    /// <summary>Writes a .webp or a .gif, by the name's ending; an older file is replaced when the new one is whole.</summary>
    /// <exception cref="DeliveryException">The name ends otherwise, or ffmpeg failed.</exception>
    public static void Write(string film, string picture, MovingPictureOptions options, CancellationToken stop)
    {
        var format = Format(picture);
        if (options.Width is < 16 or > 4096 || options.Rate is < 1 or > 60 || options.Speed is not (>= 0.1 and <= 100)
            || options.Start is not (>= 0 and <= 1e6) || options.Seconds is <= 0 or > 1e6 or double.NaN)
            throw new DeliveryException("A moving picture is 16 to 4096 wide, has 1 to 60 frames in a second, plays at 0.1 to 100 times "
                + "the speed, and begins within the film.");
        picture = Path.GetFullPath(picture);
        var work = Path.Combine(Path.GetDirectoryName(picture)!, $".{Guid.NewGuid():N}");
        Directory.CreateDirectory(work);
        try
        {
            var frames = $"setpts=(PTS-STARTPTS)/{Number(options.Speed)},fps={options.Rate},scale={options.Width}:-2:flags=lanczos";
            string[] encoding = format == "webp"
                ? ["-vf", frames, "-c:v", "libwebp_anim", "-quality", "70", "-compression_level", "6", "-loop", "0"]
                : ["-vf",
                    $"{frames},split[a][b];[a]palettegen=max_colors=128[p];[b][p]paletteuse=dither=bayer:bayer_scale=4", "-loop", "0"];
            string[] part = options.Seconds is { } seconds ? ["-t", Number(seconds)] : [];
            Delivery.Ffmpeg.Run(options.Ffmpeg, work, ["-ss", Number(options.Start), .. part, "-i", "file:" + Path.GetFullPath(film), "-an",
                .. encoding, .. Delivery.Ffmpeg.SameBytes, "-f", format, "picture"], Path.GetFileName(picture), null, stop);
            File.Move(Path.Combine(work, "picture"), picture, overwrite: true);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    static string Number(double number) => number.ToString("0.######", CultureInfo.InvariantCulture);
}
