// What is kept of a picture to compare it with others: its colours, and where it is light and dark. No network, no weights.
namespace Fabula.Training.Curation;

/// <param name="Colours">Share of the pixels in each of 64 colours, 2 bits a channel; they add up to 1.</param>
/// <param name="Blocks">Mean red, green and blue of each block, row by row, 0 to 255.</param>
/// <param name="Columns">Blocks in a row.</param>
public sealed record Signature(float[] Colours, byte[] Blocks, int Columns)
{
    /// <param name="pixels">RGB bytes [height, width, 3]; both sides multiples of the block's.</param>
    public static Signature Of(ReadOnlySpan<byte> pixels, int width, int height, int block)
    {
        if (pixels.Length != width * height * 3 || width % block != 0 || height % block != 0)
            throw new ArgumentException($"{pixels.Length} bytes are no picture of {width} x {height} in blocks of {block}.");
        var (columns, rows) = (width / block, height / block);
        var (colours, sums) = (new float[64], new int[columns * rows * 3]);
        for (var i = 0; i < width * height; i++)
        {
            var (r, g, b) = (pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]);
            colours[(r >> 6) * 16 + (g >> 6) * 4 + (b >> 6)]++;
            var at = 3 * (i / width / block * columns + i % width / block);
            (sums[at], sums[at + 1], sums[at + 2]) = (sums[at] + r, sums[at + 1] + g, sums[at + 2] + b);
        }
        for (var i = 0; i < colours.Length; i++) colours[i] /= width * height;
        return new(colours, [.. sums.Select(sum => (byte)((sum + block * block / 2) / (block * block)))], columns);
    }

    /// <summary>How different the colours are: 0 the same share of each, 1 none in common.</summary>
    public double ColourDistance(Signature other)
    {
        var common = 0f;
        for (var i = 0; i < Colours.Length; i++) common += Math.Min(Colours[i], other.Colours[i]);
        return 1 - common;
    }

    /// <summary>Mean difference of the blocks' channels, 0 to 1.</summary>
    public double BlockDistance(Signature other)
    {
        var sum = 0;
        for (var i = 0; i < Blocks.Length; i++) sum += Math.Abs(Blocks[i] - other.Blocks[i]);
        return sum / (255.0 * Blocks.Length);
    }

    /// <summary>
    /// Mean difference of the edges, 0 to 1: of the steps in brightness from each block to the one right of it and the one below it. It
    /// does not change when a picture becomes lighter as a whole.
    /// </summary>
    public double EdgeDistance(Signature other)
    {
        var (sum, count) = (0, 0);
        for (var i = 0; i < Blocks.Length / 3; i++)
        {
            if ((i + 1) % Columns != 0) Add(i, i + 1);
            if (i + Columns < Blocks.Length / 3) Add(i, i + Columns);
        }
        return sum / (2 * 3 * 255.0 * count);

        void Add(int a, int b)
        {
            sum += Math.Abs(Light(b) - Light(a) - other.Light(b) + other.Light(a));
            count++;
        }
    }

    /// <summary>
    /// As a vector of length 1 for cosines: half of it the square roots of the colours' shares (their Bhattacharyya coefficient), half the
    /// blocks' brightness less its mean.
    /// </summary>
    public float[] Look()
    {
        var (light, mean) = (new float[Blocks.Length / 3], 0f);
        for (var i = 0; i < light.Length; i++) mean += (light[i] = Light(i)) / light.Length;
        for (var i = 0; i < light.Length; i++) light[i] -= mean;
        var length = Math.Max(1e-6f, MathF.Sqrt(light.Sum(x => x * x)));
        return [.. Colours.Select(share => MathF.Sqrt(share / 2)), .. light.Select(x => x / length * MathF.Sqrt(0.5f))];
    }

    /// <summary>Three times the brightness of a block.</summary>
    int Light(int block) => Blocks[3 * block] + Blocks[3 * block + 1] + Blocks[3 * block + 2];
}
