// The shipped model on a shipped sample: what promise 1 of the front page means, in numbers.
using Fabula.Models;
using Fabula.Narrative;
using Fabula.Tests;

namespace Fabula.Production.Tests;

public sealed class PocketFilmTests
{
    const int Width = 224, Height = 128;

    static readonly string Sample = Path.Combine(Repository.Root, "samples", "captain");

    [Fact]
    public void People_and_places_of_a_sample_are_those_of_its_bible_from_the_first_frame_to_the_last()
    {
        using var model = FilmModel.Open(Path.Combine(Repository.Root, "models", "pocket"));
        Assert.True(model.Facts.Modes.HasFlag(FilmModes.First | FilmModes.Memory | FilmModes.Background));
        var plan = PlanFit.To(ProductionFolder.Read(Sample, Path.Combine(Path.GetTempPath(), "no-build")).Plan, model.Facts).Plan;
        var ways = Staging.Of(plan);
        var portraits = plan.Characters.ToDictionary(person => person.Id, person => Read(person.References[0]));
        var people = portraits.ToDictionary(pair => pair.Key, pair => Colours(pair.Value, null));
        var shots = plan.Shots.Where(shot => shot.Cut && shot.Start.Count == 1 && shot.End.SequenceEqual(shot.Start)
            && shot.Size is ShotSize.Wide or ShotSize.Medium).DistinctBy(shot => shot.Start[0]).ToList();
        Assert.Equal(people.Count, shots.Count);
        foreach (var shot in shots)
        {
            var (who, box) = (shot.Start[0], ways[shot.Id][0].At(0));
            var location = plan.Locations.Single(place => place.Id == plan.Scenes.Single(scene => scene.Id == shot.Scene).Location);
            var place = new Picture(PlateView.Fit(PlateView.Part(Read(location.References[0]), PlateView.Zoom(shot.Size)), Width, Height),
                Width, Height);
            var draft = Collage.Of(place, [CutOut.Of(portraits[who])], [box]);
            var request = new ShotRequest
            {
                Prompt = shot.Keyframe,
                Frames = 1,
                Width = Width,
                Height = Height,
                Seed = (ulong)shot.Seed,
                Steps = model.Facts.Steps,
                Guidance = model.Facts.Guidance,
                Shift = model.Facts.Shift,
                Drafts = [draft],
                Staging = [[box]],
                DraftTrust = model.Facts.DraftTrust,
                Memory = [new(PlateView.Fit(portraits[who], Width, Height), Width, Height)],
                MemoryStride = model.Facts.MemoryStride,
            };
            var keyframe = new Picture(Render(model, request)[0], Width, Height);
            var clip = Render(model, request with
            {
                Prompt = shot.Prompt,
                Frames = 17,
                First = keyframe,
                Drafts = [.. Enumerable.Repeat(draft, 17)],
                Staging = [.. Enumerable.Repeat<IReadOnlyList<StageBox>>([box], 17)],
            });
            var kept = Psnr(keyframe.Rgb, clip[0], null);
            Assert.True(kept >= 25, $"{shot.Id}: its first frame is kept with {kept:0.0} dB");
            foreach (var frame in new[] { 0, 8, 16 })
            {
                var empty = Psnr(place.Rgb, clip[frame], box);
                Assert.True(empty >= 22, $"{shot.Id}, frame {frame}: the place around {who} is kept with {empty:0.0} dB");
                var seen = Colours(new(clip[frame], Width, Height), (place, box));
                var nearest = people.MinBy(pair => pair.Value.Zip(seen, (a, b) => Math.Abs(a - b)).Sum()).Key;
                Assert.True(nearest == who, $"{shot.Id}, frame {frame}: {who} looks like {nearest}");
            }
        }
    }

    [Fact]
    public async Task Told_keyframes_of_a_sample_show_its_people_and_places_as_its_bible_has_them()
    {
        var root = Directory.CreateTempSubdirectory("fabula-told-").FullName;
        try
        {
            foreach (var file in Directory.EnumerateFiles(Sample, "*", SearchOption.AllDirectories))
            {
                var copy = Path.Combine(root, Path.GetRelativePath(Sample, file));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }
            using var film = new Film(root, new(Path.Combine(Repository.Root, "models", "pocket"), Method: FilmMethod.MovieDreamer,
                Keyframes: true), _ => new ModelRenderer(FilmModel.Open(Path.Combine(Repository.Root, "models", "pocket"))),
                (_, _, _) => (_, _) => { });
            Assert.True((await film.Told()).Succeeded);
            var ways = Staging.Of(film.Plan);
            var people = film.Plan.Characters.ToDictionary(person => person.Id, person => Colours(Read(person.References[0]), null));
            var shots = film.Plan.Shots.Where(shot => shot.Cut && shot.Start.Count == 1).ToList();
            Assert.True(shots.Count >= 3);
            foreach (var shot in shots)
            {
                var told = PngReader.Read(Path.Combine(root, "out", "keyframes", shot.Id + ".png"));
                Assert.Equal((Width, Height), (told.Width, told.Height));
                var (who, box) = (shot.Start[0], ways[shot.Id][0].At(0));
                var scene = film.Plan.Scenes.Single(scene => scene.Id == shot.Scene);
                var location = film.Plan.Locations.Single(place => place.Id == scene.Location);
                var place = new Picture(PlateView.Fit(PlateView.Part(Read(location.References[0]), PlateView.Zoom(shot.Size)), Width,
                    Height), Width, Height);
                if (scene.Time is "NIGHT")
                {
                    Assert.True(told.Rgb.Average(level => level) < 0.8 * place.Rgb.Average(level => level), "night is darker than day");
                    continue;
                }
                var empty = Psnr(place.Rgb, told.Rgb, box);
                Assert.True(empty >= 20, $"{shot.Id}: the place around {who} is told with {empty:0.0} dB");
                var seen = Colours(told, (place, box));
                var nearest = people.MinBy(pair => pair.Value.Zip(seen, (a, b) => Math.Abs(a - b)).Sum()).Key;
                Assert.True(nearest == who, $"{shot.Id}: {who} looks like {nearest}");
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Fact]
    public void A_portrait_from_words_has_the_colours_that_the_words_say_and_is_the_picture_models()
    {
        var pocket = Path.Combine(Repository.Root, "models", "pocket");
        using var model = FilmModel.Open(pocket);
        ShotRequest Of(string top) => new()
        {
            Prompt = $"Medium shot. Plain wall: in front of a plain blue wall. Ada is a woman with fair skin, long black hair and a {top} "
                + "dress. Ada stands there. The camera does not move.",
            Frames = 1,
            Width = Width,
            Height = Height,
            Seed = 5,
            Steps = model.Facts.Steps,
            Guidance = model.Facts.Guidance,
            Shift = model.Facts.Shift,
        };
        // The dress: a narrow part of the middle, below the face.
        double[] Dress(byte[] frame) => [.. Enumerable.Range(0, 3).Select(channel => Enumerable.Range(72, 16).SelectMany(y =>
            Enumerable.Range(108, 8).Select(x => (double)frame[(y * Width + x) * 3 + channel])).Average())];
        var (red, green) = (Render(model, Of("red"))[0], Render(model, Of("green"))[0]);
        Assert.True(Dress(red)[0] > Dress(red)[1] + 60, string.Join(' ', Dress(red)));
        Assert.True(Dress(green)[1] > Dress(green)[0] + 30, string.Join(' ', Dress(green)));
        Assert.NotNull(CutOut.Of(new(red, Width, Height)));

        var without = Directory.CreateTempSubdirectory("fabula-pocket-").FullName;
        try
        {
            foreach (var file in Directory.EnumerateFiles(pocket, "*", SearchOption.AllDirectories))
                if (Path.GetRelativePath(pocket, file) is var name && !name.StartsWith(PictureModel.FolderName, StringComparison.Ordinal))
                {
                    Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(without, name))!);
                    File.CreateSymbolicLink(Path.Combine(without, name), file);
                }
            using var plain = FilmModel.Open(without);
            Assert.NotEqual(red, Render(plain, Of("red"))[0]);
            var place = Of("red") with { Drafts = [new(red, Width, Height)] };
            Assert.Equal(Render(model, place)[0], Render(plain, place)[0]);
        }
        finally
        {
            Directory.Delete(without, recursive: true);
        }
    }

    static Picture Read(string reference) => PngReader.Read(Path.Combine(Sample, reference));

    static IReadOnlyList<byte[]> Render(FilmModel model, ShotRequest request)
    {
        var folder = Directory.CreateTempSubdirectory("fabula-pocket-");
        try { return model.Render(request, new(folder.FullName, _ => null, (_, _) => { }, (_, _) => { }), CancellationToken.None); }
        finally { folder.Delete(recursive: true); }
    }

    /// <summary>
    /// Shares of 64 colours among the pixels of a figure: of a portrait, those far from its corner's colour; of a frame, those in a box
    /// that are far from the empty place.
    /// </summary>
    static double[] Colours(Picture picture, (Picture Place, StageBox Box)? where)
    {
        var shares = new double[64];
        for (var i = 0; i < picture.Width * picture.Height; i++)
        {
            var (x, y) = ((i % picture.Width + 0.5) / picture.Width, (i / picture.Width + 0.5) / picture.Height);
            if (where is { Box: var box } && !In(box, x, y)) continue;
            var (under, at) = where is { Place: var place } ? (place.Rgb, 3 * i) : (picture.Rgb, 0);
            int Channel(int c) => picture.Rgb[3 * i + c];
            if (Enumerable.Range(0, 3).Sum(c => Math.Abs(Channel(c) - under[at + c])) < 90) continue;
            shares[Channel(0) / 64 * 16 + Channel(1) / 64 * 4 + Channel(2) / 64]++;
        }
        var all = shares.Sum();
        return [.. shares.Select(share => share / Math.Max(1, all))];
    }

    static bool In(StageBox box, double x, double y) => x > box.Left && x < box.Right && y > box.Top && y < box.Bottom;

    /// <summary>In decibels; with a box, of what is well outside it.</summary>
    static double Psnr(byte[] a, byte[] b, StageBox? without)
    {
        var (sum, count) = (0.0, 0);
        for (var i = 0; i < a.Length; i++)
        {
            var (x, y) = ((i / 3 % Width + 0.5) / Width, (i / 3 / Width + 0.5) / Height);
            if (without is { } box && In(new(box.Left - 0.15, box.Top - 0.15, box.Right + 0.15, box.Bottom + 0.15), x, y)) continue;
            (sum, count) = (sum + (a[i] - b[i]) * (a[i] - b[i]), count + 1);
        }
        return 10 * Math.Log10(255 * 255 / Math.Max(1e-9, sum / count));
    }
}
