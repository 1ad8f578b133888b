using Fabula.Training.Evaluation;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

public class EvaluationTests
{
    static readonly Person Woman = new(Kind.Woman, Skin.Pale, HairColour.Black, HairStyle.Bun, TopColour.Red);

    static SeenPerson Seen(Person person, double x, double y = 70, double width = 30, double height = 80, double score = 0.95) =>
        new(x, y, width, height, score, new(person.Kind, 1), new(person.Skin, 1), new(person.Hair, 1), new(person.Style, 1),
            new(person.Top, 1), new(person.Hat, 1), new(person.HatColour, 1));

    static Reading Reading(params SeenPerson[] people) => new(new(Place.Park, 1), new(TimeOfDay.Day, 1), new(Accent.Red, 1),
        [.. people.Where(person => person.Score >= Judge.Certain)], [.. people.Where(person => person.Score < Judge.Certain)]);

    [Fact]
    public void The_interval_of_a_share_is_Wilsons()
    {
        // Values from the formula, worked by hand for 9 of 10, and the known ends for none and all.
        var nine = Interval.OfShare(9, 10);
        Assert.Equal(0.9, nine.Mean);
        Assert.Equal(0.5958, nine.Low, 4);
        Assert.Equal(0.9821, nine.High, 4);
        Assert.Equal((0, 0.2775), (Interval.OfShare(0, 10).Low, Math.Round(Interval.OfShare(0, 10).High, 4)));
        Assert.Equal(1, Interval.OfShare(10, 10).High);
        Assert.Equal("nothing to measure", Interval.OfShare(0, 0).AsPercent);
        Assert.Throws<ArgumentOutOfRangeException>(() => Interval.OfShare(3, 2));
    }

    [Fact]
    public void The_interval_of_a_mean_covers_the_truth_about_as_often_as_it_says()
    {
        var covers = Enumerable.Range(0, 60).Count(i =>
        {
            double[] values = [.. Enumerable.Range(0, 30).Select(j => new Chance(6)[i][j].Unit)];
            var interval = Interval.OfMean(values);
            return interval.Low <= 0.5 && interval.High >= 0.5;
        });
        Assert.InRange(covers, 51, 60);
        Assert.Equal(new Interval(4, 4, 4, 3), Interval.OfMean([4, 4, 4]));
        Assert.True(double.IsNaN(Interval.OfMean([]).Mean));
    }

    [Fact]
    public void Matching_finds_the_cheapest_pairs()
    {
        Assert.Equal([1, 0], Matching.Cheapest([[1, 2], [1, 9]], 2));
        Assert.Equal([0, null], Matching.Cheapest([[1], [3]], 1));
        Assert.Equal([null, 0], Matching.Cheapest([[7], [3]], 1, dearest: 5));
        Assert.Equal([null], Matching.Cheapest([[]], 0));
        Assert.Empty(Matching.Cheapest([], 2));
    }

    [Fact]
    public void People_are_matched_by_their_looks()
    {
        var boy = new Person(Kind.Boy, Skin.Dark, HairColour.Blonde, HairStyle.Spiky, TopColour.Green, Hat: Hat.Cap);
        var found = Matching.ByLooks([Woman, boy],
            [Seen(boy with { Top = TopColour.Blue }, 30), Seen(Woman with { Hair = HairColour.Brown }, 90)]);
        Assert.Equal([90, 30], found.Select(person => person!.X));
        Assert.Null(Matching.ByLooks([Woman, boy], [Seen(boy, 30)])[0]);
    }

    [Fact]
    public void A_clip_is_marked_by_the_vote_of_its_frames()
    {
        var slip = Seen(Woman with { Top = TopColour.Pink }, 100);
        var marks = ClipMarks.Of(new(Place.Park), [Woman], [Reading(Seen(Woman, 100)), Reading(slip), Reading(Seen(Woman, 102)),
            Reading(), Reading(Seen(Woman, 103))], 224);
        Assert.True(marks.Place && marks.Time && marks.Accent && marks.People);
        Assert.Equal([true, true, true, true, true, true, null], marks.Attributes[0]);
        var other = ClipMarks.Of(new(Place.Farm), [Woman with { Top = TopColour.Blue }, Woman], [Reading(Seen(Woman, 100))], 224);
        Assert.False(other.Place || other.People);
        Assert.All(other.Attributes[0], mark => Assert.NotEqual(true, mark));
    }

    [Fact]
    public void Pictures_are_compared()
    {
        byte[] a = [10, 20, 30, 40, 50, 60], b = [15, 25, 35, 45, 55, 65];
        Assert.Equal(10 * Math.Log10(65025 / 25.0), Pictures.Psnr(a, b), 9);
        Assert.True(double.IsPositiveInfinity(Pictures.Psnr(a, a)));
        Assert.Throws<ArgumentException>(() => Pictures.Psnr(a, [1]));
        b[5] = 255;
        Assert.Equal(5 / 255.0, Pictures.BackgroundDistance(a, b, [0, 1]), 9);
        Assert.True(double.IsNaN(Pictures.BackgroundDistance(a, b, [1, 1])));
        Assert.Equal(32 * 82, Pictures.PeopleMask(Reading(Seen(Woman, 100)), 224, 128, 1).Count(value => value == 1));
        Assert.Equal(16 * 82, Pictures.PeopleMask(Reading(Seen(Woman, 0, score: 0.2)), 224, 128, 1).Count(value => value == 1));
    }

    [Fact]
    public void Drawn_transitions_cross_the_edge_or_come_through_the_door()
    {
        using var stage = new Stage(224, 128);
        var wrong = new List<string>();
        for (var i = 0; i < 40; i++)
        {
            var chance = new Chance(15)[i];
            var kind = (Transition)(i % 4);
            var clip = stage.Draw(Playwright.Change(chance, Location.Draw(chance["at"]), kind, [],
                kind == Transition.Enter ? null : Person.Draw(chance["a"], Kind.Man),
                kind == Transition.Exit ? null : Person.Draw(chance["b"], Kind.Girl)));
            var readings = Enumerable.Range(0, clip.Seen.Count).Select(frame => Reading([.. JudgeTruth.Of(clip, frame).People
                .Select(person => Seen(person.Person, person.X, person.Y, person.Width, person.Height))])).ToList();
            var crossings = Tracks.Cross(readings, 224, clip.Spec.Location.Door is { } door ? (door, Doorway.Width) : null);
            if (crossings != new Crossings(kind == Transition.Exit ? 0 : 1, kind == Transition.Enter ? 0 : 1, 0, 0, 0))
                wrong.Add($"{i} {kind} in the {clip.Spec.Location.Place}: {crossings}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void Pops_fades_and_ghosts_are_counted()
    {
        Reading here = Reading(Seen(Woman, 100)), nobody = Reading();
        Assert.Equal(new(0, 0, 1, 0, 0), Tracks.Cross([nobody, nobody, here, here], 224));
        Assert.Equal(new(0, 0, 0, 1, 0), Tracks.Cross([here, here, nobody, nobody], 224));
        Assert.True(Tracks.Cross([here, nobody, here], 224).Clean);
        var ghost = Reading(Seen(Woman, 160), Seen(Woman, 60, score: 0.2));
        Assert.Equal(1, Tracks.Cross([Reading(Seen(Woman, 150)), ghost], 224).Ghosts);
        var man = Woman with { Kind = Kind.Man, Style = HairStyle.Bald, Top = TopColour.Blue };
        Assert.Equal(0, Tracks.Cross([Reading(Seen(Woman, 150)), Reading(Seen(Woman, 160), Seen(man, 60, score: 0.2))], 224).Ghosts);
        // Two people stay two people when they pass each other.
        var passing = Enumerable.Range(0, 9).Select(i => Reading(Seen(Woman, 50 + 15 * i), Seen(man, 170 - 15 * i))).ToList();
        var tracks = Tracks.Of(passing, 224);
        Assert.Equal(2, tracks.Count);
        Assert.All(tracks, track => Assert.Single(track.Path.Select(entry => entry.Person.Kind.Value).Distinct()));
    }
}
