// How far a film is, from what its run tells. The time left is measured: seconds per pixel and step of this run, before its second clip
// those of earlier runs. The first clip of a run also waits for the model to be loaded, so it counts only where nothing else is known, and
// then it says at most how long the rest takes. Where nothing was ever measured, nothing is said.
using Fabula.Build;

namespace Fabula.Production;

public sealed class FilmProgress
{
    readonly Dictionary<string, double> _left = [];
    readonly Dictionary<string, double> _running = [];
    readonly Dictionary<string, double> _expected = [];
    (double Seconds, double Work) _first, _later;

    /// <summary>Steps that are to be made, and how many of them are. "Maybe" counts until it is known.</summary>
    public int Total { get; private set; }
    public int Done { get; private set; }

    /// <summary>Shots of the graph, and how many of their clips are made.</summary>
    public int Shots { get; private set; }
    public int ShotsDone { get; private set; }

    /// <summary>Seconds that the rest takes on one worker; null if nothing was ever measured.</summary>
    public double? SecondsLeft => Left().Seconds;

    /// <summary>The time left rests on the first clip alone, whose time includes that of loading the model.</summary>
    public bool IsAtMost => Left().AtMost;

    (double? Seconds, bool AtMost) Left()
    {
        var (sum, atMost) = (0.0, false);
        foreach (var (step, work) in _left)
        {
            if (work <= 0) continue;
            var known = _later.Work > 0 ? work * _later.Seconds / _later.Work : _expected.GetValueOrDefault(step);
            if (known <= 0 && _first.Work == 0) return default;
            atMost |= known <= 0;
            var whole = known > 0 ? known : work * _first.Seconds / _first.Work;
            sum += whole * (1 - _running.GetValueOrDefault(step));
        }
        return (sum, atMost);
    }

    public void See(BuildEvent news)
    {
        switch (news)
        {
            case BuildStarted started:
                foreach (var planned in started.Plan.Steps.Where(planned => IsShot(planned.Step)))
                {
                    Shots++;
                    if (planned.State == PlanState.Done) ShotsDone++;
                }
                foreach (var planned in started.Plan.Steps.Where(planned => planned.State != PlanState.Done))
                {
                    Total++;
                    _left[planned.Step.Id] = planned.Step.Recipe.Name == "clip" ? ClipSettings.Of(planned.Step).Work() : 0;
                    _expected[planned.Step.Id] = planned.Cost.Seconds;
                }
                break;
            case StepStarted started: _running[started.Step.Id] = 0; break;
            case StepProgress progress when _running.ContainsKey(progress.Step.Id) && progress.Total > 0:
                _running[progress.Step.Id] = Math.Clamp(progress.Done / progress.Total, 0, 1);
                break;
            case StepFinished finished:
                if (_left.GetValueOrDefault(finished.Step.Id) is > 0 and var work)
                {
                    var seconds = finished.Took.TotalSeconds;
                    if (_first.Work == 0) _first = (seconds, work);
                    else _later = (_later.Seconds + seconds, _later.Work + work);
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
        if (!_left.Remove(step.Id)) return;
        Done++;
        if (IsShot(step)) ShotsDone++;
    }

    static bool IsShot(Step step) => step.Id.StartsWith("clip/", StringComparison.Ordinal);
}
