// What a path really is. A pipe opens only when someone writes to it and a device never ends: neither may be opened to find out.
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Fabula.Torch;

/// <summary>Asks what a path is without opening it. Follows links.</summary>
public static partial class RegularFile
{
    const int FromHere = -100, Mode = 1, ModeAt = 28, StatxBytes = 256;                          // linux/fcntl.h, linux/stat.h
    const int TypeBits = 0xF000, Regular = 0x8000;

    /// <summary>Refuses what is there and is neither missing nor a regular file: a folder, a pipe, a socket, a device.</summary>
    /// <exception cref="CheckpointException">It is one of those, or does not exist, or its links go in circles.</exception>
    public static void Require(string path)
    {
        if (Directory.Exists(path)) throw new CheckpointException(path, null, "is a folder where a file is wanted");
        Span<byte> found = stackalloc byte[StatxBytes];
        found.Clear();
        if (statx(FromHere, path, 0, Mode, ref MemoryMarshal.GetReference(found)) != 0)
            throw new CheckpointException(path, null, Marshal.GetLastPInvokeError() switch
            {
                40 => "cannot be opened: its links go in circles",
                13 => "cannot be opened: it lies in a folder that may not be entered",
                36 => "cannot be opened: its name is too long",
                _ => "does not exist",
            });
        if ((BinaryPrimitives.ReadUInt16LittleEndian(found[ModeAt..]) & TypeBits) != Regular)
            throw new CheckpointException(path, null, "is no file but a pipe, a socket or a device");
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int statx(int folder, string path, int flags, uint mask, ref byte result);
}
