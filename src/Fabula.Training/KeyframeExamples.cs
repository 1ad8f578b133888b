// What MovieDreamer's recipes are shown: keyframes of drawn stories with their multimodal scripts. A keyframe is a shot's first frame, as a
// film's clips begin with theirs. Two encoders of the paper have stand-ins here: LongCLIP's [CLS] is the mean of the pocket text encoder's
// rows of a sentence, and FaRL's face is what the VAE sees of a person from head to foot, in a portrait or in another frame.
using System.Text.RegularExpressions;
using Fabula.Models;
using Fabula.Narrative;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <param name="Picture">Latents [z, h, w].</param>
/// <param name="Figures">[h, w]: how much of each latent is people.</param>
/// <param name="Cast">Whom it shows, by their number in the story: the script's characters, in its order.</param>
/// <param name="Boxes">Where they stand.</param>
/// <param name="Identities">A vector for each of them.</param>
public sealed record Keyframe(int Story, int Shot, bool Flipped, Half[] Picture, float[] Figures, ScriptFrame Script, int[] Cast,
    StageBox[] Boxes, float[][] Identities);

/// <param name="stories">As <see cref="LatentStories.Keyframes(int, int, Action{int}?)"/> has them.</param>
/// <param name="mirrored">The first of these stories, or all, or none, with every frame turned left to right.</param>
public sealed partial class KeyframeExamples(IReadOnlyList<LatentStory> stories, IReadOnlyList<LatentStory> mirrored, int z, int rows,
    int columns)
{
    public IReadOnlyList<LatentStory> Stories(bool flipped) => flipped ? mirrored : stories;

    /// <summary>Width of an identity's vector.</summary>
    public int IdentityDim => KeyframeIdentity.Bands * z;

    /// <summary>A shot's keyframe: its first frame, as a film needs it.</summary>
    /// <param name="words">Decides between ways to say the same.</param>
    /// <param name="who">Decides from which other frame each identity is taken.</param>
    public Keyframe Draw(int story, int shot, bool flipped, Register register, Chance words, Chance who)
    {
        var from = Stories(flipped)[story];
        var (told, boxes) = (from.Story.Shots[shot], from.Boxes[shot][0]);
        int[] roles = [.. Enumerable.Range(0, boxes.Length).Where(role => boxes[role] != default).Take(ScriptFrame.MaxCharacters)];
        return new(story, shot, flipped, from.Pictures[shot][0], from.Figures[shot],
            Script(told, $"{story}-{shot}", register, words, flipped, roles), [.. roles.Select(role => told.Cast[role])],
            [.. roles.Select(role => boxes[role])], [.. roles.Select((role, i) => Identity(from, told.Cast[role], shot, who[i]))]);
    }

    /// <summary>A shot's script, in one of the captions' registers. Where the picture is mirrored, left and right change places.</summary>
    /// <param name="shown">Roles that the keyframe shows; what others look like is not said yet.</param>
    public static ScriptFrame Script(StoryShot shot, string id, Register register, Chance chance, bool flipped, IReadOnlyList<int> shown)
    {
        var (looks, scene, plot) = (shot.Cast.Select(_ => new List<string>()).ToArray(), new List<string>(), new List<string>());
        foreach (var (text, role) in Captions.Sentences(shot.Spec, register, chance))
            // A plan introduces everybody in the first sentence on them.
            (role < 0 ? scene : register == Register.Planned && looks[role].Count == 0 ? looks[role] : plot)
                .AddRange(MultimodalScript.Sentences(flipped ? Mirrored(text) : text));
        scene.InsertRange(0, Camera(shot.Spec, flipped));
        return new ScriptFrame(id, [.. shown.Select(role => new ScriptCharacter($"p{shot.Cast[role]}", looks[role]))], scene, plot)
            .Fitted();
    }

    /// <summary>
    /// What captions leave open and a keyframe cannot do without: from which side the place is seen, of which the mirror image is the other
    /// one, as in a film; and which part of it a near camera looks at, unless it is the middle.
    /// </summary>
    static IEnumerable<string> Camera(ShotSpec shot, bool flipped)
    {
        const double Step = 5.6;                                         // stage units: a tenth of the way between the farthest views
        if (shot.Location.Place != Place.Plain && shot.Location.Mirrored != flipped) yield return MultimodalScript.OtherSide;
        var aside = (shot.Centre - ShotSpec.StageWidth / 2) * (flipped ? -1 : 1);
        if (Math.Abs(aside) > Step)
            yield return $"The camera looks {(Math.Abs(aside) > 3 * Step ? "far " : "")}{(aside < 0 ? "left" : "right")}.";
    }

    /// <summary>"left" for "right" and the other way round.</summary>
    public static string Mirrored(string text) => Sides().Replace(text, side => side.Value switch
    {
        "left" => "right",
        "right" => "left",
        "Left" => "Right",
        _ => "Left",
    });

    [GeneratedRegex(@"\b([Ll]eft|[Rr]ight)\b")]
    private static partial Regex Sides();

    /// <summary>
    /// Somebody's vector from a frame that is not of this shot, so that it does not say what the keyframe shows: half the time the
    /// portrait, otherwise a frame in which they are alone, where there is one.
    /// </summary>
    float[] Identity(LatentStory story, int who, int shot, Chance chance)
    {
        var alone = Enumerable.Range(0, story.Pictures.Length).Where(other => other != shot && story.Story.Shots[other].Cast is [var one]
            && one == who && story.Figures[other].Sum() >= 4).ToList();
        if (alone.Count == 0 || chance["portrait"].Happens(0.5)) return Identity(story.Portraits[who], Middle());
        var from = alone[chance["frame"].Below(alone.Count)];
        return Identity(story.Pictures[from][0], story.Figures[from]);
    }

    float[] Identity(Half[] picture, float[] weights) =>
        KeyframeIdentity.Of([.. picture.Select(value => (float)value)], weights, rows, columns);

    /// <summary>Where a portrait shows its person.</summary>
    float[] Middle() => KeyframeIdentity.Middle(rows, columns);
}
