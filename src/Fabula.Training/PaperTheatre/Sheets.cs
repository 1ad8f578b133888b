// The two contact sheets of docs/paper-theatre.md.
namespace Fabula.Training.PaperTheatre;

public static class Sheets
{
    const int Width = 224, Height = 128;

    /// <summary>Three people in a row, three rows of each kind, on plain ground.</summary>
    public static void People(Stream output)
    {
        using var stage = new Stage(Width, Height);
        var pictures = new List<ReadOnlyMemory<byte>>();
        foreach (var kind in Enum.GetValues<Kind>())
            for (var i = 0; i < 3; i++)
                pictures.Add(stage.Draw(new(new(Place.Plain, Accent: (Accent)(i + 1)), ShotSize.Wide, CameraMove.Static,
                    [.. Enumerable.Range(0, 3).Select(j => new Role(Person.Draw(new Chance(5)[$"{kind}"][i * 3 + j], kind),
                        Blocking.Stay(Doing.Stand, 50 + 62 * j, (1 - j) * 0.5)))], Frames: 1)).Frames);
        ContactSheet.Write(output, pictures, Width, Height, 3);
    }

    /// <summary>One row for each shot, four moments of it: places and hours, doors, edges, seats, steps, sizes.</summary>
    public static void Shots(Stream output)
    {
        using var stage = new Stage(Width, Height);
        var pictures = new List<ReadOnlyMemory<byte>>();
        void Row(ShotSpec spec, params int[] moments)
        {
            var clip = stage.Draw(spec);
            foreach (var moment in moments) pictures.Add(clip.Frame(moment).ToArray());
        }
        static Person Who(Kind kind, int seed) => Person.Draw(new Chance(31)[seed], kind);
        static ShotSpec At(Place place, TimeOfDay time, Accent accent, ShotSize size = ShotSize.Wide, double centre = 112) =>
            new(new(place, time, accent), size, CameraMove.Static, [], centre);

        var kitchen = At(Place.Kitchen, TimeOfDay.Day, Accent.Blue);
        Row(kitchen with
        {
            Roles = [new(Who(Kind.OldWoman, 1), Blocking.EnterByDoor(kitchen, 110, 0.06, 0.9, Doing.Stand),
            Carried.Basket)]
        }, 0, 4, 8, 15);
        var snow = At(Place.Snow, TimeOfDay.Morning, Accent.Red);
        Row(snow with { Roles = [new(Who(Kind.Boy, 2), Blocking.Enter(snow, -1, 120, 0, 0.95, Doing.Wave))] }, 3, 6, 9, 12);
        var street = At(Place.Street, TimeOfDay.Evening, Accent.Green);
        Row(street with { Roles = [new(Who(Kind.Man, 3), [new(0, 1, Doing.Walk, new(60), new(150))], Carried.Suitcase)] }, 2, 5, 8, 11);
        var fire = At(Place.LivingRoom, TimeOfDay.Night, Accent.Red, ShotSize.Medium, 92);
        Row(fire with { Roles = [new(Who(Kind.OldMan, 4), Blocking.Stay(Doing.Sit, 92, 1))] }, 4);
        Row(At(Place.Beach, TimeOfDay.Day, Accent.Yellow, ShotSize.Close) with
        {
            Roles = [new(Who(Kind.Girl, 5), Blocking.Stay(Doing.Talk,
            112, 0.2))]
        }, 9);
        Row(At(Place.Park, TimeOfDay.Day, Accent.Purple) with { Roles = [new(Who(Kind.Woman, 6), Blocking.Stay(Doing.Jump, 112))] }, 3);
        Row(At(Place.Mountains, TimeOfDay.Evening, Accent.Blue) with
        {
            Roles = [new(Who(Kind.Man, 7), Blocking.Stay(Doing.Point, 90,
            0.7))]
        }, 8);
        var library = At(Place.Library, TimeOfDay.Morning, Accent.Purple);
        Row(library with
        {
            Roles = [new(Who(Kind.Woman, 8), Blocking.Exit(library, 1, 150, 0.2, 1, Doing.Talk)), new(Who(Kind.Girl, 9),
                Blocking.Stay(Doing.Wave, 96, 0.5))],
        }, 2, 6, 10, 12);
        foreach (var (place, time, accent) in new[]
        {
            (Place.Forest, TimeOfDay.Day, Accent.Red), (Place.City, TimeOfDay.Night, Accent.Yellow), (Place.Farm, TimeOfDay.Evening,
                Accent.Red),
            (Place.Bedroom, TimeOfDay.Night, Accent.Blue),
        })
            Row(At(place, time, accent) with
            {
                Roles = [new(Who((Kind)((int)place % 6), 10), Blocking.Stay(Doing.Stand, 120, 0.3),
            Carried.Balloon)]
            }, 0);
        ContactSheet.Write(output, pictures, Width, Height, 4);
    }
}
