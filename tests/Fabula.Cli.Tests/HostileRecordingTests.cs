using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Fabula.Torch;
using static Fabula.Cli.Tests.Recording;

namespace Fabula.Cli.Tests;

/// <summary>Tests that measure the process's native memory: nothing else runs beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;

/// <summary>
/// `fabula models verify` on recordings that are damaged, lie, or ask for the absurd: one line that names what is wrong, exit code 2, soon,
/// in little memory, and nothing left behind.
/// </summary>
[Collection(nameof(Alone))]
public class HostileRecordingTests
{
    const string W = "weights.safetensors", I = "inputs.safetensors", O = "outputs.safetensors", C = "config.json";
    const string T2V = "wan_t2v_dit", I2V = "wan_i2v_dit", Flf = "wan_flf2v_dit", TI2V = "wan22_ti2v", Vae = "wan_vae21",
        Vae22 = "wan_vae22", T5 = "umt5_encoder",
        Clip = "clip_visual", Rope = "wan_rope_d128", Steps = "schedulers",
        M2V = "storymem_m2v", Frames = "storymem_keyframes", Lora = "lora_merge",
        Image = "wan_i2v_conditioning", Shots = "transnetv2", Measures = "vbench_metrics";

    const string LoraHalf = "lora.base_model.model.blocks.0.cross_attn.k.lora_A.weight";

    sealed record Case(string From, Action<Recording> Spoil, params string[] Words);

    static readonly Dictionary<string, Case> Cases = new()
    {
        // Files.
        ["cut off in the data"] = new(T2V, r => r.Bytes(W, b => b[..^100]), W, "cut off"),
        ["cut off in the header"] = new(T2V, r => r.Bytes(W, b => b[..200]), W, "cut off"),
        ["empty"] = new(T2V, r => r.Bytes(W, _ => []), W, "empty"),
        ["seven bytes"] = new(T2V, r => r.Bytes(I, b => b[..7]), I, "7 bytes"),
        ["a header of exabytes"] = new(T2V, r => r.Bytes(W, b => [255, 255, 255, 255, 255, 255, 255, 127, .. b[8..]]), W, "header"),
        ["a tail"] = new(T2V, r => r.Bytes(O, b => [.. b, 1, 2, 3]), O, "3 bytes after"),
        ["a lying shape"] = new(T2V, r => r.Bytes(W, b => Replace(b, "[48,48]", "[48,49]")), W, "needs"),
        ["text for weights"] = new(T2V, r => r.Bytes(W, _ => Encoding.UTF8.GetBytes(new string('x', 500))), W),
        ["a bare pickle for weights"] = new(T2V,
            r => r.Bytes(W, _ => [0x80, 2, .. "cos\nsystem\n(S'ls'\ntR."u8, .. new byte[64]]), W, "pickle"),
        ["no inputs"] = new(T2V, r => r.Instead(I, _ => { }), I, "does not exist"),
        ["no weights"] = new(Vae, r => r.Instead(W, _ => { }), W, "does not exist"),
        ["no outputs"] = new(T5, r => r.Instead(O, _ => { }), O, "does not exist"),
        ["no configuration"] = new(T5, r => r.Instead(C, _ => { }), C, "does not exist"),
        ["outputs without a tensor"] = new(T2V, r => r.Tensors(O, t => t.Clear()), O, "nothing to compare"),
        ["a folder for weights"] = new(T2V, r => r.Instead(W, path => Directory.CreateDirectory(path)), W, "folder"),
        ["a folder for the configuration"] = new(T2V, r => r.Instead(C, path => Directory.CreateDirectory(path)), C, "folder"),
        ["a pipe for weights"] = new(T2V, r => r.Instead(W, Pipe), W, "pipe"),
        ["a pipe for the configuration"] = new(T2V, r => r.Instead(C, Pipe), C, "pipe"),
        ["an endless device for inputs"] = new(T2V, r => r.Instead(I, path => File.CreateSymbolicLink(path, "/dev/zero")), I, "device"),
        ["an endless device for the configuration"] = new(T2V,
            r => r.Instead(C, path => File.CreateSymbolicLink(path, "/dev/zero")), C, "device"),
        ["links in a circle"] = new(T2V, r => r.Instead(W, path => File.CreateSymbolicLink(path, W)), W, "circles"),
        ["a link to nothing"] = new(T2V, r => r.Instead(O, path => File.CreateSymbolicLink(path, "nowhere")), O, "does not exist"),
        // Weights.
        ["NaN weights"] = new(T2V,
            r => r.Put(W, "blocks.0.self_attn.q.bias", Entry.Of([.. Enumerable.Repeat(float.NaN, 48)])),
            W, "blocks.0.self_attn.q.bias", "NaN"),
        ["infinite weights"] = new(Vae,
            r => r.Put(W, "conv2.bias", Entry.Of([.. Enumerable.Repeat(float.PositiveInfinity, 16)])), W, "conv2.bias"),
        ["whole numbers for a bias"] = new(T2V,
            r => r.Put(W, "blocks.1.norm3.bias", Entry.Whole([48], new long[48])), W, "blocks.1.norm3.bias", "I64"),
        ["whole numbers for a table"] = new(T5,
            r => r.Put(W, "token_embedding.weight", Entry.Whole([100, 32], new long[3200])), W, "token_embedding.weight", "I64"),
        ["bytes for a kernel"] = new(Vae,
            r => r.Put(W, "encoder.conv1.weight", new("U8", [4, 3, 3, 3, 3], new byte[324])), W, "encoder.conv1.weight", "U8"),
        ["truth values for a norm"] = new(Clip,
            r => r.Put(W, "visual.pre_norm.weight", new("BOOL", [32], new byte[32])), W, "pre_norm.weight", "Bool"),
        ["another shape"] = new(T2V, r => r.Put(W, "head.head.weight", Entry.Zeros(48, 64)), W, "head.head.weight", "[48, 64]"),
        ["a scalar for a vector"] = new(Clip, r => r.Put(W, "visual.cls_embedding", Entry.Of([], 1)), W, "cls_embedding"),
        ["a missing key"] = new(T2V, r => r.Put(W, "blocks.1.ffn.0.bias", null), W, "blocks.1.ffn.0.bias", "missing"),
        ["a surplus key"] = new(Vae22, r => r.Put(W, "encoder.surplus", Entry.Of(1)), W, "encoder.surplus"),
        ["a key with control characters"] = new(T2V, r => r.Put(W, "evil\u001b[31m\nkey", Entry.Of(1)), W, "evil?[31m?key"),
        ["a missing LoRA half"] = new(Lora, r => r.Put(W, LoraHalf, null), W, "no "),
        ["an empty tower of positions"] = new(Flf, r => r.Put(W, "img_emb.emb_pos", Entry.Of([0])), W, "emb_pos"),
        // Inputs.
        ["no sample"] = new(T2V, r => r.Put(I, "x.0", null), I, "x.0", "missing"),
        ["no text"] = new(T2V, r => r.Put(I, "context.1", null), I, "context.1", "missing"),
        ["no time"] = new(T2V, r => r.Put(I, "t", null), I, "'t'", "missing"),
        ["time for one sample of two"] = new(T2V, r => r.Put(I, "t", Entry.Whole([1], 5)), I, "'t'"),
        ["time as one number"] = new(T2V, r => r.Put(I, "t", Entry.Whole([], 5)), I, "'t'"),
        ["time for other tokens"] = new(TI2V, r => r.Put(I, "t", Entry.Zeros(2, 39)), I, "'t'", "[2, 39]"),
        ["other channels"] = new(T2V, r => r.Put(I, "x.0", Entry.Zeros(15, 3, 8, 10)), I, "x.0", "[15, 3, 8, 10]"),
        ["a sample without frames"] = new(T2V, r => r.Put(I, "x.0", Entry.Zeros(16, 0, 8, 10)), I, "x.0"),
        ["a sample of two dimensions"] = new(T2V, r => r.Put(I, "x.0", Entry.Zeros(16, 80)), I, "x.0"),
        ["a grid that patches do not fill"] = new(T2V, r => r.Put(I, "x.0", Entry.Zeros(16, 3, 7, 9)), I, "x.0", "patches"),
        ["whole numbers for latents"] = new(T2V, r => r.Put(I, "x.0", Entry.Whole([1, 1, 1, 1], 1)), I, "x.0"),
        ["NaN latents"] = new(T2V, r => r.Put(I, "x.0", Entry.Of(float.NaN)), I, "x.0", "NaN"),
        ["a condition of another grid"] = new(I2V, r => r.Put(I, "y.0", Entry.Zeros(20, 3, 8, 8)), I, "y.0"),
        ["text of another width"] = new(T2V, r => r.Put(I, "context.0", Entry.Zeros(3, 31)), I, "context.0", "[3, 31]"),
        ["text longer than the model reads"] = new(T2V, r => r.Put(I, "context.0", Entry.Zeros(513, 32)), "513", "512"),
        ["no CLIP tokens"] = new(I2V, r => r.Put(I, "clip_fea", null), "CLIP"),
        ["CLIP tokens of one frame of two"] = new(Flf, r => r.Put(I, "clip_fea", Entry.Zeros(1, 257, 40)), I, "clip_fea"),
        ["CLIP tokens of another number"] = new(Flf, r => r.Put(I, "clip_fea", Entry.Zeros(2, 200, 40))),
        ["a video of four colours"] = new(Vae, r => r.Put(I, "video", Entry.Zeros(4, 9, 32, 40)), I, "video"),
        ["a video of six frames"] = new(Vae, r => r.Put(I, "video", Entry.Zeros(3, 6, 32, 40)), "6 frames"),
        ["a video of odd sides"] = new(Vae, r => r.Put(I, "video", Entry.Zeros(3, 5, 33, 40)), "multiples of 8"),
        ["latents of other channels"] = new(Vae22, r => r.Put(I, "z", Entry.Zeros(16, 1, 2, 2)), I, "'z'"),
        ["tokens outside the vocabulary"] = new(T5,
            r => r.Put(I, "ids", Entry.Whole([1, 4], 1, 2, 100, 1)).Put(I, "mask", Entry.Whole([1, 4], 1, 1, 1, 1)), I, "ids", "100"),
        ["negative tokens"] = new(T5,
            r => r.Put(I, "ids", Entry.Whole([1, 2], 1, -5)).Put(I, "mask", Entry.Whole([1, 2], 1, 1)), I, "ids", "-5"),
        ["fractions for tokens"] = new(T5, r => r.Put(I, "ids", Entry.Zeros(2, 144)), I, "ids"),
        ["a mask of another shape"] = new(T5, r => r.Put(I, "mask", Entry.Whole([2], 1, 1)), I, "mask"),
        ["a mask of nothing"] = new(T5, r => r.Put(I, "mask", Entry.Whole([2, 144], new long[288])), "0 tokens"),
        ["an image of two colours"] = new(Clip, r => r.Put(I, "video.1", Entry.Zeros(2, 1, 8, 8)), I, "video.1"),
        ["no image"] = new(Clip, r => r.Put(I, "video.0", null), I, "video.0"),
        ["a grid of more than its tokens"] = new(Rope,
            r => r.Put(I, "grid_sizes", Entry.Whole([2, 3], 1 << 20, 1 << 20, 1 << 20, 1, 1, 1)), I, "grid_sizes"),
        ["a negative grid"] = new(Rope, r => r.Put(I, "grid_sizes", Entry.Whole([2, 3], -1, -1, 5, 1, 1, 1)), I, "grid_sizes"),
        ["quality of too few frames"] = new(Frames, r => r.Put(I, "quality", Entry.Of(5, 5)), I, "quality"),
        ["frames without colours"] = new(Frames, r => r.Put(I, "frames", Entry.Zeros(12, 64, 96)), I, "frames"),
        ["noise of another shape"] = new(Steps, r => r.Put(I, "k", Entry.Of(1, 2, 3)), I, "'k'"),
        ["a remembered frame too few"] = new(M2V, r => r.Put(I, "memory.2", null), I, "memory.2"),
        ["a picture of fractions"] = new(M2V, r => r.Put(I, "memory.1", Entry.Zeros(36, 50, 3)), I, "memory.1", "bytes"),
        ["a picture without sides"] = new(Image, r => r.Put(I, "img", new("U8", [0, 50, 3], [])), I, "img"),
        ["no prompt"] = new(M2V, r => r.Put(I, "context", null), I, "context"),
        ["recorded noise of another shape"] = new(M2V, r => r.Put(O, "m2v.noise", Entry.Zeros(16, 6, 4))),
        // Configurations.
        ["not JSON"] = new(T2V, r => r.Bytes(C, b => b[..^20]), C, "not JSON"),
        ["a list"] = new(T2V, r => r.Bytes(C, _ => [.. "[1]"u8]), C, "no JSON object"),
        ["an empty object"] = new(T2V, r => r.Bytes(C, _ => [.. "{}"u8]), C, "nothing that Fabula can verify"),
        ["a thousand brackets"] = new(T2V, r => r.Bytes(C, _ => Encoding.UTF8.GetBytes(new string('[', 1000))), C),
        ["megabytes"] = new(T2V,
            r => r.Bytes(C, _ => Encoding.UTF8.GetBytes("{\"a\":\"" + new string('x', 2 << 20) + "\"}")), C, "too long"),
        ["a number for the constructor"] = new(T2V, r => r.Config(c => c["constructor"] = 5)),
        ["no call"] = new(T2V, r => r.Config(c => c.Remove("call")), "'call'"),
        ["rows fewer than tokens"] = new(T2V, r => r.Config(c => c["call"]!["seq_len"] = 59), "x.0", "60 tokens", "59"),
        ["a million rows"] = new(T2V, r => r.Config(c => c["call"]!["seq_len"] = 2000000), "seq_len"),
        ["an unknown kind"] = new(T2V, r => r.Constructor("model_type", "\"\\u001b[2Jvace\""), "model_type"),
        ["a seed for a film that is not there"] = new(M2V, r => r.Config(c => c["cases"]!["mi2v_fixed"]!["seed"] = 999), "mi2v_fixed"),
        ["a film of a million frames"] = new(M2V, r => r.Config(c => c["cases"]!["m2v"]!["frame_num"] = 2000001), "frame_num"),
        ["a film of no frames"] = new(M2V, r => r.Config(c => c["cases"]!["m2v"]!["frame_num"] = 0), "frame_num"),
        ["a film of eight frames"] = new(M2V, r => r.Config(c => c["cases"]!["m2v"]!["frame_num"] = 8)),
        ["a film as large as a field"] = new(Image, r => r.Config(c => c["cases"]!["i2v21"]!["max_area"] = 1e18), "pixels"),
        ["a film of no area"] = new(Image, r => r.Config(c => c["cases"]!["i2v21"]!["max_area"] = 0)),
        ["a film of less than no area"] = new(Image, r => r.Config(c => c["cases"]!["i2v21"]!["max_area"] = -5)),
        ["no steps"] = new(M2V, r => r.Config(c => c["cases"]!["m2v"]!["steps"] = 0)),
        ["a million steps"] = new(M2V, r => r.Config(c => c["cases"]!["m2v"]!["steps"] = 2000000)),
        ["no shift"] = new(M2V, r => r.Config(c => c["cases"]!["m2v"]!["shift"] = 0)),
        ["guidance of three"] = new(M2V, r => r.Config(c => c["cases"]!["m2v"]!["guide"] = new JsonArray(1, 2, 3)), "guide"),
        ["guidance in words"] = new(M2V, r => r.Config(c => c["cases"]!["m2v"]!["guide"] = "strong"), "guide"),
        ["cases that are none"] = new(M2V, r => r.Config(c => c["cases"] = new JsonArray(1)), "cases"),
        ["a case that is none"] = new(M2V, r => r.Config(c => c["cases"] = new JsonObject { ["a"] = 1 })),
        ["memory of a million frames"] = new(M2V, r => r.Config(c => c["cases"]!["m2v"]!["mem"] = 2000000), "mem"),
        ["a pipeline of its own"] = new(Image, r => r.Config(c => c["cases"]!["i2v21"]!["pipe"] = "mine"), "mine"),
        ["a picture that is not there"] = new(Image, r => r.Config(c => c["cases"]!["i2v21"]!["img"] = "other"), I, "other"),
        ["a number for a picture"] = new(Image, r => r.Config(c => c["cases"]!["i2v21"]!["img"] = 7), "img"),
        ["an order of nine"] = new(Steps, r => r.Config(c => c["solver_order"] = 9), "solver_order"),
        ["sets of three"] = new(Steps, r => r.Config(c => c["sets"] = JsonNode.Parse("[[1,2,3]]")), "sets"),
        ["sets of words"] = new(Steps, r => r.Config(c => c["sets"] = "all"), "sets"),
        ["no steps in a set"] = new(Steps, r => r.Config(c => c["sets"] = JsonNode.Parse("[[0,5.0]]")), "sets"),
        ["a fifth of a step"] = new(Steps, r => r.Config(c => c["sets"] = JsonNode.Parse("[[0.2,5.0]]")), "sets"),
        ["a million steps in a set"] = new(Steps, r => r.Config(c => c["sets"] = JsonNode.Parse("[[2000000000000,5.0]]")), "sets"),
        ["a shift below nothing"] = new(Steps, r => r.Config(c => c["sets"] = JsonNode.Parse("[[5,-5.0]]")), "shift"),
        ["another model to stand in"] = new(Steps, r => r.Config(c => c["fake_model"] = "v = x"), "fake_model"),
        ["sides in words"] = new(Frames, r => r.Config(c => c["smart_resize_hw"] = JsonNode.Parse("[[1,\"x\"]]")), "smart_resize_hw"),
        ["a side alone"] = new(Frames, r => r.Config(c => c["smart_resize_hw"] = JsonNode.Parse("[[1]]")), "smart_resize_hw"),
        ["sides of nothing"] = new(Frames, r => r.Config(c => c["smart_resize_hw"] = JsonNode.Parse("[[0,0]]")), "smart_resize_hw"),
        ["heads of an odd width"] = new(Rope, r => r.Config(c => c["head_dim"] = 7), "head_dim"),
        ["a LoRA without rank"] = new(Lora, r => r.Config(c => ((JsonObject)c["lora"]!).Remove("r")), "'r'"),
        ["a LoRA of no strength"] = new(Lora, r => r.Config(c => c["lora"]!["lora_alpha"] = 0), "alpha"),
        // MovieDreamer's networks, and DINO.
        ["a LLaMA of no heads"] = new("llama", r => r.Constructor("num_attention_heads", "0"), "num_attention_heads"),
        ["a LLaMA whose norm divides by nothing"] = new("llama", r => r.Constructor("rms_norm_eps", "0"), "eps"),
        ["a LLaMA of words"] = new("llama", r => r.Constructor("hidden_act", "0"), "hidden_act"),
        ["a LLaMA cut off"] = new("llama", r => r.Bytes(O, b => b[..^1000]), O, "cut off"),
        ["a schedule of nothing"] = new("schedulers_sd", r => r.Config(c => c["schedulers"]!["euler_svd"] = 0), "euler_svd"),
        ["a VAE of other channels"] = new("sd_vae", r => r.Constructor("latent_channels", "3"), W, "encoder.conv_out.weight"),
        ["a VAE of no groups"] = new("sd_vae", r => r.Constructor("norm_num_groups", "0"), "norm_num_groups"),
        ["a U-Net of unknown blocks"] = new("sdxl_unet", r => r.Constructor("down_block_types", "\"x\""), "down_block_types"),
        ["a U-Net of billions of blocks"] = new("svd_unet", r => r.Constructor("up_block_types", "1000000000"), "up_block_types"),
        ["a U-Net cut off"] = new("sdxl_unet", r => r.Bytes(W, b => b[..(b.Length / 2)]), W, "cut off"),
        ["a temporal VAE of lists"] = new("svd_vae_temporal", r => r.Constructor("latent_channels", "[]"), "latent_channels"),
        // Shot boundaries and VBench's measures.
        ["frames of another size"] = new(Shots,
            r => r.Put(I, "frames", new("U8", [1, 2, 27, 47, 3], new byte[2 * 27 * 47 * 3])), I, "frames"),
        ["frames of fractions"] = new(Shots, r => r.Put(I, "frames", Entry.Zeros(1, 2, 27, 48, 3)), "bytes"),
        ["a video of no frames"] = new(Shots, r => r.Put(I, "frames", new("U8", [1, 0, 27, 48, 3], [])), I, "frames"),
        ["statistics of another network"] = new(Shots, r => r.Put(W, "SDDCNN.1.DDCNN.0.bn.running_var", Entry.Zeros(33)), W, "running_var"),
        ["a stack too many"] = new(Shots, r => r.Put(W, "SDDCNN.3.DDCNN.0.bn.bias", Entry.Zeros(8)), W, "SDDCNN.3"),
        ["no similarity"] = new(Shots, r => r.Constructor("use_frame_similarity", "false"), "use_frame_similarity"),
        ["TransNet weights cut off"] = new(Shots, r => r.Bytes(W, b => b[..(b.Length / 2)]), W, "cut off"),
        ["videos that are none"] = new(Measures, r => r.Config(c => c["videos"] = 3), "videos"),
        ["a video without features"] = new(Measures, r => r.Config(c => c["videos"] = new JsonArray("a", "z")), I, "clip.z"),
        ["features of a number"] = new(Measures, r => r.Put(I, "clip.a", Entry.Of(1)), I, "clip.a"),
        ["features of another width"] = new(Measures, r => r.Put(I, "clip.b", Entry.Zeros(5, 31)), "[5, 31]"),
        ["a measured film of one frame"] = new(Measures, r => r.Put(I, "frames.a", new("U8", [1, 2, 2, 3], new byte[12])), "two or more"),
        ["a film as narrow as a thread"] = new(Measures,
            r => r.Put(I, "frames.odd", new("U8", [1, 1, 4096, 3], new byte[3 * 4096])), "too narrow"),
        ["a head of another width"] = new(Measures, r => r.Put(W, "aesthetic.weight", Entry.Zeros(1, 31)), W, "aesthetic.weight"),
        ["pixels of no side"] = new(Measures, r => r.Put(O, "dino_transform0.frames.a", Entry.Of(1)), "0 pixels"),
        ["pixels of a billion"] = new(Measures, r => r.Put(O, "clip_transform1000000000.frames.a", Entry.Of(1)), "1000000000"),
        ["a DINO tower that does not divide"] = new("dino_vit", r => r.Constructor("embed_dim", "3"), "width 3"),
    };

    /// <summary>Constructor fields and values that no network has.</summary>
    static readonly (string From, string Field, string?[] Values)[] Fields =
    [
        (T2V, "dim", [null, "0", "-48", "2000000", "1e300", "\"48\"", "[48]", "{\"a\":{\"b\":1}}", "49", "48.5", "true"]),
        (T2V, "num_heads", ["0", "-1", "5", "48", "2000000"]),
        (T2V, "num_layers", ["0", "1", "3", "2000000"]),
        (T2V, "text_len", ["0", "2000000", null]),
        (T2V, "patch_size", ["[1,0,2]", "[1,2]", "[]", "5", "[1,2,-2]", "[1,2000000,2]", "[1,2,2,2]", "[2,2,2]"]),
        (T2V, "freq_dim", ["0", "31", "34", "2000000"]),
        (T2V, "eps", ["0", "-1", "\"x\"", "1e999"]),
        (T2V, "in_dim", ["0", "17", "2000000"]),
        (T2V, "qk_norm", ["false", "1"]),
        (T2V, "cross_attn_norm", ["false", "\"yes\""]),
        (Vae, "dim", ["0", "-4", "5", "2000000"]),
        (Vae, "z_dim", ["0", "8", "2000000"]),
        (Vae, "dim_mult", ["[]", "[1]", "[1,2,4]", "[1,2,4,0]", "[1,2,4,-4]", "7", "[1,2,4,2000000]", "[1,1,1,1,1,1,1,1,1,1,1,1]"]),
        (Vae, "num_res_blocks", ["0", "1", "2000000"]),
        (Vae, "temperal_downsample", ["[]", "[0,1,1]", "[true]", null]),
        (Vae, "attn_scales", ["[1.0]", "[\"a\"]", "3"]),
        (Vae22, "dec_dim", ["0", "5", "2000000", null]),
        (Vae22, "dim_mult", ["[3,2,4,4]", "[1,2,4,5]"]),
        (T5, "num_heads", ["0", "7", "2000000"]),
        (T5, "num_buckets", ["0", "2", "2000000", "16"]),
        (T5, "vocab", ["0", "50", "2000000000"]),
        (T5, "num_layers", ["0", "1", "3"]),
        (T5, "shared_pos", ["true", "3"]),
        (Clip, "patch_size", ["0", "57", "13"]),
        (Clip, "vision_heads", ["0", "5"]),
        (Clip, "vision_layers", ["0", "2000000"]),
        (Clip, "vision_mlp_ratio", ["0", "-1", "1e9", "3"]),
        (Clip, "image_size", ["0", "2000000", "42"]),
        (Clip, "activation", ["\"quick_gelu\"", "5"]),
        (Shots, "F", [null, "0", "-4", "5", "2000000", "\"4\"", "4.5"]),
        (Shots, "L", [null, "0", "2", "4", "2000000"]),
        (Shots, "S", ["0", "1", "3", "2000000"]),
        (Shots, "D", ["0", "17", "2000000", "[16]"]),
        (Frames, "image_resolution", ["0", "2000000", "-1"]),
        (Frames, "vision_patch_size", ["0", "300"]),
        (Frames, "vision_width", ["0", "63", "65"]),
        (Frames, "vision_layers", ["0", "2000000"]),
    ];

    public static TheoryData<string> Names => [.. Cases.Keys];
    public static TheoryData<string, string, string?> Values
    {
        get
        {
            var data = new TheoryData<string, string, string?>();
            foreach (var (from, name, values) in Fields)
                foreach (var value in values) data.Add(from, name, value);
            return data;
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Is_refused_in_one_line(string name)
    {
        var (from, spoil, words) = (Cases[name].From, Cases[name].Spoil, Cases[name].Words);
        using var recording = new Recording(from);
        spoil(recording);
        Refused(recording, words);
    }

    [Theory, MemberData(nameof(Values))]
    public void An_argument_that_no_network_has_is_refused(string from, string field, string? value)
    {
        using var recording = new Recording(from).Constructor(field, value);
        Refused(recording, recording.Folder);
    }

    [Fact]
    public void A_path_of_spaces_and_new_lines_works_and_prints_as_one()
    {
        using var recording = new Recording(Rope, called: "a b\nc\u001b[31m");
        var result = Command.Run("models", "verify", recording.Folder);
        Assert.Equal(0, result.Code);
        Assert.Contains("a b?c?[31m: Wan rotary positions", result.Output, StringComparison.Ordinal);
        recording.Bytes(I, _ => []);
        Command.Run("models", "verify", recording.Folder).IsRefused("a b?c?[31m");
    }

    [Theory]
    [InlineData("verify")]
    [InlineData("inspect")]
    public void A_path_that_is_no_file_is_refused(string verb)
    {
        using var recording = new Recording(Rope);
        Pipe(recording.At("pipe"));
        File.CreateSymbolicLink(recording.At("circle"), "circle");
        string[] paths =
            [recording.At("pipe"), "/dev/zero", recording.At("circle"), recording.At("nothing"), new string('x', 300), "a\0b"];
        foreach (var path in paths)
            Command.Run("models", verb, path).IsRefused();
    }

    [Fact]
    public void A_wrong_number_is_a_miss_and_no_error()
    {
        using var recording = new Recording(T5).Put(O, "context.1", Entry.Zeros(37, 32)).Put(O, "another", Entry.Of(1))
            .Put(O, "context.0", Entry.Of(1));
        var result = Command.Run("models", "verify", recording.Folder);
        Assert.Equal((1, ""), (result.Code, result.Errors));
        Assert.Contains("not computed", result.Output, StringComparison.Ordinal);
        Assert.Contains("ours has shape [144, 32]", result.Output, StringComparison.Ordinal);
    }

    static void Refused(Recording recording, params string[] words)
    {
        var (live, finalized) = (LibTorch.Memory.Live, Tensor.Finalized);
        LibTorch.ResetPeak();
        var time = Stopwatch.StartNew();
        Command.Run("models", "verify", recording.Folder).IsRefused(words);
        // By the clock, on a machine that may be doing much else: what is caught is work without an end.
        Assert.InRange(time.Elapsed.TotalSeconds, 0, 90);
        Assert.InRange(LibTorch.Memory.Peak - live, 0, 200 << 20);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        // Nothing is left behind; what a test before had left may have gone meanwhile.
        Assert.InRange(LibTorch.Memory.Live, 0, live);
        Assert.Equal(finalized, Tensor.Finalized);
    }

    static void Pipe(string path)
    {
        using var made = Process.Start("mkfifo", [path]);
        made.WaitForExit();
        Assert.Equal(0, made.ExitCode);
    }

    /// <summary>Every place where the text stands in the bytes, by another of the same length.</summary>
    static byte[] Replace(byte[] bytes, string from, string to) =>
        Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(bytes).Replace(from, to, StringComparison.Ordinal));
}
