// CMX 3600 edit decision list: one event a line, in non-drop timecode; dissolves as pairs of lines with one event number, fades as
// dissolves from and to BL (black). The record side has no gap and no overlap, and its last out is the film's length.
using System.Text;

namespace Fabula.Narrative.Edit;

public static class Edl
{
    /// <summary>The list holds at most 999 events.</summary>
    public const int MaxEvents = 999;

    /// <summary>The most frames that a dissolve can have.</summary>
    public const int MaxDissolve = 255;

    /// <exception cref="NarrativeException">The film has more events, or a longer dissolve, than the form can hold.</exception>
    public static string Write(Timeline timeline)
    {
        var title = new string([.. timeline.Title.Where(letter => !char.IsControl(letter)).Take(70)]);
        var text = new StringBuilder($"TITLE: {title}\nFCM: NON-DROP FRAME\n\n");
        var reels = Reels(timeline);
        var number = 0;
        TimelineItem? before = null;
        foreach (var (i, (start, item)) in timeline.Placed().Index())
        {
            var record = Timecode.OneHour(timeline.Rate) + start;
            if (item.BlackBefore > 0) Event("BL", 0, item.BlackBefore, record - item.BlackBefore);
            // A dissolve is written where it begins, which is before the cut: those frames are taken from the event before.
            var early = i + 1 < timeline.Items.Count ? timeline.Items[i + 1].Lead : 0;
            var (source, at, frames) = (item.In - item.Lead, record - item.Lead, item.Frames + item.Lead - early - item.FadeOut);
            if (item.Dissolve > 0) Dissolve(reels[before!.Path], before.In + before.Frames - item.Lead, reels[item.Path], item.Dissolve);
            else if (item.FadeIn > 0) Dissolve("BL", 0, reels[item.Path], item.FadeIn);
            else Event(reels[item.Path], source, frames, at);
            text.Append($"* FROM CLIP NAME: {item.Id}\n* SOURCE FILE: {item.Path}\n");
            if (item.FadeOut > 0)
            {
                (var from, source, at, frames) = (source + frames, 0, at + frames, item.FadeOut);
                Dissolve(reels[item.Path], from, "BL", item.FadeOut);
            }
            before = item;

            void Dissolve(string fromReel, long from, string toReel, int length)
            {
                if (length > MaxDissolve)
                    throw new NarrativeException(
                        $"The dissolve or fade at '{item.Id}' has {length} frames, and an EDL can say {MaxDissolve}. "
                        + "Make it shorter in the plan, or use film.otio.");
                Line(++number, fromReel, "C", from, 0, at);
                Line(number, toReel, $"D    {length:000}", source, frames, at);
            }
        }
        return number <= MaxEvents ? text.ToString()
            : throw new NarrativeException(
                $"The film has {number} events, and an EDL holds {MaxEvents}. Use film.otio, which has no limit.");

        void Event(string reel, long source, long frames, long record) => Line(++number, reel, "C", source, frames, record);

        void Line(int n, string reel, string how, long source, long frames, long record) => text.Append(
            $"{n:000}  {reel,-8} V     {how,-8} {At(source)} {At(source + frames)} {At(record)} {At(record + frames)}\n");

        string At(long frame) => Timecode.Write(frame, timeline.Rate);
    }

    /// <summary>A reel name for each file: at most 8 capitals and digits, taken from the clip's id, and no two alike.</summary>
    static Dictionary<string, string> Reels(Timeline timeline)
    {
        var (reels, taken) = (new Dictionary<string, string>(), new HashSet<string> { "BL", "AX" });
        foreach (var item in timeline.Items)
        {
            if (reels.ContainsKey(item.Path)) continue;
            var letters = new string([.. item.Id.ToUpperInvariant().Where(char.IsAsciiLetterOrDigit).Take(8)]);
            var reel = letters.Length == 0 ? "CLIP" : letters;
            for (var n = 2; !taken.Add(reel); n++)
            {
                var tail = $"{n}";
                reel = letters[..Math.Min(letters.Length, 8 - tail.Length)] + tail;
            }
            reels.Add(item.Path, reel);
        }
        return reels;
    }
}
