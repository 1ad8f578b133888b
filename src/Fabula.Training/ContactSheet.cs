// Many pictures on one sheet, for people to look at.
using Fabula.Models;

namespace Fabula.Training;

public static class ContactSheet
{
    /// <summary>Writes pictures of one size, RGB bytes [height, width, 3], in rows of `columns` with a light gap between.</summary>
    public static void Write(Stream output, IReadOnlyList<ReadOnlyMemory<byte>> pictures, int width, int height, int columns, int gap = 3)
    {
        var rows = (pictures.Count + columns - 1) / columns;
        var (sheetWidth, sheetHeight) = (columns * (width + gap) + gap, rows * (height + gap) + gap);
        var sheet = new byte[sheetWidth * sheetHeight * 3];
        sheet.AsSpan().Fill(245);
        for (var i = 0; i < pictures.Count; i++)
        {
            var (left, top) = (gap + i % columns * (width + gap), gap + i / columns * (height + gap));
            for (var y = 0; y < height; y++)
                pictures[i].Span.Slice(y * width * 3, width * 3).CopyTo(sheet.AsSpan(((top + y) * sheetWidth + left) * 3));
        }
        PngWriter.Write(output, sheet, sheetWidth, sheetHeight);
    }
}
