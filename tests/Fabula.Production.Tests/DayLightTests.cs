using Fabula.Models;

namespace Fabula.Production.Tests;

/// <summary>Places at another hour.</summary>
public sealed class DayLightTests
{
    const int Width = 12, Height = 12;

    /// <summary>A blue sky down to row 5, green land below.</summary>
    static Picture Park() => new([.. Enumerable.Range(0, Width * Height).SelectMany(i => i / Width < 6 ? new byte[] { 110, 190, 245 }
        : [90, 170, 80])], Width, Height);

    static (int R, int G, int B) At(Picture picture, int y) => (picture.Rgb[y * Width * 3], picture.Rgb[y * Width * 3 + 1],
        picture.Rgb[y * Width * 3 + 2]);

    [Fact]
    public void Night_is_darker_and_bluer_and_evening_warmer_and_the_sky_is_that_of_the_hour()
    {
        var night = DayLight.Place(Park(), DayTime.Day, DayTime.Night, false);
        var evening = DayLight.Place(Park(), DayTime.Day, DayTime.Evening, false);
        var ((dayR, dayG, dayB), dark, warm) = (At(Park(), 10), At(night, 10), At(evening, 10));
        Assert.True(dark.R < 0.7 * dayR && dark.G < 0.7 * dayG && (double)dark.B / dark.G > (double)dayB / dayG);
        Assert.True(warm.R > warm.B && (double)warm.R / warm.B > (double)dayR / dayB);
        Assert.True(At(night, 0) is { R: < 40, G: < 40, B: < 90 } && At(night, 0).B < At(night, 5).B, "a night sky, lighter below");
        Assert.True(At(evening, 5).R > 2 * At(evening, 5).B, "a red horizon");
        // Inside there is no sky.
        Assert.True(At(DayLight.Place(Park(), DayTime.Day, DayTime.Night, true), 0).B > 120);
    }

    [Fact]
    public void The_same_hour_changes_nothing_and_what_was_night_becomes_day_again()
    {
        Assert.Equal(Park().Rgb, DayLight.Place(Park(), DayTime.Night, DayTime.Night, false).Rgb);
        var night = DayLight.Place(Park(), DayTime.Day, DayTime.Night, true);
        Assert.All(DayLight.Place(night, DayTime.Night, DayTime.Day, true).Rgb.Zip(Park().Rgb),
            pair => Assert.InRange(pair.First - pair.Second, -3, 3));
    }

    [Fact]
    public void People_stand_in_the_same_light_and_can_still_be_seen()
    {
        var half = DayLight.Figure(Park(), DayTime.Night, false, 0.5);
        var whole = DayLight.Figure(Park(), DayTime.Night, false, 1);
        Assert.True(At(whole, 10).G < At(half, 10).G && At(half, 10).G < At(Park(), 10).G);
    }

    [Fact]
    public void The_other_side_is_the_mirror_image()
    {
        var picture = new Picture([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 2, 2);
        Assert.Equal([4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9], DayLight.Mirrored(picture).Rgb);
    }
}
