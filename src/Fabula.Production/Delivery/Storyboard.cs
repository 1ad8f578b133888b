// storyboard.html: the script beside its pictures, and a card for each shot with all that it was made from. One page that holds everything,
// without scripts and without a server; it may load nothing, so it tells nobody that it was opened.
using System.Globalization;
using System.Net;
using System.Text;
using Fabula.Narrative;
using Fabula.Narrative.Edit;

namespace Fabula.Production.Delivery;

static class Storyboard
{
    /// <param name="stills">Pictures of each clip as data: URLs.</param>
    /// <param name="recalled">Pictures of frames that shots recall.</param>
    /// <param name="notes">What the delivery could not write.</param>
    public static string Page(FilmDelivery.Input input, Timeline timeline, IReadOnlyDictionary<string, IReadOnlyList<string>> stills,
        IReadOnlyDictionary<(string Shot, int Frame), string> recalled, IReadOnlyList<string> notes)
    {
        var (plan, html) = (input.Plan, new StringBuilder());
        var clips = input.Clips.ToDictionary(clip => clip.ShotId);
        var starts = timeline.Placed().ToDictionary(placed => placed.Item.Id, placed => placed.Start);
        var numbers = plan.Shots.Index().ToDictionary(shot => shot.Item.Id, shot => shot.Index + 1);
        var people = plan.Characters.GroupBy(person => person.Id).ToDictionary(group => group.Key, group => group.First().Name);
        var script = new ScriptLines(input.Screenplay, plan);
        Head(html, input, timeline);
        foreach (var scene in plan.Scenes)
        {
            html.Append($"<section>\n<h2>{Text(scene.Heading)}</h2>\n");
            if (scene.Overview is not null) html.Append($"<p class=\"overview\">{Text(scene.Overview)}</p>\n");
            foreach (var shot in plan.Shots.Where(shot => shot.Scene == scene.Id))
            {
                var join = plan.Transitions.FirstOrDefault(join => join.To == shot.Id);
                if (join?.Method == JoinMethod.Bridge && clips.TryGetValue(join.Id, out var bridge))
                    Bridge(html, join, bridge, stills[join.Id]);
                Shot(shot, clips[shot.Id], join);
            }
            html.Append("</section>\n");
        }
        html.Append("<footer>\n");
        foreach (var note in notes) html.Append($"<p>{Text(note)}</p>\n");
        html.Append($"<p>Every picture here was made by a trained model ({Text(input.Model.Name)}). "
            + "<code>provenance.json</code> says how.</p>\n</footer>\n</main>\n</body>\n</html>\n");
        return html.ToString();

        void Shot(PlanShot shot, ShotClip clip, PlanTransition? join)
        {
            var (number, item) = (numbers[shot.Id], timeline.Items.First(item => item.Id == shot.Id));
            html.Append($"<article id=\"shot-{number}\">\n<div class=\"script\">\n")
                .Append($"{script.Of(shot, people)}</div>\n<div class=\"board\">\n");
            Pictures(html, stills[shot.Id], $"Shot {number}");
            html.Append($"<h3><b>{number}</b> {Text(shot.Id)}</h3>\n<p class=\"facts\">")
                .Append($"{Words(shot)} · {Seconds(item.Frames, timeline.Rate)} · {Timecode.Write(starts[shot.Id], timeline.Rate)}")
                .Append(join is null ? "" : $" · {Text(How(join))}").Append("</p>\n");
            if (shot.Start.Count + shot.End.Count > 0) html.Append($"<p class=\"facts\">{Text(Seen(shot, people))}</p>\n");
            html.Append("<details>\n<summary>How it was made</summary>\n<dl>\n");
            Entry(html, "Prompt", clip.Prompt);
            if (shot.Keyframe.Length > 0 && shot.Keyframe != clip.Prompt) Entry(html, "First picture", shot.Keyframe);
            Entry(html, "Seed", clip.Seed.ToString(CultureInfo.InvariantCulture));
            Entry(html, "Takes", $"take {shot.Take} of {Math.Max(shot.Take, shot.Takes.Count + 1)}"
                + (shot.Takes.Count == 0 ? "" : $"; seeds of the others: {string.Join(", ", shot.Takes)}"));
            html.Append("<dt>Remembers</dt>\n<dd>");
            if (clip.MemoryFrom.Count == 0) html.Append("nothing");
            foreach (var id in clip.MemoryFrom)
                html.Append(numbers.TryGetValue(id, out var n) ? $"<a href=\"#shot-{n}\"><b>{n}</b> {Text(id)}</a> " : $"{Text(id)} ");
            html.Append("</dd>\n");
            Recalled(html, clip, numbers, recalled);
            Entry(html, "Frames", $"{clip.Frames} of {clip.Width} x {clip.Height}, SHA-256 {clip.Digest}");
            html.Append("</dl>\n</details>\n</div>\n</article>\n");
        }
    }

    /// <summary>Escaped for HTML, without control characters.</summary>
    public static string Text(string text) =>
        WebUtility.HtmlEncode(new string([.. text.Where(letter => !char.IsControl(letter) || letter is '\n')]));

    static void Head(StringBuilder html, FilmDelivery.Input input, Timeline timeline)
    {
        var film = input.Plan.Film;
        html.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; ")
            .Append("base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .Append($"<meta name=\"color-scheme\" content=\"light dark\">\n<title>{Text(film.Title)} - storyboard</title>\n")
            .Append($"<style>\n{StoryboardStyle.Css}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>{Text(film.Title)}</h1>\n");
        if ((film.Logline ?? film.Overview) is { } about) html.Append($"<p class=\"about\">{Text(about)}</p>\n");
        html.Append("<ul class=\"chips\">");
        foreach (var chip in (string[])[$"{input.Plan.Shots.Count} shots", Seconds(timeline.Frames, timeline.Rate),
            $"{timeline.Width} x {timeline.Height}, {timeline.Rate} frames a second", input.Model.Name,
            $"{input.Model.Steps} steps, guidance {input.Model.Guidance.ToString("0.##", CultureInfo.InvariantCulture)}"])
            html.Append($"<li>{Text(chip)}</li>");
        html.Append("</ul>\n</header>\n");
    }

    static void Bridge(StringBuilder html, PlanTransition join, ShotClip clip, IReadOnlyList<string> stills)
    {
        html.Append("<article class=\"bridge\">\n<div class=\"script\"><p class=\"join\">bridge</p></div>\n<div class=\"board\">\n");
        Pictures(html, stills, "Bridge");
        html.Append("<details>\n<summary>How it was made</summary>\n<dl>\n");
        Entry(html, "Joins", $"{join.From} and {join.To}");
        Entry(html, "Prompt", clip.Prompt);
        Entry(html, "Seed", clip.Seed.ToString(CultureInfo.InvariantCulture));
        html.Append("</dl>\n</details>\n</div>\n</article>\n");
    }

    /// <summary>OneStory: every recalled frame with the selector's score and its share of the tokens.</summary>
    static void Recalled(StringBuilder html, ShotClip clip, Dictionary<string, int> numbers,
        IReadOnlyDictionary<(string Shot, int Frame), string> pictures)
    {
        if (clip.Recalled.Count == 0) return;
        html.Append("<dt>Recalls</dt>\n<dd class=\"recalled\">");
        foreach (var frame in clip.Recalled)
        {
            html.Append("<figure>");
            if (pictures.TryGetValue((frame.Shot, frame.Frame), out var picture))
                html.Append($"<img src=\"{picture}\" alt=\"\" loading=\"lazy\">");
            html.Append(CultureInfo.InvariantCulture, $"<figcaption>shot {numbers.GetValueOrDefault(frame.Shot)}, frame {frame.Frame}: ")
                .Append(CultureInfo.InvariantCulture, $"relevance {frame.Score:0.00}, ")
                .Append(CultureInfo.InvariantCulture, $"{100 * frame.Share:0} % of the tokens</figcaption></figure>");
        }
        html.Append("</dd>\n");
    }

    static void Pictures(StringBuilder html, IReadOnlyList<string> stills, string what)
    {
        string[] moments = stills.Count == 3 ? ["first", "middle", "last"] : ["first", "last"];
        html.Append("<div class=\"pictures\">");
        foreach (var (i, still) in stills.Index())
            html.Append($"<img src=\"{still}\" alt=\"{what}, {moments[i]} frame\" loading=\"lazy\">");
        html.Append("</div>\n");
    }

    static void Entry(StringBuilder html, string name, string value) => html.Append($"<dt>{name}</dt>\n<dd>{Text(value)}</dd>\n");

    static string Words(PlanShot shot) => $"{ShotWords.Of(shot.Size)} shot"
        + (shot.Angle == CameraAngle.Eye ? "" : $", {shot.Angle.ToString().ToLowerInvariant()}")
        + (shot.Camera == CameraMove.Static ? "" : $", {ShotWords.Of(shot.Camera)}");

    static string How(PlanTransition join) => join.Method switch
    {
        JoinMethod.Continue => "goes on from the shot before",
        JoinMethod.Bridge => "behind a bridge",
        var method => $"{method.ToString().ToLowerInvariant()}",
    };

    static string Seen(PlanShot shot, Dictionary<string, string> people)
    {
        string Names(IEnumerable<string> ids) => string.Join(", ", ids.Select(id => people.GetValueOrDefault(id, id)));
        var parts = new List<string>();
        if (shot.Start.Count > 0) parts.Add($"seen: {Names(shot.Start)}");
        if (shot.End.Except(shot.Start).Any()) parts.Add($"comes: {Names(shot.End.Except(shot.Start))}");
        if (shot.Start.Except(shot.End).Any()) parts.Add($"goes: {Names(shot.Start.Except(shot.End))}");
        return string.Join(" · ", parts);
    }

    static string Seconds(long frames, int rate) => ((double)frames / rate).ToString("0.0", CultureInfo.InvariantCulture) + " s";
}
