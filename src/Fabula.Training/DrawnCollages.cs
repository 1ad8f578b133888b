// Drawn shots as a film's drafts have them: people cut out of their portraits and laid on the empty place where the shot has them.
using Fabula.Models;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <param name="stage">Of the frames' size, in pixels.</param>
/// <param name="mirrored">Boxes are those of frames turned left to right.</param>
public sealed class DrawnCollages(Stage stage, int width, int height, bool mirrored = false) : IDisposable
{
    // Portraits are twice as large as the frames, as reference pictures are larger.
    readonly Stage _portraits = new(2 * width, 2 * height);
    readonly Dictionary<Person, (CutOut Figure, (double X, double Y, double Scale) Feet)> _people = [];

    public CutOut Figure(Person person) => Of(person).Figure;

    (CutOut Figure, (double X, double Y, double Scale) Feet) Of(Person person)
    {
        if (_people.TryGetValue(person, out var known)) return known;
        var spec = ShotSpec.Portrait(person);
        var figure = CutOut.Of(new(_portraits.Draw(spec).Frames, 2 * width, 2 * height))!;
        return _people[person] = (figure, _portraits.Feet(spec, 0, 0)!.Value);
    }

    /// <summary>
    /// Where everybody is in each frame, in the order of the roles, as the portraits have them: standing, whatever they do, and whole.
    /// </summary>
    public StageBox[][] Boxes(ShotSpec shot) => [.. Enumerable.Range(0, shot.Frames).Select(frame => BoxesAt(shot, frame))];

    /// <summary>The same of one frame.</summary>
    public StageBox[] BoxesAt(ShotSpec shot, int frame) =>
        [.. Enumerable.Range(0, shot.Roles.Count).Select(role => Box(shot, role, (double)frame / Math.Max(1, shot.Frames - 1)))];

    StageBox Box(ShotSpec shot, int role, double t)
    {
        if (stage.Feet(shot, role, t) is not { } feet) return default;
        var (figure, model) = Of(shot.Roles[role].Person);
        var (cut, larger) = (figure.Bounds, feet.Scale / model.Scale);
        var (left, right) = ((feet.X + (cut.Left - model.X) * larger) / width, (feet.X + (cut.Right + 1 - model.X) * larger) / width);
        var (top, bottom) = ((feet.Y + (cut.Top - model.Y) * larger) / height, (feet.Y + (cut.Bottom + 1 - model.Y) * larger) / height);
        return right < 0 || left > 1 ? default : mirrored ? new(1 - right, top, 1 - left, bottom) : new(left, top, right, bottom);
    }

    /// <summary>The collages of some frames of a shot, on the empty place that each of them sees.</summary>
    public IReadOnlyList<Picture> Of(ShotSpec shot, StageBox[][] boxes, IReadOnlyList<int> frames)
    {
        var (cast, plates) = (shot.Roles.Select(role => Figure(role.Person)).ToList(), stage.Draw(shot.Plate, [.. frames]));
        return [.. frames.Select((frame, at) =>
            Collage.Of(new Picture(plates.Frame(at).ToArray(), width, height), cast, boxes[frame]))];
    }

    /// <summary>The collages of a shot between a first and a last frame, as a film's bridge has them.</summary>
    public IReadOnlyList<Picture> Between(ShotSpec shot, StageBox[][] boxes, byte[] first, byte[] last)
    {
        Picture Of(byte[] rgb) => new(rgb, width, height);
        var place = stage.Draw(shot.Plate, 0).Frames;
        return Collage.Clip(Of(place), [.. shot.Roles.Select(role => Figure(role.Person))], boxes, Of(first), Of(last));
    }

    public void Dispose() => _portraits.Dispose();
}
