using System.CommandLine;
using Fabula.Narrative;
using Fabula.Production;

namespace Fabula.Cli.Commands;

/// <summary>`fabula plan FOLDER`: writes plan.json and says what a person should look at.</summary>
static class PlanCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("FOLDER") { Description = "A production: screenplay.fountain and bible.yaml" };
        var again = new Option<bool>("--again") { Description = "Plan from the story though plan.json was edited; keeps seeds and takes" };
        var keyframes = new Option<bool>("--keyframes") { Description = "Make the first frames of all shots, as one sheet to look at" };
        var redo = new Option<string?>("--redo") { Description = "With --keyframes: another seed for the keyframe of this shot" };
        var locked = new Option<string?>("--lock") { Description = "With --keyframes: keep this shot's keyframe as the sheet shows it" };
        var (film, agents) = (FilmArguments.Create(), AgentArguments.Create());
        var command = new Command("plan", "Plans the film: who is seen where and when, in plan.json, to be edited")
        {
            folder, again, keyframes, redo, locked,
        };
        film.AddTo(command);
        agents.AddTo(command);
        command.SetAction(parsed => Outcome.Of(() =>
        {
            var model = parsed.GetValue(film.Model) ?? FilmArguments.Pocket() ?? StandInRenderer.Name;
            var byAgents = agents.Plan(parsed, parsed.GetValue(folder)!, parsed.GetValue(film.Out), parsed.GetValue(again));
            var options = new FilmOptions(model, parsed.GetValue(film.Out), Again: parsed.GetValue(again) && !byAgents);
            if (parsed.GetValue(keyframes))
                return Keyframes(parsed.GetValue(folder)!, film.Options(parsed) with
                {
                    Keyframes = true,
                    Again = options.Again,
                    Redo = parsed.GetValue(redo),
                    Lock = parsed.GetValue(locked),
                });
            if (parsed.GetValue(redo) is not null || parsed.GetValue(locked) is not null)
                throw new FormatException("--redo and --lock go with --keyframes.");
            using var opened = Film.Open(parsed.GetValue(folder)!, options);
            var findings = opened.Findings.Concat(opened.Graph is null ? [] : opened.WordFindings()).ToList();
            foreach (var finding in findings) Console.Error.WriteLine(Outcome.Shown(finding.ToString()));
            ProductionFolder.Write(opened.Documents, opened.Build);
            var plan = opened.Documents.Plan;
            Console.WriteLine($"{Outcome.Shown(plan.Film.Title)}: {plan.Shots.Count} shots in {plan.Scenes.Count} scenes, "
                + $"{plan.Characters.Count} people, {plan.Locations.Count} places; "
                + $"{plan.Transitions.Count(join => join.Method == JoinMethod.Bridge)} bridges. "
                + $"The plan is in {Path.Combine(opened.Root, ProductionFolder.PlanFile)}");
            return opened.Graph is null ? MakeCommand.BadInput : 0;
        }));
        return command;
    }

    /// <summary>The whole film's keyframes, before any clip.</summary>
    static int Keyframes(string folder, FilmOptions options)
    {
        using var opened = Film.Open(folder, options, path => Console.Error.WriteLine($"reading {path} once ..."));
        using var screen = Screen.Create(false, opened);
        screen.Findings(opened.Findings);
        if (opened.Graph is null) return MakeCommand.BadInput;
        return MakeCommand.Run(opened, screen, 1);
    }
}
