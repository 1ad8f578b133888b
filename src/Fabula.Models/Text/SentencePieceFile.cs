// spiece.model as bytes: sentencepiece_model.proto (google/sentencepiece), the fields that encoding needs, both ways.
using System.Text;

namespace Fabula.Models.Text;

/// <summary>What a vocabulary file says, not yet checked as a vocabulary.</summary>
internal sealed record VocabularyFile(
    ReadOnlyMemory<byte>[] Texts, float[] Scores, PieceType[] Types, SentencePieceSettings Settings);

internal static class SentencePieceFile
{
    const int MostPieces = 4_000_000;

    public static VocabularyFile Read(ReadOnlyMemory<byte> data, string source)
    {
        List<ReadOnlyMemory<byte>> texts = [];
        List<float> scores = [];
        List<PieceType> types = [];
        SentencePieceSettings settings = new();
        var model = new ProtoReader(data, source);
        while (model.Next())
        {
            switch (model.Field)
            {
                case 1:
                    if (texts.Count == MostPieces) throw TokenizerException.Damaged(source, $"more than {MostPieces} pieces");
                    var (text, score, type) = ReadPiece(model.Bytes(), source);
                    texts.Add(text);
                    scores.Add(score);
                    types.Add(type);
                    break;
                case 2: settings = ReadTrainer(new(model.Bytes(), source), settings, source); break;
                case 3: settings = ReadNormalizer(new(model.Bytes(), source), settings); break;
                default: model.Skip(); break;
            }
        }
        if (texts.Count == 0) throw TokenizerException.Damaged(source, "it holds no pieces");
        return new([.. texts], [.. scores], [.. types], settings);
    }

    static (ReadOnlyMemory<byte> Text, float Score, PieceType Type) ReadPiece(ReadOnlyMemory<byte> data, string source)
    {
        (ReadOnlyMemory<byte> text, float score, PieceType type) = (default, 0, PieceType.Normal);
        var piece = new ProtoReader(data, source);
        while (piece.Next())
        {
            switch (piece.Field)
            {
                case 1: text = piece.Bytes(); break;
                case 2: score = piece.Single(); break;
                case 3: if (piece.Integer() is >= 1 and <= 6 and var value) type = (PieceType)value; break;
                default: piece.Skip(); break;
            }
        }
        return (text, score, type);
    }

    static SentencePieceSettings ReadTrainer(ProtoReader spec, SentencePieceSettings settings, string source)
    {
        while (spec.Next())
        {
            switch (spec.Field)
            {
                case 3: settings = settings with { Type = Segmentation(spec.Integer(), source) }; break;
                case 24: settings = settings with { WhitespaceAsSuffix = spec.Boolean() }; break;
                case 35: settings = settings with { ByteFallback = spec.Boolean() }; break;
                case 44: settings = settings with { UnknownSurface = Text(spec.Bytes()) }; break;
                case 45: settings = settings with { UnknownPiece = Name(spec.Bytes(), settings.UnknownPiece) }; break;
                case 46: settings = settings with { BeginPiece = Name(spec.Bytes(), settings.BeginPiece) }; break;
                case 47: settings = settings with { EndPiece = Name(spec.Bytes(), settings.EndPiece) }; break;
                case 48: settings = settings with { PadPiece = Name(spec.Bytes(), settings.PadPiece) }; break;
                default: spec.Skip(); break;
            }
        }
        return settings;
    }

    static SentencePieceSettings ReadNormalizer(ProtoReader spec, SentencePieceSettings settings)
    {
        while (spec.Next())
        {
            switch (spec.Field)
            {
                case 1: settings = settings with { CharsmapName = Text(spec.Bytes()) }; break;
                case 2: settings = settings with { Charsmap = spec.Bytes() }; break;
                case 3: settings = settings with { AddDummyPrefix = spec.Boolean() }; break;
                case 4: settings = settings with { RemoveExtraWhitespaces = spec.Boolean() }; break;
                case 5: settings = settings with { EscapeWhitespaces = spec.Boolean() }; break;
                default: spec.Skip(); break;
            }
        }
        return settings;
    }

    static SegmentationType Segmentation(long value, string source) => value switch
    {
        2 => SegmentationType.Bpe,
        3 or 4 => throw new TokenizerException(
            $"The vocabulary '{source}' splits text by {(value == 3 ? "words" : "characters")}; use a unigram or BPE vocabulary instead."),
        _ => SegmentationType.Unigram, // as the format does with a number it does not know
    };

    static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    static string Name(ReadOnlyMemory<byte> bytes, string fallback) => bytes.IsEmpty ? fallback : Text(bytes);

    public static byte[] Write(Vocabulary vocabulary, SentencePieceSettings settings)
    {
        var model = new ProtoWriter();
        for (int id = 0; id < vocabulary.Count; id++)
        {
            var piece = new ProtoWriter().Bytes(1, vocabulary.BytesOf(id).Span).Single(2, vocabulary.Score(id));
            if (vocabulary.TypeOf(id) != PieceType.Normal) piece.Integer(3, (long)vocabulary.TypeOf(id));
            model.Bytes(1, piece.Written);
        }
        model.Bytes(2, new ProtoWriter()
            .Integer(3, (long)settings.Type).Integer(4, vocabulary.Count)
            .Boolean(24, settings.WhitespaceAsSuffix).Boolean(35, settings.ByteFallback)
            .Integer(40, vocabulary.UnknownId).Integer(41, vocabulary.FindControl(settings.BeginPiece))
            .Integer(42, vocabulary.FindControl(settings.EndPiece)).Integer(43, vocabulary.FindControl(settings.PadPiece))
            .Text(44, settings.UnknownSurface).Text(45, settings.UnknownPiece)
            .Text(46, settings.BeginPiece).Text(47, settings.EndPiece).Text(48, settings.PadPiece).Written);
        model.Bytes(3, new ProtoWriter()
            .Text(1, settings.CharsmapName).Bytes(2, settings.Charsmap.Span)
            .Boolean(3, settings.AddDummyPrefix).Boolean(4, settings.RemoveExtraWhitespaces)
            .Boolean(5, settings.EscapeWhitespaces).Written);
        return model.Written.ToArray();
    }
}
