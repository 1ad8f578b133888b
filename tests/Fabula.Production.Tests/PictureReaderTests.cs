using Fabula.Models;
using Fabula.Production.Delivery;

namespace Fabula.Production.Tests;

/// <summary>Reference pictures that are no PNG, and files that only look like pictures.</summary>
public sealed class PictureReaderTests : IDisposable
{
    const int Width = 64, Height = 48;

    readonly string _folder = Directory.CreateTempSubdirectory("fabula-pictures-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Left half red, right half blue, written by ffmpeg.</summary>
    string Painted(string name, params string[] options)
    {
        var rgb = new byte[Width * Height * 3];
        for (var i = 0; i < Width * Height; i++) rgb[3 * i + (i % Width < Width / 2 ? 0 : 2)] = 240;
        Ffmpeg.Run("ffmpeg", _folder, ["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", $"{Width}x{Height}", "-i", "pipe:0",
            .. options, name], name, [rgb], default);
        return Path.Combine(_folder, name);
    }

    static Picture Read(string path) => PictureReader.Read(path, CancellationToken.None);

    [Theory, InlineData("a.jpg"), InlineData("a.webp"), InlineData("a.bmp"), InlineData("a.gif"), InlineData("a.png")]
    public void Every_usual_kind_of_picture_is_read(string name)
    {
        var path = Painted(name);
        var picture = Read(path);
        Assert.Equal((Width, Height), (picture.Width, picture.Height));
        int At(int x, int channel) => picture.Rgb[(24 * Width + x) * 3 + channel];
        Assert.InRange(At(8, 0), 200, 255);
        Assert.InRange(At(8, 2), 0, 40);
        Assert.InRange(At(56, 2), 200, 255);
        // It is told by what is in it, not by its name, and comes out the same every time.
        var renamed = Path.Combine(_folder, "renamed.txt");
        File.Copy(path, renamed);
        Assert.Equal(picture.Rgb, Read(renamed).Rgb);
    }

    [Fact]
    public void Transparency_is_laid_over_white()
    {
        var path = Painted("clear.webp", "-vf", "format=rgba,colorchannelmixer=aa=0", "-lossless", "1");
        Assert.All(Read(path).Rgb, level => Assert.InRange(level, 250, 255));
    }

    [Fact]
    public void What_cannot_be_read_is_told_in_one_sentence()
    {
        var whole = File.ReadAllBytes(Painted("whole.jpg"));
        string Refused(byte[] bytes, string ffmpeg = "ffmpeg")
        {
            var path = Path.Combine(_folder, "refused.jpg");
            File.WriteAllBytes(path, bytes);
            return Assert.Throws<InvalidDataException>(() => PictureReader.Read(path, CancellationToken.None, ffmpeg)).Message;
        }
        Assert.Contains("is a JPEG that cannot be read", Refused(whole[..(whole.Length / 3)]));
        Assert.Contains("save it as PNG", Refused([0xFF, 0xD8, 0xFF, .. new byte[50]]));
        Assert.Contains("no picture that is read here", Refused("#EXTM3U\nfile:///etc/passwd\n"u8.ToArray()));
        Assert.Contains("ffmpeg", Refused(whole, "no-such-ffmpeg"));
        // More pixels than are read: 60000 x 60000 in a header of a few bytes.
        Assert.Contains("cannot be read", Refused([(byte)'G', (byte)'I', (byte)'F', (byte)'8', (byte)'9', (byte)'a', 0x60, 0xEA, 0x60, 0xEA,
            0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2C, 0, 0, 0, 0, 0x60, 0xEA, 0x60, 0xEA, 0, 2, 2, 0x44, 1, 0, 0x3B]));
    }

    [Fact]
    public async Task A_production_takes_a_photograph_as_reference()
    {
        using var production = new SmallProduction();
        File.Copy(Painted("ada.jpg"), Path.Combine(production.Root, "ada.jpg"));
        production.Edit("bible.yaml", "ada: a woman with a red shirt",
            "ada:\n    looks: a woman with a red shirt\n    pictures: [ada.jpg]");
        var made = await production.Make();
        Assert.True(made.Succeeded);
        Assert.Contains("portrait/ada", made.Ran);
    }
}
