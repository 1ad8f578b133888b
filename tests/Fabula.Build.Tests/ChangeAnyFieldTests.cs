// Promise 2, first half: change anything, and exactly what depends on it is redone. Random graphs are changed at random again and again; a
// few lines that know nothing of keys and stores say what should happen.
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace Fabula.Build.Tests;

public class ChangeAnyFieldTests
{
    /// <param name="Coarse">Its output keeps one bit of its inputs, so that many changes before it do not show after it.</param>
    /// <param name="Inputs">Numbers of earlier nodes, or -1 - number of a source.</param>
    sealed record Node(int Version, int Setting, bool Coarse, int[] Inputs);

    sealed record World(int[] Sources, Node[] Nodes);

    sealed record MixSettings(int Setting, bool Coarse);

    [Fact]
    public void Exactly_the_predicted_steps_are_redone_and_every_other_artifact_is_the_same_file() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed => Live(new Random(seed)).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    static async Task Live(Random chance)
    {
        using var folder = new TestFolder(inMemory: true);
        var world = Begin(chance);
        var made = new HashSet<string>(); // what was ever made, in the model's words
        (string Key, string Content)[]? last = null;
        Digest?[]? lastKeys = null;
        for (var round = 0; round < 4; round++)
        {
            var graph = Graph(folder, world);
            var model = Model(world);
            using var open = BuildFolder.Open(folder.Build);
            var before = folder.Artifacts();
            var plan = open.Plan(graph);
            var told = await open.Run(graph, new RunOptions(Jobs: 1 + chance.Next(3)));
            Assert.Equal(BuildOutcome.Succeeded, told.End.Outcome);

            // What ran is what was never made before, each work once.
            var ran = told.Ran.Select(id => model[int.Parse(id)].Key).ToArray();
            Assert.Equal(model.Select(node => node.Key).Where(key => !made.Contains(key)).Distinct().Order(StringComparer.Ordinal),
                ran.Order(StringComparer.Ordinal));
            made.UnionWith(ran);

            // The plan knew: all that it was sure of ran (under this name or that of the same work), and nothing that it did not name.
            Assert.Subset(plan.Steps.Where(step => step.State != PlanState.Done).Select(step => step.Step.Id).ToHashSet(),
                told.Ran.ToHashSet());
            Assert.Subset(ran.ToHashSet(), plan.In(PlanState.Run).Select(step => model[int.Parse(step.Step.Id)].Key).ToHashSet());
            Assert.Empty(told.Events.OfType<StepDiffered>());

            // Outputs are right, and every file that was there is the same file.
            for (var i = 0; i < model.Length; i++)
                Assert.Equal(model[i].Content, File.ReadAllText(folder.ObjectOf(told.End.Results.Find($"{i}")!.Value)));
            Assert.Subset(folder.Artifacts(), before);

            // Keys change if and only if what the result depends on changes.
            var settled = open.Plan(graph);
            Assert.True(settled.NothingToDo, settled.Explain());
            Digest?[] keys = [.. settled.Steps.OrderBy(step => int.Parse(step.Step.Id)).Select(step => step.Key)];
            for (var i = 0; i < keys.Length; i++)
            {
                for (var j = 0; j < i; j++) Assert.Equal(model[i].Key == model[j].Key, keys[i] == keys[j]);
                if (last is null || i >= last.Length) continue;
                Assert.Equal(model[i].Key == last[i].Key, keys[i] == lastKeys![i]);
                if (keys[i] == lastKeys[i]) Assert.Equal(last[i].Content, model[i].Content);
                else if (!world.Nodes[i].Coarse) Assert.NotEqual(last[i].Content, model[i].Content);
            }
            var after = folder.Artifacts();
            Assert.Empty((await open.Run(graph)).Ran);
            Assert.Equal(after, folder.Artifacts());
            (last, lastKeys) = (model, keys);
            for (var changes = 1 + chance.Next(2); changes > 0; changes--) world = Change(chance, world);
        }
    }

    static World Begin(Random chance)
    {
        var sources = Enumerable.Range(0, 3).Select(_ => chance.Next(4)).ToArray();
        var nodes = new Node[1 + chance.Next(12)];
        for (var i = 0; i < nodes.Length; i++)
            nodes[i] = new Node(1, chance.Next(4), chance.Next(3) == 0,
                [.. Enumerable.Range(0, chance.Next(4)).Select(_ => chance.Next(-3, i))]);
        return new World(sources, nodes);
    }

    static World Change(Random chance, World world)
    {
        var (sources, nodes) = ((int[])[.. world.Sources], (Node[])[.. world.Nodes]);
        var i = chance.Next(nodes.Length);
        var node = nodes[i];
        switch (chance.Next(6))
        {
            case 0: sources[chance.Next(3)] = chance.Next(4); break;
            case 1: nodes[i] = node with { Setting = chance.Next(4) }; break;
            case 2: nodes[i] = node with { Coarse = !node.Coarse }; break;
            case 3: nodes[i] = node with { Version = 1 + chance.Next(2) }; break;
            case 4: nodes[i] = node with { Inputs = [.. node.Inputs, chance.Next(-3, i)] }; break;
            default: nodes[i] = node with { Inputs = [.. node.Inputs.Skip(1)] }; break;
        }
        return new World(sources, nodes);
    }

    static BuildGraph Graph(TestFolder folder, World world) => BuildGraph.Create(world.Nodes.Select((node, i) => new Step($"{i}",
        new Recipe("mix", node.Version, (run, cancel) =>
        {
            var settings = run.Settings.Read<MixSettings>();
            var inputs = run.Step.Inputs.Select(input => Toys.Read(run, input.Name));
            return File.WriteAllTextAsync(run.Output("x"), Mix(run.Step.Recipe.Version, settings.Setting, settings.Coarse, inputs), cancel);
        }),
        Settings.From(JsonSerializer.SerializeToElement(new MixSettings(node.Setting, node.Coarse))),
        [.. node.Inputs.Select((from, n) => from < 0
            ? (Input)folder.Source($"source-{-1 - from}", $"source {world.Sources[-1 - from]}") with { Name = $"in{n}" }
            : new StepInput($"in{n}", $"{from}", "x"))], ["x"])));

    static (string Key, string Content)[] Model(World world)
    {
        var model = new (string Key, string Content)[world.Nodes.Length];
        for (var i = 0; i < model.Length; i++)
        {
            var node = world.Nodes[i];
            string[] inputs = [.. node.Inputs.Select(from => from < 0 ? $"source {world.Sources[-1 - from]}" : model[from].Content)];
            model[i] = ($"{node.Version}/{node.Setting}/{node.Coarse}({string.Join(",", inputs)})",
                Mix(node.Version, node.Setting, node.Coarse, inputs));
        }
        return model;
    }

    static string Mix(int version, int setting, bool coarse, IEnumerable<string> inputs)
    {
        var all = Digest.Of(string.Join(",", inputs)).ToString();
        return $"{version}/{setting}/{coarse}/{(coarse ? "even odd".Split(' ')[all[0] % 2] : all)}";
    }
}
