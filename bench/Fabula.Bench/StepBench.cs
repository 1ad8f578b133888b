using System.Diagnostics;
using System.Globalization;
using Fabula.Models;
using Fabula.Torch;

namespace Fabula.Bench;

/// <summary>
/// One denoising step of a Wan 2.1 1.3B-shaped transformer, 1,280 tokens, against bench/wan_step.py, and the bare matrix product.
/// </summary>
static class StepBench
{
    const int Frames = 5, Rows = 32, Columns = 32;  // latent grid: 5 x 16 x 16 patches = 1,280 tokens

    public static int Run(string[] args)
    {
        var type = Option(args, "--dtype", "bf16") == "fp32" ? DType.F32 : DType.BF16;
        var (threads, torchThreads) = (int.Parse(Option(args, "--threads", "2")), int.Parse(Option(args, "--torch-threads", "0")));
        var (rounds, layers) = (int.Parse(Option(args, "--rounds", "7")), int.Parse(Option(args, "--layers", "30")));
        LibTorch.Threads = threads;
        return LibTorch.Run(() => Measure(type, threads, torchThreads, rounds, layers, args.Contains("--alone")));
    }

    static int Measure(DType type, int threads, int torchThreads, int rounds, int layers, bool alone)
    {
        using var scope = TensorScope.Open();
        var config = WanConfig.T2V_1_3B with { Layers = layers };
        using var weights = Weights.Fresh(0, type, Device.Cpu);
        var model = new WanTransformer(config, weights);
        var random = new RandomSource(1);
        using var prompt = model.Prepare([random.Normal("text", 0, 60, config.TextDim)]);
        using var rotation = model.Rotate([.. Enumerable.Range(0, Frames).Select(f => (double)f)], Rows / 2, Columns / 2);
        var latents = random.Normal("latents", 0, 1, 16, Frames, Rows, Columns);
        var (a, w) = (random.Normal("a", 0, 1280, config.Dim).To(type),
            weights["blocks"][0]["ffn"][0].Get("weight", config.FfnDim, config.Dim));

        using var torch = alone ? null : new TorchPeer(type, torchThreads, layers);
        Console.WriteLine((torch is null ? "" : $"PyTorch {torch.Version} with {torch.Threads} threads; ")
            + $"Fabula (libtorch {LibTorch.Version}, {LibTorch.CpuCapability}) with {threads}.");
        double Ours()
        {
            using var inner = TensorScope.Open();
            return Time(() => { using var time = model.Modulate(WanTime.Of(500)); return model.Forward(latents, time, prompt, rotation); });
        }
        double Product()
        {
            // The best of several: a peak is what the machine can do, not what it happens to do.
            using var inner = TensorScope.Open();
            return Enumerable.Range(0, 8).Min(_ => Time(() => Linear.Apply(a, w, null)));
        }
        // The same with every fused kernel replaced by its definition; bf16 without AVX-512 would take minutes that way.
        var plainToo = type == DType.F32 || !Fused.WidensBf16;
        double Plain()
        {
            Fused.Enabled = false;
            try { return Ours(); }
            finally { Fused.Enabled = true; }
        }
        Ours(); torch?.Step(); Product(); torch?.Product();
        LibTorch.ResetPeak();
        var before = LibTorch.Memory.Live;
        Ours();
        var peakBytes = LibTorch.Memory.Peak - before;
        var (ours, theirs, product, torchProduct) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        var plain = new List<double>();
        for (var i = 0; i < rounds; i++)
        {
            product.Add(Product());
            ours.Add(Ours());
            if (plainToo) plain.Add(Plain());
            if (torch is not null) theirs.Add(torch.Step());
            if (torch is not null) torchProduct.Add(Enumerable.Range(0, 4).Min(_ => torch.Product()));
        }

        var gemm = 2.0 * 1280 * config.Dim * config.FfnDim / 1e9;
        var peak = gemm / product.Concat(torchProduct).Min();
        var work = Work(config, layers) / 1e9;
        Console.WriteLine();
        Console.WriteLine($"| {type}, {layers} layers, 1,280 tokens | min s | median s | max s |");
        Console.WriteLine("|---|---|---|---|");
        Row("Fabula step", ours);
        if (plainToo) Row("Fabula step without fused kernels", plain);
        if (torch is not null) Row("PyTorch eager step", theirs);
        Console.WriteLine();
        if (torch is not null)
        {
            var ratios = ours.Zip(theirs, (o, t) => t / o).Order().ToList();
            Console.WriteLine($"- PyTorch / Fabula: median of {rounds} pairs {ratios[rounds / 2]:F2} "
                + $"(min {ratios[0]:F2}, max {ratios[^1]:F2})");
        }
        Console.WriteLine($"- best matrix product [1280 x 1536] [1536 x 8960]: "
            + $"Fabula {gemm / product.Min():F0}" + (torch is null ? "" : $", PyTorch {gemm / torchProduct.Min():F0}") + " GFLOP/s");
        Console.WriteLine($"- step arithmetic {work:F0} GFLOP: {work / Median(ours):F0} GFLOP/s median, {work / ours.Min():F0} best; " +
            $"{100 * work / Median(ours) / peak:F0} % of peak by median, {100 * work / ours.Min() / peak:F0} % best against best");
        Console.WriteLine($"- peak memory of a step above weights and inputs: {peakBytes / 1e6:F0} MB; weights {before / 1e6:F0} MB live");
        return 0;
    }

    /// <summary>Multiply-adds times two of the products that Fabula executes (collapsed text: 61 keys).</summary>
    static double Work(WanConfig c, int layers)
    {
        double tokens = 1280, keys = 61;
        var linear = 2 * tokens * (6.0 * c.Dim * c.Dim + 2.0 * c.Dim * c.FfnDim);
        var attention = 4 * tokens * tokens * c.Dim + 4 * tokens * keys * c.Dim;
        return layers * (linear + attention);
    }

    static double Time(Func<Tensor> work)
    {
        var clock = Stopwatch.StartNew();
        work().Dispose();
        return clock.Elapsed.TotalSeconds;
    }

    internal static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    static void Row(string name, List<double> values) =>
        Console.WriteLine($"| {name} | {values.Min():F3} | {Median(values):F3} | {values.Max():F3} |");

    internal static string Option(string[] args, string name, string otherwise)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : otherwise;
    }
}

/// <summary>bench/wan_step.py, one request at a time.</summary>
sealed class TorchPeer : IDisposable
{
    readonly Process _process;

    public TorchPeer(DType type, int threads, int layers)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "wan_step.py");
        _process = Process.Start(new ProcessStartInfo("/usr/bin/python3",
            [script, type == DType.F32 ? "fp32" : "bf16", $"{threads}", $"{layers}"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var ready = (_process.StandardOutput.ReadLine() ?? "").Split(' ');
        if (ready is not ["ready", var version,
            var used]) throw new InvalidOperationException("wan_step.py did not start; it needs python3-torch");
        (Version, Threads) = (version, int.Parse(used));
    }

    public string Version { get; }
    public int Threads { get; }

    public double Step() => Ask("step");
    public double Product() => Ask("gemm");

    double Ask(string what)
    {
        _process.StandardInput.WriteLine(what);
        _process.StandardInput.Flush();
        return double.Parse(_process.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
