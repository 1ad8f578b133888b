// What the location library is worth (InfinityStory): thirty shots in three places, each shot with its place's one plate as background,
// without it, and without it but with StoryMem's bank; how far backgrounds are from the place's first shot and from the plate, and
// whether they drift with the number of the shot. `fabula evaluate places`.
using System.Globalization;
using Fabula.Production;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <param name="Shot">Its number in the film, from 0.</param>
/// <param name="ToFirst">The background's distance to the first shot of its place in the same film; null for that shot itself.</param>
/// <param name="ToPlate">Its distance to the drawn empty place.</param>
public sealed record SeenPlace(string Row, int Shot, double? ToFirst, double ToPlate);

/// <param name="judge">Says where people stand, who are left out of all distances.</param>
public sealed class PlacesTable(Filming filming, Judge judge, ulong seed, int frames = 9, int shots = 30) : IDisposable
{
    public const string Library = "library", Words = "no library", Bank = "no library, StoryMem's bank", Drawn = "drawn truth";
    readonly Stage _stage = new(Filming.Width, Filming.Height);

    public IReadOnlyList<SeenPlace> Observe(int number)
    {
        var story = LongStories.Rounds(new Chance(seed)["places"][number], shots);
        var plates = story.Locations.Select(location => _stage.Draw(new ShotSpec(location, ShotSize.Wide, CameraMove.Static, [],
            Frames: 1)).Frames).ToList();
        return [.. Mark(Drawn, story, plates, i => Middle(_stage.Draw(story.Shots[i].Spec))),
            .. Mark(Library, story, plates, i => Film(story, number, i, plates[story.Shots[i].Place])),
            .. Mark(Words, story, plates, i => Film(story, number, i, null)),
            .. Mark(Bank, story, plates, Banked(story, number))];
    }

    static byte[] Middle(Clip clip) => clip.Frame(clip.Seen.Count / 2).ToArray();

    /// <summary>The words describe place and people in every shot; people have their portraits.</summary>
    byte[] Film(DrawnStory story, int number, int shot, byte[]? plate)
    {
        var people = story.Shots[shot].Cast.Select(who => story.People[who]);
        IReadOnlyList<byte[]> portraits = [.. people.Select(person => _stage.Draw(ShotSpec.Portrait(person)).Frames)];
        return Clip(story, number, shot, portraits, plate)[frames / 2];
    }

    IReadOnlyList<byte[]> Clip(DrawnStory story, int number, int shot, IReadOnlyList<byte[]> memory, byte[]? plate) =>
        filming.Shot(Captions.Write(story.Shots[shot].Spec, Register.Full, new Chance((ulong)number)["words"][shot]),
            (ulong)(1000 * number + shot + 1), frames, memory, drafts: plate is null ? null : [Filming.Of(plate)]);

    /// <summary>The bank of films, fed with what was made, in place of portraits but for a person's first shot.</summary>
    Func<int, byte[]> Banked(DrawnStory story, int number)
    {
        var plan = DrawnPlan.Of(story, new Chance((ulong)number));
        var (bank, met) = (KeyframeBank.Empty, new HashSet<int>());
        var byId = plan.Shots.ToDictionary(shot => shot.Id);
        var placeOf = plan.Scenes.ToDictionary(scene => scene.Id, scene => scene.Location);
        return i =>
        {
            var shot = plan.Shots[i];
            var strangers = story.Shots[i].Cast.Where(met.Add).Select(who => _stage.Draw(ShotSpec.Portrait(story.People[who])).Frames);
            IReadOnlyList<byte[]> memory = [.. strangers, .. filming.Room == 0 ? [] :
                bank.Pick(KeyframeBank.Pins(shot, byId, placeOf), filming.Room).Select(at => bank.Entries[at].Rgb)];
            var clip = Clip(story, number, i, memory, null);
            bank = bank.With(new BankLabel(shot.Id, 0, [.. shot.Start.Union(shot.End)], placeOf[shot.Scene]), clip, Filming.Width,
                Filming.Height);
            return clip[frames / 2];
        };
    }

    IEnumerable<SeenPlace> Mark(string row, DrawnStory story, List<byte[]> plates, Func<int, byte[]> film)
    {
        var firsts = new Dictionary<int, (byte[] Frame, Reading Reading)>();
        for (var i = 0; i < story.Shots.Count; i++)
        {
            var (frame, place) = (film(i), story.Shots[i].Place);
            var reading = judge.Read(frame, Filming.Width, Filming.Height);
            var first = firsts.TryAdd(place, (frame, reading)) ? (double?)null : Pictures.BackgroundDistance(frame, firsts[place].Frame,
                reading, firsts[place].Reading, Filming.Width, Filming.Height);
            var plate = Pictures.BackgroundDistance(frame, plates[place], Pictures.PeopleMask(reading, Filming.Width, Filming.Height));
            if (double.IsFinite(plate)) yield return new(row, i, first is { } value && double.IsFinite(value) ? value : null, plate);
        }
    }

    /// <summary>One number of a story to a cell: its mean, or the slope of its shots.</summary>
    public static IReadOnlyList<EvidenceTable> Tables(IReadOnlyList<IReadOnlyList<SeenPlace>> stories)
    {
        Interval Over(string row, Func<IReadOnlyList<SeenPlace>, double?> of) => Interval.OfMean([.. stories
            .Select(story => of([.. story.Where(seen => seen.Row == row)])).OfType<double>().Where(double.IsFinite)]);
        string Slope(string row, Func<SeenPlace, double?> of) => Over(row, seen => Drift([.. seen.Where(shot => of(shot) is not null)
            .Select(shot => ((double)shot.Shot, of(shot)!.Value))])) is { Count: > 0 } slope ? string.Create(CultureInfo.InvariantCulture,
                $"{10000 * slope.Mean:+0.0;-0.0;0.0} ({10000 * slope.Low:+0.0;-0.0;0.0} to {10000 * slope.High:+0.0;-0.0;0.0})")
            : "nothing to measure";
        double? Mean(IEnumerable<double?> values) => values.OfType<double>().ToList() is { Count: > 0 } some ? some.Average() : null;
        string[] rows = [Library, Words, Bank, Drawn];
        return [new("Backgrounds over thirty shots in three places",
            ["background", "to the first shot there", "its drift", "to the plate", "its drift"],
            [.. rows.Select(row => (string[])[row, Over(row, seen => Mean(seen.Select(shot => shot.ToFirst))).AsDistance,
                Slope(row, shot => shot.ToFirst), Over(row, seen => Mean(seen.Select(shot => (double?)shot.ToPlate))).AsDistance,
                Slope(row, shot => shot.ToPlate)])],
            ["Distance: mean difference of levels, 0 to 1, where no people are, in the middle of each shot.",
                "Drift: slope of the distance against the shot's number, in levels of 10,000 a shot, 95 % interval over stories."])];
    }

    /// <summary>The slope of a straight line through the points, by least squares; NaN for fewer than two places.</summary>
    public static double Drift(IReadOnlyList<(double X, double Y)> points)
    {
        if (points.Count < 2) return double.NaN;
        var (x, y) = (points.Average(point => point.X), points.Average(point => point.Y));
        return points.Sum(point => (point.X - x) * (point.Y - y)) / points.Sum(point => (point.X - x) * (point.X - x));
    }

    public void Dispose() => _stage.Dispose();
}
