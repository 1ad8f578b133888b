// Pictures that a film's clips are made from: people, places and things, from the bible or drawn, and places at another hour.
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

        /// <summary>What somebody carries; it has a picture.</summary>
        Step Thing(PlanProp prop) => Import($"prop/{prop.Id}", prop.References[0]);

        /// <summary>
        /// The place as the shot sees it: at the scene's hour, where the bible has no picture of that hour in another light, and from the
        /// other side as its mirror image.
        /// </summary>
        Step? Plate(PlanLocation place, PlanShot shot)
        {
            var (own, time, reverse) = (Hours.Of(place), Hours.Of(_sceneOf[shot.Scene].Time), PlateView.IsReverse(shot));
            if (time is { } hour && place.ReferencesAt?.GetValueOrDefault(Hours.Word(hour)) is { } picture
                && picture != place.References[0])
                return Variant(place, Import($"plate/{place.Id}@{Hours.Word(hour)}", picture), hour, hour, reverse);
            return OwnPlate(place, shot) is { } plate ? Variant(place, plate, own, time ?? own, reverse) : null;
        }

        Step Variant(PlanLocation place, Step plate, DayTime from, DayTime to, bool mirrored) => from == to && !mirrored ? plate
            : Add(new Step($"plate/{place.Id}@{Hours.Word(to)}{(mirrored ? "-reverse" : from == to ? "" : "-light")}", recipes.Light,
                Settings.Of(new LightSettings(from, to, place.Inside, mirrored)), [plate.As("picture")], [Recipes.Pictures]));

        /// <summary>The light on a shot's people; none by day, or where nobody knows the hour.</summary>
        FigureLight? Light(PlanShot shot)
        {
            var place = _places[_placeOf[shot.Scene]];
            var time = Hours.Of(_sceneOf[shot.Scene].Time) ?? Hours.Of(place);
            return time == DayTime.Day ? null : new(time, place.Inside);
        }

        readonly Dictionary<string, PlanScene> _sceneOf = input.Plan.Scenes.ToDictionary(scene => scene.Id);

        Step Import(string id, string picture) => _steps.TryGetValue(id, out var known) ? known
            : Add(new Step(id, recipes.Import, Settings.None, [SourceInput.Read("picture", input.Root, picture)], [Recipes.Pictures]));

        Step? OwnPlate(PlanLocation place, PlanShot shot) =>
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
            if (references.Count > 0) return Import(id, references[0]);
            if (!DrawsFor(shot) || words.Length == 0) return null;
            var drawn = ClipOf(prompt.Trim(), 1, (ulong)PlanIds.Seed(_plan.Film.Seed, id), []);
            return Add(new Step(id, recipes.Clip, drawn.Canonical(), [], [Recipes.Clips]));
        }
    }
}
