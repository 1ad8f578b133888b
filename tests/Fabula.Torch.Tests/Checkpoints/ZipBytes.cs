using System.Buffers.Binary;
using System.Text;

namespace Fabula.Torch.Tests.Checkpoints;

/// <summary>Writes ZIP files of stored entries, with the liberties that a test of refusals needs.</summary>
sealed class ZipBytes
{
    readonly List<byte> _file = [], _directory = [];
    readonly bool _zip64;
    int _entries;

    internal ZipBytes(bool zip64 = false) => _zip64 = zip64;

    /// <summary>A PyTorch file with one pickle and its storages.</summary>
    internal static byte[] Torch(byte[] pickle, params (string Key, byte[] Data)[] storages)
    {
        var zip = new ZipBytes();
        zip.Add("a/data.pkl", pickle);
        foreach (var (key, data) in storages) zip.Add($"a/data/{key}", data);
        return zip.End();
    }

    internal ZipBytes Add(string name, byte[] data, int method = 0, int flags = 0, int? claimed = null, string? localName = null)
    {
        var at = _file.Count;
        var size = claimed ?? data.Length;
        var nameBytes = Encoding.UTF8.GetBytes(name);
        var localBytes = Encoding.UTF8.GetBytes(localName ?? name);
        Put(_file, "PK\u0003\u0004", U16(0), U16(flags), U16(method), new byte[8], U32(size), U32(size),
            U16(localBytes.Length), U16(3), localBytes, new byte[3], data);
        byte[] wide = _zip64 ? [.. U16(1), .. U16(24), .. U64(size), .. U64(data.Length), .. U64(at)] : [];
        Put(_directory, "PK\u0001\u0002", U16(0), U16(0), U16(flags), U16(method), new byte[8],
            U32(_zip64 ? -1 : data.Length), U32(_zip64 ? -1 : size), U16(nameBytes.Length), U16(wide.Length), new byte[10],
            U32(_zip64 ? -1 : at), nameBytes, wide);
        _entries++;
        return this;
    }

    internal byte[] End(int? entries = null)
    {
        var (start, count) = (_file.Count, entries ?? _entries);
        var end = new List<byte>(_file);
        end.AddRange(_directory);
        if (_zip64)
        {
            var at = end.Count;
            Put(end, "PK\u0006\u0006", U64(44), U16(45), U16(45), U32(0), U32(0), U64(count), U64(count),
                U64(_directory.Count), U64(start));
            Put(end, "PK\u0006\u0007", U32(0), U64(at), U32(1));
        }
        Put(end, "PK\u0005\u0006", U32(0), U16(_zip64 ? -1 : count), U16(_zip64 ? -1 : count),
            U32(_directory.Count), U32(_zip64 ? -1 : start), U16(0));
        return [.. end];
    }

    static void Put(List<byte> to, string mark, params byte[][] parts)
    {
        to.AddRange(Encoding.Latin1.GetBytes(mark));
        foreach (var part in parts) to.AddRange(part);
    }

    static byte[] U16(int value) => [(byte)value, (byte)(value >> 8)];

    static byte[] U32(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }

    static byte[] U64(long value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return bytes;
    }
}
