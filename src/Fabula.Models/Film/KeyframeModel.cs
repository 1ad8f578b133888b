// A film's keyframes, as a film needs them: a script in words, people as pictures, tokens and pictures back. Behind it are MovieDreamer's
// planner and renderer (KeyframePlanner.cs, KeyframeRenderer.cs) with the model's own VAE and text encoder, opened when first needed. They
// lie in the model's folder under moviedreamer/.
using Fabula.Models.Text;
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>One row of a keyframe's script: an identifier or an identity by its number, a sentence by its words.</summary>
public sealed record KeyframeWord(PlannerKind Kind, int Index, string Text = "");

/// <param name="Identities">A vector for each row that is an identity.</param>
public sealed record KeyframeScript(IReadOnlyList<KeyframeWord> Rows, IReadOnlyList<float[]> Identities)
{
    /// <summary>Of a reference picture, which has tokens and no words (few-shot).</summary>
    public static readonly KeyframeScript Reference = new([], []);
}

/// <summary>A keyframe as far as it is told: its script, and its tokens [n][d].</summary>
public sealed record ToldKeyframe(KeyframeScript Script, IReadOnlyList<float[]> Tokens);

/// <summary>Tells and draws keyframes. What is asked twice is answered the same.</summary>
public interface IKeyframes
{
    /// <summary>Who somebody is, from their portrait.</summary>
    float[] Identity(Picture portrait);

    /// <summary>The tokens of a picture that is there.</summary>
    IReadOnlyList<float[]> Read(Picture picture);

    /// <summary>The tokens of the keyframe that comes after others, oldest first; references stand in front of them.</summary>
    IReadOnlyList<float[]> Tell(IReadOnlyList<ToldKeyframe> before, KeyframeScript script, ulong seed);

    /// <summary>A told keyframe as a picture, in the model's own size.</summary>
    /// <param name="people">Who and what is laid on it before it is drawn, where the model takes drafts.</param>
    /// <param name="ground">The empty place on which they are laid; null: what the tokens say of it.</param>
    Picture Draw(ToldKeyframe keyframe, ulong seed, IReadOnlyList<LaidFigure> people, Picture? ground);
}

/// <summary>Safe to use from several threads: they wait for one another. Opened by <see cref="FilmModel.Keyframes"/>.</summary>
public sealed class KeyframeModel : IKeyframes, IDisposable
{
    public const string FolderName = "moviedreamer";

    /// <summary>
    /// Scales the deviation of what is drawn for a token. A pocket planner is sure of little: at 1 most of a picture would be chance. At 0
    /// it is the mean of the heaviest component.
    /// </summary>
    public const double Temperature = 0;

    readonly ModelFolder _folder;
    readonly FilmFacts _facts;
    readonly int _threads;
    readonly Action _called;
    Parts? _parts;

    sealed record Parts(Loaded<KeyframeTokenizer> Tokenizer, Loaded<KeyframePlanner> Planner, Loaded<WanVae> Vae, Loaded<Umt5Encoder> Text,
        SentenceReader Sentences);

    internal KeyframeModel(ModelFolder folder, FilmFacts facts, int threads, Action called) =>
        (_folder, _facts, _threads, _called) = (folder, facts, threads, called);

    public static bool IsIn(string modelFolder) => KeyframeFiles.AreIn(Path.Combine(modelFolder, FolderName));

    public float[] Identity(Picture portrait) => Run(parts =>
    {
        var config = parts.Tokenizer.Network.Config;
        return KeyframeIdentity.Of(Latents(parts, portrait).ToFloats(), KeyframeIdentity.Middle(config.Rows, config.Columns), config.Rows,
            config.Columns);
    });

    public IReadOnlyList<float[]> Read(Picture picture) =>
        Run(parts => Split(parts, parts.Tokenizer.Network.Encode(Latents(parts, picture))));

    public IReadOnlyList<float[]> Tell(IReadOnlyList<ToldKeyframe> before, KeyframeScript script, ulong seed) => Run(parts =>
    {
        using var told = parts.Planner.Network.TellAfter(
            [.. before.Select(known => (Frame(parts, known.Script), Table(known.Tokens)!))], Frame(parts, script), new RandomSource(seed),
            Temperature);
        _called();
        return Split(parts, told);
    });

    public Picture Draw(ToldKeyframe keyframe, ulong seed, IReadOnlyList<LaidFigure> people, Picture? ground) => Run(parts =>
    {
        var (renderer, config) = (parts.Tokenizer.Network.Renderer, parts.Tokenizer.Network.Config);
        var frame = Frame(parts, keyframe.Script);
        var (said, shown) = (frame.Sentences?.Size(0) ?? 0, frame.Identities?.Size(0) ?? 0);
        var seen = new float[config.ContextRows];
        seen.AsSpan(0, config.Tokens).Fill(1);
        seen.AsSpan(config.Tokens, (int)said).Fill(1);
        seen.AsSpan(config.Tokens + config.Sentences, (int)shown).Fill(1);
        var tokens = Table(keyframe.Tokens)!.Unsqueeze(0);
        var drafts = !config.Drafts ? null : KeyframeCollage.Of(parts.Vae.Network, renderer.Sketch(tokens), [people],
            [ground is null ? null : Fitted(parts, ground)]);
        var view = renderer.View(tokens, frame.Sentences?.Unsqueeze(0), frame.Identities?.Unsqueeze(0),
            Tensor.From(seen, 1, config.ContextRows), drafts, [[.. people.Where(figure => figure.IsPerson).Select(person => person.Box)]]);
        var noise = new RandomSource(seed).Normal("keyframe", 0, config.Channels, config.Rows, config.Columns);
        // As in clips: what is laid on a draft is sharper than what the network would make of it.
        var trust = people.Count > 0 || ground is not null ? _facts.DraftTrust : 0;
        var latents = renderer.Render(noise, view.Rows.Squeeze(0), Schedule.UniPC(_facts.Steps, _facts.Shift), view.Draft?.Squeeze(0),
            trust);
        _called();
        return KeyframeCollage.Decoded(parts.Vae.Network, latents.Unsqueeze(0), 0);
    });

    T Run<T>(Func<Parts, T> work) => LibTorch.Run(() =>
    {
        if (LibTorch.Threads != _threads) LibTorch.Threads = _threads;
        _parts ??= Open();
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        return work(_parts);
    });

    /// <exception cref="CheckpointException">The networks are not there, or do not go with the model.</exception>
    Parts Open()
    {
        var folder = Path.Combine(_folder.Root, FolderName);
        var text = _folder.LoadTextEncoder(DType.F32, Device.Cpu);
        return new(KeyframeFiles.OpenTokenizer(folder), KeyframeFiles.OpenPlanner(folder), _folder.LoadVae(DType.F32, Device.Cpu), text,
            new(text.Network, _folder.LoadTokenizer()));
    }

    /// <summary>[1, z, h, w].</summary>
    static Tensor Latents(Parts parts, Picture picture) =>
        parts.Vae.Network.Encode(Image(parts, picture).Unsqueeze(0).Unsqueeze(2)).Squeeze(2);

    /// <summary>In the model's size, [3, H, W].</summary>
    static Tensor Image(Parts parts, Picture picture)
    {
        var (config, stride) = (parts.Tokenizer.Network.Config, parts.Vae.Network.Config.SpatialStride);
        if (picture.Rgb.Length != picture.Width * picture.Height * 3)
            throw new ArgumentException($"{picture.Rgb.Length} bytes are no picture of {picture.Width} x {picture.Height} x 3.");
        return Conditioning.Cover(Conditioning.FromBytes(Tensor.From(picture.Rgb, picture.Height, picture.Width, 3)),
            config.Rows * stride, config.Columns * stride);
    }

    static Picture Fitted(Parts parts, Picture picture) => KeyframeCollage.Pixels(Image(parts, picture));

    static float[][] Split(Parts parts, Tensor tokens) => [.. tokens.ToFloats().Chunk(parts.Tokenizer.Network.Config.TokenDim)];

    static PlannerFrame Frame(Parts parts, KeyframeScript script)
    {
        var (rows, sentences) = (new List<PlannerRow>(), new List<string>());
        foreach (var word in script.Rows)
        {
            rows.Add(new(word.Kind, word.Kind == PlannerKind.Sentence ? sentences.Count : word.Index));
            if (word.Kind == PlannerKind.Sentence) sentences.Add(word.Text);
        }
        return new(rows, parts.Sentences.Read(sentences), Table(script.Identities));
    }

    static Tensor? Table(IReadOnlyList<float[]> vectors) => vectors.Count == 0 ? null
        : Tensor.From([.. vectors.SelectMany(values => values)], vectors.Count, vectors[0].Length);

    public void Dispose()
    {
        if (_parts is not { } parts) return;
        LibTorch.Run(() =>
        {
            foreach (var part in new IDisposable[] { parts.Tokenizer, parts.Planner, parts.Vae, parts.Text }) part.Dispose();
        });
        _parts = null;
    }
}
