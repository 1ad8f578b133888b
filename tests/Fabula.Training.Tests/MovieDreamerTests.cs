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
            [.. new LatentStories(vae, encoded.Folder, 5, mirrored: mirrored).Keyframes(0, 2)];
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
    public void A_sketch_is_learned_before_the_decoder_and_its_tokens_stand_then() => WithStories((tools, examples) =>
    {
        var network = Small with { Drafts = true, SketchBlocks = 1, PlaceRow = 12 };
        var settings = new TokenizerSettings(Steps: 40, Batch: 4) { Network = network, Pace = new(Others: 2e-3, Warmup: 2) };
        List<string> said = [];
        using (var crew = new Crew(1, 0, "", 0))
            TokenizerRecipe.Run(settings with { Rhythm = new(0, 0) }, tools, examples, examples, Path.Combine(_folder, "sketched"), crew,
                said.Add, CancellationToken.None);
        Assert.Equal(["the principal components of the pictures", "sketch", "renderer"],
            said.Select(line => line.Split(':')[0]).Distinct());
        var errors = said.Where(line => line.StartsWith("sketch: step", StringComparison.Ordinal)).Select(line => double.Parse(
            line.Split("error ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)).ToList();
        Assert.True(errors[^4..].Average() < errors[..4].Average(), string.Join(' ', errors));
        // Another run goes on from what this one has left, and looks for no components again.
        var (trained, kept) = PocketFolder.OpenTokenizer(Path.Combine(_folder, "sketched"));
        using (kept)
        using (var crew = new Crew(1, 0, "", 0))
        {
            said.Clear();
            var resting = settings with { Steps = 1, DecoderSteps = 1, Pace = new(Matrices: 0, Others: 0, EmaDecay: 0) };
            TokenizerRecipe.Run(resting, tools, examples, examples, Path.Combine(_folder, "onward"), crew, said.Add, CancellationToken.None,
                trained: kept);
            Assert.DoesNotContain(said, line => line.Contains("components", StringComparison.Ordinal));
            var (_, same) = PocketFolder.OpenTokenizer(Path.Combine(_folder, "onward"));
            using (same)
                foreach (var name in kept.Names)
                    Assert.Equal(kept.Get(name, DType.F32, kept.ShapeOf(name)!).ToFloats(),
                        same.Get(name, DType.F32, same.ShapeOf(name)!).ToFloats());
        }
        bool[] Taught(string name) => [.. TokenizerStage.OnSketches.Select(stage => stage.Teaches(name))];
        foreach (var name in new[] { "compressor.straight.weight", "compressor.blocks.0.ffn.0.weight", "renderer.sketch.rows.weight" })
            Assert.Equal([true, false], Taught(name));
        Assert.Equal([false, true], Taught("renderer.decoder.blocks.0.ffn.0.weight"));
        Assert.Equal(1, TokenizerStage.OnSketches.Sum(stage => stage.Share), 1e-9);
    });

    [Fact]
    public void Keyframes_are_first_frames_kept_in_files_and_show_whom_their_scripts_introduce() => WithStories((tools, examples) =>
    {
        var store = new LatentStories(tools.Vae, encoded.Folder, 5);
        var (kept, again) = (examples.Stories(false)[0], store.Keyframes(LatentStories.Tell(5, 0)));
        Assert.Equal(kept.Pictures.SelectMany(shot => shot).SelectMany(picture => picture),
            again.Pictures.SelectMany(shot => shot).SelectMany(picture => picture));
        Assert.Equal(kept.Figures.SelectMany(figures => figures), again.Figures.SelectMany(figures => figures),
            (a, b) => Math.Abs(a - b) < 1e-3);
        Assert.Equal(kept.Story.Locations.Count, kept.Views.Length);
        for (var number = 0; number < 2; number++)
            foreach (var (i, shot) in examples.Stories(false)[number].Story.Shots.Index())
            {
                var keyframe = examples.Draw(number, i, false, Register.Planned, new Chance(1), new Chance(2));
                Assert.Equal(keyframe.Cast.Select(who => $"p{who}"), keyframe.Script.Characters.Select(who => who.Id));
                Assert.Equal((keyframe.Cast.Length, keyframe.Cast.Length), (keyframe.Boxes.Length, keyframe.Identities.Length));
                Assert.All(keyframe.Boxes, box => Assert.NotEqual(default, box));
                Assert.True(keyframe.Cast.Length <= shot.Cast.Count);
                if (keyframe.Cast.Length == 0) Assert.Equal(0, keyframe.Figures.Sum(), 1e-3);
            }
    });

    [Fact]
    public void A_story_is_told_forwards_or_backwards_with_its_empty_places_in_front() => WithStories((_, examples) =>
    {
        ToldStory Tell(double reverse, double fewShot) => PlannerRecipe.Tell(new() { Reverse = reverse, FewShot = fewShot, Flip = 0 },
            examples, 0, new Chance(3));
        static IEnumerable<int> At(ToldStory story) => story.Keyframes.Select(keyframe => keyframe.Shot);
        var story = examples.Stories(false)[0];
        Assert.Equal(Enumerable.Range(0, story.Story.Shots.Count), At(Tell(0, 0)));
        Assert.Equal(At(Tell(0, 0)).Reverse(), At(Tell(1, 0)));
        Assert.Empty(Tell(0, 0).References);
        Assert.Equal(Enumerable.Range(0, story.Views.Length), Tell(0, 1).References.Order());
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
                ScriptFrame Script(bool flipped) => KeyframeExamples.Script(shot, "a", Register.Planned, new Chance(1)[number], flipped,
                    [.. Enumerable.Range(0, shot.Cast.Count)]);
                List<ScriptPart> Said(bool flipped) => [.. Script(flipped).Parts().Where(part => part.Text != MultimodalScript.OtherSide)];
                var (said, turned) = (Said(false), Said(true));
                Assert.Equal(said, turned.Select(part => part with { Text = KeyframeExamples.Mirrored(part.Text) }));
                Assert.Equal(said.Count(part => part.Text.Contains(" left")), turned.Count(part => part.Text.Contains(" right")));
                // A place that is drawn mirrored is seen from the other side, and turned round from the usual one.
                foreach (var flipped in new[] { false, true })
                    Assert.Equal(shot.Spec.Location.Mirrored != flipped, Script(flipped).Scene.Contains(MultimodalScript.OtherSide));
            }
    });

    [Fact]
    public void A_script_says_where_a_near_camera_looks_unless_it_is_the_middle()
    {
        StoryShot Shot(double centre) => new(new(new(Place.Farm), PaperTheatre.ShotSize.Close, PaperTheatre.CameraMove.Static, [], centre),
            [], 0);
        string[] Looks(double centre, bool flipped) => [.. KeyframeExamples.Script(Shot(centre), "a", Register.Full, new Chance(1), flipped,
            []).Scene.Where(sentence => sentence.Contains("looks", StringComparison.Ordinal))];
        Assert.Empty(Looks(112, false));
        Assert.Empty(Looks(117, true));
        Assert.Equal(["The camera looks left."], Looks(104, false));
        Assert.Equal(["The camera looks right."], Looks(104, true));
        Assert.Equal(["The camera looks far right."], Looks(135, false));
    }

    [Fact]
    public void An_identity_never_comes_from_the_shot_that_is_told() => WithStories((_, examples) =>
    {
        var story = examples.Stories(false)[0];
        for (var number = 0; number < story.Story.Shots.Count; number++)
        {
            Keyframe Draw(KeyframeExamples from, int i) => from.Draw(0, number, false, Register.Full, new Chance(1), new Chance(2)[i]);
            // Other pictures of this shot leave every identity as it was.
            Half[][][] pictures = [.. story.Pictures.Select((moments, at) =>
                at == number ? [.. moments.Select(_ => new Half[6 * 448])] : moments)];
            var changed = new KeyframeExamples([story with { Pictures = pictures }], [], 6, 16, 28);
            for (var i = 0; i < 8; i++) Assert.Equal(Draw(examples, i).Identities, Draw(changed, i).Identities);
            Assert.All(Draw(examples, 0).Identities, identity => Assert.Equal(examples.IdentityDim, identity.Length));
        }
        Assert.Contains(Enumerable.Range(0, 2).SelectMany(told => examples.Stories(false)[told].Story.Shots.Index().Select(shot =>
            Enumerable.Range(0, 8).Select(i => examples.Draw(told, shot.Index, false, Register.Full, new(1), new Chance(2)[i]).Identities)
                .SelectMany(identities => identities).Select(identity => string.Join(' ', identity)).Distinct().Count()
                > shot.Item.Cast.Count)), differs => differs);
    });

    [Fact]
    public void A_sentence_is_the_same_vector_whatever_was_read_before() => WithStories((tools, _) =>
    {
        var (one, other) = (tools.Reader(), tools.Reader());
        other.Read(["A girl runs.", "Nobody is there, and the door is open."]);
        Assert.Equal(one.Read(["A girl waves."])!.ToFloats(), other.Read(["A girl runs.", "A girl waves."])!.Narrow(0, 1, 1).ToFloats());
        Assert.Null(one.Read([]));
    });
}
