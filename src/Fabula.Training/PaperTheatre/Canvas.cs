// The one door to Cairo (libcairo.so.2): a picture to draw on. Everything the theatre shows passes through here; nobody else calls Cairo.
// API: https://www.cairographics.org/manual/.
using System.Runtime.InteropServices;

namespace Fabula.Training.PaperTheatre;

/// <summary>Red, green, blue and opacity, each in 0..1, not premultiplied.</summary>
public readonly record struct Colour(double R, double G, double B, double A = 1)
{
    public Colour Shade(double factor) => new(Math.Min(1, R * factor), Math.Min(1, G * factor), Math.Min(1, B * factor), A);
    public Colour Mix(Colour other, double share) =>
        new(R + (other.R - R) * share, G + (other.G - G) * share, B + (other.B - B) * share, A);
    public Colour Times(Colour light) => new(R * light.R, G * light.G, B * light.B, A);
    public Colour With(double opacity) => this with { A = opacity };
}

/// <summary>A picture of premultiplied BGRA pixels and the pen that draws on it. One thread at a time. Dispose frees Cairo's
/// memory.</summary>
sealed unsafe partial class Canvas : IDisposable
{
    const string Library = "libcairo.so.2";
    const int Argb32 = 0, FilterBilinear = 4, RoundCap = 1, RoundJoin = 1;

    nint _surface, _pen;

    /// <exception cref="InvalidOperationException">Cairo refuses the size, or has no memory for it.</exception>
    public Canvas(int width, int height)
    {
        (Width, Height) = (width, height);
        _surface = cairo_image_surface_create(Argb32, width, height);
        var status = cairo_surface_status(_surface);
        _pen = cairo_create(_surface);
        if (status == 0) status = cairo_status(_pen);
        if (status != 0)
        {
            var reason = Marshal.PtrToStringUTF8(cairo_status_to_string(status));
            Dispose();
            throw new InvalidOperationException($"Cairo cannot make a picture of {width} x {height}: {reason}.");
        }
        cairo_set_line_cap(_pen, RoundCap);
        cairo_set_line_join(_pen, RoundJoin);
    }

    public int Width { get; }
    public int Height { get; }
    /// <summary>Bytes from one row to the next.</summary>
    public int Stride => cairo_image_surface_get_stride(_surface);

    /// <summary>All pixels as B, G, R, A bytes, finished drawing included. Valid until the next drawing.</summary>
    public ReadOnlySpan<byte> Pixels()
    {
        cairo_surface_flush(_surface);
        return new(cairo_image_surface_get_data(_surface), Stride * Height);
    }

    /// <summary>Takes over all pixels of a picture of the same size.</summary>
    public void Copy(Canvas source)
    {
        source.Pixels().CopyTo(new Span<byte>(cairo_image_surface_get_data(_surface), Stride * Height));
        cairo_surface_mark_dirty(_surface);
    }

    public void Save() => cairo_save(_pen);
    public void Restore() => cairo_restore(_pen);
    public void Translate(double x, double y) => cairo_translate(_pen, x, y);
    public void Scale(double x, double y) => cairo_scale(_pen, x, y);
    public void Rotate(double radians) => cairo_rotate(_pen, radians);

    public void Move(double x, double y) => cairo_move_to(_pen, x, y);
    public void Line(double x, double y) => cairo_line_to(_pen, x, y);
    public void Curve(double x1, double y1, double x2, double y2, double x, double y) => cairo_curve_to(_pen, x1, y1, x2, y2, x, y);
    public void Close() => cairo_close_path(_pen);
    public void Box(double x, double y, double width, double height) => cairo_rectangle(_pen, x, y, width, height);

    /// <summary>A piece of a circle as a sub-path of its own, clockwise on the screen from one angle to the other.</summary>
    public void Arc(double x, double y, double radius, double from, double to)
    {
        cairo_new_sub_path(_pen);
        cairo_arc(_pen, x, y, radius, from, to);
    }

    public void Circle(double x, double y, double radius) => Arc(x, y, radius, 0, Math.Tau);

    public void Ellipse(double x, double y, double radiusX, double radiusY)
    {
        Save();
        Translate(x, y);
        Scale(radiusX, radiusY);
        Circle(0, 0, 1);
        Restore();
    }

    public void RoundBox(double x, double y, double width, double height, double radius)
    {
        var r = Math.Min(radius, Math.Min(width, height) / 2);
        Arc(x + width - r, y + r, r, -Math.PI / 2, 0);
        cairo_arc(_pen, x + width - r, y + height - r, r, 0, Math.PI / 2);
        cairo_arc(_pen, x + r, y + height - r, r, Math.PI / 2, Math.PI);
        cairo_arc(_pen, x + r, y + r, r, Math.PI, 1.5 * Math.PI);
        Close();
    }

    public void Polygon(params ReadOnlySpan<double> xy)
    {
        Move(xy[0], xy[1]);
        for (var i = 2; i < xy.Length; i += 2) Line(xy[i], xy[i + 1]);
        Close();
    }

    public void Fill(Colour colour)
    {
        Use(colour);
        cairo_fill(_pen);
    }

    /// <summary>Fills and keeps the path for another stroke or fill.</summary>
    public void FillAndKeep(Colour colour)
    {
        Use(colour);
        cairo_fill_preserve(_pen);
    }

    public void Stroke(Colour colour, double width)
    {
        Use(colour);
        cairo_set_line_width(_pen, width);
        cairo_stroke(_pen);
    }

    /// <summary>Everything drawn until the next Restore stays inside the path.</summary>
    public void Clip() => cairo_clip(_pen);

    /// <summary>Empties the whole picture, whatever the clip.</summary>
    public void Clear()
    {
        cairo_surface_flush(_surface);
        new Span<byte>(cairo_image_surface_get_data(_surface), Stride * Height).Clear();
        cairo_surface_mark_dirty(_surface);
    }

    /// <summary>Fills everything (or the clip) with a vertical gradient between two heights.</summary>
    public void Gradient(Colour top, Colour bottom, double from, double to)
    {
        var gradient = cairo_pattern_create_linear(0, from, 0, to);
        cairo_pattern_add_color_stop_rgba(gradient, 0, top.R, top.G, top.B, top.A);
        cairo_pattern_add_color_stop_rgba(gradient, 1, bottom.R, bottom.G, bottom.B, bottom.A);
        Paint(gradient);
    }

    /// <summary>A soft round light: full in the middle, nothing at the radius.</summary>
    public void Glow(double x, double y, double radius, Colour colour)
    {
        var gradient = cairo_pattern_create_radial(x, y, 0, x, y, radius);
        cairo_pattern_add_color_stop_rgba(gradient, 0, colour.R, colour.G, colour.B, colour.A);
        cairo_pattern_add_color_stop_rgba(gradient, 1, colour.R, colour.G, colour.B, 0);
        Paint(gradient);
    }

    public void Paint(Colour colour)
    {
        Use(colour);
        cairo_paint(_pen);
    }

    /// <summary>Lays another picture over this one, its corner at (x, y) of the current coordinates, with bilinear sampling.</summary>
    public void Paint(Canvas source, double x, double y)
    {
        cairo_set_source_surface(_pen, source._surface, x, y);
        cairo_pattern_set_filter(cairo_get_source(_pen), FilterBilinear);
        cairo_paint(_pen);
    }

    /// <summary>Paints one colour through the opacity of another picture.</summary>
    public void Silhouette(Canvas source, double x, double y, Colour colour)
    {
        Use(colour);
        cairo_mask_surface(_pen, source._surface, x, y);
    }

    public void Dispose()
    {
        if (_pen != 0) cairo_destroy(_pen);
        if (_surface != 0) cairo_surface_destroy(_surface);
        (_pen, _surface) = (0, 0);
    }

    void Use(Colour colour) => cairo_set_source_rgba(_pen, colour.R, colour.G, colour.B, colour.A);

    void Paint(nint pattern)
    {
        cairo_set_source(_pen, pattern);
        cairo_paint(_pen);
        cairo_pattern_destroy(pattern);
    }

    [LibraryImport(Library)] private static partial nint cairo_image_surface_create(int format, int width, int height);
    [LibraryImport(Library)] private static partial int cairo_image_surface_get_stride(nint surface);
    [LibraryImport(Library)] private static partial byte* cairo_image_surface_get_data(nint surface);
    [LibraryImport(Library)] private static partial int cairo_surface_status(nint surface);
    [LibraryImport(Library)] private static partial void cairo_surface_flush(nint surface);
    [LibraryImport(Library)] private static partial void cairo_surface_mark_dirty(nint surface);
    [LibraryImport(Library)] private static partial void cairo_surface_destroy(nint surface);
    [LibraryImport(Library)] private static partial nint cairo_create(nint surface);
    [LibraryImport(Library)] private static partial void cairo_destroy(nint pen);
    [LibraryImport(Library)] private static partial int cairo_status(nint pen);
    [LibraryImport(Library)] private static partial nint cairo_status_to_string(int status);
    [LibraryImport(Library)] private static partial void cairo_save(nint pen);
    [LibraryImport(Library)] private static partial void cairo_restore(nint pen);
    [LibraryImport(Library)] private static partial void cairo_translate(nint pen, double x, double y);
    [LibraryImport(Library)] private static partial void cairo_scale(nint pen, double x, double y);
    [LibraryImport(Library)] private static partial void cairo_rotate(nint pen, double angle);
    [LibraryImport(Library)] private static partial void cairo_move_to(nint pen, double x, double y);
    [LibraryImport(Library)] private static partial void cairo_line_to(nint pen, double x, double y);
    [LibraryImport(Library)]
    private static partial void cairo_curve_to(nint pen, double x1, double y1, double x2, double y2, double x, double y);
    [LibraryImport(Library)] private static partial void cairo_arc(nint pen, double x, double y, double radius, double from, double to);
    [LibraryImport(Library)] private static partial void cairo_rectangle(nint pen, double x, double y, double width, double height);
    [LibraryImport(Library)] private static partial void cairo_new_sub_path(nint pen);
    [LibraryImport(Library)] private static partial void cairo_close_path(nint pen);
    [LibraryImport(Library)] private static partial void cairo_fill(nint pen);
    [LibraryImport(Library)] private static partial void cairo_fill_preserve(nint pen);
    [LibraryImport(Library)] private static partial void cairo_stroke(nint pen);
    [LibraryImport(Library)] private static partial void cairo_paint(nint pen);
    [LibraryImport(Library)] private static partial void cairo_clip(nint pen);
    [LibraryImport(Library)] private static partial void cairo_set_line_width(nint pen, double width);
    [LibraryImport(Library)] private static partial void cairo_set_line_cap(nint pen, int cap);
    [LibraryImport(Library)] private static partial void cairo_set_line_join(nint pen, int join);
    [LibraryImport(Library)] private static partial void cairo_set_source_rgba(nint pen, double r, double g, double b, double a);
    [LibraryImport(Library)] private static partial void cairo_set_source(nint pen, nint pattern);
    [LibraryImport(Library)] private static partial void cairo_set_source_surface(nint pen, nint surface, double x, double y);
    [LibraryImport(Library)] private static partial nint cairo_get_source(nint pen);
    [LibraryImport(Library)] private static partial void cairo_mask_surface(nint pen, nint surface, double x, double y);
    [LibraryImport(Library)] private static partial nint cairo_pattern_create_linear(double x0, double y0, double x1, double y1);
    [LibraryImport(Library)]
    private static partial nint cairo_pattern_create_radial(double x0, double y0, double r0, double x1, double y1, double r1);
    [LibraryImport(Library)]
    private static partial void cairo_pattern_add_color_stop_rgba(nint pattern, double offset, double r, double g, double b, double a);
    [LibraryImport(Library)] private static partial void cairo_pattern_set_filter(nint pattern, int filter);
    [LibraryImport(Library)] private static partial void cairo_pattern_destroy(nint pattern);
}
