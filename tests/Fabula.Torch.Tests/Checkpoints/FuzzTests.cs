using System.Diagnostics;
using System.Text;
using Xunit.Abstractions;

namespace Fabula.Torch.Tests.Checkpoints;

/// <summary>
/// Sound files, damaged in every way that the seed comes up with. Each either opens, and then every byte of every tensor lies inside
/// the file, or is refused with a <see cref="CheckpointException"/>; nothing else may happen, and nothing may take long.
/// </summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    static readonly string[] Numbers =
    [
        "0", "1", "-1", "2", "3", "7", "24", "255", "65536", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808",
        "18446744073709551615", "18446744073709551616", "1e3", "1.0", "0.5", "-0", "00", "1E999", "4611686018427387904",
    ];

    static readonly string[] Values =
    [
        "null", "true", "[]", "{}", "\"\"", "\"F32\"", "\"BOOL\"", "\"F4\"", "[0,0]", "[1,2,3]", "[[1]]", "[-1]",
        "[0,18446744073709551615]", "\"\\ud800\"", "\"\\u0000\"", "\"..\"", "\"1.safetensors\"",
        "{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}", "1e400",
    ];

    static readonly string Header = "{\"__metadata__\":{\"format\":\"pt\",\"note\":\"\\u00e9\"},"
        + string.Join(',', Bytes.Member("a.weight", "F32", "2,3", 0, 24), Bytes.Member("b", "BF16", "4", 24, 32),
            Bytes.Member("c", "U8", "", 32, 33), Bytes.Member("d", "I64", "0,7", 33, 33)) + "}";

    static readonly byte[] Shard1 = Bytes.Safetensors($"{{{Bytes.Member("a", "U8", "2", 0, 2)}}}", 2);
    static readonly byte[] Shard2 = Bytes.Safetensors($"{{{Bytes.Member("b", "U8", "2", 0, 2)},{Bytes.Member("c", "F32", "1", 2, 6)}}}", 6);

    const string Index = """
        {"metadata":{"total_size":8,"x":[1,{"y":2}]},"weight_map":{"a":"1.safetensors","b":"2.safetensors","c":"2.safetensors"}}
        """;

    [Fact]
    public void Damaged_safetensors_are_read_or_refused() => Run(40_000, seed: 1, "made.safetensors", random =>
    {
        var header = Encoding.UTF8.GetBytes(Header);
        var whole = Bytes.Safetensors(header, new byte[33]);
        return random.Next(4) == 0 ? Damage(random, whole) : Bytes.Safetensors(DamageText(random, header), new byte[33]);
    });

    [Fact]
    public void Damaged_indexes_are_read_or_refused() => Run(30_000, seed: 2, "model.safetensors.index.json", random =>
    {
        var index = Encoding.UTF8.GetBytes(Index);
        return random.Next(4) == 0 ? Damage(random, index) : DamageText(random, index);
    });

    [Fact]
    public void Damaged_PyTorch_files_are_read_or_refused()
    {
        var files = new[] { "state_dict.pth", "views.pth", "training.pth", "protocol4.pth", "runs_code.pth", "old.pth" }
            .Select(file => File.ReadAllBytes(TorchFileTests.Data(file))).ToArray();
        Run(20_000, seed: 3, "made.pth", random => Damage(random, files[random.Next(files.Length)]));
    }

    [Fact]
    public void Damaged_pickles_are_read_or_refused()
    {
        var files = new[] { "state_dict.pth", "views.pth", "training.pth", "protocol4.pth", "nested.pth" }
            .Select(file => Parts(File.ReadAllBytes(TorchFileTests.Data(file)))).ToArray();
        Run(20_000, seed: 4, "made.pth", random =>
        {
            var (pickle, storages) = files[random.Next(files.Length)];
            return ZipBytes.Torch(random.Next(3) == 0 ? Damage(random, pickle) : DamageInstructions(random, pickle), storages);
        });
    }

    void Run(int cases, int seed, string name, Func<Random, byte[]> make)
    {
        var random = new Random(seed);
        var (opened, slowest, watch) = (0, TimeSpan.Zero, Stopwatch.StartNew());
        for (var i = 0; i < cases; i++)
        {
            var file = make(random);
            var began = watch.Elapsed;
            try
            {
                Bytes.Use(file, checkpoint => checkpoint.Entries.Values.Sum(Touch), name,
                    shard => shard == "1.safetensors" ? Shard1 : Shard2);
                opened++;
            }
            catch (CheckpointException refusal)
            {
                Bytes.AssertSentence(refusal);
            }
            catch (Exception e)
            {
                Assert.Fail($"case {i} of seed {seed}: {e}");
            }
            if (watch.Elapsed - began > slowest) slowest = watch.Elapsed - began;
        }
        output.WriteLine($"{cases} cases, {opened} opened, {watch.Elapsed.TotalSeconds:F1} s, slowest {slowest.TotalMilliseconds:F1} ms");
        Assert.InRange(opened, cases / 100, cases - cases / 4); // else the damage is too great or too small to tell anything
        Assert.InRange(slowest, TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    /// <summary>Fails if a tensor is not inside its file; else reads its first, middle and last bytes.</summary>
    static unsafe int Touch(TensorEntry entry)
    {
        Assert.InRange(entry.Data, entry.Owner.Data, entry.Owner.Data + (nint)(entry.Owner.Length - entry.Bytes));
        Assert.InRange(entry.Bytes, 0, entry.Owner.Length);
        Assert.All(entry.Shape, extent => Assert.InRange(extent, 0, long.MaxValue));
        var data = (byte*)entry.Data;
        return entry.Bytes == 0 ? 0 : data[0] + data[entry.Bytes / 2] + data[entry.Bytes - 1];
    }

    /// <summary>Blind damage to any bytes: bits, cuts, copies, numbers.</summary>
    static byte[] Damage(Random random, byte[] whole)
    {
        var file = whole.ToList();
        for (var times = random.Next(1, 4); times > 0 && file.Count > 8; times--)
        {
            var at = random.Next(file.Count);
            switch (random.Next(6))
            {
                case 0: file[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: file[at] = (byte)random.Next(256); break;
                case 2: file.RemoveRange(at, file.Count - at); break;
                case 3: file.RemoveRange(at, Math.Min(random.Next(1, 9), file.Count - at)); break;
                case 4: file.InsertRange(random.Next(file.Count), file.GetRange(at, Math.Min(random.Next(1, 40), file.Count - at))); break;
                default:
                    var size = 1 << random.Next(4);
                    long[] edges = [0, 1, -1, file.Count, file.Count - 1, int.MaxValue, uint.MaxValue, long.MaxValue, long.MinValue];
                    var number = BitConverter.GetBytes(edges[random.Next(edges.Length)]);
                    for (var i = 0; i < size && at + i < file.Count; i++) file[at + i] = number[i];
                    break;
            }
        }
        return [.. file];
    }

    /// <summary>Damage that knows JSON: members copied, moved, dropped; numbers and values put in place of others; deep nests.</summary>
    static byte[] DamageText(Random random, byte[] json)
    {
        var text = Encoding.UTF8.GetString(json);
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            switch (random.Next(7))
            {
                case 0: text = Replace(text, Run(random, text, char.IsAsciiDigit), Numbers[random.Next(Numbers.Length)]); break;
                case 1: text = Replace(text, Value(random, text), Values[random.Next(Values.Length)]); break;
                case 2: text = Replace(text, Value(random, text), text[Value(random, text)]); break;
                case 3: text = Replace(text, Member(random, text), ""); break;
                case 4: text = text.Insert(Member(random, text).Start.Value, text[Member(random, text)]); break;
                case 5: text = text.Insert(random.Next(text.Length), new string("[{\",:}] "[random.Next(8)], random.Next(1, 40))); break;
                default: text = Encoding.UTF8.GetString(Damage(random, Encoding.UTF8.GetBytes(text))); break;
            }
        }
        return Encoding.UTF8.GetBytes(text);
    }

    static string Replace(string text, Range range, string by) =>
        string.Concat(text.AsSpan(0, range.Start.Value), by, text.AsSpan(range.End.Value));

    /// <summary>Characters of a kind that stand together; nothing at all, if the text has none.</summary>
    static Range Run(Random random, string text, Func<char, bool> kind)
    {
        var start = random.Next(text.Length + 1);
        while (start < text.Length && !kind(text[start])) start++;
        var end = start;
        while (end < text.Length && kind(text[end])) end++;
        return start..end;
    }

    /// <summary>From a colon to where its value ends.</summary>
    static Range Value(Random random, string text)
    {
        var start = Run(random, text, c => c == ':').End.Value;
        var (end, depth) = (start, 0);
        for (; end < text.Length; end++)
        {
            if (text[end] is '[' or '{') depth++;
            if (text[end] is ']' or '}' && --depth < 0) break;
            if (text[end] == ',' && depth == 0) break;
        }
        return start..end;
    }

    /// <summary>A key and its value, with the comma behind.</summary>
    static Range Member(Random random, string text)
    {
        var value = Value(random, text);
        var start = value.Start.Value == 0 ? 0 : text.LastIndexOfAny([',', '{'], value.Start.Value - 1) + 1;
        return start..Math.Min(text.Length, value.End.Value + 1);
    }

    /// <summary>Damage that knows pickles: other numbers; instructions put in, or swapped for others.</summary>
    static byte[] DamageInstructions(Random random, byte[] pickle)
    {
        var code = pickle.ToList();
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var number = code.IndexOf((byte)'K', random.Next(code.Count)) + 1; // a number of one byte; 0 where none follows
            if (number > 0 && number < code.Count) code[number] = (byte)(random.Next(2) == 0 ? random.Next(8) : random.Next(256));
        }
        if (random.Next(2) == 0) return [.. code];
        var instructions = "().0]}aehjKMJNQRXbcqrstu\u0080\u0081\u0085\u0086\u0087\u0088\u008a\u008c\u008d\u0093\u0094\u0095";
        for (var times = random.Next(1, 3); times > 0; times--)
        {
            var at = random.Next(2, code.Count);
            if (random.Next(2) == 0) code[at] = (byte)instructions[random.Next(instructions.Length)];
            else code.Insert(at, (byte)instructions[random.Next(instructions.Length)]);
        }
        return [.. code];
    }

    static (byte[] Pickle, (string, byte[])[] Storages) Parts(byte[] file)
    {
        using var zip = new System.IO.Compression.ZipArchive(new MemoryStream(file));
        var parts = zip.Entries.ToDictionary(entry => entry.FullName[(entry.FullName.IndexOf('/') + 1)..], entry =>
        {
            using var content = new MemoryStream();
            using var stream = entry.Open();
            stream.CopyTo(content);
            return content.ToArray();
        });
        return (parts["data.pkl"],
            [.. parts.Where(part => part.Key.StartsWith("data/", StringComparison.Ordinal)).Select(part => (part.Key[5..], part.Value))]);
    }
}
