// From chosen frames to tokens that stand before a shot: the more relevant a frame, the finer it is cut, so that a film of any length
// costs as much as one, two or three latent frames.
//
// Paper: "OneStory: Coherent Multi-Shot Video Generation with Adaptive Memory" (arXiv 2512.07802), section 4.3: patchifiers of several
// kernels, frames given to them by relevance, all tokens joined to the shot's. Its sizes, positions and time are not in the paper; the
// kernels are FramePack's (Zhang and Agrawala, "Packing Input Frame Context in Next-Frame Prediction Models", 2025), which are squares of
// the base patch. Tests: tests/Fabula.Models.Tests/AdaptiveConditionerTests.cs.
//
// A patchifier begins as the base model's patch embedding for a frame that is known clean, spread evenly over its larger kernel: the finest
// gives the base's own tokens, the others what those give of a picture that is as many times larger.
//
// Shapes: B shots; F remembered latent frames, K chosen; z latent channels; h, w latent rows, columns; N context tokens; D model width.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>Where chosen frames stand in time, before frame 0 of the shot.</summary>
public enum ContextOrder
{
    /// <summary>The most relevant stands nearest.</summary>
    Relevance,
    /// <summary>The newest stands nearest, as in StoryMem. In a batch every shot then has its own angles, which is slower.</summary>
    Story,
}

/// <summary>The conditioner's numbers. The paper states the budget alone: 1, and 2 and 3 in its table 2.</summary>
public sealed record AdaptiveConditionerConfig
{
    /// <summary>Sides of the kernels in base patches, from the finest; the paper has "several". FramePack's first three.</summary>
    public IReadOnlyList<int> Scales { get; init; } = [1, 2, 4];
    /// <summary>Most tokens of all context, in latent frames of the base model. The paper's default.</summary>
    public int Budget { get; init; } = 1;
    /// <summary>By relevance: then a position also says how much its frame matters, and one table of angles serves a batch.</summary>
    public ContextOrder Order { get; init; } = ContextOrder.Relevance;
    /// <summary>Latent frames from one remembered frame to the next, and to the shot: StoryMem's, which its memory models know.</summary>
    public double Stride { get; init; } = 5;
    /// <summary>
    /// The timestep of context tokens, 0..1000. Null, the shot's own: pocket models and StoryMem's have learned remembered frames so.
    /// 0 says that they are clean, as TI2V has it with its first frame.
    /// </summary>
    public double? Timestep { get; init; }
}

/// <summary>The conditioner of one base model. Weights are borrowed.</summary>
public sealed class AdaptiveConditioner
{
    readonly WanConfig _network;
    readonly (Tensor Weight, Tensor Bias)[] _patches;
    readonly Tensor? _positions;
    readonly Device _device;

    public AdaptiveConditionerConfig Config { get; }

    public AdaptiveConditioner(AdaptiveConditionerConfig config, WanConfig network, Weights weights)
    {
        if (network.Patch.T != 1) throw new ArgumentException("Chosen frames are no neighbours: a patch in time cannot hold them.");
        if (config.Scales is [] || config.Scales.Zip(config.Scales.Skip(1)).Any(pair => pair.First >= pair.Second))
            throw new ArgumentException("The scales of the patchifiers must grow: 1, 2, 4.");
        (Config, _network, _device) = (config, network, weights.Device);
        var (_, ph, pw) = network.Patch;
        _patches = [.. config.Scales.Select((scale, i) => (
            weights["patches"][i].Get("weight", network.Dim, network.OutDim, 1, scale * ph, scale * pw),
            weights["patches"][i].Get("bias", network.Dim)))];
        if (network.LearnedPositions is ( > 0, > 0) and var (places, across))
            _positions = weights.Get("position_embedding.weight", (long)places * across, network.Dim);
    }

    /// <summary>Takes over the base model's patch embedding, and its learned positions where it has some, by their names.</summary>
    public void BeginFrom(Weights network)
    {
        using var scope = TensorScope.Open();
        var (_, ph, pw) = _network.Patch;
        var z = _network.OutDim;
        var kernel = network.Get("patch_embedding.weight", DType.F32, _network.Dim, _network.InDim, 1, ph, pw).Detach();
        var bias = network.Get("patch_embedding.bias", DType.F32, _network.Dim).Detach();
        var frame = kernel.Narrow(1, 0, z);
        // An image model sees a known frame as latents without noise, a mask of ones and the same latents once more.
        if (_network.InDim == 2 * z + 4)
        {
            frame = frame + kernel.Narrow(1, z + 4, z);
            bias = bias + kernel.Narrow(1, z, 4).Flatten(1).Sum(1);
        }
        foreach (var ((weight, itsBias), scale) in _patches.Zip(Config.Scales))
        {
            weight.Detach().CopyFrom(frame.RepeatInterleave(scale, 3).RepeatInterleave(scale, 4) * (1.0 / (scale * scale)));
            itsBias.Detach().CopyFrom(bias);
        }
        _positions?.Detach().CopyFrom(network.Get("position_embedding.weight", DType.F32, _positions.Shape));
    }

    /// <summary>
    /// Which patchifier each ranked frame gets: as fine as the budget allows while all that follow get the coarsest. A frame never gets a
    /// finer one than a more relevant frame has; those for which no room is left are dropped.
    /// </summary>
    /// <param name="frames">K.</param>
    /// <param name="rows">h; columns is w.</param>
    /// <returns>Per frame the index of its scale; at most K of them.</returns>
    public int[] Assign(int frames, int rows, int columns)
    {
        int[] costs = [.. Enumerable.Range(0, _patches.Length).Select(level => Grid(level, rows, columns) is var (r, c) ? r * c : 0)];
        var budget = Config.Budget * Tokens(rows, columns);
        var kept = Math.Min(frames, budget / costs[^1]);
        var room = budget - kept * costs[^1];
        var levels = new int[kept];
        for (var rank = 0; rank < kept; rank++)
        {
            levels[rank] = Array.FindIndex(costs, cost => cost - costs[^1] <= room);
            room -= costs[levels[rank]] - costs[^1];
        }
        return levels;
    }

    /// <summary>How many tokens each of K ranked frames gets; those that are dropped are left out.</summary>
    public IReadOnlyList<int> TokensOf(int frames, int rows, int columns) =>
        [.. Assign(frames, rows, columns).Select(level => Grid(level, rows, columns) is var (down, across) ? down * across : 0)];

    /// <summary>Tokens of one latent frame of the base model.</summary>
    public int Tokens(int rows, int columns) => rows / _network.Patch.H * (columns / _network.Patch.W);

    /// <summary>Context tokens of chosen frames, with their places. The caller disposes of them.</summary>
    /// <param name="memory">All remembered frames, [B, z, F, h, w].</param>
    /// <param name="chosen">Per shot K frames by number, the most relevant first (<see cref="FrameSelection.Top"/>).</param>
    public WanContext Condition(Tensor memory, IReadOnlyList<int[]> chosen)
    {
        using var scope = TensorScope.Open();
        var (batch, frames) = ((int)memory.Size(0), (int)memory.Size(2));
        var (rows, columns, count) = ((int)memory.Size(3), (int)memory.Size(4), chosen[0].Length);
        if (chosen.Count != batch || chosen.Any(ranks => ranks.Length != count))
            throw new ArgumentException($"{chosen.Count} choices are given for {batch} shots; all must choose as many frames.");
        var levels = Assign(count, rows, columns);
        var all = memory.To(DType.F32, _device).Transpose(1, 2).Reshape((long)batch * frames, memory.Size(1), rows, columns);
        var tokens = new List<Tensor>();
        foreach (var group in Enumerable.Range(0, levels.Length).GroupBy(rank => levels[rank]))
        {
            var which = Enumerable.Range(0, batch).SelectMany(b => group.Select(rank => (long)b * frames + chosen[b][rank])).ToArray();
            tokens.Add(Patchify(all.IndexSelect(0, Tensor.From(which, which.Length).To(_device)), group.Key)
                .Reshape(batch, -1, _network.Dim));                                              // [B, frames of it x tokens, D]
        }
        var joined = tokens.Count > 0 ? Tensor.Cat(1, [.. tokens]) : Tensor.Zeros([batch, 0, _network.Dim], DType.F32, _device);
        return new WanContext(joined.Own(), Rotate(levels, chosen, rows, columns), Config.Timestep);
    }

    /// <summary>Frames [n, z, h, w] by one patchifier: [n, rows x columns, D].</summary>
    Tensor Patchify(Tensor frames, int level)
    {
        var (weight, bias) = _patches[level];
        var (high, wide, (rows, columns)) = (weight.Size(3), weight.Size(4), Grid(level, (int)frames.Size(2), (int)frames.Size(3)));
        // Zeros, the mean of latents, where the last kernels reach beyond the frame.
        var x = frames.Pad([0, columns * wide - frames.Size(3), 0, rows * high - frames.Size(2)]).Unsqueeze(2);
        var tokens = Linear.Apply(WanPatchEmbedding.Unfold(x, (1, (int)high, (int)wide)), weight.Flatten(1), bias).Float();
        return _positions is null ? tokens
            : tokens + Covered(level, (int)frames.Size(2), (int)frames.Size(3)).Matmul(_positions.Float());
    }

    /// <summary>How many kernels of a level lie below and beside each other.</summary>
    (int Rows, int Columns) Grid(int level, int rows, int columns)
    {
        int Along(int length, int patch) => (length / patch + Config.Scales[level] - 1) / Config.Scales[level];
        return (Along(rows, _network.Patch.H), Along(columns, _network.Patch.W));
    }

    /// <summary>Per token of a level the base cells it covers, as (first row, rows, first column, columns), row by row.</summary>
    IEnumerable<(int Row, int Rows, int Column, int Columns)> Cells(int level, int rows, int columns)
    {
        var (scale, (down, across)) = (Config.Scales[level], Grid(level, rows, columns));
        var (height, width) = (rows / _network.Patch.H, columns / _network.Patch.W);
        for (var r = 0; r < down; r++)
            for (var c = 0; c < across; c++)
                yield return (r * scale, Math.Min(scale, height - r * scale), c * scale, Math.Min(scale, width - c * scale));
    }

    /// <summary>The mean over the cells of each token, as a matrix [tokens, cells].</summary>
    Tensor Covered(int level, int rows, int columns)
    {
        var (cells, width) = (Cells(level, rows, columns).ToArray(), columns / _network.Patch.W);
        var count = Tokens(rows, columns);
        if (count != _positions!.Size(0)) throw new ArgumentException(
            $"This model has learned one size of picture, {_positions.Size(0)} tokens, not {count}.");
        var matrix = new float[cells.Length * count];
        foreach (var (token, (row, high, column, wide)) in cells.Index())
            for (var r = row; r < row + high; r++)
                matrix.AsSpan(token * count + r * width + column, wide).Fill(1f / (high * wide));
        return Tensor.From(matrix, cells.Length, count).To(_device);
    }

    /// <summary>Angles at the middle of what each token covers; frames stand at -Stride, -2 Stride... in the order of the config.</summary>
    WanRotation Rotate(int[] levels, IReadOnlyList<int[]> chosen, int rows, int columns)
    {
        var alike = Config.Order == ContextOrder.Relevance;
        var pairs = _network.HeadDim / 2;
        var (cosine, sine) = (new List<float>(), new List<float>());
        foreach (var ranks in alike ? chosen.Take(1) : chosen)
        {
            var kept = ranks[..levels.Length];
            for (var rank = 0; rank < kept.Length; rank++)
            {
                var nearer = alike ? rank : kept.Count(frame => frame > kept[rank]);
                foreach (var (row, high, column, wide) in Cells(levels[rank], rows, columns))
                    for (var pair = 0; pair < pairs; pair++)
                    {
                        var (s, c) = Math.SinCos(WanTransformer.Angle(_network.HeadDim, pair, -(nearer + 1) * Config.Stride,
                            row + (high - 1) / 2.0, column + (wide - 1) / 2.0));
                        cosine.Add((float)c);
                        sine.Add((float)s);
                    }
            }
        }
        var samples = alike ? 1 : chosen.Count;
        long[] shape = alike ? [cosine.Count / pairs, pairs] : [samples, cosine.Count / pairs / samples, pairs];
        Tensor Table(List<float> values) => Tensor.From(values.ToArray(), shape).To(_device).Own();
        return new WanRotation(Table(cosine), Table(sine));
    }
}
