using Fabula.Torch;

namespace Fabula.Torch.Tests;

public class WeightsTests
{
    static string Temporary() => Path.Combine(Path.GetTempPath(), $"fabula-{Guid.NewGuid():N}.safetensors");

    static void With(IEnumerable<(string Name, Tensor Value)> tensors, Action<string> use)
    {
        var file = Temporary();
        Weights.Save(file, tensors.Select(pair => new KeyValuePair<string, Tensor>(pair.Name, pair.Value)));
        try { use(file); }
        finally { File.Delete(file); }
    }

    static Tensor Numbers(params long[] shape) => new RandomSource(1).Normal("w", 0, shape);

    [Fact]
    public void Paths_are_the_files_own_names() => OnTorch.Run(() => With([("blocks.3.ffn.0.weight", Numbers(2, 3))], file =>
    {
        using var weights = Weights.Open(file, DType.F32, Device.Cpu);
        var tensor = weights["blocks"][3]["ffn"][0].Get("weight", 2, 3);
        Close.To(Numbers(2, 3), tensor, 0);
        weights.EnsureAllUsed();
    }));

    [Fact]
    public void The_stored_type_is_not_copied() => OnTorch.Run(() => With([("w", Numbers(1 << 16))], file =>
    {
        var before = LibTorch.Memory.Live;
        using var weights = Weights.Open(file, DType.F32, Device.Cpu);
        weights.Get("w", 1 << 16);
        Assert.Equal(before, LibTorch.Memory.Live);
        using var halved = Weights.Open(file, DType.BF16, Device.Cpu);
        halved.Get("w", 1 << 16);
        Assert.Equal(before + (2 << 16), LibTorch.Memory.Live);
    }));

    [Fact]
    public void A_tensor_outlives_the_file_it_came_from() => OnTorch.Run(() => With([("w", Numbers(8))], file =>
    {
        Tensor shared;
        using (var weights = Weights.Open(file, DType.F32, Device.Cpu)) shared = weights.Get("w", 8).Share();
        File.Delete(file);
        Close.To(Numbers(8), shared, 0);
    }));

    [Fact]
    public void Missing_surplus_and_misshapen_tensors_are_named() => OnTorch.Run(() => With([("a", Numbers(2)), ("b", Numbers(3))], file =>
    {
        using var weights = Weights.Open(file, DType.F32, Device.Cpu);
        Assert.Contains("'c' is missing", Assert.Throws<CheckpointException>(() => weights.Get("c", 2)).Message);
        Assert.Contains("has shape [2] where the model needs [4]", Assert.Throws<CheckpointException>(() => weights.Get("a", 4)).Message);
        weights.Get("a", 2);
        Assert.Equal("b", Assert.Throws<CheckpointException>(weights.EnsureAllUsed).Tensor);
    }));

    [Fact]
    public void A_not_a_number_is_found_by_name() => OnTorch.Run(() =>
        With([("good", Numbers(4)), ("bad", Numbers(4).MaskedFill(Tensor.From(new[] { false, true, false, false }, 4), double.NaN))],
            file =>
        {
            using var weights = Weights.Open(file, DType.F32, Device.Cpu);
            Assert.Equal("bad", Assert.Throws<CheckpointException>(weights.RequireFinite).Tensor);
        }));

    [Fact]
    public void A_patch_changes_a_tensor_when_it_is_first_handed_out() => OnTorch.Run(() => With([("w", Numbers(5))], file =>
    {
        using var weights = Weights.Open(file, DType.F32, Device.Cpu);
        weights.Patch("w", x => x + 1);
        weights.Patch("w", x => x * 2);
        Close.To((Numbers(5) + 1) * 2, weights.Get("w", 5), 1e-6);
        Assert.Throws<InvalidOperationException>(() => weights.Patch("w", x => x));
    }));

    [Fact]
    public void Fresh_weights_are_the_same_for_the_same_seed_and_scaled_by_fan_in() => OnTorch.Run(() =>
    {
        Tensor Make(ulong seed)
        {
            using var weights = Weights.Fresh(seed, DType.F32, Device.Cpu);
            return weights["layer"].Get("weight", 64, 400).Clone();
        }
        Close.To(Make(3), Make(3), 0);
        Assert.True((Make(3) - Make(4)).Abs().Max().Item() > 0.01);
        Assert.InRange(Make(3).Square().Mean().Item() * 400, 0.95, 1.05);
    });

    /// <summary>OCP 8-bit floating point, E4M3: the table's corners.</summary>
    [Theory]
    [InlineData(0x00, 0f), InlineData(0x01, 0.001953125f), InlineData(0x07, 0.013671875f), InlineData(0x08, 0.015625f),
        InlineData(0x38, 1f)]
    [InlineData(0x7e, 448f), InlineData(0xb8, -1f), InlineData(0xfe, -448f), InlineData(0x80, -0f), InlineData(0x7f, float.NaN)]
    public void Eight_bit_floats_have_their_published_values(int bits, float value) => Assert.Equal(value, Float8.Decode(bits));

    [Fact]
    public void Eight_bit_weights_are_handed_out_wider() => OnTorch.Run(() =>
    {
        var file = Temporary();
        SafetensorsWriter.Write(file, [TensorData.From("w", DType.F8E4M3, [3], new byte[] { 0x38, 0x7e, 0x01 })]);
        using (var weights = Weights.Open(file, DType.BF16, Device.Cpu))
            Assert.Equal([1f, 448f, 0.001953125f], weights.Get("w", 3).ToFloats());
        File.Delete(file);
    });

    [Fact]
    public void What_is_saved_comes_back_in_the_type_asked_for() => OnTorch.Run(() =>
    {
        var file = Temporary();
        using (var weights = Weights.Fresh(1, DType.F32, Device.Cpu))
        {
            weights.Get("w", 4, 4);
            weights.Save(file, DType.BF16, new Dictionary<string, string> { ["format"] = "pt" });
        }
        using (var again = Weights.Open(file, DType.F32, Device.Cpu))
        {
            Assert.Equal(DType.BF16, again.TypeOf("w"));
            using var fresh = Weights.Fresh(1, DType.F32, Device.Cpu);
            Close.To(fresh.Get("w", 4, 4), again.Get("w", 4, 4), 0.01);
        }
        File.Delete(file);
    });

    [Fact]
    public void Mapped_weights_are_not_for_training() => OnTorch.Run(() => With([("w", Numbers(4))], file =>
    {
        using var weights = Weights.Open(file, DType.F32, Device.Cpu);
        weights.Get("w", 4);
        Assert.Throws<InvalidOperationException>(weights.Trainable);
        using var memory = Weights.Open(file, DType.F32, Device.Cpu).InMemory();
        Assert.True(memory.Trainable().Parameters["w"].RequiresGrad);
    }));
}
