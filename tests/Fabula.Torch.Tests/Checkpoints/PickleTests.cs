namespace Fabula.Torch.Tests.Checkpoints;

public sealed class PickleTests
{
    static void Refused(byte[] file, string words, string? tensor = null) =>
        Bytes.Refused(file, words, tensor, "made.pth");

    static void Refused(Action<PickleBytes> tensor, string words, string? name = "w") =>
        Refused(PickleBytes.OneTensor(tensor), words, name);

    [Fact]
    public void A_tensor_over_a_storage_is_read()
    {
        var file = PickleBytes.OneTensor(pickle => pickle.Tensor([2, 2], [3, 1], offset: 1));
        Assert.Equal([4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19, 20, 21, 22, 23],
            Bytes.Use(file, checkpoint => Bytes.Elements(checkpoint.Entries["w"]), "made.pth"));
    }

    [Fact]
    public void Eight_bit_floats_are_read_as_newer_PyTorch_writes_them()
    {
        var file = PickleBytes.OneTensor(pickle => pickle.Global("torch._utils", "_rebuild_tensor_v3").Op("((").Text("storage")
            .Global("torch.storage", "UntypedStorage").Text("0").Text("cpu").Int(24).Op("tQ").Int(4).Ints([3]).Ints([1]).Op([0x89])
            .Global("collections", "OrderedDict").Op(")R").Global("torch", "float8_e4m3fn").Op("tR"));
        Assert.Equal([4, 5, 6], Bytes.Use(file, checkpoint => Bytes.Elements(checkpoint.Entries["w"]), "made.pth"));
    }

    [Theory]
    [InlineData("os", "system"), InlineData("builtins", "eval"), InlineData("torch._utils", "_rebuild_parameter_with_state")]
    [InlineData("torch", "load"), InlineData("torch.nn.modules.linear", "Linear"), InlineData("numpy.core.multiarray", "scalar")]
    public void Any_other_name_is_refused(string module, string name)
    {
        Refused(pickle => pickle.Global(module, name).Op(")R"), $"asks to run or use '{module}.{name}': refused", null);
        Refused(pickle => pickle.Text(module).Text(name).Op(0x93), $"asks to run or use '{module}.{name}': refused", null);
    }

    [Theory]
    [InlineData(0x81, "NEWOBJ"), InlineData(0x92, "NEWOBJ_EX"), InlineData('i', "INST"), InlineData('o', "OBJ")]
    [InlineData(0x82, "EXT1")]
    [InlineData('P', "PERSID"), InlineData('S', "STRING"), InlineData('2', "DUP")]
    [InlineData(0x97, "NEXT_BUFFER"), InlineData(0x8b, "LONG4")]
    public void Instructions_that_checkpoints_do_not_need_are_refused(int code, string _) =>
        Refused(pickle => pickle.Op((byte)code), $"instruction that no plain checkpoint uses, 0x{code:X2}", null);

    [Fact]
    public void State_is_ignored_on_an_ordered_dictionary_only()
    {
        var ordered = new PickleBytes().Global("collections", "OrderedDict").Op(")R}").Text("_metadata").Op("}sb").File();
        Assert.Empty(Bytes.Use(ordered, checkpoint => checkpoint.Entries.Keys.ToList(), "made.pth"));
        Refused(new PickleBytes().Op("}}b").File(), "set the state of an object");
        Refused(pickle => pickle.Tensor([6], [1]).Op("}b"), "set the state of an object", null);
    }

    [Fact]
    public void Only_functions_are_called()
    {
        Refused(pickle => pickle.Op("})R"), "calls something other than a function", null);
        Refused(pickle => pickle.Global("torch", "FloatStorage").Op(")R"), "calls something other than a function", null);
        Refused(pickle => pickle.Global("torch", "float32").Op(")R"), "calls something other than a function", null);
        Refused(pickle => pickle.Global("collections", "OrderedDict").Op("]R"), "with other than a tuple", null);
        Refused(pickle => pickle.Global("collections", "OrderedDict").Op("(]tR"), "arguments that PyTorch does not write");
        Refused(pickle => pickle.Global("torch._utils", "_rebuild_tensor_v2").Op(")R"), "arguments that PyTorch does not write");
        Refused(pickle => pickle.Global("torch._utils", "_rebuild_parameter").Op("(Nt").Op("R"), "arguments that PyTorch does not write");
    }

    [Fact]
    public void A_tensor_past_its_storage_is_refused_by_name()
    {
        Refused(pickle => pickle.Tensor([7], [1]), "reaches byte 28 of the storage '0', which holds 24");
        Refused(pickle => pickle.Tensor([2], [6]), "reaches byte 28");
        Refused(pickle => pickle.Tensor([1], [1], offset: 6), "reaches byte 28");
        Refused(pickle => pickle.Tensor([0], [1], offset: 7), "reaches byte 28");
        Refused(pickle => pickle.Tensor([1], [1], offset: -1), "too large for any file");
        Refused(pickle => pickle.Tensor([1], [1], offset: long.MaxValue), "too large for any file");
        Refused(pickle => pickle.Tensor([long.MaxValue, 2], [0, 0]), "too large for any file");
        Refused(pickle => pickle.Tensor([2, 2], [long.MaxValue, long.MaxValue]), "too large for any file");
    }

    [Fact]
    public void Unsound_shapes_and_strides_are_refused_by_name()
    {
        Refused(pickle => pickle.Tensor([-1], [1]), "whole numbers from 0");
        Refused(pickle => pickle.Tensor([2], [-1]), "whole numbers from 0");
        Refused(pickle => pickle.Tensor([2, 1], [1]), "has 2 dimensions but 1 strides");
        Refused(pickle => pickle.Tensor([.. Enumerable.Repeat(1L, 33)], [.. Enumerable.Repeat(1L, 33)]), "more than 32 dimensions");
    }

    [Fact]
    public void Unsound_storages_are_refused_by_name()
    {
        Refused(pickle => pickle.Tensor([6], [1], key: "9"), "needs the storage '9', which is not in the file");
        Refused(pickle => pickle.Tensor([6], [1], key: "../data.pkl"), "which is not in the file");
        Refused(pickle => pickle.Tensor([6], [1], count: 7), "needs 7 elements in the storage '0' of 24 bytes");
        Refused(pickle => pickle.Tensor([6], [1], count: -6), "needs -6 elements");
        Refused(pickle => pickle.Tensor([6], [1], count: 1L << 62), "elements in the storage");
        Refused(pickle => pickle.Tensor([6], [1], type: "QInt8Storage"), "'torch.QInt8Storage'", null);
        Refused(pickle => pickle.Op("NQ"), "refers to a storage in a way");
        Refused(pickle => pickle.Op("(").Text("module").Op("tQ"), "refers to a storage in a way");
    }

    [Fact]
    public void Unsound_stacks_and_memos_are_refused()
    {
        Refused(new PickleBytes().Op("s").File(), "takes a value where there is none");
        Refused(new PickleBytes().Op("}(s").File(), "takes a value where there is none");
        Refused(new PickleBytes().Op("}N(s").File(), "takes a value where there is none");
        Refused(new PickleBytes().Op("t").File(), "closes what it did not open");
        Refused(new PickleBytes().Op("}(Nu").File(), "a key without a value");
        Refused(new PickleBytes().Op("](NNu").File(), "something other than a dictionary");
        Refused(new PickleBytes().Op("}(NNe").File(), "something other than a list");
        Refused(new PickleBytes().Op("").File(), "other than one value");
        Refused(new PickleBytes().Op("}}").File(), "other than one value");
        Refused(new PickleBytes().Op("}q\u0001").File(), "out of turn");
        Refused(new PickleBytes().Op("}r").Op(255, 255, 255, 255).File(), "out of turn");
        Refused(new PickleBytes().Op("}q\0h\u0001").File(), "has not had");
        Refused(new PickleBytes().Op("}j").Op(255, 255, 255, 255).File(), "has not had");
        Refused(new PickleBytes().Op("0").File(), "takes a value where there is none");
    }

    [Fact]
    public void A_pickle_cut_off_anywhere_is_refused()
    {
        byte[] whole = [.. "\u0080\u0002}X\u0001\0\0\0aK\u0001sccollections\nOrderedDict\n0."u8.ToArray().Where(b => b != 0xc2)];
        for (var length = 0; length < whole.Length; length++) Refused(ZipBytes.Torch(whole[..length]), "made.pth has a pickle ");
        Refused(new PickleBytes().Op("X").Op(255, 255, 255, 255).File(), "ends too early");
        Refused(new PickleBytes().Op(0x8d).Op([.. Enumerable.Repeat((byte)255, 8)]).File(), "ends too early");
        Refused(ZipBytes.Torch([0x80, 1, (byte)'}', (byte)'.']), "protocol other than 2 to 5");
    }

    [Fact]
    public void Nesting_is_bounded_and_needs_no_stack()
    {
        Refused(new PickleBytes().Op(new string('(', 1001)).File(), "nested more than 1000 deep");
        Refused(new PickleBytes().Op(new string(']', 2_000_000)).File(), "stacks more than 1048576 values");
        var deep = new PickleBytes().Op(new string(']', 100_000) + new string('a', 99_999)).File();
        Refused(deep, "something other than a dictionary of tensors");
        Refused(new PickleBytes().Op(string.Concat(Enumerable.Repeat("N0", 5_000_001))).File(), "more than 10000000 operations");
    }

    [Fact]
    public void A_dictionary_that_holds_itself_is_refused() =>
        Refused(new PickleBytes().Op("}q\0").Text("me").Op("h\0s").File(), "nests dictionaries too deeply");

    [Fact]
    public void A_few_bytes_cannot_unfold_into_a_great_many_names()
    {
        Refused(new PickleBytes().Op("}q\0").Op(Doubling(30)).File(), "too deeply or too often");

        static byte[] Doubling(int levels)
        {
            var code = new List<byte>("0"u8.ToArray());
            for (var level = 1; level < levels; level++)
                code.AddRange([(byte)'}', (byte)'q', (byte)level, (byte)'(', .. Key('a'), (byte)'h', (byte)(level - 1),
                    .. Key('b'), (byte)'h', (byte)(level - 1), (byte)'u', (byte)'0']);
            code.AddRange([(byte)'h', (byte)(levels - 1)]);
            return [.. code];
        }

        static byte[] Key(char letter) => [(byte)'X', 1, 0, 0, 0, (byte)letter];
    }

    [Fact]
    public void Two_tensors_of_one_name_are_refused() => Refused(
        new PickleBytes().Op("}(").Text("a.b").Tensor([6], [1]).Text("a").Op("}").Text("b").Tensor([6], [1]).Op("su").File(),
        "is there twice", "a.b");

    [Fact]
    public void A_tensor_under_an_odd_key_is_refused() =>
        Refused(new PickleBytes().Op("}N").Tensor([6], [1]).Op("s").File(), "a key that is neither text nor a number");

    [Fact]
    public void A_lazily_negated_view_is_refused() => Refused(
        pickle => pickle.Global("torch._utils", "_rebuild_tensor_v2").Op("((")
            .Text("storage").Global("torch", "FloatStorage").Text("0").Text("cpu").Int(6).Op("tQ").Int(0)
            .Ints([6]).Ints([1]).Op([0x89]).Global("collections", "OrderedDict").Op(")R}").Text("neg").Op([0x88]).Op("stR"),
        "resolve_neg()");
}
