// Which earlier shots a shot remembers: never a later one, never itself, and no more than the models can use.
namespace Fabula.Narrative;

public static class Memories
{
    /// <summary>
    /// For each visible person the first and the latest shot that showed them, for the place the first and the latest shot there; oldest
    /// first, at most <paramref name="limit"/>, of which the earliest go when there are more. Linear in the number of shots.
    /// </summary>
    /// <returns>The shots with <see cref="PlanShot.Memory"/> and <see cref="PlanShot.Method"/> filled in.</returns>
    public static List<PlanShot> Fill(IReadOnlyList<PlanShot> shots, Func<string, string> locationOfScene, int limit)
    {
        var (first, latest) = (new Dictionary<string, int>(), new Dictionary<string, int>());
        var filled = new List<PlanShot>();
        foreach (var (i, shot) in shots.Index())
        {
            var keys = shot.Start.Union(shot.End).Select(id => $"person {id}").Append($"place {locationOfScene(shot.Scene)}").ToList();
            var remembered = keys.Where(first.ContainsKey).SelectMany(key => new[] { first[key], latest[key] }).Distinct().Order().ToList();
            var memory = remembered.Skip(Math.Max(0, remembered.Count - limit)).Select(index => shots[index].Id).ToList();
            filled.Add(shot with { Memory = memory, Method = memory.Count > 0 ? ShotMethod.Memory : ShotMethod.Keyframe });
            foreach (var key in keys)
            {
                first.TryAdd(key, i);
                latest[key] = i;
            }
        }
        return filled;
    }
}
