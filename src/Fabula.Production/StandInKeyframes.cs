// Keyframes without a model: tokens are numbers that follow from all that a planner would see, pictures are stripes in their colours.
using System.Security.Cryptography;
using System.Text.Json;
using Fabula.Models;

namespace Fabula.Production;

/// <param name="called">Told of every pass.</param>
sealed class StandInKeyframes(Action called) : IKeyframes
{
    const int Width = 28, Height = 16;

    public float[] Identity(Picture portrait) => Numbers(portrait.Rgb)[0];

    public IReadOnlyList<float[]> Read(Picture picture) => Numbers(picture.Rgb);

    public IReadOnlyList<float[]> Tell(IReadOnlyList<ToldKeyframe> before, KeyframeScript script, ulong seed)
    {
        called();
        return Numbers(JsonSerializer.SerializeToUtf8Bytes(new { before, script, seed }));
    }

    public Picture Draw(ToldKeyframe keyframe, ulong seed, IReadOnlyList<LaidFigure> people, Picture? ground)
    {
        called();
        var colours = SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(
            new { keyframe, seed, boxes = people.Select(person => person.Box), ground }));
        var pixels = new byte[Width * Height * 3];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = colours[i / 3 / Width / 4 * 3 + i % 3];
        return new(pixels, Width, Height);
    }

    /// <summary>Two tokens of four numbers.</summary>
    static float[][] Numbers(byte[] bytes) => [.. SHA256.HashData(bytes)[..8].Select(value => value / 64f).Chunk(4)];
}
