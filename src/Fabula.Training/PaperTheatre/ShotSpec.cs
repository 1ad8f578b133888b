// A shot as data: where, who, who does what when, and how the camera looks. A spec holds everything that the stage needs; the same spec
// gives the same pixels. Coordinates are stage units: the stage is 224 wide and 128 high, x to the right, feet on the front line at y =
// 114.
namespace Fabula.Training.PaperTheatre;

public enum ShotSize { Wide, Medium, Close }
public enum CameraMove { Static, PanLeft, PanRight, ZoomIn, ZoomOut }
public enum Doing { Stand, Walk, Run, Wave, Jump, Sit, Talk, Point }
public enum Carried { Box, Basket, Balloon, Umbrella, Flowers, Suitcase, Book, Teddy }
public enum Prop { Ball, Crate, Barrel, Pot, Lantern, Cat, Dog }

/// <param name="Depth">0 is the front line, 1 the doorway in the back wall; beyond 1 the wall hides whoever stands beside the
/// opening.</param>
public readonly record struct Spot(double X, double Depth = 0);

/// <summary>One piece of a person's time line, from Start to End (0 is the first frame of the shot, 1 the last).</summary>
/// <param name="Facing">-1 left, 0 to the audience, 1 right; somebody who walks or runs looks where they go.</param>
public sealed record Beat(double Start, double End, Doing Doing, Spot From, Spot To, double Facing = 0)
{
    public static Beat At(double start, double end, Doing doing, Spot spot, double facing = 0) => new(start, end, doing, spot, spot,
        facing);
}

/// <summary>One person's part in a shot.</summary>
/// <param name="Beats">In order of time; the first starts at 0, each ends where the next starts, the last ends at 1.</param>
/// <param name="Name">What a screenplay calls this person; null for "the old woman".</param>
public sealed record Role(Person Person, IReadOnlyList<Beat> Beats, Carried? Carries = null, string? Name = null);

public sealed record PlacedProp(Prop Prop, double X);

/// <param name="Centre">Where the camera looks, x in stage units; a wide shot looks at 112.</param>
/// <param name="Roles">0 to 3 people; the first ones are drawn behind the later ones where they stand side by side.</param>
public sealed record ShotSpec(
    Location Location, ShotSize Size, CameraMove Camera, IReadOnlyList<Role> Roles, double Centre = ShotSpec.StageWidth / 2,
    int Frames = 17)
{
    public const double StageWidth = 224, StageHeight = 128, Ground = 114;
    /// <summary>Frames in a second; walking people step at a natural pace at this rate.</summary>
    public const double FramesPerSecond = 8;

    public IReadOnlyList<PlacedProp> Props { get; init; } = [];
    /// <summary>For an empty place: how tall the people are whom the camera is set up for, in stage units.</summary>
    public double Framing { get; init; } = 76;

    public double Seconds => Math.Max(1, Frames - 1) / FramesPerSecond;
    /// <summary>How much nearer than in a wide shot. On plain ground a medium shot shows people from head to foot.</summary>
    public double Zoom => Size switch { ShotSize.Wide => 1, ShotSize.Medium => Location.Place == Place.Plain ? 1.2 : 1.5, _ => 2.3 };
    /// <summary>An x where nobody can be seen at any time of this shot, at the left (-1) or right (1).</summary>
    public double Outside(int side) =>
        Centre + side * (StageWidth / 2 / Zoom + 40 + (Camera is CameraMove.PanLeft or CameraMove.PanRight ? 12 / Zoom : 0));

    /// <summary>The empty place, seen by the same camera.</summary>
    public ShotSpec Plate => this with
    {
        Roles = [],
        Framing = Roles.Count == 0 ? Framing : Roles.Max(role => role.Person.Size),
    };

    /// <summary>One person on plain ground, from the front; in a medium shot from head to foot.</summary>
    public static ShotSpec Portrait(Person person, ShotSize size = ShotSize.Medium, Accent ground = Accent.Blue) =>
        new(new(Place.Plain, Accent: ground), size, CameraMove.Static, [new(person, [Beat.At(0, 1, Doing.Stand, new(StageWidth / 2))])],
            Frames: 1);
}
