// Names of tensors: the diffusers checkpoints' and the original ones, which our models use. Facts from huggingface/diffusers @ 58eb52c,
// scripts/convert_wan_to_diffusers.py and models/autoencoders/autoencoder_kl_wan.py; UMT5 from transformers' UMT5EncoderModel.
namespace Fabula.Models;

/// <summary>
/// Two namings of the same tensors. Written as pairs of patterns whose parts are separated by dots: # stands for a number, * at the end
/// for weight, bias or gamma; they stand for the same in both, in order.
/// </summary>
public sealed class NameMap
{
    readonly (string[] Original, string[] Diffusers)[] _pairs;
    readonly Func<string, string>? _flatten, _nest;

    /// <param name="nest">
    /// What to do to an original name before the patterns, and <paramref name="flatten"/> after them on the way back.
    /// </param>
    internal NameMap((string Original, string Diffusers)[] pairs, Func<string, string>? nest = null, Func<string, string>? flatten = null)
    {
        _pairs = [.. pairs.Select(pair => (pair.Original.Split('.'), pair.Diffusers.Split('.')))];
        (_nest, _flatten) = (nest, flatten);
    }

    /// <summary>The original name of a diffusers tensor; null if there is no such tensor.</summary>
    public string? ToOriginal(string diffusers)
    {
        var name = diffusers.Split('.');
        foreach (var (to, from) in _pairs)
            if (Translate(name, from, to) is { } found) return _flatten is null ? found : _flatten(found);
        return null;
    }

    /// <summary>The diffusers name of an original tensor; null if there is no such tensor.</summary>
    public string? ToDiffusers(string original)
    {
        var name = (_nest is null ? original : _nest(original)).Split('.');
        foreach (var (from, to) in _pairs)
            if (Translate(name, from, to) is { } found) return found;
        return null;
    }

    /// <summary>
    /// For opening weights: the original name, or an unknown name as it is, so that the model can say that it is left over.
    /// </summary>
    public string Rename(string diffusers) => ToOriginal(diffusers) ?? diffusers;

    static string? Translate(string[] name, string[] from, string[] to)
    {
        if (name.Length != from.Length) return null;
        Span<int> numbers = stackalloc int[from.Length];
        var (count, ending) = (0, "");
        for (var i = 0; i < name.Length; i++)
        {
            if (from[i] == "#")
            {
                if (Number(name[i]) is not { } number) return null;
                numbers[count++] = number;
            }
            else if (from[i] == "*")
            {
                if (name[i] is not ("weight" or "bias" or "gamma")) return null;
                ending = name[i];
            }
            else if (name[i] != from[i]) return null;
        }
        var (parts, next) = (new string[to.Length], 0);
        for (var i = 0; i < to.Length; i++)
            parts[i] = to[i] switch { "#" => numbers[next++].ToString(), "*" => ending, var text => text };
        return string.Join('.', parts);
    }

    /// <summary>A plain number as names have them: no sign, no leading zero.</summary>
    internal static int? Number(string text) =>
        text.Length is > 0 and < 6 && text.All(char.IsAsciiDigit) && (text.Length == 1 || text[0] != '0') ? int.Parse(text) : null;
}

public static class WanNames
{
    /// <summary>
    /// The video transformer, 2.1 and 2.2, text and image models. Beware: the affine norm before cross-attention is norm3 in the original
    /// and norm2 in diffusers.
    /// </summary>
    public static readonly NameMap Transformer = new(
    [
        ("patch_embedding.*", "patch_embedding.*"),
        ("text_embedding.0.*", "condition_embedder.text_embedder.linear_1.*"),
        ("text_embedding.2.*", "condition_embedder.text_embedder.linear_2.*"),
        ("time_embedding.0.*", "condition_embedder.time_embedder.linear_1.*"),
        ("time_embedding.2.*", "condition_embedder.time_embedder.linear_2.*"),
        ("time_projection.1.*", "condition_embedder.time_proj.*"),
        ("img_emb.proj.0.*", "condition_embedder.image_embedder.norm1.*"),
        ("img_emb.proj.1.*", "condition_embedder.image_embedder.ff.net.0.proj.*"),
        ("img_emb.proj.3.*", "condition_embedder.image_embedder.ff.net.2.*"),
        ("img_emb.proj.4.*", "condition_embedder.image_embedder.norm2.*"),
        ("img_emb.emb_pos", "condition_embedder.image_embedder.pos_embed"),
        .. Attention("self_attn", "attn1"),
        .. Attention("cross_attn", "attn2"),
        ("blocks.#.cross_attn.k_img.*", "blocks.#.attn2.add_k_proj.*"),
        ("blocks.#.cross_attn.v_img.*", "blocks.#.attn2.add_v_proj.*"),
        ("blocks.#.cross_attn.norm_k_img.*", "blocks.#.attn2.norm_added_k.*"),
        ("blocks.#.norm3.*", "blocks.#.norm2.*"),
        ("blocks.#.ffn.0.*", "blocks.#.ffn.net.0.proj.*"),
        ("blocks.#.ffn.2.*", "blocks.#.ffn.net.2.*"),
        ("blocks.#.modulation", "blocks.#.scale_shift_table"),
        ("head.head.*", "proj_out.*"),
        ("head.modulation", "scale_shift_table"),
    ]);

    /// <summary>The 2.1 VAE, whose original lists all blocks of a side in one row.</summary>
    /// <param name="resBlocks">Residual blocks per level of the encoder; the decoder has one more.</param>
    public static NameMap Vae21(int resBlocks = 2) => new(
    [
        .. VaeEnds(),
        .. Residual("encoder.downsamples.#", "encoder.down_blocks.#"),
        .. Resample("encoder.downsamples.#", "encoder.down_blocks.#"),
        .. Residual("decoder.upsamples.#.upsamples.#", "decoder.up_blocks.#.resnets.#"),
        .. Resample($"decoder.upsamples.#.upsamples.{resBlocks + 1}", "decoder.up_blocks.#.upsamplers.0"),
    ],
    nest: name => Renumber(name, parts => NameMap.Number(parts[2]) is { } i && parts[3] != "upsamples"
        ? [parts[0], parts[1], $"{i / (resBlocks + 2)}", "upsamples", $"{i % (resBlocks + 2)}", .. parts[3..]] : parts),
    flatten: name => Renumber(name, parts => parts.Length > 5 && parts[3] == "upsamples"
        ? [parts[0], parts[1], $"{int.Parse(parts[2]) * (resBlocks + 2) + int.Parse(parts[4])}", .. parts[5..]] : parts));

    /// <summary>The 2.2 VAE, whose blocks lie in levels.</summary>
    /// <inheritdoc cref="Vae21"/>
    public static NameMap Vae22(int resBlocks = 2) => new(
    [
        .. VaeEnds(),
        .. Residual("encoder.downsamples.#.downsamples.#", "encoder.down_blocks.#.resnets.#"),
        .. Resample($"encoder.downsamples.#.downsamples.{resBlocks}", "encoder.down_blocks.#.downsampler"),
        .. Residual("decoder.upsamples.#.upsamples.#", "decoder.up_blocks.#.resnets.#"),
        .. Resample($"decoder.upsamples.#.upsamples.{resBlocks + 1}", "decoder.up_blocks.#.upsampler"),
    ]);

    /// <summary>The UMT5 encoder. Its file may hold the embedding a second time, as encoder.embed_tokens.weight.</summary>
    public static readonly NameMap Umt5 = new(
    [
        ("token_embedding.*", "shared.*"),
        ("norm.*", "encoder.final_layer_norm.*"),
        ("blocks.#.norm1.*", "encoder.block.#.layer.0.layer_norm.*"),
        .. "qkvo".Select(c => ($"blocks.#.attn.{c}.*", $"encoder.block.#.layer.0.SelfAttention.{c}.*")),
        ("blocks.#.pos_embedding.embedding.*", "encoder.block.#.layer.0.SelfAttention.relative_attention_bias.*"),
        ("blocks.#.norm2.*", "encoder.block.#.layer.1.layer_norm.*"),
        ("blocks.#.ffn.gate.0.*", "encoder.block.#.layer.1.DenseReluDense.wi_0.*"),
        ("blocks.#.ffn.fc1.*", "encoder.block.#.layer.1.DenseReluDense.wi_1.*"),
        ("blocks.#.ffn.fc2.*", "encoder.block.#.layer.1.DenseReluDense.wo.*"),
    ]);

    static IEnumerable<(string, string)> Attention(string original, string diffusers) =>
        new[] { ("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("o", "to_out.0"), ("norm_q", "norm_q"), ("norm_k", "norm_k") }
            .Select(part => ($"blocks.#.{original}.{part.Item1}.*", $"blocks.#.{diffusers}.{part.Item2}.*"));

    static IEnumerable<(string, string)> VaeEnds() => new[] { "encoder", "decoder" }.SelectMany(side => (IEnumerable<(string, string)>)
    [
        ($"{side}.conv1.*", $"{side}.conv_in.*"),
        .. Residual($"{side}.middle.0", $"{side}.mid_block.resnets.0"),
        ($"{side}.middle.1.norm.*", $"{side}.mid_block.attentions.0.norm.*"),
        ($"{side}.middle.1.to_qkv.*", $"{side}.mid_block.attentions.0.to_qkv.*"),
        ($"{side}.middle.1.proj.*", $"{side}.mid_block.attentions.0.proj.*"),
        .. Residual($"{side}.middle.2", $"{side}.mid_block.resnets.1"),
        ($"{side}.head.0.*", $"{side}.norm_out.*"),
        ($"{side}.head.2.*", $"{side}.conv_out.*"),
    ]).Concat([("conv1.*", "quant_conv.*"), ("conv2.*", "post_quant_conv.*")]);

    static IEnumerable<(string, string)> Residual(string original, string diffusers) =>
    [
        ($"{original}.residual.0.*", $"{diffusers}.norm1.*"),
        ($"{original}.residual.2.*", $"{diffusers}.conv1.*"),
        ($"{original}.residual.3.*", $"{diffusers}.norm2.*"),
        ($"{original}.residual.6.*", $"{diffusers}.conv2.*"),
        ($"{original}.shortcut.*", $"{diffusers}.conv_shortcut.*"),
    ];

    static IEnumerable<(string, string)> Resample(string original, string diffusers) =>
    [
        ($"{original}.resample.1.*", $"{diffusers}.resample.1.*"),
        ($"{original}.time_conv.*", $"{diffusers}.time_conv.*"),
    ];

    static string Renumber(string name, Func<string[], string[]> change) =>
        name.StartsWith("decoder.upsamples.", StringComparison.Ordinal) && name.Split('.') is { Length: > 4 } parts
            ? string.Join('.', change(parts)) : name;
}
