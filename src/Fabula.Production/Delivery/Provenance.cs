// provenance.json: what made the film, so that it can be made again and told from a photograph. Model and weights, and for every clip its
// prompt, its seed, what it remembered, the digest of its part of the plan and of its frames. The same film has the same record: no dates.
using System.Text.Json;
using System.Text.Json.Serialization;
using Fabula.Build;
using Fabula.Narrative;
using Fabula.Narrative.Edit;

namespace Fabula.Production.Delivery;

static class Provenance
{
    public const string Format = "fabula-provenance/1";

    static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    sealed record Document(string Format, string DigitalSourceType, Tool Generator, Model Model, Film Film, IReadOnlyList<Clip> Clips,
        IReadOnlyList<JoinColour> Joins, IReadOnlyDictionary<string, string> Files, IReadOnlyList<string> Notes);

    sealed record Tool(string Name, string Version);

    sealed record Model(string Name, string Digest, int Steps, double Guidance);

    /// <param name="PlanDigest">SHA-256 of plan.json, as the film was made from it.</param>
    sealed record Film(string Title, long Frames, int Rate, int Width, int Height, double ModelRate, string PlanDigest);

    /// <param name="PlanDigest">SHA-256 of this shot's, or this transition's, entry in the plan as JSON.</param>
    /// <param name="FramesDigest">SHA-256 of its frames, as the model made them.</param>
    sealed record Clip(string Id, string Kind, string File, int Frames, ulong Seed, string Prompt, int? Take,
        IReadOnlyList<string> MemoryFrom, IReadOnlyList<RecalledFrames>? Recalled, string PlanDigest, string FramesDigest);

    /// <param name="files">SHA-256 of delivered files, by name.</param>
    /// <param name="clipFiles">The delivered file of each clip, by its id.</param>
    public static string Write(FilmDelivery.Input input, Timeline timeline, IReadOnlyDictionary<string, string> clipFiles,
        IReadOnlyList<JoinColour> joins, IReadOnlyDictionary<string, string> files, IReadOnlyList<string> notes)
    {
        var shots = input.Plan.Shots.ToDictionary(shot => shot.Id);
        var transitions = input.Plan.Transitions.ToDictionary(transition => transition.Id);
        var document = new Document(Format, Xmp.DigitalSourceType, new("Fabula", input.Model.Version),
            new(input.Model.Name, input.Model.Digest, input.Model.Steps, input.Model.Guidance),
            new(timeline.Title, timeline.Frames, timeline.Rate, timeline.Width, timeline.Height, input.Plan.Film.Rate,
                Digest.Of(PlanJson.Write(input.Plan)).ToString()),
            [.. input.Clips.Select(Of)], joins, files, notes);
        return JsonSerializer.Serialize(document, Indented) + "\n";

        Clip Of(ShotClip clip)
        {
            var shot = shots.GetValueOrDefault(clip.ShotId);
            var plan = shot is not null ? JsonSerializer.SerializeToUtf8Bytes(shot)
                : JsonSerializer.SerializeToUtf8Bytes(transitions.GetValueOrDefault(clip.ShotId));
            return new(clip.ShotId, shot is not null ? "shot" : "bridge", clipFiles[clip.ShotId], clip.Frames, clip.Seed, clip.Prompt,
                shot?.Take, clip.MemoryFrom, clip.Recalled is [] ? null : clip.Recalled, Digest.Of(plan).ToString(), clip.Digest);
        }
    }
}
