// Recipe: the pocket text encoder learns what captions say. `fabula train text`
//
// Real Wan models read a frozen UMT5 that has learned language before. This one learns by answering questions about captions: which
// place, which hair has the first person, what do they do; "not told" is an answer too. All questions about one person are answered from
// one look at the rows, so that the encoder gathers what belongs together; the heads that answer are thrown away.
using System.Diagnostics;
using System.Text.Json.Nodes;
using Fabula.Models;
using Fabula.Models.Text;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

public sealed record TextSettings(int Steps = 1500, int Batch = 32, ulong Seed = 2)
{
    public Pace Pace { get; init; } = new(Matrices: 0.02, Others: 3e-3, Warmup: 50, EmaDecay: 0.99);

    public JsonObject ToJson(int crew) => new()
    {
        ["recipe"] = "text 2",
        ["steps"] = Steps,
        ["batch"] = Batch,
        ["seed"] = Seed,
        ["processes"] = crew,
        ["matrices"] = Pace.Matrices,
        ["others"] = Pace.Others,
    };
}

public static class TextRecipe
{
    sealed record Captioned(IReadOnlyList<PromptTokens> Prompts, long[] Answers);

    /// <summary>Trains, or goes on training; on the tensor thread. Returns the share of held-out questions answered rightly.</summary>
    public static double Run(TextSettings settings, TrainingRun run, Crew crew, Action<string> say, CancellationToken stop)
    {
        var vocabulary = PocketText.Vocabulary();
        using var weights = Weights.Fresh(settings.Seed, DType.F32, Device.Cpu);
        var (encoder, heads) = Build(vocabulary, weights);
        Begin(vocabulary, weights);
        weights.Trainable();
        using var teacher = new Teacher(weights.Parameters, (name, tensor) => tensor.Dims > 1 && name.Contains("encoder.blocks",
            StringComparison.Ordinal)
            && !name.Contains("embedding", StringComparison.Ordinal), settings.Pace, crew);
        run.Resume(weights, teacher);
        var tokenizer = new WanTokenizer(vocabulary, PocketText.Length);
        using var lessons = new Ahead<Captioned>(run.Start, settings.Steps, step =>
            Draw(tokenizer, new Chance(settings.Seed)["text"][step][crew.Rank], settings.Batch, heldOut: false));
        var (clock, shown, sum, count) = (Stopwatch.StartNew(), 0.0, 0.0, 0);
        for (var step = run.Start; step < settings.Steps; step++)
        {
            using var scope = TensorScope.Open();
            var lesson = lessons.Next(stop);
            using (Autograd.Enable())
            {
                var loss = heads.Loss(Rows(encoder, lesson.Prompts), lesson.Answers);
                loss.Backward();
                (sum, count) = (sum + loss.Item(), count + 1);
            }
            teacher.Step(step, settings.Steps);
            var last = step + 1 == settings.Steps;
            if (!crew.Leads || clock.Elapsed.TotalSeconds - shown < 20 && !last) continue;
            shown = clock.Elapsed.TotalSeconds;
            var rate = (step + 1 - run.Start) / shown;
            say($"step {step + 1}/{settings.Steps}  loss {sum / count:0.0000}  {rate * settings.Batch * crew.Size:0} captions/s  "
                + $"{TimeSpan.FromSeconds((settings.Steps - step - 1) / rate):hh\\:mm\\:ss} left");
            run.Log(step + 1, [new("loss", sum / count)]);
            run.Save(step + 1, weights, teacher);
            (sum, count) = (0, 0);
        }
        return crew.Leads ? Examine(settings, run, teacher, vocabulary, tokenizer, say) : 0;
    }

    static (Umt5Encoder, Heads) Build(SentencePieceModel vocabulary, Weights weights)
    {
        var network = PocketText.Network(vocabulary);
        return (new Umt5Encoder(network, weights["encoder"]), new Heads(weights["heads"], network.Dim));
    }

    static void Begin(SentencePieceModel vocabulary, Weights weights)
    {
        using var scope = TensorScope.Open();
        var table = weights.Parameters["encoder.token_embedding.weight"];
        foreach (var (form, word) in PocketText.Twins(vocabulary)) table.Select(0, form).CopyFrom(table.Select(0, word));
        // As T5 begins: embeddings of deviation 1, and small queries, since its scores are not scaled (Mesh TensorFlow's initialisation).
        // What a block adds is nothing at first.
        var network = PocketText.Network(vocabulary);
        table.Mul_(Math.Sqrt(network.Dim));
        foreach (var (name, tensor) in weights.Parameters)
            if (name.EndsWith("attn.q.weight", StringComparison.Ordinal)) tensor.Mul_(Math.Pow(network.AttentionDim / network.Heads, -0.5));
            else if (name.EndsWith("attn.o.weight", StringComparison.Ordinal)
                || name.EndsWith("fc2.weight", StringComparison.Ordinal)) tensor.Zero_();
    }

    static double Examine(TextSettings settings, TrainingRun run, Teacher teacher, SentencePieceModel vocabulary, WanTokenizer tokenizer,
        Action<string> say)
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(0, DType.F32, Device.Cpu);
        var (encoder, heads) = Build(vocabulary, weights);
        foreach (var (name, average) in teacher.Averages) weights.Parameters[name].CopyFrom(average);
        var lesson = Draw(tokenizer, new Chance(settings.Seed)["held out"], 256, heldOut: true);
        var right = heads.Right(Rows(encoder, lesson.Prompts), lesson.Answers);
        foreach (var (question, share) in Told.Questions.Zip(right)) run.Log(settings.Steps, [new($"right: {question.Name}", share)]);
        say($"held-out captions: {right.Average():P1} of all answers right, "
            + $"the worst is '{Told.Questions[Array.IndexOf(right, right.Min())].Name}' "
            + $"with {right.Min():P1}");
        PocketFolder.WriteText(run.Folder, vocabulary, PocketText.Network(vocabulary), teacher.Averages
            .Where(pair => pair.Key.StartsWith("encoder.", StringComparison.Ordinal))
            .Select(pair => new KeyValuePair<string, Tensor>(pair.Key["encoder.".Length..], pair.Value)));
        return right.Average();
    }

    static Captioned Draw(WanTokenizer tokenizer, Chance chance, int count, bool heldOut)
    {
        var prompts = new List<PromptTokens>();
        var answers = new List<long>();
        for (var i = 0; i < count; i++)
        {
            var here = chance[i];
            var shot = Examples.AnyShot(here["shot"], heldOut);
            var register = here["register"].Pick(Register.Full, Register.Full, Register.Full, Register.Referential, Register.Screenplay);
            if (shot.Location.Place == Place.Plain) register = Register.Full;
            prompts.Add(tokenizer.Encode(Captions.Write(shot, register, here["words"])));
            answers.AddRange(Told.Questions.Select(question => (long)question.Answer(shot, register)));
        }
        return new(prompts, [.. answers]);
    }

    /// <summary>Rows of a batch of prompts and which of them are padding.</summary>
    static (Tensor Rows, Tensor Mask) Rows(Umt5Encoder encoder, IReadOnlyList<PromptTokens> prompts)
    {
        var longest = prompts.Max(prompt => prompt.Length);
        var ids = Tensor.From([.. prompts.SelectMany(prompt => prompt.Ids.Take(longest).Select(id => (long)id))], prompts.Count, longest);
        bool[] used = [.. prompts.SelectMany(prompt => Enumerable.Range(0, longest).Select(i => i < prompt.Length))];
        var mask = Tensor.From(used, prompts.Count, longest);
        return (encoder.Forward(ids, mask), mask);
    }

    /// <summary>Learned queries look at the rows, one for the scene and one for each person; what each sees answers its questions.</summary>
    sealed class Heads(Weights weights, int dim)
    {
        static readonly Op CrossEntropy = new("aten::cross_entropy_loss");
        readonly Tensor _queries = weights.Get("queries.weight", Told.Questions.Max(question => question.Of) + 1, dim);
        readonly Linear[] _answers = [.. Told.Questions.Select((question, i) => new Linear(weights["answers"][i], dim, question.Classes))];

        IEnumerable<Tensor> Logits((Tensor Rows, Tensor Mask) text)
        {
            var scores = _queries.Unsqueeze(0).Matmul(text.Rows.Transpose(1, 2)).MaskedFill(text.Mask.Eq(0).Unsqueeze(1), -1e9);
            var seen = scores.Softmax(-1).Matmul(text.Rows);                                      // [B, looks, D]
            return _answers.Select((answer, i) => answer.Forward(seen.Select(1, Told.Questions[i].Of)));
        }

        public Tensor Loss((Tensor, Tensor) text, long[] answers)
        {
            var truth = Tensor.From(answers, answers.Length / _answers.Length, _answers.Length);
            return Tensor.Stack(0, [.. Logits(text).Select((logits, i) => CrossEntropy.Call(logits, truth.Select(1, i)))]).Mean();
        }

        public double[] Right((Tensor, Tensor) text, long[] answers) =>
        [
            .. Logits(text).Select((logits, q) =>
            {
                var said = logits.Argmax(-1).ToArray<long>();
                return said.Where((answer, i) => answer == answers[i * _answers.Length + q]).Count() / (double)said.Length;
            }),
        ];
    }
}
