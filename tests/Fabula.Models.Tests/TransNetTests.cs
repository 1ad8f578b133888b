using Fabula.Torch;

namespace Fabula.Models.Tests;

public class TransNetTests
{
    static readonly TransNetConfig Small = new() { Filters = 2, Blocks = 1, Dim = 8 };

    static byte[][] Video(int frames) => [.. Enumerable.Range(0, frames).Select(i =>
        Enumerable.Range(0, 27 * 48 * 3).Select(j => (byte)(j * 7 + i / 40 * 90 + i)).ToArray())];

    [Fact]
    public void Every_frame_of_a_long_video_has_the_probability_that_its_own_window_gives() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new TransNetV2(Small, weights);
        var video = Video(130);
        var found = model.Probabilities(video);
        Assert.Equal(130, found.Count);
        // Frames 50 to 99 are the middle of the window that begins at frame 25.
        var pixels = Tensor.From<byte>([.. video[25..125].SelectMany(frame => frame)], 1, 100, 27, 48, 3);
        var window = model.Forward(pixels).OneHot.Sigmoid().ToFloats();
        for (var i = 50; i < 100; i++) Assert.Equal(window[i - 25], found[i], 1e-5);
        foreach (var frames in (int[])[0, 1, 49, 50, 51, 100])
            Assert.Equal(model.Probabilities(Video(frames)).Count, frames);
    });

    [Fact]
    public void The_shapes_of_a_file_tell_its_configuration() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Open(Path.Combine(Repository.Root, "tests", "golden", "transnetv2", "weights.safetensors"), DType.F32,
            Device.Cpu);
        Assert.Equal(new TransNetConfig { Filters = 4, Blocks = 2, Dim = 16 }, TransNetConfig.Of(weights));
    });

    [Fact]
    public void What_does_not_fit_is_refused_in_a_sentence() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(2, DType.F32, Device.Cpu);
        var model = new TransNetV2(Small, weights);
        Refused("[1, 2, 48, 27, 3]", () => model.Forward(Tensor.Zeros([1, 2, 48, 27, 3], DType.U8, Device.Cpu)));
        Refused("wants bytes", () => model.Forward(Tensor.Zeros([1, 2, 27, 48, 3], DType.F32, Device.Cpu)));
        Refused("0 filters", () => new TransNetV2(Small with { Filters = 0 }, weights));

        static void Refused(string words, Func<object> action) =>
            Assert.Contains(words, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);
    });
}
