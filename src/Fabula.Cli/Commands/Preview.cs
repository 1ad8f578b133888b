using System.Text;
using Fabula.Build;
using Fabula.Production;

namespace Fabula.Cli.Commands;

/// <summary>The middle frame of a clip as half blocks, two pixels to a letter, in 24-bit colours.</summary>
static class Preview
{
    const int Columns = 56;

    public static void Draw(Film film, Artifact clip)
    {
        using var folder = BuildFolder.OpenToRead(film.Build);
        using var file = FramesFile.Open(folder.Store.PathOf(clip));
        var frame = file.Read().ElementAt(file.Frames / 2);
        var rows = Math.Max(2, Columns * file.Height / file.Width / 2 * 2);
        var text = new StringBuilder();
        for (var y = 0; y < rows; y += 2)
        {
            for (var x = 0; x < Columns; x++)
                text.Append($"\x1b[38;2;{Colour(x, y)}m\x1b[48;2;{Colour(x, y + 1)}m▀");
            text.Append("\x1b[0m\n");
        }
        Console.Write(text);

        string Colour(int x, int y)
        {
            var at = (y * file.Height / rows * file.Width + x * file.Width / Columns) * 3;
            return $"{frame[at]};{frame[at + 1]};{frame[at + 2]}";
        }
    }
}
