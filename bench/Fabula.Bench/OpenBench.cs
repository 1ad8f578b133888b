using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Fabula.Models;
using Fabula.Torch;

namespace Fabula.Bench;

/// <summary>Opening checkpoints: a 1.3B bf16 file into a model, and a sharded 57 GB one (sparse files: only headers are read).</summary>
static class OpenBench
{
    public static int Run(string[] args)
    {
        var folder = args.Length > 0 ? args[0] : Directory.CreateTempSubdirectory("fabula-open").FullName;
        var (small, large) = (Path.Combine(folder, "wan-1.3b.safetensors"), Path.Combine(folder, "wan-14b"));
        Directory.CreateDirectory(large);
        Write([small], WanConfig.T2V_1_3B, "BF16", 2);
        var shards = Enumerable.Range(1, 6).Select(i => Path.Combine(large, $"diffusion_pytorch_model-{i:D5}-of-00006.safetensors"))
            .ToArray();
        Write(shards, WanConfig.I2V_A14B, "F32", 4);
        LibTorch.Run(() => { using var warm = TensorScope.Open(); _ = Tensor.Zeros([1], DType.F32, Device.Cpu); });

        Console.WriteLine("| opened | bytes | s (first, then best of 5) |");
        Console.WriteLine("|---|---|---|");
        foreach (var (name, path, config, type) in new[]
        {
            ("1.3B bf16, one file, model built", small, WanConfig.T2V_1_3B, DType.BF16),
            ("14B fp32, six shards, model built", large, WanConfig.I2V_A14B, DType.F32),
        })
        {
            var times = Enumerable.Range(0, 6).Select(round => LibTorch.Run(() =>
            {
                var clock = Stopwatch.StartNew();
                using var weights = Weights.Open(path, type, Device.Cpu);
                _ = new WanTransformer(config, weights);
                return clock.Elapsed.TotalSeconds;
            })).ToList();
            var bytes = Directory.Exists(path) ? Directory.GetFiles(path).Sum(f => new FileInfo(f).Length) : new FileInfo(path).Length;
            Console.WriteLine($"| {name} | {bytes / 1e9:F1} GB | {times[0]:F3}, {times.Skip(1).Min():F3} |");
        }
        Directory.Delete(folder, true);
        return 0;
    }

    /// <summary>Sparse safetensors files with a model's names and shapes, and an index when there are several.</summary>
    static void Write(string[] files, WanConfig config, string type, int size)
    {
        var shapes = WanTransformer.Shapes(config).ToList();
        var map = new Dictionary<string, string>();
        foreach (var (file, part) in files.Zip(shapes.Chunk((shapes.Count + files.Length - 1) / files.Length)))
        {
            var header = new Dictionary<string, object>();
            long at = 0;
            foreach (var (name, shape) in part)
            {
                var bytes = shape.Aggregate(1L, (a, b) => a * b) * size;
                header[name] = new { dtype = type, shape, data_offsets = new[] { at, at + bytes } };
                at += bytes;
                map[name] = Path.GetFileName(file);
            }
            var json = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(header));
            var padded = (json.Length + 7) / 8 * 8;
            using var stream = File.Create(file);
            stream.Write(BitConverter.GetBytes((long)padded));
            stream.Write(json);
            stream.Write(Encoding.UTF8.GetBytes(new string(' ', padded - json.Length)));
            stream.SetLength(8 + padded + at);
        }
        if (files.Length > 1)
            File.WriteAllText(Path.Combine(Path.GetDirectoryName(files[0])!, "diffusion_pytorch_model.safetensors.index.json"),
                JsonSerializer.Serialize(new { metadata = new { total_size = 0 }, weight_map = map }));
    }
}
