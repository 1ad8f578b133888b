// The film plan (plan.json): everything that making the film depends on, in a file that people read and edit. docs/plan.md explains it.
// The field order here is the order in the file. Ids are stable: editing one line of the story renames at most the shot it became.
// What has a value of its own can be set and not only initialised: the serializer's source generator would put null or 0 into an init-only
// property that the file leaves out.
using System.Text.Json.Serialization;

namespace Fabula.Narrative;

public sealed record FilmPlan
{
    /// <summary>The version of this form; another one is refused.</summary>
    public const string CurrentFormat = "fabula-plan/1";

    /// <summary>The source of a plan that language models wrote, so that it cannot be made again from the story alone.</summary>
    public const string FromAgents = "agents";

    public required string Format { get; init; }
    public required PlanFilm Film { get; init; }
    public required IReadOnlyList<PlanCharacter> Characters { get; init; }
    public required IReadOnlyList<PlanLocation> Locations { get; init; }
    public IReadOnlyList<PlanProp> Props { get; set; } = [];
    public required IReadOnlyList<PlanScene> Scenes { get; init; }
    public required IReadOnlyList<PlanShot> Shots { get; init; }
    public required IReadOnlyList<PlanTransition> Transitions { get; init; }
}

/// <summary>Width and height in pixels, rate in frames per second; fades of the whole film in frames (0: none).</summary>
public sealed record PlanFilm
{
    public required string Title { get; init; }
    public string? Logline { get; init; }
    public string? Overview { get; init; }
    public string? Look { get; init; }
    public string? Avoid { get; init; }
    public required int Width { get; init; }
    public required int Height { get; init; }
    public required int Rate { get; init; }
    public required int Seed { get; init; }
    /// <summary>Absent: each shot remembers the shots in its list, and bridges stand where somebody comes or goes.</summary>
    public FilmMethod? Method { get; init; }
    public int FadeIn { get; init; }
    public int FadeOut { get; init; }
    /// <summary>What the plan was made from, in a word: fountain, storymem, agents.</summary>
    public string? Source { get; init; }
}

/// <summary>References are pictures inside the production folder.</summary>
public sealed record PlanCharacter
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public IReadOnlyList<string> Aliases { get; set; } = [];
    public required string Appearance { get; init; }
    public IReadOnlyList<string> References { get; set; } = [];
}

/// <summary>A place, described without people; its background is made once and used in every shot there.</summary>
public sealed record PlanLocation
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public bool Inside { get; init; }
    public required string Description { get; init; }
    public IReadOnlyList<string> References { get; set; } = [];
    /// <summary>Its pictures by hour: morning, day, evening, night; the first reference is one of them. Absent: one for all.</summary>
    public IReadOnlyDictionary<string, string>? ReferencesAt { get; init; }
    /// <summary>The middle of its door, in percent of the first picture's width.</summary>
    public int? Door { get; init; }

    public static PlanLocation Of(BiblePlace place) => new()
    {
        Id = place.Id,
        Name = place.Name,
        Inside = place.Inside,
        Description = place.Looks,
        References = place.Pictures,
        ReferencesAt = place.PicturesAt,
        Door = place.Door,
    };
}

/// <summary>Something that people carry. With a picture of it, on plain ground, it is seen in their hands.</summary>
public sealed record PlanProp
{
    /// <summary>The most that <see cref="Size"/> can be.</summary>
    public const int Largest = 200;

    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Description { get; init; }
    public IReadOnlyList<string> References { get; set; } = [];
    /// <summary>How tall it is, in percent of a grown-up; absent: 25.</summary>
    public int? Size { get; init; }
    /// <summary>Absent: as its name says.</summary>
    public PropHold? Held { get; init; }

    public static PlanProp Of(BibleProp prop) => new()
    {
        Id = prop.Id,
        Name = prop.Name,
        Description = prop.Looks,
        References = prop.Pictures,
        Size = prop.Size,
        Held = prop.Held,
    };
}

/// <summary>One place, one time of day. Line: where its heading stands in the source.</summary>
public sealed record PlanScene
{
    public required string Id { get; init; }
    public string? Number { get; init; }
    public required string Heading { get; init; }
    public required string Location { get; init; }
    public string? Time { get; init; }
    public string? Overview { get; init; }
    public int? Line { get; init; }
}

public sealed record PlanShot
{
    public required string Id { get; init; }
    public required string Scene { get; init; }
    /// <summary>Where its action stands in the source, from 1.</summary>
    public int? Line { get; init; }
    public required string Action { get; init; }
    public required ShotSize Size { get; init; }
    public CameraAngle Angle { get; init; }
    public CameraMove Camera { get; init; }
    /// <summary>Characters that are visible in the first frame.</summary>
    public required IReadOnlyList<string> Start { get; init; }
    /// <summary>Characters that are visible in the last frame.</summary>
    public required IReadOnlyList<string> End { get; init; }
    /// <summary>How people come and go in it: character to side (left, right, door, front, back).</summary>
    public IReadOnlyDictionary<string, string> Sides { get; set; } = new Dictionary<string, string>();
    /// <summary>Who carries what when it begins: prop to character, who may come in with it. Absent: nobody carries anything.</summary>
    public IReadOnlyDictionary<string, string>? StartProps { get; init; }
    /// <summary>Who carries what when it ends; absent: as at the beginning.</summary>
    public IReadOnlyDictionary<string, string>? EndProps { get; init; }
    public IReadOnlyList<PlanDialogue> Dialogue { get; set; } = [];
    /// <summary>What the video model is told.</summary>
    public required string Prompt { get; init; }
    /// <summary>What the picture model is told, to draw the first frame.</summary>
    public required string Keyframe { get; init; }
    /// <summary>Length in frames, 4n+1.</summary>
    public required int Frames { get; init; }
    /// <summary>False: the shot goes on from the last frames of the one before (its transition is then 'continue').</summary>
    public required bool Cut { get; init; }
    public required ShotMethod Method { get; init; }
    /// <summary>Earlier shots that it remembers, oldest first.</summary>
    public required IReadOnlyList<string> Memory { get; init; }
    public required int Seed { get; init; }
    /// <summary>Which of the takes is in the film, from 1.</summary>
    public int Take { get; set; } = 1;
    /// <summary>The seeds of takes 2, 3, ...; take 1 has the shot's own.</summary>
    public IReadOnlyList<int> Takes { get; set; } = [];
    /// <summary>The seed of its first frame, where that is made before the clip; absent: the shot's own, whatever the take.</summary>
    public int? KeyframeSeed { get; init; }
    /// <summary>A picture inside the production folder that is its first frame with every method, in place of a made one.</summary>
    public string? KeyframePicture { get; init; }
}

public sealed record PlanDialogue
{
    public required string Character { get; init; }
    public required string Line { get; init; }
    /// <summary>How it is said: quietly.</summary>
    public string? Delivery { get; init; }
    public bool OnScreen { get; set; } = true;
    public bool Sung { get; init; }
    /// <summary>Spoken at the same time as the line before.</summary>
    public bool Together { get; init; }
}

/// <summary>How two neighbouring shots join. Stay, enter and exit are characters; frames is the
/// length of a dissolve, fade or bridge.</summary>
public sealed record PlanTransition
{
    public required string Id { get; init; }
    public required string From { get; init; }
    public required string To { get; init; }
    public required JoinMethod Method { get; init; }
    public required JoinKind Kind { get; init; }
    public IReadOnlyList<string> Stay { get; set; } = [];
    public IReadOnlyList<string> Enter { get; set; } = [];
    public IReadOnlyList<string> Exit { get; set; } = [];
    public int Frames { get; init; }
    public string? Prompt { get; init; }
    public int? Seed { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(FilmPlan))]
[JsonSerializable(typeof(StoryMemStory))]
sealed partial class NarrativeJson : JsonSerializerContext;
