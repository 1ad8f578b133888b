using Fabula.Torch;

namespace Fabula.Models.Tests;

/// <summary>OneStory's selector: what it may see, what it answers with, and that it can learn.</summary>
public class FrameSelectionTests
{
    static readonly FrameSelectionConfig Tiny = new(4, 6, 24) { Queries = 2, Heads = 2, Kernels = (2, 2), Hidden = 16 };

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void The_selector_learns_to_find_the_frame_that_its_caption_speaks_of(int blocks) => OnTorch.Run(() =>
    {
        const int Things = 8, Frames = 6, Batch = 16;
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var selection = new FrameSelection(Tiny with { Blocks = blocks }, weights);
        weights.Trainable();
        using var adam = new AdamW(weights.Parameters, 3e-3);
        var random = new RandomSource(2);
        var (looks, words) = (random.Normal("looks", 0, Things, 4, 4, 6), random.Normal("words", 0, Things, 3, 6));
        // Every frame shows one thing, with noise; the caption names the thing of one frame.
        (Tensor Scores, int[] Planted) Look(int step, string purpose)
        {
            var draws = random.Uniform(purpose, step, Batch, Things + 1).ToFloats().Chunk(Things + 1).ToArray();
            var shown = draws.Select(row => Enumerable.Range(0, Things).OrderBy(i => row[i]).Take(Frames).ToArray()).ToArray();
            var planted = draws.Select(row => (int)(row[Things] * Frames)).ToArray();
            var which = shown.SelectMany(things => things).Select(thing => (long)thing).ToArray();
            var latents = looks.IndexSelect(0, Tensor.From(which, which.Length));
            latents += random.Normal(purpose, step, latents.Shape) * 0.2;
            var memory = selection.Project(latents);
            return (selection.Score(memory.Reshape(Batch, Frames, memory.Size(1), 24),
                [.. planted.Select((at, b) => words.Select(0, shown[b][at]))]), planted);
        }
        for (var step = 0; step < 150; step++)
        {
            using var scope = TensorScope.Open();
            using var on = Autograd.Enable();
            var (scores, planted) = Look(step, "train");
            var labels = planted.SelectMany(at => Enumerable.Range(0, Frames).Select(f => f == at ? 1f : 0f)).ToArray();
            (scores - Tensor.From(labels, Batch, Frames)).Square().Mean().Backward();
            adam.Step();
        }
        var right = 0;
        for (var step = 0; step < 4; step++)
        {
            var (scores, planted) = Look(step, "test");
            right += scores.ToFloats().Chunk(Frames).Zip(planted, (row, at) => FrameSelection.Top(row, 1)[0] == at ? 1 : 0).Sum();
        }
        Assert.True(right >= 58, $"{right} of 64 found");
    });

    [Fact]
    public void Later_frames_are_not_seen_and_never_chosen() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var selection = new FrameSelection(Tiny, weights);
        var random = new RandomSource(3);
        Tensor[] captions = [random.Normal("caption", 0, 3, 6), random.Normal("caption", 1, 5, 6)];
        var film = random.Normal("film", 0, 7, 4, 4, 6);
        float[][] Scores() => [.. selection.Score(selection.Project(film).Unsqueeze(0), captions, [2, 5]).ToFloats().Chunk(7)];
        var before = Scores();
        var alone = selection.Score(selection.Project(film.Narrow(0, 0, 2)).Unsqueeze(0), [captions[0]]);
        Close.To(alone, Tensor.From(before[0][..2], 1, 2), 1e-5);
        film.Narrow(0, 5, 2).Add_(random.Normal("other", 0, 2, 4, 4, 6));
        var after = Scores();
        Assert.Equal(before[0], after[0]);
        Assert.Equal(before[1], after[1]);
        Assert.Equal([2, 5], after.Select(row => FrameSelection.Top(row, 7).Length));
        Assert.Equal([0, 1], FrameSelection.Top(after[0], 7).Order());
        // What the second shot may see does change its scores.
        film.Narrow(0, 4, 1).Add_(random.Normal("other", 1, 1, 4, 4, 6));
        var third = Scores();
        Assert.Equal(before[0], third[0]);
        Assert.NotEqual(before[1], third[1]);
    });

    [Fact]
    public void Shots_of_a_batch_score_as_they_do_alone_and_never_beyond_one() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(4, DType.F32, Device.Cpu);
        var selection = new FrameSelection(Tiny, weights);
        var random = new RandomSource(5);
        Tensor[] captions = [random.Normal("caption", 0, 1, 6), random.Normal("caption", 1, 9, 6)];
        var memory = selection.Project(random.Normal("film", 0, 10, 4, 5, 7)).Reshape(2, 5, -1, 24);     // sides that no kernel fills
        var together = selection.Score(memory, captions);
        for (var b = 0; b < 2; b++) Close.To(selection.Score(memory.Narrow(0, b, 1), [captions[b]]), together.Narrow(0, b, 1), 1e-5);
        Assert.True(together.Abs().Max().Item() <= 1);
    });

    [Fact]
    public void A_shot_with_nothing_before_it_is_refused() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var selection = new FrameSelection(Tiny, weights);
        var random = new RandomSource(3);
        var memory = selection.Project(random.Normal("film", 0, 3, 4, 4, 6)).Unsqueeze(0);
        var refused = Assert.Throws<ArgumentException>(() => selection.Score(memory, [random.Normal("caption", 0, 3, 6)], [0]));
        Assert.Contains("no memory", refused.Message);
    });

    [Fact]
    public void Of_equally_relevant_frames_the_newer_one_comes_first()
    {
        Assert.Equal([3, 1, 4], FrameSelection.Top([0.1f, 0.7f, 0.2f, 0.7f, 0.3f], 3));
        Assert.Equal([1, 0], FrameSelection.Top([0.1f, 0.7f], 9));
    }

    [Fact]
    public void Simpler_choices_take_the_newest_frames_or_equal_distances()
    {
        Assert.Equal([9, 8, 7], FrameSelection.Recent(10, 3));
        Assert.Equal([9, 6, 3], FrameSelection.Even(10, 3));
        Assert.Equal([1, 0], FrameSelection.Even(2, 3));
    }

    static readonly FrameSelectionConfig Choosing = new(4, 6, 2) { Kept = 3 };

    /// <summary>Six frames of three shots; the first two shots show the same, the third something else.</summary>
    static readonly int[] Shots = [0, 0, 1, 1, 2, 2];
    static readonly float[] Scores = [0.9f, 0.8f, 0.7f, 0.6f, 0.5f, -0.8f], Pooled = [1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1];

    [Fact]
    public void The_best_frames_are_picked_whatever_they_show_unless_the_settings_say_otherwise() =>
        Assert.Equal([0, 1, 2], FrameSelection.Pick(Choosing, Scores, [], Shots));

    [Fact]
    public void A_choice_stops_where_frames_matter_too_little_but_never_before_the_best()
    {
        Assert.Equal([0, 1, 2, 3, 4], FrameSelection.Pick(Choosing with { Kept = 6, Least = 0 }, Scores, [], Shots));
        Assert.Equal([0], FrameSelection.Pick(Choosing with { Least = 0.95 }, Scores, [], Shots));
        Assert.Equal([0, 1, 2, 3, 4, 5], FrameSelection.Pick(Choosing with { Kept = 9 }, Scores, [], Shots));
    }

    [Fact]
    public void A_choice_leaves_out_what_is_far_behind_the_best_however_low_that_is()
    {
        var close = Choosing with { Kept = 6, Behind = 0.25 };
        Assert.Equal([0, 1, 2], FrameSelection.Pick(close, Scores, [], Shots));
        Assert.Equal([0, 1, 2], FrameSelection.Pick(close, [.. Scores.Select(score => score - 1)], [], Shots));
        Assert.Equal([0, 1, 2, 3, 4, 5], FrameSelection.Pick(close with { Behind = 2 }, Scores, [], Shots));
    }

    [Fact]
    public void A_limit_per_shot_leaves_room_for_other_shots() =>
        Assert.Equal([0, 2, 4], FrameSelection.Pick(Choosing with { PerShot = 1 }, Scores, [], Shots));

    [Fact]
    public void A_spread_takes_what_nobody_chosen_shows_and_still_ranks_by_relevance()
    {
        Assert.Equal([0, 1, 4], FrameSelection.Pick(Choosing with { Spread = 0.5 }, Scores, Pooled, Shots));
        Assert.Equal([0, 1, 2], FrameSelection.Pick(Choosing with { Spread = 0.1 }, Scores, Pooled, Shots));
    }

    [Fact]
    public void Frames_that_a_shot_may_not_see_are_never_picked() =>
        Assert.Equal([1, 0], FrameSelection.Pick(Choosing with { Spread = 0.5 }, [0.1f, 0.2f, float.NegativeInfinity],
            [1, 0, 1, 0, 0, 1], [0, 0, 1]));

    [Fact]
    public void Settings_are_read_from_older_files_and_changed_by_name_only()
    {
        var config = new OneStoryConfig(
            Choosing with { Dim = 8, Blocks = 1, Least = 0.25, Behind = 0.75, Spread = 0.5, PerShot = 2 }, new());
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, config.ToJson().ToJsonString());
            Assert.Equal(config.Selection, OneStoryConfig.Read(path).Selection);
            var old = config.ToJson();
            foreach (var name in new[] { "blocks", "least", "behind", "spread", "per_shot" }) old.Remove(name);
            File.WriteAllText(path, old.ToJsonString());
            Assert.Equal(config.Selection with { Blocks = 0, Least = -1, Behind = 2, Spread = 0, PerShot = 0 },
                OneStoryConfig.Read(path).Selection);
        }
        finally
        {
            File.Delete(path);
        }
        Assert.Equal(config.Selection with { Kept = 9 }, config.With(new() { ["kept"] = 9 }).Selection);
        Assert.Contains("'keep'", Assert.Throws<FormatException>(() => config.With(new() { ["keep"] = 9 })).Message);
        Assert.Throws<FormatException>(() => config.With(new() { ["kept"] = 0 }));
    }
}
