// The judge as a reader: frames in, readings out. The network is in JudgeNet.cs, how it is taught in JudgeRecipe.cs.
using System.Security.Cryptography;
using System.Text.Json;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <summary>
/// Reads frames of the paper theatre, drawn or generated. A folder with <c>config.json</c> and <c>judge.safetensors</c>. Any thread may
/// call; the work is done on the tensor thread.
/// </summary>
public sealed class Judge : IDisposable
{
    /// <summary>From this score on somebody is there; from <see cref="Suspicion"/> on somebody might be.</summary>
    public const double Certain = 0.4, Suspicion = 0.15;

    const int Batch = 32, MostPeople = 8;
    const string WeightsFile = "judge.safetensors", ConfigFile = "config.json";
    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    readonly Weights _weights;
    readonly JudgeNet _net;

    Judge(Weights weights, JudgeConfig config)
    {
        _weights = weights;
        _net = new(weights, config);
        weights.EnsureAllUsed();
    }

    /// <exception cref="CheckpointException">A file is missing, broken, or of another network.</exception>
    public static Judge Open(string folder)
    {
        var path = Path.Combine(folder, ConfigFile);
        JudgeConfig? config;
        try
        {
            RegularFile.Require(path);
            config = JsonSerializer.Deserialize<JudgeConfig>(File.ReadAllBytes(path), Indented);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, null, $"cannot be read as the configuration of a judge ({e.Message.TrimEnd('.')})", e);
        }
        if (config is null || new[] { config.Stem, config.Fine, config.Middle, config.Coarse, config.Person }.Any(n => n is < 1 or > 1024))
            throw new CheckpointException(path, null, "does not describe a judge: all its sizes lie from 1 to 1024");
        return LibTorch.Run(() =>
        {
            var weights = Weights.Open(Path.Combine(folder, WeightsFile), DType.F32, Device.Cpu);
            try { return new Judge(weights, config); }
            catch
            {
                weights.Dispose();
                throw;
            }
        });
    }

    /// <summary>Which judge it is: the start of the digest of its weights, in hexadecimal digits.</summary>
    public static string DigestOf(string folder) =>
        Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, WeightsFile))))[..16].ToLowerInvariant();

    /// <summary>Writes what <see cref="Open"/> reads; matrices as bf16.</summary>
    public static void Save(string folder, IEnumerable<KeyValuePair<string, Tensor>> weights, JudgeConfig config)
    {
        Directory.CreateDirectory(folder);
        Weights.Save(Path.Combine(folder, WeightsFile), weights, DType.BF16);
        var path = Path.Combine(folder, ConfigFile);
        File.WriteAllText(path + ".new", JsonSerializer.Serialize(config, Indented) + "\n");
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>Weights of a judge's folder into others of the same name; on the tensor thread.</summary>
    /// <exception cref="CheckpointException">One of them has another shape.</exception>
    internal static void CopyInto(string folder, Weights weights)
    {
        using var scope = TensorScope.Open();
        using var known = Weights.Open(Path.Combine(folder, WeightsFile), DType.F32, Device.Cpu);
        foreach (var (name, tensor) in weights.Parameters)
            if (known.Has(name)) tensor.CopyFrom(known.Get(name, tensor.Shape));
    }

    /// <summary>Reads one frame, RGB bytes [height, width, 3]; other sizes than 128 x 224 are resized.</summary>
    public Reading Read(ReadOnlySpan<byte> frame, int width, int height) => Read(frame, 1, width, height)[0];

    /// <summary>Reads a clip, RGB bytes [count, height, width, 3].</summary>
    public IReadOnlyList<Reading> Read(ReadOnlySpan<byte> frames, int count, int width, int height) =>
        [.. Features(frames, count, width, height).Select(features => features.Reading)];

    public IReadOnlyList<Reading> Read(Clip clip) => Read(clip.Frames, clip.Seen.Count, clip.Width, clip.Height);

    /// <summary>Reads a clip and gives the vectors behind the readings.</summary>
    /// <exception cref="ArgumentException">The bytes are not count x height x width x 3.</exception>
    public IReadOnlyList<FrameFeatures> Features(ReadOnlySpan<byte> frames, int count, int width, int height)
    {
        if (width < 1 || height < 1 || (long)count * width * height * 3 != frames.Length)
            throw new ArgumentException($"{frames.Length} bytes are not {count} frames of {width} x {height} x 3.", nameof(frames));
        var size = width * height * 3;
        var read = new List<FrameFeatures>(count);
        for (var at = 0; at < count; at += Batch)
        {
            var n = Math.Min(Batch, count - at);
            var bytes = frames.Slice(at * size, n * size).ToArray();
            LibTorch.Run(() =>
            {
                using var scope = TensorScope.Open();
                var x = Tensor.From(bytes, n, height, width, 3).Permute(0, 3, 1, 2).Float() * (2 / 255.0) - 1;
                if ((width, height) != (JudgeConfig.Width, JudgeConfig.Height))
                    x = x.ResizeBilinear(JudgeConfig.Height, JudgeConfig.Width, antialias: true);
                Look(x.Contiguous(), n, (double)width / JudgeConfig.Width, (double)height / JudgeConfig.Height, read);
            });
        }
        return read;
    }

    public void Dispose() => LibTorch.Run(_weights.Dispose);

    readonly record struct Peak(double X, double Y, double Width, double Height, double Score);

    void Look(Tensor x, int count, double scaleX, double scaleY, List<FrameFeatures> read)
    {
        var maps = _net.Forward(x);
        var (heat, boxes) = (maps.Heat.Sigmoid().ToFloats(), maps.Boxes.ToFloats());
        var logits = maps.Logits.ToFloats();
        var whole = maps.Embedding.ToFloats();
        const int Cells = JudgeConfig.Rows * JudgeConfig.Columns;
        List<Peak>[] peaks = [.. Enumerable.Range(0, count).Select(i =>
            Peaks(heat.AsSpan(i * Cells, Cells), boxes.AsSpan(i * 4 * Cells, 4 * Cells)))];
        var slots = Math.Max(1, peaks.Max(list => list.Count));
        var shares = new float[count * slots * 4];
        var which = new List<long>();
        for (var i = 0; i < count; i++)
            for (var j = 0; j < peaks[i].Count; j++)
            {
                var at = i * slots + j;
                which.Add(at);
                Shares(peaks[i][j].X, peaks[i][j].Y, peaks[i][j].Width, peaks[i][j].Height).CopyTo(shares.AsSpan(at * 4));
            }
        float[] answers = [], people = [];
        if (which.Count > 0)
        {
            var (l, e) = _net.People(maps, Tensor.From(shares, count, slots, 4), Tensor.From(which.ToArray(), which.Count));
            (answers, people) = (l.ToFloats(), e.ToFloats());
        }
        var (perFrame, perPerson) = (logits.Length / count, which.Count > 0 ? answers.Length / which.Count : 0);
        var length = whole.Length / count;
        var row = 0;
        for (var i = 0; i < count; i++)
        {
            var seen = new List<(SeenPerson Person, float[] Vector)>();
            foreach (var peak in peaks[i])
            {
                seen.Add((Person(peak, answers.AsSpan(row * perPerson, perPerson), scaleX, scaleY),
                    Unit(people.AsSpan(row * length, length))));
                row++;
            }
            var sure = seen.Where(entry => entry.Person.Score >= Certain).OrderBy(entry => entry.Person.X).ToList();
            ReadOnlySpan<float> said = logits.AsSpan(i * perFrame, perFrame);
            var reading = new Reading(Take<Place>(ref said), Take<TimeOfDay>(ref said), Take<Accent>(ref said),
                [.. sure.Select(entry => entry.Person)],
                [.. seen.Select(entry => entry.Person).Where(person => person.Score < Certain)]);
            read.Add(new(reading, Unit(whole.AsSpan(i * length, length)), [.. sure.Select(entry => entry.Vector)]));
        }
    }

    /// <summary>Box middles and sizes in pixels of the network's frame, as shares of it.</summary>
    internal static float[] Shares(double x, double y, double width, double height) =>
    [
        (float)(x / JudgeConfig.Width), (float)(y / JudgeConfig.Height), (float)(width / JudgeConfig.Width),
        (float)(height / JudgeConfig.Height),
    ];

    /// <summary>Cells that are higher than their eight neighbours, the highest first, less those that lie on a higher one.</summary>
    static List<Peak> Peaks(ReadOnlySpan<float> heat, ReadOnlySpan<float> boxes)
    {
        const int Columns = JudgeConfig.Columns, Rows = JudgeConfig.Rows, Cells = Rows * Columns;
        var found = new List<Peak>();
        for (var cell = 0; cell < Cells; cell++)
        {
            var score = heat[cell];
            if (score < Suspicion) continue;
            var (row, column) = (cell / Columns, cell % Columns);
            var highest = true;
            for (var y = Math.Max(0, row - 1); y <= Math.Min(Rows - 1, row + 1); y++)
                for (var x = Math.Max(0, column - 1); x <= Math.Min(Columns - 1, column + 1); x++)
                    if (heat[y * Columns + x] > score) highest = false;
            if (!highest) continue;
            double Box(ReadOnlySpan<float> all, int part) => Math.Clamp(all[part * Cells + cell], -4, 4);
            found.Add(new((column + 0.5 + Box(boxes, 0)) * JudgeConfig.Stride, (row + 0.5 + Box(boxes, 1)) * JudgeConfig.Stride,
                Math.Exp(Box(boxes, 2)) * JudgeConfig.Stride, Math.Exp(Box(boxes, 3)) * JudgeConfig.Stride, score));
        }
        var kept = new List<Peak>();
        foreach (var peak in found.OrderByDescending(peak => peak.Score))
            if (kept.Count < MostPeople && kept.All(other => Overlap(peak, other) < 0.7)) kept.Add(peak);
        return kept;
    }

    /// <summary>Intersection over union.</summary>
    static double Overlap(Peak a, Peak b)
    {
        static double Shared(double a, double wide, double b, double broad) =>
            Math.Max(0, Math.Min(a + wide / 2, b + broad / 2) - Math.Max(a - wide / 2, b - broad / 2));
        var both = Shared(a.X, a.Width, b.X, b.Width) * Shared(a.Y, a.Height, b.Y, b.Height);
        return both / (a.Width * a.Height + b.Width * b.Height - both);
    }

    static SeenPerson Person(Peak peak, ReadOnlySpan<float> said, double scaleX, double scaleY) =>
        new(peak.X * scaleX, peak.Y * scaleY, peak.Width * scaleX, peak.Height * scaleY, peak.Score, Take<Kind>(ref said),
            Take<Skin>(ref said), Take<HairColour>(ref said), Take<HairStyle>(ref said), Take<TopColour>(ref said), Take<Hat>(ref said),
            Take<HatColour>(ref said));

    /// <summary>The next question's answer, by softmax over its choices; the span moves on.</summary>
    static Guess<T> Take<T>(ref ReadOnlySpan<float> logits) where T : struct, Enum
    {
        var values = Enum.GetValues<T>();
        var choices = logits[..values.Length];
        logits = logits[values.Length..];
        var best = 0;
        for (var i = 1; i < choices.Length; i++)
            if (choices[i] > choices[best]) best = i;
        var sum = 0.0;
        foreach (var choice in choices) sum += Math.Exp(choice - choices[best]);
        return new(values[best], 1 / sum);
    }

    static float[] Unit(ReadOnlySpan<float> vector)
    {
        var squares = 0.0;
        foreach (var value in vector) squares += value * value;
        var unit = vector.ToArray();
        for (var i = 0; i < unit.Length; i++) unit[i] = (float)(unit[i] / Math.Sqrt(Math.Max(1e-12, squares)));
        return unit;
    }
}
