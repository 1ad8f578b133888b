using System.CommandLine;
using Fabula.Models;
using Fabula.Training;
using Fabula.Training.Curation;
using Fabula.Training.PaperTheatre;

namespace Fabula.Cli.Commands;

/// <summary>`fabula theatre`: Paper Theatre draws a person, a place or a thing from words, as a reference picture for a bible; and films
/// to measure shot boundary detectors on.</summary>
static class TheatreCommand
{
    public static Command Create() => new("theatre", "What Paper Theatre draws: reference pictures, and films to measure on")
    {
        Drawing("portrait", "Somebody, from the front: \"a girl with fair skin, brown pigtails and a red dress\"",
            Portrait),
        Drawing("plate", "A place without people: \"on the beach in the morning with a yellow parasol\"",
            Plate),
        Thing(),
        Boundaries(),
    };

    /// <summary>Pixels of a picture unless told.</summary>
    public const int Width = 448, Height = 256;

    public static ShotSpec Portrait(string words, ShotSize size = ShotSize.Medium) => ShotSpec.Portrait(FromWords.Person(words), size);

    public static ShotSpec Plate(string words, ShotSize size = ShotSize.Wide) =>
        new(FromWords.Location(words), size, CameraMove.Static, [], Frames: 1);

    static Command Boundaries()
    {
        var films = new Option<int>("--films") { Description = "How many, 1 to 10000", DefaultValueFactory = _ => 40 };
        var seed = new Option<int>("--seed") { Description = "Which ones", DefaultValueFactory = _ => 2 };
        var weights = new Option<string?>("--boundaries")
        {
            Description = "Weights of TransNet V2; the detector without weights unless given",
        };
        var command = new Command("boundaries", "Measures a shot boundary detector on drawn films, whose cuts and dissolves are known")
        {
            films, seed, weights,
        };
        command.SetAction(parsed => Outcome.Of(() =>
        {
            if (parsed.GetValue(films) is < 1 or > 10_000) throw new FormatException("--films is a number from 1 to 10000.");
            using var eyes = new Eyes(parsed.GetValue(weights));
            foreach (var line in BoundaryMarks.Of(eyes, parsed.GetValue(films), (ulong)parsed.GetValue(seed)).Lines())
                Console.WriteLine(line);
            return 0;
        }));
        return command;
    }

    static Command Thing()
    {
        var words = new Argument<string>("WORDS") { Description = "Something that people carry: \"a basket of apples\", \"a teddy bear\"" };
        var picture = new Argument<string>("PICTURE") { Description = "The PNG to write" };
        var width = new Option<int>("--width") { Description = "In pixels, 16 to 4096", DefaultValueFactory = _ => Height };
        var height = new Option<int>("--height") { Description = "In pixels, 16 to 4096", DefaultValueFactory = _ => Height };
        var command = new Command("prop", words.Description) { words, picture, width, height };
        command.SetAction(parsed => Outcome.Of(() =>
        {
            var (wide, high) = (parsed.GetValue(width), parsed.GetValue(height));
            CheckSize(wide, high);
            Write(parsed.GetValue(picture)!, PropPicture.Draw(FromWords.Thing(parsed.GetValue(words)!), wide, high), wide, high);
            return 0;
        }));
        return command;
    }

    static Command Drawing(string name, string description, Func<string, ShotSize, ShotSpec> spec)
    {
        var words = new Argument<string>("WORDS") { Description = description };
        var picture = new Argument<string>("PICTURE") { Description = "The PNG to write" };
        var width = new Option<int>("--width") { Description = "In pixels, 16 to 4096", DefaultValueFactory = _ => Width };
        var height = new Option<int>("--height") { Description = "In pixels, 16 to 4096", DefaultValueFactory = _ => Height };
        var size = new Option<ShotSize>("--size")
        {
            Description = "Wide, Medium or Close",
            DefaultValueFactory = _ => name == "plate" ? ShotSize.Wide : ShotSize.Medium,
        };
        var command = new Command(name, description) { words, picture, width, height, size };
        command.SetAction(parsed => Outcome.Of(() => Draw(spec(parsed.GetValue(words)!, parsed.GetValue(size)), parsed.GetValue(picture)!,
            parsed.GetValue(width), parsed.GetValue(height))));
        return command;
    }

    public static int Draw(ShotSpec spec, string picture, int width, int height)
    {
        CheckSize(width, height);
        using var stage = new Stage(width, height);
        Write(picture, stage.Draw(spec).Frame(0), width, height);
        return 0;
    }

    static void CheckSize(int width, int height)
    {
        if (width is < 16 or > 4096 || height is < 16 or > 4096)
            throw new FormatException($"A picture of {width} x {height} cannot be drawn. Give --width and --height from 16 to 4096.");
    }

    static void Write(string picture, ReadOnlySpan<byte> rgb, int width, int height)
    {
        var temporary = picture + ".new";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            PngWriter.Write(file, rgb, width, height);
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, picture, overwrite: true);
    }
}
