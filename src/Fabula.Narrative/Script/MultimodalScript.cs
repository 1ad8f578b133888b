// A film as MovieDreamer reads it: keyframe after keyframe, each with its characters, its scene and its plot. Identifiers are words that
// say how a frame's script is built; every sentence is read as one vector; where a character is named stands a vector of who they are.
//
// Paper: "MovieDreamer: Hierarchical Generation for Coherent Long Visual Sequence" (2024), sections 3.3 and 3.4, figures 2 and 14, appendix
// A.
using System.Text.RegularExpressions;

namespace Fabula.Narrative;

/// <summary>The frames in the order of the film. Its text form: <see cref="ScriptText"/>.</summary>
public sealed partial record MultimodalScript(IReadOnlyList<ScriptFrame> Frames)
{
    /// <summary>Of a shot that sees the mirror image of its place; a sentence of its own, since a sentence is one vector.</summary>
    public const string OtherSide = "From the other side.";

    /// <summary>One keyframe for every shot, as its first frame shows it.</summary>
    public static MultimodalScript Of(FilmPlan plan)
    {
        var people = plan.Characters.ToDictionary(person => person.Id);
        var places = plan.Locations.ToDictionary(place => place.Id);
        var scenes = plan.Scenes.ToDictionary(scene => scene.Id);
        return new([.. plan.Shots.Select(shot => new ScriptFrame(shot.Id,
            [.. shot.Start.Select(id => new ScriptCharacter(id, Sentences(Prompts.Describe(people[id]))))],
            [
                .. shot.Angle == CameraAngle.Reverse ? [OtherSide] : Array.Empty<string>(),
                .. Sentences(Prompts.Framing(shot with { Angle = shot.Angle == CameraAngle.Reverse ? CameraAngle.Eye : shot.Angle },
                    moving: false)),
                .. Sentences(Prompts.Place(places[scenes[shot.Scene].Location], scenes[shot.Scene].Time)),
            ],
            Sentences(shot.Action)).Fitted())]);
    }

    /// <summary>A text's sentences, each on one line and with a mark at its end.</summary>
    public static IReadOnlyList<string> Sentences(string text) =>
        [.. SentenceEnd().Split(Blanks().Replace(text, " ").Trim()).Where(sentence => sentence.Length > 0)
            .Select(sentence => sentence[^1] is '.' or '!' or '?' ? sentence : sentence + ".")];

    [GeneratedRegex(@"(?<=[.!?]) ")]
    private static partial Regex SentenceEnd();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}

/// <summary>The script of one keyframe.</summary>
/// <param name="Id">The shot's.</param>
/// <param name="Characters">Who can be seen.</param>
/// <param name="Scene">Sentences on the camera and the place.</param>
/// <param name="Plot">Sentences on what happens.</param>
public sealed record ScriptFrame(string Id, IReadOnlyList<ScriptCharacter> Characters, IReadOnlyList<string> Scene,
    IReadOnlyList<string> Plot)
{
    /// <summary>Most characters and sentences of a frame (appendix A).</summary>
    public const int MaxCharacters = 5, MaxSentences = 15;

    public const string Start = "<START_OF_FRAME>", End = "<END_OF_FRAME>", CharactersMark = "Characters:", SceneMark = "Scene Elements:",
        PlotMark = "Plot:";

    /// <summary>Every identifier there is; a planner knows one by its place in this list.</summary>
    public static readonly IReadOnlyList<string> Identifiers = [Start, End, CharactersMark, SceneMark, PlotMark];

    /// <summary>What a planner reads, in its order. A part whose list is empty is left out with its mark.</summary>
    public IEnumerable<ScriptPart> Parts()
    {
        yield return new(ScriptPartKind.Identifier, Start);
        if (Characters.Count > 0) yield return new(ScriptPartKind.Identifier, CharactersMark);
        foreach (var character in Characters)
        {
            yield return new(ScriptPartKind.Character, character.Id);
            foreach (var sentence in character.Sentences) yield return new(ScriptPartKind.Sentence, sentence);
        }
        foreach (var (mark, sentences) in new[] { (SceneMark, Scene), (PlotMark, Plot) })
        {
            if (sentences.Count > 0) yield return new(ScriptPartKind.Identifier, mark);
            foreach (var sentence in sentences) yield return new(ScriptPartKind.Sentence, sentence);
        }
        yield return new(ScriptPartKind.Identifier, End);
    }

    /// <summary>
    /// Within the most characters and sentences. What happens is kept first, then the scene, then what the first characters look like,
    /// which their vectors say as well.
    /// </summary>
    public ScriptFrame Fitted()
    {
        var left = MaxSentences;
        IReadOnlyList<string> Within(IReadOnlyList<string> sentences)
        {
            IReadOnlyList<string> kept = [.. sentences.Take(left)];
            left -= kept.Count;
            return kept;
        }
        var (plot, scene) = (Within(Plot), Within(Scene));
        return this with
        {
            Characters = [.. Characters.Take(MaxCharacters).Select(who => who with { Sentences = Within(who.Sentences) })],
            Scene = scene,
            Plot = plot,
        };
    }
}

/// <summary>Somebody in a frame: the id of a character, and sentences on their looks.</summary>
public sealed record ScriptCharacter(string Id, IReadOnlyList<string> Sentences);

public enum ScriptPartKind
{
    /// <summary>One of <see cref="ScriptFrame.Identifiers"/>.</summary>
    Identifier,
    Sentence,
    /// <summary>The id of a character, whose vector stands here.</summary>
    Character,
}

public readonly record struct ScriptPart(ScriptPartKind Kind, string Text);
