// What was seen of each story, one after the other. With a file it is kept there line by line, so that a measurement of hours that was
// stopped goes on where it was; a line of other settings, or half a line, is not taken.
using System.Text.Json;

namespace Fabula.Training.Evaluation;

public static class Observations
{
    sealed record Line<T>(string Of, int Story, T Seen);

    /// <param name="file">Where observations are kept, or null.</param>
    /// <param name="of">All that they depend on beside the story's number: table, models, seed.</param>
    /// <param name="observe">Of a story's number, from 0.</param>
    /// <param name="done">Told after each story that was observed now.</param>
    public static IReadOnlyList<T> Collect<T>(string? file, string of, int stories, Func<int, T> observe, Action<int>? done = null)
    {
        var known = file is not null && File.Exists(file) ? Read<T>(file, of) : [];
        var seen = new List<T>();
        for (var story = 0; story < stories; story++)
        {
            if (!known.TryGetValue(story, out var one))
            {
                one = observe(story);
                if (file is not null) File.AppendAllText(file, JsonSerializer.Serialize(new Line<T>(of, story, one)) + "\n");
                done?.Invoke(story);
            }
            seen.Add(one);
        }
        return seen;
    }

    static Dictionary<int, T> Read<T>(string file, string of)
    {
        var known = new Dictionary<int, T>();
        var text = File.ReadAllText(file);
        // A run that was killed leaves half a line, which the next one must not write on.
        if (text.Length > 0 && text[^1] != '\n') File.AppendAllText(file, "\n");
        foreach (var line in text.Split('\n'))
        {
            try
            {
                if (line.Length > 0 && JsonSerializer.Deserialize<Line<T>>(line) is { } read && read.Of == of && read.Seen is not null)
                    known[read.Story] = read.Seen;
            }
            catch (JsonException) { }
        }
        return known;
    }
}
