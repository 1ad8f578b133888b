using System.Globalization;

namespace Fabula.Torch;

public enum DeviceType { Cpu = 0, Cuda = 1 }

/// <summary>Where a tensor lives. The CPU's index is -1, as in libtorch.</summary>
public readonly record struct Device(DeviceType Type, int Index)
{
    public static readonly Device Cpu = new(DeviceType.Cpu, -1);
    public static Device Cuda(int index = 0) => new(DeviceType.Cuda, index);

    public bool IsCpu => Type == DeviceType.Cpu;

    /// <summary>Reads "cpu", "cuda" or "cuda:1".</summary>
    /// <exception cref="FormatException">Anything else.</exception>
    public static Device Parse(string text) => text switch
    {
        "cpu" => Cpu,
        "cuda" => Cuda(),
        _ when text.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(text.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var index) => Cuda(index),
        _ => throw new FormatException($"'{text}' is not a device. Use cpu, cuda or cuda:N."),
    };

    public override string ToString() => IsCpu ? "cpu" : $"cuda:{Index}";
}
