// What may influence a result, and nothing else: the step's key.
using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Fabula.Build;

/// <summary>
/// The key is the SHA-256 of the recipe's name and version, the settings, the names of the outputs, and every input's name and digest, in
/// order. A step that reads another's output has the digest of the bytes in its key, not the other step's key: if a step that is redone
/// gives the same bytes as before, what depends on it keeps its key and is not redone (early cutoff). The price: keys beyond a step that
/// has yet to run cannot be known ahead.
/// </summary>
public static class StepKey
{
    /// <summary>Raised if the form of keys itself changes; all steps are then redone.</summary>
    const string Form = "fabula step 1";

    /// <param name="inputs">Digests of the inputs' bytes, in the order of <see cref="Step.Inputs"/>.</param>
    public static Digest Of(Step step, ReadOnlySpan<Digest> inputs)
    {
        var bytes = Begin(step.Recipe.Name, step.Recipe.Version, step.Settings, step.Outputs, step.Inputs.Select(input => input.Name));
        foreach (var input in inputs) bytes.Advance(Encoding.ASCII.GetBytes(input.ToString(), bytes.GetSpan(64)));
        return Digest.Of(bytes.WrittenSpan);
    }

    /// <summary>
    /// All of the key that is known without the inputs' bytes. If no step with the same was ever made, this one must run.
    /// </summary>
    internal static Digest Work(Step step) =>
        Work(step.Recipe.Name, step.Recipe.Version, step.Settings, step.Outputs, step.Inputs.Select(input => input.Name));

    internal static Digest Work(StepRecord record) => Work(record.Recipe, record.Version, record.Settings,
        record.Outputs.Select(output => output.Name), record.Inputs.Select(input => input.Name));

    static Digest Work(string recipe, int version, Settings settings, IEnumerable<string> outputs, IEnumerable<string> inputs) =>
        Digest.Of(Begin(recipe, version, settings, outputs, inputs).WrittenSpan);

    static ArrayBufferWriter<byte> Begin(string recipe, int version, Settings settings,
        IEnumerable<string> outputs, IEnumerable<string> inputs)
    {
        var bytes = new ArrayBufferWriter<byte>(1024);
        Add(bytes, Form);
        Add(bytes, recipe);
        Add(bytes, version.ToString());
        Add(bytes, settings.Canonical);
        foreach (var output in outputs) Add(bytes, output);
        Add(bytes, "");
        foreach (var input in inputs) Add(bytes, input);
        Add(bytes, "");
        return bytes;
    }

    /// <summary>Length first, so that no two lists of texts are the same bytes.</summary>
    static void Add(ArrayBufferWriter<byte> bytes, string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        var span = bytes.GetSpan(4 + length);
        BinaryPrimitives.WriteInt32LittleEndian(span, length);
        Encoding.UTF8.GetBytes(text, span[4..]);
        bytes.Advance(4 + length);
    }
}
