using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded LLaMA decoders: a padded batch, a cached step, rows in place of tokens, tokens chosen one by one.</summary>
static class LlamaGolden
{
    const string Greedy = "greedy";

    public static bool Is(Fixture fixture) =>
        fixture.Config.TryGetProperty("constructor", out var constructor) && constructor.Has("rms_norm_eps");

    /// <summary>Chosen tokens are whole numbers.</summary>
    public static (double Absolute, double Relative) Tolerance(string output) =>
        output.StartsWith(Greedy, StringComparison.Ordinal) ? (0, 0) : (2e-5, 0);

    public static void Run(Fixture fixture)
    {
        var ids = fixture.Input("input_ids", -1, -1);
        var mask = fixture.Input("attention_mask", ids.Shape);
        var model = new Llama(ReferenceConfig.Llama(fixture.Config.Field("constructor")), fixture.Weights());
        using (var trace = new Trace())
        {
            fixture.Made("logits", model.Logits(model.Forward(model.Embed(ids), mask: mask, trace: trace)));
            foreach (var (name, tensor) in trace.Tensors) fixture.Made(name, tensor);
        }

        var first = ids.Narrow(0, 0, 1);
        using (var cache = new LlamaCache())
        {
            model.Forward(model.Embed(first), cache);
            fixture.Made("logits_next", model.Logits(model.Forward(model.Embed(fixture.Input("next_id", 1, 1)), cache)));
        }
        fixture.Made("logits_from_embeds", model.Logits(model.Forward(model.Embed(first) * 1.5)));

        foreach (var (name, expected) in fixture.Outputs().ToList())
            if (name.StartsWith(Greedy, StringComparison.Ordinal) && expected.Dims == 2 && expected.Size(1) <= model.Config.MaxTokens)
                fixture.Made(name, Choose(model, first, expected.Size(1)));
    }

    /// <summary>The tokens [1, count] that follow, each the most likely one.</summary>
    static Tensor Choose(Llama model, Tensor ids, long count)
    {
        using var cache = new LlamaCache();
        var chosen = new List<Tensor>();
        for (var next = ids; chosen.Count < count; next = chosen[^1])
        {
            var hidden = model.Forward(model.Embed(next), cache);
            chosen.Add(model.Logits(hidden.Narrow(1, hidden.Size(1) - 1, 1)).Argmax(-1));        // [1, 1]
        }
        return Tensor.Cat(1, [.. chosen]);
    }
}
