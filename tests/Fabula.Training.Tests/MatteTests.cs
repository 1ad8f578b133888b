using Fabula.Models;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

/// <summary>People cut out of remembered frames, and places put together from them.</summary>
public sealed class MatteTests : IDisposable
{
    const int Width = 224, Height = 128;
    readonly Stage _stage = new(Width, Height);
    readonly DrawnCollages _collages;
    readonly string _folder = Directory.CreateTempSubdirectory("fabula-matte").FullName;

    public MatteTests() => _collages = new(_stage, Width, Height);

    public void Dispose()
    {
        _collages.Dispose();
        _stage.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    static readonly Location Here = Location.Draw(new Chance(4)["here"], Place.Kitchen);

    /// <summary>People who stand at some places of the kitchen, the frame and where the truth has them.</summary>
    (Clip Clip, SeenFrame Seen) Standing(params (Person Person, string Name, double X)[] people)
    {
        var spec = new ShotSpec(Here, ShotSize.Wide, CameraMove.Static,
            [.. people.Select(one => new Role(one.Person, [Beat.At(0, 1, Doing.Stand, new(one.X))]))], Frames: 1);
        var boxes = _collages.Boxes(spec)[0];
        var clip = _stage.Draw(spec);
        return (clip, new(new(clip.Frames, Width, Height), people.Index().ToDictionary(one => one.Item.Name, one => boxes[one.Index]),
            "kitchen"));
    }

    static Person Somebody(int i) => Person.Draw(new Chance(9)["person"][i]);

    static Func<Picture, bool[]> Truth(params Clip[] clips) => picture =>
        Array.ConvertAll(clips.Single(clip => ReferenceEquals(clip.Frames, picture.Rgb)).Masks, mask => mask is > 0 and < Clip.OpenDoor);

    static double Difference(byte[] a, byte[] b) => a.Zip(b, (x, y) => (double)Math.Abs(x - y)).Average();

    [Fact]
    public void Somebody_is_cut_out_of_a_frame_beside_others_and_stands_elsewhere()
    {
        var (clip, seen) = Standing((Somebody(1), "ada", 70), (Somebody(2), "bo", 150));
        var recollection = new Recollection(Truth(clip), [seen]);
        var (wanted, there) = Standing((Somebody(2), "bo", 90));
        var empty = new Picture(_stage.Draw(wanted.Spec.Plate, 0).Frames, Width, Height);
        var made = Collage.Of(empty, [recollection.Person("bo")], [there.People["bo"]]);
        Assert.True(Difference(made.Rgb, wanted.Frames) < 0.35 * Difference(empty.Rgb, wanted.Frames));
        Assert.Null(recollection.Person("cy"));
    }

    [Fact]
    public void Who_is_hardly_in_the_frame_or_only_said_to_be_there_is_not_cut_out()
    {
        var (clip, seen) = Standing((Somebody(1), "ada", -12));
        Assert.Null(new Recollection(Truth(clip), [seen]).Person("ada"));
        var (empty, _) = Standing();
        var said = new SeenFrame(new(empty.Frames, Width, Height),
            new Dictionary<string, StageBox> { ["ada"] = new(0.4, 0.3, 0.6, 0.9) }, "kitchen");
        Assert.Null(new Recollection(Truth(empty), [said]).Person("ada"));
    }

    [Fact]
    public void A_place_is_what_its_frames_show_where_nobody_stands()
    {
        var (left, one) = Standing((Somebody(1), "ada", 60));
        var (right, two) = Standing((Somebody(1), "ada", 170));
        var plate = _stage.Draw(left.Spec.Plate, 0).Frames;
        Assert.Null(new Recollection(Truth(left), [one]).Place("street"));
        var from = new Recollection(Truth(left), [one]).Place("kitchen")!;
        var both = new Recollection(Truth(left, right), [one, two]).Place("kitchen")!;
        Assert.True(Difference(both.Rgb, plate) < 0.25 * Difference(from.Rgb, plate));
        Assert.True(Difference(from.Rgb, plate) < 0.7 * Difference(left.Frames, plate));
    }

    [Fact]
    public void A_short_training_writes_a_matte_for_pictures_of_any_size()
    {
        var settings = new MatteSettings(Steps: 3, Batch: 2);
        var run = new TrainingRun(Path.Combine(_folder, "short"), settings.ToJson(1));
        using var crew = new Crew(1, 0, "", 0);
        Assert.InRange(LibTorch.Run(() => MatteRecipe.Run(settings, run, crew, _ => { }, CancellationToken.None)), 0, 1);
        using var matte = PersonMatte.Open(Path.Combine(_folder, "short"));
        Assert.Equal(50 * 30, matte.Of(new(new byte[50 * 30 * 3], 50, 30)).Length);
    }

    [Fact]
    public void The_shipped_matte_finds_people_nobody_has_taught_it()
    {
        using var matte = PersonMatte.Open(Path.Combine(Repository.Root, "models", "pocket"));
        var (both, either) = (0, 0);
        foreach (var i in Enumerable.Range(0, 8))
        {
            var spec = JudgeLessons.Scene(new Chance(77)["scene"][i], heldOut: true);
            var clip = _stage.Draw(spec, spec.Frames / 2);
            foreach (var (mask, found) in clip.Masks.Zip(matte.Of(new(clip.Frames, Width, Height))))
            {
                var truth = mask is > 0 and < Clip.OpenDoor;
                both += truth && found ? 1 : 0;
                either += truth || found ? 1 : 0;
            }
        }
        Assert.True(both > 0.9 * either);
    }
}
