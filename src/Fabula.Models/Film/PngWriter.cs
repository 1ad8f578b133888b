// A PNG writer: 8-bit RGB, one filter for all lines. After https://www.w3.org/TR/png-3/.
using System.Buffers.Binary;
using System.IO.Compression;

namespace Fabula.Models;

public static class PngWriter
{
    /// <summary>Writes pixels [height, width, 3], one byte per channel, row after row.</summary>
    /// <exception cref="ArgumentException">The number of bytes is not width x height x 3.</exception>
    public static void Write(Stream output, ReadOnlySpan<byte> rgb, int width, int height)
    {
        if (rgb.Length != width * height * 3)
            throw new ArgumentException($"{rgb.Length} bytes are not a picture of {width} x {height} x 3.", nameof(rgb));
        output.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);

        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, 2);  // bits per channel; truecolour
        Chunk(output, "IHDR"u8, header);

        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            var line = new byte[1 + width * 3];
            line[0] = 2;  // Up: each byte less the one above, which suits large areas of one colour
            for (var y = 0; y < height; y++)
            {
                var row = rgb.Slice(y * width * 3, width * 3);
                for (var i = 0; i < row.Length; i++) line[i + 1] = (byte)(row[i] - (y > 0 ? rgb[(y - 1) * width * 3 + i] : 0));
                zlib.Write(line);
            }
        }
        Chunk(output, "IDAT"u8, packed.GetBuffer().AsSpan(0, (int)packed.Length));
        Chunk(output, "IEND"u8, []);
    }

    static void Chunk(Stream output, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        output.Write(number);
        output.Write(type);
        output.Write(data);
        var crc = ~0u;
        foreach (var part in type) crc = Crc(crc, part);
        foreach (var part in data) crc = Crc(crc, part);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~crc);
        output.Write(number);
    }

    static uint Crc(uint crc, byte data) => Table[(byte)(crc ^ data)] ^ crc >> 8;

    static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(n =>
    {
        var c = (uint)n;
        for (var bit = 0; bit < 8; bit++) c = (c & 1) == 0 ? c >> 1 : 0xEDB88320 ^ c >> 1;
        return c;
    })];
}
