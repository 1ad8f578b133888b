// tokenizer.json of Hugging Face tokenizers, for folders that hold no spiece.model: a unigram vocabulary with the settings
// that SentencePiece converters write (huggingface/transformers convert_slow_tokenizer.py, SpmConverter). It is read into the
// same model, so the ids are SentencePiece's; the one known difference of the Hugging Face library is that it applies the
// normalisation map to whole grapheme clusters first. A step that has no SentencePiece equal is refused, not ignored.
using System.Text;
using System.Text.Json;

namespace Fabula.Models.Text;

internal static class TokenizerJson
{
    public static VocabularyFile Read(ReadOnlyMemory<byte> data, string source)
    {
        try
        {
            using var document = JsonDocument.Parse(data, new() { MaxDepth = 32 });
            return Read(document.RootElement, source);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException
            or IndexOutOfRangeException)
        {
            throw new TokenizerException($"The vocabulary '{source}' is no usable tokenizer.json ({e.Message.TrimEnd('.')}); "
                + "download it again, or put the spiece.model beside it.", e);
        }
    }

    static VocabularyFile Read(JsonElement root, string source)
    {
        var model = root.GetProperty("model");
        bool unigram = model.TryGetProperty("type", out var type) ? type.GetString() == "Unigram" : model.TryGetProperty("unk_id", out _);
        if (!unigram) throw Refused(source, "a model other than Unigram");
        var vocab = model.GetProperty("vocab");
        int count = vocab.GetArrayLength();
        var (texts, scores, types) = (new ReadOnlyMemory<byte>[count], new float[count], new PieceType[count]);
        var settings = new SentencePieceSettings
        {
            AddDummyPrefix = false,
            RemoveExtraWhitespaces = false,
            EscapeWhitespaces = false,
            ByteFallback = model.TryGetProperty("byte_fallback", out var bytes) && bytes.GetBoolean(),
        };

        int id = 0;
        foreach (var entry in vocab.EnumerateArray())
        {
            string text = entry[0].GetString() ?? throw Refused(source, $"no text in piece {id}");
            texts[id] = Encoding.UTF8.GetBytes(text);
            scores[id] = entry[1].GetSingle();
            types[id++] = settings.ByteFallback && Vocabulary.ByteOf(text) >= 0 ? PieceType.Byte : PieceType.Normal;
        }
        if (root.TryGetProperty("added_tokens", out var added))
            foreach (var token in added.EnumerateArray())
                if (token.GetProperty("id").GetInt32() is >= 0 and var at && at < count)
                    types[at] = token.GetProperty("special").GetBoolean() ? PieceType.Control : PieceType.UserDefined;
        int unknown = model.GetProperty("unk_id").GetInt32();
        if (unknown < 0 || unknown >= count) throw Refused(source, $"unknown id {unknown} of {count}");
        types[unknown] = PieceType.Unknown;

        foreach (var step in Steps(root, "normalizer", "normalizers")) settings = Normalizing(settings, step, source);
        foreach (var step in Steps(root, "pre_tokenizer", "pretokenizers")) settings = Splitting(settings, step, source);
        return new(texts, scores, types, settings with { UnknownPiece = Encoding.UTF8.GetString(texts[unknown].Span) });
    }

    static SentencePieceSettings Normalizing(SentencePieceSettings settings, JsonElement step, string source) => Kind(step) switch
    {
        "Precompiled" => step.GetProperty("precompiled_charsmap") is { ValueKind: JsonValueKind.String } map
            ? settings with { Charsmap = map.GetBytesFromBase64() }
            : settings,
        "Strip" => settings with { RemoveExtraWhitespaces = true },
        "Replace" when step.GetProperty("pattern").TryGetProperty("Regex", out var pattern) && pattern.GetString() == " {2,}" =>
            settings with { RemoveExtraWhitespaces = true },
        var other => throw Refused(source, $"normalizer {other}"),
    };

    static SentencePieceSettings Splitting(SentencePieceSettings settings, JsonElement step, string source) => Kind(step) switch
    {
        "WhitespaceSplit" => settings with { RemoveExtraWhitespaces = true },
        "Metaspace" when step.GetProperty("replacement").GetString() == "\u2581" => settings with
        {
            EscapeWhitespaces = true,
            AddDummyPrefix = step.TryGetProperty("prepend_scheme", out var scheme)
                ? scheme.GetString() != "never"
                : !step.TryGetProperty("add_prefix_space", out var prefix) || prefix.GetBoolean(),
        },
        var other => throw Refused(source, $"pre-tokenizer {other}"),
    };

    // A step, the steps of a sequence, or none.
    static JsonElement[] Steps(JsonElement root, string name, string listName)
    {
        if (!root.TryGetProperty(name, out var step) || step.ValueKind == JsonValueKind.Null) return [];
        return Kind(step) == "Sequence" ? [.. step.GetProperty(listName).EnumerateArray()] : [step];
    }

    static string Kind(JsonElement step) => step.GetProperty("type").GetString() ?? "";

    static TokenizerException Refused(string source, string what) =>
        new($"The vocabulary '{source}' uses {what}, which we do not read; put the model's spiece.model beside it.");
}
