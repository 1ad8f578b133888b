using Fabula.Torch;

namespace Fabula.Models.Tests;

/// <summary>Both image towers: Wan's and OpenAI's.</summary>
public class ClipTests
{
    static readonly WanClipConfig Wan = new() { ImageSize = 28, PatchSize = 14, Dim = 16, Heads = 2, Layers = 3 };
    static readonly ClipImageConfig OpenAI = new() { ImageSize = 32, PatchSize = 16, Width = 64, Layers = 2, EmbedDim = 12 };

    [Fact]
    public void Images_of_different_sizes_in_one_batch_get_the_tokens_they_get_alone() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanClipVision(Wan, weights);
        var (a, b) = (Noise("a", 3, 20, 50) * 2 - 1, Noise("b", 3, 40, 31) * 2 - 1);
        var both = model.Encode([a, b]);
        Assert.Equal([2L, 5, 16], both.Shape);
        Near(model.Encode([a]), both.Narrow(0, 0, 1));
        Near(model.Encode([b]), both.Narrow(0, 1, 1));
    });

    [Fact]
    public void Wans_tokens_do_not_depend_on_the_last_block() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(2, DType.F32, Device.Cpu);
        var model = new WanClipVision(Wan, weights);
        var pixels = model.Preprocess([Noise("a", 3, 28, 28)]);
        var (before, whole) = (model.Forward(pixels), model.Forward(pixels, Wan.Layers));
        weights.Parameters["transformer.2.mlp.0.weight"].Fill_(0.5);
        Assert.Equal(before.ToFloats(), model.Forward(pixels).ToFloats());
        Assert.NotEqual(whole.ToFloats(), model.Forward(pixels, Wan.Layers).ToFloats());
    });

    [Fact]
    public void Hugging_Faces_names_give_the_same_Wan_tower_and_text_is_left_out() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(3, DType.F32, Device.Cpu);
        var image = Noise("a", 3, 28, 28);
        var expected = new WanClipVision(Wan, weights).Encode([image]).ToFloats();
        var unused = Tensor.Zeros([4], DType.F32, Device.Cpu);

        using (var file = new SafetensorsFile(weights.Parameters.Select(pair => ("visual." + pair.Key, pair.Value))
            .Concat([("textual.token_embedding.weight", unused), ("log_scale", unused), ("visual.head", unused)])))
            Assert.Equal(expected, Read(file));
        using (var file = new SafetensorsFile(weights.Parameters.SelectMany(pair => Theirs(pair.Key, pair.Value))
            .Concat([("vision_model.post_layernorm.weight", unused), ("vision_model.post_layernorm.bias", unused)])
            .Append(("visual_projection.weight", unused))))
            Assert.Equal(expected, Read(file));

        float[] Read(SafetensorsFile file)
        {
            using var read = Weights.Open(file.Path, DType.F32, Device.Cpu, WanClipVision.Rename);
            return new WanClipVision(Wan, read).Encode([image]).ToFloats();
        }

        static IEnumerable<(string, Tensor)> Theirs(string name, Tensor tensor) => name switch
        {
            "cls_embedding" => [("vision_model.embeddings.class_embedding", tensor.Flatten())],
            "pos_embedding" => [("vision_model.embeddings.position_embedding.weight", tensor.Squeeze(0))],
            "patch_embedding.weight" => [("vision_model.embeddings.patch_embedding.weight", tensor)],
            "pre_norm.weight" => [("vision_model.pre_layrnorm.weight", tensor)],
            "pre_norm.bias" => [("vision_model.pre_layrnorm.bias", tensor)],
            _ => Layer(name.Split('.', 3), tensor),
        };
    });

    [Fact]
    public void Hugging_Faces_names_give_the_same_OpenAI_tower() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(4, DType.F32, Device.Cpu);
        var images = Noise("a", 2, 3, 40, 24);
        var expected = new ClipImageEncoder(OpenAI, weights).Embed(images);
        using var file = new SafetensorsFile(weights.Parameters.SelectMany(pair => Theirs(pair.Key, pair.Value))
            .Append(("text_model.final_layer_norm.bias", Tensor.Zeros([4], DType.F32, Device.Cpu))));
        using var read = Weights.Open(file.Path, DType.F32, Device.Cpu, ClipImageEncoder.Rename);
        Near(expected, new ClipImageEncoder(OpenAI, read).Embed(images));

        static IEnumerable<(string, Tensor)> Theirs(string name, Tensor tensor) => name switch
        {
            "class_embedding" => [("vision_model.embeddings.class_embedding", tensor)],
            "positional_embedding" => [("vision_model.embeddings.position_embedding.weight", tensor)],
            "conv1.weight" => [("vision_model.embeddings.patch_embedding.weight", tensor)],
            "proj" => [("visual_projection.weight", tensor.Transpose(0, 1))],
            "ln_pre.weight" => [("vision_model.pre_layrnorm.weight", tensor)],
            "ln_pre.bias" => [("vision_model.pre_layrnorm.bias", tensor)],
            "ln_post.weight" => [("vision_model.post_layernorm.weight", tensor)],
            "ln_post.bias" => [("vision_model.post_layernorm.bias", tensor)],
            _ => Layer(name["transformer.".Length..].Split('.', 3), tensor),
        };
    });

    [Fact]
    public void Features_have_length_one_and_do_not_depend_on_the_rest_of_the_batch() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(5, DType.F32, Device.Cpu);
        var model = new ClipImageEncoder(OpenAI, weights);
        var images = Noise("a", 3, 3, 20, 30);
        var features = model.Embed(images);
        Near(Tensor.Ones([3], DType.F32, Device.Cpu), features.Norm(1));
        Near(model.Embed(images.Narrow(0, 1, 1)), features.Narrow(0, 1, 1));
    });

    /// <summary>Hugging Face's names for a tensor of block parts[1], under either tower's name in parts[2].</summary>
    static IEnumerable<(string, Tensor)> Layer(string[] parts, Tensor tensor)
    {
        var start = $"vision_model.encoder.layers.{parts[1]}.";
        var leaf = parts[2].EndsWith("bias", StringComparison.Ordinal) ? "bias" : "weight";
        var module = parts[2][..^(leaf.Length + 1)];
        if (module is not ("attn.to_qkv" or "attn.in_proj")) return [(start + module switch
        {
            "norm1" or "ln_1" => "layer_norm1",
            "norm2" or "ln_2" => "layer_norm2",
            "attn.proj" or "attn.out_proj" => "self_attn.out_proj",
            "mlp.0" or "mlp.c_fc" => "mlp.fc1",
            _ => "mlp.fc2",
        } + "." + leaf, tensor)];
        return tensor.Chunk(3, 0).Zip("qkv", (part, letter) => ($"{start}self_attn.{letter}_proj.{leaf}", part));
    }

    static Tensor Noise(string purpose, params long[] shape) => new RandomSource(9).Uniform(purpose, 0, shape);

    static void Near(Tensor expected, Tensor actual) => Assert.InRange((expected - actual).Abs().Max().Item(), 0, 1e-5);
}
