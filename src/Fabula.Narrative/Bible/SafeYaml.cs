// A small part of YAML, on purpose: maps, lists and text. No tags (they name types), no anchors and aliases (a few lines of them can mean
// gigabytes), one document, limited size and depth. Built on the parser's events alone, so nothing is ever made by reflection.
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Fabula.Narrative;

abstract record YamlNode(int Line);

sealed record YamlText(int Line, string Text, bool Quoted) : YamlNode(Line);

sealed record YamlList(int Line, IReadOnlyList<YamlNode> Items) : YamlNode(Line);

sealed record YamlMap(int Line, IReadOnlyList<(YamlText Key, YamlNode Value)> Entries) : YamlNode(Line);

static class SafeYaml
{
    public const int MaxLetters = 1_000_000, MaxDepth = 16;

    /// <summary>The one document of a text; an empty text is an empty map. Errors name <paramref name="source"/> and the line.</summary>
    public static YamlNode Read(string text, string source)
    {
        if (text.Length > MaxLetters)
            throw new NarrativeException($"{source} has {text.Length:N0} letters, more than {MaxLetters:N0}. Move long texts elsewhere.");
        if (Deepest(text) > MaxDepth) throw TooDeep(source, 1);
        try
        {
            var parser = new Parser(new StringReader(text));
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _)) return new YamlMap(1, []);
            parser.Consume<DocumentStart>();
            var root = Node(parser, source, 1);
            parser.Consume<DocumentEnd>();
            if (!parser.Accept<StreamEnd>(out _))
                throw new NarrativeException(
                    $"{source}, line {Line(parser.Current!)}: A second document begins here. Remove the line '---'.");
            return root is YamlText { Text: "" } ? new YamlMap(1, []) : root;
        }
        catch (YamlException error)
        {
            throw new NarrativeException($"{source}, line {error.Start.Line}: This is not YAML ({error.Message.TrimEnd('.')}). "
                + "Check the indentation, and put text that holds ': ' or '#' into quotes.");
        }
        catch (InvalidOperationException)
        {
            // The parser's own way of giving up on some unfinished texts; it has no line to tell.
            throw new NarrativeException(
                $"{source}, line 1: This is not YAML. Look for a key, quote or bracket that is begun and not finished.");
        }
    }

    static YamlNode Node(Parser parser, string source, int depth)
    {
        var current = parser.Current!;
        var line = Line(current);
        if (depth > MaxDepth) throw TooDeep(source, line);
        if (current is AnchorAlias || current is NodeEvent { Anchor.IsEmpty: false })
            throw new NarrativeException(
                $"{source}, line {line}: Anchors (&) and aliases (*) are not used here. Write the text out, or in quotes.");
        if (current is NodeEvent { Tag.IsEmpty: false })
            throw new NarrativeException($"{source}, line {line}: Tags (!) are not used here. Remove it, or put the text into quotes.");
        if (parser.TryConsume<Scalar>(out var scalar)) return new YamlText(line, scalar.Value, scalar.Style != ScalarStyle.Plain);
        if (parser.TryConsume<SequenceStart>(out _))
        {
            var items = new List<YamlNode>();
            while (!parser.TryConsume<SequenceEnd>(out _)) items.Add(Node(parser, source, depth + 1));
            return new YamlList(line, items);
        }
        parser.Consume<MappingStart>();
        var entries = new List<(YamlText, YamlNode)>();
        var keys = new HashSet<string>();
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            if (Node(parser, source, depth + 1) is not YamlText key)
                throw new NarrativeException($"{source}, line {line}: A key must be a word. Write 'key: value'.");
            if (!keys.Add(key.Text))
                throw new NarrativeException($"{source}, line {key.Line}: '{key.Text}' stands here twice. Keep one, or rename the other.");
            entries.Add((key, Node(parser, source, depth + 1)));
        }
        return new YamlMap(line, entries);
    }

    /// <summary>Brackets opened one inside the other; text with brackets never comes near the limit.</summary>
    static int Deepest(string text)
    {
        var (depth, deepest) = (0, 0);
        foreach (var letter in text)
        {
            depth = letter switch { '[' or '{' => depth + 1, ']' or '}' => Math.Max(0, depth - 1), _ => depth };
            deepest = Math.Max(deepest, depth);
        }
        return deepest;
    }

    static NarrativeException TooDeep(string source, int line) =>
        new($"{source}, line {line}: Lists and maps lie more than {MaxDepth} deep. A bible needs 4 levels: take some away.");

    static int Line(ParsingEvent parsing) => (int)parsing.Start.Line;
}
