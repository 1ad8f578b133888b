// The benchmark's columns for rows of ways to remember, and how alike a character stays with the distance of two shots. A case counts once
// in every cell, by the mean of its values there; intervals are over cases.
using System.Globalization;
using Fabula.Models;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <param name="cases">How many; the paper has 64 of each kind.</param>
/// <param name="fromImage">Cases that begin with a given picture.</param>
/// <param name="shots">Shots of a case; the paper has 6.</param>
/// <param name="plates">The empty place is given for every shot, and people are laid on it as remembered frames show them.</param>
public sealed class OneStoryColumns(FilmModel model, Judge judge, int cases, bool fromImage, int shots, bool plates,
    ulong seed = OneStoryCase.Benchmark) : IDisposable
{
    public const string Drawn = "drawn";

    readonly Stage _stage = new(JudgeConfig.Width, JudgeConfig.Height);
    readonly Dictionary<int, (OneStoryCase Story, IReadOnlyList<IReadOnlyList<byte[]>> Drawn)> _cases = [];
    readonly PersonMatte? _matte = plates ? PersonMatte.Open(model.Folder) : null;
    OneStoryFilms Films => field ??= new(model, _stage, _matte is null ? null : _matte.Of);

    /// <summary>What is seen of a case: how every row of a table made it.</summary>
    public OneStoryMarks Observe(OneStoryRow? row, int number)
    {
        var (story, drawn) = Case(number);
        return OneStoryMarks.Of(story, row is null ? drawn : Films.Make(story, row.Way, (ulong)(1000 * number)), drawn, judge);
    }

    /// <summary>The case and its drawn shots; the last few are kept, since all rows see the same ones.</summary>
    (OneStoryCase Story, IReadOnlyList<IReadOnlyList<byte[]>> Drawn) Case(int number)
    {
        if (_cases.TryGetValue(number, out var known)) return known;
        var story = OneStoryCase.Draw(number, fromImage, _stage, shots, seed);
        if (_cases.Count >= 4) _cases.Clear();
        return _cases[number] = (story, Films.Drawn(story));
    }

    /// <summary>Observes all rows of all cases, drawn ones first.</summary>
    /// <param name="file">Where observations are kept, or null.</param>
    public IReadOnlyList<(string Name, IReadOnlyList<OneStoryMarks> Seen)> Collect(IReadOnlyList<OneStoryRow> rows, string? file,
        string judged, Action<string> say)
    {
        var of = $"{model.Digest} {judged} {(fromImage ? "image" : "text")} {shots} {plates} {seed}";
        return [.. rows.Prepend(null).Select(row =>
        {
            row?.Apply(model);
            var (name, watch, made) = (row?.Name ?? Drawn, System.Diagnostics.Stopwatch.StartNew(), 0);
            return (name, Observations.Collect(file, $"{row?.Digest(model) ?? Drawn} {of}", cases, number => Observe(row, number),
                number => say(string.Create(CultureInfo.InvariantCulture,
                    $"{name}, case {number + 1} of {cases}, {watch.Elapsed.TotalSeconds / ++made:0.0} s each"))));
        })];
    }

    public IReadOnlyList<EvidenceTable> Tables(IReadOnlyList<(string Name, IReadOnlyList<OneStoryMarks> Seen)> rows)
    {
        var given = (fromImage ? "From a first picture and words" : "From words") + $", {cases} cases of {shots} shots"
            + (plates ? ", the empty place given" : "");
        var first = rows.First(row => row.Name != Drawn);
        var columns = new EvidenceTable(given,
            ["", "characters", "environment", "mean", "words", "subject", "background", "mean", "sharpness", "moves",
                $"characters, against {first.Name}", $"environment, against {first.Name}"],
            [.. rows.Select(row => (string[])
            [
                row.Name, Cell(row.Seen, People), Cell(row.Seen, Places), Middle(row.Seen, People, Places),
                Cell(row.Seen, marks => marks.Words), Cell(row.Seen, marks => marks.Subject), Cell(row.Seen, marks => marks.Background),
                Middle(row.Seen, marks => marks.Subject, marks => marks.Background), Cell(row.Seen, marks => marks.Sharpness),
                Cell(row.Seen, marks => marks.Moves), Against(row, first, People), Against(row, first, Places),
            ])],
            ["Means of cases with 95 % intervals; differences are paired by case.",
                "Pocket features (the judge's), not the paper's judges: see src/Fabula.Training/Evaluation/OneStoryMarks.cs."]);
        var controls = new EvidenceTable($"{given}: how alike what is not the same is", ["", "other people", "other places"],
            [.. rows.Select(row => (string[])[row.Name, Cell(row.Seen, marks => marks.OtherPeople),
                Cell(row.Seen, marks => marks.OtherPlaces)])], ["Of people, those cases that have two and show both."]);
        int[] apart = [.. Enumerable.Range(1, shots - 1)];
        var distance = new EvidenceTable($"{given}: how alike a character is, by how many shots two shots are apart",
            ["", .. apart.Select(count => $"{count}")],
            [.. rows.Select(row => (string[])[row.Name, .. apart.Select(count => Cell(row.Seen, marks => marks.ByDistance
                .Where(pair => pair.Apart == count).Select(pair => pair.Alike)))])],
            ["A character who is not seen is like nothing: 0."]);
        return [columns, controls, distance];
    }

    static IEnumerable<double> People(OneStoryMarks marks) => marks.ByDistance.Select(pair => pair.Alike);
    static IEnumerable<double> Places(OneStoryMarks marks) => marks.Environment;

    static double? Mean(OneStoryMarks marks, Func<OneStoryMarks, IEnumerable<double>> column)
    {
        var values = column(marks).ToList();
        return values.Count == 0 ? null : values.Average();
    }

    static Interval Over(IEnumerable<OneStoryMarks> seen, Func<OneStoryMarks, IEnumerable<double>> column) =>
        Interval.OfMean([.. seen.Select(marks => Mean(marks, column)).OfType<double>()]);

    static string Cell(IReadOnlyList<OneStoryMarks> seen, Func<OneStoryMarks, IEnumerable<double>> column) => Text(Over(seen, column));

    static string Middle(IReadOnlyList<OneStoryMarks> seen, Func<OneStoryMarks, IEnumerable<double>> one,
        Func<OneStoryMarks, IEnumerable<double>> two) =>
        ((Over(seen, one).Mean + Over(seen, two).Mean) / 2).ToString("0.000", CultureInfo.InvariantCulture);

    static string Against((string Name, IReadOnlyList<OneStoryMarks> Seen) row, (string Name, IReadOnlyList<OneStoryMarks> Seen) first,
        Func<OneStoryMarks, IEnumerable<double>> column) => row.Name == first.Name || row.Name == Drawn ? ""
        : Text(Interval.OfMean([.. row.Seen.Zip(first.Seen, (a, b) => Mean(a, column) - Mean(b, column)).OfType<double>()]), "+0.000;-0.000");

    static string Text(Interval value, string form = "0.000")
    {
        string Number(double number) => number.ToString(form, CultureInfo.InvariantCulture);
        return value.Count == 0 ? "" : $"{Number(value.Mean)} ({Number(value.Low)} to {Number(value.High)})";
    }

    public void Dispose()
    {
        Films.Dispose();
        _matte?.Dispose();
        _stage.Dispose();
    }
}
