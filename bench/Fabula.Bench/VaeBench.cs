using System.Diagnostics;
using Fabula.Models;
using Fabula.Torch;

namespace Fabula.Bench;

/// <summary>Decoding with the real Wan 2.1 VAE's sizes and random weights, latent frame by latent frame: 240 x 416 pixels.</summary>
static class VaeBench
{
    public static int Run(string[] args)
    {
        var threads = int.Parse(StepBench.Option(args, "--threads", "2"));
        LibTorch.Threads = threads;
        Console.WriteLine($"Fabula (libtorch {LibTorch.Version}, {LibTorch.CpuCapability}), {threads} threads, "
            + "Wan 2.1 VAE, 240 x 416 pixels.");
        Console.WriteLine();
        Console.WriteLine("| type | first frame s | next 4 frames s | next 4 frames s | peak MB above weights |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (var type in new[] { DType.F32, DType.BF16 }) LibTorch.Run(() => Decode(type));
        return 0;
    }

    static void Decode(DType type)
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(0, type, Device.Cpu);
        var vae = WanVae.Create(WanVaeConfig.Wan21, weights);
        using var latents = new RandomSource(1).Normal("latents", 0, 1, 16, 3, 30, 52);
        var before = LibTorch.Memory.Live;
        LibTorch.ResetPeak();
        var times = new List<double>();
        var clock = Stopwatch.StartNew();
        foreach (var group in vae.DecodeGroups(latents))
        {
            group.Dispose();
            times.Add(clock.Elapsed.TotalSeconds);
            clock.Restart();
        }
        Console.WriteLine($"| {type} | {times[0]:F2} | {times[1]:F2} | {times[2]:F2} | {(LibTorch.Memory.Peak - before) / 1e6:F0} |");
    }
}
