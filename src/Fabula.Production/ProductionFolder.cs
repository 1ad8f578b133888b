// A production on disk: screenplay.fountain (or story.json, idea.txt, outline.txt) and bible.yaml, which people write; plan.json, which is
// made from them and may be edited; out/, which can be made again.
//
// Who wins, story or plan? out/.build/planned remembers which story was planned and what came out. If only the story changed, the film is
// planned again and keeps people's choices (seeds, takes); if only the plan changed, it is used as it is; if both did, somebody must
// choose. Choices are no edits: a plan counts as edited if it says anything else than the planner did. A plan that language models wrote
// (agents) is never replaced unasked, since nothing here could write it again.
using System.Text;
using System.Text.Json;
using Fabula.Build;
using Fabula.Narrative;
using Fabula.Narrative.Fountain;

namespace Fabula.Production;

/// <summary>The documents of a production, read and planned.</summary>
/// <param name="Replanned">The plan is not the one on disk: it is new, or the story has changed.</param>
public sealed record ProductionDocuments(string Root, string StoryFile, Screenplay? Screenplay, Bible Bible, FilmPlan Plan,
    IReadOnlyList<Finding> Findings, bool Replanned)
{
    /// <summary>What belongs together once the plan is written.</summary>
    internal string Story { get; init; } = "";

    /// <summary>What the planner says of this story, choices left out.</summary>
    internal string Planner { get; init; } = "";

    public bool HasErrors => Findings.Any(finding => finding.Severity == Severity.Error);

    /// <summary>The files that only the finished film depends on.</summary>
    public IReadOnlyList<SourceInput> Sources =>
    [
        SourceInput.Read("story", Root, StoryFile),
        .. File.Exists(Path.Combine(Root, ProductionFolder.BibleFile)) ? [SourceInput.Read("bible", Root, ProductionFolder.BibleFile)]
            : (SourceInput[])[],
    ];
}

/// <summary>The story and the bible of a production, for a planner of another kind.</summary>
public sealed record ProductionStory(string Root, string File, string Text, Bible Bible)
{
    internal string Identity { get; init; } = "";

    internal FilmPlan? Earlier { get; init; }
}

public static class ProductionFolder
{
    public const string BibleFile = "bible.yaml", PlanFile = "plan.json", Marker = "planned";
    const string PlannerVersion = "1";
    const long LongestDocument = 64 << 20;
    const string OutlineFile = "outline.txt", StoryMemFile = "story.json";
    static readonly string[] Stories = ["screenplay.fountain", StoryMemFile, "idea.txt", OutlineFile];

    /// <param name="Planner">Digest of what the planner made of the story, choices left out.</param>
    /// <param name="Text">Digest of plan.json as it was last seen, and whether it was edited then: spares comparing it again.</param>
    sealed record Together(string Story, string Planner, string Text, bool Edited);

    /// <summary>Reads and plans; writes nothing.</summary>
    /// <param name="build">The build folder, where it is noted which plan belongs to which story.</param>
    /// <param name="again">Plan from the story even if plan.json was edited; seeds and takes are kept.</param>
    /// <exception cref="NarrativeException">A document is missing or cannot be read.</exception>
    public static ProductionDocuments Read(string root, string build, bool again = false)
    {
        var told = Open(root);
        var (storyFile, story, bible, identity, kept) = (told.File, told.Text, told.Bible, told.Identity, told.Earlier);
        var together = Load(build);
        var changed = together is not null && identity != together.Story;
        if (kept?.Film.Source == FilmPlan.FromAgents && !again) return FromAgents(told, kept, together);
        if (storyFile == OutlineFile)
            throw new NarrativeException($"{OutlineFile} is planned by language models. Run 'fabula plan FOLDER --agents URL --agent-model "
                + "NAME' (docs/agents.md), or write a screenplay.fountain in its place.");
        var screenplay = Path.GetExtension(storyFile) switch
        {
            ".fountain" => FountainReader.Read(story),
            ".txt" => Idea.Read(story, storyFile).ToScreenplay(bible),
            _ => null,
        };
        var edited = kept is not null && together is not null
            && (Hash(Text(Path.Combine(root, PlanFile))) == together.Text ? together.Edited : Shape(kept) != together.Planner);
        if (edited && changed && !again)
            throw new NarrativeException($"{PlanFile} was edited, and so was {storyFile} or {BibleFile}. Plan again from the story with "
                + "'fabula plan FOLDER --again' (seeds and takes are kept), or take the story's change back.");
        var planned = Planned(screenplay, story, storyFile, bible);
        if (kept is not null && !changed && !again)
        {
            var planner = together?.Planner ?? Shape(planned.Plan);
            var asPlanned = together is not null ? !edited : Shape(kept) == planner;
            // Choices are no edits, yet they can be wrong: what is on disk is checked either way.
            IReadOnlyList<Finding> findings = [.. (asPlanned ? planned.Findings : []).Union(Continuity.Check(kept))];
            return new(root, storyFile, screenplay, bible, kept, findings, false)
            {
                Story = identity,
                Planner = planner,
            };
        }
        var fresh = kept is null ? planned.Plan : ScreenplayPlanner.KeepChoices(planned.Plan, kept);
        return new(root, storyFile, screenplay, bible, fresh, planned.Findings, true) { Story = identity, Planner = Shape(planned.Plan) };
    }

    /// <summary>What lies there, read and not planned.</summary>
    static ProductionStory Open(string root)
    {
        if (!Directory.Exists(root))
            throw new NarrativeException($"The folder '{root}' does not exist. Make one with: fabula new {Path.GetFileName(root)}");
        var file = StoryFile(root);
        var story = Text(Path.Combine(root, file));
        var bible = File.Exists(Path.Combine(root, BibleFile)) ? Text(Path.Combine(root, BibleFile)) : "";
        var plan = Path.Combine(root, PlanFile);
        return new(root, file, story, BibleReader.Read(bible, BibleFile))
        {
            Identity = Hash($"{PlannerVersion}\n{file}\n{Hash(story)}\n{Hash(bible)}"),
            Earlier = File.Exists(plan) ? PlanJson.Read(Text(plan), PlanFile) : null,
        };
    }

    static ProductionDocuments FromAgents(ProductionStory told, FilmPlan plan, Together? together)
    {
        if (together is not null && together.Story != told.Identity)
            throw new NarrativeException($"{told.File} or {BibleFile} has changed since language models planned the film. Plan again with "
                + "'fabula plan FOLDER --agents URL --agent-model NAME', or take the change back.");
        var screenplay = Path.GetExtension(told.File) == ".fountain" ? FountainReader.Read(told.Text) : null;
        return new(told.Root, told.File, screenplay, told.Bible, plan, Continuity.Check(plan), false)
        {
            Story = told.Identity,
            Planner = together?.Planner ?? Shape(plan),
        };
    }

    /// <summary>The story and the bible, for a plan that is made elsewhere and comes back with <see cref="Adopt"/>.</summary>
    /// <param name="again">Also where plan.json was edited.</param>
    /// <exception cref="NarrativeException">A document is missing or cannot be read, or plan.json was edited.</exception>
    public static ProductionStory Story(string root, string build, bool again = false)
    {
        var told = Open(root);
        if (told.File == StoryMemFile)
            throw new NarrativeException($"{StoryMemFile} says its shots already. Plan it without --agents, or write an {OutlineFile}.");
        return told.Earlier is null || again || Shape(told.Earlier) == Load(build)?.Planner ? told
            : throw new NarrativeException($"{PlanFile} was edited, or the build folder that knew it is gone. Plan anew with --again "
                + "(seeds and takes are kept), or move it away.");
    }

    /// <summary>Writes a plan that was made elsewhere, with the choices of the earlier one.</summary>
    public static void Adopt(ProductionStory story, FilmPlan plan, string build)
    {
        var kept = story.Earlier is null ? plan : ScreenplayPlanner.KeepChoices(plan, story.Earlier);
        Write(new(story.Root, story.File, null, story.Bible, kept, [], true) { Story = story.Identity, Planner = Shape(plan) }, build);
    }

    /// <summary>Digest of a plan without the choices that planning again keeps.</summary>
    static string Shape(FilmPlan plan) => Hash(PlanJson.Write(plan with
    {
        Shots = [.. plan.Shots.Select(shot => shot with
        {
            Seed = 0,
            Take = 1,
            Takes = [],
            KeyframeSeed = null,
            KeyframePicture = null,
        })],
    }));

    static Planned Planned(Screenplay? screenplay, string story, string storyFile, Bible bible) =>
        screenplay is not null ? ScreenplayPlanner.Plan(screenplay, bible) : StoryMemPlan.From(StoryMem.Read(story, storyFile), bible);

    /// <summary>Writes plan.json if it changed, and notes that it belongs to the story.</summary>
    public static void Write(ProductionDocuments documents, string build)
    {
        var text = PlanJson.Write(documents.Plan);
        var path = Path.Combine(documents.Root, PlanFile);
        if (documents.Replanned && (!File.Exists(path) || File.ReadAllText(path) != text)) WriteWhole(path, Encoding.UTF8.GetBytes(text));
        var now = Hash(File.ReadAllText(path));
        var before = Load(build);
        if (before is not null && (before.Story, before.Planner, before.Text) == (documents.Story, documents.Planner, now)) return;
        var together = new Together(documents.Story, documents.Planner, now, Shape(documents.Plan) != documents.Planner);
        Directory.CreateDirectory(build);
        WriteWhole(Path.Combine(build, Marker), JsonSerializer.SerializeToUtf8Bytes(together));
    }

    /// <summary>Chooses a take of a shot, and makes up the seeds of takes that do not exist yet.</summary>
    /// <exception cref="NarrativeException">There is no such shot.</exception>
    public static ProductionDocuments Choose(ProductionDocuments documents, string shotId, int take)
    {
        var plan = documents.Plan;
        var shot = plan.Shots.FirstOrDefault(shot => shot.Id == shotId)
            ?? throw new NarrativeException($"There is no shot '{shotId}'. "
                + Nearest.Advice(shotId, [.. plan.Shots.Select(shot => shot.Id)]));
        if (take is < 1 or > 1000) throw new NarrativeException($"Take {take} cannot be. Write a number from 1 to 1000.");
        var takes = shot.Takes.ToList();
        while (takes.Count < take - 1) takes.Add(PlanIds.Seed(shot.Seed, $"{shot.Id}/take-{takes.Count + 2}"));
        var chosen = shot with { Take = take, Takes = takes };
        return documents with
        {
            Plan = plan with { Shots = [.. plan.Shots.Select(other => other.Id == shotId ? chosen : other)] },
            Replanned = true,
        };
    }

    static string StoryFile(string root)
    {
        var found = Stories.Where(name => File.Exists(Path.Combine(root, name))).ToList();
        if (found.Count == 0) found = [.. Directory.EnumerateFiles(root, "*.fountain").Select(path => Path.GetFileName(path)!)];
        return found switch
        {
            [var one] => one,
            [] => throw new NarrativeException($"There is no story in '{root}'. Write {string.Join(" or ", Stories)} there, or begin with "
                + "'fabula new NAME'."),
            _ => throw new NarrativeException($"There are several stories in '{root}': "
                + $"{string.Join(", ", found.Order(StringComparer.Ordinal))}. Keep one of them."),
        };
    }

    static string Text(string path)
    {
        if (new FileInfo(path).Length > LongestDocument)
            throw new NarrativeException($"'{path}' is larger than {LongestDocument >> 20} MiB, which no screenplay is.");
        return File.ReadAllText(path);
    }

    static Together? Load(string build)
    {
        var path = Path.Combine(build, Marker);
        try { return File.Exists(path) ? JsonSerializer.Deserialize<Together>(File.ReadAllText(path)) : null; }
        catch (Exception e) when (e is JsonException or IOException) { return null; }
    }

    internal static void WriteWhole(string path, byte[] bytes) => WriteWhole(path, file => file.Write(bytes));

    /// <summary>Under another name until it is safe on the disk; nothing is left of a write that failed.</summary>
    internal static void WriteWhole(string path, Action<Stream> write)
    {
        var temporary = $"{path}.{Environment.ProcessId}.new";
        try
        {
            using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    static string Hash(string text) => Digest.Of(Encoding.UTF8.GetBytes(text)).ToString();
}
