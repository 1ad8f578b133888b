// Who draws. Two implementations ship: a model, and a stand-in that needs none.
using Fabula.Models;

namespace Fabula.Production;

/// <summary>Turns requests into frames. The same request and the same <see cref="Digest"/> give the same bytes.</summary>
public interface IRenderer : IDisposable
{
    FilmFacts Facts { get; }

    /// <summary>All that may influence a picture beside the request: part of every key.</summary>
    string Digest { get; }

    /// <summary>Passes of the model so far.</summary>
    int Calls { get; }

    SeenWords? Words { get; }

    /// <summary>What tells and draws a film's keyframes; null unless <see cref="FilmModes.Keyframes"/> is among its modes.</summary>
    IKeyframes? Keyframes => null;

    /// <summary>Tells which pixels of a picture show people; null where nothing can.</summary>
    Func<Picture, bool[]>? Matte => null;

    /// <summary>
    /// Rows of text are made for a whole film at once (<see cref="WordsOf"/>), because the network that makes them is too large to be
    /// loaded for every shot.
    /// </summary>
    bool WantsWordsFirst { get; }

    /// <summary>What <see cref="ShotRequest.Words"/> takes for a prompt.</summary>
    /// <param name="folder">For files in the making.</param>
    byte[] WordsOf(string prompt, string folder);

    /// <summary>About the most that a request holds, in bytes.</summary>
    long MemoryBytes(int width, int height, int frames, int memory);

    /// <summary>Frames, each [H, W, 3]. When cancelled it keeps what it has and throws.</summary>
    IReadOnlyList<byte[]> Render(ShotRequest request, RenderKeeping keeping, CancellationToken cancel);

    /// <summary>OneStory (<see cref="FilmModes.Story"/>): writes what later shots may recall of a clip.</summary>
    /// <param name="frames">Each [H, W, 3], 4n+1 of them.</param>
    void Keep(IReadOnlyList<byte[]> frames, int width, int height, string path);

    /// <summary>OneStory: writes what a shot with this prompt recalls of earlier ones.</summary>
    /// <param name="earlier">What <see cref="Keep"/> has written, oldest first; at least one.</param>
    /// <returns>The frames, the most relevant first.</returns>
    IReadOnlyList<RecalledFrame> Recall(string prompt, IReadOnlyList<string> earlier, string path);
}

/// <summary>A model folder.</summary>
public sealed class ModelRenderer(FilmModel model) : IRenderer
{
    public FilmFacts Facts => model.Facts;
    public string Digest => model.Digest;
    public int Calls => model.Renders;
    public SeenWords? Words => model.SeenWords();
    public IKeyframes? Keyframes => model.Keyframes;
    public Func<Picture, bool[]>? Matte => model.Matte is { } matte ? matte.Of : null;
    public bool WantsWordsFirst => model.LetsTextGo;

    public byte[] WordsOf(string prompt, string folder) => model.Words(prompt, folder);

    public long MemoryBytes(int width, int height, int frames, int memory) => model.MemoryBytes(width, height, frames, memory);

    public IReadOnlyList<byte[]> Render(ShotRequest request, RenderKeeping keeping, CancellationToken cancel) =>
        model.Render(request, keeping, cancel);

    public void Keep(IReadOnlyList<byte[]> frames, int width, int height, string path) => model.Keep(frames, width, height, path);

    public IReadOnlyList<RecalledFrame> Recall(string prompt, IReadOnlyList<string> earlier, string path) =>
        model.Recall(prompt, earlier, path);

    public void Dispose() => model.Dispose();
}
