using Fabula.Models;

namespace Fabula.Production.Tests;

/// <summary>Shots that go on from the last frames of the shot before (StoryMem, MM2V).</summary>
public class MotionTests(TinyFilmModel tiny) : IClassFixture<TinyFilmModel>
{
    const int Motion = 5;

    static ClipSettings Clip(int frames, int part, int motion) =>
        new("x", "", "", 48, 32, frames, part, 1, 1, 1, 1, 5, 1, [], Motion: motion);

    [Theory]
    [InlineData(17, 81, 0, new[] { 17 }, 17)]
    [InlineData(17, 81, 5, new[] { 21 }, 17)]
    [InlineData(81, 81, 5, new[] { 81 }, 77)]                                   // as StoryMem: no pass of its own for four frames
    [InlineData(81, 81, 0, new[] { 81 }, 81)]
    [InlineData(25, 17, 0, new[] { 17, 9 }, 25)]
    [InlineData(25, 17, 5, new[] { 17, 17 }, 25)]
    public void Passes_repeat_what_they_go_on_from_and_add_up(int frames, int part, int motion, int[] passes, int length)
    {
        var clip = Clip(frames, part, motion);
        Assert.Equal(passes, clip.Parts().Select(pass => pass.Frames));
        Assert.Equal(length, passes.Sum() - (passes.Length - 1) * clip.Repeated - (clip.Repeated - 1));
        Assert.All(passes, pass => Assert.Equal(1, pass % 4));
        Assert.Equal(motion > 0, clip.Canonical().Canonical.Contains("Motion\"", StringComparison.Ordinal));
    }

    [Theory, InlineData(null), InlineData(Narrative.FilmMethod.StoryMem)]
    public async Task A_shot_without_a_cut_begins_with_one_frame_of_the_shot_before_and_the_film_drops_it(Narrative.FilmMethod? method)
    {
        using var production = new SmallProduction();
        var facts = new StandInRenderer().Facts with { MotionFrames = Motion };
        using var film = production.Open(new(StandInRenderer.Name, Method: method), _ => new StandInRenderer { Facts = facts });
        var (before, shot) = film.Plan.Shots.Zip(film.Plan.Shots.Skip(1)).First(pair => !pair.Second.Cut);
        Assert.Equal(Motion, ClipSettings.Of(film.Graph![FilmGraph.Clip(shot.Id)]).Motion);
        Assert.All(film.Plan.Shots.Where(other => other.Cut), other =>
            Assert.Equal(0, ClipSettings.Of(film.Graph![FilmGraph.Clip(other.Id)]).Motion));
        var made = await film.Told();
        Assert.True(made.Succeeded);
        using var folder = Fabula.Build.BuildFolder.OpenToRead(film.Build);
        List<byte[]> Frames(string id)
        {
            using var file = FramesFile.Open(folder.Store.PathOf(made.End.Results.Find(FilmGraph.Clip(id))!.Value));
            return [.. file.Read()];
        }
        var (earlier, later) = (Frames(before.Id), Frames(shot.Id));
        Assert.Equal(shot.Frames, later.Count);
        Assert.Equal(earlier[^1], later[0]);
        Assert.DoesNotContain(later.Skip(1), frame => earlier.Any(known => known.AsSpan().SequenceEqual(frame)));
    }

    [Fact]
    public void A_model_that_was_taught_it_takes_motion_and_others_say_that_they_do_not()
    {
        var film = Path.Combine(tiny.Root, "film.json");
        var text = File.ReadAllText(film);
        var folder = Directory.CreateTempSubdirectory("fabula-motion-").FullName;
        Picture Grey(int level) => new([.. Enumerable.Repeat((byte)level, 48 * 32 * 3)], 48, 32);
        byte[] Render(int count, int bright)
        {
            using var model = FilmModel.Open(tiny.Root, threads: 1);
            var request = new ShotRequest
            {
                Prompt = "the cat",
                Frames = 9,
                Width = 48,
                Height = 32,
                Seed = 3,
                Steps = 2,
                Guidance = 1,
                Shift = 3,
                Motion = [.. Enumerable.Range(0, count).Select(i => Grey(bright + 10 * i))],
            };
            return [.. model.Render(request, new(folder, _ => null, (_, _) => { }, (_, _) => { }), CancellationToken.None)
                .SelectMany(frame => frame)];
        }
        Assert.Contains("0 frames of motion", Assert.Throws<ArgumentException>(() => Render(Motion, 10)).Message);
        File.WriteAllText(film, text.Replace("\"frames\":5", "\"frames\":17,\"motion_frames\":5"));
        Assert.Equal(9 * 48 * 32 * 3, Render(Motion, 10).Length);
        Assert.NotEqual(Render(Motion, 10), Render(Motion, 90));
        Assert.NotEqual(Render(Motion, 10), Render(0, 0));
        Assert.Contains("not with 4", Assert.Throws<ArgumentException>(() => Render(4, 10)).Message);
        File.WriteAllText(film, text.Replace("\"frames\":5", "\"frames\":17,\"motion_frames\":6"));
        Assert.Contains("motion_frames", Assert.Throws<Fabula.Torch.CheckpointException>(() => Render(0, 0)).Message);
        File.WriteAllText(film, text);
        Directory.Delete(folder, recursive: true);
    }
}
