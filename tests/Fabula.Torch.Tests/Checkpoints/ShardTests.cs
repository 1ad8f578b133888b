using System.Text;
using System.Text.Json;

namespace Fabula.Torch.Tests.Checkpoints;

public sealed class ShardTests
{
    const string Index = "model.safetensors.index.json";
    const string Sound = """
        {"metadata":{"total_size":3,"deep":{"a":[1]},"kind":"x"},
         "weight_map":{"a":"1.safetensors","b":"2.safetensors","c":"2.safetensors"}}
        """;

    static byte[] Shard(params string[] names) => Bytes.Safetensors(
        "{" + string.Join(',', names.Select((name, i) => Bytes.Member(name, "U8", "", i, i + 1))) + "}", names.Length);

    static byte[] SoundShard(string file) => file == "1.safetensors" ? Shard("a") : Shard("b", "c");

    static void Refused(string index, string words, string? tensor = null, Func<string, byte[]>? shards = null) =>
        Bytes.Refused(Encoding.UTF8.GetBytes(index), words, tensor, Index, shards ?? SoundShard);

    [Fact]
    public void Shards_are_one_checkpoint() => Bytes.Use(Encoding.UTF8.GetBytes(Sound), checkpoint =>
    {
        Assert.Equal(["a", "b", "c"], checkpoint.Entries.Keys.Order());
        Assert.Equal(("2.safetensors", 3L), (checkpoint.Entries["c"].File, checkpoint.TotalBytes));
        Assert.Equal(("3", "x", 2), (checkpoint.Metadata["total_size"], checkpoint.Metadata["kind"], checkpoint.Metadata.Count));
        return 0;
    }, Index, SoundShard);

    [Theory]
    [InlineData("[]", "is not a JSON object"), InlineData("{}", "has no 'weight_map'")]
    [InlineData("{\"weight_map\":[]}", "not a JSON object")]
    [InlineData("{\"weight_map\":{},\"weight_map\":{}}", "'weight_map' twice"), InlineData("{\"weight_map\":{}", "not valid JSON")]
    [InlineData("{\"weight_map\":{}} ,", "not valid JSON")]
    [InlineData("\u0001\u0001\u0001\u0001\u0001\u0001\u0001\u0001", "not valid JSON")]
    public void An_unsound_index_is_refused(string index, string words) => Refused(index, words);

    [Theory]
    [InlineData("../1.safetensors"), InlineData("..\\1.safetensors"), InlineData("/etc/passwd"), InlineData("a/1.safetensors")]
    [InlineData(".."), InlineData("."), InlineData(""), InlineData("a\0")]
    public void A_shard_outside_the_folder_is_refused(string shard) =>
        Refused($$$"""{"weight_map":{"a":"{{{JsonEncodedText.Encode(shard)}}}"}}""", "not a plain file name", "a");

    [Fact]
    public void A_shard_that_is_not_a_string_is_refused() => Refused("""{"weight_map":{"a":1}}""", "not a string", "a");

    [Fact]
    public void A_tensor_listed_twice_is_refused() =>
        Refused("""{"weight_map":{"a":"1.safetensors","a":"2.safetensors"}}""", "listed twice", "a");

    [Fact]
    public void A_tensor_that_its_shard_lacks_is_named() =>
        Refused(Sound.Replace("\"c\":", "\"d\":\"2.safetensors\",\"c\":", StringComparison.Ordinal), "is not in '2.safetensors'", "d");

    [Fact]
    public void A_tensor_that_the_index_does_not_list_is_named() =>
        Refused(Sound, "2.safetensors: tensor 'x' is not listed in model.safetensors.index.json", "x",
            file => file == "1.safetensors" ? Shard("a") : Shard("b", "c", "x"));

    [Fact]
    public void A_tensor_in_two_shards_is_named() =>
        Refused(Sound, "2.safetensors: tensor 'a' is also in 1.safetensors", "a",
            file => file == "1.safetensors" ? Shard("a") : Shard("b", "c", "a"));

    [Fact]
    public void A_tensor_in_the_wrong_shard_is_named() =>
        Refused(Sound, "1.safetensors: tensor 'b' should be in '2.safetensors'", "b",
            file => file == "1.safetensors" ? Shard("a", "b") : Shard("c"));

    [Fact]
    public void A_missing_shard_is_named()
    {
        using var folder = new TemporaryFolder();
        folder.Put("1.safetensors", Shard("a"));
        var refusal = Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder.Put(Index, Encoding.UTF8.GetBytes(Sound))));
        Assert.Contains("lists the shard '2.safetensors', which is not beside it", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shard_may_be_a_link_out_of_the_folder()
    {
        using var folder = new TemporaryFolder();
        using var cache = new TemporaryFolder();
        File.CreateSymbolicLink(folder["1.safetensors"], cache.Put("blob1", Shard("a")));
        File.CreateSymbolicLink(folder["2.safetensors"], cache.Put("blob2", Shard("b", "c")));
        using var checkpoint = Checkpoint.Open(folder.Put(Index, Encoding.UTF8.GetBytes(Sound)));
        Assert.Equal(3, checkpoint.Entries.Count);
    }
}
