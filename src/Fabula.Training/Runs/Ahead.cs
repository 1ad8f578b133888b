using System.Collections.Concurrent;

namespace Fabula.Training;

/// <summary>What each step needs, made ahead on a thread of its own and handed out in order.</summary>
public sealed class Ahead<T> : IDisposable
{
    readonly BlockingCollection<T> _ready = new(4);
    readonly CancellationTokenSource _end = new();
    readonly Task _work;

    /// <param name="make">From a step's number; must depend on nothing else.</param>
    public Ahead(int first, int end, Func<int, T> make)
    {
        _work = Task.Run(() =>
        {
            try
            {
                for (var step = first; step < end; step++) _ready.Add(make(step), _end.Token);
            }
            finally
            {
                _ready.CompleteAdding();
            }
        });
    }

    /// <exception cref="OperationCanceledException">The caller's token, or the making ended: its own exception is inside.</exception>
    public T Next(CancellationToken stop)
    {
        try { return _ready.Take(stop); }
        catch (InvalidOperationException) { _work.GetAwaiter().GetResult(); throw; }
    }

    public void Dispose()
    {
        _end.Cancel();
        try { _work.Wait(); }
        catch (AggregateException) { }  // was told by Next, or is the cancelling itself
        _ready.Dispose();
        _end.Dispose();
    }
}
