// Words of a plan that the chosen model has never seen. Names are no words: whoever is called Ada is known by her looks.
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production;

public static class WordWarnings
{
    /// <summary>A warning for each word, at the first shot that has it, with the nearest word that the model knows.</summary>
    public static IReadOnlyList<Finding> Of(FilmPlan plan, SeenWords words, string model)
    {
        var names = plan.Characters.SelectMany(person => person.Aliases.Append(person.Name).Append(person.Id))
            .Concat(plan.Locations.Select(place => place.Name)).SelectMany(name => name.Split([' ', '-', '_']))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        bool IsName(string word) => names.Contains(word) || (word.EndsWith("'s", StringComparison.Ordinal) && names.Contains(word[..^2]));
        var (told, findings) = (new HashSet<string>(StringComparer.OrdinalIgnoreCase), new List<Finding>());
        foreach (var (i, shot) in plan.Shots.Index())
            foreach (var word in words.Unknown(shot.Prompt))
            {
                if (IsName(word) || !told.Add(word)) continue;
                findings.Add(Finding.Warning($"shots[{i}] ({shot.Id})", $"{model} has never seen the word '{word}'.",
                    Nearest.Name(word, words.Known) is { } near ? $"The nearest that it knows is '{near}'." : "Say it in other words."));
            }
        return findings;
    }
}
