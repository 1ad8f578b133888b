// All numbers that a pocket model is judged by, on held-out stories: `fabula evaluate pocket`. The model is asked through FilmModel, as a
// film asks it; the drawn truth stands beside it. What needs a reader of frames needs the judge.
using System.Diagnostics;
using Fabula.Models;
using Fabula.Production;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <param name="Bar">What is wanted, in words.</param>
/// <param name="Value">With its 95 % interval.</param>
public sealed record Measured(string Name, string Bar, string Value);

/// <param name="model">Makes clips of the theatre's size.</param>
/// <param name="vae">The same model's, for what it can show at best.</param>
/// <param name="judge">Null: only what can be measured from pixels.</param>
public sealed class PocketReport(FilmModel model, WanVae vae, Judge? judge, int stories, ulong seed = 3) : IDisposable
{
    const int Width = Filming.Width, Height = Filming.Height, Shots = 8;
    static readonly int[] Hair = Index("hair"), Top = Index("top");
    readonly Filming _filming = new(new ModelRenderer(model));
    readonly Stage _stage = new(Width, Height);

    static int[] Index(string question) =>
        [.. JudgeQuestions.OfPeople.Index().Where(at => at.Item.Name == question).Select(at => at.Index)];

    /// <summary>Every row as it is ready; minutes each.</summary>
    public IEnumerable<Measured> Rows()
    {
        DrawnStory[] told = [.. Enumerable.Range(0, stories).Select(i => LatentStories.Tell(seed, i, heldOut: true))];
        var rows = Reconstruction(told).Concat(FirstAndLast(told)).Concat(Plates(told));
        return judge is null ? rows : rows.Concat(Words(told)).Concat(Remembering(told)).Concat(SelfFed(told));
    }

    public void Dispose()
    {
        _stage.Dispose();
        _filming.Dispose();
    }

    static Measured Decibels(string name, string bar, IReadOnlyList<double> values) =>
        new(name, bar, $"{Interval.OfMean([.. values.Where(double.IsFinite)])} dB");

    IEnumerable<Measured> Reconstruction(IEnumerable<DrawnStory> told)
    {
        var (all, first) = (new List<double>(), new List<double>());
        foreach (var clip in told.Select(story => _stage.Draw(story.Shots[0].Spec)))
        {
            var made = LibTorch.Run(() =>
            {
                using var scope = TensorScope.Open();
                var decoded = vae.Decode(vae.Encode(VaeRecipe.Pixels(clip.Frames, 1, clip.Spec.Frames, Height, Width)));
                return Enumerable.Range(0, clip.Spec.Frames).Select(f => VaeRecipe.Bytes(decoded.Narrow(2, f, 1))).ToList();
            });
            all.Add(Enumerable.Range(0, made.Count).Average(f => Pictures.Psnr(made[f], clip.Frame(f))));
            first.Add(Pictures.Psnr(made[0], clip.Frame(0)));
        }
        yield return Decibels("VAE: PSNR of whole clips", ">= 28 dB", all);
        yield return Decibels("VAE: PSNR of first frames", ">= 30 dB", first);
    }

    /// <summary>First frame given, then first and last with somebody who comes or goes.</summary>
    IEnumerable<Measured> FirstAndLast(IReadOnlyList<DrawnStory> told)
    {
        var (kept, ends, seconds, crossed) = (new List<double>(), new List<double>(), new List<double>(), new List<bool>());
        foreach (var (i, story) in told.Index())
        {
            var shot = story.Shots[0];
            var clip = _stage.Draw(shot.Spec);
            var watch = Stopwatch.StartNew();
            var made = Render(Say(shot, Register.Planned, i), i, first: clip.Frame(0).ToArray());
            if (i > 0) seconds.Add(watch.Elapsed.TotalSeconds);                                  // the first loads the model
            kept.Add(Pictures.Psnr(made[0], clip.Frame(0)));
            if (story.Shots.FirstOrDefault(other => other.Transition is not null) is not { } turn) continue;
            var change = _stage.Draw(turn.Spec);
            var end = change.Frame(turn.Spec.Frames - 1).ToArray();
            made = Render(Say(turn, Register.Planned, i), i, first: change.Frame(0).ToArray(), last: end);
            ends.Add(Pictures.Psnr(made[0], change.Frame(0)));
            ends.Add(Pictures.Psnr(made[^1], end));
            if (judge is not null) crossed.Add(Crosses(turn, made));
        }
        yield return Decibels("first frame: PSNR to it", ">= 25 dB", kept);
        yield return Decibels("first and last frame: PSNR to them", ">= 25 dB", ends);
        if (judge is not null)
            yield return new("who comes or goes crosses the edge or the door, and nobody fades", ">= 80 %", Share(crossed));
        yield return new("seconds for a shot of 17 frames", "<= 1 s", $"{Interval.OfMean(seconds)} s");
    }

    bool Crosses(StoryShot turn, IReadOnlyList<byte[]> made)
    {
        var ways = Tracks.Cross(Read(made), Width, TransitionsTable.Door(turn.Spec.Location));
        return ways.Clean && (turn.Transition is Transition.Exit || ways.Entered > 0)
            && (turn.Transition is Transition.Enter || ways.Left > 0);
    }

    /// <summary>How far a background is from the empty place that was given, with and without it.</summary>
    IEnumerable<Measured> Plates(IReadOnlyList<DrawnStory> told)
    {
        var (with, without) = (new List<double>(), new List<double>());
        foreach (var (i, story) in told.Index())
        {
            var shot = story.Shots[0];
            var (clip, plate) = (_stage.Draw(shot.Spec), Plate(shot));
            var people = shot.Cast.Select(who => Portrait(story.People[who])).ToList();
            double Distance(bool given)
            {
                var made = Render(Say(shot, Register.Referential, i), i, people, background: given ? plate : null);
                var middle = made.Count / 2;
                var mask = judge is null ? clip.Mask(middle).ToArray() : Pictures.PeopleMask(Read([made[middle]])[0], Width, Height);
                return Pictures.BackgroundDistance(made[middle], plate, mask);
            }
            if (shot.Spec.Camera != CameraMove.Static) continue;
            with.Add(Distance(given: true));
            without.Add(Distance(given: false));
        }
        yield return new("background's distance to the plate, plate given", "at most half of that without", $"{Interval.OfMean(with)}");
        yield return new("background's distance to the plate, plate not given", "", $"{Interval.OfMean(without)}");
    }

    /// <summary>Words alone: where, how many, what they look like.</summary>
    IEnumerable<Measured> Words(IReadOnlyList<DrawnStory> told)
    {
        var marks = told.Select((story, i) =>
        {
            var shot = story.Shots[0];
            return Marks(shot, Render(Say(shot, Register.Planned, i), i));
        }).ToList();
        yield return new("words: the place asked for", ">= 90 %", Share([.. marks.Select(mark => mark.Place)]));
        yield return new("words: as many people as asked for", ">= 85 %", Share([.. marks.Select(mark => mark.People)]));
        yield return new("words: hair colour", ">= 80 %", Share(Right(marks, Hair)));
        yield return new("words: top colour", ">= 80 %", Share(Right(marks, Top)));
    }

    /// <summary>People whom no word describes, seen in earlier shots.</summary>
    IEnumerable<Measured> Remembering(IReadOnlyList<DrawnStory> told)
    {
        var (with, without) = (new List<bool>(), new List<bool>());
        foreach (var (i, story) in told.Index())
        {
            var shot = story.Shots.Last(other => other.Cast.Count == 1);
            var seen = story.Shots.Where(other => other != shot && other.Cast.Contains(shot.Cast[0]))
                .Take(Math.Min(3, model.Facts.MostMemory))
                .Select(other => _stage.Draw(other.Spec, [other.Spec.Frames / 2]).Frame(0).ToArray()).ToList();
            var words = Say(shot, Register.Referential, i);
            with.AddRange(Right([Marks(shot, Render(words, i, seen))], null));
            without.AddRange(Right([Marks(shot, Render(words, i))], null));
        }
        yield return new("memory: attributes of people never described", ">= 80 %", Share(with));
        yield return new("the same shots without memory", "at least 3 times its errors", Share(without));
    }

    /// <summary>Eight shots of one person in three places, each remembering what the model has made; the first has a portrait.</summary>
    IEnumerable<Measured> SelfFed(IReadOnlyList<DrawnStory> told)
    {
        var last = new List<bool>();
        foreach (var (i, story) in told.Index())
        {
            var memory = new List<byte[]> { Portrait(story.People[0]) };
            for (var n = 0; n < Shots; n++)
            {
                var location = story.Locations[n % story.Locations.Count];
                var spec = Playwright.Shot(new Chance(seed)["self-fed"][i][n], location, [story.People[0]]);
                var shot = new StoryShot(spec, [0], n % story.Locations.Count);
                var made = Render(Say(shot, Register.Referential, i), i * Shots + n, memory);
                if (n == 0) memory.Clear();
                memory.Add(made[made.Count / 2]);
                if (memory.Count > Math.Min(3, model.Facts.MostMemory)) memory.RemoveAt(1);      // the first stays: the sink
                if (n == Shots - 1) last.AddRange(Right([Marks(shot, made)], null));
            }
        }
        yield return new($"self-fed: attributes in shot {Shots}", ">= 70 %", Share(last));
    }

    string Say(StoryShot shot, Register register, int i) => Captions.Write(shot.Spec, register, new Chance(seed)["report"][i]);

    byte[] Plate(StoryShot shot) => _stage.Draw(shot.Spec.Plate with { Frames = 1, Camera = CameraMove.Static }).Frames;

    byte[] Portrait(Person person) => _stage.Draw(ShotSpec.Portrait(person)).Frames;

    IReadOnlyList<byte[]> Render(string prompt, int number, IReadOnlyList<byte[]>? memory = null, byte[]? first = null, byte[]? last = null,
        byte[]? background = null) => _filming.Shot(prompt, (ulong)number + 1, memory: memory, first: first, last: last,
            drafts: background is null ? null : [Filming.Of(background)]);

    IReadOnlyList<Reading> Read(IReadOnlyList<byte[]> frames) =>
        judge!.Read(frames.SelectMany(frame => frame).ToArray(), frames.Count, Width, Height);

    ClipMarks Marks(StoryShot shot, IReadOnlyList<byte[]> made) => ClipMarks.Of(_stage.Draw(shot.Spec), Read(made));

    static List<bool> Right(IEnumerable<ClipMarks> marks, int[]? questions) =>
        [.. marks.SelectMany(mark => mark.Attributes)
            .SelectMany(person => person.Where((_, q) => questions is null || questions.Contains(q))).OfType<bool>()];

    static string Share(List<bool> answers) => Interval.OfShare(answers.Count(yes => yes), answers.Count).AsPercent;
}
