using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Fabula.Narrative.Edit;
using FsCheck;
using FsCheck.Fluent;

namespace Fabula.Narrative.Tests;

public class EditTests
{
    static readonly int[] Rates = [16, 24, 25, 30];

    [Fact]
    public void A_timecode_reads_back_as_the_frame_that_it_was_written_for() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Gen.Choose(0, 24 * 3600 * 16 - 1).ToArbitrary(), Gen.Elements(Rates).ToArbitrary(),
            (frame, rate) => Timecode.Read(Timecode.Write(frame, rate), rate) == frame));

    [Fact]
    public void Timecodes_of_one_rate_stand_in_the_order_of_their_frames() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Gen.Choose(0, 1_000_000).ToArbitrary(), Gen.Choose(1, 100_000).ToArbitrary(),
            Gen.Elements(Rates).ToArbitrary(),
            (frame, more, rate) => string.CompareOrdinal(Timecode.Write(frame, rate), Timecode.Write(frame + more, rate)) < 0));

    [Theory]
    [InlineData(0, 24, "00:00:00:00")]
    [InlineData(23, 24, "00:00:00:23")]
    [InlineData(24, 24, "00:00:01:00")]
    [InlineData(16 * 3600, 16, "01:00:00:00")]
    [InlineData(30 * 86400, 30, "00:00:00:00")]
    public void Frames_carry_into_seconds_minutes_and_hours(long frame, int rate, string timecode) =>
        Assert.Equal(timecode, Timecode.Write(frame, rate));

    [Theory]
    [InlineData("00:00:00:24")]
    [InlineData("00:60:00:00")]
    [InlineData("0:00:00:00")]
    [InlineData("00:00:00;00")]
    public void What_is_no_timecode_is_refused(string timecode) => Assert.Throws<FormatException>(() => Timecode.Read(timecode, 24));

    /// <summary>The sample's plan with random joins, and a clip for everything that it needs.</summary>
    static Timeline Edit(FilmPlan plan, int seed)
    {
        var random = new Random(seed);
        var joins = plan.Transitions.Select(join => join with
        {
            Method = (JoinMethod)random.Next(5),
            Frames = random.Next(1, 17),
            Prompt = "They walk.",
        }).ToList();
        plan = plan with
        {
            Film = plan.Film with { Rate = Rates[random.Next(4)], FadeIn = random.Next(20), FadeOut = random.Next(20) },
            Transitions = joins,
        };
        var clips = plan.Shots.Select(shot => shot.Id).Concat(plan.Transitions.Select(join => join.Id))
            .ToDictionary(id => id, id => new ClipFile($"out/clips/{id}.mp4", 4 * random.Next(15, 40) + 1));
        return Timeline.From(plan, clips);
    }

    static Timeline Sample()
    {
        var plan = PlannerTests.Sample;
        var clips = plan.Shots.Select(shot => (shot.Id, shot.Frames)).Concat(plan.Transitions.Select(join => (join.Id, join.Frames)))
            .ToDictionary(clip => clip.Id, clip => new ClipFile($"out/clips/{clip.Id}.mp4", clip.Frames));
        return Timeline.From(plan, clips);
    }

    [Fact]
    public void The_samples_edit_is_what_an_editor_should_see()
    {
        var timeline = Sample();
        Snapshot.Match(Edl.Write(timeline), "lighthouse.edl");
        Snapshot.Match(Otio.Write(timeline), "lighthouse.otio");
        Snapshot.Match(FcpXml.Write(timeline), "lighthouse.fcpxml");
        Snapshot.Match(SubtitleText.Srt(timeline), "lighthouse.srt");
        Snapshot.Match(SubtitleText.WebVtt(timeline), "lighthouse.vtt");
    }

    [Fact]
    public void An_EDL_has_no_gap_on_the_record_side_and_ends_with_the_film()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var timeline = Edit(PlannerTests.Sample, seed);
            var record = Timecode.OneHour(timeline.Rate);
            foreach (Match line in Regex.Matches(Edl.Write(timeline), @"^(\d{3})  (.{8}) V     (.{8}) (\S{11}) (\S{11}) (\S{11}) (\S{11})$",
                RegexOptions.Multiline))
            {
                var times = Enumerable.Range(4, 4).Select(group => Timecode.Read(line.Groups[group].Value, timeline.Rate)).ToList();
                Assert.Equal(record, times[2]);
                Assert.Equal(times[1] - times[0], times[3] - times[2]);
                Assert.Matches("^[A-Z0-9]{1,8} *$", line.Groups[2].Value);
                record = times[3];
            }
            Assert.Equal(Timecode.OneHour(timeline.Rate) + timeline.Frames, record);
        }
    }

    [Fact]
    public void Clips_never_use_frames_that_their_files_do_not_have()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var items = Edit(PlannerTests.Sample, seed).Items;
            foreach (var (i, item) in items.Index())
            {
                Assert.True(item.Frames > 0 && item.In - item.Lead >= 0);
                var tail = i + 1 < items.Count ? items[i + 1].Tail : 0;
                Assert.True(item.In + item.Frames + tail <= item.FileFrames);
                Assert.True(item.FadeIn + item.FadeOut <= item.Frames);
            }
        }
    }

    [Fact]
    public void Subtitles_stay_inside_their_shots_and_follow_each_other()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var timeline = Edit(PlannerTests.Sample, seed);
            var last = 0L;
            foreach (var subtitle in timeline.Subtitles)
            {
                Assert.True(subtitle.Start >= last && subtitle.End > subtitle.Start);
                Assert.Contains(timeline.Placed(), item => item.Start <= subtitle.Start && subtitle.End <= item.Start + item.Item.Frames);
                last = subtitle.End;
            }
            Assert.Equal(3, timeline.Subtitles.Count);
        }
    }

    [Fact]
    public void An_OTIO_holds_the_published_schemas_and_its_clips_add_up_to_the_film()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var timeline = Edit(PlannerTests.Sample, seed);
            using var json = JsonDocument.Parse(Otio.Write(timeline));
            var track = json.RootElement.GetProperty("tracks").GetProperty("children")[0];
            Assert.Equal(("Timeline.1", "Stack.1", "Track.1"),
                (Schema(json.RootElement), Schema(json.RootElement.GetProperty("tracks")), Schema(track)));
            var (frames, before) = (0.0, "");
            foreach (var child in track.GetProperty("children").EnumerateArray())
            {
                var schema = Schema(child);
                Assert.Contains(schema, new[] { "Clip.2", "Gap.1", "Transition.1" });
                Assert.False(schema == "Transition.1" && before == "Transition.1", "two transitions lie side by side");
                if (schema != "Transition.1") frames += child.GetProperty("source_range").GetProperty("duration").GetProperty("value")
                    .GetDouble();
                before = schema;
            }
            Assert.Equal(timeline.Frames, frames);
        }

        static string Schema(JsonElement element) => element.GetProperty("OTIO_SCHEMA").GetString()!;
    }

    [Fact]
    public void An_FCPXML_is_well_formed_and_its_spine_is_as_long_as_the_film()
    {
        var timeline = Edit(PlannerTests.Sample, 3);
        var xml = XDocument.Parse(FcpXml.Write(timeline with { Title = "A & B \u0001 <x>" }));
        var assets = xml.Descendants("asset").Select(asset => (string)asset.Attribute("id")!).ToHashSet();
        var at = (decimal)3600;
        foreach (var item in xml.Descendants("spine").Elements().Where(item => item.Name != "transition"))
        {
            Assert.Equal(at, Seconds(item.Attribute("offset")!), 6);
            at += Seconds(item.Attribute("duration")!);
            if (item.Name == "asset-clip") Assert.Contains((string)item.Attribute("ref")!, assets);
        }
        Assert.Equal(3600 + (decimal)timeline.Frames / timeline.Rate, at, 6);

        static decimal Seconds(XAttribute time)
        {
            var parts = time.Value.TrimEnd('s').Split('/');
            return decimal.Parse(parts[0]) / (parts.Length > 1 ? decimal.Parse(parts[1]) : 1);
        }
    }

    [Fact]
    public void A_clip_that_goes_on_drops_the_frame_that_it_repeats()
    {
        var plan = PlannerTests.Sample;
        var index = plan.Transitions.ToList().FindIndex(join => join.Method == JoinMethod.Continue);
        Assert.Equal(1, Sample().Items.First(item => item.Id == plan.Transitions[index].To).In);
    }

    [Fact]
    public void A_missing_clip_and_a_dissolve_too_long_are_refused_by_name()
    {
        var plan = PlannerTests.Sample;
        Assert.Contains(plan.Shots[0].Id, Assert.Throws<NarrativeException>(() => Timeline.From(plan, new Dictionary<string, ClipFile>()))
            .Message);
        var clips = plan.Shots.Select(shot => shot.Id).Concat(plan.Transitions.Select(join => join.Id))
            .ToDictionary(id => id, id => new ClipFile(id, 9));
        var error = Assert.Throws<NarrativeException>(() => Timeline.From(plan, clips)).Message;
        Assert.Contains("dissolve", error);
    }
}
