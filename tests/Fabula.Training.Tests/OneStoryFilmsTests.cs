using Fabula.Models;
using Fabula.Training.Evaluation;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

/// <summary>Benchmark cases that the shipped model films.</summary>
public sealed class OneStoryFilmsTests
{
    [Fact]
    public void A_place_whose_empty_picture_is_given_once_returns_where_a_shot_of_it_is_remembered() => OnTorch.Run(() =>
    {
        const int Width = JudgeConfig.Width, Height = JudgeConfig.Height;
        var pocket = Path.Combine(Repository.Root, "models", "pocket");
        using var stage = new Stage(Width, Height);
        using var model = FilmModel.Open(pocket);
        using var matte = PersonMatte.Open(pocket);
        // Its fifth shot is where the first two were; the two between are elsewhere.
        var story = OneStoryCase.Draw(0, fromImage: false, stage, shots: 5);
        Assert.Equal([0, 0, 1, 2, 0], story.Story.Shots.Select(shot => shot.Place));
        using var films = new OneStoryFilms(model, stage, Plates.First, matte.Of);
        var empty = stage.Draw(story.Story.Shots[4].Spec.Plate, 0).Frames;
        // The middle of pixels, so that whoever stands there does not count.
        double Away(MemoryWay way) => films.Make(story, way, seed: 0)[4][8].Zip(empty, (a, b) => Math.Abs(a - b)).Order()
            .ElementAt(empty.Length / 2);

        var (chosen, last) = (Away(MemoryWay.OneStory), Away(MemoryWay.LastFrame));
        Assert.True(chosen <= 8, $"{chosen} levels from the place");
        Assert.True(last >= 2 * chosen + 4, $"{last} levels with the last frame alone, {chosen} with what is chosen");
    });
}
