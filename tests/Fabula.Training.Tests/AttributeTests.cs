using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

public class AttributeTests
{
    [Fact]
    public void Colours_of_one_attribute_lie_apart()
    {
        Apart(0.28, Enum.GetValues<Skin>().Select(Palette.Of));
        Apart(0.25, Enum.GetValues<HairColour>().Select(Palette.Of));
        Apart(0.28, Enum.GetValues<TopColour>().Select(Palette.Of));
        Apart(0.40, Enum.GetValues<HatColour>().Select(Palette.Of));
        Apart(0.25, Enum.GetValues<Trousers>().Select(Palette.Of));
        Apart(0.28, Enum.GetValues<Accent>().Select(Palette.Of));

        static void Apart(double least, IEnumerable<Colour> colours)
        {
            var all = colours.ToList();
            for (var i = 0; i < all.Count; i++)
                for (var j = 0; j < i; j++)
                {
                    var (r, g, b) = (all[i].R - all[j].R, all[i].G - all[j].G, all[i].B - all[j].B);
                    Assert.True(Math.Sqrt(r * r + g * g + b * b) >= least, $"{all[i]} and {all[j]} are too close");
                }
        }
    }

    [Fact]
    public void Every_attribute_changes_the_picture_of_a_portrait()
    {
        using var stage = new Stage(224, 128);
        byte[] Picture(Person person) => stage.Draw(ShotSpec.Portrait(person)).Frames;
        var man = new Person(Kind.Man, Skin.Tan, HairColour.Brown, HairStyle.Cropped, TopColour.Green, Hat: Hat.Cap);
        var plain = Picture(man);
        foreach (var other in new[]
        {
            man with { Kind = Kind.Boy }, man with { Kind = Kind.OldMan }, man with { Kind = Kind.Woman }, man with { Skin = Skin.Dark },
            man with { Hair = HairColour.Ginger }, man with { Style = HairStyle.Spiky }, man with { Style = HairStyle.Curly },
            man with { Top = TopColour.Pink }, man with { Pattern = Pattern.Striped }, man with { Pattern = Pattern.Buttoned },
            man with { Hat = Hat.None }, man with { Hat = Hat.TopHat }, man with { HatColour = HatColour.Blue },
            man with { Height = Height.Tall }, man with { Glasses = true }, man with { Beard = true },
        })
        {
            var changed = Picture(other).Index().Count(value => Math.Abs(value.Item - plain[value.Index]) > 40);
            Assert.True(changed > 90, $"{other} differs from {man} in {changed} bytes only");
        }
    }

    [Fact]
    public void The_colour_of_a_top_can_be_measured_in_the_mask()
    {
        using var stage = new Stage(224, 128);
        foreach (var kind in Enum.GetValues<Kind>())
            foreach (var top in Enum.GetValues<TopColour>())
            {
                var person = Person.Draw(new Chance(4), kind) with { Top = top, Pattern = Pattern.Plain };
                var clip = stage.Draw(new(new(Place.Street), ShotSize.Wide, CameraMove.Static,
                    [new(person, Blocking.Stay(Doing.Stand, 112))], Frames: 1));
                var wanted = Palette.Of(top);
                var seen = Enumerable.Range(0, 224 * 128).Count(i => clip.Masks[i] == 1 && Math.Abs(clip.Frames[i * 3] - wanted.R * 255) < 3
                    && Math.Abs(clip.Frames[i * 3 + 1] - wanted.G * 255) < 3 && Math.Abs(clip.Frames[i * 3 + 2] - wanted.B * 255) < 3);
                Assert.True(seen > 40, $"{seen} pixels of {top} on a {kind}");
            }
    }

    [Fact]
    public void One_identity_in_ten_is_held_out_and_the_split_does_not_move()
    {
        var people = Enumerable.Range(0, 4000).Select(i => Person.Draw(new Chance(11)[i])).ToList();
        Assert.InRange(people.Count(person => person.HeldOut), 280, 520);
        Assert.All(people, person => Assert.Equal(person.HeldOut,
            (person with { Hat = Hat.SunHat, Glasses = true, Height = Height.Tall, Pattern = Pattern.Striped }).HeldOut));
        // Were this to change, shipped models would have been trained on what is called unseen.
        Assert.Equal(HeldOutKey, string.Concat(people.Take(64).Select(person => person.HeldOut ? '1' : '0')));
    }

    const string HeldOutKey = "0000000000000010010000001010000000001000010000000000000000011000";

    [Fact]
    public void Chance_is_even_and_does_not_depend_on_order()
    {
        var chance = new Chance(42);
        var (late, early) = (chance["b"].Unit, chance["a"].Unit);
        Assert.Equal((late, early), (new Chance(42)["b"].Unit, new Chance(42)["a"].Unit));
        Assert.NotEqual(late, early);
        var counts = Enumerable.Range(0, 8000).CountBy(i => chance[i].Below(8)).ToDictionary();
        Assert.Equal(8, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, 850, 1150));
        Assert.Equal([1, 2, 3, 4, 5], chance.Shuffled(1, 2, 3, 4, 5).Order());
    }
}
