namespace Fabula.Models.Tests;

public sealed class WanNamesTests
{
    static IEnumerable<string> Linear(string path) => [path + ".weight", path + ".bias"];

    static IEnumerable<string> TransformerNames(int layers)
    {
        string[] ends = ["patch_embedding", "text_embedding.0", "text_embedding.2", "time_embedding.0", "time_embedding.2",
            "time_projection.1", "head.head",
            "img_emb.proj.0", "img_emb.proj.1", "img_emb.proj.3", "img_emb.proj.4"];
        string[] parts = [.. "qkvo".SelectMany(c => new[] { $"self_attn.{c}", $"cross_attn.{c}" }), "cross_attn.k_img", "cross_attn.v_img",
            "norm3", "ffn.0", "ffn.2"];
        string[] norms = ["self_attn.norm_q", "self_attn.norm_k", "cross_attn.norm_q", "cross_attn.norm_k", "cross_attn.norm_k_img"];
        return [.. ends.SelectMany(Linear), "img_emb.emb_pos", "head.modulation",
            .. Enumerable.Range(0, layers).SelectMany(i => (IEnumerable<string>)
            [.. parts.SelectMany(part => Linear($"blocks.{i}.{part}")), .. norms.Select(norm => $"blocks.{i}.{norm}.weight"),
                $"blocks.{i}.modulation"])];
    }

    static IEnumerable<string> Residual(string path, bool shortcut) =>
        [path + ".residual.0.gamma", .. Linear(path + ".residual.2"), path + ".residual.3.gamma", .. Linear(path + ".residual.6"),
            .. shortcut ? Linear(path + ".shortcut") : []];

    static IEnumerable<string> Resample(string path) => [.. Linear(path + ".resample.1"), .. Linear(path + ".time_conv")];

    /// <summary>All names of a VAE: rows of blocks for 2.1, levels of blocks for 2.2.</summary>
    static IEnumerable<string> VaeNames(bool inLevels, int levels, int resBlocks)
    {
        foreach (var side in new[] { "encoder", "decoder" })
        {
            foreach (var name in Linear($"{side}.conv1").Concat(Residual($"{side}.middle.0", false))
                .Concat(Residual($"{side}.middle.2", false))) yield return name;
            foreach (var name in new[] { "norm.gamma", "to_qkv.weight", "to_qkv.bias", "proj.weight",
                "proj.bias" }) yield return $"{side}.middle.1.{name}";
            yield return $"{side}.head.0.gamma";
            foreach (var name in Linear($"{side}.head.2")) yield return name;
            var (row, count, flat) = (side == "encoder" ? "downsamples" : "upsamples", side == "encoder" ? resBlocks : resBlocks + 1, 0);
            for (var level = 0; level < levels; level++)
                for (var j = 0; j < count + (level < levels - 1 ? 1 : 0); j++)
                {
                    var path = inLevels ? $"{side}.{row}.{level}.{row}.{j}" : $"{side}.{row}.{flat++}";
                    foreach (var name in j < count ? Residual(path, shortcut: j == 0) : Resample(path)) yield return name;
                }
        }
        foreach (var name in Linear("conv1").Concat(Linear("conv2"))) yield return name;
    }

    static void RoundTrip(NameMap map, IEnumerable<string> names)
    {
        var all = names.ToList();
        Assert.All(all, name => Assert.Equal(name, map.ToOriginal(map.ToDiffusers(name) ?? "nothing")));
        Assert.Equal(all.Count, all.Select(map.ToDiffusers).Distinct().Count());
    }

    [Fact]
    public void Transformer_names_survive_the_round_trip() => RoundTrip(WanNames.Transformer, TransformerNames(40));

    [Theory]
    [InlineData(4, 2)]
    [InlineData(3, 1)]
    public void Vae_names_survive_the_round_trip(int levels, int resBlocks)
    {
        RoundTrip(WanNames.Vae21(resBlocks), VaeNames(inLevels: false, levels, resBlocks));
        RoundTrip(WanNames.Vae22(resBlocks), VaeNames(inLevels: true, levels, resBlocks));
    }

    [Fact]
    public void Text_encoder_names_survive_the_round_trip() => RoundTrip(WanNames.Umt5, ["token_embedding.weight", "norm.weight",
        .. Enumerable.Range(0, 24).SelectMany(i => new[] { "norm1", "attn.q", "attn.k", "attn.v", "attn.o", "norm2", "ffn.gate.0",
            "ffn.fc1", "ffn.fc2",
            "pos_embedding.embedding" }.Select(part => $"blocks.{i}.{part}.weight"))]);

    // As convert_wan_to_diffusers.py writes them.
    [Theory]
    [InlineData("blocks.7.norm3.weight", "blocks.7.norm2.weight")]
    [InlineData("blocks.39.self_attn.o.bias", "blocks.39.attn1.to_out.0.bias")]
    [InlineData("blocks.0.cross_attn.norm_k_img.weight", "blocks.0.attn2.norm_added_k.weight")]
    [InlineData("blocks.3.ffn.0.weight", "blocks.3.ffn.net.0.proj.weight")]
    [InlineData("blocks.12.modulation", "blocks.12.scale_shift_table")]
    [InlineData("head.modulation", "scale_shift_table")]
    [InlineData("head.head.weight", "proj_out.weight")]
    [InlineData("img_emb.proj.4.bias", "condition_embedder.image_embedder.norm2.bias")]
    [InlineData("img_emb.emb_pos", "condition_embedder.image_embedder.pos_embed")]
    [InlineData("time_projection.1.weight", "condition_embedder.time_proj.weight")]
    public void The_transformer_has_diffusers_names(string original, string diffusers)
    {
        Assert.Equal(diffusers, WanNames.Transformer.ToDiffusers(original));
        Assert.Equal(original, WanNames.Transformer.ToOriginal(diffusers));
    }

    [Theory]
    [InlineData("encoder.downsamples.3.shortcut.weight", "encoder.down_blocks.3.conv_shortcut.weight")]
    [InlineData("encoder.downsamples.10.residual.6.bias", "encoder.down_blocks.10.conv2.bias")]
    [InlineData("encoder.downsamples.5.time_conv.bias", "encoder.down_blocks.5.time_conv.bias")]
    [InlineData("decoder.upsamples.4.shortcut.bias", "decoder.up_blocks.1.resnets.0.conv_shortcut.bias")]
    [InlineData("decoder.upsamples.14.residual.3.gamma", "decoder.up_blocks.3.resnets.2.norm2.gamma")]
    [InlineData("decoder.upsamples.11.resample.1.weight", "decoder.up_blocks.2.upsamplers.0.resample.1.weight")]
    [InlineData("decoder.middle.1.to_qkv.weight", "decoder.mid_block.attentions.0.to_qkv.weight")]
    [InlineData("decoder.middle.2.residual.0.gamma", "decoder.mid_block.resnets.1.norm1.gamma")]
    [InlineData("conv1.weight", "quant_conv.weight")]
    [InlineData("conv2.bias", "post_quant_conv.bias")]
    [InlineData("decoder.head.0.gamma", "decoder.norm_out.gamma")]
    public void The_older_vae_has_diffusers_names(string original, string diffusers)
    {
        Assert.Equal(diffusers, WanNames.Vae21().ToDiffusers(original));
        Assert.Equal(original, WanNames.Vae21().ToOriginal(diffusers));
    }

    [Theory]
    [InlineData("encoder.downsamples.1.downsamples.0.shortcut.weight", "encoder.down_blocks.1.resnets.0.conv_shortcut.weight")]
    [InlineData("encoder.downsamples.2.downsamples.2.time_conv.weight", "encoder.down_blocks.2.downsampler.time_conv.weight")]
    [InlineData("decoder.upsamples.0.upsamples.3.resample.1.bias", "decoder.up_blocks.0.upsampler.resample.1.bias")]
    [InlineData("decoder.upsamples.3.upsamples.2.residual.2.weight", "decoder.up_blocks.3.resnets.2.conv1.weight")]
    public void The_newer_vae_has_diffusers_names(string original, string diffusers)
    {
        Assert.Equal(diffusers, WanNames.Vae22().ToDiffusers(original));
        Assert.Equal(original, WanNames.Vae22().ToOriginal(diffusers));
    }

    [Theory]
    [InlineData("")]
    [InlineData("blocks.0")]
    [InlineData("blocks.x.attn1.to_q.weight")]
    [InlineData("blocks.01.attn1.to_q.weight")]
    [InlineData("blocks.99999999999.attn1.to_q.weight")]
    [InlineData("blocks.0.attn1.to_q.running_mean")]
    [InlineData("blocks.0.attn1.to_q.weight.more")]
    public void An_unknown_name_is_no_name_and_passes_as_it_is(string name)
    {
        Assert.Null(WanNames.Transformer.ToOriginal(name));
        Assert.Null(WanNames.Vae21().ToOriginal(name));
        Assert.Equal(name, WanNames.Transformer.Rename(name));
    }
}
