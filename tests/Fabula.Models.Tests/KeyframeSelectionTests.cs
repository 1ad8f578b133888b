using Fabula.Torch;

namespace Fabula.Models.Tests;

public class KeyframeSelectionTests
{
    /// <summary>A shot that changes steadily: frames n apart are n times this less alike.</summary>
    static Func<int, int, double> Drift(double perFrame) => (i, j) => 1 - perFrame * Math.Abs(i - j);

    [Theory]
    [InlineData(0.001)]
    [InlineData(0.02)]
    [InlineData(0.15)]
    [InlineData(2.0)]
    public void A_shot_leaves_one_to_three_keyframes_in_order(double perFrame)
    {
        var choice = KeyframeSelection.Choose(81, Drift(perFrame), _ => 5);
        Assert.InRange(choice.Indices.Count, 1, 3);
        Assert.Equal(0, choice.Indices[0]);
        Assert.Equal(choice.Indices.Order().Distinct(), choice.Indices);
    }

    [Fact]
    public void A_shot_that_does_not_change_leaves_its_first_frame_at_the_first_threshold()
    {
        var choice = KeyframeSelection.Choose(81, (_, _) => 1, _ => 5);
        Assert.Equal([0], choice.Indices);
        Assert.Equal(0.9, choice.Similarity);
    }

    [Fact]
    public void The_first_keyframe_is_the_first_good_frame_and_bad_frames_are_never_chosen()
    {
        var choice = KeyframeSelection.Choose(30, Drift(0.01), frame => frame % 7 == 5 ? 3.0 : 2.99);
        Assert.Equal(5, choice.Indices[0]);
        Assert.All(choice.Indices, frame => Assert.Equal(5, frame % 7));
        Assert.True(choice.Indices.Count > 1);
    }

    [Fact]
    public void A_shot_with_no_good_frame_leaves_none()
    {
        Assert.Empty(KeyframeSelection.Choose(20, Drift(0.1), _ => 1).Indices);
        Assert.Empty(KeyframeSelection.Choose(20, Drift(0.1), _ => double.NaN).Indices);
        Assert.Empty(KeyframeSelection.Choose(0, Drift(0.1), _ => 5).Indices);
    }

    [Fact]
    public void A_frame_is_new_by_comparison_with_the_latest_keyframe_only()
    {
        // Two views in turn: each differs from the one before, though not from the one before that.
        var indices = KeyframeSelection.Extract(12, (i, j) => i / 4 % 2 == j / 4 % 2 ? 1 : 0, _ => 5, 0.9, 3);
        Assert.Equal([0, 4, 8], indices);
    }

    [Fact]
    public void Frame_one_is_passed_over_as_in_the_reference() =>
        Assert.Equal([0, 2, 3], KeyframeSelection.Extract(4, (_, _) => 0, _ => 5, 0.9, 3));

    [Fact]
    public void The_judge_of_quality_is_asked_once_per_frame_and_only_where_it_matters()
    {
        var asked = new List<int>();
        KeyframeSelection.Choose(81, Drift(0.02), frame => { asked.Add(frame); return 5; });
        Assert.Equal(asked.Distinct(), asked);
        Assert.True(asked.Count < 81);
    }

    [Fact]
    public void Keyframes_that_memory_already_has_are_left_out() =>
        Assert.Equal([7, 9], KeyframeSelection.WithoutKnown([3, 7, 9], 2, (frame, memory) => frame == 3 && memory == 1 ? 0.91 : 0.9));

    [Fact]
    public void Rules_that_would_never_end_are_refused()
    {
        var rules = KeyframeRules.StoryMem;
        Assert.Throws<ArgumentException>(() => KeyframeSelection.Choose(9, Drift(0.1), _ => 5, rules with { MaxKeyframes = 0 }));
        Assert.Throws<ArgumentException>(() => KeyframeSelection.Choose(9, Drift(0.1), _ => 5, rules with { Step = 0 }));
    }

    [Theory]
    [InlineData(480, 832)]
    [InlineData(1080, 1920)]
    [InlineData(17, 300)]
    [InlineData(2160, 3840)]
    [InlineData(64, 64)]
    public void Frames_are_judged_at_sides_divisible_by_28_and_an_area_within_bounds(int height, int width)
    {
        var (h, w) = KeyframeSelection.SmartResize(height, width);
        Assert.Equal((0, 0), (h % 28, w % 28));
        Assert.InRange(h * w, 48 * 784, 256 * 784);
        Assert.Throws<ArgumentException>(() => KeyframeSelection.SmartResize(1, 201));
    }

    [Fact]
    public void A_frame_is_like_itself_whether_it_comes_early_or_late_in_the_shot() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var config = new ClipImageConfig { ImageSize = 32, PatchSize = 16, Width = 64, Layers = 1, EmbedDim = 8 };
        var encoder = new ClipImageEncoder(config, weights);
        var frame = (new RandomSource(2).Uniform("frame", 0, 1, 3, 48, 80) * 255).To(DType.U8);
        var other = (new RandomSource(2).Uniform("other", 0, 9, 3, 48, 80) * 255).To(DType.U8);
        var features = KeyframeSelection.Embed(encoder, Tensor.Cat(0, frame, other, frame));     // 11 frames: more than one part
        var table = KeyframeSelection.Similarities(features, features);
        Assert.Equal(11, table.GetLength(0));
        Assert.InRange(table[0, 10], 1 - 1e-5, 1 + 1e-5);
        Assert.InRange(table[4, 4], 1 - 1e-5, 1 + 1e-5);
        Assert.All(Enumerable.Range(1, 9), i => Assert.Equal(table[0, i], table[i, 0], 1e-6));
    });
}
