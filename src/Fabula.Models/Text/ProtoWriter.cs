// Writes Protocol Buffers wire format: the other half of ProtoReader.
using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Fabula.Models.Text;

internal sealed class ProtoWriter
{
    readonly ArrayBufferWriter<byte> _output = new();

    public ReadOnlySpan<byte> Written => _output.WrittenSpan;

    public ProtoWriter Integer(int field, long value) => Tag(field, 0).Varint((ulong)value);

    public ProtoWriter Boolean(int field, bool value) => Integer(field, value ? 1 : 0);

    public ProtoWriter Single(int field, float value)
    {
        Tag(field, 5);
        BinaryPrimitives.WriteSingleLittleEndian(_output.GetSpan(4), value);
        _output.Advance(4);
        return this;
    }

    public ProtoWriter Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    public ProtoWriter Bytes(int field, ReadOnlySpan<byte> value)
    {
        Tag(field, 2).Varint((ulong)value.Length);
        _output.Write(value);
        return this;
    }

    ProtoWriter Tag(int field, int wireType) => Varint((ulong)((field << 3) | wireType));

    ProtoWriter Varint(ulong value)
    {
        var span = _output.GetSpan(10);
        int length = 0;
        for (; value >= 0x80; value >>= 7) span[length++] = (byte)(value | 0x80);
        span[length++] = (byte)value;
        _output.Advance(length);
        return this;
    }
}
