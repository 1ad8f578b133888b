// Hostile files and texts: only TokenizerException, and soon.
using System.Text;
using Fabula.Models.Text;

namespace Fabula.Models.Tests.Text;

public sealed class FuzzTests
{
    static readonly string[] Names =
    [
        "unigram-rules-suffix", "bpe-rules-bytes", "unigram-identity-symbols", "bpe-identity-symbols", "unigram-nmt-nfkc",
    ];

    [Fact]
    public void Twenty_thousand_damaged_files_and_wild_texts_fail_only_with_a_sentence()
    {
        var random = new Random(11);
        byte[] json = Encoding.UTF8.GetBytes(SampleJson.Of(Recorded.Model("unigram-rules-suffix")));
        byte[][] files = [.. Names.Select(n => File.ReadAllBytes(Recorded.PathOf(n + ".model"))), json];
        var lines = Recorded.Lines();
        int opened = 0, refused = 0;
        for (int i = 0; i < 20_000; i++)
        {
            int which = i % 50 == 0 ? 4 : i % 10 == 1 ? 5 : random.Next(4); // the large one seldom
            byte[] file = Damage(files[which], random);
            try
            {
                var model = which == 5 ? SentencePieceModel.ReadJson(file, "fuzz") : SentencePieceModel.Read(file, "fuzz");
                opened++;
                byte[] text = [.. lines[random.Next(lines.Count)], .. lines[random.Next(lines.Count)]];
                random.NextBytes(text.AsSpan(0, Math.Min(text.Length, random.Next(6))));
                model.Decode(model.Encode(text));
            }
            catch (TokenizerException e)
            {
                refused++;
                Assert.EndsWith(".", e.Message, StringComparison.Ordinal);
            }
        }
        Assert.True(opened > 2000 && refused > 2000, $"opened {opened}, refused {refused}");
    }

    [Fact]
    public void Forged_double_arrays_neither_crash_nor_hang()
    {
        var random = new Random(12);
        byte[] text = Encoding.UTF8.GetBytes(new string('a', 2_000) + " \u00e9中🎬");
        for (int i = 0; i < 2_000; i++)
        {
            byte[] map = new byte[4 + 1024 + random.Next(1, 64)];
            random.NextBytes(map);
            BitConverter.TryWriteBytes(map, 1024);
            for (int unit = 4; unit < 1028; unit += 4) // small offsets and the label 'a', so that walks go on
                BitConverter.TryWriteBytes(map.AsSpan(unit), (uint)((random.Next(256) << 10) | (random.Next(2) << 8) | 'a'));
            try
            {
                new SentencePieceModel([new("<unk>", 0, PieceType.Unknown), new("a", 0)], new() { Charsmap = map }).Encode(text);
            }
            catch (TokenizerException)
            {
                // refused, as it should be
            }
        }
    }

    [Fact]
    public void Long_repetitions_stay_fast()
    {
        foreach (string name in Names)
        {
            var model = Recorded.Model(name);
            foreach (string part in (string[])["a", " ", "▁", "the ", "e\u0301", "<shot>", "🎬", "中"])
                model.Encode(string.Concat(Enumerable.Repeat(part, 20_000)));
        }
    }

    static byte[] Damage(byte[] file, Random random)
    {
        List<byte> damaged = [.. random.Next(6) == 0 ? file[..random.Next(file.Length)] : file];
        for (int n = random.Next(1, 5); n > 0 && damaged.Count > 8; n--)
        {
            int at = random.Next(2) == 0 ? random.Next(damaged.Count) : random.Next(Math.Min(damaged.Count, 300));
            switch (random.Next(5))
            {
                case 0: damaged[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: damaged[at] = (byte)random.Next(256); break;
                case 2: damaged.Insert(at, (byte)random.Next(256)); break;
                case 3: damaged.RemoveAt(at); break;
                default: damaged[at] = 0xFF; break;
            }
        }
        return [.. damaged];
    }
}
