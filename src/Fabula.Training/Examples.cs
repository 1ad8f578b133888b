// What the recipes draw: shots of all sorts, from the side of the held-out split that is asked for.
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

public static class Examples
{
    /// <summary>A shot with nobody to three people, a transition, or a portrait.</summary>
    public static ShotSpec AnyShot(Chance chance, bool heldOut)
    {
        Person Someone(int i) => Person.Draw(chance["person"][i], null, heldOut);
        var location = Location.Draw(chance["location"]);
        var sort = chance["sort"].Unit;
        if (sort < 0.05)
            return ShotSpec.Portrait(Someone(0), chance["size"].Any<ShotSize>(), chance["ground"].Any<Accent>()) with { Frames = 17 };
        if (sort < 0.2)
        {
            var kind = chance["kind"].Any<Transition>();
            var staying = chance["staying"].Happens(0.4) && kind is Transition.Enter or Transition.Exit ? new[] { Someone(2) } : [];
            return Playwright.Change(chance["change"], location, kind, staying, kind == Transition.Enter ? null : Someone(0),
                kind == Transition.Exit ? null : Someone(1));
        }
        var people = chance["people"].Unit switch { < 0.05 => 0, < 0.65 => 1, < 0.9 => 2, _ => 3 };
        return Playwright.Shot(chance["shot"], location, [.. Enumerable.Range(0, people).Select(Someone)]);
    }
}
