// Pictures that a film's clips are made from: people and places, from the bible or drawn.
using Fabula.Build;
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production;

public static partial class FilmGraph
{
    sealed partial class Draft
    {
        Step? Portrait(PlanCharacter person, PlanShot shot) =>
            Picture($"portrait/{person.Id}", person.References,
                $"Medium shot. Plain wall: in front of a plain blue wall. {person.Name} is {Sentence(person.Appearance)} "
                    + $"{person.Name} stands there. The camera does not move. {_plan.Film.Look}", shot, person.Appearance);

        Step? Plate(PlanLocation place, PlanShot shot) =>
            Picture($"plate/{place.Id}", place.References,
                $"Wide shot. {place.Name}: {Sentence(place.Description)} Nobody is there. The camera does not move. "
                    + _plan.Film.Look, shot, place.Description);

        /// <summary>Whether people and places are drawn first; a model that takes backgrounds relies on them in every shot.</summary>
        bool DrawsFor(PlanShot shot) =>
            _facts.DrawsPortraits && (shot.Method == ShotMethod.Keyframe || _facts.Modes.HasFlag(FilmModes.Background)
                || _plan.Film.Method == FilmMethod.MovieDreamer);

        /// <summary>The bible's first picture; else a drawn one where the shot's method and the model want it.</summary>
        Step? Picture(string id, IReadOnlyList<string> references, string prompt, PlanShot shot, string words)
        {
            if (_steps.TryGetValue(id, out var known))
                return known.Recipe == recipes.Import || DrawsFor(shot) ? known : null;
            if (references.Count > 0)
                return Add(new Step(id, recipes.Import, Settings.None, [SourceInput.Read("picture", input.Root, references[0])],
                    [Recipes.Pictures]));
            if (!DrawsFor(shot) || words.Length == 0) return null;
            var drawn = Words(prompt.Trim(), 1, (ulong)PlanIds.Seed(_plan.Film.Seed, id), []);
            return Add(new Step(id, recipes.Clip, drawn, [], [Recipes.Clips]));
        }
    }
}
