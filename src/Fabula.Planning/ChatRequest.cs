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
    /// <summary>SHA-256 over agent, schema and messages, each with its length, so that no two requests share their bytes.</summary>
    public string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var text in Messages.SelectMany(message => new[] { message.Role.ToString(), message.Text })
            .Prepend(Schema.ToJsonString(DataJson.Options)).Prepend(Agent))
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(Encoding.ASCII.GetBytes($"{bytes.Length}:"));
            hash.AppendData(bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
