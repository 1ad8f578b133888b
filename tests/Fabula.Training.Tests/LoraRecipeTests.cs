using System.Text.Json.Nodes;
using Fabula.Models;
using Fabula.Torch;

namespace Fabula.Training.Tests;

/// <summary>A LoRA on tiny checkpoints in both layouts: it learns, resumes, and is used by a film.</summary>
public sealed class LoraRecipeTests : IDisposable
{
    const int Stories = 2;

    readonly string _folder = Directory.CreateTempSubdirectory("fabula-lora-recipe-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static readonly LoraSettings Quick = new(Steps: 20, Batch: 1, Rank: 4, Alpha: 8, MostMemory: 4, Motion: 0.2)
    {
        Pace = new(Others: 4e-3, Warmup: 1, DecayFrom: 1, EmaDecay: 0),
    };

    /// <summary>Runs until some steps were said to be done; the folder of the run.</summary>
    string Train(LoraSettings settings, TinyWan model, int expert, string name, int stopAfter = int.MaxValue)
    {
        var folder = ModelFolder.Open(model.Root);
        var examples = Examples(settings, folder, model);
        examples.Make(Stories, LoraRecipe.Examined, _ => { }, CancellationToken.None);
        var run = new TrainingRun(Path.Combine(_folder, name), settings.ToJson(folder, expert, Stories, "cpu"));
        var every = stopAfter == int.MaxValue ? 1e9 : 0;
        using var stop = new CancellationTokenSource();
        try
        {
            LoraRecipe.Run(settings with { Rhythm = new(every, every) }, folder, expert, Stories, examples, run, Device.Cpu, _ =>
            {
                if (--stopAfter == 0) stop.Cancel();
            }, stop.Token);
        }
        catch (OperationCanceledException) { }
        return run.Folder;
    }

    static EncodedStories Examples(LoraSettings settings, ModelFolder folder, TinyWan model) =>
        new(folder, settings.SizeFor(FilmFacts.Of(folder)), model.At("stories"), settings.Seed, Device.Cpu);

    static double[] HeldOut(string run) => [.. JsonNode.Parse(File.ReadLines(Path.Combine(run, "log.jsonl")).Last())!.AsObject()
        .Where(pair => pair.Key.StartsWith("held out", StringComparison.Ordinal)).Select(pair => (double)pair.Value!)];

    static byte[] Adapter(string run) => File.ReadAllBytes(Path.Combine(run, LoraRecipe.Adapter));

    [Theory, InlineData(false), InlineData(true)]
    public void It_learns_goes_on_to_the_same_bits_and_merges_into_what_was_trained(bool diffusers) => OnTorch.Run(() =>
    {
        using var model = new TinyWan(diffusers);
        var folder = ModelFolder.Open(model.Root);
        var expert = folder.Transformers.Count - 1;
        var begun = Train(Quick with { Steps = 1, Pace = Quick.Pace with { Others = 1e-9 } }, model, expert, "begun");
        var whole = Train(Quick, model, expert, "whole");
        var (before, after) = (HeldOut(begun), HeldOut(whole));
        Assert.Equal(3, after.Length);
        Assert.True(after.Average() < 0.97 * before.Average(), $"from {before.Average():0.000} to {after.Average():0.000}");

        _ = Train(Quick, model, expert, "parts", stopAfter: 9);
        Assert.Equal(Adapter(whole), Adapter(Train(Quick, model, expert, "parts")));

        // What was written, merged by the product's own door, answers as what was trained.
        using var lora = Lora.Open(whole);
        Assert.Equal(2 * 10, lora.Pairs.Count);
        Assert.All(lora.Pairs, pair => Assert.Equal(8 / Math.Sqrt(4), pair.Scale, 1e-9));
        using var merged = folder.LoadTransformer(expert, DType.F32, Device.Cpu, (lora, 1));
        var found = LoraRecipe.Examine(Quick, merged.Network, Examples(Quick, folder, model), LoraRecipe.Range(Quick, folder, expert));
        foreach (var (logged, error) in after.Zip(found.Select(pair => pair.Value))) Assert.Equal(logged, error, 1e-4);
    });

    [Fact]
    public void All_weights_learn_where_that_is_wanted_and_the_file_takes_the_place_of_the_models_own() => OnTorch.Run(() =>
    {
        using var model = new TinyWan(diffusers: true);
        var settings = Quick with { Full = true, Steps = 6, Pace = Quick.Pace with { Others = 1e-3 } };
        var begun = Train(settings with { Steps = 1, Pace = Quick.Pace with { Others = 1e-9 } }, model, 0, "begun");
        var run = Train(settings, model, 0, "full");
        Assert.True(HeldOut(run).Average() < HeldOut(begun).Average());
        File.Copy(Path.Combine(run, "diffusion_pytorch_model.safetensors"),
            model.At("transformer/diffusion_pytorch_model.safetensors"), overwrite: true);
        using var learned = ModelFolder.Open(model.Root).LoadTransformer(0, DType.F32, Device.Cpu);
        Assert.Equal(2, learned.Network.Config.Layers);
    });

    [Fact]
    public void Each_of_two_experts_learns_its_own_levels_of_noise()
    {
        using var model = new TinyWan(diffusers: false);
        var folder = ModelFolder.Open(model.Root);
        var (high, low) = (LoraRecipe.Range(Quick, folder, 0), LoraRecipe.Range(Quick, folder, 1));
        Assert.Equal((high.From, 0, 1), (low.To, low.From, high.To));
        Assert.Equal(0.9, Schedule.Shift(high.From, Quick.Shift), 1e-9);
    }

    [Fact]
    public void A_film_is_made_with_the_LoRAs_that_film_json_names() => OnTorch.Run(() =>
    {
        using var model = new TinyWan(diffusers: false);
        foreach (var (expert, name) in new[] { (0, "high"), (1, "low") })
        {
            var run = Train(Quick with { Steps = 4 }, model, expert, name);
            Directory.CreateDirectory(model.At($"lora/{name}"));
            foreach (var file in new[] { LoraRecipe.Adapter, LoraRecipe.AdapterConfig })
                File.Copy(Path.Combine(run, file), model.At($"lora/{name}/{file}"));
        }
        (byte[] Frames, string Digest) Film(string loras)
        {
            model.Write("film.json", TinyWan.Film.Replace("}", loras + "}"));
            using var film = FilmModel.Open(model.Root, threads: 1);
            var request = new ShotRequest
            {
                Prompt = "A woman walks.",
                Frames = 5,
                Width = 48,
                Height = 32,
                Seed = 3,
                Steps = 4,
                Guidance = 1,
                Shift = 4,
                Memory = [new([.. Enumerable.Repeat((byte)90, 48 * 32 * 3)], 48, 32)],
            };
            var frames = film.Render(request, new(_folder, _ => null, (_, _) => { }, (_, _) => { }), CancellationToken.None);
            return ([.. frames.SelectMany(frame => frame)], film.Digest);
        }
        string Entry(string name, string more) => $"{{\"file\":\"lora/{name}\",\"expert\":\"{name}\"{more}}}";
        var plain = Film("");
        var both = Film($",\"loras\":[{Entry("high", "")},{Entry("low", "")}]");
        var strong = Film($",\"loras\":[{Entry("high", "")},{Entry("low", ",\"alpha\":64,\"rank_stabilized\":true")}]");
        var none = Film($",\"loras\":[{Entry("high", ",\"strength\":0")},{Entry("low", ",\"strength\":0")}]");
        Assert.NotEqual(plain.Frames, both.Frames);
        Assert.NotEqual(strong.Frames, both.Frames);
        Assert.Equal(plain.Frames, none.Frames);
        Assert.Equal(4, new[] { plain, both, strong, none }.Select(film => film.Digest).Distinct().Count());
        foreach (var (wrong, why) in new[]
        {
            ("""{"file":"../elsewhere.safetensors"}""", "within the model folder"),
            ("""{"file":"lora/.hidden.pth"}""", "within the model"),
            ("""{"file":"lora/nothing.safetensors"}""", "lora/nothing.safetensors"),
            ("""{"file":"lora/high","expert":"middle"}""", "high and low"),
        })
            Assert.Contains(why, Assert.Throws<CheckpointException>(() => Film($",\"loras\":[{wrong}]")).Message);
    });

    [Fact]
    public void Stories_of_another_model_are_refused() => OnTorch.Run(() =>
    {
        using var model = new TinyWan(diffusers: true);
        var folder = ModelFolder.Open(model.Root);
        Examples(Quick, folder, model).Make(1, 0, _ => { }, CancellationToken.None);
        var refused = Assert.Throws<InvalidDataException>(() =>
            Examples(Quick with { Seed = 5 }, folder, model).Make(1, 0, _ => { }, CancellationToken.None));
        Assert.Contains("choose another folder", refused.Message);
        Assert.Contains("multiples of 16", Assert.Throws<ArgumentException>(() =>
            (Quick with { Width = 40 }).SizeFor(FilmFacts.Of(folder))).Message);
    });
}
