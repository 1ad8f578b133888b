// What people choose among keyframes: another one, or this one for good. Both are written into the plan; a picture of their own they name
// there themselves ("keyframePicture").
using Fabula.Narrative;

namespace Fabula.Production;

public static class KeyframeChoices
{
    /// <summary>Where kept keyframes lie, in the production and among what it makes.</summary>
    public const string Folder = "keyframes";

    /// <summary>Another seed for a shot's keyframe.</summary>
    /// <exception cref="NarrativeException">There is no such shot, or its keyframe is a picture.</exception>
    public static ProductionDocuments Redo(ProductionDocuments documents, string shotId)
    {
        var shot = Shot(documents, shotId);
        if (shot.KeyframePicture is { } own)
            throw new NarrativeException($"The keyframe of '{shotId}' is the picture {own}. To have it made again, take "
                + "\"keyframePicture\" of this shot out of plan.json.");
        return With(documents, shot with { KeyframeSeed = PlanIds.Seed(shot.KeyframeSeed ?? shot.Seed, $"{shotId}/keyframe") });
    }

    /// <summary>The keyframe that was made last becomes the production's own picture, which nothing that is edited later changes.</summary>
    /// <param name="output">Where the sheet lies.</param>
    /// <exception cref="NarrativeException">There is no such shot, or no keyframe of it yet.</exception>
    public static ProductionDocuments Lock(ProductionDocuments documents, string output, string shotId)
    {
        var shot = Shot(documents, shotId);
        if (shot.KeyframePicture is not null) return documents;
        var made = Path.Combine(output, Folder, shotId + ".png");
        if (!File.Exists(made))
            throw new NarrativeException($"There is no keyframe of '{shotId}' yet. Look at them with 'fabula plan FOLDER --keyframes'.");
        Directory.CreateDirectory(Path.Combine(documents.Root, Folder));
        ProductionFolder.WriteWhole(Path.Combine(documents.Root, Folder, shotId + ".png"), File.ReadAllBytes(made));
        return With(documents, shot with { KeyframePicture = $"{Folder}/{shotId}.png" });
    }

    static PlanShot Shot(ProductionDocuments documents, string id) => documents.Plan.Shots.FirstOrDefault(shot => shot.Id == id)
        ?? throw new NarrativeException($"There is no shot '{id}'. "
            + Nearest.Advice(id, [.. documents.Plan.Shots.Select(shot => shot.Id)]));

    static ProductionDocuments With(ProductionDocuments documents, PlanShot chosen) => documents with
    {
        Plan = documents.Plan with { Shots = [.. documents.Plan.Shots.Select(shot => shot.Id == chosen.Id ? chosen : shot)] },
        Replanned = true,
    };
}
