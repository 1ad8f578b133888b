using Fabula.Build;
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production.Tests;

/// <summary>What people carry, in the drafts of a film and in its graph.</summary>
public sealed class PropsTests
{
    const int Width = 112, Height = 64;

    const string Bible = """
        film: { width: 112, height: 64, rate: 8, frames: 17, seed: 7 }
        people:
          ada: { looks: a woman, pictures: [pictures/ada.png] }
          ben: { looks: a small boy, pictures: [pictures/ben.png] }
        places:
          park: { looks: a green park, pictures: [pictures/park.png] }
          hall: { inside: yes, looks: a hall, pictures: { day: pictures/park.png, night: pictures/dark.png }, door: 20 }
        props:
          basket: { looks: a basket, pictures: [pictures/basket.png] }
          book: a book
        """;

    static SmallProduction Production(string screenplay, string bible = Bible)
    {
        var production = new SmallProduction(screenplay, bible);
        Directory.CreateDirectory(Path.Combine(production.Root, "pictures"));
        void Paint(string name, Func<int, int, bool> figure, (byte, byte, byte) colour, byte ground)
        {
            var rgb = Enumerable.Repeat(ground, Width * Height * 3).ToArray();
            for (var i = 0; i < Width * Height; i++)
                if (figure(i % Width, i / Width)) (rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]) = colour;
            using var file = File.Create(Path.Combine(production.Root, "pictures", name));
            PngWriter.Write(file, rgb, Width, Height);
        }
        foreach (var name in new[] { "ada.png", "ben.png" })
            Paint(name, (x, y) => x is > 46 and < 66 && y is > 6 and < 58, (250, 0, 0), 200);
        Paint("basket.png", (x, y) => x is > 40 and < 70 && y is > 20 and < 50, (0, 0, 250), 200);
        Paint("park.png", (_, _) => false, default, 90);
        Paint("dark.png", (_, _) => false, default, 20);
        return production;
    }

    static BuildGraph Graph(SmallProduction production)
    {
        using var film = production.Open();
        Assert.False(film.Documents.HasErrors, string.Join('\n', film.Documents.Findings));
        var facts = new StandInRenderer().Facts;
        facts = facts with { Modes = facts.Modes | FilmModes.Background, DraftTrust = 3 };
        return FilmGraph.Create(new(PlanFit.To(film.Documents.Plan, facts).Plan, production.Root, [], facts, "x"),
            new Recipes(() => throw new InvalidOperationException(), (_, _) => { }, () => 0));
    }

    static ClipSettings Clip(BuildGraph graph, string shot) => ClipSettings.Of(graph[$"clip/{shot}"]);

    static double Middle(StageBox box) => (box.Left + box.Right) / 2;

    [Fact]
    public void A_thing_with_a_picture_is_an_input_of_the_shots_in_which_it_is_carried_and_of_no_other()
    {
        using var production = Production("""
            EXT. PARK - DAY

            Ada waits. [[shot: wide]]

            Ada, carrying a basket, waves. [[shot: medium]]

            Ada has a book. [[shot: wide]]
            """);
        var graph = Graph(production);
        string? Basket(string step) => graph[step].Inputs.OfType<StepInput>().FirstOrDefault(input => input.Name == "prop-1")?.Step;
        Assert.Equal((null, "prop/basket", null),
            (Basket("clip/ada-waits"), Basket("clip/ada-carrying-basket-waves"), Basket("clip/ada-has-book")));
        Assert.Equal("prop/basket", Basket("keyframe/ada-carrying-basket-waves"));
        Assert.DoesNotContain("\"Props\"", graph["clip/ada-waits"].Settings.Canonical, StringComparison.Ordinal);
        Assert.Single(Clip(graph, "ada-carrying-basket-waves").Props!);
    }

    [Fact]
    public void A_basket_hangs_at_the_hand_goes_with_its_carrier_and_is_as_large_in_every_hand()
    {
        using var production = Production("""
            EXT. PARK - DAY

            Ada, carrying a basket, walks to the right. [[shot: wide]]

            Ada gives the basket to Ben. [[shot: wide]]

            Ben walks off to the left. [[exit: Ben left]] [[shot: wide]] [[with: Ben]]
            """);
        var graph = Graph(production);
        var walks = Clip(graph, "ada-carrying-basket-walks");
        const double Aspect = (double)Height / Width;
        for (var i = 0; i <= 8; i++)
        {
            var (ada, basket) = (walks.Staging![0].At(i / 8.0), walks.Props![0].At(i / 8.0, [walks.Staging[0].At(i / 8.0)], Aspect));
            Assert.InRange(basket.Top, ada.Top + ada.Height * 0.5, ada.Bottom);
            Assert.InRange(basket.Bottom, basket.Top + 0.05, ada.Bottom);
            Assert.InRange(Middle(basket) - Middle(ada), 0.2 * ada.Width, 0.6 * ada.Width);
        }
        // From hand to hand, and never out of both.
        var gives = Clip(graph, "ada-gives-basket-ben");
        StageBox[] people = [gives.Staging![0].From, gives.Staging[1].From];
        var (first, last) = (gives.Props![0].At(0, people, Aspect), gives.Props[0].At(1, people, Aspect));
        Assert.InRange(Middle(first), people[0].Left, people[0].Right + 0.05);
        Assert.InRange(Middle(last), people[1].Left, people[1].Right + 0.05);
        Assert.Equal(first.Height, last.Height, 0.001);
        Assert.InRange(Middle(gives.Props[0].At(0.43, people, Aspect)), Middle(first) + 0.02, Middle(last) - 0.02);
        // In the next shot it is Ben's, and leaves with him.
        var leaves = Clip(graph, "ben-walks-off-left");
        Assert.True(leaves.Props![0].Stays && leaves.Props[0].At(1, [leaves.Staging![0].At(1)], Aspect).Right < 0.05);
    }

    [Fact]
    public void The_draft_of_a_shot_shows_the_thing_in_front_of_its_carrier_and_one_that_is_given_away_leaves_no_copy()
    {
        using var production = Production("EXT. PARK - DAY\n\nAda gives the basket to Ben. [[shot: wide]]");
        var settings = Clip(Graph(production), "ada-gives-basket-ben");
        CutOut Cut(string name) => CutOut.Of(PngReader.Read(Path.Combine(production.Root, "pictures", name)))!;
        var place = PngReader.Read(Path.Combine(production.Root, "pictures", "park.png"));
        var stage = new Collages(settings, place, [Cut("ada.png"), Cut("ben.png")], [Cut("basket.png")]);
        int Blue(Picture draft, double from, double to) => Enumerable.Range(0, Width * Height).Count(i =>
            draft.Rgb[3 * i + 2] > 240 && draft.Rgb[3 * i] < 20 && i % Width >= from * Width && i % Width < to * Width);
        var drafts = stage.Drafts(0, 17, null, null);
        Assert.True(Blue(drafts[0], 0, 0.53) > 20 && Blue(drafts[0], 0.6, 1) == 0, "Ada has it");
        Assert.True(Blue(drafts[16], 0, 0.53) == 0 && Blue(drafts[16], 0.5, 1) > 20, "Ben has it");
        // The same where the first frame is given: it shows the basket at Ada's hand.
        var given = stage.Drafts(0, 17, drafts[0], null);
        Assert.True(Blue(given[16], 0, 0.53) == 0 && Blue(given[16], 0.5, 1) > 20);
        Assert.Equal(2, stage.Staging(0, 17)[0].Count);                          // the model is told of people alone
    }

    [Fact]
    public void What_somebody_takes_up_lies_at_their_feet_and_what_they_put_down_stays_there()
    {
        using var production = Production("""
            EXT. PARK - DAY

            Ada takes the basket. [[shot: wide]]

            Ada puts the basket down and walks off to the left. [[exit: Ada left]] [[shot: wide]]
            """);
        var graph = Graph(production);
        StageBox Box(string shot, double at) => Clip(graph, shot) is var clip
            ? clip.Props![0].At(at, [clip.Staging![0].At(at)], (double)Height / Width) : default;
        var ground = Clip(graph, "ada-takes-basket").Staging![0].From.Bottom;
        Assert.Equal(ground, Box("ada-takes-basket", 0).Bottom, 6);
        Assert.True(Box("ada-takes-basket", 1).Bottom < ground - 0.02);
        Assert.True(Box("ada-puts-basket-down", 0).Bottom < ground - 0.02);
        Assert.Equal((Box("ada-puts-basket-down", 0.25), ground), (Box("ada-puts-basket-down", 1), Box("ada-puts-basket-down", 1).Bottom));
    }

    [Fact]
    public void Night_is_a_step_of_its_own_unless_the_bible_has_a_picture_of_it()
    {
        using var production = Production("""
            EXT. PARK - DAY

            Ada waits. [[shot: wide]]

            EXT. PARK - NIGHT

            Ada waves. [[shot: wide]]

            Ada jumps. [[shot: wide, reverse]]

            INT. HALL - NIGHT

            Ada looks around. [[shot: wide]]

            INT. HALL - LATER

            Ada leaves through the door. [[shot: wide]]
            """);
        var graph = Graph(production);
        string Behind(string shot) => graph[$"clip/{shot}"].Inputs.OfType<StepInput>().Single(input => input.Name == "background").Step;
        Assert.Equal(["plate/park", "plate/park@night-light", "plate/park@night-reverse", "plate/hall@night", "plate/hall"],
            new[] { "ada-waits", "ada-waves", "ada-jumps", "ada-looks-around", "ada-leaves-through-door" }.Select(Behind));
        Assert.Equal("light", graph["plate/park@night-light"].Recipe.Name);
        Assert.EndsWith("pictures/dark.png", ((SourceInput)graph["plate/hall@night"].Inputs[0]).Path, StringComparison.Ordinal);
        Assert.Equal([null, DayTime.Night, DayTime.Night, DayTime.Night, null],
            new[] { "ada-waits", "ada-waves", "ada-jumps", "ada-looks-around", "ada-leaves-through-door" }
                .Select(shot => Clip(graph, shot).Light?.Time));
        Assert.DoesNotContain("\"Light\"", graph["clip/ada-waits"].Settings.Canonical, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_film_by_night_is_made_and_a_second_run_makes_nothing()
    {
        using var production = Production("EXT. PARK - NIGHT\n\nAda, carrying a basket, waits. [[shot: wide]]");
        Assert.Contains("plate/park@night-light", (await production.Make()).Ran);
        Assert.Equal(0, (await production.Make()).Calls);
    }
}
