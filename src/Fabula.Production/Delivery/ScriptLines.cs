// The lines of the screenplay that a shot was made from, as HTML in a screenplay's layout; from the plan where there is no screenplay.
using System.Text;
using Fabula.Narrative;
using Fabula.Narrative.Fountain;

namespace Fabula.Production.Delivery;

sealed class ScriptLines(Screenplay? screenplay, FilmPlan plan)
{
    /// <summary>Where each shot, and each scene, begins in the source, in order.</summary>
    readonly int[] _marks = [.. plan.Shots.Select(shot => shot.Line ?? 0)
        .Concat(screenplay?.Elements.OfType<SceneHeading>().Select(heading => heading.Line) ?? []).Distinct().Order()];

    public string Of(PlanShot shot, IReadOnlyDictionary<string, string> people)
    {
        var html = new StringBuilder();
        if (shot.Line is > 0 and var line && screenplay is not null)
        {
            var at = Array.BinarySearch(_marks, line);
            var end = at + 1 < _marks.Length ? _marks[at + 1] : int.MaxValue;
            foreach (var element in screenplay.Elements)
                if (element.Line >= line && element.Line < end) Put(html, element);
        }
        if (html.Length == 0) FromPlan(html, shot, people);
        return html.ToString();
    }

    static void Put(StringBuilder html, Element element)
    {
        switch (element)
        {
            case ActionParagraph action: Paragraph(html, "action", action.Text); break;
            case TransitionLine transition: Paragraph(html, "join", transition.Text); break;
            case CentredText centred: Paragraph(html, "centred", centred.Text); break;
            case Lyric lyric: Paragraph(html, "lyric", lyric.Text); break;
            case Speech speech:
                Paragraph(html, "cue", speech.Cue);
                foreach (var said in speech.Lines)
                    if (said.Kind == SpeechKind.Parenthetical) Paragraph(html, "aside", $"({said.Text})");
                    else Paragraph(html, said.Kind == SpeechKind.Lyric ? "said lyric" : "said", said.Text);
                break;
        }
    }

    static void FromPlan(StringBuilder html, PlanShot shot, IReadOnlyDictionary<string, string> people)
    {
        Paragraph(html, "action", shot.Action);
        foreach (var said in shot.Dialogue)
        {
            Paragraph(html, "cue", people.GetValueOrDefault(said.Character, said.Character).ToUpperInvariant());
            if (said.Delivery is not null) Paragraph(html, "aside", $"({said.Delivery})");
            Paragraph(html, said.Sung ? "said lyric" : "said", said.Line);
        }
    }

    static void Paragraph(StringBuilder html, string kind, string text)
    {
        var plain = Markup.Plain(text).Trim();
        if (plain.Length > 0) html.Append($"<p class=\"{kind}\">{Storyboard.Text(plain)}</p>\n");
    }
}
