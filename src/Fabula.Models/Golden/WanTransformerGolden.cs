using System.Globalization;
using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded Wan transformers: one forward pass over samples of different grids, with intermediates.</summary>
static class WanTransformerGolden
{
    /// <summary>Rows that a recording may be padded to: more than the longest film that a released model makes has tokens.</summary>
    const int MostRows = 1 << 17;

    public static bool Is(Fixture fixture) =>
        fixture.Config.TryGetProperty("constructor", out var constructor) && constructor.Has("model_type") && !fixture.Config.Has("lora");

    public static void Run(Fixture fixture)
    {
        var model = Model(fixture, fixture.Weights());
        var samples = new List<Trace>();
        try
        {
            _ = fixture.Input("x.0");
            for (var i = 0; fixture.HasInput($"x.{i}"); i++)
            {
                var trace = new Trace();
                samples.Add(trace);
                fixture.Made($"out.{i}", Forward(fixture, model, i, trace));
                fixture.Made($"patch_embedding.{i}", trace.Tensors["patch_embedding"]);
            }
            // The reference ran all samples as one padded batch: put ours together the same way.
            foreach (var name in samples[0].Tensors.Keys.Where(name => name is not ("patch_embedding" or "text_embedding")))
                fixture.Made(name, Batch(fixture, name, Tensor.Cat(0, [.. samples.Select(sample => sample.Tensors[name])])));
            const string First = "text_embedding.first";
            foreach (var name in fixture.Outputs().Select(output => output.Name)
                .Where(name => name.StartsWith(First, StringComparison.Ordinal)).ToList())
                if (int.TryParse(name.AsSpan(First.Length), NumberStyles.None, null, out var rows) && rows is > 0 and <= MostRows)
                    fixture.Made(name, Tensor.Cat(0, [.. samples.Select(sample =>
                        Rows(sample.Tensors["text_embedding"], Math.Min(rows, model.Config.TextLen)))]));
        }
        finally
        {
            samples.ForEach(sample => sample.Dispose());
        }
    }

    /// <summary>
    /// The network of a recording. The width of its CLIP tokens is that of its weights: the reference's constructor does not say it.
    /// </summary>
    public static WanTransformer Model(Fixture fixture, Weights weights)
    {
        var clipDim = weights.Has("img_emb.proj.0.weight")
            && weights.ShapeOf("img_emb.proj.0.weight") is [> 0 and <= 16384 and var width] ? (int)width : 0;
        return new(ReferenceConfig.Transformer(fixture.Config.Field("constructor"), clipDim), weights);
    }

    public static Tensor Forward(Fixture fixture, WanTransformer model, int i, Trace? trace)
    {
        var (config, (pt, ph, pw)) = (model.Config, model.Config.Patch);
        var hasCondition = fixture.HasInput($"y.{i}");
        var latents = fixture.Numbers($"x.{i}", hasCondition ? -1 : config.InDim, -1, -1, -1).Unsqueeze(0);
        var (frames, height, width) = (latents.Size(2), latents.Size(3), latents.Size(4));
        if (hasCondition)
            latents = Tensor.Cat(1, latents, fixture.Numbers($"y.{i}", config.InDim - latents.Size(1), frames, height, width).Unsqueeze(0));
        if (frames % pt != 0 || height % ph != 0 || width % pw != 0)
            throw fixture.Wrong($"x.{i}",
                $"has shape [{string.Join(", ", latents.Shape[1..])}], which patches of {pt}x{ph}x{pw} do not fill");
        var (f, h, w) = ((int)(frames / pt), (int)(height / ph), (int)(width / pw));
        var padTo = fixture.Config.Field("call").Int("seq_len", 1, MostRows);
        if ((long)f * h * w > padTo)
            throw fixture.Wrong($"x.{i}", $"makes {(long)f * h * w} tokens, more than the {padTo} of 'seq_len' in config.json");

        Tensor? clip = null;
        if (fixture.HasInput("clip_fea"))
        {
            var perSample = config.Kind == "flf2v" ? 2 : 1;
            clip = fixture.Numbers("clip_fea", -1, -1, config.ClipDim);
            if (clip.Size(0) < (i + 1) * perSample) throw fixture.Wrong("clip_fea",
                $"has {clip.Size(0)} rows of tokens, too few for sample {i}");
            clip = clip.Narrow(0, i * perSample, perSample);
        }
        var t = fixture.Input("t");
        if (t.Dims is not (1 or 2) || t.Size(0) <= i || t.Dims == 2 && t.Size(1) != padTo)
            throw fixture.Wrong("t", $"has shape [{string.Join(", ", t.Shape)}] where [samples] or [samples, {padTo}] is wanted");
        var time = t.Dims == 1 ? WanTime.Of(t.ToFloats()[i]) : WanTime.PerToken([.. t.Select(0, i).ToFloats().Select(v => (double)v)]);
        using var prompt = model.Prepare([fixture.Numbers($"context.{i}", -1, config.TextDim)], clip, trace);
        using var rotation = model.Rotate([.. Enumerable.Range(0, f).Select(frame => (double)frame)], h, w);
        using var modulation = model.Modulate(time, trace);
        return model.Forward(latents, modulation, prompt, rotation, trace, padTo).Squeeze(0);
    }

    /// <summary>Wan 2.2 repeats one timestep for every token: where that was recorded [B, L, ...], ours is repeated too.</summary>
    static Tensor Batch(Fixture fixture, string name, Tensor made)
    {
        if (name is not ("time_embedding" or "time_projection") || !fixture.IsRecorded(name)) return made;
        var recorded = fixture.Recorded(name);
        if (recorded.Dims <= made.Dims || recorded.Size(0) != made.Size(0)) return made;
        return made.Unsqueeze(1).Expand(made.Size(0), recorded.Size(1), made.Size(1)).Reshape(recorded.Shape);
    }

    /// <summary>The first of the padded text rows, from the used rows and the one that stands for all padding.</summary>
    static Tensor Rows(Tensor collapsed, int rows)
    {
        var used = Math.Min(rows, collapsed.Size(1) - 1);
        var padding = collapsed.Narrow(1, collapsed.Size(1) - 1, 1).Expand(1, rows - used, collapsed.Size(2));
        return Tensor.Cat(1, collapsed.Narrow(1, 0, used), padding);
    }
}
