using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Fabula.Narrative;
using Fabula.Narrative.Edit;
using Fabula.Production.Delivery;

namespace Fabula.Production.Tests.Delivery;

public class FilmDeliveryTests
{
    [Fact]
    public void A_film_is_H264_at_24_frames_a_second_as_long_as_its_timeline_and_its_EDL()
    {
        using var film = new SmallFilm();
        Assert.DoesNotContain(SmallFilm.Planned().Findings, finding => finding.ToString().StartsWith("error", StringComparison.Ordinal));
        var delivered = FilmDelivery.Write(film.Input(), film.Out, default);
        var stream = Mp4.Stream(Path.Combine(film.Out, "film.mp4"));
        Assert.Equal(("h264", "yuv420p", "24/1", "24/1", 1280, 640), (stream.GetProperty("codec_name").GetString(),
            stream.GetProperty("pix_fmt").GetString(), stream.GetProperty("r_frame_rate").GetString(),
            stream.GetProperty("avg_frame_rate").GetString(), stream.GetProperty("width").GetInt32(),
            stream.GetProperty("height").GetInt32()));
        var frames = Mp4.Frames(Path.Combine(film.Out, "film.mp4"));
        var edl = Regex.Matches(File.ReadAllText(Path.Combine(film.Out, "film.edl")), @"^\d{3} .*? (\S{11}) (\S{11}) (\S{11}) (\S{11})$",
            RegexOptions.Multiline)
            .Select(line => line.Groups.Values.Skip(1).Select(time => Timecode.Read(time.Value, 24)).ToList()).ToList();
        var at = Timecode.OneHour(24);
        foreach (var times in edl)
        {
            Assert.Equal((at, times[1] - times[0]), (times[2], times[3] - times[2]));
            at = times[3];
        }
        Assert.Equal(Timecode.OneHour(24) + frames, at);
        using var otio = JsonDocument.Parse(File.ReadAllText(Path.Combine(film.Out, "film.otio")));
        OtioSchema.Check(otio.RootElement);
        Assert.Equal(frames, OtioSchema.Frames(otio.RootElement));
        foreach (var (path, length) in OtioSchema.Media(otio.RootElement)) Assert.Equal(length, Mp4.Frames(Path.Combine(film.Out, path)));
        Assert.Equal(delivered.Files, Directory.EnumerateFiles(film.Out, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(film.Out, file)).Order(StringComparer.Ordinal));
        Assert.Empty(delivered.Notes);
        XDocument.Parse(File.ReadAllText(Path.Combine(film.Out, "film.fcpxml")).Replace("<!DOCTYPE fcpxml>", ""));
    }

    [Fact]
    public void Repeated_frames_at_a_join_are_dropped_and_dissolves_and_fades_are_where_the_timeline_says()
    {
        using var film = new SmallFilm();
        // Each clip is as bright as its number, and its first frame, where it repeats the clip before, has that one's brightness.
        FilmDelivery.Input Painted(Func<int, byte> level) => film.Input(paint: (clip, frame) => (level(clip), 90, 90));
        var input = Painted(clip => (byte)(30 + 25 * clip));
        FilmDelivery.Write(input, film.Out, default, SmallFilm.Options with { SteadyColour = false });
        var reds = Mp4.LeftReds(Path.Combine(film.Out, "film.mp4"));
        var clips = input.Clips.ToDictionary(clip => clip.ShotId, clip => new ClipFile("x", clip.Frames * 3, clip.DropFirst * 3));
        var plan = input.Plan with
        {
            Film = input.Plan.Film with { Rate = 24, FadeIn = 24, FadeOut = 24 },
            Transitions = [.. input.Plan.Transitions.Select(join => join with { Frames = join.Frames * 3 })],
        };
        var timeline = Timeline.From(plan, clips);
        Assert.Equal(timeline.Frames, reds.Count);
        foreach (var (i, (start, item)) in timeline.Placed().Index())
        {
            var middle = reds[(int)start + item.Frames / 2];
            Assert.InRange(middle, 30 + 25 * i - 4, 30 + 25 * i + 4);
            if (item.BlackBefore > 0) Assert.InRange(reds[(int)start - 1], 0, 3);
            if (item.Dissolve > 0) Assert.InRange(reds[(int)start], 30 + 25 * (i - 1) + 3, 30 + 25 * i - 3);
        }
        Assert.True(reds[0] < 10 && reds[^1] < 12);
    }

    [Fact]
    public void The_same_clips_give_the_same_bytes()
    {
        using var film = new SmallFilm();
        var input = film.Input();
        var first = FilmDelivery.Write(input, film.Out, default, SmallFilm.Options with { BurnIn = true });
        var second = Path.Combine(film.Folder, "again");
        FilmDelivery.Write(input, second, default, SmallFilm.Options with { BurnIn = true });
        Assert.Contains("film-subtitled.mp4", first.Files);
        foreach (var file in first.Files)
            Assert.True(Bytes(film.Out, file).AsSpan().SequenceEqual(Bytes(second, file)), file);
    }

    [Fact]
    public void Burnt_in_subtitles_are_in_the_picture_while_they_are_said()
    {
        using var film = new SmallFilm();
        FilmDelivery.Write(film.Input(), film.Out, default, SmallFilm.Options with { BurnIn = true });
        var (plain, burnt) = (Bytes(film.Out, "film.mp4"), Bytes(film.Out, "film-subtitled.mp4"));
        Assert.Equal(Mp4.Frames(Path.Combine(film.Out, "film.mp4")), Mp4.Frames(Path.Combine(film.Out, "film-subtitled.mp4")));
        Assert.True(burnt.Length > plain.Length * 1.05, $"{plain.Length} and {burnt.Length} bytes: nothing was drawn");
    }

    [Fact]
    public void Subtitles_stay_inside_the_shots_that_say_them()
    {
        using var film = new SmallFilm();
        var input = film.Input();
        FilmDelivery.Write(input, film.Out, default, SmallFilm.Options);
        var times = Regex.Matches(File.ReadAllText(Path.Combine(film.Out, "film.srt")), @"(\d\d):(\d\d):(\d\d),(\d{3})").Select(time =>
            int.Parse(time.Groups[3].Value) + int.Parse(time.Groups[2].Value) * 60 + int.Parse(time.Groups[4].Value) / 1000.0).ToList();
        Assert.Equal(4, times.Count);
        var first = input.Clips[0].Frames / 8.0;
        Assert.True(times[0] >= 0 && times[1] <= first && times[2] >= first && times[3] <= first + input.Clips[1].Frames / 8.0);
        Assert.StartsWith("WEBVTT", File.ReadAllText(Path.Combine(film.Out, "film.vtt")), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_MP4_says_that_a_trained_model_made_it_and_still_plays()
    {
        using var film = new SmallFilm();
        FilmDelivery.Write(film.Input(model: "Pocket <1> & \"two\""), film.Out, default, SmallFilm.Options);
        foreach (var file in Directory.EnumerateFiles(film.Out, "*.mp4", SearchOption.AllDirectories))
        {
            var boxes = Mp4.Boxes(file);
            Assert.Equal("ftyp", boxes[0].Type);
            Assert.Contains(boxes, box => box.Type == "moov");
            var (type, body) = boxes[^1];
            Assert.Equal(("uuid", "BE7ACFCB97A942E89C71999491E3AFAC"), (type, Convert.ToHexString(body.AsSpan(0, 16))));
            var packet = XDocument.Parse(Encoding.UTF8.GetString(body.AsSpan(16)));
            XNamespace iptc = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", dc = "http://purl.org/dc/elements/1.1/";
            Assert.Equal("http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
                Assert.Single(packet.Descendants(iptc + "DigitalSourceType")).Value);
            Assert.Equal("Two Hats", packet.Descendants(dc + "title").Single().Value);
            Assert.True(Mp4.Frames(file) > 0);
        }
    }

    [Fact]
    public void The_provenance_names_model_weights_seeds_prompts_and_plan()
    {
        using var film = new SmallFilm();
        var input = film.Input();
        FilmDelivery.Write(input, film.Out, default, SmallFilm.Options);
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(film.Out, "provenance.json")));
        var root = json.RootElement;
        Assert.Equal(Xmp.DigitalSourceType, root.GetProperty("digitalSourceType").GetString());
        Assert.Equal(input.Model.Digest, root.GetProperty("model").GetProperty("digest").GetString());
        var clips = root.GetProperty("clips").EnumerateArray().ToList();
        Assert.Equal(input.Clips.Select(clip => (clip.ShotId, clip.Seed, clip.Prompt, clip.Digest)), clips.Select(clip => (Text(clip, "id"),
            clip.GetProperty("seed").GetUInt64(), Text(clip, "prompt"), Text(clip, "framesDigest"))));
        Assert.All(clips, clip => Assert.Matches("^[0-9a-f]{64}$", Text(clip, "planDigest")));
        Assert.Equal(Build.Artifact.OfFile(Path.Combine(film.Out, "film.mp4")).Digest.ToString(),
            Text(root.GetProperty("files"), "film.mp4"));

        static string Text(JsonElement json, string field) => json.GetProperty(field).GetString()!;
    }

    [Fact]
    public void An_older_film_is_replaced_and_what_is_not_ours_is_left_alone()
    {
        using var film = new SmallFilm();
        Directory.CreateDirectory(film.Out);
        File.WriteAllText(Path.Combine(film.Out, "film.mp4"), "old");
        File.WriteAllText(Path.Combine(film.Out, "notes.txt"), "mine");
        FilmDelivery.Write(film.Input(), film.Out, default, SmallFilm.Options);
        Assert.Equal("mine", File.ReadAllText(Path.Combine(film.Out, "notes.txt")));
        Assert.True(new FileInfo(Path.Combine(film.Out, "film.mp4")).Length > 1000);
    }

    [Fact]
    public void A_film_that_an_EDL_cannot_hold_is_delivered_without_one_and_says_so()
    {
        using var film = new SmallFilm();
        var plan = SmallFilm.Planned().Plan;
        plan = plan with { Film = plan.Film with { FadeIn = 90 }, Shots = [plan.Shots[0] with { Frames = 201 }, .. plan.Shots.Skip(1)] };
        var delivered = FilmDelivery.Write(film.Input(plan), film.Out, default, SmallFilm.Options);
        Assert.Contains("film.edl was not written", Assert.Single(delivered.Notes), StringComparison.Ordinal);
        Assert.DoesNotContain("film.edl", delivered.Files);
        Assert.Contains("film.otio", delivered.Files);
    }

    [Fact]
    public void A_missing_ffmpeg_and_one_that_fails_are_told_in_their_own_words_and_leave_the_folder_as_it_was()
    {
        using var film = new SmallFilm();
        Directory.CreateDirectory(film.Out);
        var missing = Assert.Throws<DeliveryException>(() => FilmDelivery.Write(film.Input(), film.Out, default,
            SmallFilm.Options with { Ffmpeg = "no-such-ffmpeg" }));
        Assert.Contains("apt-get install ffmpeg", missing.Message, StringComparison.Ordinal);
        var failed = Assert.Throws<DeliveryException>(() =>
            Ffmpeg.Run("ffmpeg", film.Out, ["-i", "none.mp4", "out.mp4"], "out.mp4", null, default));
        Assert.Contains("none.mp4: No such file or directory", failed.Message, StringComparison.Ordinal);
        var refused = Assert.Throws<DeliveryException>(() => Ffmpeg.Run("ffmpeg", film.Out,
            ["-f", "rawvideo", "-i", "pipe:0", "x.mp4"], "x.mp4", Enumerable.Repeat(new byte[1 << 20], 64), default));
        Assert.Contains("ffmpeg could not write x.mp4", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(film.Out));
    }

    [Fact]
    public void A_stopped_delivery_leaves_nothing_behind()
    {
        using var film = new SmallFilm();
        Directory.CreateDirectory(film.Out);
        using var stop = new CancellationTokenSource();
        var input = film.Input();
        Assert.Throws<OperationCanceledException>(() => Ffmpeg.Run("ffmpeg", film.Out, ["-f", "rawvideo", "-video_size", "32x18",
            "-pixel_format", "rgb24", "-i", "pipe:0", "-f", "null", "-"], "x", Endless(), stop.Token));
        Assert.Throws<OperationCanceledException>(() => FilmDelivery.Write(input, film.Out, stop.Token, SmallFilm.Options));
        Assert.Empty(Directory.EnumerateFileSystemEntries(film.Out));

        IEnumerable<byte[]> Endless()
        {
            for (var i = 0; ; i++)
            {
                if (i == 100) stop.Cancel();
                yield return new byte[32 * 18 * 3];
            }
        }
    }

    [Fact]
    public void Clips_of_different_sizes_are_refused_with_their_names()
    {
        using var film = new SmallFilm();
        var input = film.Input();
        var other = input with { Clips = [input.Clips[0], input.Clips[1] with { Width = 64 }, .. input.Clips.Skip(2)] };
        var refused = Assert.Throws<DeliveryException>(() => FilmDelivery.Write(other, film.Out, default, SmallFilm.Options));
        Assert.Contains(input.Clips[1].ShotId, refused.Message, StringComparison.Ordinal);
    }

    static byte[] Bytes(string folder, string file) => File.ReadAllBytes(Path.Combine(folder, file));
}
