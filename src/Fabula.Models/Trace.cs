using Fabula.Torch;

namespace Fabula.Models;

/// <summary>Named intermediates of a forward pass, for comparison with a reference; null in production.</summary>
public sealed class Trace : IDisposable
{
    readonly Dictionary<string, Tensor> _tensors = [];

    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    /// <summary>Keeps a copy, because fused operators write over their inputs. The latest of a name counts.</summary>
    public void Record(string name, Tensor tensor)
    {
        if (_tensors.Remove(name, out var earlier)) earlier.Dispose();
        _tensors[name] = tensor.Clone().Own();
    }

    public void Dispose()
    {
        foreach (var tensor in _tensors.Values) tensor.Dispose();
        _tensors.Clear();
    }
}
