// What a person can do when the file system refuses: a full disk, a file that may not be written, a file where a folder belongs.
namespace Fabula.Build;

public static class DiskAdvice
{
    /// <summary>Half a sentence without its full stop; null if the exception is no refusal that a person can mend.</summary>
    /// <param name="folder">In which something was to be written.</param>
    public static string? Of(Exception exception, string folder) => exception switch
    {
        // ENOSPC 28, EDQUOT 122 (Linux) and 69 (macOS), ERROR_DISK_FULL
        IOException { HResult: 28 or 122 or 69 or unchecked((int)0x80070070) } =>
            $"the disk that holds '{folder}' is full. Free some space and run again: what is finished is kept",
        // EFBIG
        IOException { HResult: 27 } => $"a file in '{folder}' is larger than this system lets it be. Raise the limit (ulimit -f) and "
            + "run again: what is finished is kept",
        IOException or UnauthorizedAccessException when InTheWay(folder) is { } file =>
            $"'{file}' is a file where a folder belongs. Move it away, or choose another folder",
        IOException { HResult: 30 } or UnauthorizedAccessException => // EROFS
            $"'{folder}' cannot be written ({exception.Message.TrimEnd('.')}). Make it writable, or build in another folder",
        _ => null,
    };

    /// <summary>The same as a whole sentence.</summary>
    public static string? SentenceOf(Exception exception, string folder) =>
        Of(exception, folder) is { } advice ? $"{char.ToUpperInvariant(advice[0])}{advice[1..]}." : null;

    static string? InTheWay(string folder)
    {
        for (var part = folder; !string.IsNullOrEmpty(part); part = Path.GetDirectoryName(part))
            if (File.Exists(part)) return part;
        return null;
    }
}
