// A StoryMem story as a film plan: the prompts are used as they are, so the film is told to the models in its author's words. What the
// form does not say and the bible knows is read from these words: who is there, who comes and goes, where it happens, how near it is.
using System.Text.RegularExpressions;

namespace Fabula.Narrative;

public static partial class StoryMemPlan
{
    /// <summary>
    /// A scene for each scene of the story. It plays in the bible's place that its prompts name first, or else in one place that stands
    /// for all. People of the bible (it may be empty) who are named in a prompt are visible, from the start unless they enter, to the end
    /// unless they leave. cut: false becomes 'continue'. Seeds follow the film's seed, not StoryMem's, which repeat in every scene.
    /// </summary>
    public static Planned From(StoryMemStory story, Bible bible, PlanOptions? options = null)
    {
        var people = new NameIndex(bible.People.SelectMany(person => person.Also.Append(person.Name).Select(name => (name, person.Id))));
        var places = new NameIndex(bible.Places.SelectMany(place =>
            place.Also.Append(place.Name).Select(name => (name.ToLowerInvariant(), place.Id))));
        var taken = new HashSet<string>();
        var shots = new List<PlanShot>();
        var locations = new List<PlanLocation>();
        var scenes = new List<PlanScene>();
        foreach (var scene in story.Scenes)
        {
            var place = Place(scene.Prompts, bible, places);
            if (locations.All(known => known.Id != place.Id)) locations.Add(place);
            scenes.Add(new() { Id = $"scene-{scene.Number}", Heading = $"SCENE {scene.Number}", Location = place.Id });
            foreach (var (i, prompt) in scene.Prompts.Index())
            {
                var id = PlanIds.Unique(PlanIds.Slug(prompt, 4), taken);
                var presence = Presence.Of(prompt, people, []);
                var (start, end) = Visible(presence, scene.Cuts[i] ? null : shots[^1].End);
                List<string> InOrder(IEnumerable<string> ids) => [.. bible.People.Select(person => person.Id).Where(ids.Contains)];
                shots.Add(new()
                {
                    Id = id,
                    Scene = $"scene-{scene.Number}",
                    Action = prompt,
                    Size = Size(prompt),
                    Start = InOrder(start),
                    End = InOrder(end),
                    Sides = new SortedDictionary<string, string>(presence.Steps.Where(step => step.Side is not null)
                        .DistinctBy(step => step.Id).ToDictionary(step => step.Id, step => step.Side!), StringComparer.Ordinal),
                    Prompt = prompt,
                    Keyframe = scene.FirstFrames.Count > 0 ? scene.FirstFrames[i] : prompt,
                    Frames = bible.Film.Frames,
                    Cut = scene.Cuts[i],
                    Method = ShotMethod.Keyframe,
                    Memory = [],
                    Seed = PlanIds.Seed(bible.Film.Seed, id),
                });
            }
        }
        var placeOf = scenes.ToDictionary(scene => scene.Id, scene => scene.Location);
        List<PlanCharacter> characters = [.. bible.People.Select(person => new PlanCharacter
        {
            Id = person.Id, Name = person.Name, Aliases = person.Also, Appearance = person.Looks, References = person.Pictures,
        })];
        List<PlanProp> props = [.. bible.Props.Select(PlanProp.Of)];
        var made = Memories.Fill(Holdings.Fill(shots, characters, props), id => placeOf[id], (options ?? new()).Memory);
        var plan = new FilmPlan
        {
            Format = FilmPlan.CurrentFormat,
            Film = new()
            {
                Title = story.Name ?? bible.Title ?? "Untitled",
                Overview = story.Overview,
                Width = bible.Film.Width,
                Height = bible.Film.Height,
                Rate = bible.Film.Rate,
                Seed = bible.Film.Seed,
                Source = "storymem",
            },
            Characters = characters,
            Locations = locations,
            Props = props,
            Scenes = scenes,
            Shots = made,
            Transitions = [.. made.Zip(made.Skip(1)).Select(pair => Joins.Make(pair.First, pair.Second,
                pair.Second.Cut ? JoinMethod.Cut : JoinMethod.Continue, 0, id => id, bible.Film.Seed))],
        };
        return new(plan, Continuity.Check(plan));
    }

    /// <summary>The bible's place that the prompts name first.</summary>
    static PlanLocation Place(IReadOnlyList<string> prompts, Bible bible, NameIndex places)
    {
        var named = prompts.Select(Word.Split).SelectMany(words => Enumerable.Range(0, words.Count).Select(at => places.At(words, at).Id))
            .FirstOrDefault(id => id is not null);
        return bible.Places.FirstOrDefault(place => place.Id == named) is { } place
            ? PlanLocation.Of(place)
            : new() { Id = "story", Name = "Story", Description = "" };
    }

    /// <summary>Who is in the first and in the last frame.</summary>
    /// <param name="before">Who was there at the end of a shot that this one goes on from.</param>
    static (HashSet<string> Start, HashSet<string> End) Visible(Presence presence, IReadOnlyList<string>? before)
    {
        var first = presence.Steps.GroupBy(step => step.Id).ToDictionary(group => group.Key, group => group.First().Step);
        var start = before?.ToHashSet()
            ?? [.. presence.Named.Where(id => first.GetValueOrDefault(id, Step.Exit) == Step.Exit)];
        // Going on from a shot means showing whom it showed; whoever else is named comes.
        var end = start.Union(presence.Named).ToHashSet();
        foreach (var (id, step, _) in presence.Steps)
            if (step == Step.Exit) end.Remove(id);
            else end.Add(id);
        return (start, end);
    }

    static ShotSize Size(string prompt) => Sizes().Match(prompt).Value.ToLowerInvariant().Replace('-', ' ') switch
    {
        var words when words.StartsWith("extreme wide", StringComparison.Ordinal)
            || words.StartsWith("extreme long", StringComparison.Ordinal) => ShotSize.ExtremeWide,
        var words when words.StartsWith("extreme close", StringComparison.Ordinal) => ShotSize.ExtremeClose,
        var words when words.StartsWith("wide", StringComparison.Ordinal) || words.StartsWith("long", StringComparison.Ordinal)
            || words.StartsWith("establishing", StringComparison.Ordinal) => ShotSize.Wide,
        var words when words.StartsWith("full", StringComparison.Ordinal) => ShotSize.Full,
        var words when words.StartsWith("close", StringComparison.Ordinal) => ShotSize.Close,
        _ => ShotSize.Medium,
    };

    [GeneratedRegex(@"\b(extreme (wide|long) shot|extreme close[- ]?up|(wide|long|establishing|full|medium) shot|close[- ]?up)\b",
        RegexOptions.IgnoreCase)]
    private static partial Regex Sizes();
}
