// A prompt as token ids for Wan's umT5 text encoder: cleaned, split, ended, cut or padded to a fixed length.
// Reference: Wan2.1 wan/modules/tokenizers.py, HuggingfaceTokenizer with clean='whitespace', and the T5 tokenizer it opens.
// One difference on purpose: marks written out in a prompt, such as "</s>", stay text and cannot end it.
namespace Fabula.Models.Text;

/// <summary>A prompt's ids.</summary>
/// <param name="Ids">As many as the tokenizer's length; padded at the end.</param>
/// <param name="Length">How many are the prompt's own, the end mark included: 1 to Ids.Count. The attention mask is i &lt; Length.</param>
/// <param name="Cut">The prompt was too long and its end is missing.</param>
public sealed record PromptTokens(IReadOnlyList<int> Ids, int Length, bool Cut);

/// <summary>Immutable, and safe to use from several threads.</summary>
public sealed class WanTokenizer
{
    static readonly string[] Folders = ["", "google/umt5-xxl", "tokenizer"];
    internal static readonly string[] Files = ["spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "tokenizer.json"];

    readonly int _endId, _padId;

    /// <summary>A tokenizer over this vocabulary.</summary>
    /// <param name="model">With an end mark.</param>
    /// <param name="length">Ids per prompt, at least 1; Wan's text_len is 512.</param>
    /// <exception cref="TokenizerException">The vocabulary has no end mark.</exception>
    public WanTokenizer(SentencePieceModel model, int length = 512)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        (Model, Length) = (model, length);
        _endId = model.EndId >= 0 ? model.EndId : throw new TokenizerException(
            $"The vocabulary has no end mark '{model.Settings.EndPiece}'; use a T5 vocabulary such as google/umt5-xxl.");
        _padId = Math.Max(model.PadId, 0);
    }

    public SentencePieceModel Model { get; }

    /// <summary>Ids per prompt.</summary>
    public int Length { get; }

    /// <summary>Opens a vocabulary file, or a folder that holds one (there, or in google/umt5-xxl, or in tokenizer);
    /// spiece.model is preferred to tokenizer.json.</summary>
    /// <exception cref="TokenizerException">There is none, or it cannot be used.</exception>
    public static WanTokenizer Open(string path, int length = 512) => new(SentencePieceModel.Load(FileIn(path)), length);

    /// <summary>The ids of a prompt.</summary>
    public PromptTokens Encode(string prompt)
    {
        var ids = Model.Encode(PromptCleaning.Clean(prompt)).AsSpan();
        bool cut = ids.Length > Length - 1;
        if (cut) ids = ids[..(Length - 1)];
        int[] padded = new int[Length];
        ids.CopyTo(padded);
        padded[ids.Length] = _endId;
        padded.AsSpan(ids.Length + 1).Fill(_padId);
        return new(padded, ids.Length + 1, cut);
    }

    /// <summary>The words of a prompt, each once, in order, that hold a character the vocabulary knows only as unknown or as
    /// bytes: the model has learnt nothing about them. Punctuation around a word is left off.</summary>
    public IReadOnlyList<string> UnknownWords(string prompt) =>
    [
        .. PromptCleaning.Clean(prompt).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Bare).Distinct()
            .Where(word => Model.Encode(word).Any(id => Model[id].Type is PieceType.Unknown or PieceType.Byte)),
    ];

    static string Bare(string word)
    {
        int start = 0, end = word.Length;
        while (start < end && char.IsPunctuation(word[start])) start++;
        while (end > start && char.IsPunctuation(word[end - 1])) end--;
        return start < end ? word[start..end] : word;
    }

    static string FileIn(string path)
    {
        if (!Directory.Exists(path)) return path;
        foreach (string folder in Folders)
            foreach (string file in Files)
                if (Path.Combine(path, folder, file) is var candidate && File.Exists(candidate)) return candidate;
        throw new TokenizerException(
            $"The folder '{path}' holds no vocabulary; put google/umt5-xxl's spiece.model or tokenizer.json there.");
    }
}
