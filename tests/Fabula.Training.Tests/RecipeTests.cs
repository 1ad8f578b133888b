using System.Text.Json.Nodes;
using Fabula.Models;
using Fabula.Models.Text;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

/// <summary>The recipes on tiny settings: they learn, and a run that was cut off goes on to the same bits.</summary>
public sealed class RecipeTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("fabula-recipes-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static readonly VaeSettings TinyVae = new(Steps: 6, Crops: 1, CropHeight: 32, CropWidth: 32, Frames: 5)
    {
        Network = WanVaeConfig.Pocket with { Dim = 8, DecDim = 8, ZDim = 6 },
        Fitted = 4,
    };

    [Fact]
    public void A_cut_off_vae_run_goes_on_to_the_same_bits() => OnTorch.Run(() =>
    {
        var whole = Vae("whole", TinyVae, int.MaxValue);
        Vae("parts", TinyVae, 3);
        var parts = Vae("parts", TinyVae, int.MaxValue);
        Assert.Equal(whole, parts);
    });

    [Fact]
    public void An_encoder_that_stays_keeps_latents_and_their_statistics_while_the_decoder_learns() => OnTorch.Run(() =>
    {
        Vae("both", TinyVae, int.MaxValue);
        var (before, after) = (Path.Combine(_folder, "both"), Path.Combine(_folder, "decoder"));
        var (config, weights) = PocketFolder.OpenVae(before);
        using (weights)
        {
            Vae("decoder", TinyVae with { EncoderStays = true }, int.MaxValue, (config, weights));
            using var learned = PocketFolder.OpenVae(after).Weights;
            var clip = new RandomSource(1).Normal("clip", 0, 1, 3, 5, 32, 32).Clamp(-1, 1);
            var (old, now) = (WanVae.Create(config, weights), WanVae.Create(config, learned));
            var latents = old.Encode(clip);
            Assert.Equal(latents.ToFloats(), now.Encode(clip).ToFloats());
            Assert.NotEqual(old.Decode(latents).ToFloats(), now.Decode(latents).ToFloats());
        }
        Assert.Equal(File.ReadAllText(Path.Combine(before, "vae_config.json")), File.ReadAllText(Path.Combine(after, "vae_config.json")));
        Assert.Throws<InvalidOperationException>(() => Vae("nothing", TinyVae with { EncoderStays = true }, int.MaxValue));
    });

    /// <summary>Runs until some steps were said to be done; the bytes of the finished weights, or nothing.</summary>
    byte[] Vae(string name, VaeSettings settings, int stopAfter, (WanVaeConfig, Weights)? from = null)
    {
        var run = new TrainingRun(Path.Combine(_folder, name), settings.ToJson(1));
        using var crew = new Crew(1, 0, "", 0);
        using var stop = new CancellationTokenSource();
        try
        {
            VaeRecipe.Run(settings with { Rhythm = new(0, stopAfter == int.MaxValue ? 1e9 : 0) }, run, crew, line =>
            {
                if (line.StartsWith("held out", StringComparison.Ordinal) && --stopAfter == 0) stop.Cancel();
            }, stop.Token, from);
        }
        catch (OperationCanceledException)
        {
            return [];
        }
        return File.ReadAllBytes(Path.Combine(_folder, name, "pocket_vae.safetensors"));
    }

    [Fact]
    public void The_pocket_vae_begins_better_than_grey_and_learns() => OnTorch.Run(() =>
    {
        var said = new List<string>();
        var settings = TinyVae with { Steps = 40, Fitted = 12, Network = TinyVae.Network with { ZDim = 16 } };
        var run = new TrainingRun(Path.Combine(_folder, "learns"), settings.ToJson(1));
        using var crew = new Crew(1, 0, "", 0);
        VaeRecipe.Run(settings with { Rhythm = new(0, 0) }, run, crew, said.Add, CancellationToken.None);
        var quality = said.Where(line => line.StartsWith("held out", StringComparison.Ordinal))
            .Select(line => double.Parse(line.Split(' ')[3], System.Globalization.CultureInfo.InvariantCulture)).ToList();
        Assert.True(quality[0] > 14, $"begins with {quality[0]} dB");
        Assert.True(quality[^1] > quality[0] + 0.1, $"from {quality[0]} to {quality[^1]} dB");
    });

    [Fact]
    public void The_text_encoder_learns_what_captions_say() => OnTorch.Run(() =>
    {
        var settings = new TextSettings(Steps: 60, Batch: 8);
        var losses = new List<double>();
        var run = new TrainingRun(Path.Combine(_folder, "text"), settings.ToJson(1));
        using var crew = new Crew(1, 0, "", 0);
        var right = TextRecipe.Run(settings, run, crew, _ => { }, CancellationToken.None);
        // Most answers of a caption are "not told": always saying so is right in about six of ten.
        Assert.True(right > 0.7, $"{right:P0} right");
        Assert.True(File.Exists(Path.Combine(_folder, "text", "google", "umt5-xxl", "spiece.model")));
    });

    [Fact]
    public void The_video_model_learns_all_modes_and_resumes_to_the_same_bits() => OnTorch.Run(() =>
    {
        var folder = Path.Combine(_folder, "tools");
        Vae("tools", TinyVae with { Steps = 1 }, int.MaxValue);
        var text = new TextSettings(Steps: 1, Batch: 2);
        using var crew = new Crew(1, 0, "", 0);
        TextRecipe.Run(text, new TrainingRun(Path.Combine(_folder, "text"), text.ToJson(1)), crew, _ => { }, CancellationToken.None);
        var (tools, weights) = Tools(folder, Path.Combine(_folder, "text"));
        var stories = new LatentStories(tools.Vae, Path.Combine(_folder, "latents"), 5);
        var examples = new VideoExamples([.. stories.Load(0, 2, 1)], 6, 16, 28, 4);
        var settings = new VideoSettings(Steps: 10, BatchTokens: 300, PicturesUntil: 0, Turns: 0.2)
        {
            Network = VideoSettings.PocketNetwork with { Dim = 24, FfnDim = 32, Heads = 2, Layers = 1, InDim = 16, OutDim = 6 },
        };
        byte[] Run(string name, int stopAfter)
        {
            var run = new TrainingRun(Path.Combine(_folder, name), settings.ToJson(1));
            using var stop = new CancellationTokenSource();
            var every = stopAfter == int.MaxValue ? 1e9 : 0;
            try
            {
                VideoRecipe.Run(settings with { Rhythm = new(every, every) }, tools, examples, run, crew, _ =>
                {
                    if (--stopAfter == 0) stop.Cancel();
                }, stop.Token);
            }
            catch (OperationCanceledException)
            {
                return [];
            }
            return File.ReadAllBytes(Path.Combine(_folder, name, "diffusion_pytorch_model.safetensors"));
        }
        // Transitions: the first and the last frame are known, between them lie collages.
        var (kept, drawn) = examples.TurnCount;
        Assert.InRange(kept, 1, drawn);
        var turn = examples.Draw(new Chance(1), VideoMode.Turn, 4);
        var masks = turn.KnownMask.Chunk(16 * 28).ToArray();                                     // 4 clips of 4 channels of 5 frames
        Assert.All(Enumerable.Range(0, 16), i => Assert.All(masks[i * 5], value => Assert.Equal(1, value)));
        Assert.All(Enumerable.Range(0, 16), i => Assert.All(masks[i * 5 + 4], value => Assert.Equal(i % 4 == 3 ? 1 : 0, value)));
        Assert.Contains(masks, mask => mask.Contains(0.25f) && mask.Contains(0.5f));
        var whole = Run("whole", int.MaxValue);
        Assert.Empty(Run("parts", 4));
        Assert.Equal(whole, Run("parts", int.MaxValue));
        foreach (var weight in weights) weight.Dispose();
    });

    static (VideoTools, Weights[]) Tools(string vae, string text)
    {
        foreach (var file in Directory.EnumerateFiles(text, "*", SearchOption.AllDirectories))
            if (!file.Contains("state-", StringComparison.Ordinal) && Path.GetRelativePath(text, file) is var name
                && (name.StartsWith("models_t5", StringComparison.Ordinal) || name.StartsWith("t5_", StringComparison.Ordinal)
                    || name.StartsWith("google", StringComparison.Ordinal)))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(vae, name))!);
                File.Copy(file, Path.Combine(vae, name));
            }
        return PocketFolder.OpenTools(vae);
    }

    [Fact]
    public void A_run_of_other_settings_is_refused()
    {
        _ = new TrainingRun(_folder, new JsonObject { ["steps"] = 1 });
        var refused = Assert.Throws<InvalidDataException>(() => new TrainingRun(_folder, new JsonObject { ["steps"] = 2 }));
        Assert.Contains("choose another folder", refused.Message);
    }

    [Fact]
    public void Kept_latents_are_those_that_were_encoded() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(4, DType.F32, Device.Cpu);
        var vae = WanVae.Create(TinyVae.Network, weights);
        var stories = new LatentStories(vae, Path.Combine(_folder, "latents"), 9);
        var fresh = stories.Load(0, 2, 2).ToList();
        var kept = stories.Load(0, 2, 2).ToList();
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(fresh[i].Clips, kept[i].Clips);
            Assert.Equal(fresh[i].Pictures, kept[i].Pictures);
            Assert.Equal(fresh[i].Plates, kept[i].Plates);
            Assert.Equal(fresh[i].Collages, kept[i].Collages);
            Assert.Equal(fresh[i].Moving, kept[i].Moving);
            Assert.Equal(i == 0, kept[i].Clips[0].Length > 0);
        }
        // A clip's first latent frame is its first picture.
        var (clip, picture) = (fresh[0].Clips[0], fresh[0].Pictures[0][0]);
        for (var channel = 0; channel < 6; channel++)
            for (var at = 0; at < 448; at++)
                Assert.Equal((double)picture[channel * 448 + at], (double)clip[channel * 5 * 448 + at], 2);
        // The clip of collages begins with the first of them.
        Assert.Equal(fresh[0].Collages[0][0].Take(448).Select(value => (double)value),
            fresh[0].Moving[0].Take(448).Select(value => (double)value), (a, b) => Math.Abs(a - b) < 0.01);
        // Boxes are where people stand, from head to foot; only limbs go beyond. A collage is the place with them: the same as the plate
        // where the stage is empty.
        var (boxes, figures) = (fresh[1].Boxes, fresh[1].Figures);
        var people = 0;
        for (var shot = 0; shot < boxes.Length; shot++)
            for (var moment = 0; moment < 3; moment++)
            {
                var seen = boxes[shot][LatentStory.Moments[moment]].Where(box => box != default).ToList();
                people += seen.Count;
                for (var at = 0; at < 448; at++)
                    if (figures[shot][moment * 2 * 448 + at] > 0.9)
                        Assert.Contains(seen, box => box.Left * 28 <= at % 28 + 3 && box.Right * 28 >= at % 28 - 2
                            && box.Top * 16 <= at / 28 + 3 && box.Bottom * 16 >= at / 28 - 2);
                var apart = fresh[1].Collages[shot][moment].Zip(fresh[1].Plates[shot])
                    .Max(pair => Math.Abs((float)(pair.First - pair.Second)));
                // The place of a plate stands still, that of a collage is what the camera sees.
                var still = fresh[1].Story.Shots[shot].Spec.Camera == CameraMove.Static;
                Assert.True(seen.Count > 0 ? apart > 0.1 : !still || apart < 0.01, $"{seen.Count} people, {apart}");
            }
        Assert.True(people > 0);
    });

    [Fact]
    public void Principal_components_of_a_known_cloud_are_found() => OnTorch.Run(() =>
    {
        using var components = new PrincipalComponents(3);
        var random = new RandomSource(1);
        var along = Tensor.From([0.6f, 0.8f, 0f], 1, 3);
        components.Add(random.Normal("a", 0, 4000, 1).Matmul(along) * 3 + random.Normal("b", 0, 4000, 3) * 0.1 + 5);
        var (mean, directions, deviation) = components.Find(1);
        Assert.All(mean.ToFloats(), value => Assert.Equal(5, value, 0.2));
        Assert.Equal(1, Math.Abs((directions * along).Sum().Item()), 1e-3);
        Assert.Equal(3, deviation.Item(), 0.15);
    });

    [Fact]
    public void Every_word_is_one_piece_and_a_stranger_is_spelled()
    {
        var vocabulary = PocketText.Vocabulary();
        foreach (var word in Lexicon.Words)
        {
            Assert.Single(vocabulary.Encode(word));
            Assert.Single(vocabulary.Encode(char.ToUpperInvariant(word[0]) + word[1..]));
        }
        Assert.DoesNotContain(vocabulary.UnknownId, vocabulary.Encode("a zeppelin over Quebec"));
        Assert.Contains(vocabulary.UnknownId, vocabulary.Encode("日本"));
        Assert.All(PocketText.Twins(vocabulary), twin => Assert.True(twin.Form > 2 && twin.Word > 2));
    }

    [Fact]
    public void Referential_captions_tell_nothing_of_looks()
    {
        var shot = Examples.AnyShot(new Chance(1)["shot"][3], heldOut: false);
        Assert.NotEmpty(shot.Roles);
        foreach (var question in Told.OfPeople)
        {
            var answer = question.Answer(shot, 0, Register.Referential);
            Assert.InRange(answer, 0, question.Classes - 1);
            if (question.Name == "top") Assert.Equal(question.Classes - 1, answer);
        }
    }

    [Fact]
    public void Every_token_of_a_caption_is_about_the_role_of_its_sentence()
    {
        var tokenizer = new WanTokenizer(PocketText.Vocabulary(), PocketText.Length);
        for (var i = 0; i < 200; i++)
        {
            var chance = new Chance(7)[i];
            var shot = Examples.AnyShot(chance["shot"], heldOut: false);
            var register = chance["register"].Any<Register>();
            var sentences = Captions.Sentences(shot, register, chance["words"]);
            var (prompt, roles) = TextRecipe.Tokens(tokenizer, sentences);
            Assert.Equal(tokenizer.Encode(Captions.Write(shot, register, chance["words"])).Ids, prompt.Ids);
            Assert.Equal(prompt.Length, roles.Length);
            Assert.False(prompt.Cut);
            Assert.Equal(sentences.Sum(sentence => tokenizer.Encode(sentence.Text).Length - 1) + 1, prompt.Length);
        }
    }
}
