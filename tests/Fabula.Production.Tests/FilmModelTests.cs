// The real thing in small: a memory model of random weights, from a folder on disk through the façade to a film.
using Fabula.Build;
using Fabula.Models;
using Fabula.Models.Tests.Text;
using Fabula.Models.Text;
using Fabula.Torch;

namespace Fabula.Production.Tests;

public sealed class TinyFilmModel : IDisposable
{
    static readonly WanConfig Config = new()
    {
        Kind = "i2v",
        Dim = 48,
        FfnDim = 96,
        Heads = 4,
        Layers = 2,
        InDim = 36,
        FreqDim = 32,
        TextDim = 32,
        TextLen = 64,
    };

    public string Root { get; } = Directory.CreateTempSubdirectory("fabula-tiny-film-").FullName;

    public TinyFilmModel()
    {
        var vocabulary = PocketVocabulary.Make(SegmentationType.Unigram, bytes: true);
        Directory.CreateDirectory(Path.Combine(Root, "google/umt5-xxl"));
        Write("config.json", $$"""
            {"_class_name":"WanModel","model_type":"i2v","dim":{{Config.Dim}},"ffn_dim":{{Config.FfnDim}},"num_heads":{{Config.Heads}},
            "num_layers":{{Config.Layers}},"freq_dim":{{Config.FreqDim}},"text_dim":{{Config.TextDim}},
            "in_dim":36,"text_len":64,"clip_dim":0}
            """);
        Write("vae_config.json", """{"dim":6}""");
        Write("t5_config.json", $$"""
            {"vocab":{{vocabulary.Count}},"dim":32,"dim_attn":48,"dim_ffn":40,"num_heads":4,"num_layers":2}
            """);
        Write("film.json", """
            {"name":"Tiny","width":48,"height":32,"rate":8,"frames":5,"steps":6,"guidance":1,"memory_guidance":2,"most_memory":2}
            """);
        Write("words.txt", "ada\nwalks\nto\nthe\nright\nwoman\nwith\na\nred\nshirt\nwide\nshot\npark\ngreen\nday\nis\n");
        LibTorch.Run(() =>
        {
            Save("diffusion_pytorch_model.safetensors", weights => _ = new WanTransformer(Config, weights));
            Save("Wan2.1_VAE.safetensors", weights => _ = WanVae.Create(new WanVaeConfig { Dim = 6 }, weights));
            Save("models_t5_umt5-xxl-enc-bf16.safetensors", weights => _ = new Umt5Encoder(new Umt5Config
            {
                Vocabulary = vocabulary.Count,
                Dim = 32,
                AttentionDim = 48,
                FfnDim = 40,
                Heads = 4,
                Layers = 2,
            }, weights));
        });
        vocabulary.Save(Path.Combine(Root, "google/umt5-xxl/spiece.model"));
    }

    void Write(string file, string text) => File.WriteAllText(Path.Combine(Root, file), text);

    void Save(string file, Action<Weights> build)
    {
        using var weights = Weights.Fresh(7, DType.F32, Device.Cpu);
        build(weights);
        Weights.Save(Path.Combine(Root, file), weights.Parameters);
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

public class FilmModelTests : IClassFixture<TinyFilmModel>
{
    readonly TinyFilmModel _model;

    public FilmModelTests(TinyFilmModel model) => _model = model;

    static Picture Grey(byte level) => new([.. Enumerable.Repeat(level, 48 * 32 * 3)], 48, 32);

    static ShotRequest Request(params Picture[] memory) => new()
    {
        Prompt = "the red cat walks",
        Frames = 5,
        Width = 48,
        Height = 32,
        Seed = 3,
        Steps = 6,
        Guidance = 1,
        Shift = 3,
        Memory = memory,
        MemoryGuidance = 2,
    };

    /// <summary>A place to keep states that survives what renders in it.</summary>
    sealed class Kept : IDisposable
    {
        public Dictionary<string, byte[]> States { get; } = [];
        public string Folder { get; } = Directory.CreateTempSubdirectory("fabula-kept-").FullName;
        public Action<int>? At { get; init; }

        public RenderKeeping Keeping => new(Folder, States.GetValueOrDefault, (name, bytes) => States[name] = bytes,
            (done, _) => At?.Invoke(done));

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }

    FilmModel Open(int? threads = null) => FilmModel.Open(_model.Root, threads: threads);

    static byte[] Render(FilmModel model, ShotRequest request)
    {
        using var kept = new Kept();
        return [.. model.Render(request, kept.Keeping, CancellationToken.None).SelectMany(frame => frame)];
    }

    [Fact]
    public void A_shot_stopped_after_any_step_goes_on_to_the_same_bits()
    {
        using var model = Open();
        var request = Request(Grey(200), Grey(40)) with { First = Grey(90) };
        var whole = Render(model, request);
        Assert.Equal(5 * 48 * 32 * 3, whole.Length);
        for (var at = 1; at <= 6; at++)
        {
            using var stop = new CancellationTokenSource();
            using var kept = new Kept { At = done => { if (done == at) stop.Cancel(); } };
            byte[]? made = null;
            try { made = [.. model.Render(request, kept.Keeping, stop.Token).SelectMany(frame => frame)]; }
            catch (OperationCanceledException) { Assert.True(at < 6 || kept.States.Count > 0); }
            var steps = 0;
            using var later = Open();                                                         // as another process would
            var counting = kept.Keeping with { Report = (_, _) => steps++ };
            made ??= [.. later.Render(request, counting, CancellationToken.None).SelectMany(frame => frame)];
            Assert.True(steps <= 6 - at + 1, $"stopped after {at}, {steps} steps were taken again");
            Assert.Equal(whole, made);
        }
    }

    [Fact]
    public void Everything_that_is_asked_for_changes_the_picture()
    {
        using var model = Open();
        var plain = Request(Grey(200));
        ShotRequest[] requests =
        [
            plain, plain with { Prompt = "the cat" }, plain with { Seed = 4 }, plain with { Steps = 5 }, plain with { Shift = 5 },
            plain with { Memory = [Grey(40)] }, plain with { Memory = [] }, plain with { MemoryStride = 2 },
            plain with { MemoryGuidance = 1 },
            plain with { First = Grey(9) }, plain with { First = Grey(9), Last = Grey(250) }, plain with { Guidance = 3 },
        ];
        Assert.Equal(requests.Length, requests.Select(request => Convert.ToHexString(
            System.Security.Cryptography.SHA256.HashData(Render(model, request)))).Distinct().Count());
    }

    [Fact]
    public void What_it_cannot_do_it_says()
    {
        using var model = Open();
        Assert.Equal(FilmModes.Text | FilmModes.First | FilmModes.Last | FilmModes.Memory, model.Facts.Modes);
        Assert.Contains("multiples of 16", Assert.Throws<ArgumentException>(() => Render(model, Request() with { Width = 40 })).Message);
        Assert.Contains("4n + 1", Assert.Throws<ArgumentException>(() => Render(model, Request() with { Frames = 6 })).Message);
    }

    [Fact]
    public void The_digest_is_of_bytes_and_read_once()
    {
        using var folder = new Kept();
        var (cache, read) = (Path.Combine(folder.Folder, "weights"), new List<string>());
        string Digest(int threads = 1)
        {
            using var model = FilmModel.Open(_model.Root, cache, threads: threads, reading: read.Add);
            return model.Digest;
        }
        var first = Digest();
        Assert.NotEmpty(read);
        read.Clear();
        Assert.Equal(first, Digest());
        Assert.Empty(read);
        Assert.NotEqual(first, Digest(threads: 2));
        var words = Path.Combine(_model.Root, "film.json");
        var text = File.ReadAllText(words);
        File.WriteAllText(words, text.Replace("Tiny", "Tini"));
        Assert.NotEqual(first, Digest());
        File.WriteAllText(words, text);
        Assert.Equal(first, Digest());
        File.WriteAllText(cache, "[{");
        Assert.Equal(first, Digest());
    }

    [Fact]
    public async Task A_film_goes_through_the_model_and_is_resumed_to_the_same_bytes()
    {
        using var straight = new SmallProduction();
        var options = new FilmOptions(_model.Root, Threads: 1);
        using (var film = straight.Open(options))
            Assert.Contains(film.WordFindings(), finding => finding.Problem.Contains("'boy'"));
        var whole = await straight.Make(options);
        Assert.True(whole.Succeeded);

        using var stopped = new SmallProduction();
        var (stops, made) = (0, (Made?)null);
        while (made is null)
        {
            using var stop = new CancellationTokenSource();
            using var film = stopped.Open(options);
            var (taken, resumed) = (0, false);
            await foreach (var news in film.Make(1, stop.Token))
            {
                resumed |= news is StepStarted { Resumed: true };
                if (news is StepProgress && ++taken == 4) await stop.CancelAsync();
                if (news is BuildEnded { Outcome: BuildOutcome.Succeeded }) made = new([news], film.Digest, 0, 0);
            }
            Assert.True(resumed || stops == 0 || made is not null || taken >= 4);
            Assert.True(stops++ < 40, "it never comes to the end");
        }
        Assert.True(stops > 3);
        Assert.Equal(whole.Film, made.Film);
    }
}
