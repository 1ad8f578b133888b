// The repository that these tests were built from, read as text.
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Fabula.Tests;

static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>The whole text of one file; the path is relative to the root.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Files below a folder with one of these extensions, as paths relative to the root.</summary>
    public static IEnumerable<string> Files(string folder, params string[] extensions) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*", SearchOption.AllDirectories)
            .Where(file => extensions.Contains(Path.GetExtension(file)))
            .Select(file => Path.GetRelativePath(Root, file))
            .Where(file => !Regex.IsMatch(file, "(^|/)(bin|obj|artifacts)/"))
            .Order(StringComparer.Ordinal);

    /// <summary>All elements of this name in one MSBuild file.</summary>
    public static IEnumerable<XElement> Elements(string path, string name) => XDocument.Parse(Read(path)).Descendants(name);

    static string FindRoot()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            if (File.Exists(Path.Combine(folder, "Fabula.slnx"))) return folder;
        throw new InvalidOperationException($"No Fabula.slnx above {AppContext.BaseDirectory}: these tests read their own repository.");
    }
}
