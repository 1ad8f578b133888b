// A film's keyframes to look at before any clip is rendered: every one as a picture, all on one sheet, and a page with their scripts.
using System.Net;
using System.Text;
using Fabula.Build;
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production;

public static class KeyframeSheet
{
    public const string Page = "keyframes.html", Sheet = "keyframes.png", Script = "script.txt";

    /// <summary>A picture's width on the sheet, in pixels, and pictures beside one another; a long film has more.</summary>
    const int Small = 160, Columns = 8, ManyColumns = 24, Many = 96, Gap = 4;

    /// <summary>The steps that make keyframes.</summary>
    /// <exception cref="NarrativeException">The method makes none.</exception>
    public static IReadOnlyList<string> Steps(BuildGraph graph, FilmPlan plan)
    {
        string[] steps = [.. plan.Shots.Select(shot => KeyframeSteps.Id(shot.Id)).Where(graph.Contains)];
        return steps.Length > 0 ? steps : throw new NarrativeException("This film has no keyframes that are made before its clips. Choose "
            + "--method moviedreamer or infinitystory.");
    }

    /// <summary>Writes keyframes/SHOT.png, keyframes.png, keyframes.html and script.txt; the page's path.</summary>
    /// <param name="made">The frames file of a step.</param>
    public static string Write(string output, FilmPlan plan, Func<string, string?> made)
    {
        Directory.CreateDirectory(Path.Combine(output, KeyframeChoices.Folder));
        var shown = new List<(PlanShot Shot, Picture Picture)>();
        foreach (var shot in plan.Shots)
        {
            if (made(KeyframeSteps.Id(shot.Id)) is not { } path) continue;
            var picture = Recipes.Ends(path).First;
            WritePng(Path.Combine(output, KeyframeChoices.Folder, shot.Id + ".png"), picture.Rgb, picture.Width, picture.Height);
            shown.Add((shot, picture));
        }
        All(Path.Combine(output, Sheet), plan, [.. shown.Select(entry => entry.Picture)]);
        var script = MultimodalScript.Of(plan);
        ProductionFolder.WriteWhole(Path.Combine(output, Script), Encoding.UTF8.GetBytes(ScriptText.Write(script)));
        var page = Path.Combine(output, Page);
        ProductionFolder.WriteWhole(page, Encoding.UTF8.GetBytes(Html(plan, [.. shown.Select(entry => entry.Shot)])));
        return page;
    }

    static void All(string path, FilmPlan plan, List<Picture> pictures)
    {
        var (width, columns) = (Math.Min(Small, plan.Film.Width), pictures.Count > Many ? ManyColumns : Math.Min(Columns, pictures.Count));
        var height = Math.Max(1, width * plan.Film.Height / plan.Film.Width);
        var rows = (pictures.Count + columns - 1) / columns;
        var (across, down) = (columns * (width + Gap) + Gap, rows * (height + Gap) + Gap);
        var sheet = new byte[across * down * 3];
        sheet.AsSpan().Fill(245);
        foreach (var (i, picture) in pictures.Index())
        {
            var small = PlateView.Fit(picture, width, height);
            for (var y = 0; y < height; y++)
                small.AsSpan(y * width * 3, width * 3).CopyTo(sheet.AsSpan(((i / columns * (height + Gap) + Gap + y) * across
                    + i % columns * (width + Gap) + Gap) * 3));
        }
        WritePng(path, sheet, across, down);
    }

    static void WritePng(string path, byte[] rgb, int width, int height)
    {
        using var bytes = new MemoryStream();
        PngWriter.Write(bytes, rgb, width, height);
        ProductionFolder.WriteWhole(path, bytes.ToArray());
    }

    static string Html(FilmPlan plan, List<PlanShot> shots)
    {
        static string Text(string text) => WebUtility.HtmlEncode(new string([.. text.Where(letter => !char.IsControl(letter))]));
        var html = new StringBuilder("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' file:; ")
            .Append("style-src 'unsafe-inline'\">\n<meta name=\"color-scheme\" content=\"light dark\">\n")
            .Append($"<title>{Text(plan.Film.Title)} - keyframes</title>\n<style>\n{Css}</style>\n</head>\n<body>\n")
            .Append($"<h1>{Text(plan.Film.Title)}</h1>\n<p>{shots.Count} keyframes of {plan.Shots.Count} shots. Another one: ")
            .Append("<code>fabula plan FOLDER --keyframes --redo SHOT</code>; keep one: <code>--lock SHOT</code>; your own picture: ")
            .Append("<code>\"keyframePicture\"</code> of the shot in plan.json.</p>\n<main>\n");
        foreach (var shot in shots)
            html.Append($"<figure><img src=\"{KeyframeChoices.Folder}/{shot.Id}.png\" alt=\"\" loading=\"lazy\">")
                .Append($"<figcaption><b>{shot.Id}</b>")
                .Append(shot.KeyframePicture is null ? "" : " <i>kept</i>").Append($"<br>{Text(shot.Action)}</figcaption></figure>\n");
        return html.Append("</main>\n</body>\n</html>\n").ToString();
    }

    const string Css = """
        body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; }
        main { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 1rem; }
        figure { margin: 0; } img { width: 100%; border-radius: 4px; } i { color: #2a7; }

        """;
}
