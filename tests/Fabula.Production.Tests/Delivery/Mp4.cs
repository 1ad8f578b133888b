// What the tests read of an MP4: its top-level boxes by a parser of their own, and what ffprobe says of it.
using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Fabula.Production.Tests.Delivery;

static class Mp4
{
    public static List<(string Type, byte[] Body)> Boxes(string path)
    {
        var (bytes, boxes) = (File.ReadAllBytes(path), new List<(string, byte[])>());
        for (var at = 0; at < bytes.Length;)
        {
            var size = (int)BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at));
            Assert.InRange(size, 8, bytes.Length - at);
            boxes.Add((Encoding.ASCII.GetString(bytes, at + 4, 4), bytes[(at + 8)..(at + size)]));
            at += size;
        }
        return boxes;
    }

    public static JsonElement Stream(string path)
    {
        var text = Run("ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-show_streams", "-of", "json", path);
        return JsonDocument.Parse(text).RootElement.GetProperty("streams")[0];
    }

    public static int Frames(string path) => int.Parse(Stream(path).GetProperty("nb_read_frames").GetString()!);

    /// <summary>Mean red of every frame's left half, decoded at a small size.</summary>
    public static List<double> LeftReds(string path)
    {
        var start = new ProcessStartInfo("ffmpeg") { RedirectStandardOutput = true };
        foreach (var argument in (string[])["-v", "error", "-i", path, "-vf", "scale=4:4:in_color_matrix=bt709:flags=area", "-f",
            "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        using var memory = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(memory);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return [.. memory.ToArray().Chunk(48).Select(frame => (frame[0] + frame[12] + frame[24] + frame[36]) / 4.0)];
    }

    static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return text;
    }
}
