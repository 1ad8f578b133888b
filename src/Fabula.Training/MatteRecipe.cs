// Recipe: the matte, which pixels of a frame show people. `fabula train matte`
//
// The stage knows it of every drawn frame. Frames are worn as the judge's lessons are (JudgeLessons.Worn), because those that a film
// remembers are a model's and not drawn.
using System.Text.Json.Nodes;
using Fabula.Models;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

public sealed record MatteSettings(int Steps = 700, int Batch = 8, ulong Seed = 6)
{
    public Pace Pace { get; init; } = new(Others: 3e-3, Warmup: 40, EmaDecay: 0.99);

    public JsonObject ToJson(int crew) => new()
    {
        ["recipe"] = "matte 1",
        ["steps"] = Steps,
        ["batch"] = Batch,
        ["seed"] = Seed,
        ["processes"] = crew,
        ["pace"] = Pace.ToJson(),
    };
}

public static class MatteRecipe
{
    const int Width = JudgeConfig.Width, Height = JudgeConfig.Height;

    /// <param name="Pixels">[3, 128, 224], and what else a lesson says.</param>
    /// <param name="People">[128, 224]: 1 where somebody is.</param>
    sealed record Matted(Lesson Frame, float[] People);

    /// <summary>Trains, or goes on training; on the tensor thread. Returns the overlap with the truth on held-out frames.</summary>
    public static double Run(MatteSettings settings, TrainingRun run, Crew crew, Action<string> say, CancellationToken stop)
    {
        using var weights = Weights.Fresh(settings.Seed, DType.F32, Device.Cpu);
        var net = new MatteNet(weights);
        foreach (var (_, tensor) in weights.Parameters)
            if (tensor.Dims > 1) tensor.Mul_(Math.Sqrt(2));
        weights.Trainable();
        using var teacher = new Teacher(weights.Parameters, (_, _) => false, settings.Pace, crew);
        run.Resume(weights, teacher);
        using var stage = new Stage(Width, Height);
        using var lessons = new Ahead<Matted[]>(run.Start, settings.Steps, step =>
            [.. Enumerable.Range(0, settings.Batch).Select(i =>
                Draw(stage, new Chance(settings.Seed)["matte"][step][crew.Rank][i], heldOut: false))]);
        new Course(run, weights, teacher, crew, settings.Steps, new Rhythm(Save: 60), say).Go(_ =>
        {
            var lesson = lessons.Next(stop);
            using var learning = Autograd.Enable();
            var loss = Loss(net, lesson);
            loss.Backward();
            return new(settings.Batch, ("loss", loss.Item()));
        });
        return crew.Leads ? Examine(settings, run, teacher, say) : 0;
    }

    static Matted Draw(Stage stage, Chance chance, bool heldOut)
    {
        var spec = JudgeLessons.Scene(chance["scene"], heldOut);
        var clip = stage.Draw(spec, chance["moment"].Below(spec.Frames));
        var lesson = JudgeLessons.Worn(clip.Frames, JudgeTruth.Of(clip, 0), chance["wear"]);
        var people = new float[Height * Width];
        for (var i = 0; i < people.Length; i++)
        {
            var (y, x) = (Math.Clamp(i / Width - lesson.ShiftY, 0, Height - 1), Math.Clamp(i % Width - lesson.ShiftX, 0, Width - 1));
            people[i] = clip.Masks[y * Width + x] is > 0 and < Clip.OpenDoor ? 1 : 0;
        }
        return new(lesson, people);
    }

    static readonly Op CrossEntropy = new("aten::binary_cross_entropy_with_logits");

    static Tensor Loss(MatteNet net, Matted[] lessons)
    {
        const int Mean = 1;
        var truth = Tensor.From([.. lessons.SelectMany(lesson => lesson.People)], lessons.Length, Height, Width);
        var logits = net.Forward(JudgeRecipe.Pixels([.. lessons.Select(lesson => lesson.Frame)]));
        return CrossEntropy.Call(logits, truth, Arg.None, Arg.None, Mean);
    }

    /// <summary>Writes the averaged weights, and says how well they find people whom nobody has learned from.</summary>
    static double Examine(MatteSettings settings, TrainingRun run, Teacher teacher, Action<string> say)
    {
        Weights.Save(Path.Combine(run.Folder, PersonMatte.FileName), teacher.Averages, DType.BF16);
        using var matte = PersonMatte.Open(run.Folder);
        using var stage = new Stage(Width, Height);
        var (both, either, sheet) = (0L, 0L, new List<ReadOnlyMemory<byte>>());
        for (var i = 0; i < 64; i++)
        {
            var spec = JudgeLessons.Scene(new Chance(settings.Seed)["held out"][i], heldOut: true);
            var clip = stage.Draw(spec, spec.Frames / 2);
            var found = matte.Of(new(clip.Frames, Width, Height));
            for (var at = 0; at < found.Length; at++)
            {
                var truth = clip.Masks[at] is > 0 and < Clip.OpenDoor;
                both += truth && found[at] ? 1 : 0;
                either += truth || found[at] ? 1 : 0;
            }
            if (i < 16) sheet.Add(Shown(clip.Frames, found));
        }
        var overlap = (double)both / Math.Max(1, either);
        run.Sheet("matte", settings.Steps, sheet, Width, Height, 4);
        run.Log(settings.Steps, [new("overlap", overlap)]);
        say($"held-out frames: {overlap:P1} of what shows people or is said to is both");
        return overlap;
    }

    /// <summary>Only the people, on grey.</summary>
    static byte[] Shown(byte[] frame, bool[] people) => [.. frame.Select((level, i) => people[i / 3] ? level : (byte)128)];
}
