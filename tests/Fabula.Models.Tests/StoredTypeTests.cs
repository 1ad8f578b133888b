using Fabula.Torch;

namespace Fabula.Models.Tests;

/// <summary>A transformer of weights stored in any type, and anywhere in the file, is the one of the same numbers in fp32.</summary>
public sealed class StoredTypeTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("fabula-types").FullName;

    [Theory]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    [InlineData(DType.F64)]
    [InlineData(DType.F8E4M3)]
    public void The_stored_type_changes_no_bit(DType type) => OnTorch.Run(() =>
    {
        var (stored, wide) = (At("stored"), At("wide"));
        Save(stored, type);
        using (var weights = Weights.Open(stored, DType.F32, Device.Cpu))
            Weights.Save(wide, weights.Names.ToList().Select(name => KeyValuePair.Create(name, weights.Get(name, weights.ShapeOf(name)))));
        Assert.Equal(Answer(wide, DType.F32), Answer(stored, DType.F32));
        Assert.Equal(Answer(wide, DType.BF16), Answer(stored, DType.BF16));
    });

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    public void Data_at_an_odd_byte_change_no_bit(DType type) => OnTorch.Run(() =>
    {
        var (even, odd) = (At("even"), At("odd"));
        Save(even, type);
        var bytes = File.ReadAllBytes(even);
        var length = BitConverter.ToInt32(bytes);
        File.WriteAllBytes(odd, [.. BitConverter.GetBytes(length + 1L), .. bytes[8..(8 + length)], (byte)' ', .. bytes[(8 + length)..]]);
        Assert.Equal(Answer(even, DType.F32), Answer(odd, DType.F32));
    });

    string At(string name) => Path.Combine(_folder, name + ".safetensors");

    static void Save(string path, DType type)
    {
        using var weights = Weights.Fresh(5, DType.F32, Device.Cpu);
        _ = new WanTransformer(TinyModel.Small, weights);
        if (type != DType.F8E4M3)
        {
            weights.Save(path, type);
            return;
        }
        // libtorch cannot make 8-bit floats: bytes of small numbers, both signs.
        SafetensorsWriter.Write(path, weights.Parameters.Select(pair => TensorData.From(pair.Key, DType.F8E4M3, pair.Value.Shape,
            Enumerable.Range(0, (int)pair.Value.Count).Select(i => (byte)((i * 37 % 40) | (i % 3 == 0 ? 0x80 : 0))).ToArray())), null);
    }

    static float[] Answer(string path, DType type)
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Open(path, type, Device.Cpu);
        var model = new WanTransformer(TinyModel.Small, weights);
        using var prompt = model.Prepare([new RandomSource(1).Normal("text", 0, 5, 32)]);
        using var time = model.Modulate(WanTime.Of(500));
        using var rotation = model.Rotate([0, 1], 3, 2);
        return model.Forward(new RandomSource(1).Normal("latents", 0, 1, 16, 2, 6, 4), time, prompt, rotation).ToFloats();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
