// What a model is asked: everything its answer may depend on, and nothing else. The digest is how a record knows it again.
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Fabula.Planning;

enum ChatRole { System, User, Assistant }

sealed record ChatTurn(ChatRole Role, string Text);

/// <param name="Subject">What it is about, for people: "scene 3". Not part of the digest.</param>
sealed record ChatRequest(string Agent, string Subject, JsonNode Schema, IReadOnlyList<ChatTurn> Messages)
{
    /// <summary>JPEG files that go before the text of the first message by the user.</summary>
    public IReadOnlyList<byte[]> Pictures { get; init; } = [];

    /// <summary>SHA-256 of each picture, or null where there is none: what a record keeps of them.</summary>
    public IReadOnlyList<string>? PictureDigests =>
        Pictures.Count == 0 ? null : [.. Pictures.Select(picture => Convert.ToHexStringLower(SHA256.HashData(picture)))];

    /// <summary>
    /// SHA-256 over agent, schema, messages and pictures, each with its length, so that no two requests share their bytes.
    /// </summary>
    public string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var text in Messages.SelectMany(message => new[] { message.Role.ToString(), message.Text })
            .Prepend(Schema.ToJsonString(DataJson.Options)).Prepend(Agent).Concat(PictureDigests ?? []))
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(Encoding.ASCII.GetBytes($"{bytes.Length}:"));
            hash.AppendData(bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
