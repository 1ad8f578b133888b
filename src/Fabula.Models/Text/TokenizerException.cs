// The one error of this folder: a vocabulary file that cannot be used, said in one sentence with the fix.
namespace Fabula.Models.Text;

/// <summary>A tokenizer file is missing, damaged or of a kind we do not read; the message names the file and what to do.</summary>
public sealed class TokenizerException : Exception
{
    public TokenizerException() { }

    public TokenizerException(string message) : base(message) { }

    public TokenizerException(string message, Exception inner) : base(message, inner) { }

    internal static TokenizerException Damaged(string source, string what) =>
        new($"The vocabulary '{source}' is damaged ({what}); download it again, or copy it again from where it came.");
}
