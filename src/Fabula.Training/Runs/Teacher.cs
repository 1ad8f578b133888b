// How all recipes update their weights: Muon for hidden matrices, AdamW for the rest, clipping, warm-up and decay, and an average.
using System.Text.Json.Nodes;
using Fabula.Torch;

namespace Fabula.Training;

/// <param name="Matrices">Learning rate of <see cref="Muon"/>, at its height.</param>
/// <param name="Others">Learning rate of <see cref="AdamW"/>, at its height.</param>
/// <param name="Warmup">Steps until the height is reached.</param>
/// <param name="DecayFrom">Share of all steps after which the rate falls linearly to Floor of its height.</param>
public sealed record Pace(double Matrices = 0.02, double Others = 2e-3, int Warmup = 60, double DecayFrom = 0.45, double Floor = 0.02,
    double Clip = 1, double EmaDecay = 0.998, double WeightDecay = 0.01)
{
    public JsonObject ToJson() => new()
    {
        ["matrices"] = Matrices,
        ["others"] = Others,
        ["warmup"] = Warmup,
        ["decay_from"] = DecayFrom,
        ["floor"] = Floor,
        ["clip"] = Clip,
        ["ema"] = EmaDecay,
        ["weight_decay"] = WeightDecay,
    };

    /// <summary>The rate at a step as a share of its height.</summary>
    public double At(long step, long steps)
    {
        var done = (double)step / steps;
        var fall = done < DecayFrom ? 1 : Math.Max(Floor, (1 - done) / (1 - DecayFrom));
        return Math.Min(1, (step + 1.0) / Warmup) * fall;
    }
}

/// <summary>Updates weights from gradients, together with the rest of the crew.</summary>
public sealed class Teacher : IDisposable
{
    readonly Pace _pace;
    readonly Crew _crew;
    readonly Muon _muon;
    readonly AdamW _adam;
    readonly Ema _ema;
    readonly Tensor[] _all;

    /// <param name="isMatrix">By name and tensor: whether Muon takes it.</param>
    public Teacher(IEnumerable<KeyValuePair<string, Tensor>> parameters, Func<string, Tensor, bool> isMatrix, Pace pace, Crew crew)
    {
        (_pace, _crew) = (pace, crew);
        var pairs = parameters.ToList();
        _muon = new Muon(pairs.Where(pair => isMatrix(pair.Key, pair.Value)), pace.Matrices, weightDecay: pace.WeightDecay);
        _adam = new AdamW(pairs.Where(pair => !isMatrix(pair.Key, pair.Value)), pace.Others, beta2: 0.99, weightDecay: pace.WeightDecay);
        _ema = new Ema(pairs, pace.EmaDecay);
        _all = [.. pairs.Select(pair => pair.Value)];
    }

    public IEnumerable<KeyValuePair<string, Tensor>> Averages => _ema.Averages;

    /// <summary>One update. Returns the length of the gradient before clipping; an update that is not finite is left out.</summary>
    public double Step(long step, long steps)
    {
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        var grads = _all.Select(p => p.Grad ?? Tensor.Zeros(p.Shape, DType.F32, p.Device)).ToArray();
        _crew.Average(grads);
        var norm = Tensor.Stack(0, [.. grads.Select(grad => grad.Flatten().Norm(0))]).Norm(0).Item();
        if (!double.IsFinite(norm))
        {
            foreach (var parameter in _all) parameter.Grad = null;
            return norm;
        }
        for (var i = 0; i < grads.Length; i++)
        {
            if (norm > _pace.Clip) grads[i].Mul_(_pace.Clip / norm);
            _all[i].Grad = grads[i];
        }
        var rate = _pace.At(step, steps);
        (_muon.LearningRate, _adam.LearningRate) = (_pace.Matrices * rate, _pace.Others * rate);
        _muon.Step(directions => _crew.ShareOut(directions, direction => Muon.Orthogonalise(direction)));
        _adam.Step();
        _ema.Update(Math.Min(_pace.EmaDecay, (1.0 + step) / (10 + step)));
        return norm;
    }

    /// <summary>Everything that a resumed training needs beside the weights.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State() =>
        _muon.State().Concat(_adam.State())
            .Concat(_ema.Averages.Select(pair => new KeyValuePair<string, Tensor>(pair.Key + ".ema", pair.Value)));

    public void Restore(Weights state, int step)
    {
        _muon.Restore(state);
        _adam.Restore(state, step);
        foreach (var (name, average) in _ema.Averages) average.CopyFrom(state.Get(name + ".ema", DType.F32, average.Shape));
    }

    public void Dispose()
    {
        _muon.Dispose();
        _adam.Dispose();
        _ema.Dispose();
    }
}
