// Draws without a model (`--model stand-in`): flat stripes and a moving square whose colours follow from the request. For trying out a
// production's plan, edit and timeline in seconds, and for tests. It works in rounds and keeps a state after each, as a model does.
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Fabula.Models;

namespace Fabula.Production;

public sealed class StandInRenderer : IRenderer
{
    public const string Name = "stand-in";
    const string State = "stand-in";

    int _calls;

    public FilmFacts Facts { get; init; } =
        new(Name, FilmModes.Text | FilmModes.First | FilmModes.Last | FilmModes.Memory | FilmModes.Story | FilmModes.Keyframes, 16,
            Steps: 4, Shift: 3, Guidance: 1)
        {
            Frames = 81,
            MostMemory = 4,
            DrawsPortraits = true,
        };

    public string Digest => "stand-in 1";
    public int Calls => _calls;
    public SeenWords? Words { get; init; }
    public IKeyframes Keyframes => field ??= new StandInKeyframes(() => Interlocked.Increment(ref _calls));
    public bool WantsWordsFirst => false;

    public byte[] WordsOf(string prompt, string folder) => Encoding.UTF8.GetBytes(prompt);

    public long MemoryBytes(int width, int height, int frames, int memory) => (long)width * height * 3 * frames;

    public IReadOnlyList<byte[]> Render(ShotRequest request, RenderKeeping keeping, CancellationToken cancel)
    {
        Interlocked.Increment(ref _calls);
        var (round, state) = Kept(keeping) ?? (0, Start(request));
        for (; round < request.Steps; round++)
        {
            cancel.ThrowIfCancellationRequested();
            state = SHA256.HashData(state);
            var bytes = new byte[4 + state.Length];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, round + 1);
            state.CopyTo(bytes, 4);
            keeping.Save(State, bytes);
            keeping.Report(round + 1, request.Steps);
        }
        return [.. Enumerable.Range(0, request.Frames).Select(frame => Draw(request, state, frame))];
    }

    static (int, byte[])? Kept(RenderKeeping keeping) =>
        keeping.Load(State) is { Length: 36 } bytes ? (BinaryPrimitives.ReadInt32LittleEndian(bytes), bytes[4..]) : null;

    /// <summary>A digest of everything that is asked for.</summary>
    static byte[] Start(ShotRequest request)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Add(string text) => hash.AppendData(Encoding.UTF8.GetBytes(text + "\n"));
        Add($"{request.Prompt.Length} {request.Prompt} {request.NegativePrompt}");
        Add($"{request.Frames} {request.Width} {request.Height} {request.Seed} {request.Steps} {request.Guidance} {request.Shift}");
        Add($"{request.MemoryStride} {request.MemoryGuidance} {string.Join(' ', request.Staging.SelectMany(boxes => boxes))}");
        foreach (var (name, picture) in request.Memory.Select(picture => ("memory", picture))
            .Append(("first", request.First!)).Append(("last", request.Last!)).Concat(request.Drafts.Select(picture => ("draft", picture)))
            .Concat(request.Motion.Select(picture => ("motion", picture)))
            .Where(entry => entry.Item2 is not null))
        {
            Add($"{name} {picture.Width} {picture.Height}");
            hash.AppendData(picture.Rgb);
        }
        if (request.Recalled is not null) hash.AppendData(File.ReadAllBytes(request.Recalled));
        return hash.GetHashAndReset();
    }

    /// <summary>A digest of every fourth frame.</summary>
    public void Keep(IReadOnlyList<byte[]> frames, int width, int height, string path) =>
        File.WriteAllBytes(path, [.. frames.Where((_, i) => i % 4 == 0).SelectMany(SHA256.HashData)]);

    /// <summary>Those that are most alike the prompt, which has nothing to do with what they show.</summary>
    public IReadOnlyList<RecalledFrame> Recall(string prompt, IReadOnlyList<string> earlier, string path)
    {
        const int Kept = 3;
        var wanted = SHA256.HashData(Encoding.UTF8.GetBytes(prompt));
        var frames = earlier.SelectMany((file, shot) => File.ReadAllBytes(file).Chunk(32).Select((digest, i) => (shot, i, digest,
            Score: 1 - Math.Abs(digest[0] - wanted[0]) / 128.0))).ToList();
        var chosen = frames.OrderByDescending(frame => frame.Score).Take(Kept).ToList();
        File.WriteAllBytes(path, [.. chosen.SelectMany(frame => frame.digest)]);
        return [.. chosen.Select(frame => new RecalledFrame(frame.shot, 4 * frame.i, frame.Score, 1.0 / chosen.Count))];
    }

    static byte[] Draw(ShotRequest request, byte[] state, int frame)
    {
        if (frame == 0 && Fits(request.First, request)) return request.First!.Rgb;
        if (frame < request.Motion.Count && Fits(request.Motion[frame], request)) return request.Motion[frame].Rgb;
        if (frame == request.Frames - 1 && Fits(request.Last, request)) return request.Last!.Rgb;
        var (width, height) = (request.Width, request.Height);
        var pixels = new byte[width * height * 3];
        var square = (X: state[24] * width / 256 + frame, Y: state[25] * height / 256, Side: Math.Max(4, height / 4));
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var inside = (x - square.X % width + width) % width < square.Side && (y - square.Y + height) % height < square.Side;
                var colour = inside ? 21 : y * 7 / height * 3;
                state.AsSpan(colour, 3).CopyTo(pixels.AsSpan((y * width + x) * 3));
            }
        return pixels;
    }

    static bool Fits(Picture? picture, ShotRequest request) =>
        picture is not null && picture.Width == request.Width && picture.Height == request.Height;

    public void Dispose() { }
}
