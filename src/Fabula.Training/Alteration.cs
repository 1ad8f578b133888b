// The synthetic shot that is the first one altered (OneStory, section 4.4: "spatial and colour augmentation"), on latents.
namespace Fabula.Training;

/// <summary>Mirrored or not, moved by up to an eighth, each channel with a gain and an offset; the same for all frames of a shot.</summary>
/// <param name="colourChange">Deviation of gain and offset, in latents, which have deviation 1.</param>
public sealed class Alteration(Chance chance, int rows, int columns, double colourChange)
{
    readonly bool _mirrored = chance["mirrored"].Happens(0.5);
    readonly int _down = chance["down"].Below(rows / 4 + 1) - rows / 8, _along = chance["along"].Below(columns / 4 + 1) - columns / 8;

    /// <summary>One channel of one frame, [rows, columns].</summary>
    public void Apply(ReadOnlySpan<float> picture, int channel, Span<float> into)
    {
        // Uniform numbers of this deviation.
        double Change(string what) => colourChange * Math.Sqrt(3) * chance["channel"][channel][what].Between(-1, 1);
        var (gain, offset) = (1 + Change("gain"), Change("offset"));
        for (var row = 0; row < rows; row++)
            for (var column = 0; column < columns; column++)
            {
                var (r, c) = (Math.Clamp(row + _down, 0, rows - 1), Math.Clamp(column + _along, 0, columns - 1));
                into[row * columns + column] = (float)(picture[r * columns + (_mirrored ? columns - 1 - c : c)] * gain + offset);
            }
    }
}
