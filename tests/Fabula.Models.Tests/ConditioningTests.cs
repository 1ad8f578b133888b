using Fabula.Torch;

namespace Fabula.Models.Tests;

public class ConditioningTests
{
    static readonly RandomSource Random = new(4);
    static readonly WanVaeConfig Tiny = new() { Dim = 4 };

    /// <summary>
    /// 480 x 832 gives 58 rows in the reference too: its square root is 479.99999999999994 there, and is divided before rounding.
    /// </summary>
    [Theory]
    [InlineData(480, 832, 399360, 58, 104), InlineData(832, 480, 399360, 104, 60), InlineData(720, 1280, 921600, 90, 160)]
    public void Latent_sizes_follow_the_picture_and_the_area(int height, int width, double area, int rows, int columns) =>
        Assert.Equal((rows, columns), Conditioning.LatentSize(height, width, area));

    [Theory]
    [InlineData(0), InlineData(2), InlineData(80), InlineData(-3)]
    public void Frame_numbers_other_than_4n_plus_1_are_refused(int frames) =>
        Assert.Contains("4n + 1", Assert.Throws<ArgumentException>(() => Conditioning.LatentFrames(frames)).Message);

    [Fact]
    public void Remembered_frames_stand_before_the_shot_at_negative_positions() =>
        Assert.Equal([-15, -10, -5, 0, 1, 2], Conditioning.Positions(3, 3));

    [Fact]
    public void The_mask_marks_what_is_given_and_nothing_else() => OnTorch.Run(() =>
    {
        var any = new KnownFrame(Tensor.Zeros([3, 8, 8], DType.F32, Device.Cpu));
        var mask = Conditioning.Mask(9, new Dictionary<int, KnownFrame> { [0] = any, [8] = any }, [any, any], 1, 1).Reshape(4, 5)
            .ToFloats();
        // Rows: the four pixel frames a latent frame stands for; columns: two remembered, then the shot's three.
        Assert.Equal(
        [
            1, 1, 1, 0, 0,
            1, 1, 1, 0, 0,
            1, 1, 1, 0, 0,
            1, 1, 1, 0, 1,
        ], mask);
    });

    [Fact]
    public void A_remembered_frame_is_encoded_by_itself() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var vae = WanVae.Create(Tiny, weights);
        var (a, b) = (Random.Normal("a", 0, 3, 16, 16), Random.Normal("b", 0, 3, 16, 16));
        var none = new Dictionary<int, KnownFrame>();
        var both = Conditioning.Encode(vae, 5, 2, 2, none, [new(a), new(b)]);
        Assert.Equal([1L, 20, 4, 2, 2], both.Shape);
        Close.To(Conditioning.Encode(vae, 5, 2, 2, none, [new(b)]).Narrow(2, 0, 1), both.Narrow(2, 1, 1), 1e-5);
    });

    [Fact]
    public void A_frame_outside_the_shot_is_refused() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var known = new Dictionary<int, KnownFrame> { [9] = new(Tensor.Zeros([3, 16, 16], DType.F32, Device.Cpu)) };
        Assert.Contains("Frame 9 is given, but the shot has 9 frames",
            Assert.Throws<ArgumentException>(() => Conditioning.Encode(WanVae.Create(Tiny, weights), 9, 2, 2, known)).Message);
    });

    [Theory]
    [InlineData(10, 20), InlineData(30, 12), InlineData(7, 7)]
    public void A_covering_picture_has_the_size_asked_for_and_its_own_proportions(int height, int width) => OnTorch.Run(() =>
    {
        // A left-to-right ramp: after scaling evenly and cutting, it rises by the same amount per scaled pixel.
        var ramp = Tensor.Arange(0, 40, DType.F32, Device.Cpu).Reshape(1, 1, 40).Expand(3, 20, 40).Contiguous();
        var covered = Conditioning.Cover(ramp, height, width);
        Assert.Equal([3L, height, width], covered.Shape);
        var scale = Math.Max(height / 20.0, width / 40.0);
        var middle = covered.Select(0, 0).Select(0, height / 2).ToFloats();
        Assert.InRange((middle[width / 2 + 1] - middle[width / 2 - 1]) / 2 * scale, 0.93, 1.07);
    });

    [Fact]
    public void Drafts_of_every_frame_lead_from_a_given_first_frame_to_a_given_last_one() => OnTorch.Run(() =>
    {
        const int Frames = 9, Rows = 2, Columns = 2;
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var vae = WanVae.Create(Tiny, weights);
        Tensor Image(int n) => Random.Normal("image", n, 3, 16, 16);
        var drafts = Enumerable.Range(0, Frames).Select(i => Image(2 + i)).ToArray();
        StageBox[][] staging = [.. Enumerable.Repeat(new StageBox[] { new(0, 0, 1, 1) }, Frames)];
        Tensor Condition(Tensor? first, Tensor? last, Tensor[] pictures) =>
            Conditioning.Drafts(vae, Frames, Rows, Columns, first, last, pictures, [], staging);
        var both = Condition(Image(0), Image(1), drafts);
        Tensor Frame(Tensor of, int f) => of.Narrow(1, 4, 16).Narrow(2, f, 1);
        Tensor Mask(int f) => both.Narrow(1, 0, 4).Narrow(2, f, 1);
        // The first frame, the draft, the last frame as it is when it stands still.
        Close.To(vae.Encode(Image(0).Unsqueeze(0).Unsqueeze(2)), Frame(both, 0), 1e-5);
        Close.To(Frame(Condition(null, null, drafts), 1), Frame(both, 1), 1e-5);
        Close.To(Frame(Condition(Image(0), Image(1), []), 2), Frame(both, 2), 1e-5);
        Assert.True((Frame(both, 1) - Frame(Condition(Image(0), Image(1), []), 1)).Abs().Max().Item() > 1e-3);
        // Nobody is in doubt where a picture is given.
        Assert.All(Mask(0).ToFloats(), value => Assert.Equal(1, value));
        Assert.All(Mask(1).Narrow(1, 0, 2).ToFloats(), value => Assert.Equal(0.25f, value));
        Assert.All(Mask(2).Narrow(1, 0, 3).ToFloats(), value => Assert.Equal(0, value));
        Assert.All(Mask(2).Narrow(1, 3, 1).ToFloats(), value => Assert.Equal(1, value));
    });
}
