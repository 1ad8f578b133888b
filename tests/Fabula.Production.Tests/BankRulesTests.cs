using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production.Tests;

/// <summary>What each rule of a bank leaves out.</summary>
public class BankRulesTests
{
    const int Width = 32, Height = 16;

    /// <summary>Stripes, so that it counts as sharp.</summary>
    static byte[] Striped(int colour)
    {
        byte[] chosen = [(byte)(colour * 37), (byte)(colour * 91 + 40), (byte)(colour * 151)];
        return [.. Enumerable.Range(0, Width * Height).SelectMany(i => i % 2 == 0 ? chosen : chosen.Select(value => (byte)(value / 2)))];
    }

    static readonly byte[] Black = new byte[Width * Height * 3];

    static KeyframeBank Film(BankRules rules, int shots, Func<int, byte[][]> frames)
    {
        var bank = KeyframeBank.Empty;
        for (var i = 0; i < shots; i++)
            bank = bank.With(new BankLabel($"shot-{i}", 0, [i == 0 ? "ada" : "ben"], "park"), frames(i), Width, Height, rules: rules);
        return bank;
    }

    static byte[][] Colours(int shot) => [Striped(3 * shot), Striped(3 * shot + 1), Striped(3 * shot + 2)];

    static List<string> Picked(KeyframeBank bank, BankRules rules, int room, params string[] pinned) =>
        [.. bank.Pick(pinned, room, rules).Select(i => bank.Entries[i].Label.Shot)];

    [Fact]
    public void The_rules_of_films_are_the_default()
    {
        var named = Film(BankRules.Product, 20, Colours);
        var bank = KeyframeBank.Empty.With(new("a", 0, [], "park"), Colours(1), Width, Height);
        var same = KeyframeBank.Empty.With(new("a", 0, [], "park"), Colours(1), Width, Height, rules: BankRules.Product);
        Assert.Equal(same.Entries.Select(entry => entry.Label.Frame), bank.Entries.Select(entry => entry.Label.Frame));
        Assert.Equal(named.Pick(["shot-0"], 4), named.Pick(["shot-0"], 4, BankRules.Product));
    }

    [Fact]
    public void Somebody_who_walks_in_has_a_keyframe_that_shows_them_whole()
    {
        // All frames look alike; only the plan knows that Ada is out of the frame at first, and half in it then.
        byte[][] frames = [.. Enumerable.Repeat(Striped(1), 6)];
        StageBox At(double x) => new(x - 0.1, 0.3, x + 0.1, 0.9);
        List<IReadOnlyDictionary<string, StageBox>> staging = [.. new[] { default, At(0), At(0.2), At(0.4), At(0.5), At(0.5) }
            .Select(box => new Dictionary<string, StageBox> { ["ada"] = box })];
        KeyframeBank Remember(BankRules rules) => KeyframeBank.Empty.With(new("a", 0, ["ada"], "park"), frames, Width, Height, rules: rules,
            staging: staging);
        Assert.Equal([0, 4], Remember(BankRules.Product).Entries.Select(entry => entry.Label.Frame));
        Assert.Equal([0], Remember(BankRules.Published).Entries.Select(entry => entry.Label.Frame));
        Assert.Equal(At(0.5), Remember(BankRules.Product).Entries[1].Label.Boxes!["ada"]);
        // Who is known needs no second one.
        var again = Remember(BankRules.Product).With(new("b", 0, ["ada"], "park"), [.. frames.Select(_ => Striped(5))], Width, Height,
            staging: staging);
        Assert.Equal(["a", "a", "b"], again.Entries.Select(entry => entry.Label.Shot));
    }

    [Fact]
    public void Without_sink_the_beginning_of_the_film_is_forgotten()
    {
        var (with, without) = (Film(BankRules.Published, 30, Colours), Film(BankRules.PublishedWithoutSink, 30, Colours));
        Assert.Contains("shot-0", Picked(with, BankRules.Published, 3));
        Assert.DoesNotContain("shot-0", Picked(without, BankRules.PublishedWithoutSink, 3));
        Assert.Equal(0, BankRules.WithoutSink.SinkIn(10));
        Assert.Equal((1, 3), (BankRules.Product.SinkIn(3), BankRules.Product.SinkIn(10)));
    }

    [Fact]
    public void The_last_frame_alone_is_remembered_until_the_next_shot()
    {
        var bank = Film(BankRules.LastFrame, 5, Colours);
        Assert.Equal(("shot-4", 2), (Assert.Single(bank.Entries).Label.Shot, bank.Entries[0].Label.Frame));
        Assert.Equal(["shot-4"], Picked(bank, BankRules.LastFrame, 3, "shot-0"));
    }

    [Fact]
    public void First_frames_are_taken_whatever_they_show()
    {
        var bank = Film(BankRules.FirstFrame, 4, shot => [Black, Striped(shot), Striped(shot + 9)]);
        Assert.Equal([0, 0, 0, 0], bank.Entries.Select(entry => entry.Label.Frame));
        Assert.All(bank.Entries, entry => Assert.Same(Black, entry.Rgb));
    }

    [Fact]
    public void Without_gate_a_black_frame_is_a_keyframe()
    {
        byte[][] Fading(int shot) => [Black, Striped(2 * shot), Striped(2 * shot + 1)];
        Assert.DoesNotContain(Film(BankRules.Product, 1, Fading).Entries, entry => ReferenceEquals(entry.Rgb, Black));
        Assert.Contains(Film(BankRules.WithoutGate, 1, Fading).Entries, entry => ReferenceEquals(entry.Rgb, Black));
    }

    [Fact]
    public void Named_shots_come_first_unless_the_rules_know_no_names()
    {
        var bank = Film(BankRules.Product, 12, Colours);
        // A keyframe of each named shot before a second one of any.
        Assert.Equal(["shot-0", "shot-10", "shot-11"], Picked(bank, BankRules.WithoutSink, 3, "shot-0", "shot-10").Distinct());
        Assert.DoesNotContain("shot-10", Picked(bank, BankRules.Published, 2, "shot-10"));
    }

    [Fact]
    public void The_latest_shot_of_each_person_is_named_before_that_of_the_place()
    {
        PlanShot Shot(string id, string place, string[] people, params string[] memory) => new()
        {
            Id = id,
            Scene = place,
            Action = "",
            Size = ShotSize.Wide,
            Start = people,
            End = people,
            Prompt = "",
            Keyframe = "",
            Frames = 17,
            Cut = true,
            Method = ShotMethod.Memory,
            Memory = memory,
            Seed = 1,
        };
        var shots = new[]
        {
            Shot("a", "park", ["ada"]), Shot("b", "park", ["ben"]), Shot("c", "farm", ["ada"]), Shot("d", "park", []),
            Shot("e", "park", ["ada", "ben"], "a", "b", "c", "d"),
        };
        var places = new Dictionary<string, string> { ["park"] = "park", ["farm"] = "farm" };
        Assert.Equal(["c", "b", "d", "a"], KeyframeBank.Pins(shots[4], shots.ToDictionary(shot => shot.Id), places));
    }
}
