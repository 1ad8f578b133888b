using System.Diagnostics;
using Fabula.Models;
using Fabula.Torch;

namespace Fabula.Bench;

/// <summary>OneStory's selector over a long film: 1,000 latent frames of 16 x 28, width 192, as the pocket model has them.</summary>
static class SelectBench
{
    public static int Run(string[] args)
    {
        const int Frames = 1000;
        LibTorch.Threads = args is ["--threads", var threads, ..] ? int.Parse(threads) : 2;
        return LibTorch.Run(() =>
        {
            using var scope = TensorScope.Open();
            using var weights = Weights.Fresh(0, DType.F32, Device.Cpu);
            var selection = new FrameSelection(new(16, 128, 192), weights);
            var random = new RandomSource(1);
            var (latents, caption) = (random.Normal("latents", 0, Frames, 16, 16, 28), random.Normal("caption", 0, 40, 128));
            var kept = selection.Project(latents).Unsqueeze(0);
            Console.WriteLine($"| {Frames} frames, {LibTorch.Threads} threads ({LibTorch.CpuCapability}) "
                + "| min ms | median ms | max ms | processor ms |");
            Console.WriteLine("|---|---|---|---|---|");
            void Choose(Tensor memory) => FrameSelection.Top(selection.Score(memory, [caption]).ToFloats(), selection.Config.Kept);
            Row("score and choose, frames projected before", () => Choose(kept));
            Row("project all frames, score and choose", () => Choose(selection.Project(latents).Unsqueeze(0)));
            return 0;
        });
    }

    /// <summary>Processor time is what both cores spent together; on a busy machine it says more than the clock.</summary>
    static void Row(string name, Action work)
    {
        const int Rounds = 40;
        void Once()
        {
            using var scope = TensorScope.Open();
            work();
        }
        Once();
        var (times, before) = (new List<double>(), Environment.CpuUsage.TotalTime);
        for (var round = 0; round < Rounds; round++)
        {
            var clock = Stopwatch.StartNew();
            Once();
            times.Add(clock.Elapsed.TotalMilliseconds);
        }
        var (spent, sorted) = ((Environment.CpuUsage.TotalTime - before).TotalMilliseconds / Rounds, times.Order().ToList());
        Console.WriteLine(FormattableString.Invariant(
            $"| {name} | {sorted[0]:F1} | {sorted[sorted.Count / 2]:F1} | {sorted[^1]:F1} | {spent:F1} |"));
    }
}
