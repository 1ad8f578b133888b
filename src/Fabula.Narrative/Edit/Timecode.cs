// Non-drop timecode: hours, minutes, seconds and frames of a whole number of frames per second. At 16, 24, 25 and 30 frames per second
// it is exact; drop-frame counting is for 29.97 and 59.94 alone, which Fabula does not make.
namespace Fabula.Narrative.Edit;

public static class Timecode
{
    /// <summary>01:00:00:00, where films begin by custom.</summary>
    public static long OneHour(int rate) => 3600L * rate;

    /// <summary>HH:MM:SS:FF; after 23:59:59 it begins again at 00:00:00, as tape did.</summary>
    public static string Write(long frame, int rate)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(frame);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rate);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rate, 99);
        var seconds = frame / rate;
        return $"{seconds / 3600 % 24:00}:{seconds / 60 % 60:00}:{seconds % 60:00}:{frame % rate:00}";
    }

    /// <summary>The frame that a timecode names.</summary>
    /// <exception cref="FormatException">It is not HH:MM:SS:FF, or a part is too large.</exception>
    public static long Read(string timecode, int rate)
    {
        var parts = timecode.Split(':');
        if (parts.Length != 4 || parts.Any(part => part.Length != 2 || !part.All(char.IsAsciiDigit)))
            throw new FormatException($"'{timecode}' is no timecode. Write HH:MM:SS:FF with two digits each.");
        var (hours, minutes, seconds, frames) = (int.Parse(parts[0]), int.Parse(parts[1]), int.Parse(parts[2]), int.Parse(parts[3]));
        return hours < 24 && minutes < 60 && seconds < 60 && frames < rate ? ((hours * 60L + minutes) * 60 + seconds) * rate + frames
            : throw new FormatException($"'{timecode}' does not exist at {rate} frames per second. Frames run from 00 to {rate - 1:00}.");
    }
}
