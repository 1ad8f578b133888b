// PNG files, by the writer that films have too.
using Fabula.Models;

namespace Fabula.Training;

public static class Png
{
    /// <inheritdoc cref="PngWriter.Write"/>
    public static void Write(Stream output, ReadOnlySpan<byte> rgb, int width, int height) => PngWriter.Write(output, rgb, width, height);
}
