// The end of planning: prompts, memories and joins, which need all shots to be there.
namespace Fabula.Narrative;

sealed partial class PlanDraft
{
    /// <summary>Capitalised words in mid-sentence that the bible does not know, and are near to somebody it does know.</summary>
    void Strangers(string text, int line)
    {
        var words = Word.Split(text);
        foreach (var (i, word) in words.Index())
            if (word.Capital && word.Text.Length >= 3 && !knownWords.Contains(word.Lower) && Stranger(words, i, word) is { } near)
                Findings.Add(Finding.Warning($"line {line}", $"'{word.Text}' is not in the bible.",
                    $"Did you mean '{near}'? Add the name, or correct it."));
    }

    string? Stranger(List<Word> words, int at, Word word)
    {
        if (word.First && (at + 1 >= words.Count || word.Stop || !words[at + 1].Lower.EndsWith('s'))) return null;
        return Nearest.Name(word.Text, people.Names.Where(name => Word.Split(name).Count == 1));
    }

    public FilmPlan Finish(string source, string? logline)
    {
        EmptyScene();
        var filmed = shots.Select(shot => shot.Scene).ToHashSet();
        scenes.RemoveAll(scene => !filmed.Contains(scene.Id));
        var placeOf = scenes.ToDictionary(scene => scene.Id, scene => scene.Location);
        var person = characters.ToDictionary(character => character.Id);
        var look = bible.Style.Look;
        var used = scenes.Select(scene => scene.Location).ToHashSet();
        var props = bible.Props.Select(PlanProp.Of).ToList();
        var remembering = Memories.Fill(Holdings.Fill(shots, characters, props), scene => placeOf[scene], options.Memory);
        var made = Prompts.Fill(remembering, scenes, locations, characters, look, props);
        var transitions = new List<PlanTransition>();
        for (var i = 1; i < made.Count; i++)
        {
            var asked = joins.TryGetValue(made[i].Id, out var join);
            var method = asked ? join.Method : Joins.Method(made[i - 1], made[i], options.Joins);
            var usual = method switch { JoinMethod.Dissolve => bible.Film.Rate * 3 / 4, JoinMethod.Fade => bible.Film.Rate / 2, _ => 0 };
            var frames = method == JoinMethod.Bridge ? bible.Film.Frames : join.Length?.At(bible.Film.Rate) ?? Math.Max(usual, 0);
            transitions.Add(Joins.Make(made[i - 1], made[i], method, frames, id => person[id].Name, bible.Film.Seed));
            if (method == JoinMethod.Continue) made[i] = made[i] with { Cut = false };
        }
        return new()
        {
            Format = FilmPlan.CurrentFormat,
            Film = new()
            {
                Title = title,
                Logline = logline,
                Look = look.Length == 0 ? null : look,
                Avoid = bible.Style.Avoid.Length == 0 ? null
                    : bible.Style.Avoid,
                Width = bible.Film.Width,
                Height = bible.Film.Height,
                Rate = bible.Film.Rate,
                Seed = bible.Film.Seed,
                Source = source,
                FadeIn = fadeIn ? bible.Film.Rate : 0,
                FadeOut = pendingJoin?.Method == JoinMethod.Fade ? bible.Film.Rate : 0,
            },
            Characters = characters,
            Locations = [.. locations.Where(location => used.Contains(location.Id))],
            Props = props,
            Scenes = scenes,
            Shots = made,
            Transitions = transitions,
        };
    }
}
