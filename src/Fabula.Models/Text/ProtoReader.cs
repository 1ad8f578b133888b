// A reader of Protocol Buffers wire format, only as much as a vocabulary file needs. The bytes are untrusted: every length
// is checked against what is left, and every error becomes one TokenizerException.
// Format: https://protobuf.dev/programming-guides/encoding
using System.Buffers.Binary;

namespace Fabula.Models.Text;

internal ref struct ProtoReader(ReadOnlyMemory<byte> data, string source)
{
    ReadOnlyMemory<byte> _rest = data;
    int _wireType;

    /// <summary>The number of the field now standing before the reader.</summary>
    public int Field { get; private set; }

    /// <summary>Moves to the next field; false at the end.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        ulong tag = Varint();
        if (tag >> 3 is 0 or > 0x1FFFFFFF) throw Damaged("field number out of range");
        Field = (int)(tag >> 3);
        _wireType = (int)(tag & 7);
        return true;
    }

    public long Integer()
    {
        Expect(0);
        return (long)Varint();
    }

    public bool Boolean() => Integer() != 0;

    public float Single()
    {
        Expect(5);
        return BinaryPrimitives.ReadSingleLittleEndian(Take(4).Span);
    }

    /// <summary>A string, bytes or message field, as a window on the file.</summary>
    public ReadOnlyMemory<byte> Bytes()
    {
        Expect(2);
        return Take(Varint());
    }

    public void Skip()
    {
        switch (_wireType)
        {
            case 0: Varint(); break;
            case 1: Take(8); break;
            case 2: Take(Varint()); break;
            case 5: Take(4); break;
            default: throw Damaged($"wire type {_wireType} in field {Field}");
        }
    }

    ulong Varint()
    {
        var span = _rest.Span;
        ulong value = 0;
        for (int i = 0; i < 10 && i < span.Length; i++)
        {
            value |= (ulong)(span[i] & 0x7F) << (7 * i);
            if (span[i] >= 0x80) continue;
            _rest = _rest[(i + 1)..];
            return value;
        }
        throw Damaged(span.Length < 10 ? "it ends inside a number" : "a number longer than ten bytes");
    }

    ReadOnlyMemory<byte> Take(ulong count)
    {
        if (count > (ulong)_rest.Length) throw Damaged($"field {Field} claims {count} bytes, {_rest.Length} are left");
        var taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }

    readonly void Expect(int wireType)
    {
        if (_wireType != wireType) throw Damaged($"field {Field} has wire type {_wireType}, not {wireType}");
    }

    readonly TokenizerException Damaged(string what) => TokenizerException.Damaged(source, what);
}
