namespace Fabula.Narrative.Fountain;

/// <summary>A whole screenplay: the title page, then the elements in reading order.</summary>
public sealed record Screenplay(IReadOnlyList<TitleEntry> TitlePage, IReadOnlyList<Element> Elements)
{
    /// <summary>What the reader noticed: notes and boneyards that never close, typed notes that it could not understand.</summary>
    public IReadOnlyList<Finding> Findings { get; init; } = [];

    /// <summary>What stood before the first element: a byte order mark, blank lines.</summary>
    internal string Lead { get; init; } = "";

    /// <summary>The words of one title page entry, its lines joined by spaces and emphasis removed; null if there is none.</summary>
    public string? Title(string key) =>
        TitlePage.FirstOrDefault(entry => entry.Key.Equals(key, StringComparison.OrdinalIgnoreCase)) is { } entry
            ? string.Join(' ', entry.Values.Select(Markup.Plain)).Trim() : null;

    public bool Equals(Screenplay? other) =>
        other is not null && TitlePage.SequenceEqual(other.TitlePage) && Elements.SequenceEqual(other.Elements);

    public override int GetHashCode() => HashCode.Combine(TitlePage.Count, Elements.Count);
}
