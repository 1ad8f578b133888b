// A byte trie over the vocabulary: level by level, a node's children side by side and sorted, nine bytes a node.
// 256,000 pieces of umT5 make about a million nodes; a step is one search among at most 256 neighbouring bytes.
using System.Buffers.Binary;

namespace Fabula.Models.Text;

internal sealed class PieceTrie
{
    public const int Root = 0, None = -1;

    readonly byte[] _labels;
    readonly int[] _firstChild; // [nodes + 1]: children of n are _firstChild[n] .. _firstChild[n + 1] - 1
    readonly int[] _ids;

    PieceTrie(byte[] labels, int[] firstChild, int[] ids) => (_labels, _firstChild, _ids) = (labels, firstChild, ids);

    /// <summary>Puts the pieces with these ids into a trie.</summary>
    /// <param name="pieces">The bytes of every piece, by id.</param>
    /// <param name="ids">The ids to hold.</param>
    /// <param name="duplicate">The id of a piece whose bytes another one has too, or <see cref="None"/>.</param>
    public static PieceTrie Build(ReadOnlyMemory<byte>[] pieces, int[] ids, out int duplicate)
    {
        duplicate = None;
        Sort(pieces, ids);
        int[] starts = new int[ids.Length + 1]; // piece i of the sorted ones is bytes[starts[i] .. starts[i + 1]]
        for (int i = 0; i < ids.Length; i++) starts[i + 1] = starts[i] + pieces[ids[i]].Length;
        byte[] bytes = new byte[starts[^1]];
        for (int i = 0; i < ids.Length; i++) pieces[ids[i]].Span.CopyTo(bytes.AsSpan(starts[i]));

        List<byte> labels = [0];
        List<int> low = [0], high = [ids.Length], values = [], firstChild = []; // a node covers the pieces low .. high - 1
        int depth = 0, levelEnd = 1;
        for (int node = 0; node < labels.Count; node++)
        {
            if (node == levelEnd) (depth, levelEnd) = (depth + 1, labels.Count);
            firstChild.Add(labels.Count);
            int i = low[node], end = high[node];
            bool isPiece = i < end && starts[i + 1] - starts[i] == depth;
            values.Add(isPiece ? ids[i++] : None);
            for (; i < end && starts[i + 1] - starts[i] == depth; i++) duplicate = ids[i];
            while (i < end)
            {
                byte label = bytes[starts[i] + depth];
                labels.Add(label);
                low.Add(i);
                while (i < end && bytes[starts[i] + depth] == label) i++;
                high.Add(i);
            }
        }
        firstChild.Add(labels.Count);
        return new([.. labels], [.. firstChild], [.. values]);
    }

    /// <summary>The node one byte further, or <see cref="None"/>.</summary>
    public int Step(int node, byte label)
    {
        int first = _firstChild[node];
        int offset = _labels.AsSpan(first, _firstChild[node + 1] - first).IndexOf(label);
        return offset < 0 ? None : first + offset;
    }

    /// <summary>The id of the piece that ends at this node, or <see cref="None"/>.</summary>
    public int IdAt(int node) => _ids[node];

    /// <summary>The id of exactly this piece, or <see cref="None"/>.</summary>
    public int Find(ReadOnlySpan<byte> piece)
    {
        int node = Root;
        foreach (byte label in piece)
            if ((node = Step(node, label)) == None) return None;
        return IdAt(node);
    }

    /// <summary>The length in bytes of the longest piece that the text begins with; 0 for none.</summary>
    public int LongestPrefix(ReadOnlySpan<byte> text)
    {
        int longest = 0;
        for (int i = 0, node = Root; i < text.Length && (node = Step(node, text[i])) != None; i++)
            if (IdAt(node) != None) longest = i + 1;
        return longest;
    }

    // By bytes: the first eight as one number, which settles nearly all, then the rest.
    static void Sort(ReadOnlyMemory<byte>[] pieces, int[] ids)
    {
        var heads = Array.ConvertAll(ids, id => Head(pieces[id].Span));
        Array.Sort(heads, ids);
        for (int start = 0, end; start < ids.Length; start = end)
        {
            for (end = start + 1; end < ids.Length && heads[end] == heads[start];) end++;
            if (end - start > 1)
                ids.AsSpan(start, end - start).Sort((a, b) => pieces[a].Span.SequenceCompareTo(pieces[b].Span));
        }
    }

    static ulong Head(ReadOnlySpan<byte> piece)
    {
        Span<byte> head = stackalloc byte[8];
        head.Clear();
        piece[..Math.Min(8, piece.Length)].CopyTo(head);
        return BinaryPrimitives.ReadUInt64BigEndian(head);
    }
}
