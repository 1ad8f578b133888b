using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Fabula.Build;

/// <summary>SHA-256 of some bytes, written as 64 lower-case hexadecimal digits.</summary>
public readonly record struct Digest
{
    static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    readonly ulong _a, _b, _c, _d;

    Digest(ReadOnlySpan<byte> hash)
    {
        _a = BinaryPrimitives.ReadUInt64BigEndian(hash);
        _b = BinaryPrimitives.ReadUInt64BigEndian(hash[8..]);
        _c = BinaryPrimitives.ReadUInt64BigEndian(hash[16..]);
        _d = BinaryPrimitives.ReadUInt64BigEndian(hash[24..]);
    }

    public static Digest Of(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return new Digest(hash);
    }

    public static Digest Of(string text) => Of(Encoding.UTF8.GetBytes(text));

    internal static Digest Finish(IncrementalHash hash)
    {
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(bytes);
        return new Digest(bytes);
    }

    public static bool TryParse(ReadOnlySpan<char> hex, out Digest digest)
    {
        digest = default;
        if (hex.Length != 64 || hex.ContainsAnyExcept(HexDigits)) return false;
        Span<byte> bytes = stackalloc byte[32];
        Convert.FromHexString(hex, bytes, out _, out _);
        digest = new Digest(bytes);
        return true;
    }

    /// <summary>The first 12 digits, for people.</summary>
    public string Brief => ToString()[..12];

    /// <summary>The first 32 bits, from which the store takes the time that it stamps on a file.</summary>
    internal uint Head => (uint)(_a >> 32);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{_a:x16}{_b:x16}{_c:x16}{_d:x16}");
}

/// <summary>Some file's bytes: digest and length in bytes.</summary>
public readonly record struct Artifact(Digest Digest, long Size)
{
    /// <summary>Reads the whole file.</summary>
    public static Artifact OfFile(string path)
    {
        using var file = File.OpenRead(path);
        return Of(file);
    }

    /// <summary>Reads to the end of the stream; hands every piece on if asked to.</summary>
    internal static Artifact Of(Stream stream, Action<ReadOnlyMemory<byte>>? each = null)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 17];
        var size = 0L;
        for (int read; (read = stream.Read(buffer)) > 0; size += read)
        {
            hash.AppendData(buffer, 0, read);
            each?.Invoke(buffer.AsMemory(0, read));
        }
        return new Artifact(Digest.Finish(hash), size);
    }
}
