// What hangs together with a picture's border by small steps of colour: the ground behind a portrait, the sky over a place.
namespace Fabula.Models;

static class Border
{
    /// <summary>Per pixel whether it is reached, the nearest border first.</summary>
    /// <param name="starts">Pixels at the border.</param>
    /// <param name="step">How far neighbours are apart at most, in levels summed over the channels.</param>
    /// <param name="range">How far a pixel is from the border's that it hangs together with, likewise.</param>
    /// <param name="rows">No further down than so many.</param>
    public static bool[] Reaches(Picture picture, IEnumerable<int> starts, int step, int range, int rows)
    {
        var (width, rgb, reached) = (picture.Width, picture.Rgb, new bool[picture.Width * picture.Height]);
        var open = new Queue<(int At, int Start)>();
        void Reach(int at, int start)
        {
            if (reached[at]) return;
            reached[at] = true;
            open.Enqueue((at, start));
        }
        int Apart(int a, int b) => Math.Abs(rgb[3 * a] - rgb[3 * b]) + Math.Abs(rgb[3 * a + 1] - rgb[3 * b + 1])
            + Math.Abs(rgb[3 * a + 2] - rgb[3 * b + 2]);
        foreach (var at in starts) Reach(at, at);
        while (open.TryDequeue(out var from))
        {
            var (at, start) = from;
            void Go(int next)
            {
                if (!reached[next] && Apart(at, next) <= step && Apart(next, start) <= range) Reach(next, start);
            }
            var column = at % width;
            if (column > 0) Go(at - 1);
            if (column < width - 1) Go(at + 1);
            if (at >= width) Go(at - width);
            if (at < width * (rows - 1)) Go(at + width);
        }
        return reached;
    }
}
