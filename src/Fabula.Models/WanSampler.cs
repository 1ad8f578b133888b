// From noise to latents: the denoising loop over one transformer or two experts, with classifier-free guidance.
//
// References: Wan-Video/Wan2.2 @ 42bf4cf wan/text2video.py, image2video.py (two experts and their boundary), textimage2video.py (a known
// first latent frame at timestep 0). Parity: tests/Fabula.Models.Tests/GoldenTests.cs.
//
// Shapes: C latent channels; F latent frames, remembered ones included; h, w latent rows and columns.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>A transformer and how strongly it follows the prompt: velocity = negative + Guidance (positive - negative).</summary>
public sealed record WanExpert(WanTransformer Model, double Guidance);

/// <summary>One shot to be sampled. Tensors are borrowed.</summary>
public sealed record WanShot
{
    public required Schedule Schedule { get; init; }
    /// <summary>[1, C, F, h, w] fp32.</summary>
    public required Tensor Noise { get; init; }
    /// <summary>The text encoder's rows of the prompt and of the negative prompt, [n, TextDim] each.</summary>
    public required Tensor Prompt { get; init; }
    public required Tensor NegativePrompt { get; init; }
    /// <summary>From <see cref="Conditioning.Encode"/>, for models that take it; joined after the noisy channels.</summary>
    public Tensor? Condition { get; init; }
    /// <summary>CLIP tokens, for 2.1 image models: [1, 257, ClipDim], first-last-frame models [2, 257, ClipDim].</summary>
    public Tensor? Clip { get; init; }
    /// <summary>TI2V: the encoded first frame [1, C, 1, h, w], kept clean at timestep 0.</summary>
    public Tensor? FirstLatent { get; init; }
    /// <summary>Temporal positions of the F frames; 0, 1, 2... unless given (<see cref="Conditioning.Positions"/>).</summary>
    public IReadOnlyList<double>? Positions { get; init; }
    /// <summary>How many of the F frames are remembered ones, which stand first.</summary>
    public int Memory { get; init; }
    /// <summary>
    /// velocity = dropped + MemoryGuidance (remembering - dropped) over the shot's own frames, where dropped is the same shot, same words,
    /// without its remembered frames; 1 spends no pass on it. Needs <see cref="Condition"/>.
    /// </summary>
    public double MemoryGuidance { get; init; } = 1;
    /// <summary>How much more of drafts is kept than the model would (<see cref="WanTransformer.Forward"/>).</summary>
    public double DraftTrust { get; init; }
    /// <summary>Remembered frames as tokens (<see cref="AdaptiveConditioner"/>), for the one model that they were made for.</summary>
    public WanContext? Context { get; init; }
}

/// <summary>The two guidance halves of one step, for comparison with a reference.</summary>
public sealed record WanStep(SolverState Before, Tensor Positive, Tensor Negative);

/// <summary>The loop. Models are borrowed.</summary>
/// <param name="low">The only expert, or the one for timesteps below the boundary.</param>
/// <param name="high">The expert for the first, noisy steps; null for models with one.</param>
/// <param name="boundary">Where they change, as a share of 1000.</param>
public sealed class WanSampler(WanExpert low, WanExpert? high = null, double boundary = 0)
{
    /// <summary>
    /// Takes all steps, yielding the state after each: save it at will (<see cref="SolverState.Save"/>), and give it back as
    /// <paramref name="resume"/> to go on to the same bits. A yielded state belongs to the loop, which disposes of it when it is left
    /// early; the last is the caller's to dispose of.
    /// </summary>
    /// <param name="observe">Is shown each step's two halves.</param>
    public IEnumerable<SolverState> Sample(WanShot shot, SolverState? resume = null, Action<WanStep>? observe = null)
    {
        var model = low.Model;
        if (shot.Context is not null && high is not null)
            throw new ArgumentException("Context tokens belong to one model; this one has two experts.");
        var (frames, rows, columns) = ((int)shot.Noise.Size(2), (int)shot.Noise.Size(3) / model.Config.Patch.H,
            (int)shot.Noise.Size(4) / model.Config.Patch.W);
        var positions = shot.Positions ?? [.. Enumerable.Range(0, frames).Select(f => (double)f)];
        if (positions.Count != frames) throw new ArgumentException($"{positions.Count} positions are given for {frames} latent frames.");
        using var rotation = model.Rotate(positions, rows, columns);
        using var alone = shot is { Memory: > 0, MemoryGuidance: not 1, Condition: not null }
            ? model.Rotate([.. positions.Skip(shot.Memory)], rows, columns) : null;
        var state = resume ?? Solver.Start(shot.Schedule, KeepFirst(shot.Noise, shot.FirstLatent));
        WanExpert? current = null;
        WanPrompt? positive = null, negative = null;
        var done = false;
        try
        {
            while (!state.IsDone)
            {
                var expert = high is not null && state.Timestep >= boundary * 1000 ? high : low;
                if (expert != current)
                {
                    positive?.Dispose();
                    negative?.Dispose();
                    (current, positive, negative) = (expert, expert.Model.Prepare([shot.Prompt], shot.Clip),
                        expert.Model.Prepare([shot.NegativePrompt], shot.Clip));
                }
                using (var scope = TensorScope.Open())
                {
                    var time = shot.FirstLatent is null ? WanTime.Of(state.Timestep) : KnownFirst(state.Timestep, frames, rows * columns);
                    using var modulation = expert.Model.Modulate(time);                          // once for both halves
                    var input = shot.Condition is null ? state.Latents : Tensor.Cat(1, state.Latents, shot.Condition);
                    Tensor Answer(Tensor latents, WanPrompt prompt, WanRotation at, WanContext? context) =>
                        expert.Model.Forward(latents, modulation, prompt, at, context: context, draftTrust: shot.DraftTrust);
                    var with = Answer(input, positive!, rotation, shot.Context);                 // [1, C, F, h, w]
                    var velocity = with;
                    if (expert.Guidance != 1 || observe is not null)
                    {
                        var without = Answer(input, negative!, rotation, shot.Context);
                        observe?.Invoke(new WanStep(state, with, without));
                        velocity = without + (with - without) * expert.Guidance;
                    }
                    if (alone is not null)
                    {
                        var own = input.Narrow(2, shot.Memory, frames - shot.Memory);
                        var dropped = Answer(own, positive!, alone, null);
                        velocity += BeyondMemory(with, dropped, shot.Memory) * (shot.MemoryGuidance - 1);
                    }
                    RequireFinite(velocity, state);
                    state = Solver.Step(state, velocity);
                    if (shot.FirstLatent is not null) state = state.Replace(KeepFirst(state.Latents, shot.FirstLatent));
                }
                yield return state;
            }
            done = true;
        }
        finally
        {
            if (!done) state.Dispose();
            positive?.Dispose();
            negative?.Dispose();
            // a failure, or a caller who asks for no more
            if (!state.IsDone) state.Dispose();
        }
    }

    static Tensor KeepFirst(Tensor latents, Tensor? first) =>
        first is null ? latents : Tensor.Cat(2, first.To(latents.DType, latents.Device), latents.Narrow(2, 1, latents.Size(2) - 1));

    /// <summary>What memory changed: the difference over the shot's own frames, 0 over the remembered ones. [1, C, F, h, w].</summary>
    static Tensor BeyondMemory(Tensor with, Tensor dropped, int memory)
    {
        var own = with.Narrow(2, memory, with.Size(2) - memory) - dropped;
        return Tensor.Cat(2, with.Narrow(2, 0, memory) * 0, own);
    }

    /// <summary>Timestep 0 for the tokens of the first latent frame, t for the others.</summary>
    static WanTime KnownFirst(double timestep, int frames, int tokensPerFrame) =>
        new([0, timestep], [.. Enumerable.Range(0, frames * tokensPerFrame).Select(i => i < tokensPerFrame ? 0L : 1L)]);

    static void RequireFinite(Tensor velocity, SolverState state)
    {
        if (velocity.AllFinite()) return;
        throw new InvalidOperationException(
            $"The model's answer at step {state.Step + 1} of {state.Schedule.Steps} is not finite; "
            + "`fabula models inspect --check` finds a broken weight.");
    }
}
