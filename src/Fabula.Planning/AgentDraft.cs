// The plan while the agents write it. Ids of scenes and shots, seeds, lengths, memories, prompts and joins follow from the answers by
// the same code as in a plan made from a screenplay; the models have no say in them.
using Fabula.Narrative;

namespace Fabula.Planning;

sealed class AgentDraft(Bible bible, StoryOptions options, string title, string logline, string look)
{
    readonly string _look = bible.Style.Look.Length > 0 ? bible.Style.Look : look;
    readonly HashSet<string> _sceneIds = [], _shotIds = [];

    public List<PlanCharacter> Characters { get; } = [.. bible.People.Select(person => new PlanCharacter
    {
        Id = person.Id, Name = person.Name, Aliases = person.Also, Appearance = person.Looks, References = person.Pictures,
    })];

    public List<PlanLocation> Locations { get; } = [.. bible.Places.Select(PlanLocation.Of)];

    public List<DraftScene> Scenes { get; } = [];

    /// <summary>The name behind an id; the id where nobody has it, which the checks find.</summary>
    public string Name(string person) => Characters.Find(known => known.Id == person)?.Name ?? person;

    /// <summary>Who is given already stays as given, whatever the answer says.</summary>
    public void Add(PeopleAnswer answer) => Characters.AddRange(answer.People
        .Where(person => !Characters.Any(known => known.Id == person.Id || Same(known.Name, person.Name)))
        .Select(person => new PlanCharacter { Id = person.Id, Name = person.Name, Appearance = person.Appearance.TrimEnd('.') }).ToList());

    public void Add(LocationsAnswer answer) => Locations.AddRange(answer.Locations
        .Where(place => !Locations.Any(known => known.Id == place.Id || Same(known.Name, place.Name)))
        .Select(place => new PlanLocation { Id = place.Id, Name = place.Name, Inside = place.Inside, Description = place.Description })
        .ToList());

    static bool Same(string name, string other) => name.Equals(other, StringComparison.OrdinalIgnoreCase);

    /// <summary>What is wrong with the shots of a scene, by the checks of the whole plan, with the scene's people only.</summary>
    public IEnumerable<string> Wrong(SceneAnswer answer, ShotsAnswer shots)
    {
        if (shots.Shots.Count == 0) return [];
        var scene = Scene(answer, shots, null, [.. _sceneIds], [.. _shotIds]);
        var repeated = shots.Shots.Index()
            .Where(shot => shot.Item.Sides.DistinctBy(side => side.Person).Count() != shot.Item.Sides.Count)
            .Select(shot => $"shots[{shot.Index}]: Somebody has two sides. Name each person once in \"sides\".");
        var people = Characters.Where(person => answer.People.Contains(person.Id)).ToList();
        return repeated.Concat(Continuity.Check(Plan([scene], people, scene.Shots))
            .Where(finding => finding.Severity == Severity.Error && IsOfShots(finding.Where))
            .Select(finding => $"{finding.Where}: {finding.Problem} {finding.Fix}"));
    }

    /// <summary>What is wrong with the bible's film or pictures no agent can mend; it is said of the finished plan.</summary>
    static bool IsOfShots(string where) => where.StartsWith("shots", StringComparison.Ordinal)
        || where.StartsWith("transitions", StringComparison.Ordinal);

    public void Add(SceneAnswer answer, ShotsAnswer shots, int? line) => Scenes.Add(Scene(answer, shots, line, _sceneIds, _shotIds));

    DraftScene Scene(SceneAnswer answer, ShotsAnswer shots, int? line, HashSet<string> sceneIds, HashSet<string> shotIds)
    {
        var place = Locations.First(place => place.Id == answer.Location);
        var scene = new PlanScene
        {
            Id = PlanIds.Unique(PlanIds.Slug($"{place.Id} {answer.Time}", 5), sceneIds),
            Heading = $"{(place.Inside ? "INT." : "EXT.")} {place.Name} - {answer.Time}".ToUpperInvariant(),
            Location = place.Id,
            Time = answer.Time,
            Overview = answer.Overview,
            Line = line,
        };
        var made = shots.Shots.Select(shot => Shot(shot, scene.Id, PlanIds.Unique(PlanIds.Slug(shot.Action, 4), shotIds))).ToList();
        return new(scene, made, options.Joins, (from, to, method) =>
            Joins.Make(from, to, method, method == JoinMethod.Bridge ? bible.Film.Frames : 0, Name, bible.Film.Seed));
    }

    PlanShot Shot(ShotAnswer shot, string scene, string id)
    {
        IReadOnlyList<PlanDialogue> dialogue = [.. shot.Dialogue.Select(said => new PlanDialogue
        {
            Character = said.Person, Line = said.Line, OnScreen = said.OnScreen,
        })];
        var seconds = Math.Clamp(shot.Seconds, 1, 60);
        return new()
        {
            Id = id,
            Scene = scene,
            Action = shot.Action,
            Size = shot.Size,
            Angle = shot.Angle,
            Camera = shot.Camera,
            Start = InOrder(shot.Start),
            End = InOrder(shot.End),
            Sides = new SortedDictionary<string, string>(shot.Sides.DistinctBy(side => side.Person)
                .ToDictionary(side => side.Person, side => side.Side.ToString().ToLowerInvariant()), StringComparer.Ordinal),
            Dialogue = dialogue,
            Prompt = shot.Action,
            Keyframe = shot.Action,
            Frames = ShotLengths.AtLeast(ShotLengths.Nearest(seconds * bible.Film.Rate), ShotLengths.Spoken(dialogue, bible.Film.Rate)),
            Cut = true,
            Method = ShotMethod.Keyframe,
            Memory = [],
            Seed = PlanIds.Seed(bible.Film.Seed, id),
        };
    }

    /// <summary>The cast's order; who is unknown or named twice stays, for the checks to find.</summary>
    List<string> InOrder(IReadOnlyList<string> ids) =>
        [.. ids.OrderBy(id => Characters.FindIndex(person => person.Id == id) is >= 0 and var at ? at : int.MaxValue)];

    public Planned Finish()
    {
        var used = Scenes.Select(scene => scene.Scene.Location).ToHashSet();
        Locations.RemoveAll(place => !used.Contains(place.Id));
        var placeOf = Scenes.ToDictionary(scene => scene.Scene.Id, scene => scene.Scene.Location);
        List<PlanProp> props = [.. bible.Props.Select(PlanProp.Of)];
        var carrying = Holdings.Fill(Scenes.SelectMany(scene => scene.Shots), Characters, props);
        var shots = Prompts.Fill(Memories.Fill(carrying, scene => placeOf[scene], options.Memory),
            [.. Scenes.Select(scene => scene.Scene)], Locations, Characters, _look, props);
        var plan = Plan(Scenes, Characters, shots);
        return new(plan, Continuity.Check(plan));
    }

    FilmPlan Plan(IReadOnlyList<DraftScene> scenes, IReadOnlyList<PlanCharacter> people, IReadOnlyList<PlanShot> shots)
    {
        var within = scenes.SelectMany(scene => scene.Transitions).ToDictionary(join => join.To);
        var goesOn = within.Values.Where(join => join.Method == JoinMethod.Continue).Select(join => join.To).ToHashSet();
        return new()
        {
            Format = FilmPlan.CurrentFormat,
            Film = new()
            {
                Title = title,
                Logline = logline,
                Look = _look,
                Avoid = bible.Style.Avoid.Length == 0 ? null : bible.Style.Avoid,
                Width = bible.Film.Width,
                Height = bible.Film.Height,
                Rate = bible.Film.Rate,
                Seed = bible.Film.Seed,
                Source = FilmPlan.FromAgents,
            },
            Characters = people,
            Locations = Locations,
            Props = [.. bible.Props.Select(PlanProp.Of)],
            Scenes = [.. scenes.Select(scene => scene.Scene)],
            Shots = [.. shots.Select(shot => goesOn.Contains(shot.Id) ? shot with { Cut = false } : shot)],
            Transitions = [.. shots.Zip(shots.Skip(1)).Select(pair => within.GetValueOrDefault(pair.Second.Id)
                ?? Joins.Make(pair.First, pair.Second, JoinMethod.Cut, 0, Name, bible.Film.Seed))],
        };
    }
}
