// A model as a film needs it: words and pictures in, frames out, all as bytes. Behind it are the tokenizer, the text encoder, the VAE and
// the transformer, each loaded when it is first needed and, where the model is large, let go when its phase is over.
//
// Reference for the order of work: Wan-Video/Wan2.2 @ 42bf4cf wan/image2video.py. Nothing native is touched before the first Render.
//
// Shapes: M remembered pictures; f latent frames of the shot; h, w latent rows and columns; H, W pixels.
using Fabula.Models.Text;
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>Safe to use from several threads: renders wait for one another.</summary>
public sealed class FilmModel : IDisposable
{
    const int StepsBetweenSaves = 2;
    const string State = "denoising", RowsName = "rows";

    readonly ModelFolder _folder;
    readonly Device _device;
    readonly DType _type;
    readonly bool _keepsParts;
    readonly int _threads;
    Loaded<WanVae>? _vae;
    Loaded<Umt5Encoder>? _text;
    WanTokenizer? _tokenizer;
    Loaded<WanClipVision>? _clip;
    readonly Loaded<WanTransformer>?[] _experts;
    StoryFolder? _storyFolder;
    OneStoryConfig? _storySettings;
    StoryMemory? _story;
    Loaded<WanTransformer>? _storyteller;
    readonly ModelPart? _picturePart;
    Loaded<WanTransformer>? _painter;
    KeyframeModel? _keyframes;
    readonly Lazy<PersonMatte?> _matte;

    public FilmFacts Facts { get; }

    public string Folder => _folder.Root;

    /// <summary>What may influence a picture and is no part of a request: the weights, and how they are computed.</summary>
    public string Digest { get; }

    /// <summary>Shots rendered by this object.</summary>
    public int Renders { get; private set; }

    /// <summary>Times that the text encoder was loaded by this object.</summary>
    public int TextLoads { get; private set; }

    /// <summary>
    /// The model is large: its text encoder is let go before a picture is made, so that rows of text are better made for a whole film at
    /// once (<see cref="Words"/>).
    /// </summary>
    public bool LetsTextGo => !_keepsParts;

    FilmModel(ModelFolder folder, FilmFacts facts, string digest, Device device, int threads, bool? large)
    {
        (_folder, Facts, _device, _threads) = (folder, facts, device, threads);
        (_storyFolder, _picturePart) = (StoryFolder.Of(folder), PictureModel.Of(folder));
        _matte = new(() => PersonMatte.IsIn(folder.Root) ? PersonMatte.Open(folder.Root) : null);
        _keepsParts = !large ?? folder.IsSmall;
        _type = folder.IsSmall && device.IsCpu ? DType.F32 : DType.BF16;
        _experts = new Loaded<WanTransformer>?[folder.Transformers.Count];
        Digest = $"{digest} {(_type == DType.F32 ? "fp32" : "bf16")} {(device.IsCpu ? $"cpu {threads} threads" : "cuda")}";
    }

    /// <summary>Looks at a model folder; loads nothing.</summary>
    /// <param name="digestCache">A file for the digests of weights, so that they are read once.</param>
    /// <param name="device">"cpu", "cuda" or "cuda:1".</param>
    /// <param name="threads">Of the CPU; belongs to the film's settings, as sums depend on it in their last bits.</param>
    /// <exception cref="CheckpointException">It is no model folder, or something is missing in it.</exception>
    public static FilmModel Open(string path, string? digestCache = null, string device = "cpu", int? threads = null,
        Action<string>? reading = null) => Open(path, digestCache, device, threads, reading, large: null);

    /// <param name="large">Whether parts are let go when their phase is over; null: as the weights' size says.</param>
    internal static FilmModel Open(string path, string? digestCache, string device, int? threads, Action<string>? reading, bool? large)
    {
        var folder = ModelFolder.Open(path);
        if (folder.Parts.FirstOrDefault(part => !part.IsUsable) is { } broken)
            throw new CheckpointException(path, null, $"cannot be used: the {broken.Role} {broken.Problem}");
        return new FilmModel(folder, FilmFacts.Of(folder), WeightsDigest.Of(path, digestCache, reading), Device.Parse(device),
            threads ?? Math.Max(1, Environment.ProcessorCount), large);
    }

    /// <summary>What tells and draws a film's keyframes; null where the folder has none.</summary>
    public KeyframeModel? Keyframes => !Facts.Modes.HasFlag(FilmModes.Keyframes) ? null
        : _keyframes ??= new(_folder, Facts, _threads, () => Renders++);

    /// <summary>What finds people in pictures; null where the folder has none.</summary>
    public PersonMatte? Matte => _matte.Value;

    public SeenWords SeenWords() => Models.SeenWords.Of(_folder);

    /// <summary>About how much memory a shot takes: weights of what is loaded at once and the peak of a step.</summary>
    public long MemoryBytes(int width, int height, int frames, int memory)
    {
        var stride = Facts.SideMultiple;
        var tokens = (long)(Conditioning.LatentFrames(frames) + memory) * (width / stride) * (height / stride);
        return _folder.Config.WeightBytes(_type) + _folder.Config.StepBytes(tokens, _type);
    }

    /// <summary>
    /// Renders one shot. The state of the denoising is kept every few steps, at the end, and when cancelled; a render that finds a kept
    /// state goes on from it to the same bits.
    /// </summary>
    /// <returns>Frames, each [H, W, 3].</returns>
    /// <exception cref="ArgumentException">The model cannot do what is asked, or a size does not fit.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, after the state was kept.</exception>
    public IReadOnlyList<byte[]> Render(ShotRequest request, RenderKeeping keeping, CancellationToken cancel)
    {
        Require(request);
        return LibTorch.Run(() =>
        {
            if (LibTorch.Threads != _threads) LibTorch.Threads = _threads;
            Renders++;
            if (request.Words is not null) Release(ref _text);
            using var kept = Resume(request, keeping);
            if (kept is { IsDone: true }) return Decode(kept, request.Memory.Count);
            kept?.Dispose();
            using var state = Sample(request, keeping, cancel);
            return Decode(state, request.Memory.Count);
        });
    }

    /// <summary>OneStory: writes what later shots may recall of these frames, each [H, W, 3], 4n + 1 of them.</summary>
    /// <exception cref="ArgumentException">The model has no OneStory.</exception>
    public void Keep(IReadOnlyList<byte[]> frames, int width, int height, string path) => LibTorch.Run(() =>
    {
        if (LibTorch.Threads != _threads) LibTorch.Threads = _threads;
        _ = Conditioning.LatentFrames(frames.Count);
        var (story, vae) = (Story(), (_vae ??= _folder.LoadVae(DType.F32, _device)).Network);
        using var scope = TensorScope.Open();
        // In the VAE's own groups (1, 4, 4, ... frames), so that a long shot is never in memory as pixels.
        Tensor Group(int first)
        {
            using var inner = TensorScope.Open();
            return inner.Keep(Tensor.Stack(1, [.. frames.Skip(first).Take(first == 0 ? 1 : 4)
                .Select(frame => Fitted(new(frame, width, height), height, width))]).Unsqueeze(0));        // [1, 3, 1 or 4, H, W]
        }
        IEnumerable<Tensor> Groups()
        {
            for (var first = 0; first < frames.Count; first += first == 0 ? 1 : 4)
            {
                var group = Group(first);
                yield return group;
                group.Dispose();
            }
        }
        story.Keep(WanVae.Join(vae.EncodeGroups(Groups())), path);
        Release(ref _vae);
    });

    /// <summary>OneStory: chooses what a shot recalls of earlier ones, and writes it for <see cref="ShotRequest.Recalled"/>.</summary>
    /// <param name="prompt">The shot's.</param>
    /// <param name="earlier">Files of <see cref="Keep"/>, oldest first; at least one.</param>
    /// <returns>The frames, the most relevant first.</returns>
    /// <exception cref="ArgumentException">The model has no OneStory.</exception>
    public IReadOnlyList<RecalledFrame> Recall(string prompt, IReadOnlyList<string> earlier, string path) => LibTorch.Run(() =>
    {
        if (LibTorch.Threads != _threads) LibTorch.Threads = _threads;
        var story = Story();
        using var rows = Encode(prompt);
        Release(ref _text);
        return story.Recall(rows, earlier, path);
    });

    /// <summary>
    /// OneStory of another folder, with its transformer where it has one, or with other settings, in place of the model's own: what tables
    /// compare. What was kept by another selector cannot be recalled then.
    /// </summary>
    /// <param name="settings">Null: the folder's.</param>
    public void Tell(string folder, OneStoryConfig? settings = null) => LibTorch.Run(() =>
    {
        (_story, _storyteller) = (Let(_story), Let(_storyteller));
        (_storyFolder, _storySettings) = (StoryFolder.In(folder, _folder.Transformers[0]), settings);

        static T? Let<T>(T? part) where T : class, IDisposable
        {
            part?.Dispose();
            return null;
        }
    });

    StoryMemory Story() => _story ??= new StoryMemory(_storyFolder is { Problem: null } folder ? folder
        : throw new ArgumentException($"{Facts.Name} has no OneStory: choose another method, or teach it with fabula train onestory."),
        _folder.Config, _type, _device, _storySettings);

    /// <summary>The transformer that recalls: one of its own, or the model's.</summary>
    WanTransformer Storyteller() => _storyFolder!.Transformer == _folder.Transformers[0] ? (_experts[0] ??= Transformer(0)).Network
        : (_storyteller ??= _folder.LoadTransformer(_storyFolder.Transformer, _type, _device)).Network;

    void Require(ShotRequest request)
    {
        string? Missing(FilmModes mode, bool wanted, string what) =>
            wanted && !Facts.Modes.HasFlag(mode) ? $"{Facts.Name} cannot {what}: use a model that can, or change the shot." : null;
        if (request.Motion.Count > 0 && (request.Motion.Count != Facts.MotionFrames || request.First is not null
            || request.Motion.Count >= request.Frames))
            throw new ArgumentException($"{Facts.Name} begins a shot with {Facts.MotionFrames} frames of motion and not with "
                + $"{request.Motion.Count}: name another model, or change motion_frames in its film.json.");
        var problem = Missing(FilmModes.Text, request.First is null && request.Motion.Count == 0, "make a shot from words alone")
            ?? Missing(FilmModes.First, request.First is not null, "begin a shot with a given frame")
            ?? Missing(FilmModes.Last, request.Last is not null, "end a shot with a given frame")
            ?? Missing(FilmModes.Memory, request.Memory.Count > 0, "remember pictures")
            ?? Missing(FilmModes.Story, request.Recalled is not null, "recall frames of earlier shots")
            ?? Missing(FilmModes.Background, request.Drafts.Count > 0, "begin with an empty place");
        if (problem is not null) throw new ArgumentException(problem);
        if (request.Width < 1 || request.Height < 1 || request.Width % Facts.SideMultiple != 0 || request.Height % Facts.SideMultiple != 0)
            throw new ArgumentException($"{Facts.Name} makes pictures whose sides are multiples of {Facts.SideMultiple}, "
                + $"not {request.Width} x {request.Height}: change the film's size in the bible.");
        _ = Conditioning.LatentFrames(request.Frames);
    }

    static Schedule ScheduleOf(ShotRequest request) => Schedule.UniPC(request.Steps, request.Shift);

    (long[] Shape, int Stride) LatentShape(ShotRequest request)
    {
        var stride = ReferenceConfig.Vae(_folder.Vae.Config!.Value).SpatialStride;
        return ([1, _folder.Config.OutDim, request.Memory.Count + Conditioning.LatentFrames(request.Frames), request.Height / stride,
            request.Width / stride], stride);
    }

    SolverState Sample(ShotRequest request, RenderKeeping keeping, CancellationToken cancel)
    {
        var (shape, _) = LatentShape(request);
        var (condition, first, clip) = Condition(request);
        var (prompt, negative) = Rows(request, keeping.Folder);
        var experts = request.Recalled is not null ? [Storyteller()]
            : _picturePart is { } part && PictureModel.Makes(request)
                ? [(_painter ??= _folder.LoadTransformer(part, _type, _device)).Network]
            : Enumerable.Range(0, _experts.Length).Select(i => (_experts[i] ??= Transformer(i)).Network).ToList();
        var context = request.Recalled is null ? null : Story().Context(request.Recalled, (int)shape[3], (int)shape[4]);
        using var noise = new RandomSource(request.Seed).Normal("noise", 0, shape);
        try
        {
            var shot = new WanShot
            {
                Schedule = ScheduleOf(request),
                Noise = noise,
                Prompt = prompt,
                NegativePrompt = negative,
                Condition = condition,
                Clip = clip,
                FirstLatent = first,
                Positions = Conditioning.Positions(request.Memory.Count, (int)shape[2] - request.Memory.Count, request.MemoryStride),
                Memory = request.Memory.Count,
                MemoryGuidance = request.MemoryGuidance,
                DraftTrust = request.DraftTrust,
                Context = context,
            };
            var sampler = experts.Count == 1 ? new WanSampler(new(experts[0], request.Guidance))
                : new WanSampler(new(experts[1], request.Guidance),
                    new(experts[0], request.Guidance / _folder.Defaults.Guidance * _folder.Defaults.HighGuidance), _folder.Boundary ?? 0);
            SolverState? last = null;
            foreach (var state in sampler.Sample(shot, Resume(request, keeping)))
            {
                last = state;
                var stop = cancel.IsCancellationRequested;
                if (stop || state.IsDone || state.Step % StepsBetweenSaves == 0) Keep(state, keeping);
                keeping.Report(state.Step, state.Schedule.Steps);
                if (!stop) continue;
                state.Dispose();
                throw new OperationCanceledException(cancel);
            }
            return last!;
        }
        finally
        {
            foreach (var tensor in new[] { condition, first, clip, prompt, negative }) tensor?.Dispose();
            context?.Dispose();
            Release(ref _storyteller);
            Release(ref _painter);
            for (var i = 0; i < _experts.Length; i++) Release(ref _experts[i]);
        }
    }

    /// <summary>The transformer or one of two experts, with the LoRAs that film.json names for it.</summary>
    Loaded<WanTransformer> Transformer(int expert)
    {
        var loras = new List<(Lora Lora, double Strength)>();
        try
        {
            foreach (var lora in Facts.Loras.Where(lora => lora.IsFor(expert)))
                loras.Add((Lora.Open(Path.Combine(_folder.Root, lora.File), lora.Scaling), lora.Strength));
            return _folder.LoadTransformer(expert, _type, _device, loras);
        }
        finally
        {
            foreach (var (lora, _) in loras) lora.Dispose();
        }
    }

    static void Keep(SolverState state, RenderKeeping keeping)
    {
        var file = Path.Combine(keeping.Folder, "state.safetensors");
        state.Save(file);
        keeping.Save(State, File.ReadAllBytes(file));
        File.Delete(file);
    }

    /// <summary>A kept state of this very shot; null where there is none, or it belongs to something else.</summary>
    SolverState? Resume(ShotRequest request, RenderKeeping keeping)
    {
        if (keeping.Load(State) is not { } bytes) return null;
        var file = Path.Combine(keeping.Folder, "state.safetensors");
        File.WriteAllBytes(file, bytes);
        SolverState state;
        try { state = SolverState.Load(file, _device); }
        catch (CheckpointException) { return null; }
        finally { File.Delete(file); }
        var schedule = ScheduleOf(request);
        if (state.Latents.Shape.SequenceEqual(LatentShape(request).Shape) && state.Schedule.Sigmas.SequenceEqual(schedule.Sigmas)
            && state.Schedule.Timesteps.SequenceEqual(schedule.Timesteps)) return state;
        state.Dispose();
        return null;
    }

    (Tensor? Condition, Tensor? First, Tensor? Clip) Condition(ShotRequest request)
    {
        var config = _folder.Config;
        var joined = config.InDim != config.OutDim;
        if (!joined && request.First is null) return (null, null, null);
        var vae = (_vae ??= _folder.LoadVae(DType.F32, _device)).Network;
        if (config.ClipDim > 0) _clip ??= _folder.LoadImageEncoder(_type, _device);
        Tensor? condition = null, first = null, clip = null;
        using (TensorScope.Open())
        {
            KnownFrame Known(Picture picture) => new(Fitted(picture, request.Height, request.Width));
            var known = new Dictionary<int, KnownFrame>();
            if (request.First is { } start) known[0] = Known(start);
            foreach (var (i, frame) in request.Motion.Index()) known[i] = Known(frame);
            if (request.Last is { } end) known[request.Frames - 1] = Known(end);
            var (shape, _) = LatentShape(request);
            Tensor? Image(Picture? picture) => picture is null ? null : Known(picture).Image;
            Tensor[] Images(IReadOnlyList<Picture> pictures) => [.. pictures.Select(picture => Known(picture).Image)];
            if (config.TakesDrafts)
                condition = Conditioning.Drafts(vae, request.Frames, (int)shape[3], (int)shape[4], Image(request.First),
                    Image(request.Last), Images(request.Drafts), Images(request.Memory), request.Staging).To(_device).Own();
            else if (joined)
                condition = Conditioning.Encode(vae, request.Frames, (int)shape[3], (int)shape[4], known, [.. request.Memory.Select(Known)])
                    .To(_device).Own();
            else
                first = vae.Encode(known[0].Image.Unsqueeze(0).Unsqueeze(2)).Own();              // [1, z, 1, h, w]
            if (_clip is not null)
                clip = _clip.Network.Encode([.. known.OrderBy(frame => frame.Key).Select(frame =>
                    frame.Key == 0 && request.Anchor is { } anchor ? Known(anchor).Image : frame.Value.Image)]).Own();
        }
        Release(ref _vae);
        Release(ref _clip);
        return (condition, first, clip);
    }

    /// <summary>[3, H, W] in -1..1.</summary>
    static Tensor Fitted(Picture picture, int height, int width)
    {
        if (picture.Rgb.Length != picture.Width * picture.Height * 3)
            throw new ArgumentException($"{picture.Rgb.Length} bytes are no picture of {picture.Width} x {picture.Height} x 3.");
        var image = Conditioning.FromBytes(Tensor.From(picture.Rgb, picture.Height, picture.Width, 3));
        return picture.Width == width && picture.Height == height ? image : Conditioning.Cover(image, height, width);
    }

    /// <summary>
    /// The text encoder's rows of a prompt, as <see cref="ShotRequest.Words"/> takes them: a safetensors file with one tensor, to the bit
    /// what a render would have made itself. The encoder stays loaded until the next render.
    /// </summary>
    /// <param name="folder">For a file in the making.</param>
    public byte[] Words(string prompt, string folder) => LibTorch.Run(() =>
    {
        if (LibTorch.Threads != _threads) LibTorch.Threads = _threads;
        using var rows = Encode(prompt);
        var file = Path.Combine(folder, "rows.safetensors");
        Weights.Save(file, [new(RowsName, rows)]);
        var bytes = File.ReadAllBytes(file);
        File.Delete(file);
        return bytes;
    });

    /// <summary>The text encoder's rows [n, TextDim] of a prompt.</summary>
    Tensor Encode(string prompt)
    {
        if (_text is null) TextLoads++;
        var encoder = (_text ??= _folder.LoadTextEncoder(_type, _device)).Network;
        using var scope = TensorScope.Open();
        return encoder.Encode([(_tokenizer ??= _folder.LoadTokenizer()).Encode(prompt)])[0].Own();
    }

    /// <summary>The rows of both prompts.</summary>
    (Tensor Prompt, Tensor Negative) Rows(ShotRequest request, string folder)
    {
        if (request.Words is { } words) return (Read(words.Prompt, folder), Read(words.Negative, folder));
        var rows = (Encode(request.Prompt), Encode(request.NegativePrompt));
        Release(ref _text);
        return rows;
    }

    Tensor Read(byte[] rows, string folder)
    {
        var file = Path.Combine(folder, "rows.safetensors");
        File.WriteAllBytes(file, rows);
        try
        {
            using var weights = Weights.Open(file, DType.F32, _device);
            var type = weights.TypeOf(RowsName);
            using var scope = TensorScope.Open();
            return weights.Get(RowsName, type, weights.ShapeOf(RowsName)).Clone().Own();
        }
        finally
        {
            File.Delete(file);
        }
    }

    List<byte[]> Decode(SolverState state, int memory)
    {
        var vae = (_vae ??= _folder.LoadVae(DType.F32, _device)).Network;
        var frames = new List<byte[]>();
        using var shot = state.Latents.Narrow(2, memory, state.Latents.Size(2) - memory);
        foreach (var group in vae.DecodeGroups(shot))                                            // [1, 3, 1 or 4, H, W]
            using (group)
            using (TensorScope.Open())
            {
                var pixels = ((group + 1) * 127.5).Round().Clamp(0, 255).To(DType.U8, Device.Cpu).Permute(0, 2, 3, 4, 1).Contiguous();
                for (var i = 0; i < pixels.Size(1); i++) frames.Add(pixels.Select(1, i).ToArray<byte>());
            }
        Release(ref _vae);
        return frames;
    }

    void Release<T>(ref Loaded<T>? part)
    {
        if (_keepsParts) return;
        part?.Dispose();
        part = null;
        LibTorch.Trim();
    }

    public void Dispose()
    {
        _keyframes?.Dispose();
        _keyframes = null;
        if (_matte.IsValueCreated) _matte.Value?.Dispose();
        if (_vae is null && _text is null && _clip is null && _story is null && _storyteller is null && _painter is null
            && _experts.All(expert => expert is null)) return;
        LibTorch.Run(() =>
        {
            _vae?.Dispose();
            _text?.Dispose();
            _clip?.Dispose();
            foreach (var expert in _experts) expert?.Dispose();
            _story?.Dispose();
            _storyteller?.Dispose();
            _painter?.Dispose();
        });
        (_vae, _text, _clip, _story, _storyteller, _painter) = (null, null, null, null, null, null);
        Array.Clear(_experts);
    }
}
