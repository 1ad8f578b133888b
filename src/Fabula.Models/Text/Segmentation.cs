// Normalised text cut into pieces of the vocabulary, by the two algorithms in use. Both work on bytes and advance by
// characters as the reference counts them, so that even malformed text splits the same.
namespace Fabula.Models.Text;

/// <summary>A stretch of normalised text and the piece it became.</summary>
internal readonly record struct Segment(int Start, int Length, int Id);

internal static class Segmentation
{
    const float UnknownPenalty = 10;

    /// <summary>The most probable split; linear in the text for a given longest piece.
    /// Reference: google/sentencepiece src/unigram_model.cc, Model::EncodeOptimized, with its float and double steps.</summary>
    public static List<Segment> Unigram(Vocabulary vocabulary, ReadOnlySpan<byte> text)
    {
        var trie = vocabulary.Trie;
        var best = new Ending[text.Length + 1]; // the best split of the text before each byte
        float unknownScore = vocabulary.LowestScore - UnknownPenalty;
        for (int start = 0, character; start < text.Length; start += character)
        {
            float before = best[start].Score;
            character = Math.Min(CharacterLength(text[start]), text.Length - start);
            bool coversCharacter = false;
            for (int end = start, node = PieceTrie.Root; end < text.Length;)
            {
                if ((node = trie.Step(node, text[end++])) == PieceTrie.None) break;
                int id = trie.IdAt(node);
                if (id == PieceTrie.None || vocabulary.TypeOf(id) == PieceType.Unused) continue;
                int length = end - start;
                double score = vocabulary.TypeOf(id) == PieceType.UserDefined
                    ? (length * vocabulary.HighestScore) - 0.1 // near zero: better than any sum of log probabilities
                    : vocabulary.Score(id);
                best[end].Offer(id, length, score + before);
                coversCharacter |= length == character;
            }
            if (!coversCharacter) best[start + character].Offer(vocabulary.UnknownId, character, unknownScore + before);
        }
        List<Segment> segments = [];
        for (int end = text.Length; end > 0; end -= best[end].Length)
            segments.Add(new(end - best[end].Length, best[end].Length, best[end].Id));
        segments.Reverse();
        return segments;
    }

    /// <summary>Byte-pair merges, the best-scored pair first, the leftmost among equals.
    /// Reference: google/sentencepiece src/bpe_model.cc, Model::SampleEncode without dropout.</summary>
    public static List<Segment> Bpe(Vocabulary vocabulary, ReadOnlySpan<byte> text)
    {
        var symbols = Symbols(vocabulary, text);
        var agenda = new PriorityQueue<(int Left, int Right, int Length), (float Score, int Left)>(
            Comparer<(float Score, int Left)>.Create((a, b) =>
                a.Score != b.Score ? b.Score.CompareTo(a.Score) : a.Left.CompareTo(b.Left)));
        Dictionary<(int Start, int Length), int> unusedSplits = []; // where a merged but switched-off piece parts again

        for (int i = 1; i < symbols.Count; i++) Consider(text, i - 1, i);
        while (agenda.TryDequeue(out var pair, out _))
        {
            var (left, right) = (symbols[pair.Left], symbols[pair.Right]);
            if (left.Length == 0 || right.Length == 0 || left.Length + right.Length != pair.Length) continue; // merged since
            symbols[pair.Left] = left with { Length = pair.Length, Next = right.Next };
            symbols[pair.Right] = right with { Length = 0 };
            if (right.Next >= 0) symbols[right.Next] = symbols[right.Next] with { Previous = pair.Left };
            Consider(text, left.Previous, pair.Left);
            Consider(text, pair.Left, right.Next);
        }

        List<Segment> segments = [];
        Stack<(int Start, int Length)> open = [];
        for (int i = symbols.Count > 0 ? 0 : -1; i >= 0; i = symbols[i].Next)
        {
            open.Push((symbols[i].Start, symbols[i].Length));
            while (open.TryPop(out var span))
            {
                int id = vocabulary.Trie.Find(text.Slice(span.Start, span.Length));
                if (id >= 0 && vocabulary.TypeOf(id) == PieceType.Unused && unusedSplits.TryGetValue(span, out int cut))
                {
                    open.Push((span.Start + cut, span.Length - cut));
                    open.Push((span.Start, cut));
                }
                else segments.Add(new(span.Start, span.Length, id >= 0 ? id : vocabulary.UnknownId));
            }
        }
        return segments;

        void Consider(ReadOnlySpan<byte> text, int left, int right)
        {
            if (left < 0 || right < 0 || symbols[left].Frozen || symbols[right].Frozen) return;
            var (start, length) = (symbols[left].Start, symbols[left].Length + symbols[right].Length);
            int id = vocabulary.Trie.Find(text.Slice(start, length));
            if (id < 0) return;
            agenda.Enqueue((left, right, length), (vocabulary.Score(id), left));
            if (vocabulary.TypeOf(id) == PieceType.Unused) unusedSplits[(start, length)] = symbols[left].Length;
        }
    }

    // User-defined symbols whole and frozen, all else character by character.
    static List<Symbol> Symbols(Vocabulary vocabulary, ReadOnlySpan<byte> text)
    {
        List<Symbol> symbols = [];
        for (int start = 0; start < text.Length;)
        {
            int frozen = vocabulary.UserDefined?.LongestPrefix(text[start..]) ?? 0;
            int length = frozen > 0 ? frozen : Math.Min(CharacterLength(text[start]), text.Length - start);
            int next = start + length < text.Length ? symbols.Count + 1 : -1;
            symbols.Add(new(start, length, symbols.Count - 1, next, frozen > 0));
            start += length;
        }
        return symbols;
    }

    // By the lead byte alone (src/util.h, OneCharLen).
    static int CharacterLength(byte lead) => lead switch { < 0xC0 => 1, < 0xE0 => 2, < 0xF0 => 3, _ => 4 };

    readonly record struct Symbol(int Start, int Length, int Previous, int Next, bool Frozen);

    struct Ending
    {
        public int Id, Length;
        public float Score;

        public void Offer(int id, int length, double score)
        {
            if (Length > 0 && !(score > Score)) return;
            (Id, Length, Score) = (id, length, (float)score);
        }
    }
}
