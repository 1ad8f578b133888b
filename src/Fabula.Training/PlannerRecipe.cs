// Recipe: MovieDreamer's planner learns to tell the picture tokens of one keyframe after another from a film's script. `fabula train
// planner`
//
// Paper: "MovieDreamer" (2024), section 3.3 and appendix A; network: KeyframePlanner.cs. The tokenizer is frozen, so every picture is
// encoded once. Its measures against learning by heart, with its numbers: pictures are flipped, and the captions follow; the order of
// frames is turned round; an identity's vector comes from another frame; dropout of 0.5; 0.15 of the input is hidden from the causal
// attention; reference frames stand in front, now and then, which also teaches few-shot. How often one flips, turns and puts frames in
// front is not said. The paper's references are 10 random frames of the story; here they are the story's places, empty, as a film's bible
// has them, since of every shot there is one frame, which is told.
using System.Text.Json.Nodes;
using Fabula.Models;
using Fabula.Narrative;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <param name="Batch">Stories per process and step.</param>
/// <param name="Dropout">Of what each half of a decoder's layer adds (the paper's 0.5; it does not say where).</param>
/// <param name="Masking">How often a row is hidden from all others (the paper's 0.15). Identifiers are not: they are the script's
/// frame.</param>
/// <param name="Flip">How often a story is seen in a mirror, where it is there mirrored, Reverse: from its end, FewShot: with references;
/// not said, so half the time.</param>
/// <param name="References">Most frames in front of a few-shot story (the paper's 10).</param>
public sealed record PlannerSettings(int Steps = 4000, int Batch = 8, double Dropout = 0.5, double Masking = 0.15, double Flip = 0.5,
    double Reverse = 0.5, double FewShot = 0.5, int References = 10, ulong Seed = 3)
{
    public Pace Pace { get; init; } = new(Matrices: 0.01, Others: 1e-3, Warmup: 60, DecayFrom: 0.45, EmaDecay: 0.998, WeightDecay: 0.02);
    public KeyframePlannerConfig Network { get; init; } = PocketNetwork;
    /// <summary>Wordings of each shot's script that are drawn, so that what was read once need not be read again.</summary>
    public int Wordings { get; init; } = 2;
    /// <summary>
    /// The l1 and l2 losses weigh each number of a token by how far it moves the picture's sketch, where there is one: most of 512 numbers
    /// say little, and cannot be foreseen. Not the paper's.
    /// </summary>
    public bool Loud { get; init; } = true;
    public Rhythm Rhythm { get; init; } = new();

    /// <summary>The paper's context of 128 frames at most 36 rows long, over a decoder as small as the other pocket models.</summary>
    public static readonly KeyframePlannerConfig PocketNetwork = new()
    {
        Decoder = new()
        {
            Vocabulary = ScriptFrame.Identifiers.Count,
            Dim = 256,
            FfnDim = 704,
            Layers = 4,
            Heads = 4,
            KeyHeads = 4,
            MaxTokens = 128 * 36,
            Window = 128 * 36,
            HasHead = false,
        },
        TokenDim = 128,
        SentenceDim = 128,
        IdentityDim = 48,
        Components = 4,
    };

    public JsonObject ToJson(int crew) => new()
    {
        ["recipe"] = "planner 2",
        ["steps"] = Steps,
        ["batch"] = Batch,
        ["dropout"] = Dropout,
        ["masking"] = Masking,
        ["flip"] = Flip,
        ["reverse"] = Reverse,
        ["few_shot"] = FewShot,
        ["references"] = References,
        ["wordings"] = Wordings,
        ["loud"] = Loud,
        ["seed"] = Seed,
        ["processes"] = crew,
        ["dim"] = Network.Decoder.Dim,
        ["layers"] = Network.Decoder.Layers,
        ["tokens"] = Network.Tokens,
        ["token_dim"] = Network.TokenDim,
        ["components"] = Network.Components,
        ["variance_floor"] = Network.VarianceFloor,
        ["pace"] = Pace.ToJson(),
    };
}

/// <summary>A story as the planner is shown it: its keyframes in the order they are told, and the pictures in front of them.</summary>
/// <param name="References">Views, by their number in the story.</param>
public sealed record ToldStory(bool Flipped, Keyframe[] Keyframes, int[] References);

public static class PlannerRecipe
{
    /// <summary>Trains, or goes on training; on the tensor thread. Ends with the planner in the run's folder.</summary>
    /// <param name="examples">With mirrored stories, if any are to be flipped.</param>
    /// <param name="held">Stories that are not learned from.</param>
    public static void Run(PlannerSettings settings, VideoTools tools, KeyframeTokenizer tokenizer, KeyframeExamples examples,
        KeyframeExamples held, TrainingRun run, Crew crew, Action<string> say, CancellationToken stop)
    {
        using var weights = Weights.Fresh(settings.Seed, DType.F32, Device.Cpu);
        var planner = new KeyframePlanner(settings.Network, weights);
        Begin(weights.Parameters);
        weights.Trainable();
        using var teacher = new Teacher(weights.Parameters, IsMatrix, settings.Pace, crew);
        run.Resume(weights, teacher);
        using var loud = settings.Loud ? tokenizer.Renderer.Loudness() : null;
        var lesson = new Lesson(settings, planner, tools.Reader(), new PictureTokens(tokenizer, examples, settings.Flip > 0),
            loud);
        using var batches = new Ahead<ToldStory[]>(run.Start, settings.Steps, step => Batch(settings, examples, step, crew.Rank));
        new Course(run, weights, teacher, crew, settings.Steps, settings.Rhythm, say).Go(step =>
        {
            var losses = lesson.Learn(batches.Next(stop), step, crew.Rank);
            return new(settings.Batch, ("unlikelihood", losses[0]), ("l1", losses[1]), ("l2", losses[2]));
        }, step =>
        {
            PocketFolder.Write(run.Folder, PocketFolder.Planner, settings.Network, teacher.Averages);
            using var kept = Weights.Fresh(0, DType.F32, Device.Cpu);
            var averaged = lesson with
            {
                Planner = new KeyframePlanner(settings.Network, kept),
                Tokens = new PictureTokens(tokenizer, held, flipped: false),
            };
            foreach (var (name, average) in teacher.Averages) kept.Parameters[name].CopyFrom(average);
            var errors = Examine(settings, averaged, held);
            run.Log(step, errors);
            Show(averaged, tools, tokenizer, Tell(Plain(settings, fewShot: 0), held, 0, new Chance(settings.Seed)["shown"]), run, step);
            say(string.Join("  ", errors.Select(error => $"{error.Key} {error.Value:0.000}")));
        });
    }

    /// <summary>Without the measures against learning by heart.</summary>
    static PlannerSettings Plain(PlannerSettings settings, double fewShot) => settings with { Flip = 0, Reverse = 0, FewShot = fewShot };

    static bool IsMatrix(string name, Tensor tensor) =>
        name.StartsWith("decoder.model.layers", StringComparison.Ordinal) && tensor.Dims == 2;

    /// <summary>What a layer adds is nothing at first, and all components lie near the middle, but not in one place.</summary>
    static void Begin(IReadOnlyDictionary<string, Tensor> weights)
    {
        foreach (var (name, tensor) in weights)
            if (name.EndsWith("o_proj.weight", StringComparison.Ordinal) || name.EndsWith("down_proj.weight", StringComparison.Ordinal))
                tensor.Zero_();
            else if (name == "head.weight") tensor.Mul_(0.1);
    }

    static ToldStory[] Batch(PlannerSettings settings, KeyframeExamples examples, int step, int rank)
    {
        var chance = new Chance(settings.Seed)["planner"][step][rank];
        return [.. Enumerable.Range(0, settings.Batch).Select(i => Tell(settings, examples,
            chance[i]["story"].Below(examples.Stories(false).Count), chance[i]))];
    }

    /// <summary>The keyframe of every shot, and references.</summary>
    internal static ToldStory Tell(PlannerSettings settings, KeyframeExamples examples, int story, Chance chance)
    {
        var flipped = story < examples.Stories(true).Count && chance["flip"].Happens(settings.Flip);
        int[] shots = [.. Enumerable.Range(0, examples.Stories(flipped)[story].Story.Shots.Count)];
        var wording = new Chance(settings.Seed)["wording"][story][chance["wording"].Below(settings.Wordings)];
        var told = wording["told"].Pick(Register.Planned, Register.Planned, Register.Full, Register.Referential);
        Keyframe[] keyframes = [.. shots.Select(shot => examples.Draw(story, shot, flipped, told, wording[shot], chance["who"][shot]))];
        if (chance["reverse"].Happens(settings.Reverse)) Array.Reverse(keyframes);
        return new(flipped, keyframes, chance["few-shot"].Happens(settings.FewShot)
            ? [.. chance["references"].Shuffled<int>([.. Enumerable.Range(0, examples.Stories(flipped)[story].Views.Length)])
                .Take(settings.References)] : []);
    }

    /// <summary>Losses on held-out stories, without any of the measures: from the script alone, and few-shot.</summary>
    static List<KeyValuePair<string, double>> Examine(PlannerSettings settings, Lesson lesson, KeyframeExamples held)
    {
        using var scope = TensorScope.Open();
        var (errors, tokens) = (new List<KeyValuePair<string, double>>(), settings.Network.Tokens);
        foreach (var (name, fewShot) in new[] { ("held out", 0.0), ("held out, few-shot", 1.0) })
        {
            ToldStory[] stories = [.. Enumerable.Range(0, held.Stories(false).Count).Select(story =>
                Tell(Plain(settings, fewShot), held, story, new Chance(settings.Seed)["examined"][story]))];
            var (sequences, vectors, truth) = lesson.Read(stories);
            var (loss, loud) = (lesson.Planner.Foresee(sequences, vectors).Loss(truth, lesson.Weighed(truth)), lesson.Weighed(truth));
            errors.AddRange([new(name + ", unlikelihood", loss.Unlikelihood.Item()), new(name + ", l2", loss.Squared.Item())]);
            if (fewShot > 0) continue;
            var usual = truth.Reshape(-1, tokens, truth.Size(1)).Mean(0, keep: true).Repeat(truth.Size(0) / tokens, 1, 1)
                .Reshape(truth.Shape);
            var apart = loud is null ? truth - usual : (truth - usual) * loud;
            errors.Add(new("l2 of the mean tokens", apart.Square().Mean().Item()));
        }
        return errors;
    }

    /// <summary>The mean squared error of the tokens that a planner foresees of all stories, from the scripts alone.</summary>
    internal static double Wrong(KeyframePlanner planner, KeyframeTokenizer tokenizer, SentenceReader reader, KeyframeExamples examples)
    {
        var settings = Plain(new(), fewShot: 0);
        using var loud = tokenizer.Renderer.Loudness();
        var lesson = new Lesson(settings, planner, reader, new PictureTokens(tokenizer, examples, flipped: false), loud);
        return Enumerable.Range(0, examples.Stories(false).Count).Average(story =>
        {
            using var scope = TensorScope.Open();
            var (sequences, vectors, truth) = lesson.Read([Tell(settings, examples, story, new Chance(settings.Seed)["examined"][story])]);
            return planner.Foresee(sequences, vectors).Loss(truth, lesson.Weighed(truth)).Squared.Item();
        });
    }

    /// <summary>The keyframes of a story, and below them those that are told and rendered from its script.</summary>
    static void Show(Lesson lesson, VideoTools tools, KeyframeTokenizer tokenizer, ToldStory story, TrainingRun run, int step)
    {
        using var scope = TensorScope.Open();
        var frames = story.Keyframes.Select(keyframe =>
        {
            var (sequences, vectors, _) = lesson.Read([story with { Keyframes = [keyframe] }]);
            return new PlannerFrame([.. sequences[0].Where(row => row.Kind != PlannerKind.Picture)], vectors.Sentences, vectors.Identities);
        });
        Tensor[] told = [.. lesson.Planner.Tell(frames, new RandomSource(lesson.Settings.Seed), temperature: KeyframeModel.Temperature)];
        var view = TokenizerRecipe.View(tools, tokenizer, lesson.Reader,
            [.. story.Keyframes.Select(keyframe => new ShownKeyframe(keyframe, false, [], null))], Tensor.Stack(0, told), script: true);
        foreach (var tokens in told) tokens.Dispose();
        var (network, count) = (tokenizer.Config, story.Keyframes.Length);
        var pictures = Tensor.From([.. story.Keyframes.SelectMany(keyframe => keyframe.Picture.Select(value => (float)value))], count,
            network.Channels, network.Rows, network.Columns);
        TokenizerRecipe.Sheet(run, "told", step, tools.Vae, pictures, TokenizerRecipe.Rendered(tokenizer, view, lesson.Settings.Seed));
    }

    /// <summary>A keyframe's script as the planner reads it.</summary>
    /// <param name="identities">With who its people are; otherwise sentences alone say it.</param>
    internal static PlannerFrame FrameOf(Keyframe keyframe, SentenceReader reader, bool identities = true)
    {
        var (rows, sentences, people) = (new List<PlannerRow>(), new List<string>(), 0);
        foreach (var part in keyframe.Script.Parts())
            switch (part.Kind)
            {
                case ScriptPartKind.Identifier:
                    rows.Add(new(PlannerKind.Identifier, ScriptFrame.Identifiers.Index().First(known => known.Item == part.Text).Index));
                    break;
                case ScriptPartKind.Sentence:
                    rows.Add(new(PlannerKind.Sentence, sentences.Count));
                    sentences.Add(part.Text);
                    break;
                case ScriptPartKind.Character when identities:
                    rows.Add(new(PlannerKind.Identity, people++));
                    break;
            }
        return new(rows, reader.Read(sentences), people == 0 ? null
            : Tensor.From([.. keyframe.Identities.SelectMany(values => values)], people, keyframe.Identities[0].Length));
    }

    /// <summary>What learning and examining have in common.</summary>
    /// <param name="Loud">[n, d]: how much each number of a keyframe's tokens matters; null: all the same.</param>
    sealed record Lesson(PlannerSettings Settings, KeyframePlanner Planner, SentenceReader Reader, PictureTokens Tokens, Tensor? Loud)
    {
        readonly RandomSource _random = new(Settings.Seed);

        /// <summary>Forward and backward of one batch; its three losses.</summary>
        public double[] Learn(ToldStory[] stories, int step, int rank)
        {
            using var learning = Autograd.Enable();
            var (sequences, vectors, truth) = Read(stories);
            var dropped = 0;
            Tensor Dropout(Tensor x) => x.MaskedFill(
                _random.Uniform($"dropout {dropped++} {rank}", step, x.Shape).Lt(Settings.Dropout), 0) / (1 - Settings.Dropout);
            var loss = Planner.Foresee(sequences, vectors, Mask(sequences, step, rank), Dropout).Loss(truth, Weighed(truth));
            loss.Sum().Backward();
            return [loss.Unlikelihood.Item(), loss.Absolute.Item(), loss.Squared.Item()];
        }

        /// <summary>For each of the foreseen tokens, which are those of one keyframe after another; [N, d].</summary>
        public Tensor? Weighed(Tensor truth) => Loud?.Repeat(truth.Size(0) / Loud.Size(0), 1);

        /// <summary>[B, L]: 0 where a row is hidden. Every frame begins with an identifier, so something is always seen.</summary>
        Tensor Mask(List<PlannerRow[]> sequences, int step, int rank)
        {
            var longest = sequences.Max(rows => rows.Length);
            var draws = _random.Uniform($"mask {rank}", step, sequences.Count, longest).ToFloats();
            var mask = new float[draws.Length];
            for (var i = 0; i < mask.Length; i++)
            {
                var (rows, at) = (sequences[i / longest], i % longest);
                mask[i] = at >= rows.Length || rows[at].Kind == PlannerKind.Identifier || draws[i] >= Settings.Masking ? 1 : 0;
            }
            return Tensor.From(mask, sequences.Count, longest);
        }

        /// <summary>Stories as rows and vectors, and the picture tokens that are to be foreseen [N, d].</summary>
        public (List<PlannerRow[]> Sequences, PlannerVectors Vectors, Tensor Truth) Read(ToldStory[] stories)
        {
            var sequences = new List<PlannerRow[]>();
            var (sentences, identities) = (new List<string>(), new List<float[]>());
            var (pictures, told) = (new List<float[]>(), new List<float[]>());
            foreach (var story in stories)
            {
                var rows = new List<PlannerRow>();
                var number = story.Keyframes[0].Story;
                foreach (var view in story.References)
                    foreach (var token in Tokens.OfView(story.Flipped, number, view))
                    {
                        rows.Add(new(PlannerKind.Reference, pictures.Count));
                        pictures.Add(token);
                    }
                foreach (var keyframe in story.Keyframes)
                {
                    var characters = 0;
                    foreach (var part in keyframe.Script.Parts())
                    {
                        rows.Add(part.Kind switch
                        {
                            ScriptPartKind.Identifier => new(PlannerKind.Identifier, Identifier(part.Text)),
                            ScriptPartKind.Sentence => new(PlannerKind.Sentence, sentences.Count),
                            _ => new(PlannerKind.Identity, identities.Count),
                        });
                        if (part.Kind == ScriptPartKind.Sentence) sentences.Add(part.Text);
                        if (part.Kind == ScriptPartKind.Character) identities.Add(keyframe.Identities[characters++]);
                    }
                    foreach (var token in Tokens.Of(story.Flipped, number, keyframe.Shot))
                    {
                        rows.Add(new(PlannerKind.Picture, pictures.Count));
                        pictures.Add(token);
                        told.Add(token);
                    }
                }
                sequences.Add([.. rows]);
            }
            return (sequences, new(Reader.Read(sentences), Table(identities), Table(pictures)), Table(told)!);
        }

        static int Identifier(string text) => ScriptFrame.Identifiers.Index().First(identifier => identifier.Item == text).Index;

        static Tensor? Table(List<float[]> vectors) => vectors.Count == 0 ? null
            : Tensor.From([.. vectors.SelectMany(values => values)], vectors.Count, vectors[0].Length);
    }

    /// <summary>Every picture of the stories as tokens, encoded once.</summary>
    sealed class PictureTokens
    {
        readonly Dictionary<(bool Flipped, int Story), float[][][]> _tokens = [];

        public PictureTokens(KeyframeTokenizer tokenizer, KeyframeExamples examples, bool flipped)
        {
            var config = tokenizer.Config;
            foreach (var side in flipped ? new[] { false, true } : [false])
                foreach (var (story, latents) in examples.Stories(side).Index())
                {
                    using var scope = TensorScope.Open();
                    using var off = Autograd.Disable();
                    Half[][] pictures = [.. latents.Pictures.Select(shot => shot[0]), .. latents.Views];
                    _tokens[(side, story)] = [.. tokenizer.Encode(Tensor.From([.. pictures.SelectMany(picture =>
                        picture.Select(value => (float)value))], pictures.Length, config.Channels, config.Rows, config.Columns)).ToFloats()
                        .Chunk(config.TokenDim).Chunk(config.Tokens)];
                }
            _shots = story => examples.Stories(false)[story].Pictures.Length;
        }

        readonly Func<int, int> _shots;

        /// <summary>The tokens of a shot's keyframe, [n][d].</summary>
        public float[][] Of(bool flipped, int story, int shot) => _tokens[(flipped, story)][shot];

        /// <summary>Those of a view of the story's.</summary>
        public float[][] OfView(bool flipped, int story, int view) => _tokens[(flipped, story)][_shots(story) + view];
    }
}
