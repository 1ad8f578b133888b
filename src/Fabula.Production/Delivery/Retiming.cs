// From the model's rate to the film's. A model makes 8 or 16 frames in a second, players and editors want 24: a frame is shown again until
// the next one is due, so no picture is invented. Everything that is counted in frames is counted anew, and the timeline, the clips and the
// film then agree to the frame.
using Fabula.Narrative;

namespace Fabula.Production.Delivery;

static class Retiming
{
    /// <summary>So that 3 frames at 8 in a second, which are 0.375 s, begin exactly at the ninth of 24.</summary>
    const double Rounding = 1e-9;

    /// <summary>The film's frame at which a clip's frame is first shown; of a clip's length, the length.</summary>
    public static int Delivered(int frame, double from, int to) => (int)Math.Ceiling(frame * to / from - Rounding);

    /// <summary>The clip's frame that is shown at a frame of the film.</summary>
    public static int Shown(int frame, double from, int to) => (int)Math.Floor(frame * from / to + Rounding);

    /// <summary>24 frames in a second, or the model's own rate where that is higher: nothing it made is left out.</summary>
    public static int Rate(int wanted, double model) => Math.Max(wanted, (int)Math.Ceiling(model - Rounding));

    /// <summary>The plan with its fades and dissolves in frames of the film, and with the film's size.</summary>
    public static FilmPlan Plan(FilmPlan plan, int rate, int width, int height)
    {
        int Length(int frames) => frames == 0 ? 0 : Math.Max(1, (int)(frames * (long)rate / plan.Film.Rate));
        return plan with
        {
            Film = plan.Film with
            {
                Rate = rate,
                Width = width,
                Height = height,
                FadeIn = Length(plan.Film.FadeIn),
                FadeOut = Length(plan.Film.FadeOut),
            },
            Transitions = [.. plan.Transitions.Select(join => join with { Frames = Length(join.Frames) })],
        };
    }
}
