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
    [InlineData("a man with a moustache, short black hair and a red shirt", "moustache")]
    [InlineData("a dragon", "who it is")]
    [InlineData("an old man with long grey hair and a red shirt", "Cropped")]
    public void What_the_theatre_cannot_draw_is_refused_with_what_it_can(string words, string told) =>
        Assert.Contains(told, Assert.Throws<FormatException>(() => FromWords.Person(words)).Message, StringComparison.Ordinal);
}
