// A story in numbered passages, so that each agent can be shown the part it is about and nothing else.
using Fabula.Narrative.Fountain;

namespace Fabula.Planning;

enum StoryKind { Lines, Outline, Screenplay }

/// <param name="Number">From 1.</param>
/// <param name="Line">Where it begins in the source, from 1.</param>
sealed record Passage(int Number, int Line, string Text);

sealed record Story(StoryKind Kind, string? Title, IReadOnlyList<Passage> Passages)
{
    public const int MaxLetters = 100_000, MaxPassage = 1_200, MaxLines = 3;

    /// <summary>One to three lines are a passage each; an outline has one for each paragraph or point, a screenplay one for each scene.
    /// Passages longer than <see cref="MaxPassage"/> letters are cut at the end of a sentence.</summary>
    /// <exception cref="PlanningException">Nothing is told, or too much.</exception>
    public static Story Read(string text, string file)
    {
        var story = text.TrimStart('\uFEFF').ReplaceLineEndings("\n");
        if (string.IsNullOrWhiteSpace(story))
            throw new PlanningException($"{file} tells nothing. Write one to three lines, an outline, or a screenplay there.");
        if (story.Length > MaxLetters)
            throw new PlanningException($"{file} has {story.Length:N0} letters, and the agents read at most {MaxLetters:N0}. "
                + "Divide the story into several productions, or plan its screenplay without --agents.");
        var lines = story.Split('\n');
        if (file.EndsWith(".fountain", StringComparison.OrdinalIgnoreCase))
        {
            var screenplay = FountainReader.Read(story);
            if (screenplay.Elements.Count == 0)
                throw new PlanningException($"{file} has a title page and no scene. Write what one sees under a scene heading.");
            var first = screenplay.Elements[0].Line;
            var starts = screenplay.Elements.OfType<SceneHeading>().Select(heading => heading.Line).Prepend(first).Distinct();
            return new(StoryKind.Screenplay, screenplay.Title("Title"), Numbered(lines, starts));
        }
        var told = lines.Index().Where(line => line.Item.Trim().Length > 0).ToList();
        return told.Count <= MaxLines
            ? new(StoryKind.Lines, null, Numbered(lines, told.Select(line => line.Index + 1)))
            : new(StoryKind.Outline, null, Numbered(lines,
                told.Where(line => line.Index == 0 || lines[line.Index - 1].Trim().Length == 0 || IsPoint(line.Item))
                    .Select(line => line.Index + 1)));
    }

    public int Letters(int first, int last) => Passages.Take((first - 1)..last).Sum(passage => passage.Text.Length);

    public IEnumerable<Passage> Between(int first, int last) => Passages.Take((first - 1)..last);

    /// <summary>A line of a list: "- ", "* ", "# ", "3. ".</summary>
    static bool IsPoint(string line) => line.TrimStart() is var text && text.IndexOf(' ') is > 0 and var blank && IsMark(text[..blank]);

    static bool IsMark(string word) => word is "-" or "*" or "•" || word.All(letter => letter == '#')
        || word.Length > 1 && word[^1] is '.' or ')' && word[..^1].All(char.IsAsciiDigit);

    static List<Passage> Numbered(string[] lines, IEnumerable<int> starts)
    {
        var from = starts.ToList();
        var passages = new List<Passage>();
        foreach (var (i, line) in from.Index())
        {
            var end = i + 1 < from.Count ? from[i + 1] - 1 : lines.Length;
            var text = string.Join('\n', lines[(line - 1)..end]).Trim();
            while (text.Length > MaxPassage)
            {
                var cut = text.LastIndexOfAny(['.', '!', '?', '\n'], MaxPassage - 1) + 1;
                if (cut < MaxPassage / 4) cut = char.IsHighSurrogate(text[MaxPassage - 1]) ? MaxPassage - 1 : MaxPassage;
                passages.Add(new(passages.Count + 1, line, text[..cut].Trim()));
                text = text[cut..].Trim();
            }
            if (text.Length > 0) passages.Add(new(passages.Count + 1, line, text));
        }
        return passages;
    }
}
