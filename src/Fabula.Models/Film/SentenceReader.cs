// Sentences to vectors, as MovieDreamer's networks read a script: LongCLIP's [CLS] of the paper has a stand-in here, the mean of the text
// encoder's rows.
using Fabula.Models.Text;
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>
/// What was read is kept. Each sentence is read by itself, so that its vector does not depend on which others were in a batch, and a
/// resumed training sees the same bits. On the tensor thread; the encoder is borrowed.
/// </summary>
public sealed class SentenceReader(Umt5Encoder text, WanTokenizer tokenizer)
{
    readonly Dictionary<string, float[]> _read = new(StringComparer.Ordinal);

    /// <summary>[S, D] fp32; null for no sentences.</summary>
    public Tensor? Read(IReadOnlyList<string> sentences) => sentences.Count == 0 ? null
        : Tensor.From([.. sentences.SelectMany(Read)], sentences.Count, text.Config.Dim);

    float[] Read(string sentence)
    {
        if (_read.TryGetValue(sentence, out var known)) return known;
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        return _read[sentence] = text.Encode([tokenizer.Encode(sentence)])[0].Float().Mean(0).ToFloats();
    }
}
