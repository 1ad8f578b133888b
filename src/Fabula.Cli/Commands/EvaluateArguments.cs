using System.CommandLine;
using System.Diagnostics;
using Fabula.Models;
using Fabula.Training;
using Fabula.Training.Evaluation;

namespace Fabula.Cli.Commands;

/// <summary>What the subcommands of `evaluate` have in common: which model, which judge, how many stories, where to.</summary>
sealed record EvaluateArguments(Option<string?> Model, Option<string?> Judge, Option<int> Stories, Option<string?> Out,
    Option<int?> Threads)
{
    /// <summary>Of the held-out stories of all tables; another one than any training has.</summary>
    public const ulong Seed = 5;

    public static EvaluateArguments Create(int stories, bool judgeNeeded) => new(
        new("--model") { Description = "A pocket model's folder; models/pocket unless given" },
        new("--judge")
        {
            Description = "A judge's folder (fabula train judge); models/judge unless given"
                + (judgeNeeded ? "" : ". Where there is none only pixels are measured"),
        },
        new("--stories") { Description = "Held-out stories", DefaultValueFactory = _ => stories },
        new("--out") { Description = "Also write the tables into this folder; a measurement that was stopped goes on from there" },
        new("--threads") { Description = "CPU threads; all cores unless given" });

    public void AddTo(Command command, bool file = true)
    {
        foreach (var option in (Option[])[Model, Judge, Stories, Threads]) command.Options.Add(option);
        if (file) command.Options.Add(Out);
    }

    public int Count(ParseResult parsed) => parsed.GetValue(Stories) is >= 1 and <= 10_000 and var count ? count
        : throw new FormatException("--stories is a number from 1 to 10000.");

    public string Folder(ParseResult parsed) => parsed.GetValue(Model) ?? FilmArguments.Pocket()
        ?? throw new FormatException("There is no pocket model to measure. Name its folder with --model.");

    public FilmModel OpenModel(ParseResult parsed) => Open(Folder(parsed), parsed);

    public FilmModel Open(string folder, ParseResult parsed)
    {
        _ = Count(parsed);
        if (parsed.GetValue(Threads) is < 1 or > 1024) throw new FormatException("--threads is a number from 1 to 1024.");
        var film = FilmModel.Open(folder, threads: parsed.GetValue(Threads));
        return film.Facts is { Width: JudgeConfig.Width, Height: JudgeConfig.Height } ? film
            : throw new FormatException($"{film.Facts.Name} was not taught on Paper Theatre: its film.json names no "
                + $"{JudgeConfig.Width} x {JudgeConfig.Height}.");
    }

    string? JudgeFolder(ParseResult parsed) => parsed.GetValue(Judge) ?? FilmArguments.Shipped("judge");

    /// <summary>Null where none is named and none comes with Fabula.</summary>
    public Judge? OpenJudge(ParseResult parsed) => JudgeFolder(parsed) is { } path ? Training.Judge.Open(path) : null;

    /// <exception cref="FormatException">None is named, and none comes with Fabula.</exception>
    public Judge NeedJudge(ParseResult parsed) => OpenJudge(parsed)
        ?? throw new FormatException("There is no judge to read frames. Name its folder with --judge (fabula train judge).");

    /// <summary>Observes story after story, then prints the tables and writes them where that is asked for.</summary>
    /// <param name="of">What the observations depend on beside the judge and the story.</param>
    public void Print<T>(ParseResult parsed, string name, string heading, string of, Func<int, T> observe,
        Func<IReadOnlyList<T>, IReadOnlyList<EvidenceTable>> tables)
    {
        var (folder, count, watch) = (parsed.GetValue(Out), Count(parsed), Stopwatch.StartNew());
        if (folder is not null) Directory.CreateDirectory(folder);
        var judge = JudgeFolder(parsed) is { } path ? Training.Judge.DigestOf(path) : "no judge";
        var made = 0;
        var seen = Observations.Collect(folder is null ? null : Path.Combine(folder, $"{name}.jsonl"), $"{name} {Seed} {of} {judge}", count,
            observe, story => Console.Error.WriteLine($"story {story + 1} of {count}, {watch.Elapsed.TotalSeconds / ++made:0.0} s each"));
        var all = tables(seen);
        foreach (var table in all) Console.WriteLine(table.Text());
        if (folder is null) return;
        EvidenceTable.Write(Path.Combine(folder, $"{name}.md"), heading, $"fabula evaluate {name} --stories {count}", all);
        Console.WriteLine($"Written: {Path.Combine(folder, $"{name}.md")}");
    }
}
