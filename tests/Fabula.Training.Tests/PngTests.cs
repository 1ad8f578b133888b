using System.Buffers.Binary;
using System.IO.Compression;
using Fabula.Models;

namespace Fabula.Training.Tests;

public class PngTests
{
    [Fact]
    public void A_picture_comes_back_from_its_chunks()
    {
        var rgb = Enumerable.Range(0, 7 * 5 * 3).Select(i => (byte)(i * 37)).ToArray();
        using var file = new MemoryStream();
        PngWriter.Write(file, rgb, 7, 5);
        var bytes = file.ToArray();
        Assert.Equal([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], bytes[..8]);
        Assert.Equal((7, 5), (BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(16)),
            BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(20))));
        // The last chunk is always the same, checksum included (https://www.w3.org/TR/png-3/, 11.2.5).
        Assert.Equal([0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82], bytes[^12..]);

        using var zlib = new ZLibStream(new MemoryStream(bytes, 41, BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(33))),
            CompressionMode.Decompress);
        var lines = new byte[5 * 22];
        zlib.ReadExactly(lines);
        var back = new byte[rgb.Length];
        for (var i = 0; i < back.Length; i++) back[i] = (byte)(lines[i / 21 * 22 + 1 + i % 21] + (i >= 21 ? back[i - 21] : 0));
        Assert.Equal(rgb, back);
    }

    [Fact]
    public void The_wrong_number_of_bytes_is_refused() =>
        Assert.Throws<ArgumentException>(() => PngWriter.Write(Stream.Null, new byte[10], 2, 2));
}
