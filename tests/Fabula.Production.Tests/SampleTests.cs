// The stories that come with Fabula: planned without a finding, of the promised size, in words that Paper Theatre teaches.
using Fabula.Narrative;
using Fabula.Narrative.Fountain;
using Fabula.Training.PaperTheatre;

namespace Fabula.Production.Tests;

public class SampleTests
{
    public static TheoryData<string> Screenplays => ["lighthouse", "snowman", "captain", "market"];

    public static TheoryData<string> All => ["lighthouse", "snowman", "captain", "apples", "market"];

    static Bible Bible(string name) => BibleReader.Read(Repository.Read($"samples/{name}/bible.yaml"));

    static Planned Planned(string name) => name == "apples"
        ? StoryMemPlan.From(StoryMem.Read(Repository.Read($"samples/{name}/story.json")), Bible(name))
        : ScreenplayPlanner.Plan(FountainReader.Read(Repository.Read($"samples/{name}/screenplay.fountain")), Bible(name));

    [Theory]
    [MemberData(nameof(All))]
    public void A_sample_plans_without_findings_and_is_a_small_film(string name)
    {
        var planned = Planned(name);
        Assert.Equal("", string.Join('\n', planned.Findings));
        if (name == "market") Assert.Equal(30, planned.Plan.Shots.Count);
        else Assert.InRange(planned.Plan.Shots.Count, 8, 12);
        Assert.InRange(planned.Plan.Characters.Count, 2, 3);
        Assert.All(planned.Plan.Characters, person => Assert.True(
            planned.Plan.Shots.Count(shot => shot.Start.Union(shot.End).Contains(person.Id)) > 1, $"{person.Id} does not return"));
    }

    [Theory]
    [MemberData(nameof(Screenplays))]
    public void A_screenplay_has_two_to_four_places_and_people_who_come_and_go(string name)
    {
        var plan = Planned(name).Plan;
        Assert.InRange(plan.Locations.Count, 2, 4);
        Assert.Contains(plan.Shots, shot => shot.End.Except(shot.Start).Any());
        Assert.Contains(plan.Shots, shot => shot.Start.Except(shot.End).Any());
        Assert.Contains(plan.Transitions, join => join.Kind is JoinKind.Swap or JoinKind.Replace);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Every_word_of_a_prompt_is_one_that_the_theatre_teaches(string name)
    {
        var plan = Planned(name).Plan;
        var known = Lexicon.Words.Concat(plan.Characters.Select(person => person.Name.ToLowerInvariant())).ToHashSet();
        Assert.Empty(plan.Shots.SelectMany(shot => Lexicon.Split(shot.Prompt)).Distinct().Except(known));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void The_theatre_can_draw_everybody_and_every_place_of_a_bible(string name)
    {
        var bible = Bible(name);
        foreach (var person in bible.People) FromWords.Person(person.Looks);
        foreach (var prop in bible.Props) FromWords.Thing(prop.Looks);
        foreach (var place in bible.Places) Assert.Equal(place.Inside, FromWords.Location(place.Looks).Indoors);
    }

    [Theory]
    [InlineData("captain", "teddy_bear")]
    [InlineData("market", "basket")]
    [InlineData("snowman", "balloon")]
    public void What_a_story_is_about_is_in_somebodys_hands_and_changes_them(string name, string prop)
    {
        var shots = Planned(name).Plan.Shots;
        var carriers = shots.Select(shot => shot.StartProps?.GetValueOrDefault(prop)).OfType<string>().ToList();
        Assert.True(carriers.Count >= 2 && carriers.Distinct().Count() >= 2, string.Join(' ', carriers));
    }

    [Theory]
    [InlineData("lighthouse", false)]
    [InlineData("snowman", true)]
    [InlineData("captain", true)]
    [InlineData("market", true)]
    public void Reference_pictures_are_there_where_they_are_declared(string name, bool pictures)
    {
        var bible = Bible(name);
        foreach (var declared in bible.People.Select(person => person.Pictures).Concat(bible.Places.Select(place => place.Pictures))
            .Concat(bible.Props.Select(prop => prop.Pictures)))
        {
            Assert.Equal(pictures ? 1 : 0, declared.Count);
            foreach (var picture in declared)
                Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'],
                    File.ReadAllBytes(Path.Combine(Repository.Root, "samples", name, picture)).AsSpan(0, 4).ToArray());
        }
    }
}
