// The frames of a shot as collages: people cut out of their portraits and laid on the empty place where they stand and walk. A model that
// takes drafts begins with them and paints what is different: the pose, the light, the hands.
namespace Fabula.Models;

/// <summary>How a piece of a figure is turned around a point of its picture and then moved, in radians and pixels of the picture.</summary>
/// <param name="Angle">What hangs from the point goes to the right.</param>
readonly record struct Hinge(double X, double Y, double Angle, double Aside, double Down)
{
    /// <summary>Where what is now here was before.</summary>
    public (double X, double Y) Back(double x, double y)
    {
        if (Angle == 0) return (x - Aside, y - Down);
        var (sine, cosine) = Math.SinCos(Angle);
        var (across, down) = (x - Aside - X, y - Down - Y);
        return (X + across * cosine - down * sine, Y + across * sine + down * cosine);
    }
}

/// <summary>Somebody cut out of a picture.</summary>
public sealed class CutOut
{
    /// <summary>How far two neighbouring pixels of plain ground are apart at most, in levels summed over the channels.</summary>
    const int GroundStep = 14;

    /// <summary>
    /// How far ground is apart from the border's pixel that it hangs together with, likewise: white hair before a pale wall, which soft
    /// outlines lead to in small steps, is further.
    /// </summary>
    const int GroundRange = 40;

    /// <summary>The least share of a picture that is ground.</summary>
    const double LeastGround = 0.2;

    readonly Picture _portrait;
    readonly bool[] _ground;

    /// <summary>Around the figure, in pixels; Right and Bottom are the last ones.</summary>
    public (int Left, int Top, int Right, int Bottom) Bounds { get; }

    /// <summary>Whether the picture's lower border cuts the figure off.</summary>
    public bool HasFeet => Bounds.Bottom < _portrait.Height - 1;

    readonly Lazy<Puppet?> _puppet;

    CutOut(Picture portrait, bool[] ground, (int, int, int, int) bounds)
    {
        (_portrait, _ground, Bounds) = (portrait, ground, bounds);
        _puppet = new(() => Puppet.Of(this));
    }

    /// <summary>The figure of a portrait; null where it has no plain ground to be cut out of.</summary>
    public static CutOut? Of(Picture portrait)
    {
        var ground = Ground(portrait);
        Clean(ground, portrait.Width);
        var bounds = Around(ground, portrait.Width);
        return ground.Count(pixel => pixel) >= LeastGround * ground.Length && bounds.Right >= bounds.Left
            ? new(portrait, ground, bounds) : null;
    }

    /// <summary>Of any frame, by its pixels.</summary>
    /// <param name="figure">Per pixel whether it is the figure.</param>
    /// <param name="box">Where the figure stands, arms and what they hold left out: so tall it will be laid again.</param>
    public static CutOut Of(Picture frame, bool[] figure, StageBox box) => new(frame, Array.ConvertAll(figure, pixel => !pixel),
        ((int)Math.Round(box.Left * frame.Width), (int)Math.Round(box.Top * frame.Height),
            (int)Math.Round(box.Right * frame.Width) - 1, (int)Math.Round(box.Bottom * frame.Height) - 1));

    /// <summary>
    /// Lays the figure on a picture, as tall as the box, leaning around its feet; one whose feet are cut off as broad. With a stride its
    /// legs walk, where it shows two.
    /// </summary>
    internal void Lay(byte[] rgb, int width, int height, StageBox box)
    {
        if (box.Stride != 0 && _puppet.Value is { } puppet) puppet.Lay(rgb, width, height, box);
        else Lay(rgb, width, height, box, default);
    }

    /// <summary>The same, turned and moved in the picture that it was cut out of before.</summary>
    internal void Lay(byte[] rgb, int width, int height, StageBox box, Hinge hinge)
    {
        var (left, top, right, bottom) = Bounds;
        var scale = HasFeet ? box.Height * height / (bottom - top + 1) : box.Width * width / (right - left + 1);
        if (scale <= 0) return;
        var x = (box.Left + box.Right) / 2 * width - scale * (right - left + 1) / 2;
        var y = box.Top * height;
        var (sine, cosine) = Math.SinCos(box.Tilt);
        var (tall, middle) = (scale * (bottom - top + 1), (box.Left + box.Right) / 2 * width);
        var aside = (Math.Abs(sine) + Math.Abs(Math.Sin(hinge.Angle))) * tall + scale * Math.Abs(hinge.Aside);
        var (first, last) = ((int)Math.Max(0, x - aside), (int)Math.Min(width - 1, x + aside + scale * (right - left + 1)));
        var end = (int)Math.Min(height - 1, y + tall + aside + scale * hinge.Down);
        for (var row = (int)Math.Max(0, y); row <= end; row++)
            for (var column = first; column <= last; column++)
            {
                // Turned back around the feet.
                var (over, above) = (column - middle, row - y - tall);
                var (u, v) = (over * cosine + above * sine, above * cosine - over * sine);
                var (across, down) = hinge.Back(left + (u + middle - x) / scale, top + (v + tall) / scale);
                Mix(rgb.AsSpan((row * width + column) * 3, 3), across, down, 1 / scale, (int)Math.Round(Opaque * (1 - box.Faded)));
            }
    }

    /// <summary>The figure in another light.</summary>
    public CutOut Lit(Func<Picture, Picture> light) => new(light(_portrait), _ground, Bounds);

    /// <summary>A part of the figure, in its place.</summary>
    /// <param name="from">Per pixel which pixel of the figure is there; null: none.</param>
    internal CutOut Piece(Func<int, int, (int X, int Y)?> from)
    {
        var (width, rgb, ground) = (_portrait.Width, (byte[])_portrait.Rgb.Clone(), new bool[_ground.Length]);
        for (var i = 0; i < ground.Length; i++)
        {
            var at = from(i % width, i / width) is { } source ? source.Y * width + source.X : -1;
            ground[i] = at < 0 || _ground[at];
            if (!ground[i]) _portrait.Rgb.AsSpan(3 * at, 3).CopyTo(rgb.AsSpan(3 * i));
        }
        return new(_portrait with { Rgb = rgb }, ground, Bounds);
    }

    /// <summary>The levels of a pixel of the figure, summed over the channels; null where it is ground.</summary>
    internal int? At(int x, int y) => _ground[y * _portrait.Width + x] ? null
        : _portrait.Rgb[(y * _portrait.Width + x) * 3] + _portrait.Rgb[(y * _portrait.Width + x) * 3 + 1]
            + _portrait.Rgb[(y * _portrait.Width + x) * 3 + 2];

    /// <summary>How much of a figure is seen that is wholly there.</summary>
    const int Opaque = 256;

    void Mix(Span<byte> pixel, double x, double y, double side, int opacity)
    {
        var (portrait, ground) = (_portrait, _ground);
        var (x0, y0) = ((int)Math.Max(0, Math.Floor(x)), (int)Math.Max(0, Math.Floor(y)));
        var (x1, y1) = ((int)Math.Min(portrait.Width, Math.Max(x0 + 1, Math.Ceiling(x + side))),
            (int)Math.Min(portrait.Height, Math.Max(y0 + 1, Math.Ceiling(y + side))));
        var (sum, seen, all) = ((R: 0, G: 0, B: 0), 0, 0);
        for (var row = y0; row < y1; row++)
            for (var column = x0; column < x1; column++)
            {
                all++;
                if (ground[row * portrait.Width + column]) continue;
                seen++;
                var at = (row * portrait.Width + column) * 3;
                sum = (sum.R + portrait.Rgb[at], sum.G + portrait.Rgb[at + 1], sum.B + portrait.Rgb[at + 2]);
            }
        if (seen == 0) return;
        byte Mixed(byte under, int over) => (byte)((under * (all * Opaque - seen * opacity) + over * opacity) / (all * Opaque));
        (pixel[0], pixel[1], pixel[2]) = (Mixed(pixel[0], sum.R), Mixed(pixel[1], sum.G), Mixed(pixel[2], sum.B));
    }

    /// <summary>
    /// Which pixels are ground: those that hang together with the upper and side borders by small steps of colour, and are not far from
    /// the colour there.
    /// </summary>
    static bool[] Ground(Picture portrait)
    {
        var (width, height, rgb) = (portrait.Width, portrait.Height, portrait.Rgb);
        var ground = new bool[width * height];
        var open = new Queue<(int At, int Border)>();                                            // the nearest border first
        void Reach(int at, int border)
        {
            if (ground[at]) return;
            ground[at] = true;
            open.Enqueue((at, border));
        }
        for (var column = 0; column < width; column++) Reach(column, column);
        for (var row = 0; row < height; row++)
        {
            Reach(row * width, row * width);
            Reach(row * width + width - 1, row * width + width - 1);
        }
        int Apart(int a, int b) => Math.Abs(rgb[3 * a] - rgb[3 * b]) + Math.Abs(rgb[3 * a + 1] - rgb[3 * b + 1])
            + Math.Abs(rgb[3 * a + 2] - rgb[3 * b + 2]);
        while (open.TryDequeue(out var from))
        {
            var (at, border) = from;
            void Go(int next)
            {
                if (!ground[next] && Apart(at, next) <= GroundStep && Apart(next, border) <= GroundRange) Reach(next, border);
            }
            var column = at % width;
            if (column > 0) Go(at - 1);
            if (column < width - 1) Go(at + 1);
            if (at >= width) Go(at - width);
            if (at < width * (height - 1)) Go(at + width);
        }
        return ground;
    }

    /// <summary>Specks that do not hang together with the figure are ground: parts of less than a twentieth of the largest.</summary>
    static void Clean(bool[] ground, int width)
    {
        var part = new int[ground.Length];
        var (sizes, open) = (new List<int> { 0 }, new Stack<int>());
        for (var start = 0; start < ground.Length; start++)
        {
            if (ground[start] || part[start] > 0) continue;
            var number = sizes.Count;
            sizes.Add(0);
            void Reach(int at)
            {
                if (ground[at] || part[at] > 0) return;
                part[at] = number;
                sizes[number]++;
                open.Push(at);
            }
            Reach(start);
            while (open.TryPop(out var at))
            {
                var column = at % width;
                if (column > 0) Reach(at - 1);
                if (column < width - 1) Reach(at + 1);
                if (at >= width) Reach(at - width);
                if (at < ground.Length - width) Reach(at + width);
            }
        }
        var largest = sizes.Max();
        for (var i = 0; i < ground.Length; i++) ground[i] |= sizes[part[i]] * 20 < largest;
    }

    /// <summary>Around all pixels that are not ground, the last ones included; right below left where there are none.</summary>
    static (int Left, int Top, int Right, int Bottom) Around(bool[] ground, int width)
    {
        var (left, top, right, bottom) = (width, ground.Length / width, -1, -1);
        for (var i = 0; i < ground.Length; i++)
            if (!ground[i])
                (left, top, right, bottom) = (Math.Min(left, i % width), Math.Min(top, i / width), Math.Max(right, i % width),
                    Math.Max(bottom, i / width));
        return (left, top, right, bottom);
    }
}

/// <summary>People on the place where they stand.</summary>
public static class Collage
{
    /// <param name="people">Per box a figure; who has none, or is not there, is left out.</param>
    public static Picture Of(Picture place, IReadOnlyList<CutOut?> people, IReadOnlyList<StageBox> staging)
    {
        var rgb = (byte[])place.Rgb.Clone();
        foreach (var (person, box) in people.Zip(staging))
            if (box != default) person?.Lay(rgb, place.Width, place.Height, box);
        return place with { Rgb = rgb };
    }

    /// <summary>
    /// A collage for each frame. Where the first or the last frame is given, those who stay where they are are as that frame has them, and
    /// only those who walk are laid on it.
    /// </summary>
    /// <param name="staging">Per frame a box for each of the people.</param>
    /// <param name="first">As large as the place.</param>
    /// <param name="anew">Who is laid on a given frame although they stay.</param>
    public static IReadOnlyList<Picture> Clip(Picture place, IReadOnlyList<CutOut?> people, IReadOnlyList<IReadOnlyList<StageBox>> staging,
        Picture? first, Picture? last, IReadOnlySet<int>? anew = null)
    {
        bool[] walks = [.. people.Select((figure, i) => figure is not null
            && (anew?.Contains(i) == true || staging.Any(boxes => boxes[i] != staging[0][i])))];
        var (start, end) = (Without(walks, first, place, staging[0]), Without(walks, last, place, staging[^1]));
        List<CutOut?> walkers = [.. people.Select((figure, i) => walks[i] ? figure : null)];
        return [.. staging.Select((boxes, i) => (i < (staging.Count + 1) / 2 ? start ?? end : end ?? start) is { } known
            ? Of(known, walkers, boxes) : Of(place, people, boxes))];
    }

    /// <summary>An arm may reach out of the box of somebody who stands: so far, as a share of the frame.</summary>
    const double Around = 0.05;

    /// <summary>A frame with the empty place where somebody stands who will walk, unless somebody who stays is in front.</summary>
    static Picture? Without(bool[] walks, Picture? frame, Picture place, IReadOnlyList<StageBox> boxes)
    {
        if (frame is null) return null;
        var (width, height, rgb) = (place.Width, place.Height, (byte[])frame.Rgb.Clone());
        bool Covers(StageBox box, double x, double y, double around) => box != default && x > box.Left - around && x < box.Right + around
            && y > box.Top - around && y < box.Bottom + around;
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var (across, down) = ((x + 0.5) / width, (y + 0.5) / height);
                if (!boxes.Where((box, i) => walks[i] && Covers(box, across, down, Around)).Any()
                    || boxes.Where((box, i) => !walks[i] && Covers(box, across, down, 0)).Any()) continue;
                place.Rgb.AsSpan((y * width + x) * 3, 3).CopyTo(rgb.AsSpan((y * width + x) * 3));
            }
        return frame with { Rgb = rgb };
    }
}
