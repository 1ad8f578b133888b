using Fabula.Torch;

namespace Fabula.Models.Tests;

public sealed class LoraTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("fabula-lora").FullName;
    const string Q = "blocks.0.self_attn.q", Ffn = "blocks.1.ffn.2";

    public static TheoryData<string, string, string> Namings => new()
    {
        { "base_model.model.blocks.0.self_attn.q.lora_A.weight", "base_model.model.blocks.0.self_attn.q.lora_B.weight", Q },
        { "base_model.model.blocks.0.self_attn.q.lora_A.default.weight", "base_model.model.blocks.0.self_attn.q.lora_B.default.weight", Q },
        { "blocks.0.self_attn.q.lora_A.weight", "blocks.0.self_attn.q.lora_B.weight", Q },
        { "diffusion_model.blocks.0.self_attn.q.lora_down.weight", "diffusion_model.blocks.0.self_attn.q.lora_up.weight", Q },
        { "transformer.blocks.0.attn1.to_q.lora_A.weight", "transformer.blocks.0.attn1.to_q.lora_B.weight", Q },
        { "base_model.model.transformer.blocks.0.attn1.to_q.lora.down.weight",
            "base_model.model.transformer.blocks.0.attn1.to_q.lora.up.weight", Q },
        { "lora_unet_blocks_0_self_attn_q.lora_down.weight", "lora_unet_blocks_0_self_attn_q.lora_up.weight", Q },
        { "lora_transformer_blocks_0_attn1_to_q.lora_down.weight", "lora_transformer_blocks_0_attn1_to_q.lora_up.weight", Q },
        { "blocks.1.ffn.2.lora_A.weight", "blocks.1.ffn.2.lora_B.weight", Ffn },
        { "transformer.blocks.1.ffn.net.2.lora_A.weight", "transformer.blocks.1.ffn.net.2.lora_B.weight", Ffn },
    };

    string Write(string file, params (string Name, long[] Shape, float[]? Values)[] tensors)
    {
        var path = Path.Combine(_folder, file);
        SafetensorsWriter.Write(path, tensors.Select(tensor =>
        {
            var values = tensor.Values ?? [.. Enumerable.Range(0, (int)tensor.Shape.Aggregate(1L, (a, b) => a * b))
                .Select(i => MathF.Sin(i + tensor.Name.Length))];
            return TensorData.From(tensor.Name, DType.F32, tensor.Shape,
                System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
        }).ToList(), null);
        return path;
    }

    Weights Base() => Weights.Open(Write("base.safetensors", (Q + ".weight", [6, 4], null), (Q + ".bias", [6], null),
        (Ffn + ".weight", [6, 4], null), (Ffn + ".bias", [6], null)), DType.F32, Device.Cpu);

    static void Run(Action test) => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        test();
    });

    [Theory, MemberData(nameof(Namings))]
    public void Every_usual_naming_finds_its_weight_merged_and_at_run_time(string down, string up, string target) => Run(() =>
    {
        using var lora = Lora.Open(Write("lora.safetensors", (down, [2, 4], null), (up, [6, 2], null)),
            new LoraScaling(3, RankStabilized: false));
        using var plain = Base();
        using var merged = Base();
        using var attached = Base();
        Assert.Equal([target + ".weight"], lora.Merge(merged, strength: 0.5).Matched);
        lora.Attach(attached, strength: 0.5);

        var (before, after) = (plain[target].Get("weight", 6, 4), merged[target].Get("weight", 6, 4));
        var pair = Assert.Single(lora.Pairs);
        Assert.Equal(0, (after - (before + pair.B.Matmul(pair.A) * 0.75)).Abs().Max().Item(), 1e-6);

        var x = new RandomSource(3).Normal("x", 0, 5, 4);
        var (a, b) = (new Linear(merged[target], 4, 6).Forward(x), new Linear(attached[target], 4, 6).Forward(x));
        Assert.Equal(0, (a - b).Abs().Max().Item(), 1e-5);
        Assert.Equal(0, (attached[target].Get("weight", 6, 4) - before).Abs().Max().Item());
    });

    [Fact]
    public void The_scale_comes_from_the_caller_or_the_pair_or_adapter_config_or_is_one() => Run(() =>
    {
        var bare = Write("bare.safetensors", (Q + ".lora_A.weight", [4, 4], null), (Q + ".lora_B.weight", [6, 4], null));
        var own = Write("own.safetensors", (Q + ".lora_A.weight", [4, 4], null), (Q + ".lora_B.weight", [6, 4], null),
            (Q + ".alpha", [], [2f]));
        double Scale(string path, LoraScaling? scaling = null)
        {
            using var lora = Lora.Open(path, scaling);
            return lora.Pairs[0].Scale;
        }
        Assert.Equal(1, Scale(bare));
        Assert.Equal(0.5, Scale(own));
        Assert.Equal(64, Scale(own, LoraScaling.StoryMem));  // 128 / sqrt(4)
        File.WriteAllText(Path.Combine(_folder, "adapter_config.json"), """{"lora_alpha": 12, "r": 4, "use_rslora": true}""");
        Assert.Equal(6, Scale(bare));
        Assert.Equal(1, Scale(own));                          // its own alpha, in the configured way: 2 / sqrt(4)
        Assert.Equal(3, Scale(bare, new LoraScaling(12, false)));
    });

    [Fact]
    public void A_folder_is_opened_by_the_names_that_peft_uses() => Run(() =>
    {
        Write("adapter_model.safetensors", (Q + ".lora_A.weight", [2, 4], null), (Q + ".lora_B.weight", [6, 2], null));
        using var lora = Lora.Open(_folder);
        Assert.Single(lora.Pairs);
    });

    [Fact]
    public void Whole_differences_are_added_to_weights_and_biases() => Run(() =>
    {
        using var lora = Lora.Open(Write("diff.safetensors", ("diffusion_model." + Q + ".diff", [6, 4], [.. Enumerable.Repeat(1f, 24)]),
            ("diffusion_model." + Q + ".diff_b", [6], [.. Enumerable.Repeat(2f, 6)])));
        using var plain = Base();
        using var merged = Base();
        lora.Merge(merged, 0.5);
        Assert.Equal(0.5, (merged[Q].Get("weight", 6, 4) - plain[Q].Get("weight", 6, 4)).Mean().Item(), 1e-6);
        Assert.Equal(1.0, (merged[Q].Get("bias", 6) - plain[Q].Get("bias", 6)).Mean().Item(), 1e-6);
    });

    [Fact]
    public void Several_adapters_add_up() => Run(() =>
    {
        using var one = Lora.Open(Write("one.safetensors", (Q + ".lora_A.weight", [1, 4], null), (Q + ".lora_B.weight", [6, 1], null)));
        using var two = Lora.Open(Write("two.safetensors", (Q + ".lora_A.weight", [3, 4], null), (Q + ".lora_B.weight", [6, 3], null)));
        using var plain = Base();
        using var merged = Base();
        one.Merge(merged);
        two.Merge(merged, -1);
        var expected = plain[Q].Get("weight", 6, 4) + one.Pairs[0].Delta() - two.Pairs[0].Delta();
        Assert.Equal(0, (merged[Q].Get("weight", 6, 4) - expected).Abs().Max().Item(), 1e-6);
    });

    [Fact]
    public void What_fits_nothing_is_reported() => Run(() =>
    {
        using var lora = Lora.Open(Write("some.safetensors", (Q + ".lora_A.weight", [2, 4], null), (Q + ".lora_B.weight", [6, 2], null),
            ("blocks.9.self_attn.q.lora_A.weight", [2, 4], null), ("blocks.9.self_attn.q.lora_B.weight", [6, 2], null),
                ("text_model.logit_scale", [1], null)));
        using var weights = Base();
        var report = lora.Merge(weights);
        Assert.Equal([Q + ".weight"], report.Matched);
        Assert.Equal(["blocks.9.self_attn.q", "text_model.logit_scale"], report.Unmatched.Order());
    });

    [Fact]
    public void An_addition_to_what_is_no_linear_layer_is_refused_when_the_model_is_built() => Run(() =>
    {
        using var lora = Lora.Open(Write("q.safetensors", (Q + ".lora_A.weight", [2, 4], null), (Q + ".lora_B.weight", [6, 2], null)));
        using var weights = Base();
        lora.Attach(weights);
        foreach (var name in weights.Names.ToList()) weights.Get(name, weights.ShapeOf(name));
        Assert.Contains("no linear layer", Assert.Throws<CheckpointException>(weights.EnsureAllUsed).Message, StringComparison.Ordinal);
    });

    void Refused(string words, params (string, long[], float[]?)[] tensors) => Run(() =>
    {
        var path = Write("bad.safetensors", tensors);
        var error = Assert.Throws<CheckpointException>(() =>
        {
            using var lora = Lora.Open(path);
            using var weights = Base();
            lora.Merge(weights);
        });
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.Contains("bad.safetensors", error.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_file_without_pairs_is_refused() => Refused("holds no LoRA", (Q + ".weight", [6, 4], null));

    [Fact]
    public void An_A_without_its_B_is_refused() => Refused("has no B (up) matrix", (Q + ".lora_A.weight", [2, 4], null));

    [Fact]
    public void A_B_without_its_A_is_refused() => Refused("has no A (down) matrix", (Q + ".lora_up.weight", [6, 2], null));

    [Fact]
    public void Ranks_that_differ_are_refused() => Refused("rank 3", (Q + ".lora_A.weight", [3, 4], null),
        (Q + ".lora_B.weight", [6, 2], null));

    [Fact]
    public void A_pair_for_another_size_is_refused() => Refused("another size", (Q + ".lora_A.weight", [2, 5], null),
        (Q + ".lora_B.weight", [6, 2], null));

    [Fact]
    public void Pairs_that_fit_nothing_are_refused() => Refused("fits nothing", ("layers.0.lora_A.weight", [2, 4], null),
        ("layers.0.lora_B.weight", [6, 2], null));

    [Fact]
    public void A_pair_that_is_there_twice_is_refused() => Refused("says the same", (Q + ".lora_A.weight", [2, 4], null),
        (Q + ".lora_down.weight", [2, 4], null),
        (Q + ".lora_B.weight", [6, 2], null));

    [Fact]
    public void Two_names_of_one_weight_are_refused() => Refused("a second time", (Q + ".lora_A.weight", [2, 4], null),
        (Q + ".lora_B.weight", [6, 2], null),
        ("transformer." + Q + ".lora_A.weight", [2, 4], null), ("transformer." + Q + ".lora_B.weight", [6, 2], null));

    [Fact]
    public void A_rank_of_none_is_refused() => Refused("no low-rank pair", (Q + ".lora_A.weight", [0, 4], null),
        (Q + ".lora_B.weight", [6, 0], null));

    [Fact]
    public void An_alpha_of_nothing_is_refused() => Refused("above 0", (Q + ".lora_A.weight", [2, 4], null),
        (Q + ".lora_B.weight", [6, 2], null), (Q + ".alpha", [], [0f]));

    [Fact]
    public void A_dora_adapter_is_refused() => Refused("DoRA", (Q + ".lora_A.weight", [2, 4], null), (Q + ".lora_B.weight", [6, 2], null),
        (Q + ".dora_scale", [6, 1], null));

    [Theory]
    [InlineData("{\"lora_alpha\": \"many\"}")]
    [InlineData("{\"lora_alpha\": -1}")]
    [InlineData("{\"use_dora\": true}")]
    [InlineData("{\"lora_alpha\": 4, \"alpha_pattern\": {\"q\": 2}}")]
    [InlineData("[]")]
    [InlineData("{")]
    public void A_broken_adapter_config_is_refused(string json) => Run(() =>
    {
        var path = Write("fine.safetensors", (Q + ".lora_A.weight", [2, 4], null), (Q + ".lora_B.weight", [6, 2], null));
        File.WriteAllText(Path.Combine(_folder, "adapter_config.json"), json);
        Assert.Throws<CheckpointException>(() => Lora.Open(path));
    });

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
