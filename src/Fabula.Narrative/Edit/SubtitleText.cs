// SubRip (.srt) and WebVTT (.vtt, https://www.w3.org/TR/webvtt1/).
using System.Text;

namespace Fabula.Narrative.Edit;

public static class SubtitleText
{
    public static string Srt(Timeline timeline)
    {
        var text = new StringBuilder();
        foreach (var (i, subtitle) in timeline.Subtitles.Index())
            text.Append($"{i + 1}\n{Time(subtitle.Start, timeline.Rate, ',')} --> {Time(subtitle.End, timeline.Rate, ',')}\n")
                .Append(Lines(subtitle.Text)).Append("\n\n");
        return text.ToString();
    }

    /// <summary>With the speaker as a voice span, so that a player can colour them.</summary>
    public static string WebVtt(Timeline timeline)
    {
        var text = new StringBuilder("WEBVTT\n\n");
        foreach (var (i, subtitle) in timeline.Subtitles.Index())
        {
            text.Append($"{i + 1}\n{Time(subtitle.Start, timeline.Rate, '.')} --> {Time(subtitle.End, timeline.Rate, '.')}\n");
            if (subtitle.Speaker is not null) text.Append($"<v {Escaped(subtitle.Speaker).ReplaceLineEndings(" ")}>");
            text.Append(Escaped(Lines(subtitle.Text))).Append("\n\n");
        }
        return text.ToString();
    }

    /// <summary>HH:MM:SS,mmm. A start or end is rounded up, so that it never falls into the frame before its own.</summary>
    static string Time(long frame, int rate, char mark)
    {
        var milliseconds = (frame * 1000 + rate - 1) / rate;
        var seconds = milliseconds / 1000;
        return $"{seconds / 3600:00}:{seconds / 60 % 60:00}:{seconds % 60:00}{mark}{milliseconds % 1000:000}";
    }

    /// <summary>No blank line may stand in a subtitle, since it would end it; an arrow would begin another.</summary>
    static string Lines(string text) =>
        string.Join('\n', text.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .Replace("-->", "->", StringComparison.Ordinal);

    static string Escaped(string text) => text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");
}
