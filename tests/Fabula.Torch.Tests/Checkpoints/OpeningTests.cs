using System.Diagnostics;
using System.Text;

namespace Fabula.Torch.Tests.Checkpoints;

public sealed class OpeningTests
{
    static readonly byte[] One = Bytes.OneTensor(""" "dtype":"U8","shape":[1],"data_offsets":[0,1] """, 1);

    static void Refused(string path, params string[] words)
    {
        var refusal = Assert.Throws<CheckpointException>(() => Checkpoint.Open(path));
        Assert.All(words, word => Assert.Contains(word, refusal.Message, StringComparison.Ordinal));
        Bytes.AssertSentence(refusal);
    }

    static string Opened(string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        return Path.GetFileName(checkpoint.Path);
    }

    [Fact]
    public void A_folder_gives_the_checkpoint_of_the_usual_name_first()
    {
        using var folder = new TemporaryFolder();
        folder.Put("some.safetensors", One);
        Assert.Equal("some.safetensors", Opened(folder[""]));
        folder.Put("other.safetensors", One);
        Refused(folder[""], "no single checkpoint", "'other.safetensors', 'some.safetensors'");
        var index = Encoding.UTF8.GetBytes("""{"weight_map":{"w":"other.safetensors"}}""");
        foreach (var name in new[]
        {
            "any.safetensors.index.json", "model.safetensors", "diffusion_pytorch_model.safetensors", "model.safetensors.index.json",
            "diffusion_pytorch_model.safetensors.index.json",
        })
        {
            folder.Put(name, name.EndsWith("json", StringComparison.Ordinal) ? index : One);
            Assert.Equal(name, Opened(folder[""]));
        }
    }

    [Fact]
    public void A_folder_without_a_checkpoint_says_what_is_there()
    {
        using var folder = new TemporaryFolder();
        Refused(folder[""], "no files in it");
        folder.Put("weights.pth", One);
        Refused(folder[""], "'weights.pth'");
    }

    [Fact]
    public void Missing_and_empty_files_are_refused()
    {
        using var folder = new TemporaryFolder();
        Refused(folder["none.safetensors"], "none.safetensors does not exist");
        Refused(folder.Put("empty.safetensors", []), "is empty");
        Refused("", " does not exist");
    }

    [Fact]
    public void A_tensor_outlives_its_checkpoint_by_retaining_the_map()
    {
        using var folder = new TemporaryFolder();
        var checkpoint = Checkpoint.Open(folder.Put("w.safetensors", One));
        var entry = checkpoint.Entries["w"];
        entry.Owner.Retain();
        checkpoint.Dispose();
        checkpoint.Dispose();
        Assert.Equal([0], Bytes.Elements(entry));
        entry.Owner.Release();
        Assert.Throws<ObjectDisposedException>(() => entry.Data);
        Assert.Throws<ObjectDisposedException>(entry.Owner.Retain);
    }

    [Fact]
    public async Task Holders_come_and_go_on_many_threads()
    {
        using var folder = new TemporaryFolder();
        var checkpoint = Checkpoint.Open(folder.Put("w.safetensors", One));
        var entry = checkpoint.Entries["w"];
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                entry.Owner.Retain();
                entry.Owner.Release();
            }
        })));
        Assert.Equal([0], Bytes.Elements(entry));
        checkpoint.Dispose();
        Assert.Throws<ObjectDisposedException>(() => entry.Data);
    }

    [Fact]
    public void A_replaced_file_does_not_disturb_those_who_read_the_old_one()
    {
        using var folder = new TemporaryFolder();
        using var old = Checkpoint.Open(folder.Put("w.safetensors", One));
        SafetensorsWriter.Write(folder["w.safetensors"], [TensorData.From("w", DType.U8, [1], new byte[] { 9 })]);
        using var replaced = Checkpoint.Open(folder["w.safetensors"]);
        Assert.Equal((0, 9), (Bytes.Elements(old.Entries["w"])[0], Bytes.Elements(replaced.Entries["w"])[0]));
    }

    [Fact]
    public void A_checkpoint_of_825_tensors_and_2_6_GB_opens_at_once()
    {
        using var folder = new TemporaryFolder();
        Sparse(folder["model.safetensors"], Enumerable.Range(0, 825).Select(i => $"blocks.{i}.weight"), [1024, 1536]);
        AssertOpens(folder[""], TimeSpan.FromSeconds(0.5), 825, 825L * 1024 * 1536 * 2);
    }

    [Fact]
    public void A_checkpoint_of_57_GB_in_12_shards_opens_at_once()
    {
        using var folder = new TemporaryFolder();
        var names = Enumerable.Range(0, 12).ToDictionary(
            shard => $"part-{shard}.safetensors", shard => Enumerable.Range(0, 100).Select(i => $"blocks.{shard}.{i}.weight").ToList());
        foreach (var (shard, tensors) in names) Sparse(folder[shard], tensors, [4864, 4864]);
        var map = names.SelectMany(shard => shard.Value.Select(tensor => $"\"{tensor}\":\"{shard.Key}\""));
        folder.Put("model.safetensors.index.json", Encoding.UTF8.GetBytes($"{{\"weight_map\":{{{string.Join(',', map)}}}}}"));
        AssertOpens(folder[""], TimeSpan.FromSeconds(1), 1200, 1200L * 4864 * 4864 * 2);
    }

    static void AssertOpens(string path, TimeSpan limit, int tensors, long bytes)
    {
        var watch = Stopwatch.StartNew();
        using var checkpoint = Checkpoint.Open(path);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, limit);
        Assert.Equal((tensors, bytes), (checkpoint.Entries.Count, checkpoint.TotalBytes));
    }

    /// <summary>A file of bf16 tensors with a true header and a hole for data.</summary>
    static void Sparse(string path, IEnumerable<string> names, long[] shape)
    {
        var bytes = shape[0] * shape[1] * 2;
        var header = "{" + string.Join(',', names.Select((name, i) =>
            Bytes.Member(name, "BF16", string.Join(',', shape), i * bytes, (i + 1) * bytes))) + "}";
        using var file = File.Create(path);
        file.Write(Bytes.Safetensors(header, 0));
        file.SetLength(file.Length + names.Count() * bytes);
    }
}
