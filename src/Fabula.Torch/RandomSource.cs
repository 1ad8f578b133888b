// Counter-based random numbers: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
// A number is a pure function of seed, purpose, step and position, so a film comes out the same on any thread count, straight or resumed.
using System.Security.Cryptography;
using System.Text;

namespace Fabula.Torch;

/// <summary>Random tensors keyed by seed, purpose (a shot's id, a training phase) and step.</summary>
public sealed class RandomSource(ulong seed)
{
    public ulong Seed => seed;

    /// <summary>Independent standard normal numbers (Box-Muller on doubles), fp32, on the CPU.</summary>
    /// <param name="purpose">What they are for; another purpose gives unrelated numbers.</param>
    /// <param name="step">Non-negative; another step gives unrelated numbers.</param>
    public Tensor Normal(string purpose, int step, params long[] shape)
    {
        var values = new float[checked((int)shape.Aggregate(1L, (a, b) => checked(a * b)))];
        FillNormal(purpose, step, values);
        return Tensor.From(values, shape);
    }

    /// <summary>Uniform numbers in [0, 1), fp32, on the CPU.</summary>
    public Tensor Uniform(string purpose, int step, params long[] shape)
    {
        var values = new float[checked((int)shape.Aggregate(1L, (a, b) => checked(a * b)))];
        var stream = Stream(purpose);
        for (var i = 0; i < values.Length; i++)
        {
            var word = Word(Block((ulong)(i / 4), stream, step), i % 4);
            values[i] = (word >> 8) * (1f / (1 << 24));
        }
        return Tensor.From(values, shape);
    }

    /// <summary>As <see cref="Normal"/> into an array.</summary>
    public void FillNormal(string purpose, int step, Span<float> values)
    {
        var stream = Stream(purpose);
        for (var i = 0; i < values.Length; i += 2)
        {
            // Two 53-bit uniforms from one block; the first lies in (0, 1], so that its logarithm is finite.
            var (a, b, c, d) = Block((ulong)(i / 2), stream, step);
            var u = ((((ulong)a << 32 | b) >> 11) + 1) * (1.0 / (1L << 53));
            var v = (((ulong)c << 32 | d) >> 11) * (1.0 / (1L << 53));
            var (radius, angle) = (Math.Sqrt(-2 * Math.Log(u)), 2 * Math.PI * v);
            values[i] = (float)(radius * Math.Cos(angle));
            if (i + 1 < values.Length) values[i + 1] = (float)(radius * Math.Sin(angle));
        }
    }

    /// <summary>Ten rounds over counter (block low, block high, stream, step) with the seed as key.</summary>
    (uint, uint, uint, uint) Block(ulong block, uint stream, int step) =>
        Philox((uint)block, (uint)(block >> 32), stream, (uint)step, (uint)seed, (uint)(seed >> 32));

    internal static (uint, uint, uint, uint) Philox(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (var round = 0; round < 10; round++)
        {
            var (p0, p1) = (0xD2511F53ul * c0, 0xCD9E8D57ul * c2);
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            (k0, k1) = (k0 + 0x9E3779B9u, k1 + 0xBB67AE85u);
        }
        return (c0, c1, c2, c3);
    }

    static uint Word((uint A, uint B, uint C, uint D) block, int index) =>
        index switch { 0 => block.A, 1 => block.B, 2 => block.C, _ => block.D };

    static uint Stream(string purpose) => BitConverter.ToUInt32(SHA256.HashData(Encoding.UTF8.GetBytes(purpose)));
}
