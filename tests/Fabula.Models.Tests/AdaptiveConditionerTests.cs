using Fabula.Torch;

namespace Fabula.Models.Tests;

/// <summary>OneStory's context: its tokens, its budget, and what the transformer makes of it.</summary>
public class AdaptiveConditionerTests
{
    /// <summary>Options of the released models: patches of two, no learned positions, text and image to video.</summary>
    static readonly WanConfig Text = new()
    {
        Dim = 24,
        FfnDim = 32,
        Heads = 2,
        Layers = 2,
        InDim = 4,
        OutDim = 4,
        FreqDim = 16,
        TextDim = 8,
        TextLen = 16,
    };
    static readonly WanConfig Image = Text with { Kind = "i2v", InDim = 12 };
    /// <summary>Options of the pocket model.</summary>
    static readonly WanConfig Pocket = Image with
    {
        LearnedPositions = (2, 3),
        AnswersClean = true,
        PoolsText = true,
        TakesDrafts = true,
    };
    public static readonly TheoryData<string> Networks = new("text", "image", "pocket");
    static readonly RandomSource Random = new(8);

    static WanConfig Config(string name) => name switch { "text" => Text, "image" => Image, _ => Pocket };

    /// <summary>A network, and a conditioner that has taken over its patch embedding; both of fresh weights.</summary>
    static (WanTransformer Model, AdaptiveConditioner Conditioner, Weights Weights) Create(WanConfig network,
        AdaptiveConditionerConfig? config = null)
    {
        var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanTransformer(network, weights);
        var bias = weights.Parameters["patch_embedding.bias"];
        bias.CopyFrom(Random.Normal("bias", 0, bias.Shape));
        var conditioner = new AdaptiveConditioner(config ?? new(), network, weights["conditioner"]);
        conditioner.BeginFrom(weights);
        return (model, conditioner, weights);
    }

    /// <summary>Latents [B, z, F, 4, 6] as the network takes a frame that is known and clean.</summary>
    static Tensor AsKnown(WanConfig network, Tensor latents)
    {
        var (b, f) = (latents.Size(0), latents.Size(2));
        return network.InDim == 4 ? latents : Tensor.Cat(1, latents, Tensor.Ones([b, 4, f, 4, 6], DType.F32, Device.Cpu), latents);
    }

    static Tensor AsUnknown(WanConfig network, Tensor noisy) => network.InDim == 4 ? noisy
        : noisy.Pad([0, 0, 0, 0, 0, 0, 0, 8]);

    static Tensor Velocity(WanTransformer model, Tensor latents, Tensor[] rows, WanTime time, double[] frames, WanContext? context = null,
        int padTo = 0)
    {
        using var rotation = model.Rotate(frames, 2, 3);
        using var prompt = model.Prepare(rows);
        using var modulation = model.Modulate(time);
        return model.Forward(latents, modulation, prompt, rotation, padTo: padTo, context: context);
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void The_finest_patchifier_begins_with_the_tokens_of_the_base(string name) => OnTorch.Run(() =>
    {
        var network = Config(name);
        var (model, conditioner, weights) = Create(network);
        using var _ = weights;
        var memory = Random.Normal("memory", 0, 1, 4, 3, 4, 6);
        using var context = conditioner.Condition(memory, [[1]]);
        var trace = new Trace();
        using var rotation = model.Rotate([0], 2, 3);
        using var prompt = model.Prepare([Random.Normal("rows", 0, 5, 8)]);
        using var modulation = model.Modulate(WanTime.Of(500));
        model.Forward(AsKnown(network, memory.Narrow(2, 1, 1)), modulation, prompt, rotation, trace);
        var tokens = trace.Tensors["patch_embedding"].Flatten(2).Transpose(1, 2);
        if (network.LearnedPositions.Rows > 0) tokens += weights.Parameters["position_embedding.weight"].Unsqueeze(0);
        Close.To(tokens, context.Tokens, 1e-5);
        trace.Dispose();
    });

    [Fact]
    public void A_coarser_patchifier_begins_with_the_base_s_tokens_of_a_larger_picture() => OnTorch.Run(() =>
    {
        var (_, conditioner, weights) = Create(Image);
        using var _ = weights;
        var picture = Random.Normal("picture", 0, 1, 4, 1, 4, 6);
        using var fine = conditioner.Condition(picture, [[0]]);
        var twice = new AdaptiveConditioner(new() { Scales = [2] }, Image, weights["twice"]);
        twice.BeginFrom(weights);
        using var coarse = twice.Condition(picture.RepeatInterleave(2, 3).RepeatInterleave(2, 4), [[0]]);
        Close.To(fine.Tokens, coarse.Tokens, 1e-5);
    });

    [Theory]
    [InlineData(16, 28, 4)]
    [InlineData(60, 104, 2)]
    public void The_budget_is_kept_for_any_number_of_frames(int rows, int columns, int patch) => OnTorch.Run(() =>
    {
        var network = Text with { Patch = (1, patch, patch) };
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        foreach (var budget in new[] { 1, 2, 3 })
        {
            var conditioner = new AdaptiveConditioner(new() { Budget = budget }, network, weights[budget]);
            var most = budget * conditioner.Tokens(rows, columns);
            for (var frames = 0; frames <= 100; frames++)
            {
                var levels = conditioner.Assign(frames, rows, columns);
                Assert.True(levels.Length <= frames && levels.SequenceEqual(levels.Order()), "a finer patchifier than a better frame's");
                if (frames <= budget) Assert.All(levels, level => Assert.Equal(0, level));
                if (frames % 20 != 3 || rows > 16) continue;
                using var context = conditioner.Condition(Tensor.Zeros([2, 4, frames, rows, columns], DType.F32, Device.Cpu),
                    [[.. Enumerable.Range(0, frames)], [.. Enumerable.Range(0, frames).Reverse()]]);
                Assert.InRange(context.Tokens.Size(1), 1, most);
                Assert.Equal(context.Tokens.Size(1), context.Rotation.Cosine.Size(0));
            }
        }
        Assert.Equal(rows == 16 ? [1, 1, 1, 2] : [1, 1, 1, 1],
            new AdaptiveConditioner(new(), network, weights["one"]).Assign(4, rows, columns));
    });

    [Theory]
    [MemberData(nameof(Networks))]
    public void No_context_and_empty_context_give_the_same_bits(string name) => OnTorch.Run(() =>
    {
        var network = Config(name);
        var (model, conditioner, weights) = Create(network);
        using var _ = weights;
        var latents = AsUnknown(network, Random.Normal("noisy", 0, 2, 4, 2, 4, 6));
        Tensor[] rows = [Random.Normal("rows", 0, 5, 8), Random.Normal("rows", 1, 3, 8)];
        using var nothing = conditioner.Condition(Random.Normal("memory", 0, 2, 4, 3, 4, 6), [[], []]);
        var plain = Velocity(model, latents, rows, WanTime.Each([300, 800]), [0, 1]);
        Assert.Equal(plain.ToFloats(), Velocity(model, latents, rows, WanTime.Each([300, 800]), [0, 1], nothing).ToFloats());
    });

    [Theory]
    [MemberData(nameof(Networks))]
    public void A_frame_as_context_acts_as_the_same_frame_put_before_the_shot(string name) => OnTorch.Run(() =>
    {
        var network = Config(name);
        foreach (var order in new[] { ContextOrder.Relevance, ContextOrder.Story })
        {
            var (model, conditioner, weights) = Create(network, new() { Order = order });
            using var _ = weights;
            var (memory, shot) = (Random.Normal("memory", 0, 2, 4, 3, 4, 6), AsUnknown(network, Random.Normal("noisy", 0, 2, 4, 2, 4, 6)));
            Tensor[] rows = [Random.Normal("rows", 0, 5, 8), Random.Normal("rows", 1, 3, 8)];
            using var context = conditioner.Condition(memory, [[1], [1]]);
            var whole = Velocity(model, Tensor.Cat(2, AsKnown(network, memory.Narrow(2, 1, 1)), shot), rows, WanTime.Each([300, 800]),
                [-5, 0, 1]);
            var with = Velocity(model, shot, rows, WanTime.Each([300, 800]), [0, 1], context);
            Close.To(whole.Narrow(2, 1, 2), with, 2e-4);
            Close.To(with, Velocity(model, shot, rows, WanTime.Each([300, 800]), [0, 1], context, padTo: 30), 2e-4);
            Assert.True((with - Velocity(model, shot, rows, WanTime.Each([300, 800]), [0, 1])).Abs().Max().Item() > 1e-3);
        }
    });

    [Fact]
    public void Context_of_its_own_time_is_modulated_by_it() => OnTorch.Run(() =>
    {
        var (model, conditioner, weights) = Create(Image, new() { Timestep = 0 });
        using var _ = weights;
        var (memory, shot) = (Random.Normal("memory", 0, 1, 4, 1, 4, 6), AsUnknown(Image, Random.Normal("noisy", 0, 1, 4, 2, 4, 6)));
        Tensor[] rows = [Random.Normal("rows", 0, 5, 8)];
        using var context = conditioner.Condition(memory, [[0]]);
        var whole = Tensor.Cat(2, AsKnown(Image, memory), shot);
        WanTime Tokens(params double[] frames) => WanTime.PerToken([.. frames.SelectMany(t => Enumerable.Repeat(t, 6))]);
        Close.To(Velocity(model, whole, rows, Tokens(0, 700, 700), [-5, 0, 1]).Narrow(2, 1, 2),
            Velocity(model, shot, rows, WanTime.Of(700), [0, 1], context), 1e-4);
        // The first latent frame known, as TI2V has it: the shot's tokens keep their own times, context without one takes the noisiest.
        Close.To(Velocity(model, whole, rows, Tokens(0, 50, 700), [-5, 0, 1]).Narrow(2, 1, 2),
            Velocity(model, shot, rows, Tokens(50, 700), [0, 1], context), 1e-4);
        Close.To(Velocity(model, whole, rows, Tokens(700, 50, 700), [-5, 0, 1]).Narrow(2, 1, 2),
            Velocity(model, shot, rows, Tokens(50, 700), [0, 1], context with { Timestep = null }), 1e-4);
    });

    [Fact]
    public void Shots_of_a_batch_have_their_own_context_words_and_times() => OnTorch.Run(() =>
    {
        foreach (var config in new AdaptiveConditionerConfig[] { new() { Timestep = 0 }, new() { Order = ContextOrder.Story, Budget = 2 } })
        {
            var (model, conditioner, weights) = Create(Pocket, config);
            using var _ = weights;
            var (memory, shot) = (Random.Normal("memory", 0, 2, 4, 5, 4, 6), AsUnknown(Pocket, Random.Normal("noisy", 0, 2, 4, 1, 4, 6)));
            Tensor[] rows = [Random.Normal("rows", 0, 5, 8), Random.Normal("rows", 1, 3, 8)];
            int[][] chosen = [[4, 0, 2], [1, 3, 0]];
            using var both = conditioner.Condition(memory, chosen);
            var together = Velocity(model, shot, rows, WanTime.Each([300, 800]), [0], both);
            for (var b = 0; b < 2; b++)
            {
                using var one = conditioner.Condition(memory.Narrow(0, b, 1), [chosen[b]]);
                Close.To(Velocity(model, shot.Narrow(0, b, 1), [rows[b]], WanTime.Of(b == 0 ? 300 : 800), [0], one),
                    together.Narrow(0, b, 1), 2e-4);
            }
        }
    });

    [Fact]
    public void The_patchifiers_get_the_same_gradients_with_and_without_checkpointing() => OnTorch.Run(() =>
    {
        Dictionary<string, float[]> Gradients(bool checkpoint)
        {
            using var scope = TensorScope.Open();
            var (model, conditioner, weights) = Create(Pocket);
            using var _ = weights;
            model.GradientCheckpointing = checkpoint;
            weights.Trainable();
            using (Autograd.Enable())
            {
                using var context = conditioner.Condition(Random.Normal("memory", 0, 1, 4, 3, 4, 6), [[2, 0, 1]]);
                Velocity(model, AsUnknown(Pocket, Random.Normal("noisy", 0, 1, 4, 1, 4, 6)), [Random.Normal("rows", 0, 5, 8)],
                    WanTime.Of(500), [0], context).Square().Mean().Backward();
            }
            return weights.Parameters.Where(pair => pair.Key.StartsWith("conditioner.", StringComparison.Ordinal))
                .ToDictionary(pair => pair.Key, pair => pair.Value.Grad?.ToFloats() ?? []);
        }
        var (plain, again) = (Gradients(false), Gradients(true));
        Assert.Contains(plain["conditioner.patches.1.weight"], value => value != 0);
        foreach (var (name, expected) in plain)
            for (var i = 0; i < expected.Length; i++) Assert.True(Math.Abs(expected[i] - again[name][i]) < 1e-5, name);
    });

    [Fact]
    public void Sampling_takes_context_into_both_halves_of_every_step() => OnTorch.Run(() =>
    {
        var (model, conditioner, weights) = Create(Text);
        using var _ = weights;
        using var context = conditioner.Condition(Random.Normal("memory", 0, 1, 4, 3, 4, 6), [[2, 0]]);
        var shot = new WanShot
        {
            Schedule = Schedule.UniPC(2, 3),
            Noise = Random.Normal("noise", 0, 1, 4, 1, 4, 6),
            Prompt = Random.Normal("rows", 0, 5, 8),
            NegativePrompt = Random.Normal("rows", 1, 3, 8),
        };
        (float[] With, float[] Without) First(WanShot asked)
        {
            (float[], float[]) halves = ([], []);
            using var enough = new CancellationTokenSource();
            foreach (var state in new WanSampler(new WanExpert(model, 3)).Sample(asked,
                observe: step => halves = (step.Positive.ToFloats(), step.Negative.ToFloats()))) break;
            return halves;
        }
        var (plain, remembering) = (First(shot), First(shot with { Context = context }));
        Assert.NotEqual(plain.With, remembering.With);
        Assert.NotEqual(plain.Without, remembering.Without);
        var two = new WanSampler(new WanExpert(model, 3), new WanExpert(model, 3), 0.5);
        Assert.Throws<ArgumentException>(() => two.Sample(shot with { Context = context }).First());
    });
}
