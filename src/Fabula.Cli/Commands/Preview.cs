using System.Text;
using Fabula.Build;
using Fabula.Models;
using Fabula.Production;

namespace Fabula.Cli.Commands;

/// <summary>
/// The middle frame of a clip in a terminal: as a picture where it speaks kitty's protocol, else as half blocks, two pixels to a letter.
/// </summary>
sealed class Preview
{
    /// <summary>Letters beside one another; and the most base64 letters of one piece of kitty's protocol.</summary>
    const int Columns = 56, Piece = 4096;

    readonly Action<byte[], int, int> _draw;

    Preview(Action<byte[], int, int> draw) => _draw = draw;

    /// <summary>What this terminal can show, by what it says of itself; null: no pictures.</summary>
    public static Preview? OfTerminal()
    {
        static string Variable(string name) => Environment.GetEnvironmentVariable(name) ?? "";
        if (Variable("NO_COLOR").Length > 0) return null;
        var terminal = Variable("TERM");
        if (terminal is "xterm-kitty" or "xterm-ghostty") return new(Kitty);
        if (Variable("COLORTERM") is "truecolor" or "24bit")
            return new((rgb, width, height) => Blocks(rgb, width, height, (r, g, b) => $"2;{r};{g};{b}"));
        return terminal.Contains("256color", StringComparison.Ordinal)
            ? new((rgb, width, height) => Blocks(rgb, width, height, (r, g, b) => $"5;{16 + 36 * Sixth(r) + 6 * Sixth(g) + Sixth(b)}"))
            : null;

        static int Sixth(byte value) => (value * 5 + 127) / 255;
    }

    public void Draw(Film film, Artifact clip)
    {
        using var folder = BuildFolder.OpenToRead(film.Build);
        using var file = FramesFile.Open(folder.Store.PathOf(clip));
        _draw(file.Read().ElementAt(file.Frames / 2), file.Width, file.Height);
    }

    /// <summary>https://sw.kovidgoyal.net/kitty/graphics-protocol: a PNG in pieces; q=2 asks for no answer.</summary>
    static void Kitty(byte[] rgb, int width, int height)
    {
        using var png = new MemoryStream();
        PngWriter.Write(png, rgb, width, height);
        var letters = Convert.ToBase64String(png.ToArray());
        var text = new StringBuilder();
        for (var at = 0; at < letters.Length; at += Piece)
        {
            var last = at + Piece >= letters.Length;
            text.Append("\x1b_G").Append(at == 0 ? $"a=T,f=100,c={Columns},q=2," : "").Append(last ? "m=0;" : "m=1;")
                .Append(letters, at, last ? letters.Length - at : Piece).Append("\x1b\\");
        }
        Console.WriteLine(text);
    }

    static void Blocks(byte[] rgb, int width, int height, Func<byte, byte, byte, string> colour)
    {
        var rows = Math.Max(2, Columns * height / width / 2 * 2);
        var text = new StringBuilder();
        for (var y = 0; y < rows; y += 2)
        {
            for (var x = 0; x < Columns; x++) text.Append($"\x1b[38;{At(x, y)}m\x1b[48;{At(x, y + 1)}m▀");
            text.Append("\x1b[0m\n");
        }
        Console.Write(text);

        string At(int x, int y)
        {
            var pixel = (y * height / rows * width + x * width / Columns) * 3;
            return colour(rgb[pixel], rgb[pixel + 1], rgb[pixel + 2]);
        }
    }
}
