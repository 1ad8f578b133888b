using Fabula.Build;
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production.Tests;

/// <summary>StoryMem's bank and InfinityStory's keyframes: which steps there are, and what each can see.</summary>
public class MethodTests
{
    static readonly FilmOptions Banked = new(StandInRenderer.Name, Method: FilmMethod.StoryMem);

    static Step[] Before(BuildGraph graph, string id)
    {
        var (seen, open) = (new Dictionary<string, Step>(), new Stack<string>([id]));
        while (open.TryPop(out var next))
            foreach (var input in graph[next].Inputs.OfType<StepInput>())
                if (seen.TryAdd(input.Step, graph[input.Step])) open.Push(input.Step);
        return [.. seen.Values];
    }

    [Fact]
    public async Task A_shot_remembers_the_bank_of_the_shots_before_it_and_never_a_later_one()
    {
        using var production = new SmallProduction();
        using var film = production.Open(Banked);
        var shots = film.Plan.Shots.Select(shot => shot.Id).ToList();
        Assert.DoesNotContain(film.Graph!.Steps, step => step.Id.StartsWith("bridge/", StringComparison.Ordinal));
        for (var i = 0; i < shots.Count; i++)
        {
            var before = Before(film.Graph, FilmGraph.Clip(shots[i])).Select(step => step.Id).ToHashSet();
            Assert.Equal(i > 0, before.Contains($"bank/{shots[Math.Max(0, i - 1)]}"));
            for (var later = i; later < shots.Count; later++)
                Assert.DoesNotContain(before, id => id == FilmGraph.Clip(shots[later]) || id == $"bank/{shots[later]}");
        }
        var first = await film.Told();
        Assert.Equal(BuildOutcome.Succeeded, first.End.Outcome);
        // An early shot that is made again sees what it saw before, though later banks lie on the disk by now.
        production.Edit("screenplay.fountain", "Ada waves.", "Ada points.");
        var again = await production.Make(Banked);
        Assert.DoesNotContain(again.Ran, step => step == FilmGraph.Clip(shots[0]) || step == $"bank/{shots[0]}");
        production.Edit("screenplay.fountain", "Ada points.", "Ada waves.");
        var back = await production.Make(Banked);
        Assert.Equal(first.Film, back.Film);
        Assert.Equal(0, back.Calls);
    }

    [Fact]
    public async Task InfinityStory_makes_the_first_frame_of_every_cut_before_its_clip()
    {
        using var production = new SmallProduction();
        var options = new FilmOptions(StandInRenderer.Name, Method: FilmMethod.InfinityStory);
        using (var film = production.Open(options))
        {
            foreach (var shot in film.Plan.Shots)
            {
                var inputs = film.Graph![FilmGraph.Clip(shot.Id)].Inputs.OfType<StepInput>()
                    .ToDictionary(input => input.Name, input => input.Step);
                Assert.StartsWith(shot.Cut ? $"keyframe/{shot.Id}" : "clip/", inputs["first"]);
            }
            Assert.Contains(film.Graph!.Steps, step => step.Id.StartsWith("bridge/", StringComparison.Ordinal));
        }
        var made = await production.Make(options);
        Assert.Equal(BuildOutcome.Succeeded, made.End.Outcome);
        Assert.Equal(0, (await production.Make(options)).Calls);
        Assert.NotEqual(made.Film, (await production.Make()).Film);
    }

    [Fact]
    public void A_model_that_takes_backgrounds_makes_keyframes_of_them_unless_the_plan_says_otherwise()
    {
        using var production = new SmallProduction();
        using var film = production.Open();
        var facts = new StandInRenderer().Facts;
        FilmMethod? Fitted(FilmFacts facts, FilmMethod? wanted) =>
            PlanFit.To(film.Plan with { Film = film.Plan.Film with { Method = wanted } }, facts).Plan.Film.Method;
        var taught = facts with { Modes = facts.Modes | FilmModes.Background };
        Assert.Null(Fitted(facts, null));
        Assert.Equal(FilmMethod.InfinityStory, Fitted(taught, null));
        Assert.Equal(FilmMethod.StoryMem, Fitted(taught, FilmMethod.StoryMem));
        // Its keyframe sees the place and everybody who is there from the beginning, each by a name of their own.
        var (plan, _) = PlanFit.To(film.Documents.Plan with { Film = film.Documents.Plan.Film with { Method = null } }, taught);
        var graph = FilmGraph.Create(new(plan, production.Root, [], taught with { DrawsPortraits = true }, "x"),
            new Recipes(() => throw new InvalidOperationException(), (_, _) => { }, () => 0));
        var shot = plan.Shots.First(shot => shot.Cut && shot.Start.Count > 0 && shot.Method != ShotMethod.Text);
        var inputs = graph[$"keyframe/{shot.Id}"].Inputs.OfType<StepInput>().ToDictionary(input => input.Name, input => input.Step);
        Assert.StartsWith("plate/", inputs["background"]);
        Assert.Equal(shot.Start.Count, inputs.Keys.Count(name => name.StartsWith("person-", StringComparison.Ordinal)));
        Assert.Equal(shot.Start.Count, ClipSettings.Of(graph[$"keyframe/{shot.Id}"]).Staging!.Count(way => way.From != default));
        // So do its clips, in which they go their ways.
        foreach (var each in plan.Shots.Where(shot => shot.Method != ShotMethod.Text))
            Assert.Equal(each.Start.Union(each.End).Count(), ClipSettings.Of(graph[$"clip/{each.Id}"]).Staging!.Count);
    }

    [Fact]
    public void A_collage_lays_people_cut_out_of_their_portraits_on_the_place()
    {
        Picture Painted(int width, int height, Func<int, int, (byte, byte, byte)> colour)
        {
            var rgb = new byte[width * height * 3];
            for (var i = 0; i < width * height; i++)
                (rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]) = colour(i % width, i / width);
            return new(rgb, width, height);
        }
        var place = Painted(40, 20, (_, _) => (10, 200, 10));
        // A red figure, 8 wide and 16 tall; the ground grows lighter from top to bottom.
        var portrait = Painted(30, 30, (x, y) => x is >= 11 and < 19 && y is >= 8 and < 24 ? ((byte)250, (byte)0, (byte)0)
            : ((byte)(100 + 2 * y), (byte)(100 + 2 * y), (byte)200));
        var photograph = Painted(30, 30, (x, y) => ((byte)(x * 97 + y * 31), (byte)(x * 13 + y * 151), (byte)(x * 201)));
        StageBox[] staging = [new(0.1, 0.1, 0.3, 0.9), new(0.6, 0.1, 0.8, 0.9), default];
        Assert.Null(CutOut.Of(photograph));
        var figure = CutOut.Of(portrait);
        Assert.Equal((11, 8, 18, 23), figure!.Bounds);
        var made = Collage.Of(place, [figure, null, figure], staging);
        (byte, byte, byte) At(int x, int y) => (made.Rgb[(y * 40 + x) * 3], made.Rgb[(y * 40 + x) * 3 + 1], made.Rgb[(y * 40 + x) * 3 + 2]);
        Assert.Equal((250, 0, 0), At(8, 10));                                   // the middle of the first box
        Assert.Equal((250, 0, 0), At(5, 3));
        Assert.Equal((10, 200, 10), At(2, 10));                                 // beside it
        Assert.Equal((10, 200, 10), At(28, 10));                                // a photograph has no plain ground
        Assert.Equal(16 * 8, Enumerable.Range(0, 800).Count(i => At(i % 40, i / 40) == (250, 0, 0)));
        Assert.Equal(place.Rgb, Collage.Of(place, [null, null, null], staging).Rgb);
    }

    const int Width = 32, Height = 16;

    static byte[] Flat(byte red, byte green, byte blue)
    {
        // Stripes, so that it counts as sharp.
        var frame = new byte[Width * Height * 3];
        for (var i = 0; i < Width * Height; i++)
            (frame[3 * i], frame[3 * i + 1], frame[3 * i + 2]) = i % 2 == 0 ? (red, green, blue)
                : ((byte)(red / 2), (byte)(green / 2), (byte)(blue / 2));
        return frame;
    }

    static BankLabel Label(string shot, string person, string place = "park") => new(shot, 0, [person], place);

    [Fact]
    public void A_bank_keeps_what_is_new_at_most_three_a_shot_and_nothing_twice()
    {
        byte[][] colours = [Flat(250, 0, 0), Flat(250, 0, 0), Flat(0, 250, 0), Flat(0, 0, 250), Flat(250, 250, 0), Flat(0, 250, 250)];
        var bank = KeyframeBank.Empty.With(Label("one", "ada"), colours, Width, Height);
        Assert.InRange(bank.Entries.Count, 2, 3);
        Assert.Equal(0, bank.Entries[0].Label.Frame);
        var same = bank.With(Label("two", "ada"), colours[..2], Width, Height);
        Assert.Equal(bank.Entries.Count, same.Entries.Count);
        // The same picture, and somebody new in it: the bank must have a picture of everybody.
        var other = same.With(Label("three", "ben"), colours[..2], Width, Height);
        Assert.Equal(["ben"], other.Entries[^1].Label.People);
        // Smears, black frames and white ones are no keyframes.
        Assert.Equal(other.Entries.Count, other.With(Label("four", "ada"), [new byte[Width * Height * 3]], Width, Height).Entries.Count);
    }

    [Fact]
    public void A_bank_stays_small_keeps_its_sink_and_knows_everybody()
    {
        var bank = KeyframeBank.Empty;
        for (var i = 0; i < 200; i++)
            bank = bank.With(Label($"shot-{i}", i == 20 ? "ben" : "ada", i == 30 ? "kitchen" : "park"),
                [Flat((byte)(i * 37), (byte)(i * 91 + 40), (byte)(i * 151))], Width, Height);
        Assert.InRange(bank.Entries.Count, 8, KeyframeBank.Sink + KeyframeBank.Window + 8);
        Assert.Equal(["shot-0"], bank.Entries.Take(1).Select(entry => entry.Label.Shot));
        Assert.Contains(bank.Entries, entry => entry.Label.People.Contains("ben"));
        Assert.Contains(bank.Entries, entry => entry.Label.Place == "kitchen");
        var all = bank.Pick([], 5).Select(i => bank.Entries[i].Label.Shot).ToList();
        Assert.Equal(5, all.Count);
        Assert.Equal(bank.Entries[0].Label.Shot, all[0]);
        Assert.Equal(bank.Entries[^1].Label.Shot, all[^1]);
        Assert.Contains("shot-20", bank.Pick(["shot-20"], 5).Select(i => bank.Entries[i].Label.Shot));
        Assert.Single(bank.Pick(["shot-20"], 1));
    }

    [Fact]
    public void A_bank_is_read_back_as_it_was_and_a_broken_one_is_refused()
    {
        var folder = Directory.CreateTempSubdirectory("fabula-bank-").FullName;
        var (frames, labels) = (Path.Combine(folder, "bank.frames"), Path.Combine(folder, "bank.json"));
        var bank = KeyframeBank.Empty.With(Label("one", "ada"), [Flat(250, 0, 0)], Width, Height).With(Label("two", "ben"), Flat(1, 2, 3));
        bank.Write(frames, labels, Width, Height);
        var read = KeyframeBank.Read(frames, labels);
        Assert.Equal(bank.Entries.Select(entry => entry.Label.Shot), read.Entries.Select(entry => entry.Label.Shot));
        Assert.Equal(bank.Entries.Select(entry => entry.Rgb), read.Entries.Select(entry => entry.Rgb));
        File.WriteAllText(labels, "[]");
        Assert.Contains("does not belong", Assert.Throws<InvalidDataException>(() => KeyframeBank.Read(frames, labels)).Message);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_near_shot_sees_the_part_of_the_plate_in_which_faces_are()
    {
        var rgb = new byte[Width * Height * 3];
        for (var i = 0; i < Width * Height; i++) (rgb[3 * i], rgb[3 * i + 1]) = ((byte)(i % Width), (byte)(i / Width));
        var plate = new Picture(rgb, Width, Height);
        Assert.Same(plate, PlateView.Part(plate, PlateView.Zoom(ShotSize.Wide)));
        var part = PlateView.Part(plate, PlateView.Zoom(ShotSize.Close));
        Assert.Equal((14, 7), (part.Width, part.Height));
        Assert.Equal((9, 3), (part.Rgb[0], part.Rgb[1]));                       // the middle in x, above it in y
        Assert.Equal(rgb, PlateView.Fit(plate, Width, Height));
    }
}
