// A drawn story filmed shot by shot with a bank of keyframes, by the rules of films or by others. What differs between two films of the
// same story is the bank alone: words and seeds are the same. A person's first shot is described and has a portrait to remember, in all of
// them; later words are "the same girl, the kitchen again", so that looks can come from the bank only.
using System.Security.Cryptography;
using Fabula.Narrative;
using Fabula.Production;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <param name="number">The story's: words and seeds follow from it.</param>
public sealed class BankFilm(Filming filming, Stage stage, DrawnStory story, int number)
{
    readonly FilmPlan _plan = DrawnPlan.Of(story, new Chance(1));
    readonly Dictionary<string, IReadOnlyList<byte[]>> _made = [];

    /// <summary>Clips that were really rendered; two rules that remember the same pictures share theirs.</summary>
    public int Rendered => _made.Count;

    /// <param name="rules">Null: later shots remember nothing.</param>
    /// <returns>For each shot its frames.</returns>
    public IReadOnlyList<IReadOnlyList<byte[]>> Make(BankRules? rules)
    {
        var (bank, clips, met) = (KeyframeBank.Empty, new List<IReadOnlyList<byte[]>>(), new HashSet<int>());
        var shots = _plan.Shots.ToDictionary(shot => shot.Id);
        var placeOf = _plan.Scenes.ToDictionary(scene => scene.Id, scene => scene.Location);
        foreach (var (i, shot) in _plan.Shots.Index())
        {
            var strangers = story.Shots[i].Cast.Where(met.Add).Select(who => story.People[who]).ToList();
            IReadOnlyList<byte[]> memory = strangers.Count > 0
                ? [.. strangers.Select(person => stage.Draw(ShotSpec.Portrait(person)).Frames)]
                : rules is null ? []
                : [.. bank.Pick(KeyframeBank.Pins(shot, shots, placeOf), filming.Room, rules).Select(at => bank.Entries[at].Rgb)];
            clips.Add(Clip(i, strangers.Count > 0 ? Register.Full : Register.Referential, memory));
            if (rules is null) continue;
            var label = new BankLabel(shot.Id, 0, [.. shot.Start.Union(shot.End)], placeOf[shot.Scene]);
            bank = bank.With(label, clips[^1], Filming.Width, Filming.Height, rules: rules);
        }
        return clips;
    }

    IReadOnlyList<byte[]> Clip(int shot, Register register, IReadOnlyList<byte[]> memory)
    {
        var key = $"{shot} {string.Join(' ', memory.Select(picture => Convert.ToHexString(SHA256.HashData(picture))))}";
        if (_made.TryGetValue(key, out var known)) return known;
        var (spec, chance) = (story.Shots[shot].Spec, new Chance((ulong)number)["words"][shot]);
        return _made[key] = filming.Shot(Captions.Write(spec, register, chance), (ulong)(1000 * number + shot + 1), spec.Frames, memory);
    }
}
