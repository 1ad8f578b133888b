using Fabula.Torch;

namespace Fabula.Models.Tests;

public class KeyframePlannerTests
{
    static readonly KeyframePlannerConfig Small = new()
    {
        Decoder = new() { Vocabulary = 5, Dim = 24, FfnDim = 40, Layers = 2, Heads = 4, KeyHeads = 2, MaxTokens = 64, HasHead = false },
        TokenDim = 6,
        SentenceDim = 10,
        IdentityDim = 7,
        Components = 3,
    };

    static readonly RandomSource Random = new(3);

    static Tensor Noise(string purpose, params long[] shape) => Random.Normal(purpose, 0, shape);

    /// <summary>Start, a character and a sentence on them, a sentence on the place, end: 5 rows.</summary>
    static readonly PlannerRow[] Script =
    [
        new(PlannerKind.Identifier, 0), new(PlannerKind.Identity, 0), new(PlannerKind.Sentence, 0), new(PlannerKind.Sentence, 1),
        new(PlannerKind.Identifier, 1),
    ];

    static IEnumerable<PlannerFrame> Frames(int count)
    {
        for (var i = 0; i < count; i++) yield return new(Script, Noise($"sentences {i}", 2, 10), Noise($"identity {i}", 1, 7));
    }

    /// <summary>The same frames with their pictures as one row of a batch.</summary>
    static (List<PlannerRow> Rows, PlannerVectors Vectors) Whole(int count, Tensor pictures)
    {
        var rows = new List<PlannerRow>();
        for (var i = 0; i < count; i++)
        {
            rows.AddRange(Script.Select(row => row with
            {
                Index = row.Kind == PlannerKind.Sentence ? 2 * i + row.Index
                : row.Kind == PlannerKind.Identity ? i : row.Index
            }));
            rows.AddRange([new(PlannerKind.Picture, 2 * i), new(PlannerKind.Picture, 2 * i + 1)]);
        }
        var frames = Frames(count).ToList();
        return (rows, new(Tensor.Cat(0, [.. frames.Select(frame => frame.Sentences!)]),
            Tensor.Cat(0, [.. frames.Select(frame => frame.Identities!)]), pictures));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_unlikelihood_of_a_vector_equals_its_closed_form(int components) => OnTorch.Run(() =>
    {
        const int d = 4;
        var numbers = Noise("numbers", 5, components * (2 * d + 1));
        var vectors = Noise("vectors", 5, d);
        var (all, x) = (numbers.ToFloats(), vectors.ToFloats());
        var expected = Enumerable.Range(0, 5).Select(n =>
        {
            double Raw(int i) => all[n * components * (2 * d + 1) + i];
            var total = Enumerable.Range(0, components).Sum(i => Math.Exp(Raw(i)));
            return -Math.Log(Enumerable.Range(0, components).Sum(i => Math.Exp(Raw(i)) / total
                * Enumerable.Range(i * d, d).Aggregate(1.0, (product, at) =>
                {
                    var (mean, raw) = (Raw(components + at), Raw(components + components * d + at));
                    var variance = (raw + Math.Sqrt(raw * raw + 4)) / 2 + 1e-3;
                    var off = x[n * d + at - i * d] - mean;
                    return product * Math.Exp(-off * off / (2 * variance)) / Math.Sqrt(2 * Math.PI * variance);
                })));
        });
        var actual = GaussianMixture.Of(numbers, components, 1e-3).Unlikelihood(vectors).ToFloats();
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    });

    [Fact]
    public void The_losses_gradient_equals_its_differences() => OnTorch.Run(() =>
    {
        double[] numbers = [.. Noise("numbers", 2, 3 * 9).ToFloats().Select(value => (double)value)];
        var vectors = Noise("vectors", 2, 4).To(DType.F64);
        Tensor Loss(double[] values, out Tensor leaf) =>
            GaussianMixture.Of(leaf = Tensor.From(values, 2, 27).RequireGrad(), 3, 1e-3).Loss(vectors).Sum();
        double[] gradient;
        using (Autograd.Enable())
        {
            Loss(numbers, out var leaf).Backward();
            gradient = leaf.Grad!.ToArray<double>();
        }
        for (var i = 0; i < numbers.Length; i++)
        {
            double At(double step) => Loss([.. numbers.Select((value, at) => at == i ? value + step : value)], out _).Item();
            Assert.Equal((At(1e-5) - At(-1e-5)) / 2e-5, gradient[i], 1e-6);
        }
    });

    [Fact]
    public void Draws_have_the_mixtures_mean_and_deviation_and_at_temperature_0_its_heaviest_component() => OnTorch.Run(() =>
    {
        const int n = 4000;
        var numbers = Tensor.From([MathF.Log(0.3f), MathF.Log(0.7f), -3f, 5f, 0f, 1.5f], 1, 6).Expand(n, 6);   // variances 1 and 2, floor 0
        var mixture = GaussianMixture.Of(numbers, 2, 0);
        var drawn = mixture.Draw(Random.Uniform("u", 0, n), Noise("v", n, 1)).ToFloats();
        var (mean, spread) = (0.3 * -3 + 0.7 * 5, 0.3 * (9 + 1) + 0.7 * (25 + 2));
        Assert.Equal(mean, drawn.Average(), 0.15);
        Assert.Equal(mean, mixture.Mean().ToFloats()[0], 1e-4);
        Assert.Equal(spread - mean * mean, drawn.Select(value => Math.Pow(value - mean, 2)).Average(), 0.5);
        Assert.All(mixture.Draw(Random.Uniform("u", 0, n), Noise("v", n, 1), 0).ToFloats(), value => Assert.Equal(5, value));
    });

    [Fact]
    public void A_masked_row_has_no_influence_on_any_other() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var planner = new KeyframePlanner(Small, weights);
        var (rows, vectors) = Whole(3, Noise("pictures", 6, 6));
        var mask = Tensor.Ones([1, rows.Count], DType.F32, Device.Cpu);
        mask.Narrow(1, 2, 1).Fill_(0);                                                           // the first frame's first sentence
        mask.Narrow(1, 8, 1).Fill_(0);                                                           // the second frame's identity
        var (sentences, identities) = (vectors.Sentences!.Clone(), vectors.Identities!.Clone());
        sentences.Narrow(0, 0, 1).Mul_(-2);
        identities.Narrow(0, 1, 1).Mul_(-2);
        var others = vectors with { Sentences = sentences, Identities = identities };
        Close.To(planner.Foresee([rows], vectors, mask).Means, planner.Foresee([rows], others, mask).Means, 0);
        Assert.NotEqual(planner.Foresee([rows], vectors).Means.ToFloats(), planner.Foresee([rows], others).Means.ToFloats());
    });

    [Fact]
    public void A_shorter_sequence_of_a_batch_gets_what_it_gets_alone() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var planner = new KeyframePlanner(Small, weights);
        var (rows, vectors) = Whole(3, Noise("pictures", 6, 6));
        var both = planner.Foresee([rows[..7], rows], vectors);
        Assert.Equal([8, 3, 6], both.Means.Shape);
        Close.To(planner.Foresee([rows[..7]], vectors).Means, both.Means.Narrow(0, 0, 2), 1e-5);
        Close.To(planner.Foresee([rows], vectors).Variances, both.Variances.Narrow(0, 2, 6), 1e-5);
    });

    [Theory]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(20, false)]
    [InlineData(20, true)]
    public void Told_with_a_cache_is_what_the_whole_sequence_foresees(int window, bool references) => OnTorch.Run(() =>
    {
        const int count = 6;
        using var weights = Weights.Fresh(2, DType.F32, Device.Cpu);
        var planner = new KeyframePlanner(Small with { Decoder = Small.Decoder with { Window = window } }, weights);
        var given = references ? Noise("references", 4, 6) : null;
        var told = planner.Tell(Frames(count), new RandomSource(5), given, 0.8).ToList();

        var (rows, vectors) = Whole(count, Tensor.Cat(0, [.. told, .. references ? new[] { given! } : []]));
        // References stand in front, and with a window of 20 rows again before what would be more than 20 from their start.
        int[] before = !references ? [] : window == 0 ? [0] : [0, 2, 4];
        PlannerRow[] prefix = [.. Enumerable.Range(2 * count, 4).Select(i => new PlannerRow(PlannerKind.Reference, i))];
        var sequence = Enumerable.Range(0, count).SelectMany(i => (before.Contains(i) ? prefix : []).Concat(rows[(7 * i)..(7 * i + 7)]));
        var foreseen = planner.Foresee([[.. sequence]], vectors);
        for (var i = 0; i < count; i++)
            for (var token = 0; token < 2; token++)
            {
                GaussianMixture one = new(foreseen.LogWeights.Narrow(0, 2 * i + token, 1), foreseen.Means.Narrow(0, 2 * i + token, 1),
                    foreseen.Variances.Narrow(0, 2 * i + token, 1));
                var source = new RandomSource(5);
                Close.To(told[i].Narrow(0, token, 1),
                    one.Draw(source.Uniform($"component {token}", i, 1), source.Normal($"token {token}", i, 1, 6), 0.8), 1e-4);
            }
        foreach (var tokens in told) tokens.Dispose();
    });

    [Fact]
    public void Reference_pictures_change_what_is_told_and_the_same_ones_tell_the_same() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(2, DType.F32, Device.Cpu);
        var planner = new KeyframePlanner(Small, weights);
        float[] Told(Tensor? references)
        {
            var told = planner.Tell(Frames(2), new RandomSource(5), references).ToList();
            float[] values = [.. told.SelectMany(tokens => tokens.ToFloats())];
            told.ForEach(tokens => tokens.Dispose());
            return values;
        }
        Assert.Equal(Told(Noise("a", 20, 6)), Told(Noise("a", 20, 6)));
        Assert.NotEqual(Told(Noise("a", 20, 6)), Told(Noise("b", 20, 6)));
        Assert.NotEqual(Told(null), Told(Noise("a", 20, 6)));
    });

    [Fact]
    public void A_thousand_keyframes_take_no_more_memory_than_a_hundred() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(2, DType.F32, Device.Cpu);
        var planner = new KeyframePlanner(Small with { Decoder = Small.Decoder with { Window = 28 } }, weights);
        var held = new List<long>();
        using var references = Noise("references", 4, 6);
        var frame = Frames(1).First();
        foreach (var tokens in planner.Tell(Enumerable.Repeat(frame, 1000), new RandomSource(5), references))
        {
            Assert.True(tokens.AllFinite());
            tokens.Dispose();
            held.Add(LibTorch.Memory.Live);
        }
        Assert.Equal(1000, held.Count);
        Assert.Equal(held[..100].Max(), held[100..].Max());
    });

    [Fact]
    public void Gradients_reach_every_weight_and_dropout_is_in_their_way() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(2, DType.F32, Device.Cpu);
        var planner = new KeyframePlanner(Small, weights);
        weights.Trainable();
        var pictures = Noise("pictures", 4, 6);
        var (rows, vectors) = Whole(2, pictures);
        var passed = 0;
        Tensor Half(Tensor x)
        {
            passed++;
            return x * 0.5;
        }
        using (Autograd.Enable()) planner.Foresee([rows], vectors, dropout: Half).Loss(pictures).Sum().Backward();
        Assert.Equal(4, passed);                                                                 // two halves of two layers
        Assert.All(weights.Parameters, pair => Assert.True(pair.Value.Grad is { } grad && grad.Abs().Max().Item() > 0, pair.Key));
    });

    [Fact]
    public void What_does_not_fit_is_refused_in_a_sentence() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(2, DType.F32, Device.Cpu);
        var planner = new KeyframePlanner(Small, weights);
        PlannerVectors vectors = new(Noise("s", 2, 10), null, Noise("p", 2, 6));
        Refused("first row", () => planner.Foresee([[new(PlannerKind.Picture, 0)]], vectors));
        Refused("Sentence 2, of 2", () => planner.Foresee([[new(PlannerKind.Sentence, 2)]], vectors));
        Refused("Identity 0, of 0", () => planner.Foresee([[new(PlannerKind.Identity, 0)]], vectors));
        Refused("[2, 9]", () => planner.Foresee([Script], vectors with { Sentences = Noise("s", 2, 9) }));
        Refused("HasHead", () => new KeyframePlanner(Small with { Decoder = Small.Decoder with { HasHead = true } }, weights));
        Refused("at least 1", () => new KeyframePlanner(Small with { Tokens = 0 }, weights));

        static void Refused(string words, Func<object> action) =>
            Assert.Contains(words, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);
    });

    [Fact]
    public void What_is_told_after_known_keyframes_is_what_is_told_in_one_go() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(2, DType.F32, Device.Cpu);
        var planner = new KeyframePlanner(Small, weights);
        var frames = Frames(3).ToList();
        var told = planner.Tell(frames, Random, temperature: 0).ToList();
        using var last = planner.TellAfter([(frames[0], told[0]), (frames[1], told[1])], frames[2], Random, temperature: 0);
        Close.To(told[2], last, 1e-4);
        using var other = planner.TellAfter([(frames[0], told[1]), (frames[1], told[1])], frames[2], Random, temperature: 0);
        Assert.True((other - last).Abs().Max().Item() > 1e-5);
        foreach (var tokens in told) tokens.Dispose();
    });
}
