using Fabula.Models;
using Fabula.Torch;

namespace Fabula.Cli.Commands;

/// <summary>`fabula models list`: every folder below the given ones that holds a model.</summary>
static class ListModels
{
    public static int Run(IReadOnlyList<string> asked)
    {
        var roots = asked.Count > 0 ? asked : Defaults();
        var found = 0;
        foreach (var root in roots)
        {
            if (!Directory.Exists(root))
            {
                if (asked.Count > 0) throw new CheckpointException(root, null, "does not exist");
                continue;
            }
            foreach (var folder in Directory.EnumerateDirectories(root).Prepend(root).Order(StringComparer.Ordinal))
            {
                if (!LooksLikeModel(folder)) continue;
                found++;
                try
                {
                    Console.WriteLine(StableDiffusionFolder.Is(folder) ? StableDiffusionFolder.Open(folder).Describe()
                        : ModelFolder.Open(folder).Describe());
                }
                catch (CheckpointException e) { Console.WriteLine($"{Outcome.Shown(folder)}: {e.Message}"); }
            }
        }
        if (found == 0)
            Console.WriteLine($"No models in {string.Join(", ", roots)}. "
                + "Put a Wan model's folder there, or name its parent: fabula models list FOLDER.");
        return 0;
    }

    static List<string> Defaults() => [.. new[] { Environment.GetEnvironmentVariable("FABULA_MODELS"), "models" }
        .OfType<string>().Where(path => path.Length > 0).Distinct()];

    static bool LooksLikeModel(string folder) => ((string[])["config.json", "model_index.json"])
        .Any(name => File.Exists(Path.Combine(folder, name)))
        || Directory.Exists(Path.Combine(folder, "high_noise_model"));
}
