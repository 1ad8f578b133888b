using System.CommandLine;
using Fabula.Narrative;
using Fabula.Training.PaperTheatre;

namespace Fabula.Cli.Commands;

/// <summary>`fabula new NAME`: a small production that works at once, to be changed line by line.</summary>
static class NewCommand
{
    const string Screenplay = """
        Title: The Red Ball
        Author: You

        EXT. PARK - DAY

        Ada walks to the right. [[shot: wide]]

        Ben enters from the left and waves. [[shot: medium]]

        BEN
        Good morning!

        INT. KITCHEN - DAY

        Ada and Ben sit on the chair. [[shot: wide]]

        Close on Ada. She talks and waves.

        """;

    const string Ada = "a woman with tanned skin, long black hair and a red dress";
    const string Ben = "a boy with fair skin, curly brown hair, a green shirt and grey trousers";
    const string Park = "in a green park with red flowers";
    const string Kitchen = "in the kitchen with yellow cupboards";

    const string Bible = $"""
        # Who and what the film is about, and how it looks. docs/screenplay.md explains every line. The pictures are drawn by Paper Theatre
        # (fabula theatre portrait, fabula theatre plate); any PNG of somebody on plain ground, or of an empty place, will do.
        film:
          width: 224
          height: 128
          rate: 8
          frames: 17
          seed: 7

        people:
          ada:
            looks: {Ada}
            pictures: [pictures/ada.png]
          ben:
            looks: {Ben}
            pictures: [pictures/ben.png]

        places:
          park:
            looks: {Park}
            pictures: [pictures/park.png]
          kitchen:
            inside: yes
            looks: {Kitchen}
            pictures: [pictures/kitchen.png]

        """;

    static (string Name, ShotSpec Spec)[] Pictures =>
    [
        ("ada.png", TheatreCommand.Portrait(Ada)),
        ("ben.png", TheatreCommand.Portrait(Ben)),
        ("park.png", TheatreCommand.Plate(Park)),
        ("kitchen.png", TheatreCommand.Plate(Kitchen)),
    ];

    public static Command Create()
    {
        var name = new Argument<string>("NAME") { Description = "The folder to be made" };
        var command = new Command("new", "Makes a production folder that already works") { name };
        command.SetAction(parsed => Outcome.Of(() => Run(parsed.GetValue(name)!)));
        return command;
    }

    static int Run(string name)
    {
        var path = Path.GetFullPath(name);
        if (Directory.Exists(path) || File.Exists(path)) throw new NarrativeException($"'{name}' is there already. Choose another name.");
        var temporary = $"{path}.{Environment.ProcessId}.new";
        try
        {
            Directory.CreateDirectory(Path.Combine(temporary, "pictures"));
            foreach (var (picture, spec) in Pictures)
                TheatreCommand.Draw(spec, Path.Combine(temporary, "pictures", picture), TheatreCommand.Width, TheatreCommand.Height);
            File.WriteAllText(Path.Combine(temporary, "screenplay.fountain"), Screenplay.ReplaceLineEndings("\n"));
            File.WriteAllText(Path.Combine(temporary, "bible.yaml"), Bible.ReplaceLineEndings("\n"));
            Directory.Move(temporary, path);
        }
        catch
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
            throw;
        }
        Console.WriteLine($"{Outcome.Shown(name)} is ready: screenplay.fountain and bible.yaml are yours to change. Make the film with:");
        Console.WriteLine($"  fabula make {Outcome.Shown(name)}");
        return 0;
    }
}
