// A cut-out that walks as paper puppets with hinged legs do: two legs hang beneath the body and swing past one another, and the body sinks
// a little when they are far apart. Whoever wears a long skirt shows no more than feet that step out under the hem.
namespace Fabula.Models;

/// <summary>A figure in three pieces.</summary>
sealed class Puppet
{
    /// <summary>Shares of the figure's height: how long and how broad a leg is at most, how far a leg's middle is from the gap between
    /// both, and how deep beneath the body's edge a leg begins at least, seen from the ground.</summary>
    const double MostLeg = 0.40, LegReach = 0.16, LegMiddle = 0.06, LeastSwing = 0.22;

    /// <summary>Rows without a gap, as a share of the height, that do not end a leg: shoes and socks may touch.</summary>
    const double Touching = 0.03;

    /// <summary>So much lighter than both legs is the cut edge of paper between them, in levels summed over the channels.</summary>
    const int Lighter = 90;

    /// <summary>From this stride on legs swing from the middle of the body; the share of the way there that they then have gone.</summary>
    const double WideStride = 0.3, Inwards = 0.5;

    readonly CutOut _body;
    readonly (CutOut Piece, double X)[] _legs;
    readonly double _hip, _reach, _aside;

    Puppet(CutOut body, (CutOut, double)[] legs, double hip, double reach, double aside) =>
        (_body, _legs, _hip, _reach, _aside) = (body, legs, hip, reach, aside);

    /// <summary>Null where no two legs are to be seen.</summary>
    public static Puppet? Of(CutOut figure)
    {
        if (!figure.HasFeet || Gap(figure) is not { } gap) return null;
        var (tall, ground) = (figure.Bounds.Bottom - figure.Bounds.Top + 1.0, figure.Bounds.Bottom);
        var (reach, aside) = (Math.Max(1.3 * (ground - gap.Top), LeastSwing * tall), LegMiddle * tall);
        var hip = ground - reach;
        bool IsLeg(int x, int y) => y >= gap.Top && Math.Abs(x - gap.Column) <= LegReach * tall;
        // A row that is surely leg, of which the part beneath the body is made.
        var row = Math.Min(ground, gap.Top + (int)Math.Ceiling(Touching * tall));
        CutOut Leg(int side) => figure.Piece((x, y) =>
        {
            var beside = side < 0 ? x <= gap.Column : x > gap.Column;
            return !beside || y < hip - aside || Math.Abs(x - gap.Column) > LegReach * tall ? null : (x, Math.Max(y, row));
        });
        return new(figure.Piece((x, y) => IsLeg(x, y) ? null : (x, y)),
            [(Leg(-1), gap.Column - aside), (Leg(1), gap.Column + aside)], hip, reach, aside);
    }

    /// <summary>The figure with its legs as the box's stride has them, both feet on the ground.</summary>
    public void Lay(byte[] rgb, int width, int height, StageBox box)
    {
        var sinks = _reach * (1 - Math.Cos(box.Stride));
        var inwards = _aside * Inwards * Math.Min(1, Math.Abs(box.Stride) / WideStride);
        foreach (var (i, (piece, x)) in _legs.Index())
        {
            var side = i == 0 ? -1 : 1;
            piece.Lay(rgb, width, height, box, new(x, _hip, side * box.Stride, -side * inwards, sinks));
        }
        _body.Lay(rgb, width, height, box, new(0, 0, 0, 0, sinks));
    }

    /// <summary>The column between the legs, and the row where they begin: of the columns near the middle that parts most.</summary>
    static (int Column, int Top)? Gap(CutOut figure)
    {
        var (left, top, right, bottom) = figure.Bounds;
        var tall = bottom - top + 1;
        (int Column, int Top)? best = null;
        for (var column = left + (right - left) / 3; column <= right - (right - left) / 3; column++)
        {
            var (begins, touching) = (bottom + 1, 0);
            for (var row = bottom; row > bottom - MostLeg * tall && touching <= Math.Max(2, Touching * tall); row--)
                if (Parts(figure, column, row, Math.Max(2, (int)(LegMiddle * tall)))) (begins, touching) = (row, 0);
                else touching++;
            if (begins < (best?.Top ?? bottom - 1)) best = (column, begins);
        }
        return best;
    }

    /// <summary>Ground or the cut edge of paper, with a leg on either side.</summary>
    static bool Parts(CutOut figure, int column, int row, int aside)
    {
        if (figure.At(column - aside, row) is not { } left || figure.At(column + aside, row) is not { } right) return false;
        return figure.At(column, row) is not { } between || between > Math.Max(left, right) + Lighter;
    }
}
