// Who is who: people seen against people expected, so that the whole costs least. With three people all orders can be tried.
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

public static class Matching
{
    /// <summary>The cheapest pairs of rows with columns.</summary>
    /// <param name="cost">[row][column].</param>
    /// <param name="columns">How many columns there are, also where there is no row.</param>
    /// <param name="dearest">A pair that costs more stays apart; so much is also what an unpaired row costs.</param>
    /// <returns>For each row its column, or null.</returns>
    public static int?[] Cheapest(IReadOnlyList<double[]> cost, int columns, double dearest = 1e6)
    {
        var (best, bestCost) = (new int?[cost.Count], double.PositiveInfinity);
        var (now, taken) = (new int?[cost.Count], new bool[columns]);
        Try(0, 0);
        return best;

        void Try(int row, double sum)
        {
            if (sum >= bestCost) return;
            if (row == cost.Count)
            {
                bestCost = sum;
                now.CopyTo(best, 0);
                return;
            }
            for (var column = 0; column < columns; column++)
            {
                if (taken[column] || cost[row][column] > dearest) continue;
                (taken[column], now[row]) = (true, column);
                Try(row + 1, sum + cost[row][column]);
                (taken[column], now[row]) = (false, null);
            }
            Try(row + 1, sum + dearest);
        }
    }

    /// <summary>Pairs expected people with seen ones by their looks alone; whoever is not seen has null.</summary>
    public static SeenPerson?[] ByLooks(IReadOnlyList<Person> expected, IReadOnlyList<SeenPerson> seen)
    {
        var pairs = Cheapest([.. expected.Select(person => seen.Select(other => Difference(person, other)).ToArray())], seen.Count);
        return [.. pairs.Select(pair => pair is { } column ? seen[column] : null)];
    }

    /// <summary>
    /// Attributes that differ, each weighed by how sure the judge is of it. The colour of a hat counts only where both wear one.
    /// </summary>
    public static double Difference(Person person, SeenPerson seen)
    {
        var sum = Of(person.Kind, seen.Kind) + Of(person.Skin, seen.Skin) + Of(person.Hair, seen.Hair) + Of(person.Style, seen.Style)
            + Of(person.Top, seen.Top) + Of(person.Hat, seen.Hat);
        return sum + (person.Hat != Hat.None && seen.Hat.Value != Hat.None ? Of(person.HatColour, seen.HatColour) : 0);

        static double Of<T>(T wanted, Guess<T> guess) where T : struct, Enum => wanted.Equals(guess.Value) ? 0 : guess.Probability;
    }
}
