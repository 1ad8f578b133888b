// A table of measured numbers, for the screen and for docs/evidence. Whoever measures fills it; nothing here knows what it says.
using System.Text;

namespace Fabula.Training.Evaluation;

/// <param name="Columns">The first is that of the rows' names.</param>
/// <param name="Rows">Each as long as the columns.</param>
/// <param name="Notes">Sentences that belong under the table.</param>
public sealed record EvidenceTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows,
    IReadOnlyList<string> Notes)
{
    /// <summary>Columns of equal width.</summary>
    public string Text()
    {
        var widths = Columns.Select((column, i) => Rows.Select(row => row[i].Length).Append(column.Length).Max()).ToList();
        string Line(IReadOnlyList<string> cells) => string.Join("  ", cells.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd();
        return string.Join('\n', [Title, "", Line(Columns), .. Rows.Select(Line), "", .. Notes, ""]);
    }

    public string Markdown()
    {
        static string Line(IEnumerable<string> cells) => $"| {string.Join(" | ", cells.Select(cell => cell.Replace("|", "\\|")))} |";
        return string.Join('\n', [$"## {Title}", "", Line(Columns), Line(Columns.Select(_ => "---")), .. Rows.Select(Line), "",
            string.Join(' ', Notes), ""]);
    }

    /// <summary>Tables under one heading, as a file. It is there whole or not at all.</summary>
    public static void Write(string path, string heading, string command, IEnumerable<EvidenceTable> tables)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var text = new StringBuilder($"# {heading}\n\n```\n{command}\n```\n\n");
        foreach (var table in tables) text.Append(table.Markdown()).Append('\n');
        File.WriteAllText(path + ".new", text.ToString().TrimEnd() + "\n");
        File.Move(path + ".new", path, overwrite: true);
    }
}
