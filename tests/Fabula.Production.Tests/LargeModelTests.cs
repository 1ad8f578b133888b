using Fabula.Models;

namespace Fabula.Production.Tests;

/// <summary>A model whose parts are let go when their phase is over: text is read for the whole film at once, to the same bits.</summary>
public class LargeModelTests(TinyFilmModel tiny) : IClassFixture<TinyFilmModel>
{
    FilmModel Open(bool large, string? build = null) =>
        FilmModel.Open(tiny.Root, build is null ? null : Path.Combine(build, "weights"), "cpu", 1, null, large);

    [Fact]
    public async Task The_text_encoder_is_loaded_once_for_a_film_and_the_film_is_the_same()
    {
        var options = new FilmOptions(tiny.Root, Threads: 1);
        using var small = new SmallProduction();
        var expected = await small.Make(options);

        using var production = new SmallProduction();
        FilmModel? model = null;
        using var film = production.Open(options, build => new ModelRenderer(model = Open(large: true, build)));
        var words = film.Graph!.Steps.TakeWhile(step => step.Id.StartsWith("words/", StringComparison.Ordinal)).Count();
        Assert.InRange(words, 4, film.Graph!.Steps.Count(step => step.Recipe.Name == "clip") + 1);
        Assert.DoesNotContain(film.Graph!.Steps.Skip(words), step => step.Id.StartsWith("words/", StringComparison.Ordinal));
        var made = await film.Told();
        Assert.Equal(expected.Film, made.Film);
        Assert.True(model!.Renders >= 5);
        Assert.Equal(1, model.TextLoads);

        // One changed prompt is read again, the others are not.
        production.Edit("screenplay.fountain", "Ada waves.", "Ada walks.");
        using var edited = production.Open(options, build => new ModelRenderer(model = Open(large: true, build)));
        var again = await edited.Told();
        Assert.Single(again.Ran, step => step.StartsWith("words/", StringComparison.Ordinal));
        Assert.Equal(1, model.TextLoads);
    }

    [Fact]
    public void Rows_made_before_give_the_same_picture_and_without_them_every_shot_loads_the_encoder()
    {
        var folder = Directory.CreateTempSubdirectory("fabula-words-").FullName;
        var request = new ShotRequest
        {
            Prompt = "the red cat walks",
            Frames = 5,
            Width = 48,
            Height = 32,
            Seed = 3,
            Steps = 2,
            Guidance = 3,
            Shift = 3,
        };
        byte[] Render(FilmModel model, ShotRequest request) => [.. model.Render(request,
            new(folder, _ => null, (_, _) => { }, (_, _) => { }), CancellationToken.None).SelectMany(frame => frame)];
        using FilmModel small = Open(large: false), large = Open(large: true);
        var expected = Render(small, request);
        Assert.Equal(expected, Render(large, request));
        Assert.Equal(expected, Render(large, request));
        Assert.Equal((1, 2), (small.TextLoads, large.TextLoads));
        var words = (large.Words(request.Prompt, folder), large.Words("", folder));
        Assert.Equal(expected, Render(large, request with { Words = words }));
        Assert.Equal(expected, Render(large, request with { Words = words }));
        Assert.Equal(3, large.TextLoads);
        Directory.Delete(folder, recursive: true);
    }
}
