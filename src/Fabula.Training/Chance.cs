// Chance by name: every draw is a function of a seed and of what is drawn, never of the order of drawing. So a new attribute, or a skipped
// one, does not change anything else that the same seed gives. Mixing: SplitMix64's finalizer (Steele, Lea, Flood, OOPSLA 2014), names by
// FNV-1a.
namespace Fabula.Training;

/// <summary>A point in the tree of all draws. <c>chance["hat"]</c> is the branch for the hat; a branch is read, not used up.</summary>
public readonly record struct Chance(ulong Key)
{
    public Chance this[string name] => new(Mix(Key ^ Hash(name)));
    public Chance this[int index] => new(Mix(Key + (ulong)(index + 1) * 0x9E3779B97F4A7C15));

    /// <summary>Uniform in [0, 1).</summary>
    public double Unit => (Mix(Key ^ 0xD1B54A32D192ED03) >> 11) * (1.0 / (1L << 53));
    public double Between(double low, double high) => low + (high - low) * Unit;
    public bool Happens(double probability) => Unit < probability;
    /// <summary>A whole number in [0, count).</summary>
    public int Below(int count) => (int)(Unit * count);
    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[Below(choices.Length)];
    public T Any<T>() where T : struct, Enum => Pick<T>(Enum.GetValues<T>());

    /// <summary>The same items in an order of chance (Fisher-Yates).</summary>
    public T[] Shuffled<T>(params ReadOnlySpan<T> items)
    {
        var order = items.ToArray();
        for (var i = order.Length - 1; i > 0; i--)
        {
            var j = this[i].Below(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    /// <summary>FNV-1a over the characters: the same on every machine and in every run, unlike string.GetHashCode.</summary>
    public static ulong Hash(string text)
    {
        var hash = 0xCBF29CE484222325;
        foreach (var letter in text) hash = (hash ^ letter) * 0x100000001B3;
        return Mix(hash);
    }

    static ulong Mix(ulong z)
    {
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
        z = (z ^ z >> 27) * 0x94D049BB133111EB;
        return z ^ z >> 31;
    }
}
