// Change any field of a plan: what is redone is what it was made from, and nothing else. The oracle is what the stand-in draws, which
// depends on every part of its request and on nothing else.
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Fabula.Build;
using Fabula.Models;
using Fabula.Narrative;
using FsCheck;
using FsCheck.Fluent;

namespace Fabula.Production.Tests;

public class KeyTests
{
    /// <summary>All leaves of a plan, as paths.</summary>
    static IEnumerable<string> Leaves(JsonNode? node, string path) => node switch
    {
        JsonObject fields => fields.SelectMany(field => Leaves(field.Value, $"{path}.{field.Key}")),
        JsonArray items => items.SelectMany((item, i) => Leaves(item, $"{path}[{i}]")),
        _ => [path],
    };

    static string? Changed(FilmPlan plan, int leaf, int by)
    {
        var json = JsonNode.Parse(PlanJson.Write(plan))!;
        var leaves = Leaves(json, "$").ToList();
        var path = leaves[leaf % leaves.Count];
        JsonNode? at = json, parent = null;
        string? key = null;
        var index = -1;
        foreach (var part in Regex.Matches(path, @"\.(\w+)|\[(\d+)\]").Cast<Match>())
        {
            parent = at;
            (key, index) = part.Groups[1].Success ? (part.Groups[1].Value, -1) : (null, int.Parse(part.Groups[2].Value));
            at = key is not null ? at![key] : at![index];
        }
        JsonNode? value = at?.GetValueKind() switch
        {
            System.Text.Json.JsonValueKind.String => at.GetValue<string>() + " " + by,
            System.Text.Json.JsonValueKind.Number => at.GetValue<int>() + by,
            System.Text.Json.JsonValueKind.True => false,
            System.Text.Json.JsonValueKind.False => true,
            _ => null,
        };
        if (value is null) return null;
        if (key is not null) parent![key] = value;
        else parent![index] = value;
        return json.ToJsonString();
    }

    [Fact]
    public async Task A_clips_bytes_change_if_and_only_if_its_key_does()
    {
        using var production = new SmallProduction();
        var first = await production.Make();
        FilmPlan plan;
        using (var film = production.Open()) plan = film.Documents.Plan;
        var original = Bytes(first);
        var (tried, effective) = (0, 0);
        Prop.ForAll(Gen.Choose(0, 10_000).ToArbitrary(), Gen.Choose(1, 4).ToArbitrary(), (leaf, by) =>
        {
            if (Changed(plan, leaf, 4 * by) is not { } text) return;
            production.Write("plan.json", text);
            Film film;
            try { film = production.Open(); }
            catch (NarrativeException) { return; }           // not a plan any more
            using (film)
            {
                if (film.Graph is null) return;              // continuity refuses it
                tried++;
                var predicted = film.Look();
                var made = film.Told().GetAwaiter().GetResult();
                Assert.True(made.Succeeded);
                var now = Bytes(made);
                foreach (var step in predicted.In(PlanState.Run).Where(step => step.Step.Recipe.Name == "clip"))
                    Assert.Contains(step.Step.Id, made.Ran);
                foreach (var (id, digest) in now.Where(entry => entry.Key.StartsWith("clip/", StringComparison.Ordinal))
                    .Where(entry => original.ContainsKey(entry.Key)))
                    Assert.True((digest == original[id]) == (predicted.Graph[id] is var step && SameRequest(step, first, film)),
                        $"{id} after a change of leaf {leaf}: {digest} and {original[id]}");
                if (made.Ran.Length > 0) effective++;
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(40));
        Assert.True(tried >= 8 && effective >= 4, $"{tried} changes were tried, {effective} changed something");

        Dictionary<string, Digest> Bytes(Made made)
        {
            var end = made.End;
            var graph = ((BuildStarted)made.Events[0]).Plan.Graph;
            return graph.Steps.ToDictionary(step => step.Id, step => end.Results.Find(step.Id)!.Value.Digest);
        }

        // What a clip is asked for: its settings, and the bytes of what it reads.
        bool SameRequest(Step step, Made before, Film film)
        {
            var old = ((BuildStarted)before.Events[0]).Plan.Graph[step.Id];
            using var folder = BuildFolder.OpenToRead(film.Build);
            return old.Settings.Equals(step.Settings) && old.Inputs.Count == step.Inputs.Count
                && folder.Journal.Last(step.Id)!.Inputs.Zip(old.Inputs).All(pair =>
                    pair.First.Name == pair.Second.Name && original[((StepInput)pair.Second).Step] == pair.First.Digest);
        }
    }

    [Fact]
    public void Every_number_of_the_model_is_part_of_the_key()
    {
        var one = new ClipSettings("m", "p", "n", 32, 16, 5, 17, 1, 4, 3, 1, 5, 1, [1]);
        ClipSettings[] others =
        [
            one with { Renderer = "x" }, one with { Prompt = "x" }, one with { Negative = "x" }, one with { Width = 48 },
            one with { Height = 32 }, one with { Frames = 9 }, one with { Part = 9 }, one with { Seed = 2 }, one with { Steps = 5 },
            one with { Shift = 2 }, one with { Guidance = 2 }, one with { MemoryStride = 1 }, one with { MemoryGuidance = 2 },
            one with { Memory = [2] }, one with { Light = new(DayTime.Night, true) }, one with { Light = new(DayTime.Night, false) },
            one with { Props = [new(0, 0, default, default)] }, one with { Props = [new(0, 1, default, default)] },
        ];
        Assert.Equal(others.Length + 1, others.Append(one).Select(settings => settings.Canonical().Canonical).Distinct().Count());
    }

    [Fact]
    public void A_long_shot_is_made_in_parts_that_add_up()
    {
        foreach (var frames in (int[])[5, 17, 21, 33, 49, 81])
        {
            var settings = new ClipSettings("m", "p", "n", 32, 16, frames, 17, 1, 4, 3, 1, 5, 1, []);
            var parts = settings.Parts();
            Assert.Equal(frames, parts.Sum(part => part.Frames) - (parts.Count - 1));
            Assert.All(parts, part => Assert.True(part.Frames % 4 == 1 && part.Frames <= 17));
        }
    }
}
