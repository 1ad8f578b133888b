// docs/licences.md names everything that Fabula is built from or runs on.
using System.Text.RegularExpressions;

namespace Fabula.Cli.Tests;

public class LicenceTests
{
    [Fact]
    public void Every_NuGet_package_is_listed_with_its_version_and_licence()
    {
        var listed = Listed();
        foreach (var package in Repository.Elements("Directory.Packages.props", "PackageVersion"))
        {
            var (name, version) = ((string)package.Attribute("Include")!, ((string)package.Attribute("Version")!).Trim('[', ']'));
            Assert.True(listed.TryGetValue(name, out var cells), $"docs/licences.md does not list the package {name}.");
            Assert.True(cells.Version == version, $"docs/licences.md lists {name} {cells.Version}, the build takes {version}.");
        }
    }

    [Fact]
    public void The_translator_is_listed_with_its_version()
    {
        var version = Repository.Elements("src/Fabula.Cli/Fabula.Cli.csproj", "TranslatorVersion").Single().Value;
        Assert.Equal(version, Listed()["Microsoft.NETCore.App.Crossgen2.linux-x64"].Version);
    }

    [Fact]
    public void Every_system_package_that_set_up_installs_is_listed_with_its_licence()
    {
        var listed = Listed();
        var packages = Regex.Matches(Repository.Read("eng/setup.sh"), @"\|\| echo ([a-z0-9.+-]+)")
            .Select(match => match.Groups[1].Value).ToList();
        Assert.Contains("libtorch-dev", packages);
        Assert.All(packages, package => Assert.True(listed.ContainsKey(package), $"docs/licences.md does not list the package {package}."));
    }

    [Fact]
    public void Every_listed_thing_has_a_licence() =>
        Assert.All(Listed(), entry => Assert.False(string.IsNullOrWhiteSpace(entry.Value.Licence), $"{entry.Key} has no licence."));

    /// <summary>The rows of docs/licences.md: | `name` | version | licence | what for |</summary>
    static Dictionary<string, (string Version, string Licence)> Listed() =>
        Regex.Matches(Repository.Read("docs/licences.md"), @"^\| `([^`]+)` \|([^|]*)\|([^|]*)\|", RegexOptions.Multiline)
            .ToDictionary(row => row.Groups[1].Value, row => (row.Groups[2].Value.Trim(), row.Groups[3].Value.Trim()));
}
