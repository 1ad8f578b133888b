using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded Wan transformers: one forward pass over samples of different grids, with intermediates.</summary>
static class WanTransformerGolden
{
    public static bool Is(Fixture fixture) =>
        fixture.Config.TryGetProperty("constructor", out var constructor) && constructor.Has("model_type") && !fixture.Config.Has("lora");

    public static void Run(Fixture fixture)
    {
        var config = ReferenceConfig.Transformer(fixture.Config.Field("constructor"), fixture.Config.Int("clip_dim", 0));
        var model = new WanTransformer(config, fixture.Weights());
        var padTo = fixture.Config.Field("call").Int("seq_len");
        var samples = new List<Trace>();
        for (var i = 0; fixture.HasInput($"x.{i}"); i++)
        {
            var trace = new Trace();
            samples.Add(trace);
            fixture.Made($"out.{i}", Forward(fixture, model, i, padTo, trace));
        }
        // The reference ran all samples as one padded batch: put ours together the same way.
        foreach (var name in samples[0].Tensors.Keys)
        {
            if (name == "patch_embedding") fixture.Made("patch_embedding.0", samples[0].Tensors[name]);
            else if (name == "text_embedding") 
                fixture.Made("text_embedding.first16", Tensor.Cat(0, [.. samples.Select(s => First16(s.Tensors[name]))]));
            else fixture.Made(name, Tensor.Cat(0, [.. samples.Select(sample => sample.Tensors[name])]));
        }
        samples.ForEach(sample => sample.Dispose());
    }

    public static Tensor Forward(Fixture fixture, WanTransformer model, int i, int padTo, Trace? trace)
    {
        var latents = fixture.Input($"x.{i}").Unsqueeze(0);
        if (fixture.HasInput($"y.{i}")) latents = Tensor.Cat(1, latents, fixture.Input($"y.{i}").Unsqueeze(0));
        Tensor? clip = null;
        if (fixture.HasInput("clip_fea"))
        {
            var perSample = model.Config.Kind == "flf2v" ? 2 : 1;
            clip = fixture.Input("clip_fea").Narrow(0, i * perSample, perSample);
        }
        var t = fixture.Input("t");
        var time = t.Dims == 1 ? WanTime.Of(t.ToFloats()[i]) : WanTime.PerToken([.. t.Select(0, i).ToFloats().Select(v => (double)v)]);
        var (_, h, w) = model.Config.Patch;
        using var prompt = model.Prepare([fixture.Input($"context.{i}")], clip, trace);
        using var rotation = model.Rotate([.. Enumerable.Range(0, (int)latents.Size(2) / model.Config.Patch.T).Select(f => (double)f)],
            (int)latents.Size(3) / h, (int)latents.Size(4) / w);
        using var modulation = model.Modulate(time, trace);
        return model.Forward(latents, modulation, prompt, rotation, trace, padTo).Squeeze(0);
    }

    /// <summary>The first 16 of the padded text rows, from the used rows and the one that stands for all padding.</summary>
    static Tensor First16(Tensor collapsed)
    {
        var used = Math.Min(16, collapsed.Size(1) - 1);
        var padding = collapsed.Narrow(1, collapsed.Size(1) - 1, 1).Expand(1, 16 - used, collapsed.Size(2));
        return Tensor.Cat(1, collapsed.Narrow(1, 0, used), padding);
    }
}
