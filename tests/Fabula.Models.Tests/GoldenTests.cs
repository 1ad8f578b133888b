using Fabula.Models.Golden;
using Fabula.Torch;

namespace Fabula.Models.Tests;

/// <summary>
/// Every recorded reference in tests/golden, within the tolerance of its kind: fp32 for parity, bf16 for the looser comparison.
/// </summary>
public class GoldenTests
{
    static readonly string Root = Path.Combine(Repository.Root, "tests", "golden");

    public static TheoryData<string> Folders => [.. Directory.GetDirectories(Root).Select(folder => Path.GetFileName(folder)).Order()];

    [Theory, MemberData(nameof(Folders))]
    public void Equals_the_reference(string folder) => OnTorch.Run(() =>
    {
        using var fixture = new Fixture(Path.Combine(Root, folder), DType.F32, Device.Cpu);
        var checks = Verification.Run(fixture);
        Assert.NotEmpty(checks);
        Assert.Empty(checks.Where(check => !check.Passed).Select(check => $"{check.Output}: {check.MaxError:E2} {check.Note}"));
    });

    [Theory, MemberData(nameof(Folders))]
    public void Equals_the_reference_loosely_in_bf16(string folder) => OnTorch.Run(() =>
    {
        using var fixture = new Fixture(Path.Combine(Root, folder), DType.BF16, Device.Cpu);
        Assert.Empty(Verification.Run(fixture).Where(check => !check.Passed)
            .Select(check => $"{check.Output}: {check.MaxError:E2} {check.Note}"));
    });

    [Fact]
    public void All_recordings_are_here() => Assert.Equal(24, Folders.Count);

    [Fact]
    public void A_wrong_weight_is_found() => OnTorch.Run(() =>
    {
        var copy = Directory.CreateTempSubdirectory("fabula-golden").FullName;
        foreach (var file in Directory.GetFiles(Path.Combine(Root, "wan_t2v_dit"))) File.Copy(file,
            Path.Combine(copy, Path.GetFileName(file)));
        using (var weights = Weights.Open(Path.Combine(copy, "weights.safetensors"), DType.F32, Device.Cpu).InMemory())
        {
            weights.Parameters["blocks.1.ffn.2.weight"].Mul_(1.001);
            weights.Save(Path.Combine(copy, "weights.safetensors"));
        }
        using var fixture = new Fixture(copy, DType.F32, Device.Cpu);
        Assert.Contains(Verification.Run(fixture), check => check.Output == "out.0" && !check.Passed);
        Directory.Delete(copy, true);
    });
}
