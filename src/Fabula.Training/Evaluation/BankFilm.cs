// A drawn story filmed shot by shot with a bank of keyframes, by the rules of films or by others. What differs between two films of the
// same story is the bank alone: words and seeds are the same. A person's first shot is described and has a portrait, a place's first shot
// has its plate, in all of them; later words are "the same girl, the kitchen again", so that looks can come from the bank only.
using System.Security.Cryptography;
using Fabula.Models;
using Fabula.Narrative;
using Fabula.Production;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <param name="matte">Finds people in remembered frames, to make drafts of them (<see cref="Recollection"/>).</param>
/// <param name="number">The story's: words and seeds follow from it.</param>
public sealed class BankFilm(Filming filming, Func<Picture, bool[]> matte, Stage stage, DrawnCollages collages, DrawnStory story,
    int number)
{
    readonly FilmPlan _plan = DrawnPlan.Of(story, new Chance(1));
    readonly Dictionary<string, IReadOnlyList<byte[]>> _made = [];

    /// <summary>Clips that were really rendered; two rules that remember the same pictures share theirs.</summary>
    public int Rendered => _made.Count;

    /// <param name="rules">Null: later shots remember nothing.</param>
    /// <param name="drafts">Remembered frames are drafts, too, and not only frames beside the shot.</param>
    /// <returns>For each shot its frames.</returns>
    public IReadOnlyList<IReadOnlyList<byte[]>> Make(BankRules? rules, bool drafts = true)
    {
        var (bank, clips, met, visited) = (KeyframeBank.Empty, new List<IReadOnlyList<byte[]>>(), new HashSet<int>(), new HashSet<int>());
        var shots = _plan.Shots.ToDictionary(shot => shot.Id);
        var placeOf = _plan.Scenes.ToDictionary(scene => scene.Id, scene => scene.Location);
        foreach (var (i, shot) in _plan.Shots.Index())
        {
            var strangers = story.Shots[i].Cast.Where(met.Add).Select(who => story.People[who]).ToList();
            // Drafts are made of all that a shot may remember, frames beside the shot of what the model has room for.
            List<(BankLabel Label, byte[] Rgb)> Picked(int room) => rules is null ? []
                : [.. bank.Pick(KeyframeBank.Pins(shot, shots, placeOf), room, rules).Select(at => bank.Entries[at])];
            List<byte[]> portraits = [.. strangers.Select(person => stage.Draw(ShotSpec.Portrait(person)).Frames)];
            clips.Add(Clip(i, strangers, visited.Add(story.Shots[i].Place), portraits, Picked(filming.Room),
                drafts ? Picked(KeyframeBank.Capacity) : []));
            if (rules is null) continue;
            var label = new BankLabel(shot.Id, 0, [.. shot.Start.Union(shot.End)], placeOf[shot.Scene]);
            bank = bank.With(label, clips[^1], Filming.Width, Filming.Height, rules: rules, staging: Staging(story.Shots[i]));
        }
        return clips;
    }

    IReadOnlyList<byte[]> Clip(int shot, List<Person> strangers, bool isNewPlace, List<byte[]> portraits,
        List<(BankLabel Label, byte[] Rgb)> known, List<(BankLabel Label, byte[] Rgb)> drafts)
    {
        // Whoever is new is remembered by a portrait; there is no room for more.
        var memory = strangers.Count > 0 ? portraits : [.. known.Select(entry => entry.Rgb)];
        string Digests(IEnumerable<byte[]> pictures) =>
            string.Join(' ', pictures.Select(picture => Convert.ToHexString(SHA256.HashData(picture))));
        var key = $"{shot} {Digests(memory)} / {Digests(drafts.Select(entry => entry.Rgb))}";
        if (_made.TryGetValue(key, out var made)) return made;
        var (spec, chance) = (story.Shots[shot].Spec, new Chance((ulong)number)["words"][shot]);
        var recollection = new Recollection(matte, [.. drafts.Select(entry => entry.Label.Seen(Filming.Of(entry.Rgb)))]);
        var place = isNewPlace ? Filming.Of(stage.Draw(spec.Plate, 0).Frames)
            : recollection.Place(DrawnPlan.PlaceId(story.Shots[shot].Place));
        var boxes = collages.Boxes(spec);
        List<CutOut?> cast = [.. story.Shots[shot].Cast.Select(who => strangers.Contains(story.People[who])
            ? collages.Figure(story.People[who]) : recollection.Person(DrawnPlan.PersonId(who)))];
        return _made[key] = filming.Shot(
            Captions.Write(spec, strangers.Count > 0 ? Register.Full : Register.Referential, chance), (ulong)(1000 * number + shot + 1),
            spec.Frames, memory, drafts: place is null ? null : [.. boxes.Select(frame => Collage.Of(place, cast, frame))],
            staging: place is null ? null : boxes, trusted: place is not null && cast.All(figure => figure is not null));
    }

    /// <summary>Per frame of a shot where its people are.</summary>
    List<IReadOnlyDictionary<string, StageBox>> Staging(StoryShot shot) => [.. collages.Boxes(shot.Spec)
        .Select(boxes => shot.Cast.Zip(boxes).ToDictionary(pair => DrawnPlan.PersonId(pair.First), pair => pair.Second))];
}
