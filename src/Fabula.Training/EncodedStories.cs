// Stories of Paper Theatre as a model of any size learns them: drawn at its size, encoded once by its own VAE, text encoder and, where it
// has one, CLIP, and kept on disk. Large networks are loaded one after another, each only if something is missing; what is learned from is
// mapped when it is drawn, so that memory does not grow with the number of stories.
//
// Shapes: z latent channels; f latent frames of a shot; h, w latent rows and columns.
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fabula.Models;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <summary>What is known of a shot's own frames.</summary>
public enum Given { Nothing, First, Motion, Ends }

/// <param name="Frames">Of a shot, 4n+1.</param>
public sealed record StorySize(int Width, int Height, int Frames);

/// <param name="store">A folder for one model's stories of one size.</param>
public sealed class EncodedStories(ModelFolder folder, StorySize size, string store, ulong seed, Device device)
{
    /// <summary>Frames of a shot that may be remembered, and captions in which it is told.</summary>
    public const int Moments = 4;
    public static readonly Register[] Told = [Register.Full, Register.Planned, Register.Referential];
    /// <summary>Frames of motion that a shot goes on from [StoryMem, MM2V].</summary>
    public const int MotionFrames = 5;
    const string Nothing = "nothing", Settings = "stories.json";

    readonly WanConfig _config = folder.Config;
    readonly DType _type = folder.IsSmall && device.IsCpu ? DType.F32 : DType.BF16;

    public static string Name(int number, bool heldOut) => heldOut ? $"held-{number:D6}" : $"{number:D6}";

    /// <summary>What the model can be given of a shot's own frames, besides what it remembers.</summary>
    public IReadOnlyList<Given> Kinds => (_config.Kind, _config.ClipDim > 0) switch
    {
        ("t2v", _) => [Given.Nothing],
        ("ti2v", _) => [Given.Nothing, Given.First],
        ("flf2v", true) => [Given.Ends],
        (_, true) => [Given.First],
        _ when _config.TakesDrafts => [Given.Nothing, Given.First],
        _ => [Given.Nothing, Given.First, Given.Motion],
    };

    /// <summary>Whether mask and condition are joined to the noisy latents, and, without CLIP, remembered pictures with them.</summary>
    public bool IsJoined => _config.InDim != _config.OutDim;

    /// <summary>Draws and encodes what is not on disk; on the tensor thread.</summary>
    /// <exception cref="InvalidDataException">The folder holds stories of another model or size.</exception>
    public void Make(int count, int heldOut, Action<string> say, CancellationToken stop)
    {
        Directory.CreateDirectory(store);
        Require();
        List<(string Name, DrawnStory? Story)> stories =
        [
            (Nothing, null), .. Enumerable.Range(0, count).Select(i => (Name(i, false), Tell(i, false))),
            .. Enumerable.Range(0, heldOut).Select(i => (Name(i, true), Tell(i, true))),
        ];
        using var stage = new Stage(size.Width, size.Height);
        Part("text", stories, () => folder.LoadTextEncoder(_type, device), Words, _type, say, stop);
        Part("latents", stories, () => folder.LoadVae(DType.F32, device), (vae, name, story) => Latents(vae, story, stage), DType.F16, say,
            stop);
        if (_config.ClipDim > 0)
            Part("clip", stories, () => folder.LoadImageEncoder(_type, device), (clip, name, story) => Looks(clip, story, stage),
                DType.F16, say, stop);
    }

    DrawnStory Tell(int number, bool heldOut) => LatentStories.Tell(seed, number, heldOut);

    /// <summary>The shots of a story, by its number.</summary>
    public int Shots(int number, bool heldOut = false) => Tell(number, heldOut).Shots.Count;

    /// <summary>One tensor of a story, in fp32 on the device; text rows as they were stored.</summary>
    public Tensor Read(string part, int number, bool heldOut, string tensor) => Read(part, Name(number, heldOut), tensor);

    /// <summary>The rows [n, TextDim] of a caption; of the empty one where told is negative.</summary>
    public Tensor Rows(int number, bool heldOut, int shot, int told) =>
        told < 0 ? Read("text", Nothing, "rows") : Read("text", number, heldOut, $"{shot}.{told}");

    /// <summary>Mask and condition of a shot's own frames, [1, 4 + z, f, h, w].</summary>
    public Tensor Condition(int number, bool heldOut, int shot, Given given) =>
        given == Given.Nothing ? Read("latents", Nothing, "condition") : Read("latents", number, heldOut, $"{shot}.{given}");

    Tensor Read(string part, string name, string tensor)
    {
        using var file = Weights.Open(PathOf(name, part), DType.F32, device);
        using var scope = TensorScope.Open();
        return scope.Keep(file.Get(tensor, file.ShapeOf(tensor)).Clone());
    }

    string PathOf(string name, string part) => Path.Combine(store, $"{name}.{part}.safetensors");

    void Part<T>(string part, List<(string Name, DrawnStory? Story)> stories, Func<Loaded<T>> load,
        Func<T, string, DrawnStory?, Dictionary<string, Tensor>> encode, DType type, Action<string> say, CancellationToken stop)
    {
        var missing = stories.Where(story => !File.Exists(PathOf(story.Name, part))).ToList();
        if (missing.Count == 0) return;
        using var loaded = load();
        foreach (var (i, (name, story)) in missing.Index())
        {
            stop.ThrowIfCancellationRequested();
            using var scope = TensorScope.Open();
            using var off = Autograd.Disable();
            Weights.Save(PathOf(name, part), encode(loaded.Network, name, story), type);
            say($"{part} of story {i + 1}/{missing.Count} encoded");
        }
    }

    Dictionary<string, Tensor> Words(Umt5Encoder encoder, string name, DrawnStory? story)
    {
        var tokenizer = folder.LoadTokenizer();
        Tensor Encode(string caption) => encoder.Encode([tokenizer.Encode(caption)])[0];
        if (story is null) return new() { ["rows"] = Encode("") };
        var rows = new Dictionary<string, Tensor>();
        var chance = new Chance(seed)["words"][name];
        foreach (var (shot, number) in story.Shots.Select((shot, i) => (shot.Spec, i)))
            for (var told = 0; told < Told.Length; told++)
                rows[$"{number}.{told}"] = Encode(Captions.Write(shot, Told[told], chance[number][told]));
        return rows;
    }

    Dictionary<string, Tensor> Latents(WanVae vae, DrawnStory? story, Stage stage)
    {
        var stride = vae.Config.SpatialStride;
        var (rows, columns) = (size.Height / stride, size.Width / stride);
        Tensor Known(params (int Frame, Tensor Image)[] known) => _config.TakesDrafts
            ? Conditioning.Drafts(vae, size.Frames, rows, columns, known.Length == 0 ? null : known[0].Image, null, [], [])
            : Conditioning.Encode(vae, size.Frames, rows, columns,
                known.ToDictionary(frame => frame.Frame, frame => new KnownFrame(frame.Image)));
        if (story is null) return new() { ["condition"] = IsJoined ? Known() : Tensor.Zeros([1], DType.F32, device) };
        var latents = new Dictionary<string, Tensor>();
        foreach (var (number, shot) in story.Shots.Index())
        {
            var pixels = Draw(shot.Spec, stage);                                                 // [1, 3, T, H, W]
            Tensor Frame(int frame) => pixels.Select(2, frame).Squeeze(0);
            latents[$"{number}.clip"] = vae.Encode(pixels);                                      // [1, z, f, h, w]
            latents[$"{number}.pictures"] = Tensor.Cat(2, [.. Enumerable.Range(0, Moments).Select(i =>
                vae.Encode(pixels.Narrow(2, i * (size.Frames - 1) / (Moments - 1), 1)))]);       // [1, z, moments, h, w]
            foreach (var given in IsJoined ? Kinds.Where(kind => kind != Given.Nothing) : [])
                latents[$"{number}.{given}"] = given switch
                {
                    Given.First => Known((0, Frame(0))),
                    Given.Ends => Known((0, Frame(0)), (size.Frames - 1, Frame(size.Frames - 1))),
                    _ => Known([.. Enumerable.Range(0, Math.Min(MotionFrames, size.Frames)).Select(i => (i, Frame(i)))]),
                };
        }
        return latents;
    }

    /// <summary>CLIP's tokens of what is known: [1 or 2, tokens, ClipDim].</summary>
    Dictionary<string, Tensor> Looks(WanClipVision clip, DrawnStory? story, Stage stage)
    {
        var looks = new Dictionary<string, Tensor> { ["nothing"] = Tensor.Zeros([1], DType.F32, device) };
        foreach (var (number, shot) in story is null ? [] : story.Shots.Index())
        {
            var pixels = Draw(shot.Spec, stage);
            int[] frames = Kinds.Contains(Given.Ends) ? [0, size.Frames - 1] : [0];
            looks[$"{number}.look"] = clip.Encode([.. frames.Select(frame => pixels.Select(2, frame).Squeeze(0))]);
        }
        return looks;
    }

    Tensor Draw(ShotSpec spec, Stage stage) =>
        VaeRecipe.Pixels(stage.Draw(spec with { Frames = size.Frames }).Frames, 1, size.Frames, size.Height, size.Width);

    /// <summary>Stories that other networks encoded must not be learned from.</summary>
    void Require()
    {
        var own = new JsonObject
        {
            ["width"] = size.Width,
            ["height"] = size.Height,
            ["frames"] = size.Frames,
            ["seed"] = seed,
            ["vae"] = Mark(folder.Vae.Path!),
            ["text"] = Mark(folder.TextEncoder.Path!),
        }.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
        var path = Path.Combine(store, Settings);
        if (!File.Exists(path)) File.WriteAllText(path, own);
        else if (File.ReadAllText(path) != own)
            throw new InvalidDataException(
                $"{Path.GetFullPath(store)} holds stories of another model, size or seed: choose another folder.");
    }

    /// <summary>A file's size and the digest of its first and last mebibyte: tells weights apart without reading gigabytes.</summary>
    static string Mark(string path)
    {
        using var file = File.OpenRead(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var piece = new byte[1 << 20];
        hash.AppendData(piece, 0, file.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false));
        file.Position = Math.Max(0, file.Length - piece.Length);
        hash.AppendData(piece, 0, file.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false));
        return $"{file.Length} {Convert.ToHexStringLower(hash.GetHashAndReset())[..32]}";
    }
}
