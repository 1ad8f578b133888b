// What the judge ought to see in a drawn frame, and what cannot be asked of it because it does not show.
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <summary>Somebody in a drawn frame.</summary>
/// <param name="X">The middle of the box, in pixels; the others likewise.</param>
/// <param name="Whole">Neither cut by the left or right edge nor in a doorway nor tiny, and at most a quarter of the box is shared with
/// others.</param>
/// <param name="Shows">One for each of <see cref="JudgeQuestions.OfPeople"/>: enough pixels of the right colour are seen, or
/// for a shape enough of the person. Crops of hair under a hat (cropped, spiky, bald) do not show.</param>
public sealed record TruePerson(Person Person, double X, double Y, double Width, double Height, int Pixels, bool Whole,
    IReadOnlyList<bool> Shows);

/// <param name="Clear">Nobody is so little in the picture that it is a matter of taste whether they are visible.</param>
public sealed record JudgeTruth(Location Location, IReadOnlyList<TruePerson> People, bool Clear)
{
    /// <summary>A person is tiny below this many of the 128 x 224 pixels; a barely seen one has less than twice what counts as
    /// visible.</summary>
    public const int Tiny = 300;

    const int HairPixels = 12, SkinPixels = 20, TopPixels = 30, HatPixels = 12;

    public static JudgeTruth Of(Clip clip, int frame)
    {
        var seen = clip.Seen[frame];
        var scale = clip.Width * clip.Height / (double)(JudgeConfig.Width * JudgeConfig.Height);
        var barely = 2 * Stage.LeastShare * clip.Width * clip.Height;
        var people = new List<TruePerson>();
        for (var role = 0; role < seen.Count; role++)
        {
            if (!seen[role].Visible) continue;
            var (person, box, pixels) = (clip.Spec.Roles[role].Person, seen[role].Box, seen[role].Pixels);
            var covered = seen.Where((other, i) => i != role && other.Visible).Sum(other => Shared(box, other.Box)) / (double)Area(box);
            var whole = seen[role].AtEdge == 0 && !seen[role].InDoor && covered <= 0.25 && pixels >= Tiny * scale;
            var (top, hair) = (Palette.Of(person.Top), Palette.Of(person.Hair));
            var (skin, hat) = (Palette.Of(person.Skin), Palette.Of(person.HatColour));
            bool Enough(int least, params ReadOnlySpan<Colour> colours) => Count(clip, frame, role, colours) >= least * scale;
            var shape = pixels >= Tiny / 2 * scale && Enough(SkinPixels, skin, skin.Shade(0.9));
            var hatSeen = person.Hat != Hat.None && Enough(HatPixels, hat, hat.Shade(0.72), hat.Shade(0.78), hat.Shade(0.82));
            people.Add(new(person, (box.Left + box.Right + 1) / 2.0, (box.Top + box.Bottom + 1) / 2.0, box.Right - box.Left + 1,
                box.Bottom - box.Top + 1, pixels, whole,
            [
                shape, Enough(SkinPixels, skin, skin.Shade(0.9)), Enough(HairPixels, hair, hair.Shade(0.88)),
                shape && !HidesHair(person), Enough(TopPixels, top, top.Shade(0.9), top.Shade(0.78)),
                shape && (person.Hat == Hat.None || hatSeen), hatSeen,
            ]));
        }
        return new(clip.Spec.Location, people, seen.All(sighting => sighting.Pixels == 0 || sighting.Pixels >= barely));
    }

    /// <summary>Under a hat cropped, spiky and bald heads look alike.</summary>
    public static bool HidesHair(Person person) =>
        person.Hat != Hat.None && person.Style is (HairStyle.Cropped or HairStyle.Spiky or HairStyle.Bald);

    static int Area(PixelBox box) => (box.Right - box.Left + 1) * (box.Bottom - box.Top + 1);

    static int Shared(PixelBox a, PixelBox b) =>
        Math.Max(0, Math.Min(a.Right, b.Right) - Math.Max(a.Left, b.Left) + 1)
        * Math.Max(0, Math.Min(a.Bottom, b.Bottom) - Math.Max(a.Top, b.Top) + 1);

    /// <summary>Pixels of a role that have one of these colours, give or take a fiftieth in each channel.</summary>
    static int Count(Clip clip, int frame, int role, ReadOnlySpan<Colour> colours)
    {
        const double Tolerance = 5;
        var mask = clip.Mask(frame);
        var rgb = clip.Frame(frame);
        var (box, count) = (clip.Seen[frame][role].Box, 0);
        for (var y = box.Top; y <= box.Bottom; y++)
            for (var x = box.Left; x <= box.Right; x++)
            {
                var i = y * clip.Width + x;
                if (mask[i] != role + 1) continue;
                foreach (var colour in colours)
                    if (Math.Abs(rgb[i * 3] - colour.R * 255) <= Tolerance && Math.Abs(rgb[i * 3 + 1] - colour.G * 255) <= Tolerance
                        && Math.Abs(rgb[i * 3 + 2] - colour.B * 255) <= Tolerance)
                    {
                        count++;
                        break;
                    }
            }
        return count;
    }
}
