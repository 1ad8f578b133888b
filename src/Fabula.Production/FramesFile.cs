// A shot's frames between two steps, without loss and always in the same bytes for the same pictures (a video file's depend on the
// encoder's version and on threads): "FABFRM01", then width, height and number of frames as 32-bit little-endian integers, then one zlib
// stream of all rows from top to bottom, frame after frame, each byte less the one above it (the first row of a frame less that of the
// frame before), as PNG's filter "up" does.
using System.Buffers.Binary;
using System.IO.Compression;

namespace Fabula.Production;

/// <summary>Frames [T, H, W, 3], one byte per channel (red, green, blue), row after row from the top.</summary>
public sealed class FramesFile : IDisposable
{
    const int HeaderBytes = 20, MaxSide = 8192, MaxFrames = 1 << 20;

    static ReadOnlySpan<byte> Magic => "FABFRM01"u8;

    readonly string _path;
    readonly FileStream _file;

    public int Width { get; }
    public int Height { get; }
    public int Frames { get; }

    /// <summary>Bytes of one frame.</summary>
    public int FrameBytes => Width * Height * 3;

    FramesFile(string path, FileStream file, int width, int height, int frames) =>
        (_path, _file, Width, Height, Frames) = (path, file, width, height, frames);

    /// <summary>Writes a whole file, frame by frame.</summary>
    /// <param name="frames">Each [H, W, 3]; as many as are announced.</param>
    /// <exception cref="ArgumentException">A size is out of range, or the frames do not keep to it.</exception>
    public static void Write(string path, int width, int height, int count, IEnumerable<byte[]> frames)
    {
        if (width is < 1 or > MaxSide || height is < 1 or > MaxSide || count is < 1 or > MaxFrames)
            throw new ArgumentException($"{count} frames of {width} x {height} cannot be kept: a side has 1 to {MaxSide} pixels.");
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None);
        Span<byte> header = stackalloc byte[HeaderBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], width);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], height);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], count);
        file.Write(header);
        using var zlib = new ZLibStream(file, CompressionLevel.Fastest);
        var (row, written) = (width * 3, 0);
        var (above, line) = (new byte[row], new byte[row]);
        foreach (var frame in frames)
        {
            if (frame.Length != row * height || ++written > count)
                throw new ArgumentException($"Frame {written + 1} has {frame.Length} bytes, not {width} x {height} x 3 as announced "
                    + $"for {count} frames.");
            var first = frame.AsSpan(0, row).ToArray();
            for (var y = 0; y < height; y++)
            {
                var now = frame.AsSpan(y * row, row);
                for (var i = 0; i < row; i++) line[i] = (byte)(now[i] - above[i]);
                zlib.Write(line);
                now.CopyTo(above);
            }
            above = first;
        }
        if (written != count) throw new ArgumentException($"{written} frames were given where {count} are announced.");
    }

    /// <exception cref="InvalidDataException">It is no such file.</exception>
    public static FramesFile Open(string path)
    {
        var file = File.OpenRead(path);
        try
        {
            Span<byte> header = stackalloc byte[HeaderBytes];
            if (file.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes || !header[..8].SequenceEqual(Magic))
                throw new InvalidDataException($"'{path}' holds no frames of Fabula's.");
            var (width, height, frames) = (BinaryPrimitives.ReadInt32LittleEndian(header[8..]),
                BinaryPrimitives.ReadInt32LittleEndian(header[12..]), BinaryPrimitives.ReadInt32LittleEndian(header[16..]));
            if (width is < 1 or > MaxSide || height is < 1 or > MaxSide || frames is < 1 or > MaxFrames)
                throw new InvalidDataException($"'{path}' announces {frames} frames of {width} x {height}, which cannot be.");
            return new FramesFile(path, file, width, height, frames);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>All frames in order, each [H, W, 3] in an array of its own; one at a time in memory. May be called again.</summary>
    /// <exception cref="InvalidDataException">The file breaks off, or goes on after its last frame.</exception>
    public IEnumerable<byte[]> Read()
    {
        _file.Position = HeaderBytes;
        using var zlib = new ZLibStream(_file, CompressionMode.Decompress, leaveOpen: true);
        var (row, firstAbove) = (Width * 3, new byte[Width * 3]);
        for (var f = 0; f < Frames; f++)
        {
            var frame = new byte[FrameBytes];
            if (zlib.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) < frame.Length)
                throw new InvalidDataException($"'{_path}' breaks off in frame {f + 1} of {Frames}.");
            for (var y = 0; y < Height; y++)
            {
                var now = frame.AsSpan(y * row, row);
                var above = y == 0 ? firstAbove : frame.AsSpan((y - 1) * row, row);
                for (var i = 0; i < row; i++) now[i] += above[i];
            }
            frame.AsSpan(0, row).CopyTo(firstAbove);
            yield return frame;
        }
        if (zlib.ReadByte() >= 0) throw new InvalidDataException($"'{_path}' goes on after its last frame.");
    }

    public void Dispose() => _file.Dispose();
}
