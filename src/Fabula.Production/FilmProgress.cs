// How far a film is, from what its run tells. The time left is measured: seconds per pixel and step of this run, before its first clip
// those of earlier runs, and nothing where neither is known.
using System.Diagnostics;
using Fabula.Build;

namespace Fabula.Production;

public sealed class FilmProgress
{
    readonly Dictionary<string, double> _left = [];
    readonly Dictionary<string, (double Share, long Since)> _running = [];
    readonly Dictionary<string, double> _expected = [];
    double _seconds, _work;

    /// <summary>Steps that are to be made, and how many of them are. "Maybe" counts until it is known.</summary>
    public int Total { get; private set; }
    public int Done { get; private set; }

    /// <summary>Seconds that the rest takes on one worker; null if nothing was ever measured.</summary>
    public double? SecondsLeft
    {
        get
        {
            var rate = _work > 0 ? _seconds / _work : 0;
            var sum = 0.0;
            foreach (var (step, work) in _left)
            {
                var whole = rate > 0 ? work * rate : _expected.GetValueOrDefault(step);
                if (work > 0 && whole <= 0) return null;
                sum += whole * (1 - (_running.TryGetValue(step, out var now) ? now.Share : 0));
            }
            return sum;
        }
    }

    public void See(BuildEvent news)
    {
        switch (news)
        {
            case BuildStarted started:
                foreach (var planned in started.Plan.Steps.Where(planned => planned.State != PlanState.Done))
                {
                    Total++;
                    _left[planned.Step.Id] = planned.Step.Recipe.Name == "clip" ? ClipSettings.Of(planned.Step).Work() : 0;
                    _expected[planned.Step.Id] = planned.Cost.Seconds;
                }
                break;
            case StepStarted started: _running[started.Step.Id] = (0, Stopwatch.GetTimestamp()); break;
            case StepProgress progress when _running.TryGetValue(progress.Step.Id, out var now) && progress.Total > 0:
                _running[progress.Step.Id] = (progress.Done / progress.Total, now.Since);
                break;
            case StepFinished finished:
                if (_left.GetValueOrDefault(finished.Step.Id) is > 0 and var work)
                {
                    _seconds += finished.Took.TotalSeconds;
                    _work += work;
                }
                End(finished.Step);
                break;
            case StepReused reused: End(reused.Step); break;
            case StepFailed failed: End(failed.Step); break;
            case StepSkipped skipped: End(skipped.Step); break;
        }
    }

    void End(Step step)
    {
        _running.Remove(step.Id);
        if (_left.Remove(step.Id)) Done++;
    }
}
