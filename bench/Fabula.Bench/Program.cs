using System.Diagnostics;
using Fabula.Models;
using Fabula.Torch;

// temporary
if (args.Length > 1) LibTorch.Threads = int.Parse(args[1]);
LibTorch.Run(() =>
{
    foreach (var type in new[] { DType.F32, DType.BF16 })
    {
        using var scope = TensorScope.Open();
        var rnd = new RandomSource(1);
        var x = rnd.Normal("x", 0, 1280, 1536).To(type); var w = rnd.Normal("w", 0, 1536, 1536).To(type);
        var w2 = rnd.Normal("w", 0, 8960, 1536).To(type);
        foreach (var m in new[] { w, w2 })
        {
            Linear.Apply(x, m, null).Dispose();
            var t = Stopwatch.StartNew(); int n = 0;
            while (t.ElapsedMilliseconds < 1500) { Linear.Apply(x, m, null).Dispose(); n++; }
            Console.WriteLine($"{type} linear {m} {2.0 * 1280 * m.Count * n / t.Elapsed.TotalSeconds / 1e9:F1} GFLOPS");
        }
        var q = rnd.Normal("q", 0, 1, 1280, 12, 128).To(type);
        Fused.Attention(q, q, q, 0.1).Dispose();
        { var t = Stopwatch.StartNew(); int n = 0;
        while (t.ElapsedMilliseconds < 1500) { Fused.Attention(q, q, q, 0.1).Dispose(); n++; }
        Console.WriteLine($"{type} attention {4.0 * 1280 * 1280 * 1536 * n / t.Elapsed.TotalSeconds / 1e9:F1} GFLOPS"); }
        void Time(string name, Func<Tensor> f, double bytes) { f().Dispose(); var t = Stopwatch.StartNew(); int n = 0; while (t.ElapsedMilliseconds < 500) { f().Dispose(); n++; }
            Console.WriteLine($"{type} {name} {t.Elapsed.TotalMilliseconds / n:F2} ms {bytes * n / t.Elapsed.TotalSeconds / 1e9:F1} GB/s"); }
        var xf = rnd.Normal("x", 0, 1, 1280, 1536); var mod = rnd.Normal("m", 0, 1, 1, 1536);
        Time("ln", () => Fused.LayerNorm(xf, null, null, 1e-6, type, mod, mod), 1280 * 1536 * 6);
        var cs = rnd.Normal("c", 0, 1280, 64); var wv = rnd.Normal("wv", 0, 1536);
        var xt = xf.To(type);
        Time("rms", () => Fused.RmsNormRotate(xt, wv, 1e-6, 12, cs, cs), 1280 * 1536 * 4);
        var g = rnd.Normal("g", 0, 1280, 8960).To(type);
        Time("gelu", () => Fused.GeluTanh(g).Share(), 1280 * 8960 * 4);
        Time("gateadd", () => Fused.GateAdd(xf, xt, mod).Share(), 1280 * 1536 * 10);
    }
});
