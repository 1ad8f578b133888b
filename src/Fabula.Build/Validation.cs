// What a graph must be before it is one. Names come from people and from files: what becomes a file name is a short list of characters.
using System.Text.RegularExpressions;

namespace Fabula.Build;

static partial class Validation
{
    /// <summary>A file name that means the same on every system and never another folder. "..", "a/b" and ".hidden" are none.</summary>
    public static bool IsFileName(string name) => FileName().IsMatch(name);

    /// <summary>Ids are never made into paths; they only have to be readable on one line.</summary>
    static bool IsId(string id) => id.Length is > 0 and <= 200 && !id.Any(char.IsControl) && IsUnicode(id);

    /// <summary>Half a surrogate pair cannot be written as UTF-8: two such names could look alike to a digest.</summary>
    public static bool IsUnicode(string text)
    {
        for (var i = 0; i < text.Length; i++)
            if (char.IsSurrogate(text[i]) && (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[++i]))) return false;
        return true;
    }

    /// <summary>Place of every step by its id; adds a sentence for all that is wrong, except cycles.</summary>
    public static Dictionary<string, int> Index(Step[] steps, List<string> problems)
    {
        var places = new Dictionary<string, int>(steps.Length, StringComparer.Ordinal);
        for (var i = 0; i < steps.Length; i++)
        {
            var id = steps[i].Id;
            if (!IsId(id)) problems.Add($"Step {i + 1} has the id '{Shown(id)}': use 1 to 200 characters, without line breaks.");
            if (!places.TryAdd(id, i)) problems.Add($"Two steps have the id '{Shown(id)}': rename one.");
        }
        foreach (var step in steps) Examine(step, steps, places, problems);
        return places;
    }

    static void Examine(Step step, Step[] steps, Dictionary<string, int> places, List<string> problems)
    {
        var id = Shown(step.Id);
        if (!IsId(step.Recipe.Name)) problems.Add($"Step '{id}' has a recipe without a usable name: use 1 to 200 characters, on one line.");
        if (step.Outputs.Count == 0) problems.Add($"Step '{id}' has no output: name at least one file.");
        foreach (var name in step.Outputs.Where(name => !IsFileName(name)))
            problems.Add($"Step '{id}' has an output '{Shown(name)}': "
                + "use letters, digits, '.', '_' and '-', beginning with a letter or digit.");
        foreach (var twice in Twice(step.Outputs, StringComparer.OrdinalIgnoreCase))
            problems.Add($"Step '{id}' has two outputs '{Shown(twice)}': rename one.");
        foreach (var twice in Twice(step.Inputs.Select(input => input.Name), StringComparer.Ordinal))
            problems.Add($"Step '{id}' has two inputs '{Shown(twice)}': rename one.");
        foreach (var input in step.Inputs)
        {
            if (!IsId(input.Name)) problems.Add($"Step '{id}' has an input '{Shown(input.Name)}': use 1 to 200 characters, on one line.");
            if (input is not StepInput from) continue;
            if (!places.TryGetValue(from.Step, out var place))
                problems.Add($"Step '{id}' reads '{Shown(from.Output)}' of step '{Shown(from.Step)}', which does not exist: "
                    + "add it, or correct the id.");
            else if (!steps[place].Outputs.Contains(from.Output, StringComparer.Ordinal))
                problems.Add($"Step '{id}' reads '{Shown(from.Output)}' of step '{Shown(from.Step)}', which makes only "
                    + $"{string.Join(", ", steps[place].Outputs)}.");
        }
    }

    /// <summary>A cycle among the steps that could not be ordered, as "a -> b -> a" where an arrow reads "is read by".</summary>
    public static string DescribeCycle(Step[] steps, int[][] before, int[] waiting)
    {
        // Every step left over waits for another one left over: going backwards must come round.
        var seen = new Dictionary<int, int>();
        var path = new List<int>();
        var at = Array.FindIndex(waiting, count => count > 0);
        while (seen.TryAdd(at, path.Count))
        {
            path.Add(at);
            at = before[at].First(earlier => waiting[earlier] > 0);
        }
        var round = path.Skip(seen[at]).Append(at).Reverse().Select(i => Shown(steps[i].Id)).ToList();
        var text = round.Count <= 12 ? string.Join(" -> ", round)
            : $"{string.Join(" -> ", round.Take(10))} -> ... ({round.Count - 1} steps) -> {round[^1]}";
        return $"These steps wait for one another: {text}. Take one of these inputs away.";
    }

    /// <summary>Fit for a message: one line, not endless.</summary>
    public static string Shown(string text)
    {
        var line = string.Concat(text.Take(200).Select(letter => char.IsControl(letter) ? '?' : letter));
        return text.Length <= 200 ? line : line + "...";
    }

    static IEnumerable<string> Twice(IEnumerable<string> names, StringComparer alike) =>
        names.GroupBy(name => name, alike).Where(group => group.Count() > 1).Select(group => group.Key);

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\z", RegexOptions.CultureInvariant)]
    private static partial Regex FileName();
}
