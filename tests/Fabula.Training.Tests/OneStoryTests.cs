using System.Text.Json.Nodes;
using Fabula.Models;
using Fabula.Models.Text;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

/// <summary>OneStory's samples and labels, and its recipe on tiny settings.</summary>
public sealed class OneStoryTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("fabula-onestory-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    const int Frames = 5;

    /// <summary>Stories whose latents are what `value` says of (story, shot, place in the clip), without any drawing.</summary>
    static List<LatentStory> Stories(int count, int z, int rows, int columns, Func<int, int, int, double> value) =>
        [.. Enumerable.Range(0, count).Select(number =>
        {
            var story = LatentStories.Tell(11, number);
            var shots = Enumerable.Range(0, story.Shots.Count).ToArray();
            return new LatentStory(story,
                [.. shots.Select(shot =>
                    Enumerable.Range(0, z * Frames * rows * columns).Select(i => (Half)value(number, shot, i)).ToArray())],
                [.. shots.Select(_ => new[] { new Half[z * rows * columns] })], [], [.. shots.Select(_ => new Half[z * rows * columns])],
                [.. shots.Select(_ => new float[Frames * rows * columns])],
                [.. shots.Select(_ => Enumerable.Range(0, 3).Select(_ => new Half[z * rows * columns]).ToArray())])
            {
                Boxes = [.. story.Shots.Select(shot => Enumerable.Repeat<StageBox[]>([], shot.Spec.Frames).ToArray())],
                Collages = [.. shots.Select(_ => new[] { new Half[z * rows * columns] })],
                Moving = [.. shots.Select(_ => new Half[z * Frames * rows * columns])],
            };
        })];

    /// <summary>Every frame of shot n points at angle 0.3 n, so that a label tells which two shots it is about.</summary>
    static float[][] Angle(DrawnStory story, int shot) =>
        [.. Enumerable.Repeat<float[]>([2 * MathF.Cos(0.3f * shot), 2 * MathF.Sin(0.3f * shot)], Frames)];

    /// <summary>Every second frame of any shot shows the same thing, the others nothing.</summary>
    static float[][] Often(DrawnStory story, int shot) => [.. Enumerable.Range(0, Frames).Select(f => new[] { 3f * (f % 2), 0 })];

    [Fact]
    public void Remembered_frames_come_from_earlier_shots_and_synthetic_ones_have_the_labels_of_the_paper()
    {
        const int Z = 2, Rows = 2, Columns = 3, Shot = Frames * Rows * Columns;
        var stories = Stories(6, Z, Rows, Columns, (story, shot, _) => 1 + 16 * story + shot);
        var examples = new OneStoryExamples(stories, Z, Rows, Columns, 0, [Angle]);
        var batch = examples.Draw(new Chance(5), 300, new Inflation(), OneStoryExamples.Modes[0]);
        var (kinds, orders) = (new Dictionary<string, int>(), new HashSet<(string, int)>());
        for (var i = 0; i < batch.Size; i++)
        {
            var code = (int)batch.Shot.Target[i * Z * Shot] - 1;
            var (story, target) = (code / 16, code % 16);
            var real = new List<int>();
            for (var place = 0; place < 2; place++)
            {
                var latents = batch.Memory.AsSpan((i * Z * 2 + place) * Shot, Shot).ToArray();
                var labels = batch.Labels.AsSpan((i * 2 + place) * Frames, Frames).ToArray();
                Assert.All(labels, label => Assert.Equal(labels[0], label));
                var seen = latents[0] - 1;
                var drawn = latents.All(latent => latent == latents[0]) && seen == (int)seen && seen >= 0 && seen < 96;
                var kind = drawn && (int)seen / 16 == story && labels[0] is not (0 or -1) ? "real" : labels[0] == 0 ? "altered" : "other";
                (kinds[kind], _) = (kinds.GetValueOrDefault(kind) + 1, orders.Add((kind, place)));
                if (kind == "real")
                {
                    real.Add(place);
                    Assert.True(seen % 16 < target, "a later shot is remembered");
                    Assert.Equal(Math.Cos(0.3 * (seen % 16 - target)), labels[0], 1e-5);
                }
                if (kind == "other")
                {
                    Assert.Equal(-1, labels[0]);
                    Assert.NotEqual(story, (int)seen / 16);
                }
            }
            Assert.Equal(real.SelectMany(place => Enumerable.Range(place * Frames, Frames)), batch.Real[i].Order());
        }
        Assert.Equal(6, orders.Count);                      // each kind in each place
        Assert.InRange(kinds["other"], 90, 160);            // 5/6 of 300, half and half
        Assert.InRange(kinds["altered"], 90, 160);
    }

    [Fact]
    public void The_selector_learns_from_whole_films_in_which_synthetic_shots_have_the_labels_of_the_paper()
    {
        const int Size = 16 * 28;
        var stories = Stories(4, 1, 16, 28, (story, shot, _) => 1 + 16 * story + shot);
        var samples = SelectorRecipe.Draw(stories, new(Batch: 200), new([Angle]), new Chance(3));
        var (foreign, altered) = (0, 0);
        foreach (var sample in samples)
        {
            Assert.All(sample.Frames, frame => Assert.Equal(Size, frame.Length));
            var codes = sample.Frames.Zip(sample.Labels, (frame, label) => (Code: (double)frame[0] - 1, Label: label)).ToList();
            var real = codes.Where(frame => frame.Label is not (FrameLabels.Foreign or FrameLabels.Altered)).ToList();
            // All shots before the one to be made are there, in their order.
            var target = real.Count / Frames;
            var story = (int)real[0].Code / 16;
            for (var i = 0; i < real.Count; i++)
            {
                Assert.Equal(16 * story + i / Frames, real[i].Code);
                Assert.Equal(Math.Cos(0.3 * (i / Frames - target)), real[i].Label, 1e-5);
            }
            foreach (var (code, _) in codes.Where(frame => frame.Label == FrameLabels.Foreign))
                Assert.NotEqual(story, (int)code / 16);
            foreach (var (code, _) in codes.Where(frame => frame.Label == FrameLabels.Altered)) Assert.NotEqual(Math.Round(code), code);
            foreign += codes.Count(frame => frame.Label == FrameLabels.Foreign) / Frames;
            altered += codes.Count(frame => frame.Label == FrameLabels.Altered) / Frames;
        }
        Assert.InRange(foreign, 120, 200);                  // 0.4, twice, of 200
        Assert.InRange(altered, 20, 60);                    // 0.2 of 200
    }

    [Fact]
    public void A_shot_may_be_made_from_any_others_of_its_film_some_of_which_are_missing()
    {
        var stories = Stories(4, 1, 16, 28, (story, shot, _) => 1 + 16 * story + shot);
        // Per sample how many shots its film has, and which are there.
        List<(int All, int[] Seen)> Draw(double missing, bool anyOrder) =>
            [.. SelectorRecipe.Draw(stories, new(Batch: 200, Foreign: 0, Altered: 0, Missing: missing, AnyOrder: anyOrder), new([Angle]),
                new Chance(3)).Select(sample => sample.Frames.Select(frame => (int)(double)frame[0] - 1).Distinct().ToArray())
            .Select(codes => (stories[codes[0] / 16].Story.Shots.Count, Array.ConvertAll(codes, code => code % 16)))];

        Assert.All(Draw(0, false), sample => Assert.Equal(Enumerable.Range(0, sample.Seen.Length), sample.Seen));
        var any = Draw(0, true);
        Assert.All(any, sample => Assert.Equal(sample.All - 1, sample.Seen.Length));
        Assert.All(any, sample => Assert.Equal(sample.Seen.Order(), sample.Seen));
        // The first shot is made, too.
        Assert.Contains(any, sample => !sample.Seen.Contains(0));
        var some = Draw(0.4, true);
        Assert.InRange(some.Average(sample => (double)sample.Seen.Length / (sample.All - 1)), 0.55, 0.68);
        Assert.All(Draw(1, true), sample => Assert.Single(sample.Seen));
    }

    [Fact]
    public void Without_inflation_a_pair_remembers_its_one_shot_alone()
    {
        var examples = new OneStoryExamples(Stories(4, 1, 2, 2, (_, _, _) => 1), 1, 2, 2, 0, [Angle]);
        var batch = examples.Draw(new Chance(2), 20, new Inflation(RealTriplets: 0, Share: 0), OneStoryExamples.Modes[0]);
        Assert.All(batch.Earlier, earlier => Assert.Equal(Frames, earlier));
        Assert.All(batch.Real, real => Assert.Equal(Enumerable.Range(0, Frames), real.Order()));
        for (var i = 0; i < batch.Size; i++)
            for (var f = 0; f < 2 * Frames; f++)
                Assert.Equal(f < Frames ? 1 : 0, batch.Memory[(i * 2 * Frames + f) * 4]);
    }

    [Fact]
    public void A_shot_has_drafts_or_its_first_frame_where_its_mode_says_so()
    {
        var examples = new OneStoryExamples(Stories(4, 1, 2, 2, (_, _, _) => 1), 1, 2, 2, 0, [Angle]);
        double First(int mode)
        {
            var mask = examples.Draw(new Chance(2), 40, new Inflation(), OneStoryExamples.Modes[mode]).Shot.KnownMask;
            return Enumerable.Range(0, 40).Average(i => mask[i * 4 * Frames * 4]);
        }
        Assert.Equal(0, First(0));
        Assert.Equal(0.5, First(1), 1e-6);
        Assert.InRange(First(2), 0.4, 0.5);                 // of nearly all a draft
        Assert.Equal(1, First(3));
        Assert.Equal(1, OneStoryExamples.Modes.Sum(mode => mode.Share), 1e-9);
    }

    [Fact]
    public void A_label_is_the_mean_over_feature_models_of_the_cosine_with_the_mean_frame_to_be_made()
    {
        var stories = Stories(2, 1, 1, 1, (_, _, _) => 1);
        // Of two models one sees nothing anywhere.
        float[][] Nothing(DrawnStory story, int shot) => [.. Enumerable.Repeat<float[]>([0], Frames)];
        var batch = new OneStoryExamples(stories, 1, 1, 1, 0, [Nothing, Often]).Draw(new Chance(1), 20,
            new Inflation(RealTriplets: 1), OneStoryExamples.Modes[0]);
        for (var i = 0; i < batch.Labels.Length; i++) Assert.Equal(i % Frames % 2 * 0.5, batch.Labels[i], 1e-6);
    }

    [Theory]
    [InlineData(0, 0.5)]
    [InlineData(0.6, 0.8)]
    [InlineData(1, 1)]
    public void One_feature_may_be_enough(double either, double expected)
    {
        float[][] Nothing(DrawnStory story, int shot) => [.. Enumerable.Repeat<float[]>([0], Frames)];
        var labels = new FrameLabels([Nothing, Often], either).Of(LatentStories.Tell(11, 0), 0, 1, Frames);
        for (var f = 0; f < Frames; f++) Assert.Equal(f % 2 * expected, labels[f], 1e-6);
    }

    [Fact]
    public void The_theatre_knows_who_is_visible_and_where()
    {
        using var features = new TheatreFeatures();
        var (who, where) = (features.All[0], features.All[1]);
        var entered = 0;
        for (var number = 0; number < 12; number++)
        {
            var story = LatentStories.Tell(3, number);
            for (var shot = 0; shot < story.Shots.Count; shot++)
            {
                var (people, places, told) = (who(story, shot), where(story, shot), story.Shots[shot]);
                Assert.Equal(Frames, people.Length);
                Assert.All(places, place => Assert.Equal((1, 1), (place[told.Place], place.Sum())));
                Assert.All(people, seen => Assert.All(Enumerable.Range(0, 3).Where(i => seen[i] > 0), i => Assert.Contains(i, told.Cast)));
                if (told.Transition != Transition.Enter) continue;
                entered++;
                Assert.Equal((0, 1), (people[0][told.Cast[^1]], people[^1][told.Cast[^1]]));
            }
        }
        Assert.True(entered > 0);
    }

    [Fact]
    public void The_recipe_learns_and_resumes_to_the_same_bits_and_its_folder_opens() => OnTorch.Run(() =>
    {
        using var vae = Weights.Fresh(1, DType.F32, Device.Cpu);
        using var text = Weights.Fresh(2, DType.F32, Device.Cpu);
        using var video = Weights.Fresh(3, DType.F32, Device.Cpu);
        var vocabulary = PocketText.Vocabulary();
        var words = PocketText.Network(vocabulary) with { Dim = 16, AttentionDim = 16, FfnDim = 16, Heads = 2, Layers = 1 };
        var tools = new VideoTools(WanVae.Create(WanVaeConfig.Pocket with { Dim = 8, DecDim = 8, ZDim = 6 }, vae),
            new Umt5Encoder(words with { MaxTokens = PocketText.Length }, text), new WanTokenizer(vocabulary, PocketText.Length));
        var settings = new OneStorySettings(Steps: 30, Batch: 4, WarmupUntil: 0.5)
        {
            Network = VideoSettings.PocketNetwork with
            {
                Dim = 24,
                FfnDim = 32,
                Heads = 2,
                Layers = 1,
                InDim = 16,
                OutDim = 6,
                TextDim = 16,
            },
            Pace = new OneStorySettings().Pace with { Others = 3e-3, Warmup = 2 },
        };
        _ = new WanTransformer(settings.Network, video);
        // Every second latent frame shows a pattern, and those alone are worth remembering.
        var looks = new RandomSource(4).Normal("looks", 0, 100).ToFloats();
        var stories = Stories(4, 6, 16, 28, (story, shot, i) =>
            looks[(story * 17 + shot * 5 + i / 2240) % 100] / 2 + i / 448 % 5 % 2 * looks[i % 448 % 97]);
        var examples = new OneStoryExamples(stories, 6, 16, 28, 4, [Often]);
        byte[] Run(string name, OneStorySettings given, int stopAfter)
        {
            var run = new TrainingRun(Path.Combine(_folder, name), given.ToJson(1));
            using var crew = new Crew(1, 0, "", 0);
            using var stop = new CancellationTokenSource();
            try
            {
                OneStoryRecipe.Run(given with { Rhythm = new(0, stopAfter == int.MaxValue ? 1e9 : 0) }, tools, video, examples,
                    run, crew, _ => { if (--stopAfter == 0) stop.Cancel(); }, stop.Token);
            }
            catch (OperationCanceledException)
            {
                return [];
            }
            return [.. File.ReadAllBytes(Path.Combine(run.Folder, "diffusion_pytorch_model.safetensors")),
                .. File.ReadAllBytes(Path.Combine(run.Folder, OneStory.WeightsFile))];
        }

        Run("learns", settings with { Inflation = new(RealTriplets: 1) }, int.MaxValue);
        var log = File.ReadLines(Path.Combine(_folder, "learns", "log.jsonl")).Select(line => JsonNode.Parse(line)!)
            .Where(line => line["shot"] is not null).ToList();
        foreach (var loss in new[] { "shot", "selector" })
        {
            double Mean(IEnumerable<JsonNode> lines) => lines.Average(line => (double)line[loss]!);
            var (first, last) = (Mean(log.Take(6)), Mean(log.TakeLast(6)));
            Assert.True(last < 0.9 * first, $"{loss} from {first} to {last}");
        }
        // On held-out stories it is measured beside what needs no learning.
        var held = File.ReadLines(Path.Combine(_folder, "learns", "log.jsonl")).Select(line => JsonNode.Parse(line)!)
            .Single(line => line["held out, selector"] is not null);
        Assert.All(["selected", "newest", "even", "none"], name => Assert.NotNull(held[$"held out, shot with {name}"]));

        var brief = settings with { Steps = 4 };                                 // two steps of warm-up, two of the selector's choice
        var whole = Run("whole", brief, int.MaxValue);
        Assert.Empty(Run("parts", brief, 2));
        Assert.Equal(whole, Run("parts", brief, int.MaxValue));

        // The selector alone, beside the conditioner that is there.
        using var known = Weights.Open(Path.Combine(_folder, "learns", OneStory.WeightsFile), DType.F32, Device.Cpu);
        var alone = new SelectorSettings(Steps: 3, Batch: 2) { Kept = 5, Spread = 0.25, Rhythm = new(0, 0) };
        byte[] Select(string name, int stopAfter)
        {
            var run = new TrainingRun(Path.Combine(_folder, name), alone.ToJson(1));
            using var crew = new Crew(1, 0, "", 0);
            using var stop = new CancellationTokenSource();
            try
            {
                Assert.InRange(SelectorRecipe.Run(alone, settings.Parts, known, tools, stories, stories, new([Often]), run, crew,
                    _ => { if (--stopAfter == 0) stop.Cancel(); }, stop.Token), -1, 1);
            }
            catch (OperationCanceledException)
            {
                return [];
            }
            return File.ReadAllBytes(Path.Combine(run.Folder, OneStory.WeightsFile));
        }
        var selector = Select("selector", int.MaxValue);
        Assert.Empty(Select("selector in parts", 2));
        Assert.Equal(selector, Select("selector in parts", int.MaxValue));
        // What it says of choosing is written beside it, and a film opens it.
        var written = OneStoryConfig.Read(Path.Combine(_folder, "selector", OneStory.ConfigFile)).Selection;
        Assert.Equal((5, 0.25, alone.Blocks), (written.Kept, written.Spread, written.Blocks));
        OneStory.Open(Path.Combine(_folder, "selector"), settings.Network, DType.F32, Device.Cpu).Weights.Dispose();
        using (var beside = Weights.Open(Path.Combine(_folder, "selector", OneStory.WeightsFile), DType.F32, Device.Cpu))
        {
            foreach (var name in known.Names.Where(name => name.StartsWith("conditioner.", StringComparison.Ordinal)))
                Assert.Equal(known.Get(name, known.ShapeOf(name)).ToFloats(), beside.Get(name, known.ShapeOf(name)).ToFloats());
            Assert.NotEqual(known.Get("selection.queries", 4, 24).ToFloats(), beside.Get("selection.queries", 4, 24).ToFloats());
        }

        var (story, weights) = OneStory.Open(Path.Combine(_folder, "learns"), settings.Network, DType.F32, Device.Cpu);
        using var opened = weights;
        Assert.Equal(settings.Parts.ToJson().ToJsonString(),
            OneStoryConfig.Read(Path.Combine(_folder, "learns", OneStory.ConfigFile)).ToJson().ToJsonString());
        var caption = new RandomSource(5).Normal("caption", 0, 7, 16);
        var (context, chosen) = story.Remember(new RandomSource(5).Normal("memory", 0, 1, 6, 35, 16, 28), caption,
            [.. Enumerable.Range(0, 35).Select(frame => frame / Frames)]);
        using (context) Assert.InRange(context.Tokens.Size(1), 1, 28);
        Assert.Equal(settings.Parts.Selection.Kept, chosen.Select(frame => frame.Frame).Distinct().Count());
        Assert.Equal(context.Tokens.Size(1), chosen.Sum(frame => frame.Tokens));
    });
}
