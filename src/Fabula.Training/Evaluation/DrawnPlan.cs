// A drawn story as a film plan, as if somebody had written it down: so a story whose truth is known goes through the very graph that films
// go through. Names are from the theatre's list, words for people and places are the same in every shot, every shot begins with a cut.
using Fabula.Models;
using Fabula.Narrative;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

public static class DrawnPlan
{
    public static string ShotId(int shot) => $"shot-{shot + 1}";
    public static string PersonId(int person) => $"person-{person + 1}";
    public static string PlaceId(int place) => $"place-{place + 1}";
    public static string Portrait(int person) => $"{PersonId(person)}.png";
    public static string Plate(int place) => $"{PlaceId(place)}.png";

    /// <summary>The plan, without errors; every shot remembers what a planned one does. Only people and places that are seen.</summary>
    /// <param name="pictures">The bible has a picture of each person and place (<see cref="Draw"/>).</param>
    /// <param name="described">False: no word says what people look like.</param>
    public static FilmPlan Of(DrawnStory story, Chance chance, bool pictures = false, bool described = true)
    {
        var people = story.People.Select((person, who) => new PlanCharacter
        {
            Id = PersonId(who),
            Name = Lexicon.Ways(person.Female ? "Names.Female" : "Names.Male")[who],
            Appearance = described ? Captions.Describe(person, chance["person"][who]) : "",
            References = pictures ? [Portrait(who)] : [],
        }).ToList();
        var places = story.Locations.Select((location, at) => new PlanLocation
        {
            Id = PlaceId(at),
            Name = $"{location.Place}",
            Inside = location.Indoors,
            Description = Opening(new(location, PaperTheatre.ShotSize.Wide, PaperTheatre.CameraMove.Static, []), chance["place"][at])
                .Split(": ", 2)[^1].TrimEnd('.'),
            References = pictures ? [Plate(at)] : [],
        }).ToList();
        var shots = story.Shots.Select((shot, i) => Shot(shot, i, people, chance)).ToList();
        var used = places.Where(place => shots.Any(shot => shot.Scene == place.Id)).ToList();
        return new()
        {
            Format = FilmPlan.CurrentFormat,
            Film = new() { Title = "A drawn story", Width = Filming.Width, Height = Filming.Height, Rate = 8, Seed = 1 },
            Characters = [.. people.Where(person => shots.Any(shot => shot.Start.Union(shot.End).Contains(person.Id)))],
            Locations = [.. used],
            Scenes = [.. used.Select(place => new PlanScene { Id = place.Id, Heading = place.Name, Location = place.Id })],
            Shots = Memories.Fill(shots, scene => scene, limit: 10),
            Transitions = [.. shots.Zip(shots.Skip(1)).Select(pair =>
                Joins.Make(pair.First, pair.Second, JoinMethod.Cut, frames: 0, id => id, filmSeed: 1))],
        };
    }

    /// <summary>Draws the pictures of the bible into a folder, twice as large as the frames, as reference pictures are larger.</summary>
    public static void Draw(DrawnStory story, string folder)
    {
        Directory.CreateDirectory(folder);
        using var stage = new Stage(2 * Filming.Width, 2 * Filming.Height);
        void Write(string name, ShotSpec spec)
        {
            using var file = File.Create(Path.Combine(folder, name));
            PngWriter.Write(file, stage.Draw(spec).Frames, 2 * Filming.Width, 2 * Filming.Height);
        }
        foreach (var (who, person) in story.People.Index()) Write(Portrait(who), ShotSpec.Portrait(person));
        foreach (var (at, location) in story.Locations.Index())
            Write(Plate(at), new(location, PaperTheatre.ShotSize.Wide, PaperTheatre.CameraMove.Static, [], Frames: 1));
    }

    static PlanShot Shot(StoryShot shot, int number, List<PlanCharacter> people, Chance chance)
    {
        var spec = shot.Spec with
        {
            Roles = [.. shot.Spec.Roles.Zip(shot.Cast, (role, who) => role with { Name = people[who].Name })],
        };
        var said = Captions.Sentences(spec, Register.Screenplay, chance["acts"][number]).Skip(1);
        var acts = string.Join(' ', said.Select(sentence => sentence.Text));
        var (start, end, sides) = (new List<string>(), new List<string>(), new Dictionary<string, string>());
        foreach (var (role, who) in spec.Roles.Zip(shot.Cast))
        {
            var (from, to) = (Passage.Of(spec, role.Beats[0].From), Passage.Of(spec, role.Beats[^1].To));
            if (from == Way.OnStage) start.Add(PersonId(who));
            if (to == Way.OnStage) end.Add(PersonId(who));
            if ((from == Way.OnStage ? to : from) is var way and not Way.OnStage) sides[PersonId(who)] = $"{way}".ToLowerInvariant();
        }
        var opening = Opening(spec, chance["place"][shot.Place]);
        string Looks(IEnumerable<string> ids) => string.Concat(people
            .Where(person => person.Appearance.Length > 0 && ids.Contains(person.Id))
            .Select(person => $"{person.Name} is {person.Appearance}. "));
        return new()
        {
            Id = ShotId(number),
            Scene = PlaceId(shot.Place),
            Action = acts,
            Size = Enum.Parse<Narrative.ShotSize>($"{spec.Size}"),
            Start = start,
            End = end,
            Sides = sides,
            Prompt = $"{opening} {Looks(start.Union(end))}{acts}",
            Keyframe = $"{opening} {(start.Count == 0 ? "Nobody is there." : Looks(start).TrimEnd())}",
            Frames = spec.Frames,
            Cut = true,
            Method = ShotMethod.Keyframe,
            Memory = [],
            Seed = number + 1,
        };
    }

    /// <summary>"Wide shot. Kitchen: in the kitchen with red cupboards, morning."</summary>
    static string Opening(ShotSpec spec, Chance chance) =>
        Captions.Sentences(spec with { Roles = [], Props = [] }, Register.Planned, chance)[0].Text;
}
