// The pocket models' vocabulary: every word of Paper Theatre whole, and letters for all other words, which so degrade gently instead of
// becoming one unknown mark. Words at the start of a sentence and in scene headings have pieces of their own.
using System.Globalization;
using Fabula.Models;
using Fabula.Models.Text;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

public static class PocketText
{
    const char Space = '\u2581';

    /// <summary>Most tokens of a prompt, the end mark included.</summary>
    public const int Length = 160;

    /// <summary>The same vocabulary every time.</summary>
    public static SentencePieceModel Vocabulary()
    {
        List<Piece> pieces = [new("<pad>", 0, PieceType.Control), new("</s>", 0, PieceType.Control), new("<unk>", 0, PieceType.Unknown)];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        void Add(string text, float score)
        {
            if (seen.Add(text)) pieces.Add(new(text, score));
        }
        foreach (var word in Lexicon.Words)
            foreach (var form in Forms(word)) Add(Space + form, -4);
        foreach (var mark in ",.;:!?'\"()-") Add(mark.ToString(), -4);
        Add(Space + "-", -4);
        Add(Space.ToString(), -8);
        for (var letter = 'a'; letter <= 'z'; letter++)
        {
            Add(letter.ToString(), -10);
            Add(char.ToUpperInvariant(letter).ToString(), -10);
        }
        for (var digit = '0'; digit <= '9'; digit++) Add(digit.ToString(), -10);
        return new SentencePieceModel(pieces, name: "pocket vocabulary");
    }

    /// <summary>As it stands in a sentence, at its start, and in a heading.</summary>
    static IEnumerable<string> Forms(string word) =>
        [word, char.ToUpperInvariant(word[0]) + word[1..], word.ToUpperInvariant(),
            CultureInfo.InvariantCulture.TextInfo.ToTitleCase(word)];

    /// <summary>Pieces that are forms of one word, as (form, word) ids: their embeddings begin alike.</summary>
    public static IEnumerable<(int Form, int Word)> Twins(SentencePieceModel vocabulary)
    {
        foreach (var word in Lexicon.Words)
            foreach (var form in Forms(word).Skip(1))
                if (form != word) yield return (vocabulary.IdOf(Space + form), vocabulary.IdOf(Space + word));
    }

    public static Umt5Config Network(SentencePieceModel vocabulary) => new()
    {
        Vocabulary = (vocabulary.Count + 15) / 16 * 16,
        Dim = 128,
        AttentionDim = 128,
        FfnDim = 256,
        Heads = 4,
        Layers = 4,
        MaxTokens = Length,
    };
}
