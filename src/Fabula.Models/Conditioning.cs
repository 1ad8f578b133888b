// What a shot starts from, as the Wan image models take it: known frames and remembered frames, encoded, with a mask that tells which.
//
// References: Wan-Video/Wan2.1 @ 9737cba wan/image2video.py and first_last_frame2video.py; Wan-Video/Wan2.2 @ 42bf4cf
// wan/image2video.py, textimage2video.py; StoryMem, "Multi-shot Long Video Storytelling with Memory" (2025), section 3.3. Parity:
// tests/Fabula.Models.Tests/GoldenTests.cs. One function serves every mode: image to video knows frame 0; first-last-frame to video
// knows the first and the last; memory to video (M2V, MR2V) knows remembered frames that stand before the shot; with a first frame
// (MI2V) or five frames of motion (MM2V) it knows both.
//
// Shapes: T pixel frames = 4 (f - 1) + 1; M remembered frames; h, w latent rows and columns; H = 8 h, W = 8 w.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>A known picture. <see cref="Mask"/> is what the model is told of it: 1, "given".</summary>
/// <param name="Image">[3, H, W] in -1..1; another size is stretched to the shot's.</param>
public readonly record struct KnownFrame(Tensor Image, float Mask = 1);

public static class Conditioning
{
    /// <summary>Frames of latents for a number of pixel frames.</summary>
    /// <exception cref="ArgumentException">The number is not 4n + 1.</exception>
    public static int LatentFrames(int frames) => frames > 0 && frames % 4 == 1 ? (frames - 1) / 4 + 1
        : throw new ArgumentException($"A shot has 4n + 1 frames (5, 17, 81...), not {frames}.");

    /// <summary>
    /// Latent rows and columns for pictures of this aspect within an area, each a multiple of the patch [image2video.py].
    /// </summary>
    /// <param name="roundFirst">StoryMem rounds the side before dividing [memory2video.py]; Wan after.</param>
    public static (int Rows, int Columns) LatentSize(long height, long width, double area, int stride = 8, int patch = 2,
        bool roundFirst = false)
    {
        var aspect = (double)height / width;
        int Fit(double side)
        {
            if (roundFirst) side = Math.Round(side, MidpointRounding.ToEven);
            return (int)(Math.Floor(Math.Floor(side / stride) / patch) * patch);
        }
        var (rows, columns) = (Fit(Math.Sqrt(area * aspect)), Fit(Math.Sqrt(area / aspect)));
        return rows > 0 && columns > 0 ? (rows, columns)
            : throw new ArgumentException($"A picture of {width}x{height} does not fit an area of {area} pixels: ask for more.");
    }

    /// <summary>Mask and condition latents of a shot: what is joined to the noisy latents' channels.</summary>
    /// <param name="frames">Pixel frames, 4n + 1.</param>
    /// <param name="known">Pixel frames that are given, by index.</param>
    /// <param name="memory">Remembered frames, oldest first; each is encoded by itself and takes one latent frame before the shot.</param>
    /// <returns>[1, 4 + z, M + f, h, w] fp32.</returns>
    public static Tensor Encode(WanVae vae, int frames, int rows, int columns, IReadOnlyDictionary<int, KnownFrame> known,
        IReadOnlyList<KnownFrame>? memory = null)
    {
        using var scope = TensorScope.Open();
        memory ??= [];
        var stride = vae.Config.SpatialStride;
        Tensor Fit(Tensor image) => Resize(image, rows * stride, columns * stride);              // [1, 3, 1, H, W]
        if (known.Keys.FirstOrDefault(i => i < 0 || i >= frames, -1) is var wrong and >= 0)
            throw new ArgumentException($"Frame {wrong} is given, but the shot has {frames} frames.");

        // Streamed in the VAE's own groups (1, 4, 4, ... frames), so that a long shot is never in memory as pixels.
        var grey = Tensor.Zeros([1, 3, 1, rows * stride, columns * stride], DType.F32, Device.Cpu);
        Tensor Group(int first)
        {
            using var inner = TensorScope.Open();
            var group = Enumerable.Range(first, first == 0 ? 1 : 4)
                .Select(i => known.TryGetValue(i, out var frame) ? Fit(frame.Image) : grey);
            return inner.Keep(Tensor.Cat(2, [.. group]));                                        // [1, 3, 1 or 4, H, W]
        }
        IEnumerable<Tensor> Groups()
        {
            for (var first = 0; first < frames; first += first == 0 ? 1 : 4)
            {
                var group = Group(first);
                yield return group;
                group.Dispose();
            }
        }
        _ = LatentFrames(frames);
        var condition = WanVae.Join(vae.EncodeGroups(Groups()));                                 // [1, z, f, h, w]
        if (memory.Count > 0)
        {
            var remembered = vae.Encode(Tensor.Cat(0, [.. memory.Select(frame => Fit(frame.Image))]));   // [M, z, 1, h, w]
            condition = Tensor.Cat(2, remembered.Permute(2, 1, 0, 3, 4), condition);
        }
        var mask = Mask(frames, known, memory, rows, columns).To(condition.Device);
        return scope.Keep(Tensor.Cat(1, mask, condition));
    }

    /// <summary>
    /// As <see cref="Encode"/>, for models that take drafts (<see cref="WanConfig.TakesDrafts"/>): known frames are encoded alone, and
    /// where nothing is known stands what the frame will be like, with a mask of one half: the drafts. Without one for each frame that is,
    /// between a first and a last frame, the one turning into the other, and after a first frame the first frame.
    /// </summary>
    /// <param name="first">The first frame [3, H, W]; null: not known.</param>
    /// <param name="last">The last frame, known with the first.</param>
    /// <param name="drafts">What the frames will be like: nothing, one picture for all of them, or one for each pixel frame.</param>
    /// <param name="memory">Remembered pictures, oldest first.</param>
    /// <param name="staging">Where people stand in each pixel frame, in the order of the words; or nothing.</param>
    public static Tensor Drafts(WanVae vae, int frames, int rows, int columns, Tensor? first, Tensor? last, IReadOnlyList<Tensor> drafts,
        IReadOnlyList<Tensor> memory, IReadOnlyList<IReadOnlyList<StageBox>>? staging = null)
    {
        using var scope = TensorScope.Open();
        var stride = vae.Config.SpatialStride;
        Tensor Fit(Tensor image) => Resize(image, rows * stride, columns * stride);              // [1, 3, 1, H, W]
        Tensor[]? Still(Tensor? image)
        {
            if (image is null) return null;
            var latents = vae.Encode(Fit(image).Repeat(1, 1, StillFrames, 1, 1));                // [1, z, 2, h, w]
            return [latents.Narrow(2, 0, 1), latents.Narrow(2, 1, 1)];
        }
        Tensor[]? Moving()
        {
            var latents = vae.Encode(Tensor.Cat(2, [.. drafts.Select(Fit)]));                    // [1, z, f, h, w]
            return [.. Enumerable.Range(0, (int)latents.Size(2)).Select(f => latents.Narrow(2, f, 1))];
        }
        if (drafts.Count > 1 && drafts.Count != frames)
            throw new ArgumentException($"A shot of {frames} frames has one draft for all or one for each, not {drafts.Count}.");
        var moves = drafts.Count > 1;
        var (start, end) = (first is not null && moves ? null : Still(first), Still(last));
        var draft = moves ? Moving() : start is null && drafts.Count > 0 ? Still(drafts[0]) : start;
        if (first is not null && moves) draft![0] = vae.Encode(Fit(first));
        if (end is not null && moves) draft![^1] = end[1];
        var (length, nothing) = (LatentFrames(frames), Tensor.Zeros([1, vae.Config.ZDim, 1, rows, columns], DType.F32, Device.Cpu));
        var (latents, masks) = (new List<Tensor>(), new List<float[]>());
        foreach (var picture in memory)
        {
            latents.Add(vae.Encode(Fit(picture)));
            masks.Add([1, 1, 1, 1]);
        }
        for (var f = 0; f < length; f++)
        {
            var share = DraftShare(f, length);
            latents.Add(draft?[moves ? f : Math.Min(f, 1)] is not { } drawn ? nothing
                : end is null || moves || f == 0 ? drawn : drawn + (end[1] - drawn) * share);
            masks.Add(DraftMask(f, length, first is not null, last is not null, drafts.Count > 0));
        }
        var cells = new float[4 * masks.Count * rows * columns];
        for (var f = 0; f < masks.Count; f++)
        {
            var at = f - memory.Count;
            var given = at == 0 && first is not null || at == length - 1 && end is not null;
            var staged = staging is { Count: > 0 } && at >= 0 && !given && (moves || at == 0);
            WriteMask(cells, masks[f], f, masks.Count, rows, columns, staged ? staging![StagedFrame(at)] : []);
        }
        var mask = Tensor.From(cells, 1, 4, masks.Count, rows, columns);
        var condition = Tensor.Cat(2, [.. latents]);
        return scope.Keep(Tensor.Cat(1, mask.To(condition.Device), condition));
    }

    /// <summary>A picture stands still for so many frames when it is encoded as a draft: one group of four after the first.</summary>
    public const int StillFrames = 5;

    /// <summary>The pixel frame whose staging is that of latent frame f: the middle one of the four it stands for.</summary>
    public static int StagedFrame(int f) => f == 0 ? 0 : 4 * f - 2;

    /// <summary>How much of the last frame is in the draft of latent frame f, which ends with pixel frame 4 f.</summary>
    public static double DraftShare(int f, int length) => f == length - 1 ? 1 : f == 0 ? 0 : (4 * f - 1.5) / (4 * (length - 1));

    /// <summary>
    /// The four mask channels of latent frame f: 1 known, one half a draft, 0 nothing; of a last frame one picture is known.
    /// </summary>
    public static float[] DraftMask(int f, int length, bool first, bool last, bool background) =>
        first && f == 0 ? [1, 1, 1, 1] : first && last && f == length - 1 ? [0, 0, 0, 1]
        : first || background ? [0.5f, 0.5f, 0.5f, 0.5f] : [0, 0, 0, 0];

    /// <summary>
    /// Writes a frame's mask into that of all frames, [4, frames, rows, columns]. Where somebody is to stand the draft is in doubt, and the
    /// mask half as large: in the first channel for anybody, in the others for the first, the second and the third of the words.
    /// </summary>
    public static void WriteMask(Span<float> cells, float[] values, int frame, int frames, int rows, int columns,
        IReadOnlyList<StageBox> staging)
    {
        for (var channel = 0; channel < 4; channel++)
            for (var i = 0; i < rows * columns; i++)
            {
                var (row, column) = (i / columns, i % columns);
                bool In(StageBox box) => box.Left * columns < column + 1 && box.Right * columns > column && box.Top * rows < row + 1
                    && box.Bottom * rows > row;
                var doubted = channel == 0 ? staging.Any(In) : channel <= staging.Count && In(staging[channel - 1]);
                cells[((channel * frames + frame) * rows * columns) + i] = doubted ? values[channel] / 2 : values[channel];
            }
    }

    /// <summary>
    /// Four mask channels per latent frame, one per pixel frame it stands for: a remembered frame and the first frame fill all four
    /// [memory2video.py, image2video.py]. [1, 4, M + f, h, w].
    /// </summary>
    internal static Tensor Mask(int frames, IReadOnlyDictionary<int, KnownFrame> known, IReadOnlyList<KnownFrame> memory, int rows,
        int columns)
    {
        var latentFrames = memory.Count + LatentFrames(frames);
        var values = new float[4 * latentFrames];                                                // [4, M + f]
        for (var f = 0; f < latentFrames; f++)
            for (var sub = 0; sub < 4; sub++)
            {
                var pixel = f <= memory.Count ? 0 : 4 * (f - memory.Count) - 3 + sub;
                values[sub * latentFrames + f] = f < memory.Count ? memory[f].Mask : known.TryGetValue(pixel, out var frame) ? frame.Mask
                    : 0;
            }
        return Tensor.From(values, 1, 4, latentFrames, 1, 1).Expand(1, 4, latentFrames, rows, columns);
    }

    /// <summary>
    /// Temporal positions for rotation: remembered frame i of M at -(M - i) S, the shot at 0, 1, 2... [StoryMem, section 3.3].
    /// S is 5 in the paper; 1 is what StoryMem's first release did.
    /// </summary>
    public static double[] Positions(int memory, int latentFrames, double stride = 5) =>
        [.. Enumerable.Range(0, memory).Select(i => -(memory - i) * stride), .. Enumerable.Range(0, latentFrames).Select(i => (double)i)];

    /// <summary>Bytes [H, W, 3] or [N, H, W, 3] to numbers [3, H, W] or [N, 3, H, W] in -1..1.</summary>
    public static Tensor FromBytes(Tensor pixels)
    {
        using var scope = TensorScope.Open();
        long[] order = pixels.Dims == 3 ? [2, 0, 1] : [0, 3, 1, 2];
        return scope.Keep(((pixels.Float() / 255 - 0.5) / 0.5).Permute(order).Contiguous());
    }

    /// <summary>Scales a picture [3, H, W] to cover another's size and cuts the middle out: a last frame made to fit the first.</summary>
    public static Tensor Cover(Tensor image, long height, long width)
    {
        using var scope = TensorScope.Open();
        var scale = Math.Max((double)height / image.Size(1), (double)width / image.Size(2));
        var (h, w) = (Math.Max(height, (long)Math.Round(image.Size(1) * scale)), Math.Max(width, (long)Math.Round(image.Size(2) * scale)));
        var scaled = image.Unsqueeze(0).ResizeBicubic(h, w).Squeeze(0);
        return scope.Keep(scaled.Narrow(1, (h - height) / 2, height).Narrow(2, (w - width) / 2, width).Contiguous());
    }

    /// <summary>Stretches [3, H, W] to a size (cubic, no antialias, as the reference does); [1, 3, 1, height, width].</summary>
    static Tensor Resize(Tensor image, long height, long width) =>
        (image.Size(1) == height && image.Size(2) == width ? image.Unsqueeze(0) : image.Float().Unsqueeze(0).ResizeBicubic(height, width))
            .Unsqueeze(2);
}

