// What one checkpoint file is, told by its tensors' names and shapes: nothing is loaded.
using Fabula.Torch;

namespace Fabula.Models;

/// <param name="Summary">One line for people.</param>
/// <param name="Transformer">The configuration, where the file holds a Wan transformer.</param>
public sealed record Architecture(string Summary, WanConfig? Transformer = null)
{
    /// <summary>
    /// Recognises Wan transformers, both VAEs, UMT5, CLIP towers and LoRA files, in original or diffusers naming, and the U-Nets and VAEs
    /// of Stable Diffusion XL and Stable Video Diffusion; null for others.
    /// </summary>
    public static Architecture? Identify(Checkpoint checkpoint)
    {
        var shapes = checkpoint.Entries.ToDictionary(pair => pair.Key, pair => pair.Value.Shape, StringComparer.Ordinal);
        foreach (var (names, rename) in new (string, Func<string, string?>)[]
        {
            ("", name => name), (" in diffusers naming", WanNames.Transformer.ToOriginal),
        })
            if (Transform(shapes, rename) is { } renamed && WanTransformerOf(renamed) is { } config)
                return new($"Wan video transformer{names}: {Describe(config)}", config);
        if (shapes.Keys.Any(name => name.Contains("lora_", StringComparison.Ordinal)))
        {
            var pairs = shapes.Keys.Count(name =>
                name.Contains("lora_A", StringComparison.Ordinal) || name.Contains("lora_down", StringComparison.Ordinal));
            return new($"LoRA: {pairs} pairs");
        }
        if (shapes.GetValueOrDefault("decoder.conv_in.weight") is [_, var channels, _, _])
        {
            var ofClips = shapes.ContainsKey("decoder.time_conv_out.weight");
            return new($"Stable {(ofClips ? "Video " : "")}Diffusion VAE: {channels} latent channels");
        }
        if (shapes.ContainsKey("add_embedding.linear_1.weight")
            && shapes.GetValueOrDefault("conv_in.weight") is [var first, var given, _, _])
        {
            var ofClips = shapes.Keys.Any(name => name.Contains(".temporal_res_block.", StringComparison.Ordinal));
            return new($"Stable {(ofClips ? "Video Diffusion" : "Diffusion XL")} U-Net: {given} channels in, "
                + $"{Count(shapes, "down_blocks.")} stages from {first} channels on");
        }
        if (shapes.ContainsKey("decoder.conv1.weight") || shapes.ContainsKey("decoder.conv_in.weight"))
        {
            var z = Extent(shapes, "conv2.weight") ?? Extent(shapes, "post_quant_conv.weight");
            return new($"Wan video VAE {(z == 48 ? "2.2" : "2.1")}: {z} latent channels");
        }
        if (shapes.ContainsKey("token_embedding.weight") || shapes.ContainsKey("shared.weight"))
        {
            var table = shapes.GetValueOrDefault("token_embedding.weight") ?? shapes["shared.weight"];
            return new($"UMT5 text encoder: {Count(shapes, "blocks.", "encoder.block.")} layers, {string.Join(" x ", table)} embeddings");
        }
        if (shapes.Keys.Any(name => name.StartsWith("visual.", StringComparison.Ordinal)
            || name.StartsWith("vision_model.", StringComparison.Ordinal)))
        {
            var layers = Count(shapes, "visual.transformer.", "visual.transformer.resblocks.", "vision_model.encoder.layers.");
            return new($"CLIP image tower: {layers} layers");
        }
        return null;
    }

    static Dictionary<string, long[]>? Transform(Dictionary<string, long[]> shapes, Func<string, string?> rename)
    {
        var renamed = new Dictionary<string, long[]>(StringComparer.Ordinal);
        foreach (var (name, shape) in shapes)
            if (rename(name) is { } other) renamed[other] = shape;
        return renamed.ContainsKey("patch_embedding.weight") && renamed.ContainsKey("head.head.weight") ? renamed : null;
    }

    /// <summary>
    /// The configuration that the shapes imply. Heads are 128 wide in every released model; a config.json beside the file knows better.
    /// </summary>
    static WanConfig? WanTransformerOf(Dictionary<string, long[]> shapes)
    {
        if (shapes["patch_embedding.weight"] is not [var dim, var inputs, var pt, var ph, var pw]
            || shapes["head.head.weight"] is not [var patch, _]
            || !shapes.TryGetValue("blocks.0.ffn.0.weight", out var ffn) || !shapes.TryGetValue("text_embedding.0.weight", out var text)
            || !shapes.TryGetValue("time_embedding.0.weight", out var time) || ffn.Length != 2 || text.Length != 2 || time.Length != 2
            || pt * ph * pw is <= 0 or > 4096 || patch % (pt * ph * pw) != 0
                || new[] { dim, inputs, ffn[0], text[1], time[1] }.Any(n => n is <= 0 or > 1 << 21))
            return null;
        var outputs = patch / (pt * ph * pw);
        var image = shapes.TryGetValue("img_emb.proj.0.weight", out var norm) && norm.Length == 1 ? (int)norm[0] : 0;
        return new WanConfig
        {
            Kind = shapes.ContainsKey("img_emb.emb_pos") ? "flf2v" : inputs > outputs ? "i2v" : outputs == 48 ? "ti2v" : "t2v",
            Dim = (int)dim,
            FfnDim = (int)ffn[0],
            Heads = dim % 128 == 0 ? (int)dim / 128 : 1,
            Layers = Count(shapes, "blocks."),
            InDim = (int)inputs,
            OutDim = (int)outputs,
            FreqDim = (int)time[1],
            TextDim = (int)text[1],
            Patch = ((int)pt, (int)ph, (int)pw),
            ClipDim = image,
        };
    }

    static string Describe(WanConfig c) =>
        $"{c.Kind}, {c.Layers} layers, width {c.Dim}, feed-forward {c.FfnDim}, {c.InDim} channels in, {c.OutDim} out"
        + (c.ClipDim > 0 ? $", CLIP {c.ClipDim}" : "");

    static long? Extent(Dictionary<string, long[]> shapes, string name) => shapes.TryGetValue(name, out var shape) && shape.Length > 0
        ? shape[0] : null;

    /// <summary>How many numbers follow one of the prefixes.</summary>
    static int Count(Dictionary<string, long[]> shapes, params string[] prefixes) => prefixes.Max(prefix => shapes.Keys
        .Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(name => name[prefix.Length..].Split('.')[0])
        .Where(part => part.All(char.IsAsciiDigit)).Distinct().Count());
}
