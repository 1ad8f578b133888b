// What may influence a result, and nothing else: the step's key.
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Fabula.Build;

/// <summary>
/// The key is the SHA-256 of the recipe's name and version, the settings, the names of the outputs, and every input's name and digest, in
/// order. A step that reads another's output has the digest of the bytes in its key, not the other step's key: if a step that is redone
/// gives the same bytes as before, what depends on it keeps its key and is not redone (early cutoff). The price: keys beyond a step that has yet
/// to run cannot be known ahead.
/// </summary>
public static class StepKey
{
    /// <summary>Raised if the form of keys itself changes; all steps are then redone.</summary>
    const string Form = "fabula step 1";

    /// <param name="inputs">Digests of the inputs' bytes, in the order of <see cref="Step.Inputs"/>.</param>
    public static Digest Of(Step step, ReadOnlySpan<Digest> inputs)
    {
        using var hash = Begin(step.Recipe.Name, step.Recipe.Version, step.Settings, step.Outputs, step.Inputs.Select(input => input.Name));
        Span<byte> digest = stackalloc byte[64];
        foreach (var input in inputs)
        {
            Encoding.ASCII.GetBytes(input.ToString(), digest);
            hash.AppendData(digest);
        }
        return Digest.Finish(hash);
    }

    /// <summary>All of the key that is known without the inputs' bytes. If no step with the same was ever made, this one must run.</summary>
    internal static Digest Work(Step step) =>
        Work(step.Recipe.Name, step.Recipe.Version, step.Settings, step.Outputs, step.Inputs.Select(input => input.Name));

    internal static Digest Work(StepRecord record) => Work(record.Recipe, record.Version, record.Settings,
        record.Outputs.Select(output => output.Name), record.Inputs.Select(input => input.Name));

    static Digest Work(string recipe, int version, Settings settings, IEnumerable<string> outputs, IEnumerable<string> inputs)
    {
        using var hash = Begin(recipe, version, settings, outputs, inputs);
        return Digest.Finish(hash);
    }

    static IncrementalHash Begin(string recipe, int version, Settings settings, IEnumerable<string> outputs, IEnumerable<string> inputs)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, Form);
        Add(hash, recipe);
        Add(hash, version.ToString());
        Add(hash, settings.Canonical);
        foreach (var output in outputs) Add(hash, output);
        Add(hash, "");
        foreach (var input in inputs) Add(hash, input);
        Add(hash, "");
        return hash;
    }

    /// <summary>Length first, so that no two lists of texts are the same bytes.</summary>
    static void Add(IncrementalHash hash, string text)
    {
        Span<byte> length = stackalloc byte[4];
        var bytes = Encoding.UTF8.GetBytes(text);
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
