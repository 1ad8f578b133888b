// Euler's method along the flow. Reference: huggingface/diffusers @ 58eb52c, schedulers/scheduling_flow_match_euler_discrete.py.
// Parity: the recorded reference "schedulers". The latents pass through fp32 whatever their type, as in the reference.

using Fabula.Torch;

namespace Fabula.Models;

static class Euler
{
    public static SolverStep Step(SolverState state, Tensor velocity)
    {
        var sigmas = state.Schedule.Sigmas;
        return new SolverStep(state.Latents.Float() + velocity * (sigmas[state.Step + 1] - sigmas[state.Step]), []);
    }
}
