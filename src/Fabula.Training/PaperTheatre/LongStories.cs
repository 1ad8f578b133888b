// Stories for measuring, longer than those that models learn from: in them people and places return after a known number of shots. Every
// shot sees its place in the same way (Playwright.Wide), so that two views of a place can be compared pixel by pixel.
namespace Fabula.Training.PaperTheatre;

public static class LongStories
{
    /// <summary>Who (or nobody, -1) is where in <see cref="Recall"/>. People return after 1, 1, 2, 4, 8 and 8 shots, always to a
    /// place where they were not when they were last seen or not alone; places return after 1, 1, 1, 2, 4, 4 and 8 shots.</summary>
    static readonly (int Person, int Place)[] Returns =
        [(0, 0), (1, 1), (2, 2), (2, 1), (-1, 0), (2, 0), (2, 0), (-1, 1), (0, 1), (1, 0), (2, 2)];

    /// <summary>Insert and recall over eleven shots, with three people in three places, one in a shot or nobody.</summary>
    public static DrawnStory Recall(Chance chance, bool heldOut = true) => Tell(chance, heldOut, Returns);

    /// <summary>Three places again and again, two shots in each at a time, with one of three people.</summary>
    public static DrawnStory Rounds(Chance chance, int shots, bool heldOut = true) => Tell(chance, heldOut,
        [.. Enumerable.Range(0, shots).Select(i => (chance["who"][i].Below(3), i / 2 % 3))]);

    /// <summary>How many shots ago the same person, or place, was last seen; null for the first time and for nobody.</summary>
    public static IReadOnlyList<(int? Person, int? Place)> Distances(DrawnStory story)
    {
        var (people, places) = (new Dictionary<int, int>(), new Dictionary<int, int>());
        var distances = new List<(int?, int?)>();
        foreach (var (i, shot) in story.Shots.Index())
        {
            int? who = shot.Cast.Count == 1 ? shot.Cast[0] : null;
            distances.Add((who is { } person && people.TryGetValue(person, out var seen) ? i - seen : null,
                places.TryGetValue(shot.Place, out var was) ? i - was : null));
            if (who is { } here) people[here] = i;
            places[shot.Place] = i;
        }
        return distances;
    }

    static DrawnStory Tell(Chance chance, bool heldOut, IReadOnlyList<(int Person, int Place)> shots)
    {
        var kinds = chance["kinds"].Shuffled<Kind>(Enum.GetValues<Kind>());
        Person[] people = [.. Enumerable.Range(0, 3).Select(i => Person.Draw(chance["person"][i], kinds[i], heldOut))];
        Location[] places = [.. chance["places"].Shuffled<Place>(Location.Places).Take(3)
            .Select((place, i) => Location.Draw(chance["place"][i], place))];
        return new(StoryPattern.InsertAndRecall, people, places, [.. shots.Select((shot, i) =>
        {
            int[] cast = shot.Person < 0 ? [] : [shot.Person];
            return new StoryShot(Playwright.Wide(chance["shot"][i], places[shot.Place], [.. cast.Select(who => people[who])]), cast,
                shot.Place);
        })], heldOut);
    }
}
