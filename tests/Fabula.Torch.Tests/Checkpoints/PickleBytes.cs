using System.Text;

namespace Fabula.Torch.Tests.Checkpoints;

/// <summary>Writes pickles instruction by instruction; the letters are those of Lib/pickletools.py.</summary>
sealed class PickleBytes
{
    readonly List<byte> _code = [0x80, 2];

    internal PickleBytes Op(params byte[] bytes)
    {
        _code.AddRange(bytes);
        return this;
    }

    internal PickleBytes Op(string letters) => Op(Encoding.Latin1.GetBytes(letters));

    internal PickleBytes Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return Op("X").Op(BitConverter.GetBytes(bytes.Length)).Op(bytes);
    }

    internal PickleBytes Int(long value) => Op(0x8a, 8).Op(BitConverter.GetBytes(value));

    internal PickleBytes Global(string module, string name) => Op($"c{module}\n{name}\n");

    internal PickleBytes Ints(long[] values)
    {
        Op("(");
        foreach (var value in values) Int(value);
        return Op("t");
    }

    /// <summary>A tensor over a storage, as torch.save writes it.</summary>
    internal PickleBytes Tensor(
        long[] shape, long[] strides, long offset = 0, long count = 6, string key = "0", string type = "FloatStorage") =>
        Global("torch._utils", "_rebuild_tensor_v2").Op("((")
            .Text("storage").Global("torch", type).Text(key).Text("cpu").Int(count).Op("tQ").Int(offset)
            .Ints(shape).Ints(strides).Op([0x89]).Global("collections", "OrderedDict").Op(")RtR");

    /// <summary>Ends the pickle and wraps it, with one storage "0" of 24 bytes, into a PyTorch file.</summary>
    internal byte[] File() => ZipBytes.Torch([.. _code, (byte)'.'], ("0", [.. Enumerable.Range(0, 24).Select(i => (byte)i)]));

    /// <summary>A file whose dictionary holds one tensor, "w".</summary>
    internal static byte[] OneTensor(Action<PickleBytes> tensor)
    {
        var pickle = new PickleBytes().Op("}").Text("w");
        tensor(pickle);
        return pickle.Op("s").File();
    }
}
