// How the judge is taught: `fabula train judge --out RUN`. Each step draws its own frames from the seed and its number, so a run that was
// killed goes on to the same bits from the last saved state. Losses: the heat map's after Zhou and others ("Objects as Points", 2019,
// equation 1), absolute differences for boxes, cross-entropy for every answer that shows.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Fabula.Torch;
using Fabula.Training.Evaluation;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <param name="Examine">Steps between two examinations on held-out frames.</param>
/// <param name="Save">Steps between two saved states.</param>
public sealed record JudgeRecipe(int Steps = 5000, ulong Seed = 1, int Batch = 24, double LearningRate = 2e-3, int Examine = 500,
    int Save = 100, int Examined = 400)
{
    public JudgeConfig Net { get; init; } = new();
    /// <summary>A judge's folder, whose weights of the same names to begin with. Empty: none.</summary>
    public string From { get; init; } = "";

    const int Width = JudgeConfig.Width, Height = JudgeConfig.Height, Slots = 3;
    const string StateFile = "state.safetensors", ConfigFile = "recipe.json", LogFile = "log.csv";
    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    static readonly Op LogSigmoid = new("aten::log_sigmoid");

    /// <summary>Trains in a folder, or goes on there; at the end <c>judge/</c> in it holds the judge.</summary>
    /// <param name="threads">From 2 on one draws the next frames while the others learn.</param>
    /// <exception cref="InvalidOperationException">The folder holds a run with other settings.</exception>
    public void Run(string folder, int threads, TextWriter output, CancellationToken cancel = default)
    {
        Directory.CreateDirectory(folder);
        RequireSame(folder);
        LibTorch.Threads = Math.Max(1, threads - 1);
        var exam = new Lazy<IReadOnlyList<JudgeFrame>>(() => JudgeLessons.HeldOut(Examined));
        using var stage = new Stage(Width, Height);
        LibTorch.Run(() =>
        {
            using var weights = Weights.Fresh(Seed, DType.F32, Device.Cpu);
            var net = new JudgeNet(weights, Net);
            Begin(weights);
            if (From.Length > 0) Judge.CopyInto(From, weights);
            weights.Trainable();
            using var optimiser = new AdamW(weights.Parameters, LearningRate, weightDecay: 0.02);
            using var average = new Ema(weights.Parameters, 0.995);
            var first = Resume(folder, weights, optimiser, average);
            if (first > 0) output.WriteLine($"goes on after step {first}");
            var (clock, mean, next) = (Stopwatch.StartNew(), 0.0, Draw(stage, first));
            for (var step = first; step < Steps && !cancel.IsCancellationRequested; step++)
            {
                var lessons = next;
                // The next frames: beside the learning where there is a thread for it, else after it.
                var drawing = threads > 1 ? Task.Run(() => Draw(stage, step + 1), CancellationToken.None) : null;
                optimiser.LearningRate = LearningRate * Math.Min(1, (step + 1) / 200.0) * (0.51 + 0.49 * Math.Cos(Math.PI * step / Steps));
                var loss = Learn(net, lessons);
                optimiser.ClipGradients(2);
                optimiser.Step();
                average.Update();
                next = drawing?.GetAwaiter().GetResult() ?? Draw(stage, step + 1);

                var done = step + 1;
                mean = step == first ? loss : 0.98 * mean + 0.02 * loss;
                if (done % 20 == 0 || done == Steps)
                {
                    var pace = (done - first) / clock.Elapsed.TotalSeconds;
                    output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"step {done}/{Steps}  loss {mean:0.000}  ")
                        + string.Create(CultureInfo.InvariantCulture, $"{pace * Batch:0.0} samples/s  ")
                        + $"{TimeSpan.FromSeconds((Steps - done) / pace):h\\:mm\\:ss} to go");
                }
                if (done % Examine == 0 || done == Steps)
                {
                    Judge.Save(Path.Combine(folder, "judge"), average.Averages, Net);
                    using var judge = Judge.Open(Path.Combine(folder, "judge"));
                    var marks = JudgeMarks.Of(judge, exam.Value);
                    output.WriteLine($"held out: {marks.Line}");
                    File.AppendAllText(Path.Combine(folder, LogFile),
                        string.Create(CultureInfo.InvariantCulture, $"{done},{mean:0.0000},{marks.Csv}\n"));
                }
                if (done % Save == 0 || done == Steps) SaveState(folder, weights, optimiser, average);
            }
        });
    }

    Lesson[] Draw(Stage stage, int step) =>
        [.. Enumerable.Range(0, (Batch + 1) / 2).SelectMany(i => JudgeLessons.Draw(stage, new Chance(Seed)["judge"][step][i]))
            .Take(Batch)];

    /// <summary>Kaiming's scale for layers before a ReLU, and a heat map that starts with "nobody there".</summary>
    static void Begin(Weights weights)
    {
        foreach (var (name, tensor) in weights.Parameters)
        {
            if (tensor.Dims > 1 && !name.StartsWith("answers", StringComparison.Ordinal)) tensor.Mul_(Math.Sqrt(2));
            if (name == "heat.bias") tensor.Fill_(-2.2);
            // A close look at heads adds nothing at first, so that an earlier judge without one may be gone on from.
            if (name == "head.weight") tensor.Zero_();
        }
    }

    static double Learn(JudgeNet net, Lesson[] lessons)
    {
        using var scope = TensorScope.Open();
        using var gradients = Autograd.Enable();
        var targets = JudgeTargets.Of(lessons, Slots);
        var maps = net.Forward(Pixels(lessons));
        var count = Math.Max(1, targets.People);

        // Heat: cells that are a middle, and all others, the less the nearer they are to one.
        var (yes, no) = (LogSigmoid.Call(maps.Heat), LogSigmoid.Call(-maps.Heat));
        var p = maps.Heat.Sigmoid();
        var heat = -((1 - p).Square() * yes * targets.Middles + p.Square() * no * targets.Elsewhere).Sum() / count;

        var loss = heat + CrossEntropy(maps.Logits, targets.Frames, JudgeQuestions.OfFrames) * (1.0 / lessons.Length);
        if (targets.People > 0)
        {
            var boxes = maps.Boxes.Permute(0, 2, 3, 1).Reshape(-1, 4).IndexSelect(0, targets.Cells);    // [P, 4]
            var (answers, _) = net.People(maps, targets.Boxes, targets.Which);                          // [P, 40]
            loss = loss + (boxes - targets.Offsets).Abs().Sum() * (0.5 / count)
                + CrossEntropy(answers, targets.Answers, JudgeQuestions.OfPeople) * (1.0 / count);
        }
        loss.Backward();
        return loss.Item();
    }

    /// <summary>Minus the sum of log probabilities of the wanted answers, each times its weight. Logits and wanted [N, all
    /// choices].</summary>
    static Tensor CrossEntropy(Tensor logits, Tensor wanted, IReadOnlyList<Question> questions)
    {
        var parts = logits.Split([.. questions.Select(question => (long)question.Choices)], 1);
        return -(Tensor.Cat(1, [.. parts.Select(part => part.LogSoftmax(1))]) * wanted).Sum();
    }

    /// <summary>[B, 3, 128, 224]; blurs what is yet to be blurred.</summary>
    internal static Tensor Pixels(Lesson[] lessons)
    {
        var batch = Tensor.Empty([lessons.Length, 3, Height, Width], DType.F32, Device.Cpu);
        for (var i = 0; i < lessons.Length; i++)
        {
            using var scope = TensorScope.Open();
            var frame = Tensor.From(lessons[i].Pixels, 1, 3, Height, Width);
            if (lessons[i].Blur < Height)
                frame = frame.ResizeBilinear(lessons[i].Blur, lessons[i].Blur * Width / Height, antialias: true)
                    .ResizeBilinear(Height, Width);
            batch.Narrow(0, i, 1).CopyFrom(frame);
        }
        return batch;
    }

    void RequireSame(string folder)
    {
        var (path, mine) = (Path.Combine(folder, ConfigFile), JsonSerializer.Serialize(this, Indented) + "\n");
        if (!File.Exists(path)) File.WriteAllText(path, mine);
        else if (File.ReadAllText(path) != mine)
            throw new InvalidOperationException(
                $"{folder} holds a run with other settings: name another folder, or use those of its {ConfigFile}.");
    }

    static void SaveState(string folder, Weights weights, AdamW optimiser, Ema average)
    {
        using var scope = TensorScope.Open();
        IEnumerable<KeyValuePair<string, Tensor>> Named(string prefix, IEnumerable<KeyValuePair<string, Tensor>> tensors) =>
            tensors.Select(pair => new KeyValuePair<string, Tensor>($"{prefix}.{pair.Key}", pair.Value));
        Weights.Save(Path.Combine(folder, StateFile),
        [
            .. Named("weights", weights.Parameters), .. Named("optimiser", optimiser.State()), .. Named("average", average.Averages),
            new("steps", Tensor.Full([1], optimiser.Steps, DType.F32, Device.Cpu)),
        ]);
    }

    /// <summary>The number of steps that are already done.</summary>
    static int Resume(string folder, Weights weights, AdamW optimiser, Ema average)
    {
        var path = Path.Combine(folder, StateFile);
        if (!File.Exists(path)) return 0;
        using var scope = TensorScope.Open();
        using var state = Weights.Open(path, DType.F32, Device.Cpu);
        foreach (var (name, tensor) in weights.Parameters) tensor.Detach().CopyFrom(state["weights"].Get(name, tensor.Shape));
        var steps = (int)state.Get("steps", 1).Item();
        optimiser.Restore(state["optimiser"], steps);
        average.Restore(state["average"]);
        return steps;
    }
}
