using System.Buffers.Binary;
using System.Text;

namespace Fabula.Torch;

/// <summary>
/// Where the entries of a ZIP file lie, with ZIP64 (PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 to 4.3.16, 4.5.3). Only entries
/// that are stored as they are can be used in place, so a compressed or encrypted one is refused; PyTorch writes neither. Checksums
/// are not verified: that would read every byte.
/// </summary>
static class ZipDirectory
{
    internal readonly record struct Entry(long Offset, long Length);

    const int MostEntries = 1 << 20;
    const int EndLength = 22, End64Length = 56, LocatorLength = 20, CentralLength = 46, LocalLength = 30;

    static ReadOnlySpan<byte> EndMark => "PK\u0005\u0006"u8;
    static ReadOnlySpan<byte> LocatorMark => "PK\u0006\u0007"u8;
    static ReadOnlySpan<byte> End64Mark => "PK\u0006\u0006"u8;
    static ReadOnlySpan<byte> CentralMark => "PK\u0001\u0002"u8;
    static ReadOnlySpan<byte> LocalMark => "PK\u0003\u0004"u8;

    internal static Dictionary<string, Entry> Read(MappedFile file)
    {
        var (count, at, limit) = ReadEnd(file);
        if (count > MostEntries) throw file.Fault($"claims {count} entries (the limit is {MostEntries})");
        var entries = new Dictionary<string, Entry>();
        for (long i = 0; i < count; i++)
        {
            if (at > limit - CentralLength) throw file.Fault("has a ZIP directory that is cut off");
            var central = file.Span(at, CentralLength);
            if (!central.StartsWith(CentralMark)) throw file.Fault("has a damaged ZIP directory: copy or download it again");
            int nameLength = U16(central, 28), extraLength = U16(central, 30), commentLength = U16(central, 32);
            var nameBytes = file.Span(at + CentralLength, nameLength);
            var name = Encoding.UTF8.GetString(nameBytes);
            var shown = CheckpointException.Short(name);
            if ((U16(central, 8) & 1) != 0) throw file.Fault($"has an encrypted entry, '{shown}': refused");
            if (U16(central, 10) != 0) throw file.Fault($"has a compressed entry, '{shown}': refused, save it again with torch.save");

            var (size, stored, local) = ReadSizes(file, central, file.Span(at + CentralLength + nameLength, extraLength), shown);
            if (size != stored) throw file.Fault($"has a compressed entry, '{shown}': refused, save it again with torch.save");
            var start = ReadLocal(file, local, nameBytes, shown);
            if (start > limit || size > limit - start) throw file.Fault($"has an entry that reaches past its end, '{shown}'");
            if (!entries.TryAdd(name, new(start, size))) throw file.Fault($"has the entry '{shown}' twice");
            at += CentralLength + nameLength + extraLength + commentLength;
        }
        return entries;
    }

    /// <summary>How many entries there are, where their directory begins, and where it must end.</summary>
    static (long Count, long Start, long Limit) ReadEnd(MappedFile file)
    {
        var tailLength = (int)Math.Min(file.Length, EndLength + ushort.MaxValue);
        var tail = file.Span(file.Length - tailLength, tailLength);
        var found = tail.LastIndexOf(EndMark);
        if (found < 0 || found + EndLength > tailLength)
            throw file.Fault("is a ZIP file without its directory at the end: it was cut off, copy or download it again");
        var end = tail[found..];
        var at = file.Length - tailLength + found;
        (long count, long start) = (U16(end, 10), U32(end, 16));
        if (at < LocatorLength || !file.Span(at - LocatorLength, LocatorLength).StartsWith(LocatorMark)) return (count, start, at);

        var at64 = U64(file, file.Span(at - LocatorLength, LocatorLength), 8);
        var end64 = file.Span(at64, End64Length);
        if (!end64.StartsWith(End64Mark)) throw file.Fault("has a damaged ZIP64 directory: copy or download it again");
        return (U64(file, end64, 32), U64(file, end64, 48), at64);
    }

    /// <summary>Sizes and place of an entry; where 32 bits did not do, from the ZIP64 field.</summary>
    static (long Size, long Stored, long Local) ReadSizes(
        MappedFile file, ReadOnlySpan<byte> central, ReadOnlySpan<byte> extra, string shown)
    {
        (long stored, long size, long local) = (U32(central, 20), U32(central, 24), U32(central, 42));
        while (extra.Length >= 4)
        {
            var (id, length) = (U16(extra, 0), U16(extra, 2));
            if (length > extra.Length - 4) break;
            var field = extra.Slice(4, length);
            extra = extra[(4 + length)..];
            if (id != 1) continue;
            if (size == uint.MaxValue) size = Take(ref field);
            if (stored == uint.MaxValue) stored = Take(ref field);
            if (local == uint.MaxValue) local = Take(ref field);
            return (size, stored, local);
        }
        return (size, stored, local);

        long Take(ref ReadOnlySpan<byte> field)
        {
            if (field.Length < 8) throw file.Fault($"has an entry with a damaged ZIP64 field, '{shown}'");
            var value = U64(file, field, 0);
            field = field[8..];
            return value;
        }
    }

    /// <summary>Where the data of an entry begins: behind a second header, which must bear the same name.</summary>
    static long ReadLocal(MappedFile file, long at, ReadOnlySpan<byte> name, string shown)
    {
        var local = file.Span(at, LocalLength);
        if (!local.StartsWith(LocalMark)) throw file.Fault($"has an entry without its header, '{shown}': copy or download it again");
        int nameLength = U16(local, 26), extraLength = U16(local, 28);
        if (!file.Span(at + LocalLength, nameLength).SequenceEqual(name)) throw file.Fault($"has an entry with two names, '{shown}'");
        return at + LocalLength + nameLength + extraLength;
    }

    static int U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    static long U64(MappedFile file, ReadOnlySpan<byte> bytes, int at)
    {
        var value = BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
        return value >= 0 ? value : throw file.Fault("has a negative size or place in its ZIP64 directory");
    }
}
