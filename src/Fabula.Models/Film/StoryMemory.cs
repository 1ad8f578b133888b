// What a film asks of OneStory (FrameSelection.cs, AdaptiveConditioner.cs), in files: a shot that is done leaves its latent frames and what
// the selector reads of them; a shot that is to be made recalls the few of all earlier ones that matter to its words. Each costs the same
// however long the film is, but for one small product per earlier frame.
//
// Files are safetensors. Of a finished shot: latents [f, z, h, w] and rows [f, n, D], half floats. Recalled: latents [K, z, h, w] in the
// order of the film, and ranks [K], the most relevant first. Nothing in the second says where its frames were, so that a change of an early
// shot that nobody recalls changes no later one.
using System.Runtime.InteropServices;
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>A frame of an earlier shot that a new one recalls.</summary>
/// <param name="Shot">Which of the earlier shots, from 0.</param>
/// <param name="Frame">The middle of the pixel frames that its latent frame stands for.</param>
/// <param name="Score">The selector's, -1 to 1; how the frame was chosen where the model chooses by it.</param>
/// <param name="Share">Of all context tokens.</param>
public sealed record RecalledFrame(int Shot, int Frame, double Score, double Share);

/// <summary>Where a model keeps OneStory: in a folder "onestory" of its own, with its own transformer, or beside the transformer.</summary>
/// <param name="Transformer">The fine-tuned one, or the model's.</param>
public sealed record StoryFolder(string Root, ModelPart Transformer)
{
    public const string Name = "onestory";

    public string? Problem => Transformer.Problem is { } problem ? $"the transformer in {Root} {problem}"
        : File.Exists(Path.Combine(Root, OneStory.WeightsFile)) ? null : $"{OneStory.WeightsFile} is missing in {Root}";

    /// <summary>Null where the model has none, or has two experts, to neither of which context belongs alone.</summary>
    public static StoryFolder? Of(ModelFolder folder)
    {
        if (folder.Transformers is not [var transformer]) return null;
        var own = Path.Combine(folder.Root, Name);
        if (File.Exists(Path.Combine(own, OneStory.ConfigFile))) return In(own, transformer);
        return Path.GetDirectoryName(transformer.Path) is { } beside && File.Exists(Path.Combine(beside, OneStory.ConfigFile))
            ? new(beside, transformer) : null;
    }

    /// <summary>A folder of OneStory's own: with its transformer, where it has one, or beside the model's.</summary>
    public static StoryFolder In(string folder, ModelPart transformer)
    {
        var (path, problem) = Disk.Checkpoint(folder, "diffusion_pytorch_model");
        return new(folder, path is null ? transformer : transformer with { Path = path, Problem = problem });
    }
}

/// <summary>OneStory of one model folder, open. On the tensor thread.</summary>
sealed class StoryMemory : IDisposable
{
    const string Latents = "latents", Rows = "rows", Ranks = "ranks";
    readonly OneStory _story;
    readonly Weights _weights;
    readonly Device _device;

    /// <param name="settings">Null: the folder's.</param>
    public StoryMemory(StoryFolder folder, WanConfig network, DType type, Device device, OneStoryConfig? settings = null)
    {
        (_story, _weights) = OneStory.Open(folder.Root, network, type, device, settings);
        _device = device;
    }

    /// <summary>Writes what later shots may recall.</summary>
    /// <param name="latents">[1, z, f, h, w].</param>
    public void Keep(Tensor latents, string path)
    {
        using var scope = TensorScope.Open();
        var frames = latents.Squeeze(0).Transpose(0, 1).Contiguous();                                   // [f, z, h, w]
        Weights.Save(path, [new(Latents, frames), new(Rows, _story.Selection.Project(frames))], DType.F16);
    }

    /// <summary>Chooses among all frames of earlier shots and writes those.</summary>
    /// <param name="caption">The text encoder's rows.</param>
    /// <param name="earlier">Files of <see cref="Keep"/>, oldest first.</param>
    public IReadOnlyList<RecalledFrame> Recall(Tensor caption, IReadOnlyList<string> earlier, string path)
    {
        using var scope = TensorScope.Open();
        var kept = new KeptShot[earlier.Count];
        Parallel.For(0, kept.Length, shot => kept[shot] = KeptShot.Read(earlier[shot]));
        var first = kept[0];
        if (kept.FirstOrDefault(shot => !shot.FitsBeside(first)) is { } other)
            throw new CheckpointException(other.Path, null, "remembers frames of another size than the shots before it");
        List<(int Shot, int Frame)> places = [.. kept.SelectMany((shot, i) => Enumerable.Range(0, shot.Frames).Select(f => (i, f)))];
        var rows = Tensor.From<Half>([.. kept.SelectMany(shot => shot.Rows)], 1, places.Count, first.RowShape.Tokens, first.RowShape.Dim)
            .To(DType.F32, _device);
        var chosen = _story.Choose(rows, caption, [.. places.Select(place => place.Shot)], first.LatentShape.Rows,
            first.LatentShape.Columns);
        var film = chosen.Select(frame => frame.Frame).Order().ToArray();
        var latents = Tensor.Cat(0, [.. film.Select(frame => Latent(kept[places[frame].Shot].Path, places[frame].Frame))]);
        Weights.Save(path, [new(Latents, latents),
            new(Ranks, Tensor.From([.. chosen.Select(frame => (long)Array.IndexOf(film, frame.Frame))], chosen.Count))], DType.F16);
        var tokens = (double)chosen.Sum(frame => frame.Tokens);
        return [.. chosen.Select(frame => new RecalledFrame(places[frame.Frame].Shot, Conditioning.StagedFrame(places[frame.Frame].Frame),
            frame.Score, frame.Tokens / tokens))];
    }

    /// <summary>One frame of a kept shot, [1, z, h, w].</summary>
    Tensor Latent(string file, int frame)
    {
        using var weights = Open(file, Latents);
        return weights.Get(Latents, DType.F32, weights.ShapeOf(Latents)!).Narrow(0, frame, 1).Clone();
    }

    /// <summary>What a file of <see cref="Keep"/> says to the selector; read without libtorch, on any thread.</summary>
    /// <param name="Rows">[f, n, D].</param>
    sealed record KeptShot(string Path, int Frames, (int Tokens, int Dim) RowShape, (int Rows, int Columns) LatentShape, Half[] Rows)
    {
        public bool FitsBeside(KeptShot other) => RowShape == other.RowShape && LatentShape == other.LatentShape;

        public static KeptShot Read(string file)
        {
            using var checkpoint = Checkpoint.Open(file);
            if (!checkpoint.Entries.TryGetValue(Latents, out var latents) || !checkpoint.Entries.TryGetValue(StoryMemory.Rows, out var rows)
                || rows is not { DType: DType.F16, Shape: [var frames, var tokens, var dim] }
                || latents.Shape is not [var count, _, var high, var wide] || count != frames)
                throw new CheckpointException(file, null, "holds no remembered shot");
            var bytes = new byte[rows.Bytes];
            Marshal.Copy(rows.Data, bytes, 0, bytes.Length);
            return new(file, (int)frames, ((int)tokens, (int)dim), ((int)high, (int)wide), MemoryMarshal.Cast<byte, Half>(bytes).ToArray());
        }
    }

    /// <summary>The context of recalled frames. The caller disposes of it.</summary>
    /// <param name="rows">Latent rows and columns of the shot.</param>
    public WanContext Context(string path, int rows, int columns)
    {
        using var scope = TensorScope.Open();
        using var weights = Open(path, Latents, Ranks);
        var (shape, count) = (weights.ShapeOf(Latents)!, weights.ShapeOf(Ranks)!);
        if (shape.Length != 4 || (shape[2], shape[3]) != (rows, columns) || count.Length != 1 || count[0] > shape[0])
            throw new CheckpointException(path, null, $"holds no frames of {columns} x {rows} latents");
        var ranks = weights.Get(Ranks, DType.I64, count).ToArray<long>();
        if (ranks.Any(rank => rank < 0 || rank >= shape[0]))
            throw new CheckpointException(path, null, "ranks frames that it does not hold");
        var memory = weights.Get(Latents, DType.F32, shape).Transpose(0, 1).Unsqueeze(0);                // [1, z, K, h, w]
        return _story.Conditioner.Condition(memory, [[.. ranks.Select(rank => (int)rank)]]);
    }

    Weights Open(string file, params string[] names)
    {
        var weights = Weights.Open(file, DType.F32, _device);
        if (names.All(weights.Has)) return weights;
        weights.Dispose();
        throw new CheckpointException(file, null, $"lacks {string.Join(" or ", names)}");
    }

    public void Dispose() => _weights.Dispose();
}
