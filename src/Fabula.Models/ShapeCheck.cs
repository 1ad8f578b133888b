using Fabula.Torch;

namespace Fabula.Models;

/// <summary>Shapes of what a caller hands to a network, refused in one sentence that has both.</summary>
static class ShapeCheck
{
    /// <summary>The tensor itself where it has the wanted shape; -1 stands for any extent above 0.</summary>
    /// <param name="what">How the sentence begins: "Latents".</param>
    /// <exception cref="ArgumentException">It has another.</exception>
    public static Tensor Shaped(this Tensor tensor, string what, params long[] wanted) =>
        tensor.Shape.Length == wanted.Length && tensor.Shape.Zip(wanted).All(pair => pair.Second < 0 ? pair.First > 0
            : pair.First == pair.Second) ? tensor
        : throw new ArgumentException($"{what} have shape [{string.Join(", ", tensor.Shape)}]; this model wants "
            + $"[{string.Join(", ", wanted.Select(n => n < 0 ? "any" : n.ToString()))}].");

    /// <summary>The tensor itself where its last two extents, rows and columns, are multiples of <paramref name="step"/>.</summary>
    /// <exception cref="ArgumentException">They are not.</exception>
    public static Tensor SidesOf(this Tensor tensor, string what, long step) =>
        tensor.Size(-1) % step == 0 && tensor.Size(-2) % step == 0 ? tensor
        : throw new ArgumentException($"{what} are {tensor.Size(-2)} x {tensor.Size(-1)}; both sides must be multiples of {step}.");
}
