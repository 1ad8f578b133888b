namespace Fabula.Torch;

/// <summary>
/// Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019). State and update in fp32;
/// bf16 parameters keep an fp32 master, because a step is smaller than their resolution.
/// </summary>
public sealed class AdamW : IDisposable
{
    static readonly Op MulScalar = new("aten::_foreach_mul_", "Scalar"), AddList = new("aten::_foreach_add_", "List"),
        Addcmul = new("aten::_foreach_addcmul_", "Scalar"), Addcdiv = new("aten::_foreach_addcdiv_", "Scalar"),
        SqrtList = new("aten::_foreach_sqrt"), AddScalar = new("aten::_foreach_add_", "Scalar"),
            NormList = new("aten::_foreach_norm", "Scalar");

    readonly string[] _names;
    readonly Tensor[] _parameters, _masters, _first, _second;

    /// <param name="parameters">Leaves by name, in an order that is the same every time.</param>
    public AdamW(IEnumerable<KeyValuePair<string, Tensor>> parameters, double learningRate, double beta1 = 0.9, double beta2 = 0.999,
        double eps = 1e-8, double weightDecay = 0.01)
    {
        using var scope = TensorScope.Open();
        (LearningRate, Beta1, Beta2, Eps, WeightDecay) = (learningRate, beta1, beta2, eps, weightDecay);
        var pairs = parameters.Where(pair => pair.Value.DType.IsFloat()).ToList();
        _names = [.. pairs.Select(pair => pair.Key)];
        _parameters = [.. pairs.Select(pair => pair.Value)];
        _masters = [.. _parameters.Select(p => p.DType == DType.F32 ? p : p.Detach().To(DType.F32).Own())];
        _first = [.. _parameters.Select(p => Tensor.Zeros(p.Shape, DType.F32, p.Device).Own())];
        _second = [.. _parameters.Select(p => Tensor.Zeros(p.Shape, DType.F32, p.Device).Own())];
    }

    public double LearningRate { get; set; }
    public double Beta1 { get; }
    public double Beta2 { get; }
    public double Eps { get; }
    public double WeightDecay { get; }

    /// <summary>Updates done so far.</summary>
    public int Steps { get; private set; }

    /// <summary>Euclidean length of all gradients together; scales them down to <paramref name="limit"/> if they are longer.</summary>
    public double ClipGradients(double limit)
    {
        using var scope = TensorScope.Open();
        var grads = Grads(out _);
        if (grads.Length == 0) return 0;
        var norm = Tensor.Stack(0, [.. NormList.Many(grads.Length, grads, 2.0).Select(n => n.Float())]).Norm(0).Item();
        if (norm > limit) MulScalar.Do(grads, limit / (norm + 1e-6));
        return norm;
    }

    /// <summary>One update from the gathered gradients, which are cleared. Parameters without a gradient stay as they are.</summary>
    public void Step()
    {
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        var grads = Grads(out var which);
        Steps++;
        if (grads.Length == 0) return;
        Tensor[] Of(Tensor[] all) => [.. which.Select(i => all[i].Detach())];
        var (masters, first, second) = (Of(_masters), Of(_first), Of(_second));
        var wide = grads.Select(grad => grad.Float()).ToArray();
        MulScalar.Do(masters, 1 - LearningRate * WeightDecay);
        MulScalar.Do(first, Beta1);
        AddList.Do(first, wide, 1 - Beta1);
        MulScalar.Do(second, Beta2);
        Addcmul.Do(second, wide, wide, 1 - Beta2);
        var (bias1, bias2) = (1 - Math.Pow(Beta1, Steps), 1 - Math.Pow(Beta2, Steps));
        var denominator = SqrtList.Many(second.Length, [second]);
        MulScalar.Do(denominator, 1 / Math.Sqrt(bias2));
        AddScalar.Do(denominator, Eps);
        Addcdiv.Do(masters, first, denominator, -LearningRate / bias1);
        foreach (var i in which)
        {
            if (!ReferenceEquals(_masters[i], _parameters[i])) _parameters[i].Detach().CopyFrom(_masters[i]);
            _parameters[i].Grad = null;
        }
    }

    /// <summary>State by name, for a checkpoint; with the step count it resumes to the same bits.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State()
    {
        for (var i = 0; i < _names.Length; i++)
        {
            yield return new($"{_names[i]}.first", _first[i]);
            yield return new($"{_names[i]}.second", _second[i]);
            if (!ReferenceEquals(_masters[i], _parameters[i])) yield return new($"{_names[i]}.master", _masters[i]);
        }
    }

    /// <summary>Takes up where <see cref="State"/> was saved.</summary>
    public void Restore(Weights state, int steps)
    {
        foreach (var (name, tensor) in State())
        {
            using var scope = TensorScope.Open();
            tensor.Detach().CopyFrom(state.Get(name, DType.F32, tensor.Shape));
        }
        Steps = steps;
    }

    Tensor[] Grads(out List<int> which)
    {
        which = [];
        var grads = new List<Tensor>();
        for (var i = 0; i < _parameters.Length; i++)
        {
            if (_parameters[i].Grad is not { } grad) continue;
            which.Add(i);
            grads.Add(grad);
        }
        return [.. grads];
    }

    public void Dispose()
    {
        for (var i = 0; i < _parameters.Length; i++)
        {
            _first[i].Dispose();
            _second[i].Dispose();
            if (!ReferenceEquals(_masters[i], _parameters[i])) _masters[i].Dispose();
        }
    }
}
