// `fabula evaluate onestory`: OneStory's benchmark in the drawn world, or, with --write, its cases as data.
using System.CommandLine;
using Fabula.Models;
using Fabula.Training;
using Fabula.Training.Evaluation;
using Fabula.Training.PaperTheatre;

namespace Fabula.Cli.Commands;

static class EvaluateOneStory
{
    const string Columns = "columns", Choice = "choice", Cost = "cost", Words = "words", Image = "picture";

    public static Command Create()
    {
        var model = new Option<string?>("--model") { Description = "A pocket model's folder; models/pocket unless given." };
        var judge = new Option<string?>("--judge")
        {
            Description = "A judge's folder; models/judge unless given. Only the columns need it.",
        };
        var cases = new Option<int>("--cases") { Description = "Cases of each kind.", DefaultValueFactory = _ => 64 };
        var shots = new Option<int>("--shots") { Description = "Shots of a case.", DefaultValueFactory = _ => 6 };
        var seed = new Option<ulong>("--seed")
        {
            Description = "Of the cases; another one than the benchmark's to develop on.",
            DefaultValueFactory = _ => OneStoryCase.Benchmark,
        };
        var only = Several("--only", "What to measure: choice, cost, columns; all unless given.", [Choice, Cost, Columns]);
        var kinds = Several("--from", "Cases from words, or from a picture; both unless given.", [Words, Image]);
        var ways = Several("--with", "Ways to remember, a row each; all unless given.", [.. Ways.Keys]);
        var rows = new Option<string?>("--rows")
        {
            Description = "Instead of --with: a file of rows, each a name, a folder with OneStory's weights (the model's unless given) and "
                + "fields of onestory.json that differ.",
        };
        var plates = new Option<Plates>("--plates")
        {
            Description = "Gives the empty place of every shot, or of the first in each place, and lays people on it as remembered frames "
                + "show them: only looks come from memory, or places that return as well. Every one unless 'first' is said.",
            Arity = ArgumentArity.ZeroOrOne,
            CustomParser = result => result.Tokens is [{ Value: "first" }] ? Plates.First : Plates.Every,
        }.AcceptOnlyFromAmong("every", "first");
        var write = new Option<string?>("--write") { Description = "Only writes the cases into this folder." };
        var output = new Option<string?>("--out")
        {
            Description = "Also write the tables, as a file; a measurement that was stopped goes on from what stands beside it.",
        };
        var threads = new Option<int?>("--threads") { Description = "CPU threads; all cores unless given." };
        var command = new Command("onestory", "OneStory's benchmark on held-out people: 64 stories from words, 64 from a picture.")
        {
            model, judge, cases, shots, seed, only, kinds, ways, rows, plates, write, output, threads,
        };
        command.SetAction(parsed => Outcome.Of(() =>
        {
            if (parsed.GetValue(cases) is < 1 or > 1000) throw new FormatException("--cases is a number from 1 to 1000.");
            if (parsed.GetValue(shots) is < 5 or > 24) throw new FormatException("--shots is a number from 5 to 24.");
            if (parsed.GetValue(threads) is < 1 or > 1024) throw new FormatException("--threads is a number from 1 to 1024.");
            if (parsed.GetValue(write) is { } folder)
            {
                Write(folder, parsed.GetValue(cases), parsed.GetValue(shots), parsed.GetValue(seed));
                return 0;
            }
            var path = parsed.GetValue(model) ?? FilmArguments.Pocket()
                ?? throw new FormatException("There is no pocket model to measure. Name its folder with --model.");
            using var film = FilmModel.Open(path, threads: parsed.GetValue(threads));
            if (film.Facts is not { Width: JudgeConfig.Width, Height: JudgeConfig.Height })
                throw new FormatException($"{film.Facts.Name} was not taught on Paper Theatre: its film.json names no "
                    + $"{JudgeConfig.Width} x {JudgeConfig.Height}.");
            var asked = parsed.GetValue(rows) is { } file ? OneStoryRow.Read(file)
                : [.. parsed.GetValue(ways)!.Select(way => OneStoryRow.Of(Ways[way]))];
            if (!film.Facts.Modes.HasFlag(FilmModes.Story)) asked = [.. asked.Where(row => row.Way != MemoryWay.OneStory)];
            if (asked.Count == 0) throw new FormatException($"{film.Facts.Name} has no OneStory: teach it with fabula train onestory.");
            var measures = new Measures(film, asked, parsed.GetValue(cases), parsed.GetValue(shots), parsed.GetValue(seed),
                parsed.GetValue(output));
            var tables = new List<EvidenceTable>();
            foreach (var what in parsed.GetValue(only)!)
            {
                IReadOnlyList<EvidenceTable> made = what switch
                {
                    Choice => measures.Choices(),
                    Cost => measures.Costs(),
                    _ => [.. parsed.GetValue(kinds)!.SelectMany(kind => measures.Columns(kind == Image, parsed.GetValue(plates),
                        parsed.GetValue(judge) ?? FilmArguments.Shipped("judge")
                            ?? throw new FormatException("The columns need a reader of frames: name one with --judge.")))],
                };
                foreach (var table in made) Console.WriteLine(table.Text());
                tables.AddRange(made);
            }
            if (parsed.GetValue(output) is not { } target) return 0;
            EvidenceTable.Write(target, "OneStory", "fabula " + string.Join(' ', parsed.Tokens.Select(token => token.Value)), tables);
            Console.WriteLine($"Written: {target}");
            return 0;
        }));
        return command;
    }

    static readonly Dictionary<string, MemoryWay> Ways = new()
    {
        ["none"] = MemoryWay.None,
        ["last-frame"] = MemoryWay.LastFrame,
        ["storymem"] = MemoryWay.StoryMem,
        ["onestory"] = MemoryWay.OneStory,
    };

    static Option<string[]> Several(string name, string description, string[] known) => new Option<string[]>(name)
    {
        Description = description,
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => known,
    }.AcceptOnlyFromAmong(known);

    static void Write(string folder, int cases, int shots, ulong seed)
    {
        using var stage = new Stage(JudgeConfig.Width, JudgeConfig.Height);
        foreach (var fromImage in new[] { false, true })
            for (var i = 0; i < cases; i++) OneStoryCase.Draw(i, fromImage, stage, shots, seed).Write(folder, stage);
        Console.WriteLine($"{2 * cases} cases of {shots} shots in {folder}");
    }

    /// <param name="Output">The tables' file; observations are kept beside it.</param>
    sealed record Measures(FilmModel Film, IReadOnlyList<OneStoryRow> Rows, int Cases, int Shots, ulong Seed, string? Output)
    {
        string? Kept => Output is null ? null : Path.ChangeExtension(Output, "jsonl");

        IReadOnlyList<OneStoryRow> Own => [.. Rows.Where(row => row.Way == MemoryWay.OneStory)];

        public IReadOnlyList<EvidenceTable> Choices()
        {
            if (Own.Count == 0) return [];
            using var choices = new OneStoryChoices(Film, Cases, Shots, Seed);
            var seen = Own.Select(row =>
            {
                row.Apply(Film);
                return (row.Name, Observations.Collect(Kept, $"choice {row.Digest(Film)} {Cases} {Shots} {Seed}", 2 * Cases,
                    number => choices.Observe(row, number)));
            }).ToList();
            return [OneStoryChoices.Table(seen, $"What is chosen, {2 * Cases} cases of {Shots} drawn shots")];
        }

        public IReadOnlyList<EvidenceTable> Costs()
        {
            if (Own.Count == 0) return [];
            Own[^1].Apply(Film);
            return [OneStoryCost.Measure(Film)];
        }

        public IReadOnlyList<EvidenceTable> Columns(bool fromImage, Plates plates, string judge)
        {
            using var reader = Judge.Open(judge);
            using var columns = new OneStoryColumns(Film, reader, Cases, fromImage, Shots, plates, Seed);
            return columns.Tables(columns.Collect(Rows, Kept, Judge.DigestOf(judge), Console.Error.WriteLine));
        }
    }
}
