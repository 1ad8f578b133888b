// A story becomes a film plan, agent by agent: chapters, locations, people, scenes, narrative shots, transition shots. Each is shown
// only what its part needs, so that a request for the last scene of a long film is as small as one for the first.
using Fabula.Narrative;

namespace Fabula.Planning;

/// <param name="Joins">Bridges where somebody comes or goes (SetAware) or between every pair of a scene (EveryPair).</param>
/// <param name="Shots">About how many the film should have; null: as the story asks for.</param>
/// <param name="Rounds">How often a wrong answer goes back before its agent fails.</param>
public sealed record StoryOptions(JoinRule Joins = JoinRule.SetAware, int? Shots = null, int Memory = 10, int Rounds = 3);

/// <param name="Asked">Exchanges with the model; the others were in the record.</param>
public sealed record StoryPlan(Planned Planned, int Asked, int Recorded);

public static class StoryPlanner
{
    const int MaxChapters = 20, MaxNamed = 40, MaxScenes = 12, MaxShots = 16, MaxSeconds = 12;
    const int ChapterLetters = 12_000, SceneLetters = 8_000;

    /// <summary>Plans with a model and records every exchange below <paramref name="root"/>; without one, plans from the record.</summary>
    /// <param name="file">The story's file name: screenplays end in .fountain.</param>
    /// <param name="bible">People and places that are given already; they stay as they are.</param>
    /// <param name="again">Forgets what was recorded before.</param>
    /// <param name="told">Hears which agent is asked about what.</param>
    /// <exception cref="PlanningException">The story cannot be read, or an agent failed.</exception>
    public static async Task<StoryPlan> Plan(string text, string file, Bible bible, string root, ChatEndpoint? model,
        StoryOptions? options = null, bool again = false, Action<string>? told = null, CancellationToken cancel = default)
    {
        options ??= new();
        var story = Story.Read(text, file);
        var folder = Path.Combine(root, ExchangeRecord.Folder);
        if (again && model is not null) ExchangeRecord.Clear(folder);
        var record = new ExchangeRecord(folder, model);
        var work = new Work(story, bible, options, new(record, options.Rounds, told ?? (_ => { })), cancel);
        var planned = await work.Plan().ConfigureAwait(false);
        record.Complete();
        return new(planned, record.Asked, record.Recorded);
    }

    sealed class Work(Story story, Bible bible, StoryOptions options, Crew crew, CancellationToken cancel)
    {
        readonly string _kind = story.Kind switch
        {
            StoryKind.Lines => "a few lines",
            StoryKind.Outline => "an outline",
            _ => "a screenplay",
        };

        public async Task<Planned> Plan()
        {
            var outline = await Chapters().ConfigureAwait(false);
            var draft = new AgentDraft(bible, options, story.Title ?? bible.Title ?? outline.Title, outline.Logline, outline.Look);
            await Locations(outline, draft).ConfigureAwait(false);
            await People(outline, draft).ConfigureAwait(false);
            var scenes = new List<SceneAnswer>();
            for (var i = 0; i < outline.Chapters.Count; i++)
                scenes.AddRange(await Scenes(outline, i, scenes.LastOrDefault(), draft).ConfigureAwait(false));
            int? wanted = options.Shots is { } all ? Math.Clamp((all + scenes.Count / 2) / scenes.Count, 1, MaxShots) : null;
            foreach (var (i, scene) in scenes.Index()) await Shots(scenes, i, wanted, draft).ConfigureAwait(false);
            foreach (var scene in draft.Scenes) await Transitions(scene, draft).ConfigureAwait(false);
            return draft.Finish();
        }

        Task<ChaptersAnswer> Chapters() => crew.Ask(Agents.Chapters, "the story",
            new { kind = _kind, shots = options.Shots, passages = Shown(1, story.Passages.Count) },
            answer => Critic.Count("chapters", answer.Chapters.Count, 1, MaxChapters)
                .Concat(Critic.Passages("chapters", story, 1, story.Passages.Count, ChapterLetters,
                    answer.Chapters.Select(chapter => (chapter.FirstPassage, chapter.LastPassage)))), cancel);

        async Task Locations(ChaptersAnswer outline, AgentDraft draft)
        {
            var data = new
            {
                kind = _kind,
                given = draft.Locations.Select(place => new { place.Id, place.Name, place.Description }),
                chapters = Told(outline),
                passages = Shown(1, story.Passages.Count),
            };
            var answer = await crew.Ask(Agents.Locations, "the story", data,
                answer => Critic.Count("locations", answer.Locations.Count, draft.Locations.Count > 0 ? 0 : 1, MaxNamed)
                    .Concat(Critic.Named("locations", answer.Locations.Select(place => (place.Id, place.Name)))), cancel)
                .ConfigureAwait(false);
            draft.Add(answer);
        }

        async Task People(ChaptersAnswer outline, AgentDraft draft)
        {
            var data = new
            {
                kind = _kind,
                given = draft.Characters.Select(person => new { person.Id, person.Name, person.Appearance }),
                chapters = Told(outline),
                passages = Shown(1, story.Passages.Count),
            };
            var answer = await crew.Ask(Agents.People, "the story", data,
                answer => Critic.Count("people", answer.People.Count, 0, MaxNamed)
                    .Concat(Critic.Named("people", answer.People.Select(person => (person.Id, person.Name)))), cancel)
                .ConfigureAwait(false);
            draft.Add(answer);
        }

        async Task<IReadOnlyList<SceneAnswer>> Scenes(ChaptersAnswer outline, int index, SceneAnswer? before, AgentDraft draft)
        {
            var chapter = outline.Chapters[index];
            var data = new
            {
                kind = _kind,
                chapter = new { number = index + 1, of = outline.Chapters.Count, chapter.Title, chapter.Summary },
                before = before?.Overview,
                next = index + 1 < outline.Chapters.Count ? outline.Chapters[index + 1].Title : null,
                locations = draft.Locations.Select(place => new { place.Id, place.Name }),
                people = draft.Characters.Select(person => new { person.Id, person.Name }),
                passages = Shown(chapter.FirstPassage, chapter.LastPassage),
            };
            var answer = await crew.Ask(Agents.Scenes, $"chapter {index + 1}", data, Wrong, cancel).ConfigureAwait(false);
            return answer.Scenes;

            IEnumerable<string> Wrong(ScenesAnswer answer) => Critic.Count("scenes", answer.Scenes.Count, 1, MaxScenes)
                .Concat(answer.Scenes.Index().SelectMany(scene => Critic.Known($"scenes[{scene.Index}]", "locations",
                        [scene.Item.Location], [.. draft.Locations.Select(place => place.Id)])
                    .Concat(Critic.Known($"scenes[{scene.Index}]", "people", scene.Item.People,
                        [.. draft.Characters.Select(person => person.Id)]))))
                .Concat(Critic.Passages("scenes", story, chapter.FirstPassage, chapter.LastPassage, SceneLetters,
                    answer.Scenes.Select(scene => (scene.FirstPassage, scene.LastPassage))));
        }

        async Task Shots(List<SceneAnswer> scenes, int index, int? wanted, AgentDraft draft)
        {
            var scene = scenes[index];
            var place = draft.Locations.First(place => place.Id == scene.Location);
            var last = draft.Scenes.LastOrDefault()?.Shots[^1];
            var data = new
            {
                kind = _kind,
                scene = new { number = index + 1, of = scenes.Count, scene.Overview, scene.Time },
                location = new { place.Name, place.Inside, place.Description },
                people = draft.Characters.Where(person => scene.People.Contains(person.Id))
                    .Select(person => new { person.Id, person.Name, person.Appearance }),
                before = scenes.Take(index).TakeLast(2).Select(earlier => earlier.Overview),
                lastShot = last is null ? null : new { last.Action, visible = last.End },
                shots = wanted,
                passages = Shown(scene.FirstPassage, scene.LastPassage),
            };
            var line = story.Kind == StoryKind.Screenplay ? story.Passages[scene.FirstPassage - 1].Line : (int?)null;
            var answer = await crew.Ask(Agents.Shots, $"scene {index + 1}", data,
                answer => Critic.Count("shots", answer.Shots.Count, 1, MaxShots)
                    .Concat(answer.Shots.Index().Where(shot => shot.Item.Seconds is < 1 or > MaxSeconds)
                        .Select(shot => $"shots[{shot.Index}] has {shot.Item.Seconds} seconds. Write 1 to {MaxSeconds}."))
                    .Concat(draft.Wrong(scene, answer)), cancel).ConfigureAwait(false);
            draft.Add(scene, answer, line);
        }

        async Task Transitions(DraftScene scene, AgentDraft draft)
        {
            var bridges = scene.Bridges;
            if (bridges.Count == 0) return;
            var number = draft.Scenes.IndexOf(scene) + 1;
            var data = new
            {
                location = draft.Locations.First(place => place.Id == scene.Scene.Location).Name,
                joins = bridges.Index().Select(bridge => new
                {
                    number = bridge.Index + 1,
                    kind = bridge.Item.Join.Kind.ToString().ToLowerInvariant(),
                    before = bridge.Item.From.Action,
                    after = bridge.Item.To.Action,
                    stay = bridge.Item.Join.Stay.Select(draft.Name),
                    enter = bridge.Item.Join.Enter.Select(draft.Name),
                    exit = bridge.Item.Join.Exit.Select(draft.Name),
                }),
            };
            var answer = await crew.Ask(Agents.Transitions, $"scene {number}", data, Wrong, cancel).ConfigureAwait(false);
            scene.Add(answer);

            IEnumerable<string> Wrong(TransitionsAnswer answer)
            {
                if (!answer.Transitions.Select(join => join.Number).SequenceEqual(Enumerable.Range(1, bridges.Count)))
                {
                    yield return $"transitions must be numbered 1 to {bridges.Count}, one for each join, in that order.";
                    yield break;
                }
                foreach (var (i, (_, _, join)) in bridges.Index())
                    foreach (var name in join.Enter.Concat(join.Exit).Select(draft.Name))
                        if (!answer.Transitions[i].Prompt.Contains(name, StringComparison.OrdinalIgnoreCase))
                            yield return $"transitions[{i}] does not say that '{name}' comes or goes. Name them.";
            }
        }

        IEnumerable<object> Shown(int first, int last) =>
            story.Between(first, last).Select(passage => new { passage.Number, passage.Text });

        static IEnumerable<object> Told(ChaptersAnswer outline) =>
            outline.Chapters.Select(chapter => new { chapter.Title, chapter.Summary });
    }
}
