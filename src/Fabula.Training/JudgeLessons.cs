// What the judge is taught on and examined on: single frames of drawn shots with their truth. Teaching frames are worn as generated frames
// are: shifted, off in colour, blurred, in blocks, noisy.
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <param name="Frame">RGB bytes [128, 224, 3].</param>
public sealed record JudgeFrame(byte[] Frame, JudgeTruth Truth);

/// <param name="Pixels">[3, 128, 224], from -1 to 1.</param>
/// <param name="Blur">Height in pixels that the frame is yet to be shrunk to and enlarged from; 128 leaves it sharp.</param>
/// <param name="ShiftX">How far the picture was moved, in pixels; boxes move with it.</param>
public sealed record Lesson(float[] Pixels, JudgeTruth Truth, int Blur, int ShiftX, int ShiftY);

public static class JudgeLessons
{
    const int Width = JudgeConfig.Width, Height = JudgeConfig.Height;

    /// <summary>Two teaching frames of one shot.</summary>
    public static IEnumerable<Lesson> Draw(Stage stage, Chance chance)
    {
        var spec = Scene(chance, heldOut: false);
        // The place is most of the work of drawing, so a second moment costs little; their wear differs.
        var half = Math.Max(1, spec.Frames / 2);
        var clip = stage.Draw(spec, chance["first"].Below(half), spec.Frames - 1 - chance["second"].Below(half));
        return Enumerable.Range(0, 2).Select(i => Worn(clip.Frame(i).ToArray(), JudgeTruth.Of(clip, i), chance["wear"][i]));
    }

    /// <summary>A shot of people anywhere, doing anything; sometimes nobody, or a portrait.</summary>
    public static ShotSpec Scene(Chance chance, bool heldOut)
    {
        var location = Location.Draw(chance["location"]);
        Person Who(int i) => Person.Draw(chance["person"][i], null, heldOut);
        return chance["what"].Unit switch
        {
            < 0.05 => Playwright.Shot(chance["shot"], location, []),
            < 0.11 => ShotSpec.Portrait(Who(0), chance["size"].Any<ShotSize>(), chance["ground"].Any<Accent>()),
            < 0.36 => Playwright.Shot(chance["shot"], location, [Who(0)]),
            < 0.65 => Playwright.Shot(chance["shot"], location, [Who(0), Who(1)]),
            < 0.80 => Playwright.Shot(chance["shot"], location, [Who(0), Who(1), Who(2)]),
            _ => Change(chance["change"], location, Who),
        };
    }

    /// <summary>Examination frames: one of each shot of stories whose people are all held out.</summary>
    public static IReadOnlyList<JudgeFrame> HeldOut(int count, ulong seed = 20_000)
    {
        using var stage = new Stage(Width, Height);
        var frames = new List<JudgeFrame>(count);
        for (var i = 0; frames.Count < count; i++)
        {
            var chance = new Chance(seed)["held-out story"][i];
            foreach (var (shot, index) in Playwright.Story(chance["story"], heldOut: true).Shots.Select((shot, index) => (shot, index)))
            {
                if (frames.Count == count) break;
                var clip = stage.Draw(shot.Spec, chance["moment"][index].Below(shot.Spec.Frames));
                frames.Add(new(clip.Frames, JudgeTruth.Of(clip, 0)));
            }
        }
        return frames;
    }

    static ShotSpec Change(Chance chance, Location location, Func<int, Person> who)
    {
        var kind = chance["kind"].Any<Transition>();
        var both = kind is Transition.Swap or Transition.Replace;
        var staying = chance["staying"].Below(both ? 2 : 3);
        return Playwright.Change(chance, location, kind, [.. Enumerable.Range(0, staying).Select(who)],
            kind == Transition.Enter ? null : who(3), kind == Transition.Exit ? null : who(4));
    }

    /// <summary>A frame as a lesson; one in six stays as it was drawn.</summary>
    public static Lesson Worn(byte[] rgb, JudgeTruth truth, Chance chance)
    {
        var plain = chance["plain"].Happens(1 / 6.0);
        var (shiftX, shiftY) = plain ? (0, 0) : (chance["x"].Below(9) - 4, chance["y"].Below(9) - 4);
        var pixels = new float[3 * Height * Width];
        for (var channel = 0; channel < 3; channel++)
        {
            var odd = !plain && chance["colour"].Happens(0.6);
            var gain = odd ? chance["gain"][channel].Between(0.95, 1.05) * chance["contrast"].Between(0.92, 1.06) : 1;
            var offset = odd ? chance["offset"][channel].Between(-0.03, 0.03) + chance["light"].Between(-0.05, 0.05) : 0;
            for (var y = 0; y < Height; y++)
            {
                var row = Math.Clamp(y - shiftY, 0, Height - 1) * Width;
                var to = pixels.AsSpan((channel * Height + y) * Width, Width);
                for (var x = 0; x < Width; x++)
                    to[x] = (float)((rgb[(row + Math.Clamp(x - shiftX, 0, Width - 1)) * 3 + channel] * (2 / 255.0) - 1) * gain + offset);
            }
        }
        if (plain) return new(pixels, truth, Height, 0, 0);
        if (chance["blocks"].Happens(0.2)) Blocks(pixels, chance["side"].Pick(4, 8), (float)chance["share"].Between(0.1, 0.45));
        if (chance["noise"].Happens(0.5)) Noise(pixels, (float)chance["much"].Between(0, 0.08), chance["grain"].Key);
        var blur = chance["blur"].Happens(0.6) ? (int)Math.Round(Height * chance["sharp"].Between(0.35, 1)) : Height;
        return new(pixels, truth, blur, shiftX, shiftY);
    }

    /// <summary>Moves pixels towards the mean of their square, as strong compression does.</summary>
    static void Blocks(float[] pixels, int side, float share)
    {
        for (var channel = 0; channel < 3; channel++)
            for (var top = 0; top < Height; top += side)
                for (var left = 0; left < Width; left += side)
                {
                    var mean = 0f;
                    for (var y = top; y < top + side; y++)
                        for (var x = left; x < left + side; x++) mean += pixels[(channel * Height + y) * Width + x];
                    mean /= side * side;
                    for (var y = top; y < top + side; y++)
                        for (var x = left; x < left + side; x++)
                            pixels[(channel * Height + y) * Width + x] += share * (mean - pixels[(channel * Height + y) * Width + x]);
                }
    }

    /// <summary>Even noise from a xorshift generator (Marsaglia 2003): fast, and as good as noise needs to be.</summary>
    static void Noise(float[] pixels, float much, ulong key)
    {
        var state = key | 1;
        for (var i = 0; i < pixels.Length; i++)
        {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            pixels[i] += much * ((state >> 40) * (2f / (1 << 24)) - 1);
        }
    }
}
