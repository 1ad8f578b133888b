using System.Text.RegularExpressions;
using Fabula.Narrative;
using Fabula.Narrative.Fountain;
using Fabula.Production.Delivery;

namespace Fabula.Production.Tests.Delivery;

public class StoryboardTests
{
    const string Hostile = "</script><script>alert(1)</script> \"quoted\" 'it' \n../../etc "
        + "%s %d $(touch x) ; [in]scale=1:1,drawtext=text=a\\:b\u0007 -->";

    [Fact]
    public void The_page_holds_script_pictures_and_what_each_shot_was_made_from()
    {
        using var film = new SmallFilm();
        var input = film.Input();
        FilmDelivery.Write(input, film.Out, default, SmallFilm.Options);
        var page = File.ReadAllText(Path.Combine(film.Out, "storyboard.html"));
        foreach (var clip in input.Clips)
        {
            Assert.Contains(Storyboard.Text(clip.Prompt), page, StringComparison.Ordinal);
            Assert.Contains($"<dd>{clip.Seed}</dd>", page, StringComparison.Ordinal);
        }
        Assert.Contains("<p class=\"said\">Where is my hat?</p>", page, StringComparison.Ordinal);
        Assert.Contains("<p class=\"aside\">(happily)</p>", page, StringComparison.Ordinal);
        Assert.Equal(3 * input.Clips.Count, Regex.Count(page, "src=\"data:image/jpeg;base64,/9j/"));
        Assert.Matches("<a href=\"#shot-1\">", page);
        Assert.DoesNotMatch("https?://|<script|<link", page);
    }

    [Fact]
    public void A_shot_that_recalls_frames_shows_them_with_their_relevance_and_share()
    {
        using var film = new SmallFilm();
        var input = film.Input();
        var (first, last) = (input.Clips[0], input.Clips[^1]);
        var clips = input.Clips.ToList();
        clips[^1] = last with { Recalled = [new(first.ShotId, 6, 0.83, 0.7), new(first.ShotId, 0, -0.1, 0.3)] };
        FilmDelivery.Write(input with { Clips = clips }, film.Out, default, SmallFilm.Options);
        var page = File.ReadAllText(Path.Combine(film.Out, "storyboard.html"));
        Assert.Contains("shot 1, frame 6: relevance 0.83, 70 % of the tokens", page);
        Assert.Contains("shot 1, frame 0: relevance -0.10, 30 % of the tokens", page);
        Assert.Equal(3 * clips.Count + 2, Regex.Count(page, "src=\"data:image/jpeg;base64,/9j/"));
        Assert.Matches("\"recalled\": \\[\\s*\\{\\s*\"shot\"", File.ReadAllText(Path.Combine(film.Out, "provenance.json")));
    }

    [Fact]
    public void Hostile_names_and_prompts_stay_text_and_stay_in_the_folder()
    {
        using var film = new SmallFilm();
        var planned = SmallFilm.Planned().Plan;
        var plan = planned with
        {
            Film = planned.Film with { Title = Hostile, Logline = Hostile },
            Characters = [.. planned.Characters.Select(person => person with { Name = Hostile })],
            Scenes = [.. planned.Scenes.Select(scene => scene with { Heading = Hostile, Overview = Hostile })],
            Shots = [.. planned.Shots.Select(shot => shot with
            {
                Action = Hostile, Prompt = Hostile, Keyframe = Hostile + ".", Line = null,
                Dialogue = [.. shot.Dialogue.Select(said => said with { Line = Hostile, Delivery = Hostile })],
            })],
        };
        var id = "../../-i file:x%03d\n';:,[a]";
        var old = plan.Shots[0].Id;
        plan = plan with
        {
            Shots = [plan.Shots[0] with { Id = id }, .. plan.Shots.Skip(1)],
            Transitions = [.. plan.Transitions.Select(join => join.From == old ? join with { From = id } : join)],
        };
        var delivered = FilmDelivery.Write(film.Input(plan, model: Hostile), film.Out, default, SmallFilm.Options with { BurnIn = true });
        Assert.All(delivered.Files, file => Assert.Matches("^(clips/)?[a-z0-9][a-z0-9_-]*\\.[a-z0-9]+$", file));
        Assert.Equal([film.Out], Directory.EnumerateDirectories(film.Folder));
        Assert.All(Directory.EnumerateFiles(film.Folder), file => Assert.EndsWith(".frames", file, StringComparison.Ordinal));
        var page = File.ReadAllText(Path.Combine(film.Out, "storyboard.html"));
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.DoesNotContain('\u0007', page);
        Assert.Contains("&lt;/script&gt;&lt;script&gt;alert(1)", page, StringComparison.Ordinal);
        Assert.True(Mp4.Frames(Path.Combine(film.Out, "film.mp4")) > 0);
    }

    [Fact]
    public void Drift_at_a_join_is_taken_back_and_a_different_picture_is_left_alone()
    {
        using var film = new SmallFilm();
        // The second clip goes on from the first, 12 levels too bright; the bridge's picture is quite another.
        var input = film.Input(paint: (clip, frame) => clip switch { 0 => (80, 80, 80), 1 => (92, 92, 92), _ => (200, 30, 30) });
        var joins = FilmDelivery.Write(input, film.Out, default, SmallFilm.Options).Joins;
        Assert.Equal([true, false, false], joins.Select(join => join.Steadied));
        Assert.Equal(12, joins[0].After.Mean[0] - joins[0].Before.Mean[0], 1);
        var reds = Mp4.LeftReds(Path.Combine(film.Out, "film.mp4"));
        var cut = input.Clips[0].Frames * 3;
        Assert.InRange(Math.Abs(reds[cut] - reds[cut - 1]), 0, 2);
        Assert.InRange(reds[cut + 47], 88, 95);
        Assert.All(Enumerable.Range(cut, 40), at => Assert.InRange(Math.Abs(reds[at + 1] - reds[at]), 0, 2.5));
    }

    [Theory]
    [InlineData("moving.webp", "RIFF")]
    [InlineData("moving.gif", "GIF8")]
    public void A_moving_picture_is_made_of_a_part_of_the_film(string name, string begins)
    {
        using var film = new SmallFilm();
        FilmDelivery.Write(film.Input(), film.Out, default, SmallFilm.Options);
        var picture = Path.Combine(film.Folder, "it's; a %d [picture]", name);
        Directory.CreateDirectory(Path.GetDirectoryName(picture)!);
        MovingPicture.Write(Path.Combine(film.Out, "film.mp4"), picture, new(Width: 160, Seconds: 2), default);
        var first = File.ReadAllBytes(picture);
        Assert.Equal(begins, System.Text.Encoding.ASCII.GetString(first, 0, 4));
        MovingPicture.Write(Path.Combine(film.Out, "film.mp4"), picture, new(Width: 160, Seconds: 2), default);
        Assert.True(first.AsSpan().SequenceEqual(File.ReadAllBytes(picture)));
        Assert.Equal([picture], Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(picture)!));
        Assert.Throws<DeliveryException>(() => MovingPicture.Write(picture, Path.ChangeExtension(picture, ".avi"), new(), default));
    }
}
