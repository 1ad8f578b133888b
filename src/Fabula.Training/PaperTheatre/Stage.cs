// Draws shots. One stage per thread: it keeps pictures to draw on, and the backdrops of the places it has seen lately.
//
// Each frame: the backdrop as the camera sees it (that alone is the plate); the open door; then person after person, the rear ones first. A
// person is drawn alone, gets a paper edge, throws a shadow on what lies behind, and is laid on top. The very cut-out that is laid on the
// frame also writes the mask: truth and pixels come from one drawing.
namespace Fabula.Training.PaperTheatre;

public sealed class Stage : IDisposable
{
    /// <summary>Somebody counts as visible from this share of the frame's pixels on (43 pixels of 128 x 224).</summary>
    public const double LeastShare = 0.0015;

    const double Pad = 40;  // how far a backdrop goes beyond the stage on every side, for pans
    const int KeptBackdrops = 8;

    readonly int _width, _height;
    readonly double _fit;  // pixels in a stage unit, in a wide shot
    readonly Canvas _plate, _frame, _drawing, _cutout;
    readonly Dictionary<(Location, string, View, View), (Canvas Picture, int Used)> _backdrops = [];
    int _clock;

    /// <summary>A stage for frames of this size. The stage's picture is 7:4 and covers the frame; another shape of frame sees less of
    /// it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 16 or above 4096.</exception>
    public Stage(int width, int height)
    {
        if (width is < 16 or > 4096) throw new ArgumentOutOfRangeException(nameof(width), width, "A frame is 16 to 4096 pixels wide.");
        if (height is < 16 or > 4096) throw new ArgumentOutOfRangeException(nameof(height), height, "A frame is 16 to 4096 pixels high.");
        (_width, _height) = (width, height);
        _fit = Math.Max(width / ShotSpec.StageWidth, height / ShotSpec.StageHeight);
        (_plate, _frame, _drawing, _cutout) = (new(width, height), new(width, height), new(width, height), new(width, height));
    }

    /// <summary>Cut-outs drawn so far: people, doors and backdrops. A measure of work that does not depend on the machine.</summary>
    public long Drawn { get; private set; }

    /// <summary>Draws a shot, or only some frames of it.</summary>
    /// <param name="only">Which frames of the shot, as indices; the clip then holds these alone, in this order. None: all.</param>
    public Clip Draw(ShotSpec spec, params ReadOnlySpan<int> only)
    {
        Check(spec);
        var size = _width * _height;
        var count = only.IsEmpty ? spec.Frames : only.Length;
        var frames = new byte[count * size * 3];
        var masks = new byte[count * size];
        var seen = new IReadOnlyList<Sighting>[count];
        var (first, last) = (View.At(spec, 0, _fit, _width, _height), View.At(spec, 1, _fit, _width, _height));
        var backdrop = Backdrop(spec, first, last);
        for (var i = 0; i < count; i++)
        {
            var t = spec.Frames > 1 ? (double)(only.IsEmpty ? i : only[i]) / (spec.Frames - 1) : 0;
            var view = View.At(spec, t, _fit, _width, _height);
            if (i == 0 || spec.Camera != CameraMove.Static) DrawPlate(backdrop, first, last, view);
            _frame.Copy(_plate);
            var mask = masks.AsSpan(i * size, size);
            OpenDoor(spec, t, view, mask);
            foreach (var role in Enumerable.Range(0, spec.Roles.Count).OrderByDescending(role => Pose.SpotAt(spec.Roles[role], t).Depth))
                DrawRole(spec, role, t, view, mask);
            seen[i] = [.. Enumerable.Range(0, spec.Roles.Count).Select(role => See(spec, role, t, masks.AsSpan(i * size, size)))];
            ToRgb(_frame, frames.AsSpan(i * size * 3, size * 3));
        }
        return new(spec, _width, _height, frames, masks, seen);
    }

    /// <summary>Where somebody's feet are at time t in 0..1, in pixels, and how many pixels a stage unit has there; nothing is
    /// drawn.</summary>
    /// <returns>Null while the person is behind the wall.</returns>
    public (double X, double Y, double Scale)? Feet(ShotSpec spec, int role, double t)
    {
        var (spot, view) = (Pose.SpotAt(spec.Roles[role], t), View.At(spec, t, _fit, _width, _height));
        if (spot.Depth > 1.2) return null;
        var (y, scale) = Standing(spot);
        return ((spot.X - view.X) * view.Scale + _width / 2.0, (y - view.Y) * view.Scale + _height / 2.0, scale * view.Scale);
    }

    /// <summary>The height of the ground under a spot, in stage units, and how large somebody there is.</summary>
    static (double Y, double Scale) Standing(Spot spot)
    {
        var depth = Math.Min(1, spot.Depth);
        return (ShotSpec.Ground - 17 * depth, 1 - 0.12 * depth);
    }

    public void Dispose()
    {
        foreach (var (picture, _) in _backdrops.Values) picture.Dispose();
        foreach (var canvas in (ReadOnlySpan<Canvas>)[_plate, _frame, _drawing, _cutout]) canvas.Dispose();
        _backdrops.Clear();
    }

    /// <summary>Where the camera stands at one moment: pixels = (stage units - centre) x scale + half the frame.</summary>
    readonly record struct View(double X, double Y, double Scale, int Width, int Height)
    {
        public static View At(ShotSpec spec, double t, double fit, int width, int height)
        {
            var (zoom, x, along) = (spec.Zoom, spec.Centre, t - 0.5);
            switch (spec.Camera)
            {
                case CameraMove.PanLeft: x -= 24 / zoom * along; break;
                case CameraMove.PanRight: x += 24 / zoom * along; break;
                case CameraMove.ZoomIn: zoom *= 1.1 + 0.2 * along; break;
                case CameraMove.ZoomOut: zoom *= 1.1 - 0.2 * along; break;
            }
            var tallest = spec.Roles.Count == 0 ? spec.Framing : spec.Roles.Max(role => role.Person.Size);
            var y = spec.Size switch
            {
                ShotSize.Wide => ShotSpec.StageHeight / 2,
                ShotSize.Medium when spec.Location.Place == Place.Plain => ShotSpec.Ground - tallest / 2 - 4,
                ShotSize.Medium => ShotSpec.Ground - tallest + 27,
                _ => ShotSpec.Ground - tallest * 0.84 + 5,
            };
            var (halfX, halfY) = (width / 2.0 / (fit * zoom), height / 2.0 / (fit * zoom));
            x = Math.Clamp(x, halfX - Pad, ShotSpec.StageWidth + Pad - halfX);
            y = Math.Clamp(y, halfY - Pad, ShotSpec.StageHeight + Pad - halfY);
            return new(x, y, fit * zoom, width, height);
        }

        /// <summary>The pixels of the frame that a part of the stage can touch.</summary>
        public Area Cover(double left, double top, double width, double height) => new(
            (int)Math.Clamp(Math.Floor((left - X) * Scale + Width / 2.0), 0, Width),
            (int)Math.Clamp(Math.Floor((top - Y) * Scale + Height / 2.0), 0, Height),
            (int)Math.Clamp(Math.Ceiling((left + width - X) * Scale + Width / 2.0), 0, Width),
            (int)Math.Clamp(Math.Ceiling((top + height - Y) * Scale + Height / 2.0), 0, Height));

        public void Apply(Canvas canvas)
        {
            canvas.Translate(Width / 2.0, Height / 2.0);
            canvas.Scale(Scale, Scale);
            canvas.Translate(-X, -Y);
        }
    }

    /// <summary>The empty place as far as the camera sees it during the shot, at the scale of its nearest moment.</summary>
    Canvas Backdrop(ShotSpec spec, View first, View last)
    {
        var key = (spec.Location, string.Join(';', spec.Props), first, last);
        if (_backdrops.TryGetValue(key, out var known))
        {
            _backdrops[key] = (known.Picture, ++_clock);
            return known.Picture;
        }
        if (_backdrops.Count >= KeptBackdrops)
        {
            var oldest = _backdrops.MinBy(entry => entry.Value.Used);
            oldest.Value.Picture.Dispose();
            _backdrops.Remove(oldest.Key);
        }
        var (left, top, right, bottom, scale) = Seen(first, last);
        var picture = new Canvas((int)Math.Ceiling((right - left) * scale - 1e-6), (int)Math.Ceiling((bottom - top) * scale - 1e-6));
        picture.Scale(scale, scale);
        picture.Translate(-left, -top);
        Backdrops.Draw(picture, spec.Location, spec.Props);
        Drawn++;
        _backdrops[key] = (picture, ++_clock);
        return picture;
    }

    void DrawPlate(Canvas backdrop, View first, View last, View view)
    {
        var (left, top, _, _, scale) = Seen(first, last);
        _plate.Save();
        view.Apply(_plate);
        _plate.Translate(left, top);
        _plate.Scale(1 / scale, 1 / scale);
        _plate.Paint(backdrop, 0, 0);
        _plate.Restore();
    }

    /// <summary>What two views see together, in stage units, and the larger scale.</summary>
    static (double Left, double Top, double Right, double Bottom, double Scale) Seen(View a, View b) => (
        Math.Min(a.X - a.Width / (2 * a.Scale), b.X - b.Width / (2 * b.Scale)),
        Math.Min(a.Y - a.Height / (2 * a.Scale), b.Y - b.Height / (2 * b.Scale)),
        Math.Max(a.X + a.Width / (2 * a.Scale), b.X + b.Width / (2 * b.Scale)),
        Math.Max(a.Y + a.Height / (2 * a.Scale), b.Y + b.Height / (2 * b.Scale)), Math.Max(a.Scale, b.Scale));

    void OpenDoor(ShotSpec spec, double t, View view, Span<byte> mask)
    {
        if (spec.Location.Door is not { } door) return;
        // The door is open around the moments in which somebody is in the doorway, and takes an eighth of a shot to swing.
        const int Looks = 9;
        var passing = 0;
        for (var i = 0; i < Looks; i++)
        {
            var moment = t + (i - Looks / 2) * 0.022;
            if (spec.Roles.Any(role => Pose.SpotAt(role, moment) is { Depth: > 0.45 and < 1.25 } spot
                && Math.Abs(spot.X - door) < Doorway.Width)) passing++;
        }
        if (passing == 0) return;
        var area = view.Cover(door - 60, 0, 120, 110);
        if (area.Empty) return;
        Within(_cutout, view, area, () =>
        {
            // The cut-out is mirrored with its place.
            if (spec.Location.Mirrored)
            {
                _cutout.Translate(2 * door, 0);
                _cutout.Scale(-1, 1);
            }
            Doorway.DrawOpen(Paper.In(_cutout, spec.Location), door, Indoors.DoorColour(spec.Location.Place), (double)passing / Looks);
        });
        Lay(view, area, mask, Clip.OpenDoor, shadow: false, outline: null);
        Drawn++;
    }

    void DrawRole(ShotSpec spec, int index, double t, View view, Span<byte> mask)
    {
        var role = spec.Roles[index];
        var pose = Pose.At(role, t, spec.Seconds);
        if (pose.Spot.Depth >= 1.45) return;  // behind the wall
        var depth = Math.Min(1, pose.Spot.Depth);
        var (x, (y, scale)) = (pose.Spot.X, Standing(pose.Spot));
        var size = role.Person.Size;
        var area = view.Cover(x - size * 0.66, y - size * 1.5 - 22, size * 1.32, size * 1.5 + 30);
        if (area.Empty) return;
        Action<Canvas>? doorway = depth >= 0.93 && spec.Location.Door is { } door
            ? canvas => canvas.Box(door - Doorway.Width / 2, Doorway.Top - 2, Doorway.Width, Doorway.Foot + 4 - Doorway.Top)
            : null;

        if (doorway is null)
        {
            var air = Math.Min(0.6, pose.Lift / 20);
            _frame.Save();
            view.Apply(_frame);
            _frame.Ellipse(x, y + 0.8, size * 0.24 * (1 - air * 0.5), 3.2 * (1 - air * 0.5));
            _frame.Restore();
            _frame.Fill(Palette.Shadow.With(0.26 * (1 - air)));
        }
        Within(_drawing, view, area, () =>
        {
            _drawing.Translate(x, y);
            _drawing.Scale(scale, scale);
            Figure.Draw(_drawing, role.Person, pose, role.Carries, spec.Location.Seat.Height);
        });
        _cutout.Clear();
        // Whole pixels: shifts by fractions would be resampled, which took most of the time.
        var edge = Math.Max(1, Math.Round(0.75 * view.Scale * scale));
        Clipped(_cutout, view, area, doorway, () =>
        {
            foreach (var (dx, dy) in (ReadOnlySpan<(double, double)>)[(1, 0), (-1, 0), (0, 1), (0, -1)])
                _cutout.Silhouette(_drawing, dx * edge, dy * edge, Palette.Edge);
            _cutout.Paint(_drawing, 0, 0);
        });
        Lay(view, area, mask, (byte)(index + 1), shadow: true, doorway);
        Drawn++;
    }

    /// <summary>Empties a canvas and draws in a part of it, in stage units.</summary>
    static void Within(Canvas canvas, View view, Area area, Action draw)
    {
        canvas.Clear();
        canvas.Save();
        canvas.Box(area.Left, area.Top, area.Right - area.Left, area.Bottom - area.Top);
        canvas.Clip();
        view.Apply(canvas);
        draw();
        canvas.Restore();
    }

    /// <summary>Draws in pixels, inside a part of the canvas and, if given, inside a further outline in stage units.</summary>
    static void Clipped(Canvas canvas, View view, Area area, Action<Canvas>? outline, Action draw)
    {
        canvas.Save();
        canvas.Box(area.Left, area.Top, area.Right - area.Left, area.Bottom - area.Top);
        canvas.Clip();
        if (outline is not null)
        {
            canvas.Save();
            view.Apply(canvas);
            outline(canvas);
            canvas.Restore();
            canvas.Clip();
        }
        draw();
        canvas.Restore();
    }

    /// <summary>Lays the cut-out on the frame, with its shadow, and writes its mark into the mask wherever it is at least half
    /// opaque.</summary>
    void Lay(View view, Area area, Span<byte> mask, byte mark, bool shadow, Action<Canvas>? outline)
    {
        Clipped(_frame, view, area, outline, () =>
        {
            if (shadow) _frame.Silhouette(_cutout, Math.Round(1.1 * view.Scale), Math.Round(1.7 * view.Scale), Palette.Shadow.With(0.22));
            _frame.Paint(_cutout, 0, 0);
        });
        var pixels = _cutout.Pixels();
        var stride = _cutout.Stride;
        for (var y = area.Top; y < area.Bottom; y++)
            for (var x = area.Left; x < area.Right; x++)
                if (pixels[y * stride + x * 4 + 3] >= 128) mask[y * _width + x] = mark;
    }

    /// <summary>Whole pixels of the frame: what is drawn for one cut-out, and cleared before the next.</summary>
    readonly record struct Area(int Left, int Top, int Right, int Bottom)
    {
        public bool Empty => Right <= Left || Bottom <= Top;
    }

    Sighting See(ShotSpec spec, int role, double t, ReadOnlySpan<byte> mask)
    {
        var (pixels, left, top, right, bottom) = (0, _width, _height, -1, -1);
        for (var y = 0; y < _height; y++)
        {
            var row = mask.Slice(y * _width, _width);
            var first = row.IndexOf((byte)(role + 1));
            if (first < 0) continue;
            pixels += row.Count((byte)(role + 1));
            (left, right) = (Math.Min(left, first), Math.Max(right, row.LastIndexOf((byte)(role + 1))));
            (top, bottom) = (Math.Min(top, y), y);
        }
        var visible = pixels >= LeastShare * _width * _height;
        var atEdge = pixels == 0 ? 0 : left == 0 ? -1 : right == _width - 1 ? 1 : 0;
        var spot = Pose.SpotAt(spec.Roles[role], t);
        return new(pixels, new(left, top, right, bottom), visible, atEdge, spec.Location.Indoors && spot.Depth > 0.9 && pixels > 0);
    }

    internal static void ToRgb(Canvas canvas, Span<byte> rgb)
    {
        var pixels = canvas.Pixels();
        var (stride, at) = (canvas.Stride, 0);
        for (var y = 0; y < canvas.Height; y++)
        {
            var row = pixels.Slice(y * stride, canvas.Width * 4);
            for (var x = 0; x < row.Length; x += 4, at += 3) (rgb[at], rgb[at + 1], rgb[at + 2]) = (row[x + 2], row[x + 1], row[x]);
        }
    }

    static void Check(ShotSpec spec)
    {
        if (spec.Frames < 1) throw new ArgumentException($"A shot of {spec.Frames} frames cannot be drawn: give it at least 1.",
            nameof(spec));
        if (spec.Roles.Count > 3) throw new ArgumentException($"{spec.Roles.Count} people in one shot: the theatre has room for 3.",
            nameof(spec));
        foreach (var role in spec.Roles)
        {
            if (role.Beats.Count == 0) throw new ArgumentException($"The {role.Person.Kind} has no beat: give the role at least one.",
                nameof(spec));
            var end = 0.0;
            foreach (var beat in role.Beats)
            {
                if (beat.Start != end || beat.End <= beat.Start)
                    throw new ArgumentException(
                        $"The {role.Person.Kind}'s beat from {beat.Start} to {beat.End} does not follow the one that ends at {end}.",
                        nameof(spec));
                end = beat.End;
            }
            if (end != 1) throw new ArgumentException($"The {role.Person.Kind}'s last beat ends at {end}: it must end at 1.", nameof(spec));
        }
    }
}

static class Backdrops
{
    /// <summary>The empty place, in stage units, also beyond the stage's sides.</summary>
    public static void Draw(Canvas canvas, Location location, IReadOnlyList<PlacedProp> props)
    {
        var paper = Paper.In(canvas, location);
        canvas.Save();
        if (location.Mirrored)
        {
            canvas.Translate(ShotSpec.StageWidth, 0);
            canvas.Scale(-1, 1);
        }
        if (location.Place == Place.Plain)
        {
            var ground = Palette.Of(location.Accent).Mix(new(1, 1, 1), 0.62);
            canvas.Gradient(ground.Mix(new(1, 1, 1), 0.25), ground, 0, 128);
        }
        else if (location.Indoors) Indoors.Draw(paper, location);
        else Outdoors.Draw(paper, location);
        canvas.Restore();
        foreach (var prop in props)
        {
            canvas.Save();
            canvas.Translate(prop.X, ShotSpec.Ground - 3);
            Props.Draw(paper, prop.Prop);
            canvas.Restore();
        }
    }
}
