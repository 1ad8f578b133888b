// The film's files as one artifact, and back. Whatever the delivery writes is packed into a zip file in the same bytes for the same files
// (names in order, one date, nothing compressed: the film is already), so that one step has one output; publishing unpacks it into out/.
using System.IO.Compression;
using Fabula.Build;
using Fabula.Narrative;
using Fabula.Production.Delivery;

namespace Fabula.Production;

/// <summary>Makes the recipe of the step "film" for one production.</summary>
delegate Action<StepRun, CancellationToken> Assemble(ProductionDocuments documents, FilmPlan plan, ModelFacts model);

static class Assembly
{
    static readonly DateTimeOffset OneDate = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The recipe of the step "film".</summary>
    public static Action<StepRun, CancellationToken> Of(ProductionDocuments documents, FilmPlan plan, ModelFacts model) => (run, cancel) =>
    {
        var folder = Path.Combine(run.Folder, "film");
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        FilmDelivery.Write(new(plan, Clips(run, plan), model, documents.Bible, documents.Screenplay), folder, cancel);
        Pack(folder, run.Output(Recipes.Film));
    };

    internal static List<ShotClip> Clips(StepRun run, FilmPlan plan)
    {
        var shots = plan.Shots.ToDictionary(shot => FilmGraph.Clip(shot.Id));
        var joins = plan.Transitions.ToDictionary(join => FilmGraph.Bridge(join.Id));
        var clips = new List<ShotClip>();
        var recalls = run.Step.Inputs.OfType<StepInput>().Where(input => input.Output == Recipes.Recalls)
            .ToDictionary(input => input.Step, input => RecalledFrames.Read(run.Input(input.Name)));
        foreach (var input in run.Step.Inputs.OfType<StepInput>().Where(input => input.Output != Recipes.Recalls))
        {
            var path = run.Input(input.Name);
            using var file = FramesFile.Open(path);
            var digest = Artifact.OfFile(path).Digest.ToString();
            var shot = shots.GetValueOrDefault(input.Step);
            var join = shot is null ? joins[input.Step] : plan.Transitions.FirstOrDefault(join => join.To == shot.Id);
            var goesOn = join?.Method is JoinMethod.Bridge or JoinMethod.Continue;
            var recalled = recalls.GetValueOrDefault($"recall/{shot?.Id}") ?? [];
            IReadOnlyList<string> memory = plan.Film.Method == FilmMethod.OneStory ? [.. recalled.Select(frame => frame.Shot).Distinct()]
                : shot?.Method == ShotMethod.Memory ? shot.Memory : [];
            clips.Add(shot is not null
                ? new(shot.Id, path, file.Width, file.Height, file.Frames, plan.Film.Rate, goesOn ? 1 : 0, (ulong)FilmGraph.Seed(shot),
                    shot.Prompt, memory, digest)
                { Recalled = recalled }
                : new(join!.Id, path, file.Width, file.Height, file.Frames, plan.Film.Rate, 1, (ulong)(join.Seed ?? plan.Film.Seed),
                    join.Prompt ?? "", [join.From, join.To], digest));
        }
        return clips;
    }

    internal static void Pack(string folder, string path)
    {
        using var zip = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/')).Order(StringComparer.Ordinal))
        {
            var entry = zip.CreateEntry(file, CompressionLevel.NoCompression);
            entry.LastWriteTime = OneDate;
            using var to = entry.Open();
            using var from = File.OpenRead(Path.Combine(folder, file));
            from.CopyTo(to);
        }
    }
}
