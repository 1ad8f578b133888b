// Reference pictures from people: PNG, 8 bits per channel, not interlaced; grey, colour or palette; transparency is laid over white. After
// https://www.w3.org/TR/png-3/. Pictures are untrusted: sizes are bounded before memory is taken, check sums are compared.
using System.Buffers.Binary;
using System.IO.Compression;
using Fabula.Models;

namespace Fabula.Production;

public static class PngReader
{
    const int MaxSide = 8192, MaxFile = 64 << 20;

    /// <exception cref="InvalidDataException">It is no PNG that can be read; the message follows the file's name.</exception>
    public static Picture Read(string path)
    {
        var info = new FileInfo(path);
        if (info.Length > MaxFile) throw new InvalidDataException($"has {info.Length >> 20} MiB: make the picture smaller");
        return Read(File.ReadAllBytes(path));
    }

    public static Picture Read(ReadOnlySpan<byte> file)
    {
        if (file.Length < 8 || !file[..8].SequenceEqual<byte>([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]))
            throw new InvalidDataException("is no picture that is read here (PNG, JPEG, WebP, BMP, GIF): save it as PNG");
        int width = 0, height = 0, kind = 0;
        byte[] palette = [], alphas = [];
        using var packed = new MemoryStream();
        for (var at = 8; at + 12 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            if (length > file.Length - at - 12) break;
            var type = file.Slice(at + 4, 4);
            var data = file.Slice(at + 8, (int)length);
            if (Crc(file.Slice(at + 4, 4 + (int)length)) != BinaryPrimitives.ReadUInt32BigEndian(file[(at + 8 + (int)length)..]))
                throw new InvalidDataException("is damaged: copy it again");
            at += 12 + (int)length;
            if (type.SequenceEqual("IHDR"u8)) (width, height, kind) = Header(data);
            else if (type.SequenceEqual("PLTE"u8)) palette = data.ToArray();
            else if (type.SequenceEqual("tRNS"u8)) alphas = data.ToArray();
            else if (type.SequenceEqual("IDAT"u8)) packed.Write(data);
            else if (type.SequenceEqual("IEND"u8)) return new Picture(Pixels(packed, width, height, kind, palette, alphas), width, height);
        }
        throw new InvalidDataException("breaks off: copy it again");
    }

    static (int, int, int) Header(ReadOnlySpan<byte> data)
    {
        if (data.Length != 13) throw new InvalidDataException("has a header of the wrong length");
        var (width, height) = (BinaryPrimitives.ReadUInt32BigEndian(data), BinaryPrimitives.ReadUInt32BigEndian(data[4..]));
        if (width is 0 or > MaxSide || height is 0 or > MaxSide)
            throw new InvalidDataException($"has {width} x {height} pixels: a side has 1 to {MaxSide}");
        if (data[8] != 8 || data[12] != 0 || data[9] is not (0 or 2 or 3 or 4 or 6))
            throw new InvalidDataException("is a kind of PNG that is not read here: save it with 8 bits per channel, not interlaced");
        return ((int)width, (int)height, data[9]);
    }

    static byte[] Pixels(MemoryStream packed, int width, int height, int kind, byte[] palette, byte[] alphas)
    {
        if (width == 0) throw new InvalidDataException("has no header");
        var channels = kind switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        var lines = new byte[height * (1 + width * channels)];
        packed.Position = 0;
        using (var zlib = new ZLibStream(packed, CompressionMode.Decompress))
            if (zlib.ReadAtLeast(lines, lines.Length, throwOnEndOfStream: false) < lines.Length)
                throw new InvalidDataException("breaks off: copy it again");
        Unfilter(lines, width * channels, height, channels);
        var rgb = new byte[width * height * 3];
        for (var i = 0; i < width * height; i++)
        {
            var at = i / width * (1 + width * channels) + 1 + i % width * channels;
            int r = lines[at], g = r, b = r, alpha = 255;
            if (kind is 2 or 6) (g, b) = (lines[at + 1], lines[at + 2]);
            if (kind is 4 or 6) alpha = lines[at + channels - 1];
            if (kind == 3)
            {
                if (3 * r + 2 >= palette.Length) throw new InvalidDataException("names a colour that its palette lacks");
                alpha = r < alphas.Length ? alphas[r] : 255;
                (r, g, b) = (palette[3 * r], palette[3 * r + 1], palette[3 * r + 2]);
            }
            (rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]) = (Over(r, alpha), Over(g, alpha), Over(b, alpha));
        }
        return rgb;

        static byte Over(int level, int alpha) => (byte)((level * alpha + 255 * (255 - alpha) + 127) / 255);
    }

    static void Unfilter(byte[] lines, int row, int height, int step)
    {
        for (var y = 0; y < height; y++)
        {
            var at = y * (1 + row);
            var filter = lines[at];
            var now = lines.AsSpan(at + 1, row);
            var above = y == 0 ? new byte[row] : lines.AsSpan(at - row, row);
            for (var i = 0; i < row; i++)
            {
                int left = i >= step ? now[i - step] : 0, up = above[i], corner = i >= step ? above[i - step] : 0;
                now[i] += (byte)(filter switch
                {
                    0 => 0,
                    1 => left,
                    2 => up,
                    3 => (left + up) / 2,
                    4 => Paeth(left, up, corner),
                    _ => throw new InvalidDataException("has a line filter that does not exist"),
                });
            }
        }
    }

    static int Paeth(int left, int up, int corner)
    {
        var guess = left + up - corner;
        var (a, b, c) = (Math.Abs(guess - left), Math.Abs(guess - up), Math.Abs(guess - corner));
        return a <= b && a <= c ? left : b <= c ? up : corner;
    }

    static uint Crc(ReadOnlySpan<byte> data)
    {
        var crc = ~0u;
        foreach (var part in data)
        {
            crc ^= part;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) == 0 ? crc >> 1 : 0xEDB88320 ^ crc >> 1;
        }
        return ~crc;
    }
}
