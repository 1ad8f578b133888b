// Recipe: the pocket text encoder learns what captions say. `fabula train text`
//
// Real Wan models read a frozen UMT5 that has learned language before. This one learns by answering questions about captions: which
// place, which hair, what does she do; "not told" is an answer too. Every word answers for the person its sentence is about, or for the
// scene: so the encoder learns what belongs together, wherever in a caption it was said. The heads that answer are thrown away.
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
        ["recipe"] = "text 3",
        ["steps"] = Steps,
        ["batch"] = Batch,
        ["seed"] = Seed,
        ["processes"] = crew,
        ["pace"] = Pace.ToJson(),
    };
}

public static class TextRecipe
{
    /// <param name="Roles">Per prompt and token: the role it is about, -1 the scene.</param>
    /// <param name="OfScenes">[B, questions].</param>
    /// <param name="OfPeople">[B, roles, questions].</param>
    sealed record Captioned(PromptTokens[] Prompts, int[][] Roles, int[][] OfScenes, int[][][] OfPeople);

    /// <summary>Trains, or goes on training; on the tensor thread. Returns the share of held-out questions answered rightly.</summary>
    public static double Run(TextSettings settings, TrainingRun run, Crew crew, Action<string> say, CancellationToken stop)
    {
        var vocabulary = PocketText.Vocabulary();
        using var weights = Weights.Fresh(settings.Seed, DType.F32, Device.Cpu);
        var (encoder, heads) = Build(vocabulary, weights);
        Begin(vocabulary, encoder, weights);
        weights.Trainable();
        using var teacher = new Teacher(weights.Parameters, IsMatrix, settings.Pace, crew);
        run.Resume(weights, teacher);
        var tokenizer = new WanTokenizer(vocabulary, PocketText.Length);
        using var lessons = new Ahead<Captioned>(run.Start, settings.Steps, step =>
            Draw(tokenizer, new Chance(settings.Seed)["text"][step][crew.Rank], settings.Batch, heldOut: false));
        new Course(run, weights, teacher, crew, settings.Steps, new Rhythm(Save: 30), say).Go(step =>
        {
            var lesson = lessons.Next(stop);
            using var learning = Autograd.Enable();
            var loss = heads.Loss(Rows(encoder, lesson.Prompts), lesson);
            loss.Backward();
            return new(settings.Batch, ("loss", loss.Item()));
        });
        return crew.Leads ? Examine(settings, run, teacher, vocabulary, tokenizer, say) : 0;
    }

    static bool IsMatrix(string name, Tensor tensor) => tensor.Dims > 1 && name.Contains("encoder.blocks", StringComparison.Ordinal)
        && !name.Contains("embedding", StringComparison.Ordinal);

    static (Umt5Encoder, Heads) Build(SentencePieceModel vocabulary, Weights weights)
    {
        var network = PocketText.Network(vocabulary);
        return (new Umt5Encoder(network, weights["encoder"]), new Heads(weights["heads"], network.Dim));
    }

    static void Begin(SentencePieceModel vocabulary, Umt5Encoder encoder, Weights weights)
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
            else if (name.Contains("pos_embedding", StringComparison.Ordinal)) tensor.CopyFrom(Nearness(encoder));
    }

    /// <summary>
    /// [buckets, heads]: what a head thinks of a distance at first. One looks close around, one back, one ahead, the rest anywhere; a slope
    /// over the distance as in ALiBi (Press et al. 2022). From nothing, telling near from far took longer than all the rest.
    /// </summary>
    static Tensor Nearness(Umt5Encoder encoder)
    {
        var (buckets, heads) = (encoder.Config.Buckets, encoder.Config.Heads);
        var bias = new float[buckets * heads];
        long[] distances = [.. Enumerable.Range(-128, 257).OrderByDescending(Math.Abs).Select(distance => (long)distance)];
        var where = encoder.RelativeBuckets(Tensor.From(distances, distances.Length)).ToArray<long>();
        for (var i = 0; i < distances.Length; i++)
        {
            var (distance, row) = (distances[i], (int)where[i] * heads);
            bias[row] = -0.5f * Math.Abs(distance);
            if (heads > 1) bias[row + 1] = distance > 0 ? -6 : 0.15f * distance;
            if (heads > 2) bias[row + 2] = distance < 0 ? -6 : -0.15f * distance;
        }
        return Tensor.From(bias, buckets, heads);
    }

    static double Examine(TextSettings settings, TrainingRun run, Teacher teacher, SentencePieceModel vocabulary, WanTokenizer tokenizer,
        Action<string> say)
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(0, DType.F32, Device.Cpu);
        var (encoder, heads) = Build(vocabulary, weights);
        foreach (var (name, average) in teacher.Averages) weights.Parameters[name].CopyFrom(average);
        var lesson = Draw(tokenizer, new Chance(settings.Seed)["held out"], 256, heldOut: true);
        var right = heads.Right(Rows(encoder, lesson.Prompts), lesson);
        run.Log(settings.Steps, right.Select(share => new KeyValuePair<string, double>($"right: {share.Question}", share.Share)));
        var worst = right.MinBy(share => share.Share);
        say($"held-out captions: {right.Average(share => share.Share):P1} of all answers right, the worst is '{worst.Question}' "
            + $"with {worst.Share:P1}");
        PocketFolder.WriteText(run.Folder, vocabulary, PocketText.Network(vocabulary), teacher.Averages
            .Where(pair => pair.Key.StartsWith("encoder.", StringComparison.Ordinal))
            .Select(pair => new KeyValuePair<string, Tensor>(pair.Key["encoder.".Length..], pair.Value)));
        return right.Average(share => share.Share);
    }

    static Captioned Draw(WanTokenizer tokenizer, Chance chance, int count, bool heldOut)
    {
        var lesson = new Captioned(new PromptTokens[count], new int[count][], new int[count][], new int[count][][]);
        for (var i = 0; i < count; i++)
        {
            var here = chance[i];
            var shot = Examples.AnyShot(here["shot"], heldOut);
            var register = here["register"].Pick(Register.Full, Register.Full, Register.Planned, Register.Planned, Register.Referential,
                Register.Screenplay);
            if (shot.Location.Place == Place.Plain) register = Register.Full;
            (lesson.Prompts[i], lesson.Roles[i]) = Tokens(tokenizer, Captions.Sentences(shot, register, here["words"]));
            lesson.OfScenes[i] = [.. Told.OfScenes.Select(question => question.Answer(shot, -1, register))];
            lesson.OfPeople[i] = [.. Enumerable.Range(0, shot.Roles.Count).Select(role =>
                Told.OfPeople.Select(question => question.Answer(shot, role, register)).ToArray())];
        }
        return lesson;
    }

    /// <summary>A caption's tokens, and what each is about. Sentences end where tokens end: a space begins the next.</summary>
    public static (PromptTokens Prompt, int[] Roles) Tokens(WanTokenizer tokenizer, IReadOnlyList<(string Text, int Role)> sentences)
    {
        var prompt = tokenizer.Encode(string.Join(' ', sentences.Select(sentence => sentence.Text)));
        var roles = sentences.SelectMany(sentence => Enumerable.Repeat(sentence.Role, tokenizer.Encode(sentence.Text).Length - 1));
        return (prompt, [.. roles.Append(-1).Take(prompt.Length)]);
    }

    /// <summary>Rows [B, L, D] of a batch of prompts, those of padding included.</summary>
    static Tensor Rows(Umt5Encoder encoder, PromptTokens[] prompts)
    {
        var ids = Umt5Encoder.Ids(prompts);
        bool[] used = [.. prompts.SelectMany(prompt => Enumerable.Range(0, (int)ids.Size(1)).Select(i => i < prompt.Length))];
        return encoder.Forward(ids, Tensor.From(used, ids.Shape));
    }

    /// <summary>Every row answers all questions of its kind.</summary>
    sealed class Heads(Weights weights, int dim)
    {
        const int Ignored = -100;
        static readonly Op CrossEntropy = new("aten::cross_entropy_loss");
        readonly Linear[] _scene = Layers(weights["scene"], dim, Told.OfScenes), _person = Layers(weights["person"], dim, Told.OfPeople);

        static Linear[] Layers(Weights weights, int dim, IReadOnlyList<CaptionQuestion> questions) =>
            [.. questions.Select((question, i) => new Linear(weights[i], dim, question.Classes))];

        public Tensor Loss(Tensor rows, Captioned lesson)
        {
            var (length, flat) = ((int)rows.Size(1), rows.Flatten(0, 1));                         // [B L, D]
            Tensor Of(Linear layer, Func<int, int, int> answer)
            {
                var truth = new long[lesson.Roles.Length * length];
                for (var i = 0; i < truth.Length; i++)
                {
                    var (prompt, at) = (i / length, i % length);
                    truth[i] = at < lesson.Roles[prompt].Length ? answer(prompt, lesson.Roles[prompt][at]) : Ignored;
                }
                return CrossEntropy.Call(layer.Forward(flat), Tensor.From(truth, truth.Length));
            }
            return Tensor.Stack(0,
            [
                .. _scene.Select((layer, q) => Of(layer, (i, role) => role < 0 ? lesson.OfScenes[i][q] : Ignored)),
                .. _person.Select((layer, q) => Of(layer, (i, role) => role < 0 ? Ignored : lesson.OfPeople[i][role][q])),
            ]).Mean();
        }

        /// <summary>The share of right answers, where all rows about a person, or the scene, answer together.</summary>
        public IReadOnlyList<(string Question, double Share)> Right(Tensor rows, Captioned lesson)
        {
            var right = new Dictionary<string, (int Yes, int Count)>();
            void Ask(int prompt, int role, Linear[] layers, IReadOnlyList<CaptionQuestion> questions, int[] answers)
            {
                long[] about = [.. lesson.Roles[prompt].Index().Where(at => at.Item == role).Select(at => (long)at.Index)];
                if (about.Length == 0) return;
                using var scope = TensorScope.Open();
                var seen = rows.Select(0, prompt).IndexSelect(0, Tensor.From(about, about.Length));
                for (var q = 0; q < layers.Length; q++)
                {
                    var (yes, count) = right.GetValueOrDefault(questions[q].Name);
                    var said = (int)layers[q].Forward(seen).Mean(0).Argmax(-1).Item();
                    right[questions[q].Name] = (yes + (said == answers[q] ? 1 : 0), count + 1);
                }
            }
            for (var i = 0; i < lesson.Roles.Length; i++)
            {
                Ask(i, -1, _scene, Told.OfScenes, lesson.OfScenes[i]);
                for (var role = 0; role < lesson.OfPeople[i].Length; role++) Ask(i, role, _person, Told.OfPeople, lesson.OfPeople[i][role]);
            }
            return [.. right.Select(pair => (pair.Key, (double)pair.Value.Yes / pair.Value.Count))];
        }
    }
}
