using Fabula.Narrative;

namespace Fabula.Planning;

/// <summary>A scene with its shots, and how they join. What a bridge shows is written last.</summary>
sealed class DraftScene
{
    readonly PlanTransition[] _transitions;

    public PlanScene Scene { get; }
    public IReadOnlyList<PlanShot> Shots { get; }
    public IReadOnlyList<PlanTransition> Transitions => _transitions;

    public DraftScene(PlanScene scene, IReadOnlyList<PlanShot> shots, JoinRule rule,
        Func<PlanShot, PlanShot, JoinMethod, PlanTransition> make)
    {
        (Scene, Shots) = (scene, shots);
        _transitions = [.. shots.Zip(shots.Skip(1)).Select(pair => make(pair.First, pair.Second,
            Joins.Method(pair.First, pair.Second, rule)))];
    }

    /// <summary>The joins that are clips of their own, with their neighbours.</summary>
    public IReadOnlyList<(PlanShot From, PlanShot To, PlanTransition Join)> Bridges =>
        [.. _transitions.Index().Where(join => join.Item.Method == JoinMethod.Bridge)
            .Select(join => (Shots[join.Index], Shots[join.Index + 1], join.Item))];

    public void Add(TransitionsAnswer answer)
    {
        var at = 0;
        for (var i = 0; i < _transitions.Length; i++)
            if (_transitions[i].Method == JoinMethod.Bridge)
                _transitions[i] = _transitions[i] with { Prompt = answer.Transitions[at++].Prompt };
    }
}
