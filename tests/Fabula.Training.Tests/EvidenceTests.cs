using Fabula.Models;
using Fabula.Narrative;
using Fabula.Production;
using Fabula.Training.Evaluation;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

/// <summary>The tables of docs/evidence on renderers that need no model.</summary>
public sealed class EvidenceTests : IDisposable
{
    /// <summary>Remembers what it was asked for; answers with one shade for each request.</summary>
    sealed class Asked : IRenderer
    {
        public List<ShotRequest> Requests { get; } = [];
        public FilmFacts Facts { get; } = new StandInRenderer().Facts with { Width = 224, Height = 128, MostMemory = 3 };
        public string Digest => "asked";
        public int Calls => Requests.Count;
        public SeenWords? Words => null;
        public long MemoryBytes(int width, int height, int frames, int memory) => 0;

        public IReadOnlyList<byte[]> Render(ShotRequest request, RenderKeeping keeping, CancellationToken cancel)
        {
            Requests.Add(request);
            var shade = request.Seed * 40 % 256;
            return [.. Enumerable.Range(0, request.Frames).Select(_ => Shade(shade))];
        }

        public bool WantsWordsFirst => false;
        public byte[] WordsOf(string prompt, string folder) => throw new NotSupportedException();

        public void Keep(IReadOnlyList<byte[]> frames, int width, int height, string path) => throw new NotSupportedException();

        public IReadOnlyList<RecalledFrame> Recall(string prompt, IReadOnlyList<string> earlier, string path) =>
            throw new NotSupportedException();

        public void Dispose() { }
    }

    /// <summary>A matte that takes all for people.</summary>
    static bool[] Everybody(Picture picture) => [.. Enumerable.Repeat(true, picture.Width * picture.Height)];

    static byte[] Shade(ulong shade) => [.. Enumerable.Repeat((byte)shade, 224 * 128 * 3)];

    readonly Stage _stage = new(224, 128);
    DrawnCollages Collages => field ??= new(_stage, 224, 128);
    readonly string _folder = Directory.CreateTempSubdirectory("fabula-evidence").FullName;

    public void Dispose()
    {
        Collages.Dispose();
        _stage.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Methods_stand_side_by_side_with_what_their_own_films_show()
    {
        FilmByMethod Film(string row, bool place) => new(row, [new(row, "place", place), new(row, "hair", !place)], 0.25, 2);
        var rows = MethodsTable.Rows.Select(row => row.Row).ToList();
        var table = MethodsTable.Tables([[.. rows.Select((row, i) => Film(row, i == 1))], [.. rows.Select(row => Film(row, true))]])[0];
        Assert.Equal(rows, table.Rows.Select(row => row[0]));
        Assert.StartsWith("50.0 %", table.Rows[0][1], StringComparison.Ordinal);
        Assert.StartsWith("100.0 %", table.Rows[1][1], StringComparison.Ordinal);
        Assert.StartsWith("0.0 %", table.Rows[1][3], StringComparison.Ordinal);
        Assert.Equal(("nothing to measure", "0.250 (0.250 to 0.250, n 2)", "2.0"), (table.Rows[0][2], table.Rows[0][6], table.Rows[0][7]));
    }

    [Fact]
    public void A_chain_of_continuations_loses_what_its_slope_says()
    {
        var (falling, flat) = (new SeenChain(false, [1, 0.9, 0.8, 0.7, 0.6], [true, true, true, true, false]),
            new SeenChain(true, [0.8, 0.8, 0.8, 0.8, 0.8], [true, true, true, true, true]));
        Assert.Equal(-0.1, falling.Slope(), 1e-9);
        Assert.Equal(0, flat.Slope(), 1e-9);
        var rows = AnchorTable.Rows([falling, flat]).ToList();
        Assert.Contains("anchor off", rows[0].Name);
        Assert.Contains("100.0, 90.0, 80.0, 70.0, 60.0 %; -10.00", rows[0].Value);
        Assert.Contains("100.0 %", rows[1].Value);
    }

    [Fact]
    public void People_and_places_of_a_recall_return_after_1_2_4_and_8_shots()
    {
        var story = LongStories.Recall(new Chance(1));
        var distances = LongStories.Distances(story);
        foreach (var distance in (int?[])[1, 2, 4, 8])
        {
            Assert.Contains(distances, at => at.Person == distance);
            Assert.Contains(distances, at => at.Place == distance);
        }
        Assert.All(story.Shots, shot => Assert.Equal((PaperTheatre.ShotSize.Wide, PaperTheatre.CameraMove.Static, 112.0, 0),
            (shot.Spec.Size, shot.Spec.Camera, shot.Spec.Centre, shot.Spec.Props.Count)));
        Assert.All(story.People, person => Assert.True(person.HeldOut));
        Assert.Equal(10, LongStories.Rounds(new Chance(1), 30).Shots.Count(shot => shot.Place == 2));
    }

    [Fact]
    public void Films_by_different_rules_differ_in_what_they_remember_alone()
    {
        var told = LongStories.Recall(new Chance(2));
        var story = told with { Shots = [.. told.Shots.Select(shot => shot with { Spec = shot.Spec with { Frames = 5 } })] };
        var asked = MemoryTable.Rows.ToDictionary(row => row.Name, row =>
        {
            using var renderer = new Asked();
            using var filming = new Filming(renderer);
            Assert.Equal(story.Shots.Count, new BankFilm(filming, Everybody, _stage, Collages, story, 7).Make(row.Rules).Count);
            return renderer.Requests;
        });
        var full = asked[MemoryTable.Full];
        Assert.All(asked.Values, requests => Assert.Equal(full.Select(request => (request.Prompt, request.Seed, request.Frames)),
            requests.Select(request => (request.Prompt, request.Seed, request.Frames))));
        for (var i = 0; i < 3; i++)                                             // everybody's first shot
            Assert.All(asked.Values, requests => Assert.Equal(full[i].Memory.Select(picture => picture.Rgb),
                requests[i].Memory.Select(picture => picture.Rgb)));
        Assert.All(asked["none"].Skip(3), request => Assert.Empty(request.Memory));
        // Drafts of whoever and wherever a remembered frame shows, and of nothing else.
        Assert.All(full, request => Assert.Equal(5, request.Drafts.Count));
        Assert.All(asked["none"].Skip(3), request => Assert.Empty(request.Drafts));
        Assert.All(asked["last frame only"].Skip(3).Index(), at =>
            Assert.Equal(Shade(full[at.Index + 2].Seed * 40 % 256), Assert.Single(at.Item.Memory).Rgb));
        Assert.All(full.Skip(3), request => Assert.InRange(request.Memory.Count, 1, 3));
        Assert.All(full.Skip(3), request => Assert.DoesNotContain(" hair", request.Prompt));
    }

    [Fact]
    public void A_film_that_remembers_the_same_is_rendered_once()
    {
        using var renderer = new Asked();
        using var filming = new Filming(renderer);
        var film = new BankFilm(filming, Everybody, _stage, Collages, LongStories.Recall(new Chance(3)), 1);
        var made = film.Make(BankRules.Product);
        Assert.All(made.Zip(film.Make(BankRules.Product)), pair => Assert.Same(pair.First, pair.Second));
        Assert.Equal((11, 11), (renderer.Calls, film.Rendered));
    }

    [Fact]
    public void A_memory_table_pairs_rows_by_story()
    {
        Returned Person(string row, int distance, double value) => new(row, "person", distance, value);
        IReadOnlyList<Returned> Story(double full) => [Person(MemoryTable.Full, 0, 1), Person(MemoryTable.Full, 2, full),
            Person(MemoryTable.Full, 2, full), Person("none", 2, full - 0.5), new("none", "place", 8, 0.25),
            new(MemoryTable.Full, "place", 8, 0.05)];
        var tables = MemoryTable.Tables([Story(1), Story(0.75)]);
        var none = tables[0].Rows.Single(row => row[0] == "none");
        Assert.Equal("37.5 % (25.0 to 50.0, n 2)", none[3]);
        Assert.Equal("nothing to measure", none[2]);
        Assert.Equal("-50.0 (-50.0 to -50.0)", none[^1]);
        Assert.Equal("", tables[0].Rows.Single(row => row[0] == MemoryTable.Full)[^1]);
        Assert.Contains("5.0 times", string.Join(' ', tables[0].Notes));
        Assert.StartsWith("0.200 (", tables[1].Rows.Single(row => row[0] == "none")[^1]);
    }

    [Fact]
    public void A_drift_is_the_slope_over_the_shots()
    {
        Assert.Equal(0.25, PlacesTable.Drift([(0, 1), (4, 2), (8, 3)]), 12);
        Assert.True(double.IsNaN(PlacesTable.Drift([(1, 1)])));
        var rows = PlacesTable.Tables([[new(PlacesTable.Library, 0, null, 0.1), new(PlacesTable.Library, 6, 0.2, 0.1),
            new(PlacesTable.Library, 16, 0.201, 0.1)]])[0].Rows;
        Assert.Equal("+1.0 (+1.0 to +1.0)", rows[0][2]);
        Assert.Equal("0.0 (0.0 to 0.0)", rows[0][4]);
        Assert.Equal("0.100 (0.100 to 0.100, n 1)", rows[0][3]);
    }

    /// <summary>A frame's eight by eight blocks of brightness.</summary>
    static readonly FrameVectors Blocks = new("blocks", frames => [.. frames.Select(frame => Enumerable.Range(0, 64)
        .Select(i => (float)frame[(i / 8 * 16 * 224 + i % 8 * 28) * 3]).ToArray())]);

    [Fact]
    public void Films_that_cheat_are_consistent_and_tell_nothing()
    {
        using var filming = new Filming(new StandInRenderer());
        using var table = new ConsistencyTable(filming, Blocks, Blocks, 1);
        var story = LongStories.Recall(new Chance(4));
        List<IReadOnlyList<byte[]>> truth = [.. story.Shots.Select(shot => _stage.Draw(shot.Spec with { Frames = 5 }))
            .Select(clip => Enumerable.Range(0, 5).Select(frame => clip.Frame(frame).ToArray()).ToList())];
        var frozen = table.Mark("frozen", story, [.. truth.Select(_ => Enumerable.Repeat(truth[0][0], 5).ToList())]);
        Assert.All((double?[])[frozen.Subject, frozen.Background, frozen.WholeSubject, frozen.WholeBackground],
            value => Assert.Equal(1, value!.Value, 9));
        Assert.Equal(0, frozen.Motion);
        Assert.Equal(0, frozen.BackgroundTells!.Value, 9);
        var repeated = table.Mark("repeated", story, [.. truth.Select(_ => truth[0])]);
        Assert.Equal(0, repeated.BackgroundTells!.Value, 9);
        var drawn = table.Mark("drawn", story, truth);
        Assert.True(drawn.BackgroundTells > 0.005, $"{drawn}");
        Assert.True(drawn.Motion > 0);
        Assert.True(drawn.WholeBackground < drawn.Background, $"{drawn}");
        // Which shot comes when does not matter inside shots, and does where the plan says what they share.
        var order = new Chance(9).Shuffled<int>([.. Enumerable.Range(0, truth.Count)]);
        var shuffled = table.Mark("shuffled", story, [.. order.Select(shot => truth[shot])]);
        Assert.Equal(drawn.Background!.Value, shuffled.Background!.Value, 9);
        Assert.True(shuffled.BackgroundTells < drawn.BackgroundTells);
    }

    [Fact]
    public void Frames_that_show_nothing_to_compare_are_left_out()
    {
        Assert.Equal(new FrameMean(0, 0), FrameVectors.Consistency([null, null]));
        Assert.Equal(new FrameMean(1, 1), FrameVectors.Consistency([[1, 0], null, [2, 0]]));
        Assert.Equal(new FrameMean(0, 1), FrameVectors.Consistency([[1, 0], [-1, 0]]));
        Assert.Null(ConsistencyTable.Tells([[[1f, 0f]], [[1f, 0f]]], (_, _) => true));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(FilmMethod.StoryMem)]
    [InlineData(FilmMethod.InfinityStory)]
    public void A_drawn_story_goes_through_the_graph_of_films(FilmMethod? method)
    {
        var story = LatentStories.Tell(5, 1, heldOut: true);
        DrawnPlan.Draw(story, _folder);
        var plan = DrawnPlan.Of(story, new Chance(1), pictures: true);
        Assert.DoesNotContain(Continuity.Check(plan), finding => finding.Severity == Severity.Error);
        using var renderer = new Asked();
        var clips = MadeFilms.Make(renderer, plan, method, _folder);
        Assert.Equal(story.Shots.Select(shot => shot.Spec.Frames), clips.Select(clip => clip.Count));
        Assert.Equal(method is not null, renderer.Requests.Any(request => request.Memory.Count > 0));
    }

    [Fact]
    public void Whoever_crosses_must_be_the_right_one()
    {
        Person boy = new(Kind.Boy, Skin.Dark, HairColour.Black, HairStyle.Spiky, TopColour.Green),
            woman = new(Kind.Woman, Skin.Pale, HairColour.Blonde, HairStyle.Bun, TopColour.Red);
        SeenPerson At(Person person, double x) => new(x, 70, 30, 80, 0.95, new(person.Kind, 1), new(person.Skin, 1),
            new(person.Hair, 1), new(person.Style, 1), new(person.Top, 1), new(person.Hat, 1), new(person.HatColour, 1));
        Reading Of(params SeenPerson[] people) => new(new(Place.Park, 1), new(TimeOfDay.Day, 1), new(Accent.Red, 1), people, []);
        var leaves = Tracks.Ways([Of(At(boy, 60)), Of(At(boy, 40)), Of(At(boy, 16)), Of(), Of(), Of(), Of()], 224);
        Assert.True(TransitionsTable.Crosses(leaves, [boy, woman], boy, null));
        Assert.False(TransitionsTable.Crosses(leaves, [boy, woman], woman, null));
        Assert.False(TransitionsTable.Crosses(leaves, [boy, woman], boy, woman));
        var cut = Tracks.Ways([Of(At(boy, 100)), Of(At(boy, 100)), Of(At(woman, 180)), Of(At(woman, 180))], 224);
        Assert.Equal(2, cut.Pops);
        Assert.False(TransitionsTable.Crosses(cut, [boy, woman], boy, woman));
        var table = TransitionsTable.Tables([[new("bridge", Transition.Exit, true, 0, 0, 30),
            new("bridge", Transition.Swap, true, 1, 0, 28)]]);
        Assert.StartsWith("100.0 %", table[0].Rows[0][1]);
        Assert.StartsWith("50.0 %", table[0].Rows[0][2]);
    }

    [Fact]
    public void A_measurement_that_was_stopped_goes_on_and_another_one_does_not_take_its_lines()
    {
        var (file, asked) = (Path.Combine(_folder, "seen.jsonl"), new List<int>());
        int Observe(int story)
        {
            asked.Add(story);
            return story * 10;
        }
        Assert.Equal([0, 10], Observations.Collect(file, "a", 2, Observe));
        File.WriteAllText(file, File.ReadAllText(file)[..^6]);                  // killed in the middle of a line
        Assert.Equal([0, 10, 20], Observations.Collect(file, "a", 3, Observe));
        Assert.Equal([0, 1, 1, 2], asked);
        Assert.Equal([0, 10, 20], Observations.Collect(file, "a", 3, Observe));
        Assert.Equal(4, asked.Count);
        Assert.Equal([0], Observations.Collect(file, "b", 1, Observe));
        Assert.Equal(5, asked.Count);
    }

    [Fact]
    public void A_table_is_written_as_markdown()
    {
        var table = new EvidenceTable("Title", ["a", "b"], [["x|y", "1"]], ["A note."]);
        Assert.Contains("| x\\|y | 1 |", table.Markdown());
        Assert.Contains("x|y  1", table.Text());
        var path = Path.Combine(_folder, "new", "table.md");
        EvidenceTable.Write(path, "Heading", "fabula evaluate", [table]);
        Assert.StartsWith("# Heading\n\n```\nfabula evaluate\n```\n\n## Title\n", File.ReadAllText(path));
    }
}
