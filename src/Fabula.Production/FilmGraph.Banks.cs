// StoryMem's steps of a film's graph: a bank of keyframes that grows from shot to shot (KeyframeBank.cs), and clips that see one bank.
using Fabula.Build;
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production;

public static partial class FilmGraph
{
    sealed partial class Draft
    {
        bool Banks => _plan.Film.Method == FilmMethod.StoryMem && _facts.Modes.HasFlag(FilmModes.Memory) && _facts.MostMemory > 0;

        Step? _bank;

        /// <summary>Pictures of the bible are the oldest in the bank, and so in its sink [StoryMem, MR2V].</summary>
        void StartBank()
        {
            if (_plan.Shots.Count == 0) return;
            var first = _plan.Shots[0];
            var people = _plan.Characters.Select(person => (Step: Portrait(person, first),
                Label: new BankLabel($"portrait/{person.Id}", 0, [person.Id], null)));
            var places = _plan.Locations.Select(place => (Step: OwnPlate(place, first),
                Label: new BankLabel($"plate/{place.Id}", 0, [], place.Id)));
            var pictures = people.Concat(places).Where(picture => picture.Step?.Recipe == recipes.Import).ToList();
            if (pictures.Count > 0)
                _bank = Add(new Step("bank/references", recipes.Remember, BankOf([.. pictures.Select(picture => picture.Label)]),
                    [.. pictures.Select((picture, i) => picture.Step!.As($"picture-{i + 1}"))], [Recipes.Bank, Recipes.Labels]));
        }

        void AddToBank(PlanShot shot, Step clip)
        {
            var label = new BankLabel(shot.Id, 0, [.. shot.Start.Union(shot.End)], _placeOf[shot.Scene]);
            var cast = shot.Start.Union(shot.End).ToList();
            var ways = _facts.Modes.HasFlag(FilmModes.Background) && cast.Count > 0
                ? cast.Zip(Ways[shot.Id]).ToDictionary(pair => pair.First, pair => pair.Second) : null;
            _bank = Add(new Step($"bank/{shot.Id}", recipes.Remember, BankOf([label], ways), [.. BankInputs(), clip.As("clip")],
                [Recipes.Bank, Recipes.Labels]));
        }

        Settings BankOf(IReadOnlyList<BankLabel> labels, IReadOnlyDictionary<string, StageWay>? ways = null) =>
            Settings.Of(new BankSettings(_plan.Film.Width, _plan.Film.Height, labels, input.Eyes, ways));

        IEnumerable<Input> BankInputs() => _bank is null ? [] : [_bank.As("bank", Recipes.Bank), _bank.As("labels", Recipes.Labels)];

        /// <summary>StoryMem's way: the bank of all shots before; nothing else is remembered. Drafts are as in all films.</summary>
        Step Banked(PlanShot shot, PlanShot? before)
        {
            List<Input> inputs = [.. BankInputs()];
            if (!shot.Cut && before is not null) inputs.Add(_steps[Clip(before.Id)].As("first"));
            else if (Keyframes.Of(shot) is { } keyframe) inputs.Add(keyframe.As("first"));
            var background = _facts.Modes.HasFlag(FilmModes.Background) ? Plate(_places[_placeOf[shot.Scene]], shot) : null;
            var drafts = Drafts(shot, background);
            inputs.AddRange(drafts.Inputs);
            var settings = drafts.On(ClipOf(shot.Prompt, shot.Frames, (ulong)Seed(shot), [])) with { Motion = MotionOf(shot, before) };
            if (_bank is not null)
                settings = settings with
                {
                    BankRoom = _facts.MostMemory,
                    Pinned = KeyframeBank.Pins(shot, ById, _placeOf),
                    MemoryGuidance = _facts.MemoryGuidance,
                    Cast = drafts.Unknown ? [.. shot.Start.Union(shot.End)] : null,
                };
            return new Step(Clip(shot.Id), recipes.Clip, settings.Canonical(), inputs, [Recipes.Clips]);
        }
    }
}
