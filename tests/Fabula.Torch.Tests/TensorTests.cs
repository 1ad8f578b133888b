using Fabula.Torch;

namespace Fabula.Torch.Tests;

public class TensorTests
{
    [Fact]
    public void Numbers_go_in_and_come_out_in_row_major_order() => OnTorch.Run(() =>
    {
        var x = Tensor.From(new float[] { 1, 2, 3, 4, 5, 6 }, 2, 3);
        Assert.Equal([2L, 3L], x.Shape);
        Assert.Equal(new float[] { 1, 4, 2, 5, 3, 6 }, x.Transpose(0, 1).ToFloats());
        Assert.Equal(21, x.Sum().Item());
    });

    [Fact]
    public void What_a_scope_does_not_keep_is_freed_when_it_closes() => OnTorch.Run(() =>
    {
        Tensor kept, lost;
        using (var scope = TensorScope.Open())
        {
            var a = Tensor.Ones([4], DType.F32, Device.Cpu);
            lost = a + 1;
            kept = scope.Keep(lost * 2);
        }
        Assert.True(lost.IsDisposed);
        Assert.Equal(4, kept.ToFloats()[0]);
    });

    [Fact]
    public void Keep_moves_one_scope_outwards_at_a_time() => OnTorch.Run(() =>
    {
        Tensor y;
        using (var outer = TensorScope.Open())
        {
            Tensor x;
            using (var inner = TensorScope.Open())
            {
                _ = Tensor.Ones([2], DType.F32, Device.Cpu);
                x = inner.Keep(Tensor.Ones([2], DType.F32, Device.Cpu));
                _ = Tensor.Ones([2], DType.F32, Device.Cpu);
            }
            Assert.False(x.IsDisposed);
            y = x;
        }
        Assert.True(y.IsDisposed);
    });

    [Fact]
    public void A_disposed_tensor_is_refused_by_name() => OnTorch.Run(() =>
    {
        var x = Tensor.Ones([2], DType.F32, Device.Cpu);
        x.Dispose();
        Assert.Throws<ObjectDisposedException>(() => x + 1);
    });

    [Fact]
    public void Errors_of_the_library_arrive_as_one_line() => OnTorch.Run(() =>
    {
        var e = Assert.Throws<TorchException>(() => Tensor.Ones([2, 3], DType.F32, Device.Cpu)
            .Matmul(Tensor.Ones([2, 3], DType.F32, Device.Cpu)));
        Assert.StartsWith("aten::matmul:", e.Message);
        Assert.DoesNotContain("Exception raised from", e.Message);
    });

    [Fact]
    public void An_int_where_a_dtype_belongs_is_refused() => OnTorch.Run(() =>
        Assert.Throws<TorchException>(() => new Op("aten::zeros").Call(new long[] { 2 }, 6)));

    [Fact]
    public void An_unknown_operator_says_so() => OnTorch.Run(() =>
    {
        Assert.False(new Op("aten::no_such_thing").Exists);
        Assert.Contains("no operator aten::no_such_thing", Assert.Throws<TorchException>(() =>
            new Op("aten::no_such_thing").Call()).Message);
    });

    [Fact]
    public void Tensor_work_off_the_tensor_thread_is_refused() =>
        Assert.Throws<InvalidOperationException>(() => Tensor.Ones([1], DType.F32, Device.Cpu));

    [Fact]
    public async Task Work_can_be_awaited_and_its_exceptions_arrive()
    {
        Assert.Equal(3, await LibTorch.RunAsync(() => 3));
        await Assert.ThrowsAsync<FormatException>(() => LibTorch.RunAsync<int>(() => throw new FormatException()));
    }

    [Fact]
    public void The_allocator_counts_live_and_peak_bytes() => OnTorch.Run(() =>
    {
        var before = LibTorch.Memory.Live;
        LibTorch.ResetPeak();
        using (TensorScope.Open())
        {
            _ = Tensor.Zeros([1 << 20], DType.F32, Device.Cpu);
            _ = Tensor.Zeros([1 << 20], DType.F32, Device.Cpu);
            Assert.Equal(before + (8 << 20), LibTorch.Memory.Live);
        }
        Assert.Equal(before, LibTorch.Memory.Live);
        Assert.Equal(before + (8 << 20), LibTorch.Memory.Peak);
        var held = LibTorch.Memory.Held;
        LibTorch.Trim();
        Assert.True(LibTorch.Memory.Held <= held - (8 << 20));
    });

    [Fact]
    public void Lists_longer_than_the_stack_allowance_are_passed_whole() => OnTorch.Run(() =>
    {
        var parts = Enumerable.Range(0, 1000).Select(i => Tensor.From(new[] { (float)i }, 1)).ToArray();
        Assert.Equal(499500, Tensor.Cat(0, parts).Sum().Item());
    });
}
