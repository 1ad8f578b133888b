// A film of flat, counted pictures, in which each frame says which clip and which frame it is.
using Fabula.Narrative;
using Fabula.Narrative.Fountain;
using Fabula.Production.Delivery;

namespace Fabula.Production.Tests.Delivery;

sealed class SmallFilm : IDisposable
{
    public const int Width = 32, Height = 16;

    /// <summary>Small, so that a test takes no longer than it must.</summary>
    public static DeliveryOptions Options { get; } = new(Width: 160);

    public string Folder { get; } = Directory.CreateTempSubdirectory("fabula-delivery-").FullName;
    public string Out => Path.Combine(Folder, "out");

    public const string Story = """
        Title: Two Hats

        FADE IN:

        EXT. PARK - DAY

        Ada waits in the park. [[shot: wide]]

        ADA
        Where is my hat?

        Ben enters from the left. [[shot: wide]] [[continue]]

        BEN
        (happily)
        Here it is!

        Ada waves. [[shot: wide]] [[bridge]]

        INT. KITCHEN - NIGHT

        [[dissolve: 4 frames]]
        Ben sits in the kitchen.

        Ada enters through the door. [[fade: 4 frames]]

        > FADE OUT.
        """;

    public static readonly Bible Bible = BibleReader.Read("""
        film: { width: 32, height: 16, rate: 8, frames: 17, seed: 3 }
        people:
          ada: a woman with black hair
          ben: a man with a beard
        places:
          park: a green park
          kitchen: { inside: yes, looks: a small kitchen }
        """);

    public static Planned Planned(string story = Story) => ScreenplayPlanner.Plan(FountainReader.Read(story), Bible);

    /// <param name="paint">The grey value, or the whole colour, of a clip's frame.</param>
    public FilmDelivery.Input Input(FilmPlan? plan = null, Func<int, int, (byte, byte, byte)>? paint = null, string model = "Stand-in")
    {
        plan ??= Planned().Plan;
        paint ??= (clip, frame) => ((byte)(40 + 20 * clip), (byte)(60 + 2 * frame), 128);
        var clips = new List<ShotClip>();
        foreach (var shot in plan.Shots)
        {
            var join = plan.Transitions.FirstOrDefault(join => join.To == shot.Id);
            if (join?.Method == JoinMethod.Bridge) Add(join.Id, 9, 1, "They walk.");
            Add(shot.Id, shot.Frames, join?.Method is JoinMethod.Bridge or JoinMethod.Continue ? 1 : 0, shot.Prompt);
        }
        return new(plan, clips, new(model, new string('a', 64), 12, 2.5, "0.1.0"), Bible, FountainReader.Read(Story));

        void Add(string id, int frames, int drop, string prompt)
        {
            var (number, path) = (clips.Count, Path.Combine(Folder, $"{clips.Count}.frames"));
            FramesFile.Write(path, Width, Height, frames, Enumerable.Range(0, frames).Select(frame => Picture(paint(number, frame))));
            clips.Add(new(id, path, Width, Height, frames, plan.Film.Rate, drop, (ulong)(100 + number), prompt,
                [.. clips.Take(2).Select(clip => clip.ShotId)], Build.Artifact.OfFile(path).Digest.ToString()));
        }
    }

    /// <summary>A flat picture with a lighter right half, so that it has a spread.</summary>
    public static byte[] Picture((byte R, byte G, byte B) colour)
    {
        var picture = new byte[Width * Height * 3];
        for (var i = 0; i < picture.Length; i += 3)
        {
            var more = i / 3 % Width < Width / 2 ? 0 : 20;
            (picture[i], picture[i + 1], picture[i + 2]) = (Lighter(colour.R), Lighter(colour.G), Lighter(colour.B));
            byte Lighter(byte value) => (byte)Math.Min(255, value + more);
        }
        return picture;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
