// A StoryMem story as a film plan: the prompts are used as they are, so the film is told to the models in its author's words.
namespace Fabula.Narrative;

public static class StoryMemPlan
{
    /// <summary>
    /// A scene for each scene of the story, and one location for all; people of the bible (it may be
    /// empty) who are named in a prompt are visible from
    /// its start to its end. cut: false becomes 'continue'. Seeds follow the film's seed, not StoryMem's, which repeat in every scene.
    /// </summary>
    public static Planned From(StoryMemStory story, Bible bible, PlanOptions? options = null)
    {
        var people = new NameIndex(bible.People.SelectMany(person => person.Also.Append(person.Name).Select(name => (name, person.Id))));
        var taken = new HashSet<string>();
        var shots = new List<PlanShot>();
        foreach (var scene in story.Scenes)
            foreach (var (i, prompt) in scene.Prompts.Index())
            {
                var id = PlanIds.Unique(PlanIds.Slug(prompt, 4), taken);
                var named = Presence.Of(prompt, people, []).Named;
                List<string> visible = [.. bible.People.Select(person => person.Id).Where(named.Contains)];
                // Going on from a shot means showing whom it showed.
                if (!scene.Cuts[i]) visible = [.. bible.People.Select(person => person.Id).Where(shots[^1].End.Union(visible).Contains)];
                shots.Add(new()
                {
                    Id = id,
                    Scene = $"scene-{scene.Number}",
                    Action = prompt,
                    Size = ShotSize.Medium,
                    Start = scene.Cuts[i] ? visible : shots[^1].End,
                    End = visible,
                    Prompt = prompt,
                    Keyframe = scene.FirstFrames.Count > 0 ? scene.FirstFrames[i] : prompt,
                    Frames = bible.Film.Frames,
                    Cut = scene.Cuts[i],
                    Method = ShotMethod.Keyframe,
                    Memory = [],
                    Seed = PlanIds.Seed(bible.Film.Seed, id),
                });
            }
        // The form names no places, and StoryMem remembers across all scenes: one place stands for all.
        var made = Memories.Fill(shots, _ => "story", (options ?? new()).Memory);
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
            Characters = [.. bible.People.Select(person => new PlanCharacter
            {
                Id = person.Id, Name = person.Name, Aliases = person.Also, Appearance = person.Looks, References = person.Pictures,
            })],
            Locations = [new() { Id = "story", Name = "Story", Description = "" }],
            Scenes = [.. story.Scenes.Select(scene => new PlanScene
            {
                Id = $"scene-{scene.Number}", Heading = $"SCENE {scene.Number}", Location = "story",
            })],
            Shots = made,
            Transitions = [.. made.Zip(made.Skip(1)).Select(pair => Joins.Make(pair.First, pair.Second,
                pair.Second.Cut ? JoinMethod.Cut : JoinMethod.Continue, 0, id => id, bible.Film.Seed))],
        };
        return new(plan, Continuity.Check(plan));
    }
}
