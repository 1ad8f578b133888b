// Recipe: a checkpoint of any size learns to remember. `fabula train lora`
//
// Paper: "StoryMem: Multi-shot Long Video Storytelling with Memory" (2025), sections 3.1, 3.3 and 4.1: a LoRA on all linear layers of the
// blocks, rank 128, scale alpha / sqrt(rank); 1 to 10 remembered frames, which are noised together with the shot and stand at -S, -2S, ...;
// the loss is the shot's alone, on the velocity noise - clean; learning rate 1e-5; half of the shots begin with a known frame. Levels
// of noise are spread as the model is sampled: evenly before the shift. Of two experts each learns its own share, in a LoRA of its own.
// Not in it: dropout on the adapter's input (0.05 in the paper). The data are Paper Theatre's (EncodedStories).
//
// Shapes: B samples; M remembered frames; f latent frames of the shot; z latent channels; h, w latent rows and columns.
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Fabula.Models;
using Fabula.Torch;

namespace Fabula.Training;

/// <param name="Full">All weights learn, and no adapter is made.</param>
/// <param name="MostMemory">Most remembered frames of a shot; as many as the story has where it is short.</param>
/// <param name="Shift">Of the levels of noise, as at sampling.</param>
/// <param name="First">Share of shots whose first frame is known, where the model can be given one.</param>
/// <param name="Motion">Share of shots whose first five frames are known.</param>
/// <param name="Silent">Share of shots without words, for guidance. Not in the paper.</param>
/// <param name="Checkpointing">Blocks are computed again in backward: a third more time, far less memory.</param>
public sealed record LoraSettings(int Steps = 20_000, int Batch = 1, bool Full = false, int Rank = 128, double Alpha = 128,
    int MostMemory = 10, double MemoryStride = 5, double Shift = 4, double First = 0.5, double Motion = 0, double Silent = 0.1,
    bool Checkpointing = true, ulong Seed = 8)
{
    /// <summary>Pixels and frames; null: as film.json says, else 832 x 480, and the model's own number of frames.</summary>
    public int? Width { get; init; }
    public int? Height { get; init; }
    public int? Frames { get; init; }
    public Pace Pace { get; init; } = new(Others: 1e-5, Warmup: 100, DecayFrom: 1, EmaDecay: 0);
    public Rhythm Rhythm { get; init; } = new();

    /// <exception cref="ArgumentException">The model makes no pictures of that size.</exception>
    public StorySize SizeFor(FilmFacts facts)
    {
        var size = new StorySize(Width ?? facts.Width ?? 832, Height ?? facts.Height ?? 480, Frames ?? facts.Frames);
        _ = Conditioning.LatentFrames(size.Frames);
        return size.Width % facts.SideMultiple == 0 && size.Height % facts.SideMultiple == 0 ? size
            : throw new ArgumentException($"{facts.Name} makes pictures whose sides are multiples of {facts.SideMultiple}, "
                + $"not {size.Width} x {size.Height}: change width and height in --config.");
    }

    public JsonObject ToJson(ModelFolder folder, int expert, int stories, string computing) => new()
    {
        ["recipe"] = Full ? "full 1" : "lora 1",
        ["model"] = folder.Name,
        ["transformer"] = folder.Transformers[expert].Role,
        ["stories"] = stories,
        ["steps"] = Steps,
        ["batch"] = Batch,
        ["rank"] = Full ? null : Rank,
        ["alpha"] = Full ? null : Alpha,
        ["most_memory"] = MostMemory,
        ["memory_stride"] = MemoryStride,
        ["shift"] = Shift,
        ["first"] = First,
        ["motion"] = Motion,
        ["silent"] = Silent,
        ["size"] = $"{SizeFor(FilmFacts.Of(folder))}",
        ["checkpointing"] = Checkpointing,
        ["computing"] = computing,
        ["seed"] = Seed,
        ["pace"] = Pace.ToJson(),
    };
}

public static partial class LoraRecipe
{
    public const string Adapter = "adapter_model.safetensors", AdapterConfig = "adapter_config.json";
    const int HeldOut = 2;

    /// <summary>Trains, or goes on training, one transformer of a model; on the tensor thread.</summary>
    /// <param name="expert">0 the only one or the high-noise one, 1 the low-noise one.</param>
    public static void Run(LoraSettings settings, ModelFolder folder, int expert, int stories, EncodedStories examples, TrainingRun run,
        Device device, Action<string> say, CancellationToken stop)
    {
        var type = folder.IsSmall && device.IsCpu || settings.Full ? DType.F32 : DType.BF16;
        using var adapter = Weights.Fresh(settings.Seed, DType.F32, device);
        using var loaded = folder.LoadTransformer(expert, type, device, weights =>
        {
            if (settings.Full) weights.InMemory();
            else Attach(settings, weights, adapter);
        });
        var (model, learning) = (loaded.Network, settings.Full ? loaded.Weights : adapter);
        model.GradientCheckpointing = settings.Checkpointing;
        learning.Trainable();
        using var crew = new Crew(1, 0, "", 0);
        using var teacher = new Teacher(learning.Parameters, (_, _) => false, settings.Pace, crew);
        run.Resume(learning, teacher);
        var (random, range) = (new RandomSource(settings.Seed), Range(settings, folder, expert));
        new Course(run, learning, teacher, crew, settings.Steps, settings.Rhythm, say).Go(step =>
        {
            stop.ThrowIfCancellationRequested();
            using var on = Autograd.Enable();
            var batch = Draw(settings, examples, new Chance(settings.Seed)["lora"][step], stories, settings.Batch, heldOut: false);
            var levels = random.Uniform("level", step, settings.Batch).ToFloats();
            var loss = Wrong(settings, model, batch, [.. levels.Select(level => Level(settings, range, level))], random, "noise", step);
            loss.Backward();
            return new(settings.Batch, ("velocity", loss.Item()));
        }, step =>
        {
            run.Log(step, Examine(settings, model, examples, range));
            Write(settings, folder, run.Folder, learning);
        });
    }

    /// <summary>A pair for each linear layer of the blocks: A as PEFT begins it, B nothing.</summary>
    static void Attach(LoraSettings settings, Weights weights, Weights adapter)
    {
        var scale = (LoraScaling.StoryMem with { Alpha = settings.Alpha }).Of(settings.Rank);
        foreach (var layer in weights.Names.Select(name => Target().Match(name)).Where(match => match.Success)
            .Select(match => match.Groups[1].Value).ToList())
        {
            var shape = weights.ShapeOf(layer + ".weight");
            using var scope = TensorScope.Open();
            var (a, b) = (adapter.Get($"{layer}.lora_A.weight", settings.Rank, shape[1]),
                adapter.Get($"{layer}.lora_B.weight", shape[0], settings.Rank));
            a.Mul_(1 / Math.Sqrt(3));
            b.Zero_();
            weights.Attach(layer, new LowRank(a, b, scale));
        }
    }

    [GeneratedRegex(@"^(blocks\.\d+\.(?:self_attn\.[qkvo]|cross_attn\.[qkvo]|ffn\.[02]))\.weight$")]
    private static partial Regex Target();

    /// <summary>Where this transformer's share of the levels begins and ends, before the shift.</summary>
    internal static (double From, double To) Range(LoraSettings settings, ModelFolder folder, int expert)
    {
        if (folder.Transformers.Count == 1 || folder.Boundary is not { } boundary) return (0, 1);
        var at = boundary / (settings.Shift - (settings.Shift - 1) * boundary);
        return expert == 0 ? (at, 1) : (0, at);
    }

    static double Level(LoraSettings settings, (double From, double To) range, double at) =>
        Math.Max(1e-3, Schedule.Shift(range.From + (range.To - range.From) * at, settings.Shift));

    /// <param name="All">[B, z, M + f, h, w], remembered frames first.</param>
    /// <param name="Condition">[B, 4 + z, M + f, h, w], where the model takes it.</param>
    sealed record Batch(Tensor All, Tensor? Condition, Tensor[] Rows, Tensor? Look, int Memory, Given Given);

    static Batch Draw(LoraSettings settings, EncodedStories examples, Chance chance, int stories, int size, bool heldOut)
    {
        var drawn = Enumerable.Range(0, size).Select(i => chance["story"][i].Below(stories))
            .Select((story, i) => (Story: story, Shots: examples.Shots(story, heldOut), Chance: chance["example"][i])).ToList();
        var kinds = examples.Kinds;
        var share = chance["given"].Unit;
        var given = kinds.Count == 1 ? kinds[0]
            : share < settings.First ? Given.First
            : share < settings.First + settings.Motion && kinds.Contains(Given.Motion) ? Given.Motion : Given.Nothing;
        var remembers = examples.IsJoined && kinds.Contains(Given.Nothing);
        var memory = !remembers ? 0
            : 1 + chance["memory"].Below(Math.Min(settings.MostMemory, drawn.Min(each => (each.Shots - 1) * EncodedStories.Moments)));
        var (all, conditions, rows, looks) = (new List<Tensor>(), new List<Tensor>(), new List<Tensor>(), new List<Tensor>());
        foreach (var (story, shots, own) in drawn)
        {
            var shot = own["shot"].Below(shots);
            List<Tensor> frames = [examples.Read("latents", story, heldOut, $"{shot}.clip")];
            List<Tensor> known = examples.IsJoined ? [examples.Condition(story, heldOut, shot, given)] : [];
            var others = Enumerable.Range(0, shots).Where(other => other != shot)
                .SelectMany(other => Enumerable.Range(0, EncodedStories.Moments).Select(moment => (other, moment))).ToArray();
            foreach (var (other, moment) in own["others"].Shuffled<(int, int)>(others).Take(memory).Order().Reverse())
            {
                var picture = examples.Read("latents", story, heldOut, $"{other}.pictures").Narrow(2, moment, 1);   // [1, z, 1, h, w]
                frames.Insert(0, picture);
                var mask = Tensor.Ones([1, 4, 1, picture.Size(3), picture.Size(4)], DType.F32, picture.Device);
                known.Insert(0, Tensor.Cat(1, mask, picture));
            }
            all.Add(Tensor.Cat(2, [.. frames]));
            if (known.Count > 0) conditions.Add(Tensor.Cat(2, [.. known]));
            var told = own["silent"].Happens(settings.Silent) ? -1 : own["told"].Below(EncodedStories.Told.Length);
            rows.Add(examples.Rows(story, heldOut, shot, told));
            if (given is Given.First or Given.Ends && kinds.Count == 1) looks.Add(examples.Read("clip", story, heldOut, $"{shot}.look"));
        }
        return new(Tensor.Cat(0, [.. all]), conditions.Count == 0 ? null : Tensor.Cat(0, [.. conditions]), [.. rows],
            looks.Count == 0 ? null : Tensor.Cat(0, [.. looks]), memory, given);
    }

    /// <summary>The mean squared error of the velocity over the shot's frames, at a level of noise per sample.</summary>
    static Tensor Wrong(LoraSettings settings, WanTransformer model, Batch batch, double[] levels, RandomSource random, string purpose,
        int step)
    {
        var (config, all, m) = (model.Config, batch.All, batch.Memory);
        var (f, rows, columns) = ((int)all.Size(2) - m, (int)all.Size(3) / config.Patch.H, (int)all.Size(4) / config.Patch.W);
        // A first frame that is no condition stands clean among the noisy ones, at time 0; such a batch has one level.
        var clean = batch.Given == Given.First && batch.Condition is null;
        if (clean) levels = [.. levels.Select(_ => levels[0])];
        var noise = random.Normal(purpose, step, all.Shape).To(all.Device);
        var t = Tensor.From([.. levels.Select(level => (float)level)], levels.Length, 1, 1, 1, 1).To(all.Device);
        var noisy = all + (noise - all) * t;
        if (clean) noisy = Tensor.Cat(2, all.Narrow(2, 0, 1), noisy.Narrow(2, 1, f - 1));
        var time = clean
            ? new WanTime([0, levels[0] * 1000], [.. Enumerable.Range(0, f * rows * columns).Select(i => i < rows * columns ? 0L : 1L)])
            : WanTime.Each([.. levels.Select(level => level * 1000)]);
        using var rotation = model.Rotate(Conditioning.Positions(m, f, settings.MemoryStride), rows, columns);
        using var prompt = model.Prepare(batch.Rows, batch.Look);
        using var modulation = model.Modulate(time);
        var velocity = model.Forward(batch.Condition is null ? noisy : Tensor.Cat(1, noisy, batch.Condition), modulation, prompt, rotation);
        var wrong = velocity - (noise - all);
        // A model that answers with clean latents divides by t; see VideoRecipe.
        if (config.AnswersClean) wrong *= t;
        var from = clean ? 1 : m;
        return wrong.Narrow(2, from, all.Size(2) - from).Square().Mean();
    }

    /// <summary>Errors on stories that are not learned from, the same examples and noise every time.</summary>
    internal static List<KeyValuePair<string, double>> Examine(LoraSettings settings, WanTransformer model, EncodedStories examples,
        (double, double) range)
    {
        var (errors, random) = (new List<KeyValuePair<string, double>>(), new RandomSource(settings.Seed));
        using var off = Autograd.Disable();
        foreach (var at in new[] { 0.2, 0.5, 0.8 })
        {
            using var scope = TensorScope.Open();
            var wrong = Enumerable.Range(0, 2 * HeldOut).Select(i =>
            {
                var batch = Draw(settings, examples, new Chance(settings.Seed)["examined"][i], HeldOut, 1, heldOut: true);
                return Wrong(settings, model, batch, [Level(settings, range, at)], random, "examined", i).Item();
            });
            errors.Add(new($"held out at {Level(settings, range, at):0.00}", wrong.Average()));
        }
        return errors;
    }

    /// <summary>How many held-out stories <see cref="Run"/> looks at: <see cref="EncodedStories.Make"/> must have made them.</summary>
    public static int Examined => HeldOut;

    /// <summary>An adapter as PEFT saves it; of a full run the transformer's weights, under their folder's names.</summary>
    static void Write(LoraSettings settings, ModelFolder folder, string output, Weights learned)
    {
        if (settings.Full)
        {
            var other = folder.Layout == ModelLayout.Diffusers;
            Weights.Save(Path.Combine(output, "diffusion_pytorch_model.safetensors"), learned.Parameters.Select(pair =>
                KeyValuePair.Create(other ? WanNames.Transformer.ToDiffusers(pair.Key)! : pair.Key, pair.Value)), DType.BF16);
            return;
        }
        Weights.Save(Path.Combine(output, Adapter), learned.Parameters.Select(pair =>
            KeyValuePair.Create("base_model.model." + pair.Key, pair.Value)));
        var config = new JsonObject
        {
            ["peft_type"] = "LORA",
            ["r"] = settings.Rank,
            ["lora_alpha"] = settings.Alpha,
            ["use_rslora"] = true,
            ["use_dora"] = false,
            ["bias"] = "none",
            ["target_modules"] = new JsonArray([.. new[] { "self_attn", "cross_attn" }
                .SelectMany(part => "qkvo".Select(letter => $"{part}.{letter}")).Concat(["ffn.0", "ffn.2"])
                .Select(name => JsonValue.Create(name))]),
        };
        var path = Path.Combine(output, AdapterConfig);
        File.WriteAllText(path + ".new", config.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
        File.Move(path + ".new", path, overwrite: true);
    }
}
