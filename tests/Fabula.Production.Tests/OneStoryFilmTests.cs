// OneStory in the product: which steps there are, what each can see, what is written beside a clip, and the real thing in small.
using Fabula.Build;
using Fabula.Models;
using Fabula.Narrative;
using Fabula.Torch;

namespace Fabula.Production.Tests;

public class OneStoryFilmTests
{
    static readonly FilmOptions Recalling = new(StandInRenderer.Name, Method: FilmMethod.OneStory);

    static HashSet<string> Before(BuildGraph graph, string id)
    {
        var (seen, open) = (new HashSet<string>(), new Stack<string>([id]));
        while (open.TryPop(out var next))
            foreach (var input in graph[next].Inputs.OfType<StepInput>())
                if (seen.Add(input.Step)) open.Push(input.Step);
        return seen;
    }

    [Fact]
    public async Task A_shot_recalls_all_shots_before_it_and_never_a_later_one()
    {
        using var production = new SmallProduction();
        List<string> shots;
        using (var film = production.Open(Recalling))
        {
            shots = [.. film.Plan.Shots.Select(shot => shot.Id)];
            Assert.DoesNotContain(film.Graph!.Steps, step => step.Id.StartsWith("bridge/", StringComparison.Ordinal));
            for (var i = 0; i < shots.Count; i++)
            {
                Assert.Equal(i > 0, film.Graph.Contains($"recall/{shots[i]}"));
                if (i > 0)
                    Assert.Equal(shots[..i].Select(shot => $"memory/{shot}"),
                        film.Graph[$"recall/{shots[i]}"].Inputs.OfType<StepInput>().Select(input => input.Step));
                var before = Before(film.Graph, FilmGraph.Clip(shots[i]));
                foreach (var later in shots[i..])
                    Assert.DoesNotContain(before, id => id == FilmGraph.Clip(later) || id == $"memory/{later}");
            }
        }
        var first = await production.Make(Recalling);
        Assert.True(first.Succeeded);
        Assert.Equal(0, (await production.Make(Recalling)).Calls);
        // An early shot that is made again sees what it saw before, and later ones change only where they recall something else.
        production.Edit("screenplay.fountain", "Ada waves.", "Ada points.");
        var again = await production.Make(Recalling);
        Assert.DoesNotContain(again.Ran, step => step == FilmGraph.Clip(shots[0]) || step == $"memory/{shots[0]}");
        Assert.Contains($"recall/{shots[^1]}", again.Ran);
        production.Edit("screenplay.fountain", "Ada points.", "Ada waves.");
        var back = await production.Make(Recalling);
        Assert.Equal((first.Film, 0), (back.Film, back.Calls));
    }

    [Fact]
    public void A_model_without_weights_of_it_says_so_in_one_sentence()
    {
        using var production = new SmallProduction();
        using var film = production.Open();
        var facts = new StandInRenderer().Facts;
        var (_, findings) = PlanFit.To(film.Plan with { Film = film.Plan.Film with { Method = FilmMethod.OneStory } },
            facts with { Modes = facts.Modes & ~FilmModes.Story });
        var error = Assert.Single(findings, finding => finding.Severity == Severity.Error);
        Assert.Contains("has no weights of OneStory", error.Problem);
        Assert.Contains("fabula train onestory", error.Fix);
    }

    [Fact]
    public async Task A_real_layout_with_weights_beside_its_transformer_makes_a_film_that_tells_what_each_shot_recalls()
    {
        using var folder = new TinyFilmModel();
        var config = new OneStoryConfig(new(16, 32, 48) { Hidden = 8, Kernels = (2, 1), Kept = 3 },
            new AdaptiveConditionerConfig { Scales = [1, 2] });
        File.WriteAllText(Path.Combine(folder.Root, OneStory.ConfigFile), config.ToJson().ToJsonString());
        LibTorch.Run(() =>
        {
            var network = ModelFolder.Open(folder.Root).Config;
            using var weights = Weights.Fresh(5, DType.F32, Device.Cpu);
            _ = new OneStory(config, network, weights);
            Weights.Save(Path.Combine(folder.Root, OneStory.WeightsFile), weights.Parameters);
        });
        Assert.Contains($"OneStory                   {OneStory.WeightsFile}", ModelFolder.Open(folder.Root).Describe());
        using var production = new SmallProduction();
        var options = new FilmOptions(folder.Root, Threads: 1, Method: FilmMethod.OneStory);
        var made = await production.Make(options);
        Assert.True(made.Succeeded);
        Assert.Equal(0, (await production.Make(options)).Calls);
        Assert.NotEqual(made.Film, (await production.Make(options with { Method = FilmMethod.StoryMem })).Film);

        using var film = production.Open(options);
        var shots = film.Plan.Shots.Select(shot => shot.Id).ToList();
        using var opened = BuildFolder.OpenToRead(film.Build);
        var last = ((StepInput)film.Graph![FilmGraph.Film].Inputs.Last(input => input.Name == $"recall/{shots[^1]}")).Step;
        var listed = opened.Journal.Last(last)!.Outputs.Single(output => output.Name == Recipes.Recalls);
        var recalled = RecalledFrames.Read(opened.Store.PathOf(listed.Artifact));
        Assert.InRange(recalled.Count, 1, 3);
        Assert.All(recalled, frame => Assert.Contains(frame.Shot, shots[..^1]));
        Assert.Equal(1, recalled.Sum(frame => frame.Share), 0.001);
        Assert.Equal(recalled.Select(frame => frame.Score).OrderDescending(), recalled.Select(frame => frame.Score));
    }
}
