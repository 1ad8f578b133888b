// Where the theatre plays. A location is one backdrop: kind, time of day, the colour of what stands out, and whether it is mirrored.
namespace Fabula.Training.PaperTheatre;

/// <summary>The places; Plain is the empty ground of portraits.</summary>
public enum Place { Beach, Forest, Park, Street, City, Mountains, Farm, Snow, Kitchen, Bedroom, LivingRoom, Library, Plain }
public enum TimeOfDay { Morning, Day, Evening, Night }
public enum Accent { Red, Yellow, Green, Blue, Purple }

public sealed record Location(Place Place, TimeOfDay Time = TimeOfDay.Day, Accent Accent = Accent.Red, bool Mirrored = false)
{
    public static readonly Place[] Places = [.. Enum.GetValues<Place>().Where(place => place != Place.Plain)];

    public bool Indoors => Place is Place.Kitchen or Place.Bedroom or Place.LivingRoom or Place.Library;
    /// <summary>The seat's middle and height in stage units; everybody who sits does so there.</summary>
    public (double X, double Height) Seat => (Turn(SeatX(Place)), 14);
    /// <summary>The middle of the door, in stage units; null outdoors.</summary>
    public double? Door => Indoors ? Turn(DoorX(Place)) : null;

    public static Location Draw(Chance chance, Place? of = null) => new(of ?? chance["place"].Pick<Place>(Places),
        chance["time"].Pick(TimeOfDay.Morning, TimeOfDay.Day, TimeOfDay.Day, TimeOfDay.Evening, TimeOfDay.Night),
        chance["accent"].Any<Accent>(), chance["mirrored"].Happens(0.5));

    double Turn(double x) => Mirrored ? ShotSpec.StageWidth - x : x;

    internal static double SeatX(Place place) => place switch
    {
        Place.Beach => 140,
        Place.Forest => 88,
        Place.Park => 112,
        Place.Street => 78,
        Place.City => 150,
        Place.Mountains => 66,
        Place.Farm => 150,
        Place.Snow => 80,
        Place.Kitchen => 128,
        Place.Bedroom => 96,
        Place.LivingRoom => 92,
        _ => 132,
    };

    internal static double DoorX(Place place) => place switch
    {
        Place.Kitchen => 172,
        Place.Bedroom => 44,
        Place.LivingRoom => 172,
        _ => 48
    };
}
