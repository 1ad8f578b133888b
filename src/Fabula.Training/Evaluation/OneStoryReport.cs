// The benchmark's tables as text: the nine columns for each way to remember, how alike a character stays with the distance of two shots,
// what the selector chooses, and what all of it costs. Every number has its 95 % interval or says of how many it is made.
using System.Diagnostics;
using System.Globalization;
using Fabula.Models;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <param name="cases">How many of each kind; the paper has 64.</param>
/// <param name="shots">Shots of a case; the paper has 6.</param>
/// <param name="plates">The empty place is given for every shot, and people are laid on it as remembered frames show them.</param>
public sealed class OneStoryReport(int cases, int shots, bool plates, Action<string> say) : IDisposable
{
    readonly Stage _stage = new(JudgeConfig.Width, JudgeConfig.Height);

    IEnumerable<OneStoryCase> Cases(bool fromImage) =>
        Enumerable.Range(0, cases).Select(i => OneStoryCase.Draw(i, fromImage, _stage, shots));

    /// <summary>Writes all cases as data.</summary>
    public void Write(string folder)
    {
        foreach (var story in Cases(false).Concat(Cases(true))) story.Write(folder, _stage);
        say($"{2 * cases} cases of {shots} shots in {folder}");
    }

    /// <summary>Nine columns, one row for each model and way, with the drawn shots above as the best that can be.</summary>
    public void Columns(IReadOnlyList<(string Name, FilmModel Model)> models, IReadOnlyList<MemoryWay> ways, Judge judge)
    {
        foreach (var fromImage in new[] { false, true })
        {
            say($"\n### {(fromImage ? "From a first picture and words" : "From words")}, {cases} cases of {shots} shots"
                + (plates ? ", the empty place given, and remembered people laid on it\n" : "\n"));
            say("| | characters | environment | mean | words | subject | background | mean | sharpness | moves |\n"
                + "|---|---|---|---|---|---|---|---|---|---|");
            var stories = Cases(fromImage).ToList();
            using var films = new OneStoryFilms(models[0].Model, _stage);
            var drawn = stories.Select(films.Drawn).ToList();
            var distances = new List<string>();
            Row("drawn", [.. stories.Zip(drawn, (story, truth) => OneStoryMarks.Of(story, truth, truth, judge))], distances);
            foreach (var (name, model) in models)
                foreach (var way in ways)
                {
                    if (way == MemoryWay.OneStory && !model.Facts.Modes.HasFlag(FilmModes.Story)) continue;
                    using var matte = plates ? PersonMatte.Open(model.Folder) : null;
                    using var making = new OneStoryFilms(model, _stage, matte is null ? null : matte.Of);
                    Row($"{name}, {way}", [.. stories.Select((story, i) =>
                        OneStoryMarks.Of(story, making.Make(story, way, (ulong)(1000 * i)), drawn[i], judge))], distances);
                }
            say($"\nHow alike the same character is, by how many shots two shots are apart:\n\n| | "
                + string.Join(" | ", Enumerable.Range(1, shots - 1)) + " |\n|---"
                + string.Concat(Enumerable.Repeat("|---", shots - 1)) + "|");
            foreach (var line in distances) say(line);
        }
        say("\nPocket features (the judge's), not the paper's judges: see src/Fabula.Training/Evaluation/OneStoryMarks.cs.");
    }

    void Row(string name, IReadOnlyList<OneStoryMarks> all, List<string> distances)
    {
        Interval Of(Func<OneStoryMarks, IEnumerable<double>> column) => Interval.OfMean([.. all.SelectMany(column)]);
        var (people, places) = (Of(marks => marks.ByDistance.Select(pair => pair.Alike)), Of(marks => marks.Environment));
        var (subject, background) = (Of(marks => marks.Subject), Of(marks => marks.Background));
        say($"| {name} | {Text(people)} | {Text(places)} | {Number((people.Mean + places.Mean) / 2)} | {Text(Of(marks => marks.Words))} | "
            + $"{Text(subject)} | {Text(background)} | {Number((subject.Mean + background.Mean) / 2)} | "
            + $"{Text(Of(marks => marks.Sharpness))} | {Text(Of(marks => marks.Moves))} |");
        say($"| {name}: other people, other places | {Text(Of(marks => marks.OtherPeople))} | {Text(Of(marks => marks.OtherPlaces))} "
            + "| | | | | | | |");
        distances.Add($"| {name} | " + string.Join(" | ", Enumerable.Range(1, shots - 1).Select(apart =>
            Text(Of(marks => marks.ByDistance.Where(pair => pair.Apart == apart).Select(pair => pair.Alike))))) + " |");
    }

    /// <summary>On insert and recall, with drawn shots as the past: does the choice fall on shots that matter?</summary>
    public void Selection(string name, FilmModel model)
    {
        say($"\n### What is chosen: {name}, insert and recall, shots drawn\n");
        var (chosen, best, chance, newest, foreign, foreignChance) = ((Yes: 0, All: 0), (Yes: 0, All: 0), new List<double>(),
            (Yes: 0, All: 0), (Yes: 0, All: 0), new List<double>());
        using var films = new OneStoryFilms(model, _stage);
        var stories = Cases(false).Concat(Cases(true)).Where(story => story.Story.Pattern == StoryPattern.InsertAndRecall).ToList();
        foreach (var (number, story) in stories.Index())
        {
            var kept = films.Drawn(story).Select((clip, i) => films.Keep(clip, $"{i}")).ToList();
            // A shot of another case with another first person.
            var stranger = films.Keep(films.Drawn(stories[(number + 1) % stories.Count])[0], "stranger");
            foreach (var target in Enumerable.Range(4, Math.Min(2, shots - 4)))
            {
                var shot = story.Story.Shots[target];
                bool Right(int other) => shot.Cast.Count > 0 ? story.Story.Shots[other].Cast.Intersect(shot.Cast).Any()
                    : story.Story.Shots[other].Place == shot.Place;
                var earlier = kept[..target];
                var picks = films.Recall(story.Prompts[target], earlier);
                chosen = (chosen.Yes + picks.Count(frame => Right(frame.Shot)), chosen.All + picks.Count);
                best = (best.Yes + (Right(picks[0].Shot) ? 1 : 0), best.All + 1);
                chance.Add(Enumerable.Range(0, target).Average(other => Right(other) ? 1.0 : 0));
                newest = (newest.Yes + (Right(target - 1) ? 1 : 0), newest.All + 1);
                List<string> mixed = [.. earlier[..(target / 2)], stranger, .. earlier[(target / 2)..]];
                var among = films.Recall(story.Prompts[target], mixed);
                foreign = (foreign.Yes + among.Count(frame => frame.Shot == target / 2), foreign.All + among.Count);
                foreignChance.Add(1.0 / mixed.Count);
            }
        }
        say("| | share |\n|---|---|");
        say($"| chosen frames of a shot with the same person, or place where nobody is | {Share(chosen)} |");
        say($"| the most relevant frame | {Share(best)} |");
        say($"| by chance | {Interval.OfMean(chance).AsPercent} |");
        say($"| the newest frame | {Share(newest)} |");
        say($"| chosen frames of an inserted shot of another story | {Share(foreign)} |");
        say($"| by chance | {Interval.OfMean(foreignChance).AsPercent} |");
    }

    /// <summary>Seconds of a step with and without context, of a choice among a thousand frames; bytes of a shot on disk.</summary>
    public void Cost(string name, FilmModel model)
    {
        const int Many = 200, Steps = 20, Runs = 5;
        say($"\n### Cost: {name}\n");
        using var films = new OneStoryFilms(model, _stage);
        var story = OneStoryCase.Draw(0, false, _stage);
        var file = films.Keep(films.Drawn(story)[0], "0");
        films.Recall(story.Prompts[1], [file]);
        var process = Process.GetCurrentProcess();
        (double Clock, double Processor) Median(Action work)
        {
            var times = Enumerable.Range(0, Runs + 1).Select(_ =>
            {
                process.Refresh();
                var (watch, before) = (Stopwatch.StartNew(), process.TotalProcessorTime);
                work();
                process.Refresh();
                return (Clock: watch.Elapsed.TotalMilliseconds, Processor: (process.TotalProcessorTime - before).TotalMilliseconds);
            }).Skip(1).ToList();
            return (times.Select(time => time.Clock).Order().ElementAt(Runs / 2),
                times.Select(time => time.Processor).Order().ElementAt(Runs / 2));
        }
        (double Clock, double Processor) Step(string? recalled)
        {
            void Make(int steps) => films.Render(story.Prompts[1], 1, [], recalled: recalled, steps: steps);
            var (many, one) = (Median(() => Make(Steps + 1)), Median(() => Make(1)));
            return ((many.Clock - one.Clock) / Steps, (many.Processor - one.Processor) / Steps);
        }
        var (without, with) = (Step(null), Step(films.Recalled));
        say("| | milliseconds | of processor time |\n|---|---|---|");
        void Line(string what, (double Clock, double Processor) time) =>
            say($"| {what} | {Number(time.Clock)} | {Number(time.Processor)} |");
        Line("a step without context", without);
        Line("a step with context", with);
        say($"| more, per cent | {Number(100 * (with.Clock / without.Clock - 1))} | "
            + $"{Number(100 * (with.Processor / without.Processor - 1))} |");
        Line("a choice among 5 latent frames, words and a file read", Median(() => films.Recall(story.Prompts[1], [file])));
        Line($"a choice among {5 * Many}, words and {Many} files read",
            Median(() => films.Recall(story.Prompts[1], [.. Enumerable.Repeat(file, Many)])));
        say($"\nMemory of a shot of 17 frames on disk: {new FileInfo(file).Length} bytes.");
        say($"\nMedians of {Runs}, on this machine as it was.");
    }

    public void Dispose() => _stage.Dispose();

    static string Share((int Yes, int All) count) => Interval.OfShare(count.Yes, count.All).AsPercent;
    static string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);
    static string Text(Interval value) => value.Count == 0 ? "" : string.Create(CultureInfo.InvariantCulture,
        $"{value.Mean:0.000} ({value.Low:0.000} to {value.High:0.000})");
}
