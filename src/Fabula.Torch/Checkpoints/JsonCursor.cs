using System.Text.Json;
using System.Text.Unicode;

namespace Fabula.Torch;

/// <summary>
/// Strict reading of the two JSON texts of this folder, safetensors headers and shard indexes: no comments, no trailing commas,
/// at most 16 levels deep, valid UTF-8. Every fault becomes a <see cref="CheckpointException"/>.
/// </summary>
ref struct JsonCursor
{
    readonly MappedFile _file;
    readonly string _part;
    Utf8JsonReader _reader;

    /// <param name="part">What the text is, for messages: "header".</param>
    internal JsonCursor(ReadOnlySpan<byte> json, MappedFile file, string part)
    {
        if (!Utf8.IsValid(json)) throw file.Fault($"has a {part} that is not valid UTF-8");
        _reader = new(json, new JsonReaderOptions { MaxDepth = 16 });
        (_file, _part) = (file, part);
        Next();
    }

    readonly internal JsonTokenType Kind => _reader.TokenType;

    /// <summary>The token as it is written.</summary>
    readonly internal string Raw => System.Text.Encoding.UTF8.GetString(_reader.ValueSpan);

    /// <summary>Steps to the next token of the value that is being read; a text that ends before its value does is a fault.</summary>
    internal void Next() => Advance();

    /// <summary>Steps to the next key of the object the cursor is in, and onto its value; false at the object's end.</summary>
    internal bool NextKey(out string key)
    {
        Next();
        key = "";
        if (Kind == JsonTokenType.EndObject) return false;
        key = Text();
        Next();
        return true;
    }

    /// <summary>The string or key under the cursor.</summary>
    readonly internal string Text()
    {
        try
        {
            return _reader.GetString()!;
        }
        catch (InvalidOperationException e) // half of a surrogate pair, written as an escape
        {
            throw _file.Fault($"has a {_part} with text that is not valid Unicode", e);
        }
    }

    /// <summary>A whole number from 0 to 2^63-1, written without fraction or exponent; null for anything else.</summary>
    readonly internal long? Count() =>
        Kind == JsonTokenType.Number && _reader.TryGetInt64(out var count) && count >= 0 ? count : null;

    /// <summary>Steps to the end of the value under the cursor.</summary>
    internal void Skip()
    {
        var depth = _reader.CurrentDepth;
        if (Kind is not (JsonTokenType.StartObject or JsonTokenType.StartArray)) return;
        do Next(); while (_reader.CurrentDepth > depth);
    }

    /// <summary>Only white space may follow.</summary>
    internal void End()
    {
        if (Advance()) throw _file.Fault($"has a {_part} with more text after its end");
    }

    bool Advance()
    {
        try
        {
            return _reader.Read();
        }
        catch (JsonException e)
        {
            var reason = e.Message.Split(" LineNumber", 2)[0].TrimEnd('.');
            throw _file.Fault($"has a {_part} that is not valid JSON near its byte {_reader.BytesConsumed} ({reason})", e);
        }
    }
}
