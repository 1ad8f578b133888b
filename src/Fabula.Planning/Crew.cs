// Asks an agent until the critic is content, and no longer than so many rounds.
using System.Text.Json;

namespace Fabula.Planning;

/// <param name="rounds">How often a wrong answer goes back with what is wrong in it.</param>
/// <param name="advice">What to do when no round brought a valid answer.</param>
/// <param name="keepsWrong">The record keeps wrong answers too, so that the next run fails in the same way and does not ask again.</param>
sealed class Crew(ExchangeRecord record, int rounds, Action<string> told,
    string advice = "run the command again, take a larger model with --agent-model, or make the story plainer", bool keepsWrong = false)
{
    /// <summary>The part of a wrong answer that goes back to the model.</summary>
    const int MaxReturned = 8_000;

    /// <param name="data">What the agent is shown; goes out as one JSON document, so that no text in it can leave its quotes.</param>
    /// <param name="check">Everything that the schema cannot know; looked at only when the answer fits the schema.</param>
    /// <param name="pictures">JPEG files that it is shown too.</param>
    /// <exception cref="PlanningException">The agent has no valid answer.</exception>
    public async Task<T> Ask<T>(Agent<T> agent, string subject, object data, Func<T, IEnumerable<string>> check, CancellationToken cancel,
        IReadOnlyList<byte[]>? pictures = null) where T : class
    {
        told($"{agent.Name}: {subject}");
        ChatTurn[] first =
        [
            new(ChatRole.System, agent.Prompt), new(ChatRole.User, JsonSerializer.Serialize(data, DataJson.Options)),
        ];
        var messages = first;
        for (var round = 0; ; round++)
        {
            var request = new ChatRequest(agent.Name, subject, agent.Schema, messages) { Pictures = pictures ?? [] };
            var said = await record.Ask(request, cancel).ConfigureAwait(false);
            var (answer, findings) = Critic.Read(agent, said);
            if (answer is not null) findings = [.. check(answer).Take(Critic.MaxFindings).Select(Critic.Shown)];
            if (answer is not null && findings.Count == 0) return answer;
            if (round == rounds)
            {
                if (!keepsWrong) record.Fail(rounds + 1, agent.Name);
                throw new PlanningException($"The agent '{agent.Name}' had no valid answer for {subject} in {rounds + 1} rounds "
                    + $"(the last: {findings[0]}) - {advice}.")
                { IsInvalidAnswer = true };
            }
            told($"{agent.Name}: {subject}: {findings.Count} findings, round {round + 2} of {rounds + 1}");
            messages =
            [
                .. first, new(ChatRole.Assistant, Brief.Of(said.Text.Length == 0 ? "(nothing)" : said.Text, MaxReturned)),
                new(ChatRole.User, JsonSerializer.Serialize(new { findings }, DataJson.Options)),
            ];
        }
    }
}
