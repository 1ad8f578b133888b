// Films the benchmark's cases for rows of ways to remember, one loaded model for all, and marks them.
using System.Globalization;
using Fabula.Models;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <param name="cases">How many; the paper has 64 of each kind.</param>
/// <param name="fromImage">Cases that begin with a given picture.</param>
/// <param name="shots">Shots of a case; the paper has 6.</param>
/// <param name="plates">Which shots are given their empty place; people are laid on it as remembered frames show them.</param>
public sealed class OneStoryColumns(FilmModel model, Judge judge, int cases, bool fromImage, int shots, Plates plates,
    ulong seed = OneStoryCase.Benchmark) : IDisposable
{
    public const string Drawn = "drawn";

    readonly Stage _stage = new(JudgeConfig.Width, JudgeConfig.Height);
    readonly Dictionary<int, (OneStoryCase Story, IReadOnlyList<IReadOnlyList<byte[]>> Drawn)> _cases = [];
    readonly PersonMatte? _matte = plates == Plates.None ? null : PersonMatte.Open(model.Folder);
    OneStoryFilms Films => field ??= new(model, _stage, plates, _matte is null ? null : _matte.Of);

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
        var of = $"{OneStoryRow.Base(model)} {judged} {(fromImage ? "image" : "text")} {shots} {plates} {seed}";
        return [.. rows.Prepend(null).Select(row =>
        {
            row?.Apply(model);
            var (name, watch, made) = (row?.Name ?? Drawn, System.Diagnostics.Stopwatch.StartNew(), 0);
            return (name, Observations.Collect(file, $"{row?.Digest(model) ?? Drawn} {of}", cases, number => Observe(row, number),
                number => say(string.Create(CultureInfo.InvariantCulture,
                    $"{name}, case {number + 1} of {cases}, {watch.Elapsed.TotalSeconds / ++made:0.0} s each"))));
        })];
    }

    public IReadOnlyList<EvidenceTable> Tables(IReadOnlyList<(string Name, IReadOnlyList<OneStoryMarks> Seen)> rows) =>
        OneStoryTables.Of((fromImage ? "From a first picture and words" : "From words") + $", {cases} cases of {shots} shots"
            + plates switch
            {
                Plates.Every => ", the empty place given",
                Plates.First => ", the empty place given for its first shot",
                _ => "",
            }, shots, rows);

    public void Dispose()
    {
        Films.Dispose();
        _matte?.Dispose();
        _stage.Dispose();
    }
}
