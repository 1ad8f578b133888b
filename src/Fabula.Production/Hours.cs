// The hour that words name: of a scene's heading, and of what a place looks like.
using System.Text.RegularExpressions;
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production;

static partial class Hours
{
    /// <summary>As the bible's pictures of a place say it: "night".</summary>
    public static string Word(DayTime time) => time.ToString().ToLowerInvariant();

    /// <summary>The hour of a scene; null where its words name none, as LATER.</summary>
    public static DayTime? Of(string? words) => words is null ? null
        : Night().IsMatch(words) ? DayTime.Night : Evening().IsMatch(words) ? DayTime.Evening : Morning().IsMatch(words) ? DayTime.Morning
        : Day().IsMatch(words) ? DayTime.Day : null;

    /// <summary>The hour of a place's first picture: as the bible says, else as its words do, else day.</summary>
    public static DayTime Of(PlanLocation place) =>
        place.References is [var first, ..] && place.ReferencesAt?.FirstOrDefault(entry => entry.Value == first).Key is { } known
            ? Of(known)!.Value : Of(place.Description) ?? DayTime.Day;

    [GeneratedRegex(@"\b(?:night|midnight|by moonlight)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Night();

    [GeneratedRegex(@"\b(?:evening|dusk|sunset|twilight)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Evening();

    [GeneratedRegex(@"\b(?:morning|dawn|sunrise|daybreak)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Morning();

    [GeneratedRegex(@"\b(?:day|noon|midday|afternoon|daylight)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Day();
}
