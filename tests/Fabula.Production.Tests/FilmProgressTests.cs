// What a run's news say of how far the film is.
using Fabula.Build;

namespace Fabula.Production.Tests;

public class FilmProgressTests
{
    [Fact]
    public async Task The_first_clip_bounds_the_time_left_and_the_second_measures_it()
    {
        using var production = new SmallProduction();
        var progress = new FilmProgress();
        var rendered = 0;
        foreach (var news in (await production.Make()).Events)
        {
            progress.See(news);
            if (news is StepFinished { Step.Recipe.Name: "clip" }) rendered++;
            if (progress.Done == progress.Total) continue;
            Assert.Equal(rendered > 0, progress.SecondsLeft is not null);
            Assert.Equal(rendered == 1, progress.IsAtMost);
        }
        Assert.Equal((5, 5), (progress.Shots, progress.ShotsDone));
        Assert.Equal(progress.Total, progress.Done);
    }
}
