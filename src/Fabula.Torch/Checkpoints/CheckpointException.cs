namespace Fabula.Torch;

/// <summary>
/// A tensor file that cannot be read or written. The message is one sentence that names the file, the tensor if there is one,
/// and the fix if there is one. Text from the file is shown without control characters, so it cannot write to the terminal.
/// </summary>
public sealed class CheckpointException : Exception
{
    const int LongestName = 200;

    /// <param name="file">The file as the user named it.</param>
    /// <param name="tensor">The tensor at fault; null when the whole file is.</param>
    /// <param name="fault">What is wrong, as the rest of a sentence that begins with the file or the tensor, with no full stop.</param>
    public CheckpointException(string file, string? tensor, string fault, Exception? cause = null)
        : base(Printable(tensor is null ? $"{file} {fault}." : $"{file}: tensor '{Short(tensor)}' {fault}."), cause)
    {
        File = file;
        Tensor = tensor;
    }

    public string File { get; }

    public string? Tensor { get; }

    /// <summary>At most five names and how many more there are, for a sentence.</summary>
    internal static string List(IReadOnlyCollection<string> names)
    {
        var shown = string.Join(", ", names.Take(5).Select(name => $"'{Short(name)}'"));
        return names.Count > 5 ? $"{shown} and {names.Count - 5} more" : shown;
    }

    internal static string Short(string name) => name.Length <= LongestName ? name : name[..LongestName] + "...";

    static string Printable(string text) => string.Create(text.Length, text, static (span, source) =>
    {
        for (var i = 0; i < span.Length; i++) span[i] = char.IsControl(source[i]) ? '?' : source[i];
    });
}
