// What the models are told: everyday sentences, the same words for the same people and places in every shot.
namespace Fabula.Narrative;

static class Prompts
{
    /// <summary>The shots with both of their prompts written.</summary>
    public static List<PlanShot> Fill(IEnumerable<PlanShot> shots, IReadOnlyList<PlanScene> scenes,
        IReadOnlyList<PlanLocation> locations, IReadOnlyList<PlanCharacter> characters, string look, IReadOnlyList<PlanProp> props)
    {
        var locationOf = locations.ToDictionary(location => location.Id);
        var placeOf = scenes.ToDictionary(scene => scene.Id, scene => locationOf[scene.Location]);
        var timeOf = scenes.ToDictionary(scene => scene.Id, scene => scene.Time);
        var person = characters.ToDictionary(character => character.Id);
        return [.. shots.Select(shot => shot with
        {
            Prompt = Video(shot, placeOf[shot.Scene], timeOf[shot.Scene], id => Carrying(shot, person[id], props, shot.Action), look),
            Keyframe = Keyframe(shot, placeOf[shot.Scene], timeOf[shot.Scene], id => Carrying(shot, person[id], props, ""), look),
        })];
    }

    /// <summary>Somebody and what they carry at the beginning, unless the action says so itself.</summary>
    static string Carrying(PlanShot shot, PlanCharacter person, IReadOnlyList<PlanProp> props, string action)
    {
        var has = props.Where(prop => shot.StartProps?.GetValueOrDefault(prop.Id) == person.Id
            && !action.Contains(prop.Name, StringComparison.OrdinalIgnoreCase));
        return Describe(person) + string.Concat(has.Select(prop => $", with {prop.Description.TrimEnd('.', ' ')}"));
    }

    static string Video(PlanShot shot, PlanLocation place, string? time, Func<string, string> person, string look)
    {
        var people = shot.Start.Union(shot.End).Select(person);
        return Sentences([Framing(shot, moving: true), Place(place, time), .. people, shot.Action, look]);
    }

    static string Keyframe(PlanShot shot, PlanLocation place, string? time, Func<string, string> person, string look) =>
        Sentences([
            Framing(shot, moving: false), Place(place, time),
            .. shot.Start.Count == 0 ? ["Nobody is there"] : shot.Start.Select(person), look]);

    internal static string Framing(PlanShot shot, bool moving)
    {
        var size = ShotWords.Of(shot.Size);
        var angle = shot.Angle switch
        {
            CameraAngle.Eye => "",
            CameraAngle.Overhead => " from overhead",
            CameraAngle.Low => " from below",
            CameraAngle.Reverse => " from the other side",
            _ => " from above",
        };
        var move = moving && shot.Camera != CameraMove.Static ? $", the camera: {ShotWords.Of(shot.Camera)}" : "";
        return $"{char.ToUpperInvariant(size[0])}{size[1..]} shot{angle}{move}";
    }

    internal static string Place(PlanLocation place, string? time) =>
        $"{place.Name}: {place.Description.TrimEnd('.', ' ')}{(time is null ? "" : $", {time.ToLowerInvariant()}")}";

    internal static string Describe(PlanCharacter person) =>
        person.Appearance.Length == 0 ? person.Name : $"{person.Name} is {person.Appearance}";

    static string Sentences(IEnumerable<string> parts) => string.Join(' ',
        parts.Select(part => part.Trim()).Where(part => part.Length > 0).Select(part => char.ToUpperInvariant(part[0]) + part[1..])
            .Select(part => part[^1] is '.' or '!' or '?' ? part : part + "."));
}
