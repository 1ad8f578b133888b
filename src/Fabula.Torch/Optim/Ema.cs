namespace Fabula.Torch;

/// <summary>
/// An exponential moving average of parameters, in fp32: what is sampled from and shipped, while the parameters are trained.
/// </summary>
public sealed class Ema : IDisposable
{
    static readonly Op MulScalar = new("aten::_foreach_mul_", "Scalar"), AddList = new("aten::_foreach_add_", "List");
    readonly KeyValuePair<string, Tensor>[] _parameters;
    readonly Tensor[] _averages;

    /// <param name="decay">Share of the old average kept at each update, for example 0.998.</param>
    public Ema(IEnumerable<KeyValuePair<string, Tensor>> parameters, double decay)
    {
        using var scope = TensorScope.Open();
        Decay = decay;
        _parameters = [.. parameters];
        _averages = [.. _parameters.Select(pair => pair.Value.Detach().To(DType.F32).Clone().Own())];
    }

    public double Decay { get; }

    /// <summary>average = decay * average + (1 - decay) * parameter.</summary>
    public void Update() => Update(Decay);

    /// <summary>As <see cref="Update()"/> with another decay: a young average forgets faster.</summary>
    public void Update(double decay)
    {
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        Tensor[] current = [.. _parameters.Select(pair => pair.Value.Detach().Float())];
        MulScalar.Do(_averages, decay);
        AddList.Do(_averages, current, 1 - decay);
    }

    /// <summary>Averages by name: for saving, and for sampling through a model built on them.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Averages =>
        _parameters.Zip(_averages, (pair, average) => new KeyValuePair<string, Tensor>(pair.Key, average));

    /// <summary>Takes up saved averages.</summary>
    public void Restore(Weights state)
    {
        foreach (var (name, average) in Averages) average.CopyFrom(state.Get(name, DType.F32, average.Shape));
    }

    public void Dispose()
    {
        foreach (var average in _averages) average.Dispose();
    }
}
