using Fabula.Models;
using Fabula.Models.Text;
using Fabula.Torch;

namespace Fabula.Training.Tests;

/// <summary>Memory that the model itself has made: kept on disk by weights, and drawn as often as was asked for.</summary>
public sealed class OwnPicturesTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("fabula-own-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static readonly VideoSettings Settings = new()
    {
        Network = VideoSettings.PocketNetwork with
        {
            Dim = 24,
            FfnDim = 32,
            Heads = 2,
            Layers = 1,
            InDim = 16,
            OutDim = 6,
            TextDim = 16,
        },
    };

    [Fact]
    public void A_story_is_told_again_by_the_model_and_a_share_of_what_is_remembered_is_taken_from_it() => OnTorch.Run(() =>
    {
        using Weights vaeWeights = Weights.Fresh(4, DType.F32, Device.Cpu), textWeights = Weights.Fresh(5, DType.F32, Device.Cpu),
            weights = Weights.Fresh(6, DType.F32, Device.Cpu), others = Weights.Fresh(7, DType.F32, Device.Cpu);
        var vocabulary = PocketText.Vocabulary();
        var vae = WanVae.Create(WanVaeConfig.Pocket with { Dim = 8, DecDim = 8, ZDim = 6 }, vaeWeights);
        var text = new Umt5Encoder(new() { Vocabulary = vocabulary.Count, Dim = 16, AttentionDim = 16, FfnDim = 16, Heads = 2, Layers = 1 },
            textWeights);
        var tools = new VideoTools(vae, text, new WanTokenizer(vocabulary, PocketText.Length));
        var story = new LatentStories(vae, _folder, 3).Load(1, 2, 2).Single();
        OwnPictures Own(Weights of, string mark) => new(Settings, tools, new WanTransformer(Settings.Network, of), mark, _folder);

        var made = Own(weights, "one").Of(story, 1);
        Assert.Equal(story.Story.Shots.Count, made.Length);
        Assert.All(made, moments => Assert.Equal([6 * 448, 6 * 448, 6 * 448], moments.Select(moment => moment.Length)));
        Assert.NotEqual(made[0][0], made[0][1]);
        Assert.NotEqual(story.Pictures[0][0], made[0][0]);
        // The same weights tell the same, from disk; others another.
        Assert.Equal(made, Own(others, "one").Of(story, 1));
        Assert.NotEqual(made[0][0], Own(others, "two").Of(story, 1)[0][0]);
        File.WriteAllBytes(Directory.GetFiles(_folder, "*-one.own").Single(), [1, 2, 3]);
        Assert.Equal(made, Own(weights, "one").Of(story, 1));

        var told = story with { Own = made };
        var (drawn, own) = (Values(story.Pictures), Values(made));
        float[] Remembered(double share) => new VideoExamples([told], 6, 16, 28, 4, share)
            .Draw(new Chance(2), VideoMode.Pictures[1], 12).Remembered;
        Assert.All(Firsts(Remembered(0)), value => Assert.Contains(value, drawn));
        Assert.All(Firsts(Remembered(1)), value => Assert.Contains(value, own));
        var half = Firsts(Remembered(0.5)).ToList();
        Assert.InRange(half.Count(own.Contains), 1, half.Count - 1);
    });

    static HashSet<float> Values(Half[][][] pictures) => [.. pictures.SelectMany(moments => moments).Select(picture => (float)picture[0])];

    /// <summary>The first number of every remembered picture, [B, 6, M, 16, 28].</summary>
    static IEnumerable<float> Firsts(float[] remembered)
    {
        var frames = remembered.Length / (12 * 6 * 448);
        for (var sample = 0; sample < 12; sample++)
            for (var frame = 0; frame < frames; frame++) yield return remembered[(sample * 6 * frames + frame) * 448];
    }
}
