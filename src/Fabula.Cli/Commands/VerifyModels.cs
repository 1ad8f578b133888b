using Fabula.Models.Golden;
using Fabula.Torch;
using Spectre.Console;

namespace Fabula.Cli.Commands;

/// <summary>`fabula models verify DIR...`: one line per output, exit code 1 on a miss.</summary>
static class VerifyModels
{
    public static int Run(IReadOnlyList<string> folders, DType type, Device device)
    {
        if (!device.IsCpu && LibTorch.CudaDevices <= Math.Max(0, device.Index))
            throw new FormatException($"{device} is not there: libtorch {LibTorch.Version} sees {LibTorch.CudaDevices} CUDA devices. "
                + "The README says how to use another with FABULA_LIBTORCH.");
        var cpu = device.IsCpu ? $"{LibTorch.CpuCapability}, {LibTorch.Threads} threads, " : "";
        Console.WriteLine($"libtorch {LibTorch.Version}, {device}, {cpu}{(type == DType.F32 ? "fp32" : "bf16")}");
        var (passed, missed) = (0, 0);
        foreach (var folder in folders)
        {
            var (kind, checks) = LibTorch.Run(() =>
            {
                using var fixture = new Fixture(folder, type, device);
                return (Verification.KindOf(fixture), Verification.Run(fixture));
            });
            Console.WriteLine();
            Console.WriteLine($"{Outcome.Shown(folder)}: {kind}");
            var width = checks.Max(check => check.Output.Length);
            foreach (var check in checks) Console.WriteLine(Line(check, width));
            passed += checks.Count(check => check.Passed);
            missed += checks.Count(check => !check.Passed);
        }
        Console.WriteLine();
        Console.WriteLine(missed == 0 ? $"all {passed} outputs equal the reference within tolerance"
            : $"{missed} of {passed + missed} outputs miss their tolerance");
        return missed == 0 ? 0 : 1;
    }

    static string Line(Check check, int width)
    {
        var tolerance = check.Absolute == 0 && check.Relative == 0 ? "exact"
            : check.Absolute == 0 ? $"rms within {check.Relative:P0}"
            : check.Relative == 0 ? $"tolerance {check.Absolute:0.#E-0}"
                : $"tolerance {check.Absolute:0.#E-0} + {check.Relative:0.#E-0} of the value";
        var error = double.IsNaN(check.MaxError) ? "no result" : $"max error {check.MaxError:0.00E-0}";
        var note = check.Note is null ? "" : $"  ({check.Note})";
        return $"  {(check.Passed ? "pass" : "FAIL")}  {Outcome.Shown(check.Output).PadRight(width)}  {error,-18}  {tolerance}{note}";
    }
}
