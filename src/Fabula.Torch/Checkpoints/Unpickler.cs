using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Fabula.Torch;

/// <summary>
/// Reads the pickle inside a PyTorch checkpoint (protocols 2 to 5; opcodes as in CPython's Lib/pickletools.py) as data. A pickle
/// is a program: this reader knows the instructions that write dictionaries of tensors, resolves no name outside
/// <see cref="PickledNames"/>, calls nothing, and refuses the rest by name. It does not recurse, and memory and time are bounded
/// by the length of the text and the limits below.
/// </summary>
ref struct Unpickler
{
    const int MostOperations = 10_000_000, DeepestStack = 1 << 20, MostMarks = 1000, LongestName = 512;

    readonly ReadOnlySpan<byte> _code;
    readonly MappedFile _file;
    readonly TensorRebuilder _rebuild;
    readonly List<object?> _stack = [];
    readonly List<object?> _memo = [];
    readonly Stack<int> _marks = new();
    int _at;

    internal Unpickler(ReadOnlySpan<byte> code, MappedFile file, TensorRebuilder rebuild)
    {
        _code = code;
        (_file, _rebuild) = (file, rebuild);
    }

    /// <summary>The value that the pickle builds.</summary>
    internal object? Read()
    {
        for (var operations = 0; ; operations++)
        {
            if (operations == MostOperations) throw Fault($"has a pickle of more than {MostOperations} operations");
            if (_stack.Count > DeepestStack) throw Fault($"has a pickle that stacks more than {DeepestStack} values");
            var at = _at;
            var operation = Take(1)[0];
            switch ((char)operation)
            {
                case '\x80': if (Take(1)[0] is < 2 or > 5) throw Fault("has a pickle protocol other than 2 to 5"); break;
                case '\x95': Take(8); break; // FRAME: a hint for buffering
                case '.': return _stack.Count == 1 ? _stack[0] : throw Fault("has a pickle that ends with other than one value");

                case 'N': Push(null); break;
                case '\x88': Push(true); break;
                case '\x89': Push(false); break;
                case 'K': Push((long)Take(1)[0]); break;
                case 'M': Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
                case 'J': Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
                case '\x8a': PushInteger(Take(Take(1)[0])); break;
                case 'G': Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;
                case '\x8c': Push(Text(Take(1)[0])); break;
                case 'X': Push(Text(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); break;
                case '\x8d': Push(Text(BinaryPrimitives.ReadUInt64LittleEndian(Take(8)))); break;

                case '(': Mark(); break;
                case '0': Pop(); break;
                case ')': Push(Array.Empty<object?>()); break;
                case '\x85': Push(PopMany(1)); break;
                case '\x86': Push(PopMany(2)); break;
                case '\x87': Push(PopMany(3)); break;
                case 't': Push(PopToMark()); break;
                case ']': Push(new List<object?>()); break;
                case 'a': Append(PopMany(1)); break;
                case 'e': Append(PopToMark()); break;
                case '}': Push(new PickledDict(ordered: false)); break;
                case 's': SetItems(PopMany(2)); break;
                case 'u': SetItems(PopToMark()); break;

                case 'q': Memoize(Take(1)[0]); break;
                case 'r': Memoize(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))); break;
                case '\x94': Memoize(_memo.Count); break;
                case 'h': Recall(Take(1)[0]); break;
                case 'j': Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))); break;

                case 'c': Push(Resolve($"{Line()}.{Line()}")); break;
                case '\x93': ResolveFromStack(); break;
                case 'Q': Push(_rebuild.Storage(Pop(), NearestText())); break;
                case 'R': Reduce(); break;
                case 'b': IgnoreState(); break;
                default: throw Fault($"has a pickle instruction that no plain checkpoint uses, 0x{operation:X2} at byte {at}: refused");
            }
        }
    }

    readonly void Reduce()
    {
        var arguments = Pop() as object?[] ?? throw Fault("has a pickle that calls a function with other than a tuple");
        if (Pop() is not PickledCall call) throw Fault("has a pickle that calls something other than a function: refused");
        var name = NearestText();
        Push(call switch
        {
            PickledCall.OrderedDict when arguments is [] => new PickledDict(ordered: true),
            PickledCall.RebuildTensorV2 => _rebuild.TensorV2(arguments, name),
            PickledCall.RebuildTensorV3 => _rebuild.TensorV3(arguments, name),
            PickledCall.RebuildParameter when arguments is [PickledTensor tensor, ..] => tensor,
            _ => throw new CheckpointException(_file.Path, name, $"is written by {call} with arguments that PyTorch does not write"),
        });
    }

    /// <summary>Attributes of an object; state dicts carry '_metadata' so, which says nothing about tensors.</summary>
    readonly void IgnoreState()
    {
        Pop();
        if (_stack is not [.., PickledDict { Ordered: true }]) throw Fault("asks to set the state of an object: refused");
    }

    readonly object Resolve(string name) => PickledNames.Resolve(name) ?? throw Fault(
        $"asks to run or use '{CheckpointException.Short(name)}': refused, a checkpoint should hold only tensors; "
        + "if you trust it, load it in PyTorch and save just its state_dict()");

    readonly void ResolveFromStack()
    {
        var (name, module) = (Pop() as string, Pop() as string);
        if (name is null || module is null) throw Fault("has a pickle that names a function by other than text");
        Push(Resolve($"{module}.{name}"));
    }

    readonly void Append(object?[] values)
    {
        if (_stack is not [.., List<object?> list]) throw Fault("has a pickle that appends to something other than a list");
        list.AddRange(values);
    }

    readonly void SetItems(object?[] values)
    {
        if (_stack is not [.., PickledDict dict]) throw Fault("has a pickle that sets items of something other than a dictionary");
        if (values.Length % 2 != 0) throw Fault("has a pickle with a key without a value");
        for (var i = 0; i < values.Length; i += 2) dict.Items.Add((values[i], values[i + 1]));
    }

    /// <summary>Picklers number their memo 0, 1, 2..., so a number out of turn is a fault, and the memo no larger than the text.</summary>
    readonly void Memoize(long index)
    {
        if (index > _memo.Count) throw Fault("has a pickle that numbers its values out of turn");
        var value = Pop();
        Push(value);
        if (index == _memo.Count) _memo.Add(value);
        else _memo[(int)index] = value;
    }

    readonly void Recall(long index) =>
        Push(index < _memo.Count ? _memo[(int)index] : throw Fault("has a pickle that recalls a value it has not had"));

    readonly void Mark()
    {
        if (_marks.Count == MostMarks) throw Fault($"has a pickle nested more than {MostMarks} deep");
        _marks.Push(_stack.Count);
    }

    readonly void Push(object? value) => _stack.Add(value);

    readonly object? Pop() => PopMany(1)[0];

    /// <summary>The last values, in the order they were pushed; never past the last mark.</summary>
    readonly object?[] PopMany(int count)
    {
        var floor = _marks.TryPeek(out var mark) ? mark : 0;
        return _stack.Count - floor >= count
            ? PopFrom(_stack.Count - count)
            : throw Fault("has a pickle that takes a value where there is none");
    }

    readonly object?[] PopToMark() =>
        _marks.TryPop(out var mark) ? PopFrom(mark) : throw Fault("has a pickle that closes what it did not open");

    readonly object?[] PopFrom(int start)
    {
        var values = new object?[_stack.Count - start];
        _stack.CopyTo(start, values, 0, values.Length);
        _stack.RemoveRange(start, values.Length);
        return values;
    }

    /// <summary>The key that a value being built will stand under, for messages.</summary>
    readonly string? NearestText()
    {
        for (var i = _stack.Count - 1; i >= 0 && i >= _stack.Count - 4; i--)
            if (_stack[i] is string text) return text;
        return null;
    }

    ReadOnlySpan<byte> Take(long count)
    {
        if (count > _code.Length - _at) throw Fault("has a pickle that ends too early");
        var taken = _code.Slice(_at, (int)count);
        _at += (int)count;
        return taken;
    }

    /// <summary>Python writes half surrogates as they are ("surrogatepass"); here they become U+FFFD.</summary>
    string Text(ulong length) => Encoding.UTF8.GetString(Take((long)Math.Min(length, long.MaxValue)));

    string Line()
    {
        var length = _code[_at..Math.Min(_code.Length, _at + LongestName)].IndexOf((byte)'\n');
        if (length < 0) throw Fault("has a pickle with a name that does not end");
        var text = Encoding.UTF8.GetString(Take(length));
        Take(1);
        return text;
    }

    /// <summary>Up to 255 bytes, little-endian two's complement; a long where it fits one.</summary>
    readonly void PushInteger(ReadOnlySpan<byte> bytes)
    {
        var value = new BigInteger(bytes);
        if (value >= long.MinValue && value <= long.MaxValue) Push((long)value);
        else Push(value);
    }

    readonly CheckpointException Fault(string fault) => _file.Fault(fault);
}
