// Recipe: the pocket VAE learns to draw Paper Theatre. `fabula train vae`
//
// Small crops of drawn clips, as often as not around a person; the loss looks at colours, at edges, and keeps latents near zero. Latents
// are trained with noise of a fixed deviation, so that the decoder forgives what the video model gets slightly wrong.
using System.Text.Json.Nodes;
using Fabula.Models;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <param name="Crops">Crops in a step of each process.</param>
/// <param name="Noise">Deviation of the noise on the latents.</param>
/// <param name="Squares">How much the mean square counts beside the mean absolute difference.</param>
/// <param name="EncoderStays">Only the decoder learns on, from given weights: latents stay what they are to every model taught on
/// them.</param>
public sealed record VaeSettings(int Steps = 6000, int Crops = 3, int CropHeight = 64, int CropWidth = 96, int Frames = 9,
    double Noise = 0.1, double Squares = 2, bool EncoderStays = false, ulong Seed = 1)
{
    public WanVaeConfig Network { get; init; } = WanVaeConfig.Pocket;
    public Pace Pace { get; init; } = new(Matrices: 0.01, Others: 1e-3, EmaDecay: 0.995);
    /// <summary>Clips from which the principal components are found.</summary>
    public int Fitted { get; init; } = 150;
    public Rhythm Rhythm { get; init; } = new(Save: 180);
    public int Width { get; init; } = 224;
    public int Height { get; init; } = 128;

    public JsonObject ToJson(int crew) => new()
    {
        ["recipe"] = "vae 5",
        ["steps"] = Steps,
        ["crops"] = Crops,
        ["crop"] = $"{CropHeight}x{CropWidth}x{Frames}",
        ["noise"] = Noise,
        ["squares"] = Squares,
        ["encoder_stays"] = EncoderStays,
        ["seed"] = Seed,
        ["processes"] = crew,
        ["dim"] = Network.Dim,
        ["dec_dim"] = Network.DecDim,
        ["z_dim"] = Network.ZDim,
        ["fitted"] = Fitted,
        ["pace"] = Pace.ToJson(),
    };
}

public static class VaeRecipe
{
    /// <summary>Trains, or goes on training, until all steps are done or <paramref name="stop"/>; on the tensor thread.</summary>
    /// <param name="from">A trained VAE to begin with.</param>
    /// <exception cref="InvalidOperationException">The encoder is to stay, and there is none yet.</exception>
    public static void Run(VaeSettings settings, TrainingRun run, Crew crew, Action<string> say, CancellationToken stop,
        (WanVaeConfig Config, Weights Weights)? from = null)
    {
        if (settings.EncoderStays && from is null)
            throw new InvalidOperationException("The encoder can stay only where there is one: name a trained VAE with --from.");
        bool Learns(string name) => !IsFixed(name) && !(settings.EncoderStays && name.StartsWith("encoder.", StringComparison.Ordinal));
        using var weights = Weights.Fresh(settings.Seed, DType.F32, Device.Cpu);
        var vae = (PocketVae)WanVae.Create(settings.Network, weights);
        if (run.Start == 0 && from is not null) Copy(from.Value.Weights, weights);
        else if (run.Start == 0) Begin(settings, weights);
        weights.Trainable();
        foreach (var (name, tensor) in weights.Parameters) tensor.RequireGrad(Learns(name));
        using var teacher = new Teacher(weights.Parameters.Where(pair => Learns(pair.Key)), IsMatrix, settings.Pace, crew);
        run.Resume(weights, teacher);
        using var draws = new Ahead<byte[]>(run.Start, settings.Steps, step => Crops(settings, step, crew));
        var random = new RandomSource(settings.Seed);
        var held = crew.Leads ? HeldOut(settings) : [];
        if (crew.Leads && run.Start == 0) Show(settings, run, weights, teacher, held, 0, say);
        new Course(run, weights, teacher, crew, settings.Steps, settings.Rhythm, say).Go(step =>
        {
            var crops = Pixels(draws.Next(stop), settings.Crops, settings.Frames, settings.CropHeight, settings.CropWidth);
            using var learning = Autograd.Enable();
            var loss = Loss(vae, crops, settings, purpose => random.Normal($"{purpose} {crew.Rank}", step,
                settings.Crops, settings.Network.ZDim, 1, settings.CropHeight / 8, settings.CropWidth / 8));
            loss.Backward();
            return new(settings.Crops, ("loss", loss.Item()));
        }, step => Show(settings, run, weights, teacher, held, step, say));
        if (crew.Leads) Finish(settings, run, weights, teacher, held, settings.EncoderStays ? from?.Config : null);
    }

    /// <summary>Writes the VAE as the pocket folder has it, with the statistics of latents of drawn clips.</summary>
    /// <param name="known">Whose statistics to keep instead, as the latents are its.</param>
    static void Finish(VaeSettings settings, TrainingRun run, Weights trained, Teacher teacher, List<Clip> clips, WanVaeConfig? known)
    {
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        var (vae, weights) = Averaged(settings.Network, trained, teacher.Averages);
        using var _ = weights;
        if (known is { Mean: { } means, Std: { } deviations })
        {
            PocketFolder.WriteVae(run.Folder, settings.Network, weights.Parameters, [.. means], [.. deviations]);
            return;
        }
        var latents = Tensor.Cat(2, [.. clips.Select(clip => vae.Encode(Pixels(clip.Frames, 1, clip.Spec.Frames, clip.Height,
            clip.Width)))]);
        var flat = latents.Permute(1, 0, 2, 3, 4).Flatten(1);                                    // [z, all]
        var mean = flat.Mean(1, keep: true);
        // One deviation for all channels: those that matter more stay larger.
        var deviation = (float)(flat - mean).Square().Mean().Sqrt().Item();
        PocketFolder.WriteVae(run.Folder, settings.Network, weights.Parameters, mean.ToFloats(),
            [.. Enumerable.Repeat(deviation, settings.Network.ZDim)]);
    }

    static void Copy(Weights from, Weights to)
    {
        using var scope = TensorScope.Open();
        foreach (var (name, tensor) in to.Parameters) tensor.CopyFrom(from.Get(name, DType.F32, tensor.Shape));
    }

    /// <summary>The linear maps begin as principal components of drawn blocks, and the networks beside them as nothing.</summary>
    static void Begin(VaeSettings settings, Weights weights)
    {
        using var scope = TensorScope.Open();
        var parameters = weights.Parameters;
        foreach (var (name, tensor) in parameters)
            if (name.EndsWith("conv2.weight", StringComparison.Ordinal) || name.Contains("time", StringComparison.Ordinal)
                && name.EndsWith("conv.weight", StringComparison.Ordinal)) tensor.Zero_();          // blocks begin as the identity
            else if (name is "encoder.out.weight" or "decoder.out.weight") tensor.Mul_(0.02);
            else if (name == "decoder.past.weight") tensor.Mul_(0.5);
        var z = settings.Network.ZDim;
        var identity = Tensor.From([.. Enumerable.Range(0, z * z).Select(i => i / z == i % z ? 1f : 0)], z, z, 1, 1, 1);
        foreach (var name in new[] { "conv1.weight", "conv2.weight" }) parameters[name].CopyFrom(identity);
        using var stage = new Stage(settings.Width, settings.Height);
        using PrincipalComponents first = new(PocketVae.Block), group = new(4 * PocketVae.Block);
        for (var i = 0; i < settings.Fitted; i++)
        {
            using var inner = TensorScope.Open();
            var clip = stage.Draw(Examples.AnyShot(new Chance(settings.Seed)["fit"][i], heldOut: false));
            var frames = Pixels(clip.Frames, 1, clip.Spec.Frames, clip.Height, clip.Width).Transpose(1, 2);
            first.Add(PocketVae.Blocks(frames.Narrow(1, 0, 1)).Flatten(0, 2));
            for (var at = 1 + i % 4; at + 4 <= clip.Spec.Frames; at += 8)
                group.Add(PocketVae.Blocks(frames.Narrow(1, at, 4)).Flatten(0, 2));
        }
        foreach (var (name, components) in new[] { ("first", first), ("group", group) })
        {
            var (mean, directions, deviation) = components.Find(z);                              // [n], [z, n], [z]
            // Between pixels and whitened: what matters more in pixels stays larger in latents, but not as much.
            var scale = deviation.Sqrt();
            scale = scale * (deviation / scale).Square().Mean().Sqrt();
            var rows = directions / scale.Unsqueeze(1);
            parameters[$"encoder.{name}.weight"].CopyFrom(rows);
            parameters[$"encoder.{name}.bias"].CopyFrom(-rows.Matmul(mean.Unsqueeze(1)).Squeeze(1));
            parameters[$"decoder.{name}.weight"].CopyFrom((directions * scale.Unsqueeze(1)).Transpose(0, 1));
            parameters[$"decoder.{name}.bias"].CopyFrom(mean);
        }
    }

    /// <summary>The VAE with averaged weights, for measuring and shipping. The caller disposes of the weights.</summary>
    public static (WanVae Vae, Weights Weights) Averaged(WanVaeConfig network, Weights trained,
        IEnumerable<KeyValuePair<string, Tensor>> averages)
    {
        using var off = Autograd.Disable();
        var weights = Weights.Fresh(0, DType.F32, Device.Cpu);
        var vae = WanVae.Create(network, weights);
        foreach (var (name, tensor) in trained.Parameters.Concat(averages))   // what did not learn, then what did
            weights.Parameters[name].CopyFrom(tensor);
        return (vae, weights);
    }

    /// <summary>Frames as numbers in -1..1: [B, 3, T, H, W].</summary>
    public static Tensor Pixels(byte[] frames, long batch, long count, long height, long width)
    {
        using var scope = TensorScope.Open();
        return scope.Keep((Tensor.From(frames, batch, count, height, width, 3).Float() / 127.5 - 1).Permute(0, 4, 1, 2, 3).Contiguous());
    }

    static Tensor Loss(WanVae vae, Tensor clip, VaeSettings settings, Func<string, Tensor> normal)
    {
        using WanVaeCache encoding = new(), decoding = new();
        var (pictures, size) = (new List<Tensor>(), default(Tensor));
        for (long at = 0; at < clip.Size(2); at += at == 0 ? 1 : 4)
        {
            var mean = vae.MomentsStep(clip.Narrow(2, at, at == 0 ? 1 : 4), encoding);
            pictures.Add(vae.DecodeStep(mean + normal($"latent {at}") * settings.Noise, decoding, clamp: false));
            size = size is null ? mean.Square().Mean() : size + mean.Square().Mean();
        }
        var wrong = Tensor.Cat(2, [.. pictures]) - clip;
        var (right, down) = (Difference(wrong, 4), Difference(wrong, 3));
        return wrong.Abs().Mean() + (right.Abs().Mean() + down.Abs().Mean()) * 0.5 + wrong.Square().Mean() * settings.Squares
            + size! * (1e-3 / pictures.Count);
    }

    static Tensor Difference(Tensor x, int dim) => x.Narrow(dim, 1, x.Size(dim) - 1) - x.Narrow(dim, 0, x.Size(dim) - 1);

    /// <summary>The linear maps stay what they began as: the networks beside them learn faster around a fixed point.</summary>
    static bool IsFixed(string name) => name.StartsWith("conv", StringComparison.Ordinal)
        || name.Contains(".first.", StringComparison.Ordinal) || name.Contains(".group.", StringComparison.Ordinal);

    static bool IsMatrix(string name, Tensor tensor) => tensor.Dims > 1 && tensor.Count > 4000
        && !name.Contains(".in.", StringComparison.Ordinal) && !name.Contains(".out.", StringComparison.Ordinal);

    /// <summary>A step's crops of one process: two from each drawn clip.</summary>
    static byte[] Crops(VaeSettings settings, int step, Crew crew)
    {
        var chance = new Chance(settings.Seed)["vae"][step][crew.Rank];
        using var stage = new Stage(settings.Width, settings.Height);
        var (h, w, t) = (settings.CropHeight, settings.CropWidth, settings.Frames);
        var result = new byte[settings.Crops * t * h * w * 3];
        Clip? clip = null;
        for (var i = 0; i < settings.Crops; i++)
        {
            var here = chance["crop"][i];
            if (i % 2 == 0) clip = stage.Draw(Examples.AnyShot(chance["clip"][i], heldOut: false));
            var first = here["t"].Below((clip!.Spec.Frames - t) / 4 + 1) * 4;
            var (y, x) = (here["y"].Below(clip.Height - h + 1), here["x"].Below(clip.Width - w + 1));
            var seen = clip.Seen[first + t / 2].Where(sighting => sighting.Visible).ToList();
            if (seen.Count > 0 && here["person"].Happens(0.6))
            {
                var box = seen[here["who"].Below(seen.Count)].Box;
                y = Math.Clamp((box.Top + box.Bottom) / 2 + here["dy"].Below(40) - 20 - h / 2, 0, clip.Height - h);
                x = Math.Clamp((box.Left + box.Right) / 2 + here["dx"].Below(40) - 20 - w / 2, 0, clip.Width - w);
            }
            for (var frame = 0; frame < t; frame++)
                for (var row = 0; row < h; row++)
                    clip.Frame(first + frame).Slice(((y + row) * clip.Width + x) * 3, w * 3)
                        .CopyTo(result.AsSpan((((i * t + frame) * h) + row) * w * 3));
        }
        return result;
    }

    static List<Clip> HeldOut(VaeSettings settings)
    {
        using var stage = new Stage(settings.Width, settings.Height);
        var chance = new Chance(settings.Seed)["held out"];
        return [.. Enumerable.Range(0, 8).Select(i => stage.Draw(Examples.AnyShot(chance[i], heldOut: true)))];
    }

    static void Show(VaeSettings settings, TrainingRun run, Weights trained, Teacher teacher, List<Clip> held, int step, Action<string> say)
    {
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        var (vae, weights) = Averaged(settings.Network, trained, teacher.Averages);
        using var _ = weights;
        var (all, first) = (0.0, 0.0);
        var pictures = new List<ReadOnlyMemory<byte>>();
        foreach (var clip in held)
        {
            var truth = Pixels(clip.Frames, 1, clip.Spec.Frames, clip.Height, clip.Width);
            var drawn = vae.Decode(vae.Encode(truth));
            var wrong = (drawn - truth).Square() * 0.25;
            (all, first) = (all + Psnr(wrong.Mean().Item()) / held.Count, first + Psnr(wrong.Narrow(2, 0, 1).Mean().Item()) / held.Count);
            foreach (var frame in new[] { 0, 8 })
            {
                pictures.Add(clip.Frame(frame).ToArray());
                pictures.Add(Bytes(drawn.Narrow(2, frame, 1)));
            }
        }
        run.Sheet("vae", step, pictures, settings.Width, settings.Height, 4);
        run.Log(step, [new("PSNR, held-out clips", all), new("PSNR, first frames", first)]);
        say($"held out: PSNR {all:0.00} dB, first frames {first:0.00} dB");
    }

    public static double Psnr(double meanSquare) => -10 * Math.Log10(Math.Max(meanSquare, 1e-12));

    /// <summary>[1, 3, 1, H, W] in -1..1 to RGB bytes.</summary>
    public static byte[] Bytes(Tensor frame)
    {
        using var scope = TensorScope.Open();
        return ((frame.Detach().Clamp(-1, 1) + 1) * 127.5).Round().To(DType.U8).Squeeze(0).Permute(1, 2, 3, 0).Contiguous().ToArray<byte>();
    }
}
