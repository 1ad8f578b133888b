using Fabula.Models;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

public class FromWordsTests
{
    [Fact]
    public void Whom_a_caption_describes_is_whom_it_is_read_as()
    {
        for (var i = 0; i < 2000; i++)
        {
            var chance = new Chance(77)[i];
            var person = Person.Draw(chance["who"]);
            var words = Captions.Describe(person, chance["words"]);
            var read = FromWords.Person(words);
            var seen = person with
            {
                HatColour = person.Hat == Hat.None ? HatColour.Red : person.HatColour,
                Trousers = person.Female ? Trousers.Navy : person.Trousers,
            };
            Assert.True(seen == read, $"{words}: {read}");
        }
    }

    [Theory]
    [InlineData("on the beach early in the morning with a yellow parasol", Place.Beach, TimeOfDay.Morning, Accent.Yellow)]
    [InlineData("in the living room at night with blue curtains", Place.LivingRoom, TimeOfDay.Night, Accent.Blue)]
    [InlineData("in the snowy hills with a snowman in a green scarf", Place.Snow, TimeOfDay.Day, Accent.Green)]
    public void A_place_is_read_from_the_words_of_captions(string words, Place place, TimeOfDay time, Accent accent) =>
        Assert.Equal(new Location(place, time, accent), FromWords.Location(words));

    [Theory]
    [InlineData("a teddy bear", Carried.Teddy)]
    [InlineData("a basket of apples", Carried.Basket)]
    [InlineData("with a box in both hands", Carried.Box)]
    [InlineData("flowers", Carried.Flowers)]
    public void A_thing_is_read_from_the_words_of_captions_and_can_be_cut_out_of_its_picture(string words, Carried thing)
    {
        Assert.Equal(thing, FromWords.Thing(words));
        var figure = CutOut.Of(new(PropPicture.Draw(thing, 160, 120), 160, 120))!;
        var (left, top, right, bottom) = figure.Bounds;
        Assert.True(left > 3 && top > 3 && right < 156 && bottom < 116, $"{figure.Bounds}");
        Assert.True(bottom - top > 80 || right - left > 100, $"{figure.Bounds}");
        Assert.InRange(left + right, 140, 180);
    }

    [Fact]
    public void A_thing_that_the_theatre_cannot_draw_is_refused()
    {
        Assert.Contains("'green'", Assert.Throws<FormatException>(() => FromWords.Thing("a green balloon")).Message,
            StringComparison.Ordinal);
        Assert.Contains("what people carry", Assert.Throws<FormatException>(() => FromWords.Thing("a sword")).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a man with a moustache, short black hair and a red shirt", "moustache")]
    [InlineData("a dragon", "who it is")]
    [InlineData("an old man with long grey hair and a red shirt", "Cropped")]
    public void What_the_theatre_cannot_draw_is_refused_with_what_it_can(string words, string told) =>
        Assert.Contains(told, Assert.Throws<FormatException>(() => FromWords.Person(words)).Message, StringComparison.Ordinal);
}
