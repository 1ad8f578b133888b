// A plan as one model can make it: its size, its rate, the joins that it cannot do as cuts. The plan on disk stays as it is; whoever names
// another model gets another film from the same plan.
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production;

public static class PlanFit
{
    /// <summary>The plan for this model, and what was changed or cannot be. An error says that the model cannot make the film.</summary>
    public static (FilmPlan Plan, IReadOnlyList<Finding> Findings) To(FilmPlan plan, FilmFacts facts)
    {
        var findings = new List<Finding>();
        plan = Size(plan, facts, findings);
        if (!facts.Modes.HasFlag(FilmModes.Text))
            findings.Add(Finding.Error("model", $"{facts.Name} begins every shot with a given picture, and nothing here draws one.",
                "Name a model that makes shots from words, such as Wan T2V, or TI2V."));
        // What a model that takes empty places as background was taught for.
        if (plan.Film.Method is null && facts.Modes.HasFlag(FilmModes.Background))
            plan = plan with { Film = plan.Film with { Method = FilmMethod.InfinityStory } };
        if (plan.Film.Method == FilmMethod.OneStory && !facts.Modes.HasFlag(FilmModes.Story))
            findings.Add(Finding.Error("film.method", $"{facts.Name} has no weights of OneStory.",
                "Choose another --method, or teach it (fabula train onestory) and put the run's files into its folder "
                    + $"{StoryFolder.Name}/."));
        if (plan.Film.Method is FilmMethod.StoryMem or FilmMethod.OneStory) plan = WithoutBridges(plan);
        if (plan.Film.Method == FilmMethod.MovieDreamer && !facts.Modes.HasFlag(FilmModes.Keyframes | FilmModes.First))
            findings.Add(Finding.Error("film.method", $"{facts.Name} cannot tell keyframes from a script and begin its shots with them.",
                $"Name a model with a {KeyframeModel.FolderName} folder (fabula train tokenizer, planner), or another method."));
        var bridges = plan.Transitions.Count(join => join.Method == JoinMethod.Bridge);
        if (bridges > 0 && !facts.Modes.HasFlag(FilmModes.First | FilmModes.Last))
        {
            findings.Add(Finding.Warning("model", $"{facts.Name} cannot end a shot with a given frame: {bridges} bridges become cuts.",
                "Name a first-last-frame or memory model to have them."));
            plan = WithoutBridges(plan);
        }
        var continued = plan.Shots.Count(shot => !shot.Cut);
        if (continued > 0 && !facts.Modes.HasFlag(FilmModes.First))
        {
            findings.Add(Finding.Warning("model",
                $"{facts.Name} cannot begin a shot with a given frame: {continued} shots that go on from another begin anew.",
                "Name an image or memory model to have them go on."));
            plan = plan with
            {
                Shots = [.. plan.Shots.Select(shot => shot with { Cut = true })],
                Transitions = [.. plan.Transitions.Select(join => join.Method == JoinMethod.Continue
                    ? join with { Method = JoinMethod.Cut } : join)],
            };
        }
        var remembering = plan.Shots.Count(shot => shot.Method == ShotMethod.Memory);
        if (remembering > 0 && plan.Film.Method != FilmMethod.OneStory && (!facts.Modes.HasFlag(FilmModes.Memory) || facts.MostMemory == 0))
            findings.Add(Finding.Warning("model", $"{facts.Name} remembers nothing: {remembering} shots are made from their words alone.",
                "Name a memory model to keep people and places the same."));
        return (plan, findings);
    }

    static FilmPlan WithoutBridges(FilmPlan plan) => plan with
    {
        Transitions = [.. plan.Transitions.Select(join => join.Method != JoinMethod.Bridge ? join
            : join with { Method = JoinMethod.Cut, Frames = 0, Prompt = null, Seed = null })],
    };

    static FilmPlan Size(FilmPlan plan, FilmFacts facts, List<Finding> findings)
    {
        var (width, height, rate) = (facts.Width ?? plan.Film.Width, facts.Height ?? plan.Film.Height, facts.Rate ?? plan.Film.Rate);
        if (width % facts.SideMultiple != 0 || height % facts.SideMultiple != 0)
            findings.Add(Finding.Error("film", $"{facts.Name} makes pictures whose sides are multiples of {facts.SideMultiple}, "
                + $"not {width} x {height}.", $"Write {Near(width, facts.SideMultiple)} x {Near(height, facts.SideMultiple)}."));
        if ((width, height) != (plan.Film.Width, plan.Film.Height))
            findings.Add(Finding.Warning("film", $"{facts.Name} makes {width} x {height}, not {plan.Film.Width} x {plan.Film.Height}.",
                "The film is scaled to a size that people watch."));
        var before = plan.Film.Rate;
        int Frames(int frames) => (int)Math.Round((double)frames * rate / before);
        int Length(int frames) => Limited(rate == before ? frames : Math.Max(5, (Frames(frames) + 1) / 4 * 4 + 1));
        // Longer shots go on from their own last frame, which not every model can.
        int Limited(int frames) => facts.Modes.HasFlag(FilmModes.First) ? frames : Math.Min(frames, facts.Frames);
        var shots = plan.Shots.Select(shot => shot with { Frames = Length(shot.Frames) }).ToList();
        var cut = shots.Zip(plan.Shots).Count(pair => pair.First.Frames < pair.Second.Frames * (long)rate / before - 4);
        if (cut > 0)
            findings.Add(Finding.Warning("film", $"{cut} shots are longer than the {facts.Frames} frames that {facts.Name} makes, "
                + "and are cut to it.", "Make them shorter in the screenplay."));
        var length = shots.ToDictionary(shot => shot.Id, shot => shot.Frames);
        return plan with
        {
            Film = plan.Film with
            {
                Width = width,
                Height = height,
                Rate = rate,
                FadeIn = Frames(plan.Film.FadeIn),
                FadeOut = Frames(plan.Film.FadeOut),
            },
            Shots = shots,
            Transitions = [.. plan.Transitions.Select(join => join with
            {
                Frames = join.Method switch
                {
                    JoinMethod.Bridge => Math.Min(Length(join.Frames), facts.Frames),
                    JoinMethod.Dissolve or JoinMethod.Fade =>
                        Math.Clamp(Frames(join.Frames), 1, Math.Min(length[join.From], length[join.To]) / 2),
                    _ => 0,
                },
            })],
        };
    }

    static int Near(int side, int multiple) => Math.Max(multiple, (side + multiple / 2) / multiple * multiple);
}
