using Fabula.Models;
using Fabula.Models.Text;
using Fabula.Narrative;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

/// <summary>MovieDreamer's recipes on tiny settings: they learn, and a run that was cut off goes on to the same bits.</summary>
public sealed class MovieDreamerTests(MovieDreamerTests.Encoded encoded) : IClassFixture<MovieDreamerTests.Encoded>, IDisposable
{
    /// <summary>The folder of encoded stories, which are the same in all tests.</summary>
    public sealed class Encoded : IDisposable
    {
        public string Folder { get; } = Directory.CreateTempSubdirectory("fabula-moviedreamer-latents-").FullName;

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }

    readonly string _folder = Directory.CreateTempSubdirectory("fabula-moviedreamer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static readonly KeyframeTokenizerConfig Small = new()
    {
        Channels = 6,
        TokenDim = 8,
        Dim = 24,
        Heads = 2,
        FfnDim = 32,
        Blocks = 1,
        DecoderLayers = 1,
        ContextDim = 16,
        SentenceDim = 16,
        IdentityDim = 18,
    };

    /// <summary>A VAE and a text encoder that have learned nothing, and a few stories through them.</summary>
    void WithStories(Action<VideoTools, KeyframeExamples> test) => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(4, DType.F32, Device.Cpu);
        var vae = WanVae.Create(WanVaeConfig.Pocket with { Dim = 8, DecDim = 8, ZDim = 6 }, weights["vae"]);
        var vocabulary = PocketText.Vocabulary();
        var network = PocketText.Network(vocabulary) with { Dim = 16, AttentionDim = 16, FfnDim = 16, Heads = 2, Layers = 1 };
        var tools = new VideoTools(vae, new Umt5Encoder(network, weights["text"]), new WanTokenizer(vocabulary, PocketText.Length));
        IReadOnlyList<LatentStory> Load(bool mirrored) =>
            [.. new LatentStories(vae, encoded.Folder, 5, mirrored: mirrored).Load(0, 2, int.MaxValue)];
        test(tools, new KeyframeExamples(Load(false), Load(true), 6, 16, 28));
    });

    /// <summary>Runs until so many lines were said; what each line of progress said, and the finished file.</summary>
    (List<string> Said, byte[] File) Until(string name, string file, int lines, Action<Crew, Action<string>, CancellationToken> run)
    {
        using var crew = new Crew(1, 0, "", 0);
        using var stop = new CancellationTokenSource();
        var said = new List<string>();
        try
        {
            run(crew, line =>
            {
                said.Add(line);
                if (said.Count == lines) stop.Cancel();
            }, stop.Token);
        }
        catch (OperationCanceledException)
        {
            return (said, []);
        }
        return (said, File.ReadAllBytes(Path.Combine(_folder, name, file)));
    }

    [Fact]
    public void The_tokenizer_learns_in_its_stages_and_resumes_to_the_same_bits() => WithStories((tools, examples) =>
    {
        var settings = new TokenizerSettings(Steps: 120, Batch: 4) { Network = Small, Pace = new(Others: 5e-3, Warmup: 2) };
        (List<string> Said, byte[] File) Run(string name, int lines) => Until(name, PocketFolder.Tokenizer + ".safetensors", lines,
            (crew, say, stop) =>
            {
                TokenizerRecipe.Run(settings with { Rhythm = new(0, lines == int.MaxValue ? 1e9 : 0) }, tools, examples, examples,
                    Path.Combine(_folder, name), crew, say, stop);
            });
        var (said, whole) = Run("whole", int.MaxValue);
        Assert.Equal(["decoder", "compressor", "both", "renderer"], said.Select(line => line.Split(':')[0]).Distinct());
        // Whoever answers with zeros is wrong by the pictures' mean square.
        var zeros = examples.Stories(false).SelectMany(story => story.Pictures).SelectMany(shot => shot).SelectMany(picture => picture)
            .Average(value => (double)value * (double)value);
        var error = double.Parse(said[^1].Split("held out at 0.4 ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(error < 0.9 * zeros, $"{error} of {zeros}:\n{string.Join('\n', said.Where(line => line.Contains("held")))}");
        Assert.Empty(Run("parts", 5).File);
        Assert.Empty(Run("parts", 45).File);                                                     // in another stage
        var (later, file) = Run("parts", int.MaxValue);
        Assert.Equal(whole, file);
        Assert.DoesNotContain(later, line => line.StartsWith("decoder", StringComparison.Ordinal));

        var (network, weights) = PocketFolder.OpenTokenizer(Path.Combine(_folder, "whole"));
        Assert.Equal(Small, network.Config);
        weights.Dispose();
    });

    [Fact]
    public void A_stage_changes_what_it_teaches_and_nothing_else()
    {
        bool[] Taught(string name) => [.. TokenizerStage.All.Select(stage => stage.Teaches(name))];
        Assert.Equal([false, true, true, false], Taught("compressor.blocks.0.attn.q.weight"));
        Assert.Equal([true, false, true, true], Taught("renderer.decoder.blocks.0.ffn.0.weight"));
        Assert.Equal([true, true, true, true], Taught("renderer.tokens.0.weight"));
        Assert.Equal(1, TokenizerStage.All.Sum(stage => stage.Share), 1e-9);
    }

    [Fact]
    public void The_planner_learns_and_resumes_to_the_same_bits() => WithStories((tools, examples) =>
    {
        using var weights = Weights.Fresh(6, DType.F32, Device.Cpu);
        var tokenizer = new KeyframeTokenizer(Small, weights);
        var settings = new PlannerSettings(Steps: 30, Batch: 2, Dropout: 0.1)
        {
            Network = PlannerSettings.PocketNetwork with
            {
                Decoder = PlannerSettings.PocketNetwork.Decoder with { Dim = 16, FfnDim = 24, Layers = 1, Heads = 2, KeyHeads = 2 },
                TokenDim = 8,
                SentenceDim = 16,
                IdentityDim = 18,
                Components = 2,
            },
            Pace = new(Warmup: 2),
        };
        (List<string> Said, byte[] File) Run(string name, int lines) => Until(name, PocketFolder.Planner + ".safetensors", lines,
            (crew, say, stop) =>
            {
                var run = new TrainingRun(Path.Combine(_folder, name), settings.ToJson(1));
                PlannerRecipe.Run(settings with { Rhythm = new(0, lines == int.MaxValue ? 1e9 : 0) }, tools, tokenizer, examples,
                    examples, run, crew, say, stop);
            });
        var (said, whole) = Run("whole", int.MaxValue);
        var losses = said.Where(line => line.StartsWith("step", StringComparison.Ordinal))
            .Select(line => double.Parse(line.Split("l2 ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)).ToList();
        Assert.Equal(30, losses.Count);
        Assert.True(losses[^8..].Average() < 0.9 * losses[..4].Average(), string.Join(' ', losses));
        Assert.Empty(Run("parts", 7).File);
        Assert.Equal(whole, Run("parts", int.MaxValue).File);

        // What was learned opens again, and tells.
        var (planner, own) = PocketFolder.OpenPlanner(Path.Combine(_folder, "whole"));
        var frame = new PlannerFrame([new(PlannerKind.Identifier, 0), new(PlannerKind.Identifier, 1)], null, null);
        foreach (var tokens in planner.Tell([frame, frame], new RandomSource(1)))
        {
            Assert.Equal([2, 8], tokens.Shape);
            tokens.Dispose();
        }
        own.Dispose();
    });

    [Fact]
    public void A_story_is_told_forwards_or_backwards_with_references_that_are_not_told_in_it() => WithStories((_, examples) =>
    {
        ToldStory Tell(double reverse, double fewShot) => PlannerRecipe.Tell(new() { Reverse = reverse, FewShot = fewShot, Flip = 0 },
            examples, 0, new Chance(3));
        static IEnumerable<(int, int)> At(ToldStory story) => story.Keyframes.Select(keyframe => (keyframe.Shot, keyframe.Moment));
        var shots = examples.Stories(false)[0].Story.Shots.Count;
        Assert.Equal(Enumerable.Range(0, shots), Tell(0, 0).Keyframes.Select(keyframe => keyframe.Shot));
        Assert.Equal(At(Tell(0, 0)).Reverse(), At(Tell(1, 0)));
        Assert.Empty(Tell(0, 0).References);
        Assert.Equal(Math.Min(10, 2 * shots), Tell(0, 1).References.Distinct().Count());
        Assert.Empty(Tell(1, 1).References.Intersect(At(Tell(1, 1))));
    });

    [Fact]
    public void Mirrored_stories_are_the_same_frames_turned_round_and_their_captions_follow() => WithStories((_, examples) =>
    {
        var (plain, mirrored) = (examples.Stories(false)[0], examples.Stories(true)[0]);
        Assert.NotEqual(plain.Pictures[0][0], mirrored.Pictures[0][0]);
        for (var at = 0; at < 448; at++)
            Assert.Equal(plain.Figures[0][at], mirrored.Figures[0][at / 28 * 28 + 27 - at % 28], 1e-3);
        Assert.Equal("The fox runs to the right, then Left. It looks bright.",
            KeyframeExamples.Mirrored("The fox runs to the left, then Right. It looks bright."));
        for (var number = 0; number < 40; number++)
            foreach (var shot in LatentStories.Tell(5, number).Shots)
            {
                ScriptFrame Script(bool flipped) =>
                    KeyframeExamples.Script(shot, "a", Register.Planned, new Chance(1)[number], flipped);
                var (said, turned) = (Script(false).Parts().ToList(), Script(true).Parts().ToList());
                Assert.Equal(said, turned.Select(part => part with { Text = KeyframeExamples.Mirrored(part.Text) }));
                Assert.Equal(said.Count(part => part.Text.Contains(" left")), turned.Count(part => part.Text.Contains(" right")));
            }
    });

    [Fact]
    public void An_identity_never_comes_from_the_shot_that_is_told() => WithStories((_, examples) =>
    {
        var story = examples.Stories(false)[0];
        foreach (var (number, shot) in story.Story.Shots.Index())
        {
            if (shot.Cast.Count == 0) continue;
            Keyframe Draw(KeyframeExamples from, int i) => from.Draw(0, number, 0, false, Register.Full, new Chance(1), new Chance(2)[i]);
            // Other pictures of this shot leave every identity as it was.
            Half[][][] pictures = [.. story.Pictures.Select((moments, at) =>
                at == number ? [.. moments.Select(_ => new Half[6 * 448])] : moments)];
            var changed = new KeyframeExamples([story with { Pictures = pictures }], [], 6, 16, 28);
            for (var i = 0; i < 8; i++) Assert.Equal(Draw(examples, i).Identities, Draw(changed, i).Identities);
            Assert.Equal(shot.Cast.Count, Draw(examples, 0).Identities.Length);
            Assert.All(Draw(examples, 0).Identities, identity => Assert.Equal(examples.IdentityDim, identity.Length));
        }
        Assert.Contains(Enumerable.Range(0, 8), i => !examples.Draw(0, 0, 0, false, Register.Full, new(1), new Chance(2)[i]).Identities[0]
            .SequenceEqual(examples.Draw(0, 0, 0, false, Register.Full, new(1), new Chance(2)[0]).Identities[0]));
    });

    [Fact]
    public void A_sentence_is_the_same_vector_whatever_was_read_before() => WithStories((tools, _) =>
    {
        var (one, other) = (new SentenceReader(tools), new SentenceReader(tools));
        other.Read(["A girl runs.", "Nobody is there, and the door is open."]);
        Assert.Equal(one.Read(["A girl waves."])!.ToFloats(), other.Read(["A girl runs.", "A girl waves."])!.Narrow(0, 1, 1).ToFloats());
        Assert.Null(one.Read([]));
    });
}
