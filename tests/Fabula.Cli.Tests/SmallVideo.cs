using System.Diagnostics;
using Fabula.Training.PaperTheatre;

namespace Fabula.Cli.Tests;

/// <summary>Small videos of still shots, drawn by Paper Theatre and written by ffmpeg at 8 frames a second.</summary>
static class SmallVideo
{
    const int Width = 224, Height = 128;

    public static readonly ShotSpec Beach = At("on the beach in the morning"), Wood = At("in the forest"), Kitchen = At("in the kitchen"),
        City = At("in the street at night");

    static ShotSpec At(string words) => new(FromWords.Location(words), ShotSize.Wide, CameraMove.Static, [], Frames: 1);

    /// <summary>Writes the shots one behind the other, each with its number of frames; below 0: the negative of the picture.</summary>
    public static void Write(string path, params (ShotSpec Shot, int Frames)[] shots)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var stage = new Stage(Width, Height);
        using var process = Process.Start(new ProcessStartInfo("ffmpeg",
        [
            "-v", "error", "-y", "-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", $"{Width}x{Height}", "-framerate", "8", "-i",
            "pipe:0", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-threads", "1", "-f", "mp4", "file:" + path,
        ])
        { RedirectStandardInput = true })!;
        using (var input = process.StandardInput.BaseStream)
            foreach (var (shot, frames) in shots)
            {
                var picture = stage.Draw(shot).Frames;
                if (frames < 0) picture = [.. picture.Select(level => (byte)~level)];
                for (var i = 0; i < Math.Abs(frames); i++) input.Write(picture);
            }
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
