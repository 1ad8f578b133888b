using Fabula.Torch;

namespace Fabula.Models.Tests;

public sealed class FlowMatchingTests : IDisposable
{
    readonly string _file = Path.Combine(Path.GetTempPath(), $"fabula-{Guid.NewGuid():N}.safetensors");

    public static TheoryData<string> Schedules => ["unipc 8 5 2", "unipc 6 3 3", "unipc 1 1 2", "unipc 7 5 1", "dpm 8 5 2", "dpm 9 3 3",
        "dpm 16 12 3", "euler 5 3", "diffusers 5 3"];

    static Schedule Make(string text)
    {
        var words = text.Split(' ');
        var (steps, shift, order) = (int.Parse(words[1]), double.Parse(words[2]), words.Length > 3 ? int.Parse(words[3]) : 1);
        return words[0] switch
        {
            "unipc" => Schedule.UniPC(steps, shift, order),
            "dpm" => Schedule.DpmPlusPlus(steps, shift, order),
            "euler" => Schedule.Euler(steps, shift),
            _ => Schedule.EulerDiffusers(steps, shift),
        };
    }

    [Theory, MemberData(nameof(Schedules))]
    public void A_run_that_is_saved_after_any_step_and_resumed_ends_in_the_same_bits(string text) => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        var schedule = Make(text);
        foreach (var type in new[] { DType.F32, DType.F64 })
        {
            var noise = new RandomSource(7).Normal("noise", 0, 2, 3, 4).To(type);
            byte[] Run(int savedAt)
            {
                var state = Solver.Start(schedule, noise);
                for (var step = 0; ; step++)
                {
                    if (step == savedAt)
                    {
                        state.Save(_file);
                        state.Dispose();
                        state = SolverState.Load(_file, Device.Cpu);
                    }
                    if (state.IsDone) break;
                    state = Solver.Step(state, (state.Latents * (1 + state.Timestep / 500)).Sin());
                }
                var bytes = state.Latents.Bytes().ToArray();
                state.Dispose();
                return bytes;
            }
            var whole = Run(savedAt: -1);
            for (var step = 0; step <= schedule.Steps; step++) Assert.Equal(whole, Run(step));
        }
    });

    [Theory, MemberData(nameof(Schedules))]
    public void A_straight_path_is_followed_to_its_end_by_every_solver(string text) => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        var (schedule, random) = (Make(text), new RandomSource(1));
        var (clean, noise) = (random.Normal("clean", 0, 5, 6), random.Normal("noise", 0, 5, 6));
        foreach (var at in new[] { 0, schedule.Steps / 2 })
        {
            var state = Solver.Start(schedule, clean * (1 - (double)schedule.Sigmas[at]) + noise * schedule.Sigmas[at], at);
            while (!state.IsDone) state = Solver.Step(state, noise - clean);
            Assert.True((state.Latents - clean).Abs().Max().Item() < 2e-5);
            state.Dispose();
        }
    });

    [Theory]
    [InlineData("unipc 6 5 2", 0, new[] { 1, 2, 2, 2, 2, 1 })]
    [InlineData("unipc 6 5 3", 0, new[] { 1, 2, 3, 3, 2, 1 })]
    [InlineData("unipc 6 5 3", 2, new[] { 1, 2, 2, 1 })]
    [InlineData("dpm 6 5 2", 0, new[] { 1, 2, 2, 2, 2, 1 })]
    [InlineData("dpm 6 5 3", 0, new[] { 1, 2, 3, 3, 2, 1 })]
    [InlineData("euler 3 5", 0, new[] { 1, 1, 1 })]
    public void The_order_rises_with_the_predictions_at_hand_and_falls_at_the_end(string text, int at, int[] orders) => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        var state = Solver.Start(Make(text), Tensor.Ones([2], DType.F32, Device.Cpu), at);
        foreach (var order in orders)
        {
            state = Solver.Step(state, state.Latents * 0.5);
            Assert.Equal(order, state.LastOrder);
        }
        Assert.True(state.IsDone);
        Assert.Throws<InvalidOperationException>(() => Solver.Step(state, state.Latents));
        state.Dispose();
    });

    [Fact]
    public void Higher_orders_come_closer_to_the_true_path() => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        // dx/dsigma = x has the solution x(0) = x(1) / e.
        double Error(Schedule schedule)
        {
            var state = Solver.Start(schedule, Tensor.Full([1], schedule.Sigmas[0] == 1 ? 1 : Math.Exp(schedule.Sigmas[0] - 1), DType.F64,
                Device.Cpu));
            while (!state.IsDone) state = Solver.Step(state, state.Latents);
            var error = Math.Abs(state.Latents.Item() - Math.Exp(-1));
            state.Dispose();
            return error;
        }
        Assert.True(Error(Schedule.UniPC(20, 1)) < Error(Schedule.Euler(20, 1)) / 5);
        Assert.True(Error(Schedule.DpmPlusPlus(20, 1)) < Error(Schedule.Euler(20, 1)) / 3);
    });

    [Fact]
    public void Known_frames_can_be_written_back_between_steps() => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        var state = Solver.Start(Schedule.UniPC(3, 5), Tensor.Ones([2, 2], DType.F32, Device.Cpu));
        state = Solver.Step(state, state.Latents);
        state = state.Replace(Tensor.Zeros([2, 2], DType.F32, Device.Cpu));
        Assert.Equal(0, state.Latents.Abs().Max().Item());
        Assert.Throws<ArgumentException>(() => state.Replace(Tensor.Zeros([2, 3], DType.F32, Device.Cpu)));
        state.Dispose();
    });

    [Fact]
    public void A_run_leaves_no_tensor_behind() => LibTorch.Run(() =>
    {
        using (TensorScope.Open()) new RandomSource(0).Normal("warm", 0, 1).Dispose();
        var (live, finalized) = (LibTorch.Memory.Live, Tensor.Finalized);
        var noise = new RandomSource(0).Normal("noise", 0, 64, 64).Own();
        foreach (var text in Schedules)
        {
            var state = Solver.Start(Make(text), noise);
            while (!state.IsDone)
            {
                using var scope = TensorScope.Open();
                state = Solver.Step(state, state.Latents * 0.1);
            }
            state.Save(_file);
            state.Dispose();
            SolverState.Load(_file, Device.Cpu).Dispose();
        }
        noise.Dispose();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal((live, finalized), (LibTorch.Memory.Live, Tensor.Finalized));
    });

    [Theory]
    [InlineData("step", "9")]
    [InlineData("step", "-1")]
    [InlineData("taken", "3")]
    [InlineData("last_order", "0")]
    [InlineData("last_order", "3")]
    [InlineData("order", "9")]
    [InlineData("solver", "Magic")]
    [InlineData("solver", "Euler")]
    [InlineData("format", "another")]
    public void A_state_that_contradicts_itself_is_refused(string key, string value) => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        var state = Solver.Start(Schedule.UniPC(4, 5), Tensor.Ones([3], DType.F32, Device.Cpu));
        for (var i = 0; i < 2; i++) state = Solver.Step(state, state.Latents);
        state.Save(_file);
        state.Dispose();
        using (var checkpoint = Checkpoint.Open(_file))
        using (var weights = Weights.Of(Checkpoint.Open(_file), DType.F32, Device.Cpu))
        {
            var tensors = weights.Names.Select(name => TensorData.From(name, weights.TypeOf(name), weights.ShapeOf(name),
                weights.Get(name, weights.TypeOf(name), weights.ShapeOf(name)).Bytes().ToArray())).ToList();
            SafetensorsWriter.Write(_file, tensors, new Dictionary<string, string>(checkpoint.Metadata) { [key] = value });
        }
        Assert.Contains(_file, Assert.Throws<CheckpointException>(() => SolverState.Load(_file, Device.Cpu)).Message,
            StringComparison.Ordinal);
    });

    [Fact]
    public void A_state_file_cut_short_or_absent_is_refused() => LibTorch.Run(() =>
    {
        Assert.Throws<CheckpointException>(() => SolverState.Load(_file, Device.Cpu));
        using var scope = TensorScope.Open();
        using (var state = Solver.Start(Schedule.UniPC(4, 5), Tensor.Ones([3], DType.F32, Device.Cpu))) state.Save(_file);
        var bytes = File.ReadAllBytes(_file);
        for (var length = 0; length < bytes.Length; length += 7)
        {
            File.WriteAllBytes(_file, bytes[..length]);
            Assert.Throws<CheckpointException>(() => SolverState.Load(_file, Device.Cpu));
        }
    });

    [Theory]
    [InlineData(0, 5.0, 2)]
    [InlineData(1001, 5.0, 2)]
    [InlineData(5, 0.0, 2)]
    [InlineData(5, double.NaN, 2)]
    [InlineData(5, 5.0, 4)]
    public void Senseless_schedules_are_refused(int steps, double shift, int order) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Schedule.UniPC(steps, shift, order));

    [Fact]
    public void Latents_and_velocities_that_do_not_fit_are_refused() => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        var schedule = Schedule.Euler(2, 1);
        Assert.Throws<ArgumentException>(() => Solver.Start(schedule, Tensor.Ones([2], DType.BF16, Device.Cpu)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Solver.Start(schedule, Tensor.Ones([2], DType.F32, Device.Cpu), at: 3));
        using var state = Solver.Start(schedule, Tensor.Ones([2], DType.F32, Device.Cpu));
        Assert.Throws<ArgumentException>(() => Solver.Step(state, Tensor.Ones([1, 2], DType.F32, Device.Cpu)));
    });

    public void Dispose() => File.Delete(_file);
}
