using Fabula.Narrative;
using Fabula.Training.Evaluation;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

/// <summary>The cases of OneStory's benchmark: what they share, and that they are the same every time.</summary>
public sealed class OneStoryBenchmarkTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("fabula-cases-").FullName;
    readonly Stage _stage = new(224, 128);

    public void Dispose()
    {
        _stage.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Cases_are_of_held_out_people_in_the_three_patterns_and_only_refer_to_whom_they_have_shown()
    {
        foreach (var number in Enumerable.Range(0, 6))
        {
            var story = OneStoryCase.Draw(number, fromImage: false, _stage);
            var shots = story.Story.Shots;
            Assert.Equal(((StoryPattern)(number % 3), 6, 6), (story.Story.Pattern, shots.Count, story.Prompts.Count));
            Assert.All(story.Story.People, person => Assert.True(person.HeldOut));
            Assert.All(shots, shot => Assert.Equal(PaperTheatre.CameraMove.Static, shot.Spec.Camera));
            // A name is given where looks are.
            Assert.Contains(" is ", story.Prompts[0]);
            if (story.Story.Pattern == StoryPattern.InsertAndRecall)
            {
                Assert.Empty(shots[2].Cast.Intersect(shots[0].Cast));
                Assert.Equal((shots[2].Place, shots[2].Cast), (shots[4].Place, shots[4].Cast));
                Assert.Equal([0], shots[5].Cast);
            }
            if (story.Story.Pattern == StoryPattern.ApartThenTogether) Assert.Equal([0, 1], shots[^1].Cast);
            Assert.Contains("same", story.Prompts[^1] + story.Prompts[3]);
        }
        Assert.NotEqual(OneStoryCase.Draw(1, false, _stage).Prompts, OneStoryCase.Draw(1, true, _stage).Prompts);
    }

    [Fact]
    public void A_case_as_data_is_a_story_that_the_product_reads_and_always_the_same()
    {
        var story = OneStoryCase.Draw(1, fromImage: true, _stage);
        story.Write(_folder, _stage);
        var root = Path.Combine(_folder, story.Name);
        var read = StoryMem.Read(File.ReadAllText(Path.Combine(root, "story.json")));
        Assert.Equal(story.Prompts, read.Scenes[0].Prompts);
        Assert.Equal(["first.png", "story.json", "truth.json"], Directory.EnumerateFiles(root).Select(Path.GetFileName).Order());
        var truth = File.ReadAllText(Path.Combine(root, "truth.json"));
        Assert.Contains("\"shares_people_with\"", truth);
        OneStoryCase.Draw(1, fromImage: true, _stage).Write(_folder, _stage);
        Assert.Equal(truth, File.ReadAllText(Path.Combine(root, "truth.json")));
    }
}
