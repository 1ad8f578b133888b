// One step's frames as a video file, for looking at a shot before the film is put together.
namespace Fabula.Production.Delivery;

static class ShotFile
{
    /// <summary>Writes NAME.mp4 for a step such as clip/NAME; the film's size on the screen, its own rate, its origin marked.</summary>
    /// <returns>The file's path.</returns>
    /// <exception cref="DeliveryException">ffmpeg is missing or failed.</exception>
    public static string Write(string folder, string step, string frames, int rate, string title, string model)
    {
        var options = new DeliveryOptions();
        var name = FilmDelivery.FileName(step[(step.IndexOf('/') + 1)..]) + ".mp4";
        var work = Path.Combine(folder, $".{Guid.NewGuid():N}");
        Directory.CreateDirectory(work);
        try
        {
            using var file = FramesFile.Open(frames);
            var shape = VideoShape.Of(file.Width, file.Height, options.Width, rate);
            VideoFile.Write(options.Ffmpeg, work, name, shape, file.Read(), CancellationToken.None);
            Xmp.Append(Path.Combine(work, name),
                Xmp.Packet($"{title}: {step}", $"Fabula {typeof(ShotFile).Assembly.GetName().Version?.ToString(3)}", model));
            File.Move(Path.Combine(work, name), Path.Combine(folder, name), overwrite: true);
            return Path.Combine(folder, name);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }
}
