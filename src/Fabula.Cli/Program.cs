using Fabula.Models.Golden;
using Fabula.Torch;
foreach (var dir in args.Where(a => a != "bf16"))
    LibTorch.Run(() => {
        try {
        using var f = new Fixture(dir, args.Contains("bf16") ? DType.BF16 : DType.F32, Device.Cpu);
        foreach (var c in Verification.Run(f)) Console.WriteLine($"{(c.Passed ? "pass" : "FAIL")} {c.Output,-30} {c.MaxError:E2} {c.Absolute:E1} {c.Note}");
        } catch (Exception e) { Console.WriteLine(e); }
    });
GC.Collect(); GC.WaitForPendingFinalizers();
Console.WriteLine($"{Tensor.Finalized} {LibTorch.Memory} {LibTorch.CpuCapability}");
return 0;
