using Fabula.Models;
using Fabula.Torch;

namespace Fabula.Production.Tests;

/// <summary>What looks at frames for a bank: without weights, with CLIP, with an aesthetic head.</summary>
public sealed class FrameEyesTests : IDisposable
{
    const int Width = 32, Height = 16;

    readonly string _folder = Directory.CreateTempSubdirectory("fabula-eyes-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static byte[] Striped(byte red, byte green, byte blue) => [.. Enumerable.Range(0, Width * Height)
        .SelectMany(i => i % 2 == 0 ? new[] { red, green, blue } : [(byte)(red / 2), (byte)(green / 2), (byte)(blue / 2)])];

    static readonly byte[][] Frames = [Striped(250, 0, 0), Striped(250, 0, 0), Striped(0, 0, 250), new byte[Width * Height * 3]];

    void WriteClip() => LibTorch.Run(() =>
    {
        using var weights = Weights.Fresh(3, DType.F32, Device.Cpu);
        _ = new ClipImageEncoder(new() { ImageSize = 16, PatchSize = 8, Width = 64, Layers = 1, EmbedDim = 6 }, weights);
        Weights.Save(Path.Combine(_folder, "clip.safetensors"),
            weights.Parameters.Select(pair => KeyValuePair.Create("visual." + pair.Key, pair.Value)));
    });

    void WriteHead(float always) => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        Weights.Save(Path.Combine(_folder, "aesthetic.safetensors"),
            [new("weight", Tensor.Zeros([1, 6], DType.F32, Device.Cpu)), new("bias", Tensor.From([always], 1))]);
    });

    [Fact]
    public void CLIP_compares_frames_and_its_head_judges_them()
    {
        Assert.Contains("holds no CLIP", Assert.Throws<CheckpointException>(() => ClipLooks.Open(_folder)).Message);
        WriteClip();
        string plain;
        using (var eyes = new ClipEyes(ClipLooks.Open(_folder)))
        {
            plain = eyes.Digest!;
            var seen = eyes.See(Frames, Width, Height);
            Assert.All(seen, mark => Assert.Equal(1, FrameMark.Alike(mark.Feature, mark.Feature), 1e-4));
            Assert.Equal(1, FrameMark.Alike(seen[0].Whole, seen[1].Whole), 1e-4);
            Assert.True(FrameMark.Alike(seen[0].Feature, seen[2].Feature) < 0.999);
            // Without a head the eye for black frames and smears decides.
            Assert.Equal([true, true, true, false], seen.Select(mark => mark.IsGood));
            var bank = KeyframeBank.Empty.With(new("one", 0, ["ada"], "park"), Frames, Width, Height, eyes);
            Assert.Equal(bank.Entries.Count, bank.With(new("two", 0, ["ada"], "park"), Frames, Width, Height, eyes).Entries.Count);
        }
        foreach (var (mark, good) in new[] { (9f, true), (1f, false) })
        {
            WriteHead(mark);
            using var eyes = new ClipEyes(ClipLooks.Open(_folder));
            Assert.All(eyes.See(Frames, Width, Height), seen => Assert.Equal(good, seen.IsGood));
            Assert.NotEqual(plain, eyes.Digest);
        }
    }

    [Fact]
    public async Task Other_eyes_make_the_banks_of_a_film_again_and_nothing_else_unless_they_choose_otherwise()
    {
        using var production = new SmallProduction();
        WriteClip();
        var options = new FilmOptions(StandInRenderer.Name, Method: Narrative.FilmMethod.StoryMem);
        var made = await production.Make(options);
        using (var film = production.Open(options))
            Assert.DoesNotContain("Eyes", film.Graph!["bank/" + film.Plan.Shots[0].Id].Settings.Canonical);
        var other = await production.Make(options with { Eyes = _folder });
        Assert.True(other.Succeeded);
        Assert.Equal(made.Ran.Where(step => step.StartsWith("bank/", StringComparison.Ordinal)),
            other.Ran.Where(step => step.StartsWith("bank/", StringComparison.Ordinal)));
        Assert.DoesNotContain(FilmGraph.Clip("park-1"), other.Ran);
        Assert.Equal(0, (await production.Make(options with { Eyes = _folder })).Calls);
        Assert.Equal(made.Film, (await production.Make(options)).Film);
    }
}
