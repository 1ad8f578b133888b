using Fabula.Build;
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production.Tests;

/// <summary>MovieDreamer in the film graph: what each keyframe can see, what an edit makes again, what people choose.</summary>
public class KeyframeTests
{
    static readonly FilmOptions Told = new(StandInRenderer.Name, Method: FilmMethod.MovieDreamer);
    static readonly FilmOptions Sheet = Told with { Keyframes = true };

    static string[] Cuts(Film film) => [.. film.Plan.Shots.Where(shot => shot.Cut).Select(shot => shot.Id)];

    static Dictionary<string, string> Inputs(Film film, string step) =>
        film.Graph![step].Inputs.OfType<StepInput>().ToDictionary(input => input.Name, input => input.Step);

    static void Set(SmallProduction production, string shot, string field)
    {
        var plan = File.ReadAllText(Path.Combine(production.Root, "plan.json"));
        production.Write("plan.json", plan.Replace($"\"id\": \"{shot}\",", $"\"id\": \"{shot}\",\n      {field},"));
    }

    [Fact]
    public async Task Each_keyframe_is_told_after_those_before_it_and_its_clip_begins_with_it()
    {
        using var production = new SmallProduction();
        using var film = production.Open(Told);
        var shots = Cuts(film);
        Assert.True(shots.Length >= 3);
        foreach (var (i, shot) in shots.Index())
        {
            var tokens = Inputs(film, $"tokens/{shot}");
            string[] before = [.. tokens.Where(input => input.Key.StartsWith("before-", StringComparison.Ordinal))
                .OrderBy(input => input.Key, StringComparer.Ordinal).Select(input => input.Value)];
            Assert.Equal(shots[..i].Select(other => $"tokens/{other}"), before);
            var people = film.Plan.Shots.First(other => other.Id == shot).Start;
            Assert.Equal(people.Select(who => $"portrait/{who}"),
                tokens.Where(input => input.Key.StartsWith("person-", StringComparison.Ordinal)).Select(input => input.Value));
            var drawn = Inputs(film, $"keyframe/{shot}");
            Assert.Equal($"tokens/{shot}", drawn["tokens"]);
            // Who is laid on it, and where; the place stands in front of what is told.
            Assert.Equal(people.Select(who => $"portrait/{who}"),
                drawn.Where(input => input.Key.StartsWith("person-", StringComparison.Ordinal)).Select(input => input.Value));
            var boxes = film.Graph!["keyframe/" + shot].Settings.Read<KeyframeSettings>().Staging;
            Assert.Equal(people.Count, boxes.Count);
            Assert.All(boxes, box => Assert.NotEqual(default, box));
            var place = film.Plan.Scenes.First(scene => scene.Id == film.Plan.Shots.First(other => other.Id == shot).Scene).Location;
            Assert.Equal(($"plate/{place}", $"plate/{place}"), (tokens["place"], drawn["place"]));
            Assert.Equal($"keyframe/{shot}", Inputs(film, FilmGraph.Clip(shot))["first"]);
        }
        var first = await film.Told();
        Assert.True(first.Succeeded);
        Assert.Equal(0, (await production.Make(Told)).Calls);
    }

    [Fact]
    public async Task An_edited_line_is_told_again_with_what_follows_and_nothing_before_it()
    {
        using var production = new SmallProduction();
        var shots = await Made(production);
        production.Edit("screenplay.fountain", "Ben and Ada jump.", "Ben and Ada sing.");
        var again = await production.Make(Sheet);
        var edited = again.Ran.Where(step => step.StartsWith("tokens/", StringComparison.Ordinal)).ToHashSet();
        Assert.NotEmpty(edited);
        Assert.DoesNotContain($"tokens/{shots[0]}", edited);
        Assert.DoesNotContain($"keyframe/{shots[0]}", again.Ran);
        Assert.Contains($"tokens/{shots[^1]}", edited);
        // A far enough film goes on from its last keyframes alone.
        Assert.DoesNotContain(again.Ran, step => step.StartsWith("clip/", StringComparison.Ordinal));
    }

    static async Task<string[]> Made(SmallProduction production)
    {
        using var film = production.Open(Sheet);
        Assert.True((await film.Told()).Succeeded);
        return Cuts(film);
    }

    [Fact]
    public async Task The_sheet_shows_every_keyframe_and_the_script_reads_back()
    {
        using var production = new SmallProduction();
        var shots = await Made(production);
        var output = Path.Combine(production.Root, "out");
        foreach (var shot in shots)
        {
            var picture = PngReader.Read(Path.Combine(output, "keyframes", shot + ".png"));
            Assert.Equal((32, 16), (picture.Width, picture.Height));
            Assert.Contains($"keyframes/{shot}.png", File.ReadAllText(Path.Combine(output, KeyframeSheet.Page)));
        }
        Assert.True(PngReader.Read(Path.Combine(output, KeyframeSheet.Sheet)).Width > 32);
        using var film = production.Open(Sheet);
        var text = File.ReadAllText(Path.Combine(output, KeyframeSheet.Script));
        Assert.Equal(text, ScriptText.Write(ScriptText.Read(text)));
        Assert.Equal(ScriptText.Write(MultimodalScript.Of(film.Plan)), text);
        Assert.DoesNotContain(film.Graph!.Steps, step => step.Id.StartsWith("clip/", StringComparison.Ordinal)
            && step.Id != FilmGraph.Film && shots.Contains(step.Id["clip/".Length..]));
    }

    [Fact]
    public async Task A_keyframe_is_redone_with_another_seed_and_kept_for_good()
    {
        using var production = new SmallProduction();
        var shots = await Made(production);
        var made = Path.Combine(production.Root, "out", "keyframes", shots[1] + ".png");
        var before = File.ReadAllBytes(made);
        var redone = await production.Make(Sheet with { Redo = shots[1] });
        Assert.Contains($"keyframe/{shots[1]}", redone.Ran);
        Assert.DoesNotContain($"keyframe/{shots[0]}", redone.Ran);
        Assert.NotEqual(before, File.ReadAllBytes(made));
        Assert.Contains("keyframeSeed", File.ReadAllText(Path.Combine(production.Root, "plan.json")));

        var chosen = File.ReadAllBytes(made);
        Assert.True((await production.Make(Sheet with { Lock = shots[1] })).Succeeded);
        Assert.Equal(chosen, File.ReadAllBytes(Path.Combine(production.Root, "keyframes", shots[1] + ".png")));
        production.Edit("screenplay.fountain", "Ada walks to the right.", "Ada walks to the left.");
        Assert.True((await production.Make(Sheet)).Succeeded);
        Assert.Equal(chosen, File.ReadAllBytes(made));
        Assert.Throws<NarrativeException>(() => production.Open(Sheet with { Redo = shots[1] }));
        Assert.Throws<NarrativeException>(() => production.Open(Sheet with { Lock = "nobody" }));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(FilmMethod.StoryMem)]
    [InlineData(FilmMethod.InfinityStory)]
    [InlineData(FilmMethod.MovieDreamer)]
    public async Task A_picture_of_the_plan_is_a_shots_first_frame_with_every_method(FilmMethod? method)
    {
        using var production = new SmallProduction();
        var shot = (await Made(production))[1];
        Directory.CreateDirectory(Path.Combine(production.Root, "pictures"));
        using (var file = File.Create(Path.Combine(production.Root, "pictures", "own.png")))
            PngWriter.Write(file, [.. Enumerable.Repeat((byte)200, 32 * 16 * 3)], 32, 16);
        Set(production, shot, "\"keyframePicture\": \"pictures/own.png\"");
        using var film = production.Open(Told with { Method = method });
        Assert.True((await film.Told()).Succeeded);
        Assert.Equal($"keyframe/{shot}", Inputs(film, FilmGraph.Clip(shot))["first"]);
        Assert.Equal(method == FilmMethod.MovieDreamer, film.Graph!.Contains($"tokens/{shot}"));
        if (method == FilmMethod.MovieDreamer) Assert.Equal($"keyframe/{shot}", Inputs(film, $"tokens/{shot}")["picture"]);
    }

    [Theory]
    [InlineData("../own.png")]
    [InlineData("/etc/own.png")]
    [InlineData("pictures/../../own.png")]
    public async Task A_picture_outside_the_production_is_refused(string path)
    {
        using var production = new SmallProduction();
        Set(production, (await Made(production))[1], $"\"keyframePicture\": \"{path}\"");
        using var film = production.Open(Told);
        Assert.Null(film.Graph);
        Assert.Contains(film.Findings, finding => finding.Severity == Severity.Error && finding.Problem.Contains("outside the production"));
    }

    [Fact]
    public void A_model_without_keyframe_networks_says_so()
    {
        using var production = new SmallProduction();
        using var film = production.Open();
        var without = film.Renderer.Facts with { Modes = film.Renderer.Facts.Modes & ~FilmModes.Keyframes };
        var plan = film.Plan with { Film = film.Plan.Film with { Method = FilmMethod.MovieDreamer } };
        var (_, findings) = PlanFit.To(plan, without);
        Assert.Contains(findings, finding => finding.Severity == Severity.Error && finding.Fix.Contains(KeyframeModel.FolderName));
        Assert.Throws<NarrativeException>(() => production.Open(new(StandInRenderer.Name, Keyframes: true)));
    }

    /// <summary>Remembers the requests for clips.</summary>
    sealed class Listening(FilmFacts facts) : IRenderer
    {
        readonly StandInRenderer _stand = new();

        public List<ShotRequest> Requests { get; } = [];
        public FilmFacts Facts => facts;
        public string Digest => "listening";
        public int Calls => Requests.Count;
        public SeenWords? Words => null;
        public IKeyframes Keyframes => _stand.Keyframes;
        public bool WantsWordsFirst => false;
        public byte[] WordsOf(string prompt, string folder) => throw new NotSupportedException();
        public long MemoryBytes(int width, int height, int frames, int memory) => 0;
        public void Keep(IReadOnlyList<byte[]> frames, int width, int height, string path) => throw new NotSupportedException();

        public IReadOnlyList<RecalledFrame> Recall(string prompt, IReadOnlyList<string> earlier, string path) =>
            throw new NotSupportedException();

        public IReadOnlyList<byte[]> Render(ShotRequest request, RenderKeeping keeping, CancellationToken cancel)
        {
            lock (Requests) Requests.Add(request);
            return _stand.Render(request, keeping, cancel);
        }

        public void Dispose() => _stand.Dispose();
    }

    [Theory]
    [InlineData(FilmMethod.MovieDreamer, true)]
    [InlineData(FilmMethod.InfinityStory, false)]
    public async Task A_long_clip_goes_on_with_its_first_frame_in_view(FilmMethod method, bool anchored)
    {
        using var production = new SmallProduction();
        production.Edit("bible.yaml", "frames: 5", "frames: 13");
        using var renderer = new Listening(new StandInRenderer().Facts with { Frames = 5, MostMemory = 2 });
        using var film = production.Open(Told with { Method = method }, _ => renderer);
        Assert.True((await film.Told()).Succeeded);
        // A bridge is one part.
        var parts = renderer.Requests.Where(request => request.Frames == 5).GroupBy(request => request.Prompt)
            .Where(clip => clip.Count() > 1).ToList();
        Assert.All(parts, clip => Assert.Equal(3, clip.Count()));
        Assert.Equal(film.Plan.Shots.Count, parts.Count);
        foreach (var clip in parts)
        {
            var first = clip.First();
            Assert.Null(first.Anchor);
            Assert.All(clip.Skip(1), part =>
            {
                Assert.Equal(anchored, part.Anchor is not null);
                Assert.Equal(first.Memory.Count + (anchored ? 1 : 0), part.Memory.Count);
                Assert.True(part.Memory.Count <= 2);
                if (!anchored) return;
                Assert.Equal(part.Anchor!.Rgb, part.Memory[^1].Rgb);
                Assert.NotEqual(part.First!.Rgb, part.Anchor.Rgb);
                if (first.First is { } keyframe) Assert.Equal(keyframe.Rgb, part.Anchor.Rgb);
            });
        }
    }
}
