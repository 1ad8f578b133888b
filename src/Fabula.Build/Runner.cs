// Makes what a plan says. One loop owns all that is known about the run; steps run beside it, as many at a time as allowed, and report to
// it. What may start is started in the graph's order. No step is tried twice: a failure fails what depends on it and nothing else.
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Fabula.Build;

/// <param name="Jobs">Steps at a time, at least 1.</param>
/// <param name="Thorough">Reads every byte of what is there before calling it done.</param>
public sealed record RunOptions(int Jobs = 1, bool Thorough = false);

public sealed class Runner
{
    readonly IArtifactStore _store;
    readonly IStepJournal _journal;
    readonly Scratch _scratch;
    readonly string _folder;
    readonly TimeProvider _time;

    internal Runner(IArtifactStore store, IStepJournal journal, Scratch scratch, string folder, TimeProvider time) =>
        (_store, _journal, _scratch, _folder, _time) = (store, journal, scratch, folder, time);

    /// <summary>
    /// Begins with <see cref="BuildStarted"/> and ends with <see cref="BuildEnded"/>, also when steps failed or the run was stopped.
    /// Cancelling stops the running steps, which save themselves, and starts no other; it does not throw. Who stops reading stops the run.
    /// </summary>
    public async IAsyncEnumerable<BuildEvent> Run(BuildGraph graph, RunOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancel = default)
    {
        options ??= new RunOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Jobs, 1);
        var plan = await Task.Run(() => BuildPlan.Make(graph, _store, _journal, options.Thorough), CancellationToken.None);
        yield return new BuildStarted(plan);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var news = Channel.CreateUnbounded<BuildEvent>(new UnboundedChannelOptions { SingleReader = true });
        var run = Task.Run(async () =>
        {
            Exception? broken = null;
            try { await new Session(this, plan, options, news.Writer, stop.Token).Run(); }
            catch (Exception e) { broken = e; }
            news.Writer.Complete(broken);
        }, CancellationToken.None);
        try
        {
            await foreach (var item in news.Reader.ReadAllAsync(CancellationToken.None)) yield return item;
        }
        finally
        {
            await stop.CancelAsync();
            await run;
        }
    }

    readonly record struct Completion(int Place, Digest Key, BuildEvent News);

    sealed class Session(Runner runner, BuildPlan plan, RunOptions options, ChannelWriter<BuildEvent> news, CancellationToken stop)
    {
        readonly BuildGraph _graph = plan.Graph;
        readonly IReadOnlyList<Artifact>?[] _outputs = new IReadOnlyList<Artifact>?[plan.Steps.Count];
        readonly int[] _waiting = new int[plan.Steps.Count];
        readonly bool[] _asPlanned = new bool[plan.Steps.Count]; // its outputs are those that the plan knew
        readonly string?[] _failedBecause = new string?[plan.Steps.Count];
        readonly PriorityQueue<int, int> _ready = new();
        readonly Channel<Completion> _completions = Channel.CreateUnbounded<Completion>();
        // Two steps may be the same work: the second waits for the first, and takes its result.
        readonly Dictionary<Digest, List<int>> _sameWork = [];
        int _running, _ran, _reused, _failed, _skipped, _settled;

        public async Task Run()
        {
            for (var i = 0; i < _waiting.Length; i++)
                if ((_waiting[i] = _graph.Before(i).Length) == 0) _ready.Enqueue(i, i);
            while (true)
            {
                while (_running < options.Jobs && _ready.TryDequeue(out var place, out _)) Begin(place);
                if (_running == 0) break;
                End(await _completions.Reader.ReadAsync(CancellationToken.None));
            }
            var outcome = _failed > 0 ? BuildOutcome.Failed : _settled < _outputs.Length ? BuildOutcome.Stopped : BuildOutcome.Succeeded;
            news.TryWrite(new BuildEnded(outcome, _ran, _reused, _failed, _skipped, new BuildResults(_graph, _outputs)));
        }

        void Begin(int place)
        {
            var (step, planned) = (_graph.Steps[place], plan.Steps[place]);
            if (planned.State == PlanState.Done && BeforeIsAsPlanned(place))
            {
                Stand(step, planned.Key!.Value);
                Settle(place, planned.Outputs);
                return;
            }
            var inputs = step.Inputs.Select(Content).ToArray();
            var key = StepKey.Of(step, [.. inputs.Select(input => input.Digest)]);
            var record = BuildPlan.Made(step, key, runner._journal);
            if (record is not null && BuildPlan.Lost(record, runner._store, options.Thorough).Count == 0)
            {
                Stand(step, key);
                Artifact[] outputs = [.. record.Outputs.Select(output => output.Artifact)];
                news.TryWrite(new StepReused(step, key, outputs));
                Settle(place, outputs);
                return;
            }
            if (stop.IsCancellationRequested) return;
            if (_sameWork.TryGetValue(key, out var others))
            {
                others.Add(place);
                return;
            }
            _sameWork.Add(key, []);
            _running++;
            _ = Task.Run(async () => _completions.Writer.TryWrite(new Completion(place, key, await Make(step, key, inputs, record))),
                CancellationToken.None);
        }

        void End(Completion completion)
        {
            _running--;
            _sameWork.Remove(completion.Key, out var same);
            news.TryWrite(completion.News);
            if (completion.News is StepFinished finished)
            {
                _ran++;
                Settle(completion.Place, finished.Outputs, made: true);
                foreach (var place in same!) _ready.Enqueue(place, place);
            }
            else if (completion.News is StepFailed failed)
            {
                Fail(completion.Place);
                foreach (var place in same!)
                {
                    news.TryWrite(new StepFailed(_graph.Steps[place], $"it is the same work as {failed.Step}, which failed", failed.Cause));
                    Fail(place);
                }
            }
        }

        void Settle(int place, IReadOnlyList<Artifact> outputs, bool made = false)
        {
            _settled++;
            if (!made) _reused++;
            _outputs[place] = outputs;
            _asPlanned[place] = plan.Steps[place].Outputs.SequenceEqual(outputs);
            foreach (var later in _graph.After(place))
                if (--_waiting[later] == 0 && _failedBecause[later] is null) _ready.Enqueue(later, later);
        }

        bool BeforeIsAsPlanned(int place)
        {
            foreach (var earlier in _graph.Before(place))
                if (!_asPlanned[earlier]) return false;
            return true;
        }

        void Fail(int place)
        {
            _failed++;
            _settled++;
            var because = _graph.Steps[place].Id;
            var affected = new SortedSet<int>(_graph.After(place).ToArray());
            while (affected.Count > 0)
            {
                var later = affected.Min;
                affected.Remove(later);
                if (_failedBecause[later] is not null) continue;
                _failedBecause[later] = because;
                _skipped++;
                _settled++;
                news.TryWrite(new StepSkipped(_graph.Steps[later], because));
                affected.UnionWith(_graph.After(later).ToArray());
            }
        }

        Artifact Content(Input input)
        {
            if (input is SourceInput source) return source.Content;
            var from = (StepInput)input;
            var place = _graph.PlaceOf(from.Step);
            var names = _graph.Steps[place].Outputs;
            for (var i = 0; ; i++)
                if (names[i] == from.Output) return _outputs[place]![i];
        }

        /// <summary>Only explanations depend on it: a disk that cannot take the note is no reason to stop.</summary>
        void Stand(Step step, Digest key)
        {
            if (runner._journal.Last(step.Id)?.Key == key) return;
            try { runner._journal.Use(step.Id, key); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
        }

        async Task<BuildEvent> Make(Step step, Digest key, Artifact[] inputs, StepRecord? before)
        {
            try
            {
                var began = runner._time.GetTimestamp();
                var files = new string[inputs.Length];
                for (var i = 0; i < inputs.Length; i++) files[i] = Fetch(step.Inputs[i], inputs[i]);
                var run = new StepRun(step, key, runner._scratch, files, progress => news.TryWrite(progress));
                news.TryWrite(new StepStarted(step, key, run.Resumed));
                await step.Recipe.Run(run, stop);
                var written = runner._scratch.Collect(step, key);
                if (step.Recipe.Check is { } check)
                    for (var i = 0; i < written.Length; i++) await check(step.Outputs[i], written[i], stop);
                Artifact[] outputs = [.. written.Select(runner._store.Add)];
                var took = runner._time.GetElapsedTime(began);
                runner._journal.Append(new StepRecord(key, step.Id, step.Recipe.Name, step.Recipe.Version, step.Settings,
                    [.. step.Inputs.Select((input, i) => new RecordedInput(input.Name, inputs[i].Digest, Reason.Origin(input)))],
                    [.. step.Outputs.Select((name, i) => new RecordedOutput(name, outputs[i]))], took.TotalSeconds));
                foreach (var (was, now) in (before?.Outputs ?? []).Zip(outputs))
                    if (was.Artifact != now) news.TryWrite(new StepDiffered(step, was.Name, was.Artifact.Digest, now.Digest));
                Clear(key);
                return new StepFinished(step, key, outputs, took);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return new StepStopped(step, runner._scratch.HasWork(key));
            }
            catch (Exception e) // whatever a recipe throws: the step failed, the others go on
            {
                return new StepFailed(step, DiskAdvice.Of(e, runner._folder) ?? e.Message.TrimEnd('.'), e);
            }
        }

        string Fetch(Input input, Artifact content)
        {
            try
            {
                if (input is SourceInput source) runner._store.Import(source.Path, content);
            }
            catch (StepException e) { throw new StepException($"its input '{input.Name}' cannot be used: {e.Message}", e); }
            // The step will read all of it: so do we, since a rotten input would give a wrong film under a right key.
            if (input is StepInput && runner._store.Check(content, thorough: true) is { IsSound: false } state)
                throw new StepException($"its input '{input.Name}' ({Reason.Origin(input)}) {state.Explanation}. "
                    + "Run again, and it is made anew");
            return runner._store.PathOf(content);
        }

        /// <summary>The step is done already: what cannot be cleared now is cleared when the folder is opened next.</summary>
        void Clear(Digest key)
        {
            try { runner._scratch.Remove(key); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
        }
    }
}
