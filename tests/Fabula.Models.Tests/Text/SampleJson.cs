// A tokenizer.json with the vocabulary of a SentencePiece model, in the form that Hugging Face's converters write.
using System.Text.Json;
using Fabula.Models.Text;

namespace Fabula.Models.Tests.Text;

static class SampleJson
{
    static readonly PieceType[] Added = [PieceType.Control, PieceType.Unknown, PieceType.UserDefined];

    public static string Of(SentencePieceModel model, string modelType = "Unigram", object? normalizer = null) =>
        JsonSerializer.Serialize(new
        {
            version = "1.0",
            added_tokens = Enumerable.Range(0, model.Count).Where(id => Added.Contains(model[id].Type))
                .Select(id => new { id, content = model[id].Text, special = model[id].Type != PieceType.UserDefined })
                .Append(new { id = model.Count + 7, content = "<extra_id_0>", special = true }),
            normalizer = normalizer ?? new
            {
                type = "Sequence",
                normalizers = new object[]
                {
                    new { type = "Precompiled", precompiled_charsmap = Convert.ToBase64String(model.Settings.Charsmap.Span) },
                    new { type = "Strip", strip_left = false, strip_right = true },
                    new { type = "Replace", pattern = new { Regex = " {2,}" }, content = "▁" },
                },
            },
            pre_tokenizer = new { type = "Metaspace", replacement = "▁", prepend_scheme = "always", split = true },
            model = new
            {
                type = modelType,
                unk_id = model.UnknownId,
                byte_fallback = model.Settings.ByteFallback,
                vocab = Enumerable.Range(0, model.Count).Select(id => new object[] { model[id].Text, model[id].Score }),
            },
        });
}
