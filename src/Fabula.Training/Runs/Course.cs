// What all recipes do around their lessons: one step after another, a line of progress now and then, a save now and then.
using System.Diagnostics;
using Fabula.Torch;

namespace Fabula.Training;

/// <summary>What came of one step.</summary>
/// <param name="Samples">Examples of this process.</param>
/// <param name="Losses">By name, the same names or others at every step.</param>
public readonly record struct Learned(int Samples, params (string Name, double Value)[] Losses);

/// <param name="Say">Seconds between lines of progress.</param>
/// <param name="Save">Seconds between saves. Neither changes any result.</param>
public sealed record Rhythm(double Say = 30, double Save = 420);

public sealed class Course(TrainingRun run, Weights weights, Teacher teacher, Crew crew, int steps, Rhythm rhythm, Action<string> say)
{
    /// <summary>What lines of progress begin with.</summary>
    public string Name { get; init; } = "";

    /// <summary>Goes through the steps that are left.</summary>
    /// <param name="learn">Forward and backward of a step, in a scope of tensors of its own.</param>
    /// <param name="show">After a save, in the leading process: samples, numbers, files; given the number of steps done.</param>
    public void Go(Func<int, Learned> learn, Action<int>? show = null)
    {
        var (clock, said, saved, samples) = (Stopwatch.StartNew(), 0.0, 0.0, 0L);
        var losses = new SortedDictionary<string, (double Sum, int Count)>(StringComparer.Ordinal);
        void Note(string name, double value)
        {
            var (sum, count) = losses.GetValueOrDefault(name);
            losses[name] = (sum + value, count + 1);
        }
        for (var step = run.Start; step < steps; step++)
        {
            using var scope = TensorScope.Open();
            var learned = learn(step);
            Note("gradient", teacher.Step(step, steps));
            foreach (var (name, value) in learned.Losses) Note(name, value);
            samples += learned.Samples * crew.Size;
            if (!crew.Leads) continue;
            var (now, last) = (clock.Elapsed.TotalSeconds, step + 1 == steps);
            if (now - said > rhythm.Say || last)
            {
                said = now;
                var means = losses.Select(pair => new KeyValuePair<string, double>(pair.Key, pair.Value.Sum / pair.Value.Count)).ToList();
                var left = TimeSpan.FromSeconds((steps - step - 1) * now / (step + 1 - run.Start));
                say($"{Name}step {step + 1}/{steps}  " + string.Join("  ", means.Select(mean => $"{mean.Key} {mean.Value:0.000}"))
                    + $"  {samples / now:0.0} samples/s  {left:hh\\:mm\\:ss} left");
                run.Log(step + 1, means);
                losses.Clear();
            }
            if (now - saved < rhythm.Save && !last) continue;
            saved = now;
            run.Save(step + 1, weights, teacher);
            show?.Invoke(step + 1);
        }
    }
}
