// A line of the journal file: 16 hexadecimal digits of the SHA-256 of the JSON that follows, a space, the JSON.
//   {"key":K,"step":S,"recipe":R,"version":V,"settings":{...},"inputs":[[name,digest,from],...],
//    "outputs":[[name,digest,size],...],"seconds":T}
//   {"use":K,"step":S}      the step S now stands for the record K
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Fabula.Build;

static class JournalLine
{
    const int Checksum = 16;
    static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static byte[] Of(StepRecord record) => Write(json =>
    {
        json.WriteString("key", record.Key.ToString());
        json.WriteString("step", record.Step);
        json.WriteString("recipe", record.Recipe);
        json.WriteNumber("version", record.Version);
        json.WritePropertyName("settings");
        json.WriteRawValue(record.Settings.Canonical, skipInputValidation: true);
        json.WriteStartArray("inputs");
        foreach (var input in record.Inputs)
        {
            json.WriteStartArray();
            json.WriteStringValue(input.Name);
            json.WriteStringValue(input.Digest.ToString());
            json.WriteStringValue(input.From);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteStartArray("outputs");
        foreach (var output in record.Outputs)
        {
            json.WriteStartArray();
            json.WriteStringValue(output.Name);
            json.WriteStringValue(output.Artifact.Digest.ToString());
            json.WriteNumberValue(output.Artifact.Size);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteNumber("seconds", Math.Round(record.Seconds, 3));
    });

    public static byte[] Of(string step, Digest key) => Write(json =>
    {
        json.WriteString("use", key.ToString());
        json.WriteString("step", step);
    });

    static byte[] Write(Action<Utf8JsonWriter> content)
    {
        using var bytes = new MemoryStream();
        bytes.Write(new byte[Checksum + 1]);
        using (var json = new Utf8JsonWriter(bytes, Plain))
        {
            json.WriteStartObject();
            content(json);
            json.WriteEndObject();
        }
        bytes.WriteByte((byte)'\n');
        var line = bytes.ToArray();
        Encoding.ASCII.GetBytes(Digest.Of(line.AsSpan()[(Checksum + 1)..^1]).ToString().AsSpan(0, Checksum), line);
        line[Checksum] = (byte)' ';
        return line;
    }

    /// <param name="Key">Of the record, or of the older record that the step now stands for.</param>
    /// <param name="Record">Null in a line of the second kind.</param>
    public sealed record Content(string Step, Digest Key, StepRecord? Record);

    /// <summary>Null if the line is damaged.</summary>
    public static Content? Read(ReadOnlySpan<byte> line)
    {
        if (line.Length < Checksum + 3 || line[Checksum] != ' ') return null;
        var content = line[(Checksum + 1)..];
        Span<byte> sum = stackalloc byte[Checksum];
        Encoding.ASCII.GetBytes(Digest.Of(content).ToString().AsSpan(0, Checksum), sum);
        if (!line.StartsWith(sum)) return null;
        try
        {
            using var json = JsonDocument.Parse(content.ToArray());
            return Read(json.RootElement);
        }
        // A line with a good checksum that says something else was written by a hand: no reason to stop.
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException
            or IndexOutOfRangeException)
        {
            return null;
        }
    }

    static Content Read(JsonElement json)
    {
        var step = json.GetProperty("step").GetString()!;
        if (json.TryGetProperty("use", out var use)) return new Content(step, Hex(use), null);
        var record = new StepRecord(Hex(json.GetProperty("key")), step, json.GetProperty("recipe").GetString()!,
            json.GetProperty("version").GetInt32(),
            Settings.Recorded(json.GetProperty("settings").GetRawText()),
            [.. json.GetProperty("inputs").EnumerateArray().Select(input =>
                new RecordedInput(input[0].GetString()!, Hex(input[1]), input[2].GetString()!))],
            [.. json.GetProperty("outputs").EnumerateArray().Select(output =>
                new RecordedOutput(output[0].GetString()!, new Artifact(Hex(output[1]), output[2].GetInt64())))],
            json.GetProperty("seconds").GetDouble());
        return new Content(step, record.Key, record);
    }

    static Digest Hex(JsonElement json) => Digest.TryParse(json.GetString(), out var digest) ? digest
        : throw new FormatException("no digest");
}
