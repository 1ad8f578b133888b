// plan.json <-> FilmPlan. Writing is stable: the same plan is the same bytes, and a changed field is a changed line.
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Fabula.Narrative;

public static class PlanJson
{
    /// <exception cref="NarrativeException">The text is not a plan; the message names the JSON path and the fix.</exception>
    public static FilmPlan Read(string text, string source = "plan.json")
    {
        var plan = StrictJson.Read(text, NarrativeJson.Default.FilmPlan, source);
        return plan.Format == FilmPlan.CurrentFormat ? plan
            : throw new NarrativeException($"{source}: $.format is '{plan.Format}', and this version reads '{FilmPlan.CurrentFormat}'. "
                + "Plan the film again, or use the version that wrote the file.");
    }

    /// <summary>Two blanks of indentation, \n, lists of plain values on one line, a line end at the end.</summary>
    public static string Write(FilmPlan plan) => Pretty(JsonSerializer.SerializeToElement(plan, NarrativeJson.Default.FilmPlan));

    internal static string Pretty(JsonElement json)
    {
        var text = new StringBuilder();
        Put(text, json, 0);
        return text.Append('\n').ToString();
    }

    static void Put(StringBuilder text, JsonElement json, int depth)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object when json.EnumerateObject().Any():
                var fields = json.EnumerateObject().ToList();
                for (var i = 0; i < fields.Count; i++)
                {
                    NewLine(text.Append(i == 0 ? "{" : ","), depth + 1).Append(Quoted(fields[i].Name)).Append(": ");
                    Put(text, fields[i].Value, depth + 1);
                }
                NewLine(text, depth).Append('}');
                break;
            case JsonValueKind.Object:
                text.Append("{}");
                break;
            case JsonValueKind.Array when json.EnumerateArray().Any(item => item.ValueKind is JsonValueKind.Object or JsonValueKind.Array):
                var items = json.EnumerateArray().ToList();
                for (var i = 0; i < items.Count; i++)
                {
                    NewLine(text.Append(i == 0 ? "[" : ","), depth + 1);
                    Put(text, items[i], depth + 1);
                }
                NewLine(text, depth).Append(']');
                break;
            case JsonValueKind.Array:
                text.Append('[');
                foreach (var (i, item) in json.EnumerateArray().Index())
                {
                    if (i > 0) text.Append(", ");
                    Put(text, item, depth);
                }
                text.Append(']');
                break;
            case JsonValueKind.String:
                text.Append(Quoted(json.GetString()!));
                break;
            default:
                text.Append(json.GetRawText());
                break;
        }
    }

    static StringBuilder NewLine(StringBuilder text, int depth) => text.Append('\n').Append(' ', 2 * depth);

    /// <summary>Letters of all scripts as they are; the file is read by people, and never put into a web page as it is.</summary>
    static string Quoted(string text) => $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"";
}
