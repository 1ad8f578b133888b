// Flow matching: how noise becomes latents, step by step. Plain functions over an explicit state; nothing is hidden in a solver object,
// so a run may be saved after any step and goes on bit for bit as if it had not been.
//
// The path is x = (1 - sigma) clean + sigma noise; a model predicts the velocity noise - clean, so clean = x - sigma * velocity.
// Papers: "Flow Matching for Generative Modeling" (Lipman et al. 2022); shift: "Scaling Rectified Flow Transformers" (Esser et al. 2024).
// Reference: Wan-Video/Wan2.1 @ 9737cba, wan/utils/fm_solvers_unipc.py and fm_solvers.py; huggingface/diffusers @ 58eb52c,
// schedulers/scheduling_flow_match_euler_discrete.py. Parity: the recorded reference "schedulers". The solvers are in Solvers/.
using System.Globalization;
using Fabula.Torch;

namespace Fabula.Models;

public enum SolverKind
{
    /// <summary>Unified predictor-corrector, B2(h) form: Wan's default.</summary>
    UniPC,
    /// <summary>DPM-Solver++ multistep, midpoint form: Wan's "dpm++".</summary>
    DpmPlusPlus,
    /// <summary>One Euler step at a time.</summary>
    Euler,
}

/// <summary>The noise levels of a run and the timesteps a model is told.</summary>
/// <param name="Order">The solver's highest order: UniPC and DPM++ 1 to 3 (Wan: 2), Euler 1.</param>
/// <param name="Sigmas">Noise levels in fp32, one more than there are steps; the last is 0.</param>
/// <param name="Timesteps">What the model gets at each step, in 0..1000.</param>
public sealed record Schedule(SolverKind Solver, int Order, float[] Sigmas, double[] Timesteps)
{
    const int TrainingSteps = 1000;

    public int Steps => Timesteps.Length;

    /// <summary>Wan's default: levels from 0.999 (not 1) to 0, shifted; timesteps cut to whole numbers.</summary>
    /// <param name="steps">1..1000.</param>
    /// <param name="shift">Above 0; larger values spend more steps at high noise.</param>
    public static Schedule UniPC(int steps, double shift, int order = 2)
    {
        Require(steps, shift, order, 3);
        var highest = (double)(float)(1 - 1.0 / TrainingSteps);
        return WholeTimesteps(SolverKind.UniPC, order, [.. Even(highest, 0, steps + 1).Take(steps).Select(sigma => Shift(sigma, shift))]);
    }

    /// <summary>Wan's "dpm++": levels from exactly 1; timesteps cut to whole numbers.</summary>
    /// <inheritdoc cref="UniPC"/>
    public static Schedule DpmPlusPlus(int steps, double shift, int order = 2)
    {
        Require(steps, shift, order, 3);
        return WholeTimesteps(SolverKind.DpmPlusPlus, order, SamplingSigmas(steps, shift));
    }

    /// <summary>Euler over the same levels as <see cref="DpmPlusPlus"/>; timesteps keep their fractions.</summary>
    /// <inheritdoc cref="UniPC"/>
    public static Schedule Euler(int steps, double shift)
    {
        Require(steps, shift, 1, 1);
        return FractionalTimesteps([.. SamplingSigmas(steps, shift).Select(sigma => (float)sigma)]);
    }

    /// <summary>
    /// Euler as diffusers' FlowMatchEulerDiscreteScheduler does it when it is given only a number of steps: evenly between the ends of
    /// the training levels, which are already shifted, and then shifted again, so that the last step starts well above 0.
    /// </summary>
    /// <inheritdoc cref="UniPC"/>
    public static Schedule EulerDiffusers(int steps, double shift)
    {
        Require(steps, shift, 1, 1);
        var (highest, lowest) = (TrainingSigma(TrainingSteps, (float)shift), TrainingSigma(1, (float)shift));
        return FractionalTimesteps([.. Even((double)highest * TrainingSteps, (double)lowest * TrainingSteps, steps)
            .Select(timestep => (float)Shift(timestep / TrainingSteps, shift))]);
    }

    /// <summary>Levels from 1 towards 0, shifted, without the 0 [fm_solvers.py get_sampling_sigmas].</summary>
    public static double[] SamplingSigmas(int steps, double shift) =>
        [.. Even(1, 0, steps + 1).Take(steps).Select(sigma => Shift(sigma, shift))];

    /// <summary>Moves a noise level in 0..1 towards 1: as a longer video needs, where the same noise hides less.</summary>
    public static double Shift(double sigma, double shift) => shift * sigma / (1 + (shift - 1) * sigma);

    /// <summary>The level of a training timestep in fp32 throughout, as the reference's table has it.</summary>
    static float TrainingSigma(int timestep, float shift)
    {
        var sigma = (float)timestep / TrainingSteps;
        return shift * sigma / (1 + (shift - 1) * sigma);
    }

    static Schedule WholeTimesteps(SolverKind solver, int order, double[] sigmas) =>
        new(solver, order, [.. sigmas.Select(sigma => (float)sigma), 0], [.. sigmas.Select(sigma => Math.Truncate(sigma * TrainingSteps))]);

    static Schedule FractionalTimesteps(float[] sigmas) =>
        new(SolverKind.Euler, 1, [.. sigmas, 0], [.. sigmas.Select(sigma => (double)(sigma * TrainingSteps))]);

    /// <summary>count numbers from one end to the other, both included; the first alone where count is 1.</summary>
    static IEnumerable<double> Even(double from, double to, int count)
    {
        var step = count > 1 ? (to - from) / (count - 1) : 0;
        return Enumerable.Range(0, count).Select(i => i == count - 1 && count > 1 ? to : i * step + from);
    }

    static void Require(int steps, double shift, int order, int highestOrder)
    {
        if (steps is < 1 or > TrainingSteps) throw new ArgumentOutOfRangeException(nameof(steps), steps,
            $"Steps are from 1 to {TrainingSteps}.");
        if (!double.IsFinite(shift) || shift <= 0) throw new ArgumentOutOfRangeException(nameof(shift), shift, "The shift is above 0.");
        if (order < 1 || order > highestOrder)
            throw new ArgumentOutOfRangeException(nameof(order), order, $"The order is from 1 to {highestOrder}.");
    }
}

/// <summary>
/// Everything between two steps. Its tensors are its own: <see cref="Solver.Step"/> takes a state over and gives the next one; dispose of
/// the last.
/// </summary>
public sealed record SolverState : IDisposable
{
    public required Schedule Schedule { get; init; }
    /// <summary>Index of the step that comes next; <see cref="Schedule.Steps"/> when all are done.</summary>
    public required int Step { get; init; }
    /// <summary>Steps taken since the start, which need not have been at step 0: higher orders need that many predictions.</summary>
    public int Taken { get; init; }
    /// <summary>Order of the last prediction, which the corrector repeats (UniPC).</summary>
    public int LastOrder { get; init; }
    /// <summary>The noisy latents, any shape, fp32 or fp64.</summary>
    public required Tensor Latents { get; init; }
    /// <summary>The latest clean predictions, newest last, at most as many as the order; none for Euler.</summary>
    public IReadOnlyList<Tensor> Clean { get; init; } = [];
    /// <summary>The latents that the last prediction started from, after their correction (UniPC).</summary>
    public Tensor? Before { get; init; }

    public bool IsDone => Step == Schedule.Steps;

    /// <summary>What the model is told at the next step.</summary>
    public double Timestep => Schedule.Timesteps[Step];

    /// <summary>The noise level of <see cref="Latents"/>.</summary>
    public float Sigma => Schedule.Sigmas[Step];

    /// <summary>
    /// The same state with other latents of the same shape, for models whose known frames are written back after each step. Takes this
    /// state over.
    /// </summary>
    public SolverState Replace(Tensor latents)
    {
        if (!latents.Shape.AsSpan().SequenceEqual(Latents.Shape))
            throw new ArgumentException(
                $"Latents [{string.Join(", ", latents.Shape)}] cannot replace [{string.Join(", ", Latents.Shape)}].");
        var next = this with { Latents = latents.To(Latents.DType, Latents.Device).Clone().Own() };
        Latents.Dispose();
        return next;
    }

    internal IEnumerable<Tensor> Tensors => Before is null ? [Latents, .. Clean] : [Latents, Before, .. Clean];

    public void Dispose()
    {
        foreach (var tensor in Tensors) tensor.Dispose();
    }

    /// <summary>Writes the whole state, exactly, as a safetensors file; an earlier file stays until the new one is complete.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public void Save(string path) => SolverStateFile.Write(this, path);

    /// <summary>A state from <see cref="Save"/>, in memory of its own.</summary>
    /// <exception cref="CheckpointException">There is no such file, or it is no saved state, or a broken one.</exception>
    public static SolverState Load(string path, Device device) => SolverStateFile.Read(path, device);
}

/// <summary><code>
/// var state = Solver.Start(schedule, noise);
/// while (!state.IsDone) state = Solver.Step(state, model(state.Latents, state.Timestep));
/// </code></summary>
public static class Solver
{
    /// <summary>The state before the first step. Copies the latents.</summary>
    /// <param name="latents">
    /// fp32 or fp64, any shape and device: pure noise, or, to start later, clean latents noised to the level of that step.
    /// </param>
    /// <param name="at">The first step to take.</param>
    public static SolverState Start(Schedule schedule, Tensor latents, int at = 0)
    {
        if (latents.DType is not (DType.F32 or DType.F64)) throw new ArgumentException($"Latents are fp32 or fp64, not {latents.DType}.");
        if (at < 0 || at > schedule.Steps) throw new ArgumentOutOfRangeException(nameof(at), at,
            $"The schedule has {schedule.Steps} steps.");
        return new SolverState { Schedule = schedule, Step = at, Latents = latents.Clone().Own() };
    }

    /// <summary>One step. Takes the state over: it is disposed of and must not be used again.</summary>
    /// <param name="velocity">
    /// The model's answer to <see cref="SolverState.Latents"/> at <see cref="SolverState.Timestep"/>, of their shape.
    /// </param>
    public static SolverState Step(SolverState state, Tensor velocity)
    {
        if (state.IsDone) throw new InvalidOperationException($"All {state.Schedule.Steps} steps are done.");
        if (!velocity.Shape.AsSpan().SequenceEqual(state.Latents.Shape)) throw new ArgumentException(
            $"The velocity is [{string.Join(", ", velocity.Shape)}] where the latents are [{string.Join(", ", state.Latents.Shape)}].");
        using var scope = TensorScope.Open();
        velocity = velocity.To(state.Latents.DType, state.Latents.Device);
        var step = state.Schedule.Solver switch
        {
            SolverKind.UniPC => UniPC.Step(state, velocity),
            SolverKind.DpmPlusPlus => DpmPlusPlus.Step(state, velocity),
            SolverKind.Euler => Euler.Step(state, velocity),
            _ => throw new InvalidOperationException($"There is no solver {state.Schedule.Solver}."),
        };
        var next = state with
        {
            Step = state.Step + 1,
            Taken = state.Taken + 1,
            LastOrder = step.Order,
            Latents = Hold(step.Latents.To(state.Latents.DType)),
            Clean = [.. step.Clean.TakeLast(state.Schedule.Order).Select(Hold)],
            Before = step.Before is null ? null : Hold(step.Before),
        };
        state.Dispose();
        return next;
    }

    /// <summary>A handle of the state's own: a step may return tensors of the state before it.</summary>
    static Tensor Hold(Tensor tensor) => tensor.Share().Own();
}

/// <summary>What a solver made of a state and a velocity; borrowed tensors.</summary>
readonly record struct SolverStep(Tensor Latents, IReadOnlyList<Tensor> Clean, Tensor? Before = null, int Order = 1);

/// <summary>
/// A noise level as the solvers see it: signal 1 - sigma, and half the log signal-to-noise ratio, infinite at both ends. In fp32.
/// </summary>
readonly record struct NoiseLevel(float Sigma)
{
    public float Alpha => 1 - Sigma;
    public float Lambda => MathF.Log(Alpha) - MathF.Log(Sigma);

    /// <summary>e^x - 1 without loss near 0 (Kahan), -1 at minus infinity.</summary>
    public static float Expm1(double x)
    {
        var e = Math.Exp(x);
        return (float)(e == 1 ? x : e - 1 == -1 ? -1 : (e - 1) * x / Math.Log(e));
    }
}

/// <summary>Solver states on disk: the tensors by name, the schedule as two more, the counters as metadata.</summary>
static class SolverStateFile
{
    const string Format = "fabula solver state 1";

    public static void Write(SolverState state, string path)
    {
        using var scope = TensorScope.Open();
        var tensors = new List<TensorData>();
        void Add(string name, Tensor tensor) =>
            tensors.Add(TensorData.From(name, tensor.DType, tensor.Shape, tensor.To(Device.Cpu).Contiguous().Bytes().ToArray()));
        Add("schedule.sigmas", Tensor.From(state.Schedule.Sigmas, state.Schedule.Sigmas.Length));
        Add("schedule.timesteps", Tensor.From(state.Schedule.Timesteps, state.Schedule.Steps));
        Add("latents", state.Latents);
        for (var i = 0; i < state.Clean.Count; i++) Add($"clean.{i}", state.Clean[i]);
        if (state.Before is { } before) Add("before", before);
        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string>
        {
            ["format"] = Format,
            ["solver"] = state.Schedule.Solver.ToString(),
            ["order"] = state.Schedule.Order.ToString(),
            ["step"] = state.Step.ToString(),
            ["taken"] = state.Taken.ToString(),
            ["last_order"] = state.LastOrder.ToString(),
        });
    }

    public static SolverState Read(string path, Device device)
    {
        CheckpointException Fault(string fault) => new(path, null, fault);
        using var scope = TensorScope.Open();
        var checkpoint = Checkpoint.Open(path);
        using var file = Weights.Of(checkpoint, DType.F32, device);
        if (checkpoint.Metadata.GetValueOrDefault("format") != Format) throw Fault($"is no '{Format}'");
        int Number(string key) => int.TryParse(checkpoint.Metadata.GetValueOrDefault(key), NumberStyles.None, null, out var number) ? number
            : throw Fault($"has no whole number as '{key}'");
        if (!Enum.TryParse<SolverKind>(checkpoint.Metadata.GetValueOrDefault("solver"), out var solver) || !Enum.IsDefined(solver))
            throw Fault("names a solver that Fabula does not have");

        Tensor Get(string name, long[] shape) => file.TypeOf(name) is var type and (DType.F32 or DType.F64)
            ? file.Get(name, type, shape).Clone()
            : throw new CheckpointException(path, name, "is neither fp32 nor fp64");
        if (file.TypeOf("schedule.sigmas") != DType.F32 || file.TypeOf("schedule.timesteps") != DType.F64)
            throw Fault("has a schedule of the wrong types");
        var sigmas = Get("schedule.sigmas", file.ShapeOf("schedule.sigmas")).ToArray<float>();
        var schedule = new Schedule(solver, Number("order"), sigmas, Get("schedule.timesteps", [sigmas.Length - 1]).ToArray<double>());
        var (step, taken, lastOrder) = (Number("step"), Number("taken"), Number("last_order"));
        var kept = solver == SolverKind.Euler ? 0 : Math.Min(taken, schedule.Order);
        var before = solver == SolverKind.UniPC && taken > 0;
        if (schedule.Order is < 1 or > 3 || step > schedule.Steps || taken > step || lastOrder > Math.Min(taken, schedule.Order)
            || before && lastOrder == 0 || !sigmas.All(float.IsFinite))
            throw Fault("has a schedule and counters that contradict each other");

        var shape = file.ShapeOf("latents");
        var state = new SolverState
        {
            Schedule = schedule,
            Step = step,
            Taken = taken,
            LastOrder = lastOrder,
            Latents = Get("latents", shape),
            Clean = [.. Enumerable.Range(0, kept).Select(i => Get($"clean.{i}", shape))],
            Before = before ? Get("before", shape) : null,
        };
        file.EnsureAllUsed();
        if (state.Tensors.Any(tensor => tensor.DType != state.Latents.DType)) throw Fault("has tensors of different types");
        foreach (var tensor in state.Tensors) tensor.Own();
        return state;
    }
}
