// The text tables built into the program: lines "key=value".
namespace Fabula.Models.Text;

internal static class Table
{
    public static IEnumerable<(string Key, string Value)> Read(string name)
    {
        using var reader = new StreamReader(typeof(Table).Assembly.GetManifestResourceStream("Fabula.Models.Text." + name)!);
        while (reader.ReadLine() is { } line)
        {
            int split = line.IndexOf('=', StringComparison.Ordinal);
            yield return (line[..split], line[(split + 1)..]);
        }
    }
}
