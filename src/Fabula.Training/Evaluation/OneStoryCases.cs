// OneStory's benchmark (arXiv 2512.07802, appendix B) in the drawn world: stories of six shots in its three patterns, 64 from words and 64
// from a first picture, of people who are never learned from. Nothing of the paper's own cases is public; how many each pattern has is not
// stated, here they take turns. A shot that brings somebody or some place for the first time is told as a plan tells it, with looks; all
// others only refer ("the same girl"), so that looks have to come from memory.
using System.Text.Json;
using System.Text.Json.Serialization;
using Fabula.Models;
using Fabula.Narrative;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <param name="FromImage">The first frame of the first shot is given.</param>
/// <param name="Story">What each shot shows, and who and what it shares with others: the truth.</param>
/// <param name="Prompts">One for each shot.</param>
public sealed record OneStoryCase(string Name, bool FromImage, DrawnStory Story, IReadOnlyList<string> Prompts)
{
    /// <summary>The seed of the benchmark's cases.</summary>
    public const ulong Benchmark = 20;

    const int Tries = 12;
    static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Always the same story for the same number; the patterns take turns.</summary>
    /// <param name="shots">The paper has 6; from the seventh on the pattern begins anew, for longer distances.</param>
    /// <param name="seed">Another one than the benchmark's gives cases to develop on.</param>
    public static OneStoryCase Draw(int number, bool fromImage, Stage stage, int shots = 6, ulong seed = Benchmark)
    {
        var chance = new Chance(seed)[fromImage ? "image" : "text"][number];
        var pattern = (StoryPattern)(number % 3);
        var kinds = chance["kinds"].Shuffled<Kind>(Enum.GetValues<Kind>());
        Person[] people = [.. Enumerable.Range(0, 2).Select(i => Person.Draw(chance["person"][i], kinds[i], heldOut: true))];
        Location[] places = [.. chance["places"].Shuffled<Place>(Location.Places).Take(3)
            .Select((place, i) => Location.Draw(chance["place"][i], place))];
        int[] insert = number / 3 % 2 == 0 ? [1] : [];
        (int Place, int[] Cast)[] layout = pattern switch
        {
            StoryPattern.MainSubject => [(0, [0]), (0, [0]), (1, [0]), (2, [0]), (0, [0]), (1, [0])],
            StoryPattern.InsertAndRecall => [(0, [0]), (0, [0]), (1, insert), (0, [0]), (1, insert), (0, [0])],
            _ => [(0, [0]), (1, [1]), (0, [0]), (1, [1]), (2, [0, 1]), (0, [0, 1])],
        };
        var (made, prompts) = (new List<StoryShot>(), new List<string>());
        for (var i = 0; i < shots; i++)
        {
            var (place, cast) = layout[i % layout.Length];
            var spec = Visible(chance["shot"][i], places[place], [.. cast.Select(who => people[who])], stage);
            var known = made.Any(other => other.Place == place) && cast.All(who => made.Any(other => other.Cast.Contains(who)));
            prompts.Add(Captions.Write(spec, known ? Register.Referential : Register.Planned, chance["words"][i]));
            made.Add(new(spec, cast, place));
        }
        return new($"{(fromImage ? "image" : "text")}-{number:00}", fromImage, new(pattern, people, places, made, true), prompts);
    }

    /// <summary>A shot in which all stand for half of the time or longer, before a camera that does not move.</summary>
    static ShotSpec Visible(Chance chance, Location place, Person[] people, Stage stage)
    {
        for (var attempt = 0; ; attempt++)
        {
            var spec = Playwright.Shot(chance[attempt], place, people) with { Camera = PaperTheatre.CameraMove.Static };
            var drawn = stage.Draw(spec, LatentStory.Moments);
            if (attempt == Tries || Enumerable.Range(0, LatentStory.Moments.Length).Count(f => drawn.Count(f) == people.Length) >= 2)
                return spec;
        }
    }

    /// <summary>The case as a folder: story.json in the form that `fabula make` reads, truth.json, first.png where it is given.</summary>
    public void Write(string folder, Stage stage)
    {
        var root = Path.Combine(folder, Name);
        Directory.CreateDirectory(root);
        var story = new StoryMemStory
        {
            Name = Name,
            Overview = $"{Story.Pattern}, {Story.Shots.Count} shots.",
            Scenes = [new() { Number = 1, Prompts = Prompts, Cuts = [.. Prompts.Select(_ => true)] }],
        };
        Put("story.json", JsonSerializer.SerializeToUtf8Bytes(story, Readable));
        int[] Sharing(int at, Func<StoryShot, StoryShot, bool> shares) =>
            [.. Enumerable.Range(0, Story.Shots.Count).Where(other => other != at && shares(Story.Shots[at], Story.Shots[other]))];
        Put("truth.json", JsonSerializer.SerializeToUtf8Bytes(new
        {
            Story.Pattern,
            FromImage,
            Story.People,
            Places = Story.Locations,
            Shots = Story.Shots.Select((shot, i) => new
            {
                People = shot.Cast,
                shot.Place,
                SharesPeopleWith = Sharing(i, (a, b) => a.Cast.Intersect(b.Cast).Any()),
                SharesPlaceWith = Sharing(i, (a, b) => a.Place == b.Place),
            }),
        }, Readable));
        if (!FromImage) return;
        using var picture = new MemoryStream();
        PngWriter.Write(picture, stage.Draw(Story.Shots[0].Spec, 0).Frames, JudgeConfig.Width, JudgeConfig.Height);
        Put("first.png", picture.ToArray());

        void Put(string name, byte[] bytes)
        {
            var path = Path.Combine(root, name);
            File.WriteAllBytes(path + ".new", bytes);
            File.Move(path + ".new", path, overwrite: true);
        }
    }
}
