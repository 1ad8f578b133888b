// What people carry in a shot: where it is in each frame, from where its carriers are.
using System.Text.Json.Serialization;

namespace Fabula.Models;

/// <summary>Where a thing is in somebody's box.</summary>
/// <param name="X">From the middle to the right, in widths of the box.</param>
/// <param name="Y">From the hair down, in heights of the box.</param>
/// <param name="Grip">Which point of the thing that is: 0 its top, 1 its bottom.</param>
/// <param name="Height">Of the thing, in heights of the box.</param>
public readonly record struct PropGrip(double X, double Y, double Grip, double Height);

/// <summary>A thing that somebody carries, and perhaps gives to somebody else, both by the index of their ways.</summary>
/// <param name="From">Who has it until Leaves; -1: nobody, it lies on the ground.</param>
/// <param name="To">Who has it from Arrives on; both moments are shares of the shot.</param>
/// <param name="Lies">Where it lies while nobody has it.</param>
public sealed record HeldProp(int From, int To, PropGrip Begins, PropGrip Ends,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] double Leaves = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] double Arrives = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] StageBox Lies = default)
{
    /// <summary>Nobody gives or takes it.</summary>
    [JsonIgnore]
    public bool Stays => From == To && Begins == Ends;

    /// <summary>As it is at the beginning, for ever.</summary>
    public HeldProp Still() => this with { To = From, Ends = Begins, Leaves = 0, Arrives = 0 };

    /// <param name="at">From 0 to 1.</param>
    /// <param name="people">Their boxes then.</param>
    /// <param name="aspect">The frame's height over its width.</param>
    /// <returns>Empty while its carrier is not there.</returns>
    public StageBox At(double at, IReadOnlyList<StageBox> people, double aspect)
    {
        if (Stays || at <= Leaves) return In(From, Begins, people, aspect);
        var there = In(To, Ends, people, aspect);
        if (at >= Arrives || there == default || In(From, Begins, people, aspect) is not { Height: > 0 } here) return there;
        return StageBox.Between(here, there, (at - Leaves) / (Arrives - Leaves));
    }

    StageBox In(int who, PropGrip grip, IReadOnlyList<StageBox> people, double aspect)
    {
        if (who < 0) return Lies;
        var box = people[who];
        if (box == default) return default;
        var height = grip.Height * box.Height;
        var top = box.Top + grip.Y * box.Height - grip.Grip * height;
        // It goes with whoever leans around their feet.
        var middle = (box.Left + box.Right) / 2 + grip.X * box.Width + Math.Sin(box.Tilt) * (box.Bottom - top - height) * aspect;
        return new(middle - height * aspect / 2, top, middle + height * aspect / 2, top + height, box.Tilt, Faded: box.Faded);
    }
}
