using Fabula.Torch;

namespace Fabula.Training;

/// <summary>
/// The directions in which rows of numbers vary most, by orthogonal iteration on their covariance (Golub and Van Loan, 8.2.4). Rows come
/// in portions; on the tensor thread.
/// </summary>
public sealed class PrincipalComponents(int width) : IDisposable
{
    readonly Tensor _squares = Tensor.Zeros([width, width], DType.F32, Device.Cpu).Own();
    readonly Tensor _sum = Tensor.Zeros([width], DType.F32, Device.Cpu).Own();
    long _count;

    /// <summary>Takes rows [n, width].</summary>
    public void Add(Tensor rows)
    {
        using var scope = TensorScope.Open();
        _squares.Add_(rows.Transpose(0, 1).Matmul(rows));
        _sum.Add_(rows.Sum(0));
        _count += rows.Size(0);
    }

    /// <summary>The mean [width], the first directions [count, width], of length 1, largest first, and the deviation along each.</summary>
    public (Tensor Mean, Tensor Directions, Tensor Deviation) Find(int count, int rounds = 60)
    {
        using var scope = TensorScope.Open();
        var mean = _sum / _count;
        var covariance = _squares / _count - mean.Unsqueeze(1).Matmul(mean.Unsqueeze(0));
        var directions = Orthonormal(new RandomSource(0).Normal("components", 0, count, width));
        var deviation = mean;
        for (var round = 0; round < rounds; round++)
        {
            var turned = directions.Matmul(covariance);
            deviation = turned.Norm(1).Sqrt();
            directions = Orthonormal(turned);
        }
        return (scope.Keep(mean), scope.Keep(directions), scope.Keep(deviation));
    }

    /// <summary>
    /// As <see cref="Find"/>, of rows [n, width] that are all there, by the same iteration without ever forming the covariance, for rows
    /// that are wider than they are many.
    /// </summary>
    public static (Tensor Mean, Tensor Directions, Tensor Deviation) Of(Tensor rows, int count, int rounds = 12)
    {
        using var scope = TensorScope.Open();
        var mean = rows.Mean(0);
        var centred = rows - mean.Unsqueeze(0);
        var directions = Orthonormal(new RandomSource(0).Normal("components", 0, count, rows.Size(1)));
        var deviation = mean;
        for (var round = 0; round < rounds; round++)
        {
            using var inner = TensorScope.Open();
            var along = centred.Matmul(directions.Transpose(0, 1));                              // [n, count]
            var turned = along.Transpose(0, 1).Matmul(centred) / rows.Size(0);                   // [count, width]
            (deviation, directions) = (inner.Keep(turned.Norm(1).Sqrt()), inner.Keep(Orthonormal(turned)));
        }
        return (scope.Keep(mean), scope.Keep(directions), scope.Keep(deviation));
    }

    /// <summary>Gram and Schmidt, in double, in the order of the rows.</summary>
    static Tensor Orthonormal(Tensor rows)
    {
        var (count, width) = ((int)rows.Size(0), (int)rows.Size(1));
        var values = rows.ToFloats().Select(value => (double)value).ToArray();
        for (var i = 0; i < count; i++)
        {
            var row = values.AsSpan(i * width, width);
            for (var j = 0; j < i; j++)
            {
                var other = values.AsSpan(j * width, width);
                var dot = 0.0;
                for (var k = 0; k < width; k++) dot += row[k] * other[k];
                for (var k = 0; k < width; k++) row[k] -= dot * other[k];
            }
            var length = 0.0;
            foreach (var value in row) length += value * value;
            length = Math.Max(Math.Sqrt(length), 1e-30);
            for (var k = 0; k < width; k++) row[k] /= length;
        }
        return Tensor.From([.. values.Select(value => (float)value)], count, width);
    }

    public void Dispose()
    {
        _squares.Dispose();
        _sum.Dispose();
    }
}
