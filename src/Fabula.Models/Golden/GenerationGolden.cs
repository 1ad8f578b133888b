using System.Globalization;
using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>
/// Recorded runs of whole generate() methods: Wan 2.1 image and first-last-frame models, Wan 2.2 with two experts, StoryMem's memory
/// models.
/// Each step is computed from the reference's own recorded latents (its input), so that errors of the network show by themselves; the film
/// is computed from our own run, straight through.
/// </summary>
static class GenerationGolden
{
    /// <summary>Bounds of what a recording may ask for, so that no config.json takes the machine's memory: pixels of a film, and its
    /// frames.</summary>
    const int MostPixels = 1 << 27, MostFrames = 1 << 12;

    public static bool Is(Fixture fixture) => fixture.Config.Has("cases") && fixture.Config.Has("vae");

    public static (double Absolute, double Relative) Tolerance(string output) =>
        output.EndsWith(".y", StringComparison.Ordinal) || output.EndsWith(".clip_fea", StringComparison.Ordinal) ? (3e-5, 1e-5)
        : output.StartsWith("rope.", StringComparison.Ordinal) ? (2e-5, 1e-4) : (1e-4, 1e-4);

    public static void Run(Fixture fixture)
    {
        var config = fixture.Config;
        var vae = WanVae.Create(ReferenceConfig.Vae(config.Field("vae")), fixture.Weights("vae."));
        var clip = config.TryGetProperty("clip", out var tower)
            ? new WanClipVision(ReferenceConfig.Clip(tower), fixture.Weights("clip.", WanClipVision.Rename)) : null;
        var models = new Dictionary<string, WanTransformer>();
        WanTransformer Model(string name)
        {
            if (models.TryGetValue(name, out var model)) return model;
            var weights = fixture.Weights(name + ".");
            var clipDim = weights.Has("img_emb.proj.0.weight") ? config.Int("clip_dim") : 0;     // 2.2 has no image branch
            return models[name] = new WanTransformer(ReferenceConfig.Transformer(config.Field(name), clipDim), weights);
        }
        if (config.Field("cases").ValueKind != JsonValueKind.Object) throw new FormatException("config.json: 'cases' is no object.");
        foreach (var item in config.Field("cases").EnumerateObject()) new Case(fixture, item.Name, item.Value, vae, clip, Model).Run();
        if (fixture.Outputs().Any(output => output.Name.StartsWith("rope.", StringComparison.Ordinal))) Rotations(fixture,
            Model("dit_high"));
    }

    /// <summary>The same step with remembered frames at other temporal positions.</summary>
    static void Rotations(Fixture fixture, WanTransformer model)
    {
        var (noise, y) = (fixture.Recorded("m2v.noise").Unsqueeze(0), fixture.Recorded("m2v.y").Unsqueeze(0));
        var memory = fixture.Config.Field("cases").Field("m2v").Int("mem", 0, MostFrames);
        var frames = (int)noise.Size(2);
        using var prompt = model.Prepare([fixture.Input("context")]);
        using var time = model.Modulate(WanTime.Of(fixture.Recorded("m2v.timesteps").ToFloats()[0]));
        const string Prefix = "rope.", Negative = "negative_S", Suffix = ".positions";
        foreach (var name in fixture.Outputs().Select(output => output.Name)
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..])
                .Select(name => name.EndsWith(Suffix, StringComparison.Ordinal) ? name[..^Suffix.Length] : name).Distinct().ToList())
        {
            var stride = name == "released" ? 1
                : name.StartsWith(Negative, StringComparison.Ordinal)
                    && int.TryParse(name.AsSpan(Negative.Length), NumberStyles.None, null, out var s) ? s : 0;
            if (stride == 0) continue;
            var positions = Conditioning.Positions(memory, frames - memory, stride);
            // The release counts frames from 0; only differences of positions matter.
            using var rotation = model.Rotate(name == "released" ? [.. positions.Select(p => p + memory)] : positions,
                (int)noise.Size(3) / model.Config.Patch.H, (int)noise.Size(4) / model.Config.Patch.W);
            fixture.Made($"rope.{name}", model.Forward(Tensor.Cat(1, noise, y), time, prompt, rotation).Squeeze(0));
            if (name != "released") fixture.Made($"rope.{name}.positions", Tensor.From(positions.Select(p => (long)p).ToArray(), frames));
        }
    }

    sealed class Case(Fixture fixture, string name, JsonElement settings, WanVae vae, WanClipVision? clip, Func<string,
        WanTransformer> model)
    {
        public void Run()
        {
            var (memory, known, tokens) = Pictures();
            var (rows, columns) = Size();
            var frames = settings.Int("frame_num", 1, MostFrames);
            if ((double)rows * columns * vae.Config.SpatialStride * vae.Config.SpatialStride * frames > MostPixels)
                throw new FormatException($"config.json: case '{name}' asks for a film of more than {MostPixels} pixels");
            var y = Conditioning.Encode(vae, frames, rows, columns, known, memory);
            fixture.Made($"{name}.y", y.Squeeze(0));
            if (tokens is not null) fixture.Made($"{name}.clip_fea", tokens);
            var schedule = settings.Text("solver") == "unipc" ? Schedule.UniPC(settings.Int("steps"), settings.Double("shift", 1))
                : Schedule.DpmPlusPlus(settings.Int("steps"), settings.Double("shift", 1));
            fixture.Made($"{name}.timesteps", Tensor.From(schedule.Timesteps.Select(t => (long)t).ToArray(), schedule.Steps));
            if (!fixture.IsRecorded($"{name}.noise") && !settings.Flag("patched")) return;
            Sample(y, tokens, schedule, memory, frames);
        }

        void Sample(Tensor y, Tensor? tokens, Schedule schedule, IReadOnlyList<KnownFrame> memory, int frames)
        {
            // A patched run repeats its released twin's noise: the twin is the case with the same seed that recorded one.
            var twin = fixture.IsRecorded($"{name}.noise") ? name : fixture.Config.Field("cases").EnumerateObject()
                .Where(other => other.Value.Int("seed") == settings.Int("seed") && fixture.IsRecorded($"{other.Name}.noise"))
                .Select(other => other.Name).FirstOrDefault()
                ?? throw new FormatException($"config.json: case '{name}' is patched, but no other case has its seed");
            var noise = fixture.Recorded($"{twin}.noise").Unsqueeze(0);
            if (twin == name) fixture.Made($"{name}.noise", noise.Squeeze(0));
            var guide = settings.Field("guide");
            var (lowGuide, highGuide) = guide.ValueKind != JsonValueKind.Array ? (settings.Double("guide", 1), 0)
                : settings.Doubles("guide") is [var lowest, var highest] ? (lowest, highest)
                    : throw new FormatException("config.json: 'guide' is no pair");
            var boundary = settings.Double("boundary", fixture.Config.Double("boundary", 0));
            var (low, high) = Experts();
            var sampler = new WanSampler(new(model(low), lowGuide), high is null ? null : new(model(high), highGuide), boundary);
            var shot = new WanShot
            {
                Schedule = schedule,
                Noise = noise,
                Condition = y,
                Clip = tokens,
                Prompt = fixture.Numbers("context", -1, -1),
                NegativePrompt = fixture.Numbers("context_null", -1, -1),
                Positions = [.. Enumerable.Range(0, (int)noise.Size(2)).Select(f => (double)f)],   // the release's positions
            };
            var (inputs, positives, negatives) = (new List<Tensor>(), new List<Tensor>(), new List<Tensor>());
            SolverState? last = null;
            try
            {
                foreach (var state in sampler.Sample(shot, observe: step =>
                {
                    inputs.Add(step.Before.Latents.Clone().Own());
                    positives.Add(step.Positive.Clone().Own());
                    negatives.Add(step.Negative.Clone().Own());
                })) last = state;
                // Some recordings keep only the first steps.
                foreach (var (key, values) in new[] { ("x_steps", inputs), ("cond", positives), ("uncond", negatives) })
                    if (fixture.IsRecorded($"{name}.{key}") && fixture.Recorded($"{name}.{key}") is { Dims: > 0 } kept && kept.Size(0) > 0)
                        fixture.Made($"{name}.{key}", Tensor.Cat(0, [.. values.Take((int)Math.Min(kept.Size(0), values.Count))]));
                Decode(last!.Latents, memory.Count, frames);
            }
            finally
            {
                foreach (var tensor in (Tensor[])[.. inputs, .. positives, .. negatives]) tensor.Dispose();
                last?.Dispose();
            }
        }

        void Decode(Tensor latents, int memory, int frames)
        {
            if (fixture.IsRecorded($"{name}.video"))
            {
                var video = vae.Decode(latents.Narrow(2, memory, latents.Size(2) - memory)).Squeeze(0);  // [3, T, H, W]
                // Long films are recorded at evenly spaced frames.
                var kept = fixture.Recorded($"{name}.video") is { Dims: 4 } recorded ? (int)recorded.Size(1) : 0;
                var step = kept == frames || kept < 2 ? 1 : (frames - 1) / (kept - 1);
                fixture.Made($"{name}.video", video.Slice(1, 0, (kept - 1) * step + 1, step));
            }
            if (fixture.IsRecorded($"{name}.memory"))
            {
                var one = latents.Narrow(2, 0, memory).Permute(2, 1, 0, 3, 4);                       // [M, z, 1, h, w]
                fixture.Made($"{name}.memory", vae.Decode(one).Squeeze(2));
            }
        }

        (string Low, string? High) Experts() => settings.Has("pipe") ? settings.Text("pipe") switch
        {
            "wan21.WanI2V" => ("dit21_i2v", null),
            "wan21.WanFLF2V" => ("dit21_flf2v", null),
            "wan22.WanI2V" => ("dit22_low", "dit22_high"),
            var other => throw new FormatException($"config.json: there is no pipeline '{other}'"),
        }
        : ("dit_low", "dit_high");

        /// <summary>The pictures a case knows, the remembered ones, and CLIP's view of them.</summary>
        (IReadOnlyList<KnownFrame> Memory, Dictionary<int, KnownFrame> Known, Tensor? Clip) Pictures()
        {
            Tensor Picture(string input) => Conditioning.FromBytes(Levels(input, input == "motion_frames" ? [-1, -1, -1, 3] : [-1, -1, 3]));
            var known = new Dictionary<int, KnownFrame>();
            var (frames, clipImages) = (settings.Int("frame_num"), new List<Tensor>());
            if (settings.Has("img"))
            {
                var first = Picture(settings.Text("img"));
                known[0] = new(first);
                clipImages.Add(first);
                if (settings.Has("last"))
                {
                    var last = ReferenceFit(Picture(settings.Text("last")), first);
                    known[frames - 1] = new(last);
                    clipImages.Add(last);
                }
            }
            // The release overwrites the first frame by grey, though its mask stays; "patched" is the run with that mended.
            if (settings.Flag("first"))
                known[0] = new(settings.Flag("patched") ? Picture("first_frame")
                    : Tensor.Zeros(Picture("first_frame").Shape, DType.F32, Device.Cpu));
            if (settings.Flag("motion"))
            {
                var motion = Picture("motion_frames");                                           // [N, 3, H, W]
                for (var i = 0; i < motion.Size(0); i++) known[i] = new(motion.Select(0, i));
            }
            var keep = settings.Int("fix_mem", int.MaxValue);
            var memory = Enumerable.Range(0, settings.Has("mem") ? settings.Int("mem", 0, MostFrames) : 0)
                .Select(i => new KnownFrame(Picture($"memory.{i}"), i < keep ? 1 : 2)).ToList();
            var tokens = clip is not null && settings.Has("pipe") && !settings.Text("pipe").StartsWith("wan22", StringComparison.Ordinal)
                ? clip.Encode(clipImages) : null;
            return (memory, known, tokens);
        }

        /// <summary>A picture of whole levels, 0 to 255.</summary>
        Tensor Levels(string input, long[] shape) => fixture.Input(input, shape) is { DType: DType.U8 } levels ? levels
            : throw fixture.Wrong(input, "holds something other than bytes (U8)");

        (int Rows, int Columns) Size()
        {
            var sized = settings.Has("img") ? settings.Text("img") : settings.Flag("motion") ? "motion_frames"
                : settings.Flag("first") ? "first_frame" : "memory.0";
            var shape = fixture.Input(sized).Shape;                                              // [(N,) H, W, 3]
            return Conditioning.LatentSize(shape[^3], shape[^2], Math.Min(settings.Double("max_area", 0), MostPixels),
                vae.Config.SpatialStride,
                roundFirst: !settings.Has("img"));
        }

        /// <summary>
        /// The reference means to scale the last frame to cover the first, but only cuts or pads it to the scaled size, with its sides
        /// swapped
        /// [first_last_frame2video.py]. Reproduced for the comparison; the product uses <see cref="Conditioning.Cover"/>.
        /// </summary>
        static Tensor ReferenceFit(Tensor last, Tensor first)
        {
            if (last.Size(1) == first.Size(1) && last.Size(2) == first.Size(2)) return last;
            var scale = Math.Max((double)first.Size(2) / last.Size(2), (double)first.Size(1) / last.Size(1));
            var (h, w) = ((long)Math.Round(last.Size(2) * scale), (long)Math.Round(last.Size(1) * scale));
            long Before(long want, long have) => Math.Max(0, (want - have) / 2);
            long After(long want, long have) => Math.Max(0, (want - have + 1) / 2);
            var padded = last.Pad([Before(w, last.Size(2)), After(w, last.Size(2)), Before(h, last.Size(1)), After(h, last.Size(1))]);
            var (top, left) = ((long)Math.Round((padded.Size(1) - h) / 2.0), (long)Math.Round((padded.Size(2) - w) / 2.0));
            return padded.Narrow(1, top, h).Narrow(2, left, w);
        }
    }
}
