namespace Fabula.Torch;

/// <summary>
/// A checkpoint that torch.save wrote (.pth, .pt, .bin; PyTorch 1.6 and later): a ZIP file with a pickle, "root/data.pkl", that
/// describes the tensors, and one stored entry per storage, "root/data/0" and so on, which are used in place.
/// </summary>
static class TorchFile
{
    /// <summary>The metadata key under which <see cref="Read"/> says how nested dictionaries became one list of names.</summary>
    internal const string LayoutKey = "fabula.layout";

    const long LongestPickle = 256 << 20;
    const int Deepest = 32, MostNameText = 64 << 20;
    const string Pickle = "/data.pkl";

    internal static TensorTable Read(MappedFile file)
    {
        var entries = ZipDirectory.Read(file);
        var pickles = entries.Keys.Where(name => name.EndsWith(Pickle, StringComparison.Ordinal)).ToList();
        if (pickles is []) throw file.Fault("is a ZIP file but no PyTorch checkpoint: it has no 'data.pkl'");
        if (pickles is not [var pickle]) throw file.Fault("has more than one 'data.pkl'");
        var root = pickle[..^Pickle.Length];
        if (entries.TryGetValue($"{root}/byteorder", out var order)
            && !file.Span(order.Offset, (int)Math.Min(order.Length, 16)).SequenceEqual("little"u8))
            throw file.Fault("was saved on a big-endian machine: load and save it in PyTorch on a little-endian one");
        var (at, length) = entries[pickle];
        if (length > LongestPickle) throw file.Fault($"has a pickle of {length} bytes (the limit is {LongestPickle})");

        var top = new Unpickler(file.Span(at, (int)length), file, new TensorRebuilder(file, root, entries)).Read() as PickledDict
            ?? throw file.Fault("holds something other than a dictionary of tensors: save a state_dict() instead");
        var metadata = new Dictionary<string, string>();
        var chosen = Choose(top, metadata);
        return new(Flatten(chosen, file, metadata), metadata);
    }

    /// <summary>The one dictionary of tensors in a training checkpoint; else the top. Plain values at the top become metadata.</summary>
    static PickledDict Choose(PickledDict top, Dictionary<string, string> metadata)
    {
        foreach (var (key, value) in top.Items)
            if (key is string name && value is string or long or double or bool) metadata[name] = value.ToString()!;
        if (HasTensors(top)) return top;
        var inner = top.Items.Where(item => item is (string, PickledDict dict) && HasTensors(dict)).ToList();
        if (inner is not [(string only, PickledDict chosen)]) return top;
        var others = top.Items.Where(item => item.Value != chosen && IsNested(item.Value)).Select(item => $"{item.Key}").ToList();
        metadata[LayoutKey] = $"the tensors under '{only}'" + (others.Count == 0 ? "" : $"; left out: {CheckpointException.List(others)}");
        return chosen;
    }

    /// <summary>
    /// Names every tensor by its keys joined with '.', in order. Without recursion, and with limits, because a pickle of a few
    /// bytes can hold itself, or the same dictionary twice at each of many levels.
    /// </summary>
    static Dictionary<string, TensorEntry> Flatten(PickledDict top, MappedFile file, Dictionary<string, string> metadata)
    {
        var entries = new Dictionary<string, TensorEntry>();
        var open = new Stack<(string Prefix, IEnumerator<(object? Key, object? Value)> Items)>();
        var nameText = 0;
        open.Push(("", Items(top).GetEnumerator()));
        while (open.TryPeek(out var level))
        {
            if (!level.Items.MoveNext())
            {
                open.Pop();
                continue;
            }
            var (key, value) = level.Items.Current;
            var name = level.Prefix + Name(key);
            nameText += name.Length + 1;
            if (nameText > MostNameText || open.Count > Deepest)
                throw file.Fault("nests dictionaries too deeply or too often to name their tensors: save a flat state_dict() instead");
            if (value is PickledTensor tensor)
            {
                if (Name(key) is null) throw file.Fault($"has a tensor under a key that is neither text nor a number, in '{level.Prefix}'");
                var entry = new TensorEntry(name, tensor.Type, tensor.Shape, tensor.Strides, file, tensor.Offset, tensor.Bytes);
                if (!entries.TryAdd(name, entry)) throw file.Fault(name, "is there twice");
                if (open.Count > 1) metadata.TryAdd(LayoutKey, "nested dictionaries, their keys joined with '.'");
            }
            else if (IsNested(value)) open.Push(($"{name}.", Items(value).GetEnumerator()));
        }
        return entries;
    }

    static bool HasTensors(PickledDict dict) => dict.Items.Exists(item => item.Value is PickledTensor);

    static bool IsNested(object? value) => value is PickledDict or IList<object?>;

    static string? Name(object? key) => key switch { string text => text, long number => $"{number}", _ => null };

    static IEnumerable<(object? Key, object? Value)> Items(object? value) => value switch
    {
        PickledDict dict => dict.Items,
        IList<object?> list => list.Select((item, i) => ((object?)(long)i, item)),
        _ => [],
    };
}
