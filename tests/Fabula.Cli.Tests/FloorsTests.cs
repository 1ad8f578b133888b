// The house rules of docs/architecture.md and CONTRIBUTING.md that a machine can check.
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Fabula.Cli.Tests;

public class FloorsTests
{
    [Fact]
    public void Projects_reference_only_what_the_floor_plan_allows()
    {
        var plan = FloorPlan();
        var wrong = new List<string>();
        foreach (var file in Repository.Files("src", ".csproj"))
        {
            var project = Path.GetFileNameWithoutExtension(file);
            if (!plan.TryGetValue(project, out var allowed))
            {
                wrong.Add($"{project} is not in the table of docs/architecture.md");
                continue;
            }
            wrong.AddRange(Repository.Elements(file, "ProjectReference")
                .Select(reference => Path.GetFileNameWithoutExtension(((string)reference.Attribute("Include")!).Replace('\\', '/')))
                .Where(reference => !allowed.Contains(reference))
                .Select(reference => $"{project} -> {reference} is not in the table of docs/architecture.md"));
        }
        Nothing(wrong);
    }

    [Fact]
    public void The_floor_plan_has_no_cycle()
    {
        var plan = FloorPlan();
        var built = new HashSet<string>();
        while (plan.FirstOrDefault(entry => !built.Contains(entry.Key) && entry.Value.IsSubsetOf(built)).Key is { } next) built.Add(next);
        Assert.Equal(plan.Keys.Order(), built.Order());
    }

    [Fact]
    public void Every_package_is_pinned_to_one_exact_version()
    {
        var loose = Repository.Elements("Directory.Packages.props", "PackageVersion")
            .Where(package => !Regex.IsMatch((string?)package.Attribute("Version") ?? "", @"^\[\d+(\.\d+)+(-[\w.]+)?\]$"))
            .Select(package => $"{(string?)package.Attribute("Include")} {(string?)package.Attribute("Version")}");
        Nothing(loose);
    }

    [Fact]
    public void Versions_stand_in_Directory_Packages_props_alone()
    {
        var versioned =
            from file in Repository.Files(".", ".csproj", ".props", ".targets")
            from reference in Repository.Elements(file, "PackageReference")
            where Named(reference, "Version") || Named(reference, "VersionOverride")
            select $"{file}: {(string?)reference.Attribute("Include")}";
        Nothing(versioned);

        static bool Named(XElement element, string name) => element.Attribute(name) is not null || element.Element(name) is not null;
    }

    [Fact]
    public void No_source_line_is_longer_than_140_columns()
    {
        var files = Repository.Files("src", ".cs", ".razor", ".cpp", ".h").Concat(Repository.Files("tests", ".cs"));
        Nothing(Lines(files, line => line.EnumerateRunes().Count() > 140));
    }

    [Fact]
    public void Nothing_under_src_is_left_for_later() =>
        Nothing(Lines(Repository.Files("src", ".cs", ".razor", ".cpp", ".h", ".csproj"),
            line => Regex.IsMatch(line, @"NotImplementedException|\bTODO\b")));

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = Repository.Elements("Fabula.slnx", "Project").Select(project => (string?)project.Attribute("Path"));
        var projects = new[] { "src", "tests", "bench" }.SelectMany(folder => Repository.Files(folder, ".csproj"));
        Assert.Equal(projects.Order(StringComparer.Ordinal), solution.Order(StringComparer.Ordinal));
    }

    /// <summary>Project -> projects it may reference, from the table under "Projects" in docs/architecture.md.</summary>
    static Dictionary<string, HashSet<string>> FloorPlan()
    {
        var plan = new Dictionary<string, HashSet<string>>();
        const string Row = @"^\| `(Fabula\.\w+)` \|.*\|([^|]*)\|\s*$";
        foreach (Match row in Regex.Matches(Repository.Read("docs/architecture.md"), Row, RegexOptions.Multiline))
        {
            var allowed = row.Groups[2].Value.Trim();
            plan.Add(row.Groups[1].Value, allowed == "nothing" ? [] : [.. allowed.Split(',').Select(name => $"Fabula.{name.Trim()}")]);
        }
        Assert.Equal(9, plan.Count);
        return plan;
    }

    /// <summary>Fails with the whole list, where Assert.Empty would show five.</summary>
    static void Nothing(IEnumerable<string> wrong) => Assert.True(!wrong.Any(), string.Join('\n', wrong));

    static IEnumerable<string> Lines(IEnumerable<string> files, Func<string, bool> wrong) =>
        from file in files
        from line in Repository.Read(file).Split('\n').Index()
        where wrong(line.Item.TrimEnd('\r'))
        select $"{file}:{line.Index + 1}";
}
