using System.Globalization;
using Fabula.Torch;
using Fabula.Training.Evaluation;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

public sealed class JudgeTests : IDisposable
{
    static readonly JudgeConfig Tiny = new(8, 8, 16, 16, 24);
    readonly string _folder = Directory.CreateTempSubdirectory("fabula-judge").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    string In(string name) => Path.Combine(_folder, name);

    [Fact]
    public void A_tiny_run_learns()
    {
        var output = new StringWriter();
        new JudgeRecipe(Steps: 120, Batch: 8, LearningRate: 4e-3, Examine: 1000, Save: 1000, Examined: 60) { Net = Tiny }
            .Run(In("run"), 1, output);
        var losses = output.ToString().Split('\n').Where(line => line.StartsWith("step ", StringComparison.Ordinal))
            .Select(line => double.Parse(line.Split("loss ")[1].Split(' ')[0], CultureInfo.InvariantCulture)).ToList();
        Assert.True(losses[^1] < losses[0] * 0.6, string.Join(", ", losses));
        using var judge = Judge.Open(Path.Combine(In("run"), "judge"));
        var marks = JudgeMarks.Of(judge, JudgeLessons.HeldOut(100));
        Assert.True(marks["found"].Mean > 0.5, marks.Line);
        Assert.True(marks["time"].Mean > 0.35, marks.Line);
    }

    [Fact]
    public void A_run_that_was_stopped_goes_on_to_the_same_bits()
    {
        var recipe = new JudgeRecipe(Steps: 6, Batch: 3, Examine: 3, Save: 3, Examined: 4) { Net = Tiny };
        recipe.Run(In("straight"), 1, TextWriter.Null);
        using (var stop = new StoppingWriter("held out")) recipe.Run(In("stopped"), 2, stop, stop.Stopped);
        Assert.NotEqual(State("straight"), State("stopped"));
        recipe.Run(In("stopped"), 1, TextWriter.Null);
        Assert.Equal(State("straight"), State("stopped"));
        var other = Assert.Throws<InvalidOperationException>(() => (recipe with { Seed = 2 }).Run(In("stopped"), 1, TextWriter.Null));
        Assert.Contains("other settings", other.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_judge_reads_clips_of_any_size_and_gives_vectors_of_length_one()
    {
        using var judge = Fresh();
        using var stage = new Stage(112, 64);
        var clip = stage.Draw(Playwright.Shot(new Chance(1), new(Place.Beach), [Person.Draw(new Chance(2))]) with { Frames = 3 });
        var all = judge.Features(clip.Frames, 3, 112, 64);
        Assert.Equal(3, all.Count);
        Assert.All(all, features => Assert.Equal(1, features.Whole.Sum(value => (double)value * value), 4));
        Assert.All(all, features => Assert.Equal(features.Reading.People.Count, features.People.Count));
        var alone = judge.Read(clip.Frame(1), 112, 64);
        Assert.Equal(alone.Place.Value, all[1].Reading.Place.Value);
        Assert.Equal(alone.Place.Probability, all[1].Reading.Place.Probability, 4);
        Assert.Throws<ArgumentException>(() => judge.Read(clip.Frame(1), 112, 65));
    }

    [Fact]
    public void A_broken_configuration_is_refused_in_a_sentence()
    {
        Fresh().Dispose();
        foreach (var text in new[] { "{", "null", "{\"Stem\": 0}", "{\"Stem\": 99999}" })
        {
            File.WriteAllText(Path.Combine(In("judge"), "config.json"), text);
            Assert.Throws<CheckpointException>(() => Judge.Open(In("judge")));
        }
        File.WriteAllText(Path.Combine(In("judge"), "config.json"), "{\"Stem\": 9}");
        Assert.Throws<CheckpointException>(() => Judge.Open(In("judge")));
    }

    Judge Fresh()
    {
        LibTorch.Run(() =>
        {
            using var weights = Weights.Fresh(5, DType.F32, Device.Cpu);
            _ = new JudgeNet(weights, Tiny);
            Judge.Save(In("judge"), weights.Parameters, Tiny);
        });
        return Judge.Open(In("judge"));
    }

    byte[] State(string run) => File.ReadAllBytes(Path.Combine(In(run), "state.safetensors"));

    /// <summary>Cancels as soon as a text is written.</summary>
    sealed class StoppingWriter(string at) : StringWriter
    {
        readonly CancellationTokenSource _stop = new();
        public CancellationToken Stopped => _stop.Token;

        public override void WriteLine(string? value)
        {
            if (value?.Contains(at, StringComparison.Ordinal) == true) _stop.Cancel();
        }

        protected override void Dispose(bool disposing)
        {
            _stop.Dispose();
            base.Dispose(disposing);
        }
    }
}
