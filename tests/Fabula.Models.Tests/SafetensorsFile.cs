using Fabula.Torch;

namespace Fabula.Models.Tests;

/// <summary>A weights file for one test, deleted afterwards: tensors under names of the test's choice.</summary>
sealed class SafetensorsFile : IDisposable
{
    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"fabula-{Guid.NewGuid():N}.safetensors");

    public SafetensorsFile(IEnumerable<(string Name, Tensor Tensor)> tensors) =>
        Weights.Save(Path, tensors.Select(pair => KeyValuePair.Create(pair.Name, pair.Tensor)));

    public void Dispose() => File.Delete(Path);
}
