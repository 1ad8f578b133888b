// What the first frame is worth to a clip that goes on and on (MovieDreamer, section 3.5): somebody held out in a place, five
// continuations, each from the last frame of the one before, with the very first frame in view or not; how much of the person is still
// right.
using System.Globalization;
using Fabula.Models;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <param name="Right">Share of the person's attributes that the judge reads right in the last frame, after each continuation.</param>
/// <param name="Place">Whether the place is read right there.</param>
public sealed record SeenChain(bool Anchored, IReadOnlyList<double> Right, IReadOnlyList<bool> Place)
{
    /// <summary>How much of the person is lost or won with each continuation: the slope of the line of least squares.</summary>
    public double Slope()
    {
        var (middle, mean) = ((Right.Count - 1) / 2.0, Right.Average());
        return Right.Select((right, i) => (i - middle) * (right - mean)).Sum() / Right.Select((_, i) => (i - middle) * (i - middle)).Sum();
    }
}

public sealed class AnchorTable(Filming filming, Judge judge, ulong seed, int continuations = 5) : IDisposable
{
    const int Attributes = 7;
    readonly Stage _stage = new(Filming.Width, Filming.Height);

    /// <summary>One clip without and with the anchor.</summary>
    public IReadOnlyList<SeenChain> Observe(int number)
    {
        var chance = new Chance(seed)["anchor"][number];
        var person = Person.Draw(chance["person"], chance["kind"].Pick(Enum.GetValues<Kind>()), heldOut: true);
        var spec = Playwright.Shot(chance["shot"], Location.Draw(chance["place"]), [person]) with { Camera = CameraMove.Static };
        using var collages = new DrawnCollages(_stage, Filming.Width, Filming.Height);
        var (keyframe, place, boxes) = (_stage.Draw(spec, 0).Frames, _stage.Draw(spec.Plate, 0).Frames, collages.BoxesAt(spec, 0));
        var words = Captions.Write(spec, Register.Planned, chance["words"]);
        var staging = Enumerable.Repeat<IReadOnlyList<StageBox>>(boxes, spec.Frames).ToList();
        return [.. new[] { false, true }.Select(anchored =>
        {
            var (first, right, places) = (keyframe, new List<double>(), new List<bool>());
            for (var i = 0; i < continuations; i++)
            {
                var drafts = Collage.Clip(Filming.Of(place), [collages.Figure(person)], staging, Filming.Of(first), null);
                var frames = filming.Shot(words, (ulong)(number * continuations + i + 1), spec.Frames,
                    memory: anchored && i > 0 ? [keyframe] : null, first: first, drafts: drafts, staging: staging, trusted: true);
                first = frames[^1];
                var reading = judge.Read(first, Filming.Width, Filming.Height);
                right.Add(Matching.ByLooks([person], reading.People)[0] is { } seen
                    ? 1 - Matching.Difference(person, seen) / Attributes : 0);
                places.Add(reading.Place.Value == spec.Location.Place);
            }
            return new SeenChain(anchored, right, places);
        })];
    }

    public static IEnumerable<Measured> Rows(IReadOnlyList<SeenChain> chains) => chains.GroupBy(chain => chain.Anchored).Select(group =>
    {
        var all = group.ToList();
        string At(int i) => string.Create(CultureInfo.InvariantCulture, $"{100 * all.Average(chain => chain.Right[i]):0.0}");
        var last = all[0].Right.Count - 1;
        return new Measured(
            $"{last + 1} continuations, anchor {(group.Key ? "on" : "off")}: attributes right after each; slope; place after the last",
            "a flatter slope with the anchor", $"{string.Join(", ", Enumerable.Range(0, last + 1).Select(At))} %; "
                + $"{Interval.OfMean([.. all.Select(chain => 100 * chain.Slope())])} points each; "
                + Interval.OfShare(all.Count(chain => chain.Place[last]), all.Count).AsPercent);
    });

    public void Dispose() => _stage.Dispose();
}
