using System.Text.RegularExpressions;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

public class CaptionTests
{
    static IEnumerable<(ShotSpec Spec, Chance Chance)> Shots() =>
        from seed in Enumerable.Range(0, 150)
        from shot in Playwright.Story(new Chance((ulong)seed)).Shots.Index()
        select (shot.Item.Spec, new Chance(99)[seed][shot.Index]);

    [Fact]
    public void Full_captions_name_kind_hair_top_hat_and_place()
    {
        foreach (var (spec, chance) in Shots())
        {
            var text = Captions.Write(spec, Register.Full, chance);
            Assert.Contains(Lexicon.Ways($"Place.{spec.Location.Place}"), text.Contains);
            Assert.Contains(Lexicon.Ways($"Accent.{spec.Location.Accent}"), text.Contains);
            foreach (var person in spec.Roles.Select(role => role.Person))
            {
                Assert.Contains(Lexicon.Ways($"Kind.{person.Kind}"), text.Contains);
                Assert.Contains(Lexicon.Ways($"HairColour.{person.Hair}"), text.Contains);
                Assert.Contains(Lexicon.Ways($"TopColour.{person.Top}"), text.Contains);
                Assert.Contains(Lexicon.Ways($"Skin.{person.Skin}"), text.Contains);
                if (person.Glasses) Assert.Contains("glasses", text);
                if (person.Beard) Assert.Contains("beard", text);
                if (person.Hat != Hat.None) Assert.Contains(Lexicon.Ways($"Hat.{person.Hat}"),
                    way => text.Contains(way.Split("{colour} ")[1]));
            }
        }
    }

    [Theory]
    [InlineData(Register.Referential)]
    [InlineData(Register.Screenplay)]
    public void The_other_registers_never_say_what_anybody_looks_like(Register register)
    {
        string[] hidden =
        [
            "skin", "hair", "bun", "curls", "pigtails", "ponytail", "bald", "beard", "glasses", "cap", "hat", "shirt", "jumper", "dress",
            "jacket",
            "trousers", "striped", "stripes", "tall", "short",
            .. Enum.GetNames<TopColour>().Concat(Enum.GetNames<HairColour>()).Concat(Enum.GetNames<Accent>())
                .Select(name => name.ToLowerInvariant()),
        ];
        foreach (var (spec, chance) in Shots())
        {
            var words = Lexicon.Split(Captions.Write(spec, register, chance)).ToHashSet();
            Assert.DoesNotContain(hidden, words.Contains);
        }
    }

    [Fact]
    public void Referential_captions_say_the_same_one_and_the_place_again()
    {
        foreach (var (spec, chance) in Shots())
        {
            var text = Captions.Write(spec, Register.Referential, chance);
            Assert.Contains(Lexicon.Ways($"Again.{spec.Location.Place}"), text.Contains);
            foreach (var role in spec.Roles) Assert.Contains($"same {Lexicon.Ways($"Kind.{role.Person.Kind}")[0]}",
                text.ToLowerInvariant());
        }
    }

    [Fact]
    public void Screenplay_lines_have_a_heading_and_names()
    {
        var spec = new ShotSpec(new(Place.Kitchen, TimeOfDay.Night), ShotSize.Wide, CameraMove.Static, []);
        var woman = Person.Draw(new Chance(1), Kind.OldWoman);
        var text = Captions.Write(spec with { Roles = [new(woman, Blocking.EnterByDoor(spec, 112, 0, 0.8, Doing.Wave), Name: "Ada")] },
            Register.Screenplay, new Chance(1));
        Assert.StartsWith("INT. KITCHEN - NIGHT\nAda ", text);
        Assert.Contains("through the door", text);
        Assert.DoesNotContain("the left", text);
    }

    [Fact]
    public void Planned_captions_introduce_everybody_by_a_name_of_their_own_as_the_planner_does()
    {
        foreach (var (spec, chance) in Shots())
        {
            var text = Captions.Write(spec, Register.Planned, chance);
            Assert.StartsWith($"{spec.Size} shot. ", text);
            var introduced = Regex.Matches(text, @"(?<=\. )(?!There)(\w+) is an? ").Select(match => match.Groups[1].Value).ToList();
            Assert.Equal(spec.Roles.Count, introduced.Count);
            Assert.Equal(introduced.Count, introduced.Distinct().Count());
            if (spec.Location.Place != Place.Plain)
                Assert.Contains(Lexicon.Ways($"Heading.{spec.Location.Time}")[0].ToLowerInvariant(), text);
            foreach (var role in spec.Roles) Assert.Contains(Lexicon.Ways($"TopColour.{role.Person.Top}"), text.Contains);
        }
    }

    [Fact]
    public void Two_of_a_kind_are_told_apart()
    {
        Role Girl(ulong seed, double x) => new(Person.Draw(new Chance(seed), Kind.Girl), Blocking.Stay(Doing.Stand, x));
        var spec = new ShotSpec(new(Place.Park), ShotSize.Wide, CameraMove.Static, [Girl(1, 80), Girl(2, 140)]);
        var text = Captions.Write(spec, Register.Referential, new Chance(3));
        Assert.Contains("The same girl", text);
        Assert.Contains("The other girl", text);
    }

    [Fact]
    public void Every_word_of_every_caption_is_in_the_vocabulary()
    {
        var known = Lexicon.Words.ToHashSet();
        foreach (var (spec, chance) in Shots())
            foreach (var register in Enum.GetValues<Register>())
                Assert.All(Lexicon.Split(Captions.Write(spec, register, chance)),
                    word => Assert.True(known.Contains(word) || register == Register.Planned && Invented.IsMatch(word), word));
        Assert.InRange(known.Count, 200, 400);
    }

    static readonly Regex Invented = new("^([b-df-hj-np-tv-z][aeiou]){2,3}$");

    [Fact]
    public void Every_value_of_every_attribute_has_words()
    {
        foreach (var type in new[]
        {
            typeof(Kind), typeof(Skin), typeof(HairColour), typeof(HairStyle), typeof(TopColour), typeof(HatColour), typeof(Accent),
                typeof(Trousers),
            typeof(Place), typeof(TimeOfDay), typeof(Doing), typeof(Carried), typeof(Prop), typeof(ShotSize), typeof(CameraMove),
        })
            Assert.All(Enum.GetNames(type), name => Assert.NotEmpty(Lexicon.Ways($"{type.Name}.{name}")));
        foreach (var key in new[] { "Again", "Heading", "Seat" })
            Assert.All(Enum.GetNames<Place>(), name => Assert.NotEmpty(Lexicon.Ways($"{key}.{name}")));
    }

    [Fact]
    public void The_same_shot_is_said_in_many_ways_and_in_the_same_way_by_the_same_chance()
    {
        var spec = Shots().First().Spec;
        var texts = Enumerable.Range(0, 40).Select(i => Captions.Write(spec, Register.Full, new Chance(5)[i])).ToList();
        Assert.True(texts.Distinct().Count() > 12);
        Assert.Equal(texts, Enumerable.Range(0, 40).Select(i => Captions.Write(spec, Register.Full, new Chance(5)[i])));
    }
}
