using System.CommandLine;
using Fabula.Narrative;
using Fabula.Production;

namespace Fabula.Cli.Commands;

/// <summary>What `make` and `plan` have in common: which model, where to, and what of the film's settings.</summary>
sealed record FilmArguments(Option<string?> Model, Option<string?> Out, Option<int?> Steps, Option<int?> Seed, Option<string> Device,
    Option<int?> Threads, Option<FilmMethod?> Method)
{
    public static FilmArguments Create() => new(
        new("--model") { Description = "A model folder, or stand-in, which draws without a model; models/pocket unless given" },
        new("--out") { Description = "Where the film goes; out in the production unless given" },
        new("--steps") { Description = "Denoising steps; the model's own number unless given" },
        new("--seed") { Description = "Another seed for the whole film" },
        new("--device") { Description = "cpu, cuda or cuda:N", DefaultValueFactory = _ => "cpu" },
        new("--threads") { Description = "CPU threads; all cores unless given. Belongs to the film: another number, other last bits" },
        new("--method") { Description = "storymem, infinitystory, onestory or moviedreamer; the plan's own unless given" });

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[Model, Out, Steps, Seed, Method, Device, Threads]) command.Options.Add(option);
    }

    public FilmOptions Options(ParseResult parsed)
    {
        if (parsed.GetValue(Steps) is < 1 or > 1000) throw new FormatException("--steps is a number from 1 to 1000.");
        if (parsed.GetValue(Seed) is < 0) throw new FormatException("--seed is a number from 0 on.");
        if (parsed.GetValue(Threads) is < 1 or > 1024) throw new FormatException("--threads is a number from 1 to 1024.");
        return new(parsed.GetValue(Model) ?? Default(), parsed.GetValue(Out), parsed.GetValue(Steps), parsed.GetValue(Seed),
            Method: parsed.GetValue(Method), Device: parsed.GetValue(Device)!, Threads: parsed.GetValue(Threads));
    }

    /// <summary>The pocket models: in $FABULA_MODELS, in ./models, or in models of the repository that this program lies in.</summary>
    public static string? Pocket() => Shipped("pocket");

    /// <summary>The folder of a model that comes with Fabula; null where there is none.</summary>
    public static string? Shipped(string name) => Places().Select(folder => Path.Combine(folder, name))
        .FirstOrDefault(path => File.Exists(Path.Combine(path, "config.json")));

    static string Default() => Pocket() ?? throw new NarrativeException(
        $"There is no model (looked for pocket in {string.Join(", ", Places().Distinct())}). Name a model's folder with --model, or try "
        + "the production without one: --model stand-in");

    static IEnumerable<string> Places()
    {
        if (Environment.GetEnvironmentVariable("FABULA_MODELS") is { Length: > 0 } named) yield return named;
        yield return Path.GetFullPath("models");
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            if (File.Exists(Path.Combine(folder, "Fabula.slnx"))) yield return Path.Combine(folder, "models");
    }
}
