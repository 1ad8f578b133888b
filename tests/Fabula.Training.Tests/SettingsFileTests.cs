using Fabula.Tests;

namespace Fabula.Training.Tests;

public sealed class SettingsFileTests
{
    [Fact]
    public void What_a_file_says_is_changed_and_nothing_else()
    {
        var own = new VideoSettings();
        Assert.Equal(own, SettingsFile.Over(own, "{}"));
        var read = SettingsFile.Over(own, """{"steps":7,"pace":{"matrices":0.5},"network":{"dim":24,"patch":{"item3":2}}}""");
        Assert.Equal(own with
        {
            Steps = 7,
            Pace = own.Pace with { Matrices = 0.5 },
            Network = own.Network with { Dim = 24, Patch = (1, 4, 2) },
        }, read);
    }

    [Theory]
    [InlineData("""{"step":7}""", "step")]
    [InlineData("""{"pace":{"matrix":1}}""", "pace.matrix")]
    [InlineData("""{"steps":"many"}""", "steps")]
    [InlineData("[]", "object")]
    [InlineData("{", "JSON")]
    public void What_no_recipe_has_is_named(string json, string named) =>
        Assert.Contains(named, Assert.Throws<FormatException>(() => SettingsFile.Over(new VideoSettings(), json)).Message);

    /// <summary>The shipped models' settings.</summary>
    [Fact]
    public void The_files_in_recipes_fit_their_recipes()
    {
        foreach (var file in Repository.Files("recipes", ".json"))
        {
            var json = Repository.Read(file);
            object read = Path.GetFileNameWithoutExtension(file) switch
            {
                "pocket-vae" or "pocket-vae-decoder" => SettingsFile.Over(new VaeSettings(), json),
                "pocket-text" => SettingsFile.Over(new TextSettings(), json),
                "pocket-video" or "pocket-transitions" or "pocket-pictures" => SettingsFile.Over(new VideoSettings(), json),
                "pocket-tokenizer" => SettingsFile.Over(new TokenizerSettings(), json),
                "pocket-planner" or "pocket-planner-measures" => SettingsFile.Over(new PlannerSettings(), json),
                "storymem-lora" => SettingsFile.Over(new LoraSettings(), json),
                _ when file.StartsWith("recipes/onestory-selector/", StringComparison.Ordinal) =>
                    SettingsFile.Over(new SelectorSettings(), json),
                _ when file.StartsWith("recipes/onestory-tables/", StringComparison.Ordinal) =>
                    Evaluation.OneStoryRow.Read(Path.Combine(Repository.Root, file)),
                _ when file.StartsWith("recipes/onestory/", StringComparison.Ordinal) => SettingsFile.Over(new OneStorySettings(), json),
                var other => throw new InvalidOperationException($"{other} is the settings of no recipe that this test knows."),
            };
            Assert.NotNull(read);
        }
    }
}
