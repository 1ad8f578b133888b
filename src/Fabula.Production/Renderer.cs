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
}

/// <summary>A model folder.</summary>
public sealed class ModelRenderer(FilmModel model) : IRenderer
{
    public FilmFacts Facts => model.Facts;
    public string Digest => model.Digest;
    public int Calls => model.Renders;
    public SeenWords? Words => model.SeenWords();
    public IKeyframes? Keyframes => model.Keyframes;
    public bool WantsWordsFirst => model.LetsTextGo;

    public byte[] WordsOf(string prompt, string folder) => model.Words(prompt, folder);

    public long MemoryBytes(int width, int height, int frames, int memory) => model.MemoryBytes(width, height, frames, memory);

    public IReadOnlyList<byte[]> Render(ShotRequest request, RenderKeeping keeping, CancellationToken cancel) =>
        model.Render(request, keeping, cancel);

    public void Dispose() => model.Dispose();
}
