// The folder of one training: its settings, its numbers, its pictures, a page that shows them, and the state from which it goes on to the
// same bits after any end.
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fabula.Torch;

namespace Fabula.Training;

/// <summary>
/// run.json, log.jsonl, state-STEP.safetensors (one, the newest), sheets/NAME-STEP.png, index.html. Only the leading process writes.
/// </summary>
public sealed class TrainingRun
{
    readonly List<JsonObject> _log = [];

    public string Folder { get; }
    /// <summary>The step to begin with: 0, or where a saved state stands.</summary>
    public int Start { get; }
    readonly string? _state;

    /// <summary>Begins a run, or goes on with the one that the folder holds.</summary>
    /// <param name="config">All that the result depends on.</param>
    /// <exception cref="InvalidDataException">The folder holds a run of other settings.</exception>
    public TrainingRun(string folder, JsonObject config)
    {
        Folder = Path.GetFullPath(folder);
        Directory.CreateDirectory(Path.Combine(Folder, "sheets"));
        var (path, text) = (Path.Combine(Folder, "run.json"), config.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        if (!File.Exists(path)) WriteText(path, text);
        else if (File.ReadAllText(path) != text)
            throw new InvalidDataException($"{Folder} holds a run with other settings (see its run.json): choose another folder.");
        _state = Directory.EnumerateFiles(Folder, "state-*.safetensors").OrderByDescending(StepOf).FirstOrDefault();
        Start = _state is null ? 0 : StepOf(_state);
        var log = Path.Combine(Folder, "log.jsonl");
        if (File.Exists(log))
            foreach (var line in File.ReadLines(log))
                if (Line(line) is { } entry && (int)entry["step"]! <= Start) _log.Add(entry);
    }

    /// <summary>Puts weights and optimiser back to where the run stood.</summary>
    public void Resume(Weights weights, Teacher teacher)
    {
        if (_state is null) return;
        using var saved = Weights.Open(_state, DType.F32, Device.Cpu);
        using var off = Autograd.Disable();
        foreach (var (name, tensor) in weights.Parameters)
        {
            using var scope = TensorScope.Open();
            tensor.Detach().CopyFrom(saved["weights"].Get(name, DType.F32, tensor.Shape));
        }
        teacher.Restore(saved["teacher"], Start);
    }

    /// <summary>Saves everything after a step; what was saved before is removed when this is safe on the disk.</summary>
    public void Save(int step, Weights weights, Teacher teacher)
    {
        var path = Path.Combine(Folder, $"state-{step:D8}.safetensors");
        Weights.Save(path, weights.Parameters.Select(pair => new KeyValuePair<string, Tensor>("weights." + pair.Key, pair.Value))
            .Concat(teacher.State().Select(pair => new KeyValuePair<string, Tensor>("teacher." + pair.Key, pair.Value))));
        foreach (var old in Directory.EnumerateFiles(Folder, "state-*.safetensors").Where(file => StepOf(file) < step)) File.Delete(old);
    }

    /// <summary>Numbers at a step, for the log and the curves.</summary>
    public void Log(int step, IEnumerable<KeyValuePair<string, double>> values)
    {
        var entry = new JsonObject { ["step"] = step };
        foreach (var (name, value) in values) entry[name] = double.IsFinite(value) ? Math.Round(value, 6) : null;
        _log.Add(entry);
        WriteText(Path.Combine(Folder, "log.jsonl"), string.Concat(_log.Select(line => line.ToJsonString() + "\n")));
        WriteText(Path.Combine(Folder, "index.html"), Page());
    }

    /// <summary>A sheet of pictures, RGB bytes of one size.</summary>
    public void Sheet(string name, int step, IReadOnlyList<ReadOnlyMemory<byte>> pictures, int width, int height, int columns)
    {
        using var file = File.Create(Path.Combine(Folder, "sheets", $"{name}-{step:D8}.png"));
        ContactSheet.Write(file, pictures, width, height, columns);
    }

    string Page()
    {
        var page = new StringBuilder("<!doctype html><meta charset=utf-8><title>Training run</title>"
            + "<style>body{font:15px system-ui;margin:2em;"
            + "max-width:75em}img{max-width:100%}svg{background:#f6f6f4;margin:.3em}figure{display:inline-block;margin:.5em}</style>");
        page.Append("<h1>").Append(WebUtility.HtmlEncode(Path.GetFileName(Folder))).Append("</h1>");
        foreach (var name in _log.SelectMany(entry => entry.Select(pair => pair.Key)).Distinct().Where(name => name != "step"))
            page.Append(Curve(name));
        foreach (var sheet in Directory.EnumerateFiles(Path.Combine(Folder, "sheets"),
            "*.png").OrderDescending(StringComparer.Ordinal).Take(24))
            page.Append($"<figure><img src=\"sheets/{Path.GetFileName(sheet)}\"><figcaption>{Path.GetFileNameWithoutExtension(sheet)}")
                .Append("</figcaption></figure>");
        page.Append("<pre>").Append(WebUtility.HtmlEncode(File.ReadAllText(Path.Combine(Folder, "run.json")))).Append("</pre>");
        return page.ToString();
    }

    string Curve(string name)
    {
        var points = _log.Where(entry => entry[name] is not null).Select(entry => (X: (double)entry["step"]!.GetValue<int>(),
            Y: entry[name]!.GetValue<double>())).ToList();
        if (points.Count < 2) return "";
        var (low, high, last) = (points.Min(p => p.Y), points.Max(p => p.Y), points[^1].X);
        string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
        var line = string.Join(' ', points.Select(p =>
            $"{Number(280 * p.X / Math.Max(1, last))},{Number(100 - 90 * (p.Y - low) / Math.Max(1e-12, high - low))}"));
        return $"<figure><svg width=290 height=110><polyline fill=none stroke=#b0452f stroke-width=1.5 points=\"{line}\"/></svg>"
            + $"<figcaption>{WebUtility.HtmlEncode(name)}: {Number(points[^1].Y)} ({Number(low)} to {Number(high)})</figcaption></figure>";
    }

    static JsonObject? Line(string text)
    {
        try { return JsonNode.Parse(text) as JsonObject; }
        catch (JsonException) { return null; }  // a line that a power cut left unfinished
    }

    static int StepOf(string path) => int.TryParse(Path.GetFileNameWithoutExtension(path).AsSpan("state-".Length), out var step) ? step : 0;

    static void WriteText(string path, string text)
    {
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }
}
