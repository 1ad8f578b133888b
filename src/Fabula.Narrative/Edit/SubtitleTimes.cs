// When each line is read: shared out over its shot by the number of letters, never beyond it.
namespace Fabula.Narrative.Edit;

static class SubtitleTimes
{
    /// <summary>Nobody needs more time than this for a letter, in seconds; about 12 letters in a second is quiet reading.</summary>
    const double SecondsPerLetter = 0.085, LeastSeconds = 1.0;

    public static IEnumerable<Subtitle> Of(FilmPlan plan, Timeline timeline)
    {
        var names = plan.Characters.GroupBy(person => person.Id).ToDictionary(group => group.Key, group => group.First().Name);
        var shots = plan.Shots.GroupBy(shot => shot.Id).ToDictionary(group => group.Key, group => group.First());
        foreach (var (start, item) in timeline.Placed())
        {
            if (!shots.TryGetValue(item.Id, out var shot)) continue;
            var groups = new List<List<PlanDialogue>>();
            foreach (var line in shot.Dialogue)
                if (line.Together && groups.Count > 0) groups[^1].Add(line);
                else groups.Add([line]);
            if (groups.Count > item.Frames) groups = groups[..item.Frames];
            var letters = groups.Select(group => (long)Math.Max(1, group.Max(line => line.Line.Length))).ToList();
            var (all, done) = (letters.Sum(), 0L);
            foreach (var (i, group) in groups.Index())
            {
                // At least one frame for each, however short the shot.
                var from = Math.Max(start + i, start + item.Frames * done / all);
                done += letters[i];
                var until = Math.Max(from + 1, Math.Min(start + item.Frames - (groups.Count - 1 - i), start + item.Frames * done / all));
                var wanted = (long)Math.Ceiling(Math.Max(LeastSeconds, letters[i] * SecondsPerLetter) * timeline.Rate);
                var end = Math.Min(until, from + wanted);
                var several = group.Count > 1;
                var text = string.Join('\n', group.Select(line => (several ? "- " : "") + (line.Sung ? $"♪ {line.Line} ♪" : line.Line)));
                yield return new(from, end, several ? null : names.GetValueOrDefault(group[0].Character, group[0].Character), text);
            }
        }
    }
}
