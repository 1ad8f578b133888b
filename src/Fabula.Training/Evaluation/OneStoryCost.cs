// What OneStory costs: a step with and without context, a choice among a thousand frames, a shot on the disk.
using System.Diagnostics;
using System.Globalization;
using Fabula.Models;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

public static class OneStoryCost
{
    const int Many = 200, Steps = 20, Runs = 9;

    public static EvidenceTable Measure(FilmModel model)
    {
        using var stage = new Stage(JudgeConfig.Width, JudgeConfig.Height);
        using var films = new OneStoryFilms(model, stage);
        var story = OneStoryCase.Draw(0, false, stage);
        var shots = films.Drawn(story);
        // As many files as a film of so many shots has.
        List<string> files = [.. shots.Select((shot, i) => films.Keep(shot, $"{i}"))];
        while (files.Count < Many)
        {
            var copy = Path.Combine(Path.GetDirectoryName(files[0])!, $"{files.Count}.safetensors");
            File.Copy(files[files.Count % shots.Count], copy);
            files.Add(copy);
        }
        films.Recall(story.Prompts[1], [files[0]]);
        var (without, with) = (Step(films, story, null), Step(films, story, films.Recalled));
        return new("Cost", ["", "milliseconds", "of processor time"],
        [
            Line("a step without context", without), Line("a step with context", with),
            ["more, per cent", Number(100 * (with.Clock / without.Clock - 1)), Number(100 * (with.Processor / without.Processor - 1))],
            Line("a choice among 5 latent frames, words and a file read", Median(() => films.Recall(story.Prompts[1], [files[0]]))),
            Line($"a choice among {5 * Many}, words and {Many} files read", Median(() => films.Recall(story.Prompts[1], files))),
        ], [$"Medians of {Runs}, on this machine as it was.",
            $"Memory of a shot of 17 frames on disk: {new FileInfo(files[0]).Length} bytes."]);
    }

    static (double Clock, double Processor) Step(OneStoryFilms films, OneStoryCase story, string? recalled)
    {
        void Make(int steps) => films.Render(story.Prompts[1], 1, [], recalled: recalled, steps: steps);
        var (many, one) = (Median(() => Make(Steps + 1)), Median(() => Make(1)));
        return ((many.Clock - one.Clock) / Steps, (many.Processor - one.Processor) / Steps);
    }

    /// <summary>Of some runs after a first one, in milliseconds.</summary>
    static (double Clock, double Processor) Median(Action work)
    {
        var times = Enumerable.Range(0, Runs + 1).Select(_ =>
        {
            var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            work();
            return (Clock: watch.Elapsed.TotalMilliseconds, Processor: (Environment.CpuUsage.TotalTime - before).TotalMilliseconds);
        }).Skip(1).ToList();
        double Middle(Func<(double Clock, double Processor), double> of) => times.Select(of).Order().ElementAt(Runs / 2);
        return (Middle(time => time.Clock), Middle(time => time.Processor));
    }

    static string[] Line(string what, (double Clock, double Processor) time) => [what, Number(time.Clock), Number(time.Processor)];

    static string Number(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);
}
