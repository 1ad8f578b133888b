// What two tokens say of a picture, by one look and without diffusion: a sketch, which the renderer refines (KeyframeRenderer.cs). Not
// MovieDreamer's: its decoder is SDXL, which knows pictures before it learns of tokens. A pocket decoder learns little from the error of
// noisy latents where this learns much from the plain one.
//
// A linear map makes of all tokens a row for every place of the picture, which cross-attention onto two rows cannot do. One more, the same
// for all places, makes latents of a row: together they begin as the principal components that the tokens begin as. A few transformer
// blocks over the rows add what is not linear: edges, people.
//
// Shapes: B pictures; z, h, w of their latents; S places of F features; r width of a place's row; D width of the blocks; n tokens of
// width d.
using Fabula.Torch;

namespace Fabula.Models;

public sealed class KeyframeSketch
{
    /// <summary>The linear maps are stored so many times as large, so that an optimiser's steps change them so much less.</summary>
    public const double StraightScale = 8;

    readonly KeyframeTokenizerConfig _config;
    readonly Weights _weights;
    readonly Linear _rows, _patches;
    readonly Linear? _lift, _features;
    readonly LayerNorm? _norm;
    readonly Tensor? _positions;
    readonly CompressorBlock[] _blocks;

    public KeyframeSketch(KeyframeTokenizerConfig config, Weights weights)
    {
        (_config, _weights) = (config, weights);
        _rows = new Linear(weights["rows"], config.Tokens * config.TokenDim, config.Places * config.PlaceRow);
        _patches = new Linear(weights["patches"], config.PlaceRow, config.Features);
        _blocks = [.. Enumerable.Range(0, config.SketchBlocks).Select(i => new CompressorBlock(config, weights["blocks"][i]))];
        if (_blocks.Length == 0) return;
        _lift = new Linear(weights["lift"], config.PlaceRow, config.Dim);
        _positions = weights.Get("position_embedding.weight", config.Places, config.Dim);
        _norm = new LayerNorm(weights["norm"], config.Dim, 1e-6);
        _features = new Linear(weights["features"], config.Dim, config.Features);
    }

    /// <summary>How far each number of the tokens moves a picture's linear sketch, [n, d]; their squares have the mean 1.</summary>
    public Tensor Loudness()
    {
        using var scope = TensorScope.Open();
        var squares = _weights.Get("rows.weight", _config.Places * _config.PlaceRow, _config.Tokens * _config.TokenDim).Square().Sum(0);
        return scope.Keep((squares / squares.Mean()).Sqrt().Reshape(_config.Tokens, _config.TokenDim));
    }

    /// <summary>Tokens [B, n, d] to latents [B, z, h, w].</summary>
    public Tensor Forward(Tensor tokens)
    {
        using var scope = TensorScope.Open();
        var (batch, side) = (tokens.Size(0), _config.Patch);
        var rows = (_rows.Forward(tokens.Reshape(batch, -1)) / StraightScale)
            .Reshape(batch, _config.Places, _config.PlaceRow);                                   // [B, S, r]
        var patches = (_patches.Forward(rows) / StraightScale).Float();                          // [B, S, F]
        if (_blocks.Length > 0)
        {
            var x = _lift!.Forward(rows) + _positions!;                                          // [B, S, D]
            foreach (var block in _blocks) x = block.Forward(x);
            patches += _features!.Forward(_norm!.Forward(x)).Float();
        }
        return scope.Keep(patches.Reshape(batch, _config.Rows / side, _config.Columns / side, _config.Channels, side, side)
            .Permute(0, 3, 1, 4, 2, 5).Reshape(batch, _config.Channels, _config.Rows, _config.Columns));
    }
}
