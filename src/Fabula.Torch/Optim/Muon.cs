namespace Fabula.Torch;

/// <summary>
/// Muon for the matrices of hidden layers: Nesterov momentum, then the nearest orthogonal matrix by five Newton-Schulz steps (Jordan et
/// al., "Muon: An optimizer for hidden layers in neural networks", 2024; coefficients from there). A convolution's weight counts as the
/// matrix [out, in kh kw]. Embeddings, norms, biases, first and last layers belong to <see cref="AdamW"/>. State and update in fp32.
/// </summary>
public sealed class Muon : IDisposable
{
    readonly string[] _names;
    readonly Tensor[] _parameters, _momentum;

    public Muon(IEnumerable<KeyValuePair<string, Tensor>> parameters, double learningRate, double momentum = 0.95, double weightDecay = 0)
    {
        (LearningRate, Momentum, WeightDecay) = (learningRate, momentum, weightDecay);
        var pairs = parameters.ToList();
        foreach (var (name, tensor) in pairs)
            if (tensor.Dims < 2 || tensor.DType != DType.F32)
                throw new ArgumentException($"Muon takes fp32 matrices; '{name}' is {tensor}.");
        (_names, _parameters) = ([.. pairs.Select(pair => pair.Key)], [.. pairs.Select(pair => pair.Value)]);
        _momentum = [.. _parameters.Select(p => Tensor.Zeros(p.Shape, DType.F32, p.Device).Own())];
    }

    public double LearningRate { get; set; }
    public double Momentum { get; }
    public double WeightDecay { get; }
    public IReadOnlyList<Tensor> Parameters => _parameters;

    /// <summary>
    /// One update from the gathered gradients, which are cleared.
    /// </summary>
    /// <param name="orthogonalise">Makes all directions orthogonal, in place; several processes may share this work. Null: all
    /// here.</param>
    public void Step(Action<IReadOnlyList<Tensor>>? orthogonalise = null)
    {
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        var directions = new Tensor[_parameters.Length];
        for (var i = 0; i < _parameters.Length; i++)
        {
            var grad = _parameters[i].Grad ?? Tensor.Zeros(_parameters[i].Shape, DType.F32, _parameters[i].Device);
            _momentum[i].Mul_(Momentum).Add_(grad);
            directions[i] = (grad + _momentum[i] * Momentum).Flatten(1).Contiguous();
            _parameters[i].Grad = null;
        }
        if (orthogonalise is not null) orthogonalise(directions);
        else foreach (var direction in directions) Orthogonalise(direction);
        for (var i = 0; i < _parameters.Length; i++)
        {
            var (rows, columns) = (directions[i].Size(0), directions[i].Size(1));
            var weights = _parameters[i].Detach();
            if (WeightDecay > 0) weights.Mul_(1 - LearningRate * WeightDecay);
            weights.Add_(directions[i].Reshape(weights.Shape), -LearningRate * Math.Sqrt(Math.Max(1, (double)rows / columns)));
        }
    }

    /// <summary>Writes over a matrix [m, n] the one with its singular vectors and singular values near 1 (0.7 to 1.2).</summary>
    public static void Orthogonalise(Tensor matrix, int steps = 5)
    {
        using var scope = TensorScope.Open();
        var x = matrix / (matrix.Flatten().Norm(0) + 1e-7);
        var tall = x.Size(0) > x.Size(1);
        if (tall) x = x.Transpose(0, 1).Contiguous();
        for (var i = 0; i < steps; i++)
        {
            var a = x.Matmul(x.Transpose(0, 1));
            var b = a * -4.7750 + a.Matmul(a) * 2.0315;
            x = x * 3.4445 + b.Matmul(x);
        }
        matrix.CopyFrom(tall ? x.Transpose(0, 1) : x);
    }

    /// <summary>State by name, for a checkpoint.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State() =>
        _names.Zip(_momentum, (name, tensor) => new KeyValuePair<string, Tensor>($"{name}.momentum", tensor));

    public void Restore(Weights state)
    {
        foreach (var (name, tensor) in State())
        {
            using var scope = TensorScope.Open();
            tensor.CopyFrom(state.Get(name, DType.F32, tensor.Shape));
        }
    }

    public void Dispose()
    {
        foreach (var tensor in _momentum) tensor.Dispose();
    }
}
