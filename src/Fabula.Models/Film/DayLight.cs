// The same place at another hour: colours in another light. What the hour leaves of a colour, and the colour that the air mixes in, are
// those of the drawn world that the pocket model was taught on (Fabula.Training/PaperTheatre/Paper.cs); the sky is found from above.
namespace Fabula.Models;

public enum DayTime { Morning, Day, Evening, Night }

public static class DayLight
{
    /// <summary>How far two neighbouring pixels of a sky are apart at most, in levels summed over the channels.</summary>
    const int SkyStep = 14;

    /// <summary>The light of an hour: colour x Gain x (1 - Share) + Air x Share.</summary>
    readonly record struct Light(double[] Gain, double[] Air, double Share);

    static Light Of(DayTime time, bool inside) => (time, inside) switch
    {
        (DayTime.Morning, false) => new([1, 0.97, 0.92], [1, 0.80, 0.66], 0.10),
        (DayTime.Evening, false) => new([0.99, 0.84, 0.76], [0.95, 0.45, 0.30], 0.10),
        (DayTime.Night, false) => new([0.56, 0.60, 0.76], [0.10, 0.14, 0.38], 0.16),
        (DayTime.Morning, true) => new([1, 0.98, 0.94], [1, 0.88, 0.75], 0.06),
        (DayTime.Evening, true) => new([0.98, 0.89, 0.80], [0.95, 0.55, 0.30], 0.06),
        (DayTime.Night, true) => new([0.72, 0.70, 0.82], [0.20, 0.18, 0.40], 0.12),
        _ => new([1, 1, 1], [1, 1, 1], 0),
    };

    /// <summary>Above and at the horizon.</summary>
    static (double[] Top, double[] Low) Sky(DayTime time) => time switch
    {
        DayTime.Morning => ([0.62, 0.80, 0.94], [1.00, 0.88, 0.78]),
        DayTime.Day => ([0.42, 0.74, 0.96], [0.88, 0.96, 0.98]),
        DayTime.Evening => ([0.42, 0.30, 0.56], [1.00, 0.60, 0.34]),
        _ => ([0.06, 0.07, 0.22], [0.22, 0.22, 0.48]),
    };

    /// <summary>A place at another hour.</summary>
    public static Picture Place(Picture place, DayTime from, DayTime to, bool inside)
    {
        if (from == to) return place;
        var lit = Lit(place, from, to, inside, 1);
        // A morning's sky is the day's in another light.
        if (inside || from is DayTime.Morning or DayTime.Day && to is DayTime.Morning or DayTime.Day) return lit;
        var (sky, (top, low), depth) = (SkyOf(place), Sky(to), 0);
        for (var i = 0; i < sky.Length; i++)
            if (sky[i]) depth = i / place.Width;
        for (var i = 0; i < sky.Length; i++)
            for (var c = 0; sky[i] && c < 3; c++)
                lit.Rgb[3 * i + c] = (byte)Math.Round(255 * (top[c] + (low[c] - top[c]) * (i / place.Width) / Math.Max(1, depth)));
        return lit;
    }

    /// <summary>Somebody who stands in the light of an hour, on a picture made by day.</summary>
    /// <param name="share">How much of it falls on them.</param>
    public static Picture Figure(Picture picture, DayTime to, bool inside, double share) => Lit(picture, DayTime.Day, to, inside, share);

    static Picture Lit(Picture picture, DayTime from, DayTime to, bool inside, double share)
    {
        var (before, after, rgb) = (Of(from, inside), Of(to, inside), new byte[picture.Rgb.Length]);
        for (var i = 0; i < rgb.Length; i++)
        {
            var c = i % 3;
            var seen = picture.Rgb[i] / 255.0;
            var plain = Math.Clamp((seen - before.Air[c] * before.Share) / (before.Gain[c] * (1 - before.Share)), 0, 1);
            var now = plain * after.Gain[c] * (1 - after.Share) + after.Air[c] * after.Share;
            rgb[i] = (byte)Math.Round(255 * Math.Clamp(seen + (now - seen) * share, 0, 1));
        }
        return picture with { Rgb = rgb };
    }

    /// <summary>What hangs together with the upper border by small steps of colour, in the upper two thirds.</summary>
    static bool[] SkyOf(Picture place)
    {
        var (width, rgb, sky) = (place.Width, place.Rgb, new bool[place.Width * place.Height]);
        var open = new Stack<int>();
        void Reach(int at)
        {
            if (sky[at] || at >= width * (place.Height * 2 / 3)) return;
            sky[at] = true;
            open.Push(at);
        }
        bool Alike(int a, int b) => Enumerable.Range(0, 3).Sum(c => Math.Abs(rgb[3 * a + c] - rgb[3 * b + c])) <= SkyStep;
        for (var x = 0; x < width; x++) Reach(x);
        while (open.TryPop(out var at))
        {
            if (at % width > 0 && Alike(at, at - 1)) Reach(at - 1);
            if (at % width < width - 1 && Alike(at, at + 1)) Reach(at + 1);
            if (at >= width && Alike(at, at - width)) Reach(at - width);
            if (at + width < sky.Length && Alike(at, at + width)) Reach(at + width);
        }
        return sky;
    }

    /// <summary>Left is right.</summary>
    public static Picture Mirrored(Picture picture)
    {
        var rgb = new byte[picture.Rgb.Length];
        for (var i = 0; i < picture.Width * picture.Height; i++)
        {
            var there = i / picture.Width * picture.Width + picture.Width - 1 - i % picture.Width;
            picture.Rgb.AsSpan(3 * i, 3).CopyTo(rgb.AsSpan(3 * there));
        }
        return picture with { Rgb = rgb };
    }
}
