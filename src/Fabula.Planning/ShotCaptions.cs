// Captions of a video's shots by a model that sees pictures, in two steps as OneStory's data has them (arXiv 2512.07802, section 3): each
// shot by itself, then each but the first again, referring to the shot before it. The answers are recorded as those of the planners are.
namespace Fabula.Planning;

/// <param name="Name">For people: "shot 3 of boats.mp4".</param>
/// <param name="Pictures">JPEG files' bytes, in the order of time; at least one.</param>
public sealed record SeenShot(string Name, IReadOnlyList<byte[]> Pictures);

/// <summary>The captions of one video. Ask in the same order each time: the record knows an answer again by its place.</summary>
/// <param name="folder">Where the record lies.</param>
/// <param name="model">Null: replay, where every answer must be in the record.</param>
/// <param name="rounds">How often a wrong answer goes back before the captions fail.</param>
/// <param name="told">Hears what is asked.</param>
public sealed class ShotCaptions(string folder, ChatEndpoint? model, int rounds = 2, Action<string>? told = null)
{
    readonly ExchangeRecord _record = new(folder, model, "Take the change of videos, settings or Fabula back, or curate with --agents URL "
        + "--agent-model NAME.");

    /// <summary>Answers that came from the model, the others were in the record.</summary>
    public int Asked => _record.Asked;

    /// <summary>What one sees in a shot, by itself.</summary>
    /// <exception cref="PlanningException">
    /// The model gave no answer, the record has none, or no answer was valid, which is said by <see
    /// cref="PlanningException.IsInvalidAnswer"/>; the record keeps wrong answers too.
    /// </exception>
    public async Task<string> Describe(SeenShot shot, CancellationToken cancel)
    {
        var answer = await Crew().Ask(Agents.Caption, shot.Name, new { pictures = shot.Pictures.Count }, _ => [], cancel, shot.Pictures)
            .ConfigureAwait(false);
        return answer.Caption;
    }

    /// <summary>A shot's caption again, referring to the shot before it.</summary>
    /// <param name="before">The shot before, with its own final caption.</param>
    /// <inheritdoc cref="Describe"/>
    public async Task<string> Refer(SeenShot before, string captionBefore, SeenShot shot, string caption, CancellationToken cancel)
    {
        var data = new
        {
            before = captionBefore,
            caption,
            picturesBefore = before.Pictures.Count,
            pictures = shot.Pictures.Count,
        };
        var answer = await Crew().Ask(Agents.Refer, shot.Name, data, Wrong, cancel, [.. before.Pictures, .. shot.Pictures])
            .ConfigureAwait(false);
        return answer.Caption;

        static IEnumerable<string> Wrong(ReferAnswer answer) => answer.Refers.Index()
            .Where(phrase => !answer.Caption.Contains(phrase.Item, StringComparison.OrdinalIgnoreCase))
            .Select(phrase => $"refers[{phrase.Index}] is not in the caption. Write it as it stands there, or leave it out.");
    }

    /// <summary>All is asked: answers that nothing rests on any more go.</summary>
    public void Complete() => _record.Complete();

    Crew Crew() => new(_record, rounds, told ?? (_ => { }), "take a larger model with --agent-model", keepsWrong: true);
}
