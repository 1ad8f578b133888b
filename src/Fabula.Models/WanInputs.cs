// What a forward pass of the Wan video transformer is given beside latents: prompt, angles, time and context, each made once by the
// transformer (or, the context, by AdaptiveConditioner) and used for as many passes as it holds.
//
// Shapes: as in WanTransformer.cs.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>A prompt as the blocks see it: keys and values of every block, made once. Dispose of it when the shot is done.</summary>
public sealed class WanPrompt : IDisposable
{
    internal (Tensor K, Tensor V)[] Text { get; }     // per block [B, N', heads, d]
    internal (Tensor K, Tensor V)[]? Image { get; }   // per block [B, 257 or 514, heads, d]
    internal Tensor Bias { get; }                     // [B, N'] log of how many padded rows a key stands for; -inf: none
    internal Tensor? Pooled { get; }                  // [B, D], see WanConfig.PoolsText

    internal WanKeys Block(int i) => new(Text[i], Bias, Image?[i]);

    internal WanPrompt((Tensor, Tensor)[] text, (Tensor, Tensor)[]? image, Tensor bias, Tensor? pooled) =>
        (Text, Image, Bias, Pooled) = (text, image, bias, pooled);

    public void Dispose()
    {
        foreach (var (k, v) in Text.Concat(Image ?? [])) { k.Dispose(); v.Dispose(); }
        Bias.Dispose();
        Pooled?.Dispose();
    }
}

/// <summary>What one block's cross-attention looks at.</summary>
readonly record struct WanKeys((Tensor K, Tensor V) Text, Tensor Bias, (Tensor K, Tensor V)? Image);

/// <summary>Rotation angles of every token: cosine and sine [L, d/2], or [B, L, d/2] where samples differ; fp32.</summary>
public sealed record WanRotation(Tensor Cosine, Tensor Sine) : IDisposable
{
    public void Dispose() { Cosine.Dispose(); Sine.Dispose(); }
}

/// <summary>
/// The timesteps of a forward pass: either one for all tokens, or (TI2V) a few distinct ones and which of them each token has.
/// Modulation is computed per distinct timestep. In training each sample of a batch has its own.
/// </summary>
public sealed record WanTime(double[] Distinct, long[]? Index = null, bool PerSample = false)
{
    public static WanTime Each(double[] timesteps) => new(timesteps, null, true);

    public static WanTime Of(double timestep) => new([timestep]);

    /// <summary>From one timestep (0..1000) per token.</summary>
    public static WanTime PerToken(ReadOnlySpan<double> timesteps)
    {
        var distinct = new List<double>();
        var index = new long[timesteps.Length];
        for (var i = 0; i < timesteps.Length; i++)
        {
            var at = distinct.IndexOf(timesteps[i]);
            if (at < 0) { at = distinct.Count; distinct.Add(timesteps[i]); }
            index[i] = at;
        }
        return distinct.Count == 1 ? new([.. distinct]) : new([.. distinct], index);
    }
}

/// <summary>A step's time as the blocks see it: embedding [U, D] and modulation [U, 6, D] of U distinct timesteps, fp32.</summary>
/// <param name="Time">The timesteps themselves.</param>
public sealed record WanModulation(Tensor Embedding, Tensor Six, Tensor? Index, WanTime Time) : IDisposable
{
    public void Dispose() { Embedding.Dispose(); Six.Dispose(); Index?.Dispose(); }
}

/// <summary>
/// Tokens of remembered frames that stand before the shot's in every block and are taken off before the head (OneStory, section 4.3). They
/// are seen by all tokens and answer for nothing. Made by <see cref="AdaptiveConditioner"/>.
/// </summary>
/// <param name="Tokens">[B, N, D].</param>
/// <param name="Rotation">Of the N tokens.</param>
/// <param name="Timestep">Their own, 0..1000; null: the shot's (of several, the noisiest).</param>
public sealed record WanContext(Tensor Tokens, WanRotation Rotation, double? Timestep = null) : IDisposable
{
    public void Dispose() { Tokens.Dispose(); Rotation.Dispose(); }
}
