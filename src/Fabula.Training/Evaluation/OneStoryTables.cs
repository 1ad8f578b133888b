// The benchmark's columns for rows of ways to remember, and how alike a character stays with the distance of two shots. A case counts once
// in every cell, by the mean of its values there; intervals are over cases.
using System.Globalization;

namespace Fabula.Training.Evaluation;

public static class OneStoryTables
{
    /// <param name="given">What all rows have in common, for titles.</param>
    /// <param name="rows">Per row what was seen of each case, of the same cases; the drawn ones may be among them.</param>
    public static IReadOnlyList<EvidenceTable> Of(string given, int shots,
        IReadOnlyList<(string Name, IReadOnlyList<OneStoryMarks> Seen)> rows)
    {
        var first = rows.First(row => row.Name != OneStoryColumns.Drawn);
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
        Func<OneStoryMarks, IEnumerable<double>> column) => row.Name == first.Name || row.Name == OneStoryColumns.Drawn ? ""
        : Text(Interval.OfMean([.. row.Seen.Zip(first.Seen, (a, b) => Mean(a, column) - Mean(b, column)).OfType<double>()]),
            "+0.000;-0.000;0.000");

    static string Text(Interval value, string form = "0.000")
    {
        string Number(double number) => number.ToString(form, CultureInfo.InvariantCulture);
        return value.Count == 0 ? "" : $"{Number(value.Mean)} ({Number(value.Low)} to {Number(value.High)})";
    }
}
