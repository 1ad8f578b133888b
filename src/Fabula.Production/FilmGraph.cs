// From a plan to a graph: pictures of people and places, clips with the memory that the plan names, bridges, and the film. Read this after
// Fabula.Build/BuildGraph.cs. Pure: the same plan, facts and files give the same graph, and nothing runs.
//
//   portrait/ada  plate/kitchen     a picture from the bible, or drawn where the model wants one; prop/basket: from the bible
//   plate/kitchen@night             the same place at another hour, or from its other side
//   clip/SHOT                       its words, its seed, what it remembers; cut: false begins with the last frame of the shot before
//   keyframe/SHOT                   the first frame of a shot, made before its clip: a picture of the plan's; InfinityStory: from its place
//                                   and people; MovieDreamer: from its tokens (Keyframes.cs)
//   tokens/SHOT                     MovieDreamer: the shot's keyframe as tokens, told after those of the shots before
//   keyframes/SHOT                  of a clip that somebody remembers
//   bank/SHOT                       StoryMem: what the film remembers after this shot
//   memory/SHOT  recall/SHOT        OneStory: what later shots may recall of a clip; what a shot recalls of all earlier ones
//   bridge/A--B                     from the last frame of A to the first of B
//   words/DIGEST                    large models: rows of text of one prompt, of the whole film before the first picture
//   film                            all of it, put together
using Fabula.Build;
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production;

/// <param name="Root">The production folder, in which the bible's pictures lie.</param>
/// <param name="Sources">Files that only the film depends on, by name: screenplay, bible.</param>
/// <param name="Renderer">The renderer's digest.</param>
/// <param name="Steps">Denoising steps; null: the model's own number.</param>
public sealed record FilmGraphInput(FilmPlan Plan, string Root, IReadOnlyList<SourceInput> Sources, FilmFacts Facts, string Renderer,
    int? Steps = null)
{
    /// <summary>The digest of what looks at frames for a bank (<see cref="IFrameEyes"/>).</summary>
    public string? Eyes { get; init; }
    /// <summary>Rows of text are steps of their own, all before the first picture (<see cref="IRenderer.WantsWordsFirst"/>).</summary>
    public bool WordsFirst { get; init; }
}

public static partial class FilmGraph
{
    /// <summary>Raised when the film is put together in another way.</summary>
    const int Delivery = 1;

    public static string Clip(string shot) => $"clip/{shot}";
    public static string Bridge(string join) => $"bridge/{join}";
    public const string Film = "film";

    /// <summary>The seed of the take that is in the film.</summary>
    public static int Seed(PlanShot shot) => shot.Take <= 1 ? shot.Seed : shot.Takes[shot.Take - 2];

    /// <param name="input">The plan must be without errors, and fitted to the model (<see cref="PlanFit"/>).</param>
    /// <exception cref="GraphException">A picture of the bible is missing, or lies outside the production.</exception>
    public static BuildGraph Create(FilmGraphInput input, Recipes recipes) => new Draft(input, recipes).Make();

    sealed partial class Draft(FilmGraphInput input, Recipes recipes)
    {
        readonly FilmPlan _plan = input.Plan;
        readonly FilmFacts _facts = input.Facts;
        readonly Dictionary<string, PlanCharacter> _people = input.Plan.Characters.ToDictionary(person => person.Id);
        readonly Dictionary<string, PlanLocation> _places = input.Plan.Locations.ToDictionary(place => place.Id);
        readonly Dictionary<string, string> _placeOf = input.Plan.Scenes.ToDictionary(scene => scene.Id, scene => scene.Location);
        readonly Dictionary<string, Step> _steps = [];
        readonly List<Step> _order = [], _words = [];

        public BuildGraph Make()
        {
            var joins = _plan.Transitions.ToDictionary(join => join.To);
            var remembered = _plan.Shots.SelectMany(shot => Remembered(shot).Select(memory => memory.Id)).ToHashSet();
            PlanShot? before = null;
            var clips = new List<Step>();
            if (Banks) StartBank();
            foreach (var shot in _plan.Shots)
            {
                var clip = Add(Shot(shot, before));
                if (before is not null && joins.TryGetValue(shot.Id, out var join) && join.Method == JoinMethod.Bridge)
                    clips.Add(Add(BridgeOf(join, before, shot)));
                clips.Add(clip);
                if (Banks) AddToBank(shot, clip);
                else if (remembered.Contains(shot.Id))
                    Add(new Step($"keyframes/{shot.Id}", recipes.Keyframes, Settings.None, [clip.As("clip")], [Recipes.Keys]));
                _earlier.Add(shot);
                before = shot;
            }
            var settings = Settings.Of(new
            {
                delivery = Delivery,
                plan = Digest.Of(System.Text.Encoding.UTF8.GetBytes(PlanJson.Write(_plan))).ToString(),
                model = new { _facts.Name, input.Renderer, Steps = input.Steps ?? _facts.Steps, _facts.Guidance },
            });
            var recalls = _order.Where(step => step.Recipe == recipes.Recall).Select(step => step.As(step.Id, Recipes.Recalls)).ToList();
            Add(new Step(Film, recipes.Assembly, settings, [.. input.Sources, .. clips.Select(clip => clip.As(clip.Id)), .. recalls],
                [Recipes.Film]));
            return BuildGraph.Create([.. _words, .. _order]);
        }

        KeyframeSteps Keyframes => field ??= new(input, recipes, Add, (shot, person) => Portrait(_people[person], shot), Begins);

        /// <summary>A shot's place, people and things as it begins.</summary>
        BegunShot Begins(PlanShot shot)
        {
            var (cast, boxes) = (shot.Start.Union(shot.End).ToList(), Ways[shot.Id].Select(way => way.At(0)).ToList());
            var aspect = (double)_plan.Film.Height / _plan.Film.Width;
            var things = Staging.Props(_plan, shot, Ways[shot.Id]).Where(thing => thing.Prop.References.Count > 0)
                .Select(thing => (Thing(thing.Prop), thing.Held.At(0, boxes, aspect))).Where(thing => thing.Item2 != default).ToList();
            return new(Plate(_places[_placeOf[shot.Scene]], shot), cast.Zip(boxes).ToDictionary(), things, Light(shot));
        }

        Step Add(Step step)
        {
            if (input.WordsFirst && step.Recipe == recipes.Clip && !_steps.ContainsKey(step.Id))
            {
                var clip = ClipSettings.Of(step);
                step = step with { Inputs = [.. step.Inputs, WordsOf(clip.Prompt).As("words"), WordsOf(clip.Negative).As("avoid")] };
            }
            if (_steps.TryAdd(step.Id, step)) _order.Add(step);
            return _steps[step.Id];
        }

        Step WordsOf(string prompt)
        {
            var id = $"words/{Digest.Of(System.Text.Encoding.UTF8.GetBytes(prompt)).ToString()[..16]}";
            if (_steps.TryGetValue(id, out var known)) return known;
            var settings = Settings.Of(new WordsSettings(input.Renderer, prompt));
            _words.Add(_steps[id] = new Step(id, recipes.Words, settings, [], [Recipes.Rows]));
            return _steps[id];
        }

        /// <summary>What a shot's frames will be like: its place, and pictures of its people on their ways.</summary>
        Drafted Drafts(PlanShot shot, Step? background) => background is null ? Drafted.Nothing
            : Drafts(shot, background, [.. shot.Start.Union(shot.End)], Ways[shot.Id], Staging.Props(_plan, shot, Ways[shot.Id]));

        /// <param name="cast">Whose ways they are.</param>
        /// <param name="held">Things that have pictures are laid on the place, too.</param>
        Drafted Drafts(PlanShot shot, Step background, IReadOnlyList<string> cast, IReadOnlyList<StageWay> ways,
            IReadOnlyList<(PlanProp Prop, HeldProp Held)> held)
        {
            List<Input> inputs = [background.As("background")];
            foreach (var (i, id) in cast.Index())
                if (Portrait(_people[id], shot) is { } portrait) inputs.Add(portrait.As($"person-{i + 1}"));
            var seen = held.Where(thing => thing.Prop.References.Count > 0).ToList();
            inputs.AddRange(seen.Select((thing, i) => Thing(thing.Prop).As($"prop-{i + 1}")));
            var unknown = cast.Count > inputs.Count - 1 - seen.Count;
            return new(inputs, PlateView.Zoom(shot.Size), ways, seen.Count == 0 ? null : [.. seen.Select(thing => thing.Held)], Light(shot),
                unknown);
        }

        /// <param name="Unknown">Somebody has no picture.</param>
        sealed record Drafted(IReadOnlyList<Input> Inputs, double Zoom, IReadOnlyList<StageWay>? Staging, IReadOnlyList<HeldProp>? Props,
            FigureLight? Light, bool Unknown)
        {
            public static readonly Drafted Nothing = new([], 1, null, null, null, false);

            public ClipSettings On(ClipSettings clip) => clip with { Zoom = Zoom, Staging = Staging, Props = Props, Light = Light };

            /// <summary>
            /// As the shot begins: only who is there then is in its way, so that whoever comes later changes nothing of it.
            /// </summary>
            public Drafted Begun() => this with
            {
                Staging = Staging?.Select(way => new StageWay(way.At(0), way.At(0))).ToList(),
                Props = Props?.Select(prop => prop.Still()).ToList(),
            };
        }

        bool TellsOneStory => _plan.Film.Method == FilmMethod.OneStory && _facts.Modes.HasFlag(FilmModes.Story);

        readonly List<PlanShot> _earlier = [];

        /// <summary>OneStory's way: a choice among all frames of all earlier shots, by the words of this one.</summary>
        Step? Recall(PlanShot shot)
        {
            if (!TellsOneStory || shot.Method == ShotMethod.Text || _earlier.Count == 0) return null;
            var memory = _earlier.Select(other => Add(new Step($"memory/{other.Id}", recipes.Memory,
                Settings.Of(new { input.Renderer }), [_steps[Clip(other.Id)].As("clip")], [Recipes.Memories]))).ToList();
            var settings = Settings.Of(new RecallSettings(input.Renderer, shot.Prompt, [.. _earlier.Select(other => other.Id)]));
            return Add(new Step($"recall/{shot.Id}", recipes.Recall, settings,
                [.. memory.Select((step, i) => step.As($"shot-{i + 1}"))], [Recipes.Recalled, Recipes.Recalls]));
        }

        Step Shot(PlanShot shot, PlanShot? before)
        {
            if (Banks && shot.Method != ShotMethod.Text) return Banked(shot, before);
            var (memory, takes, background) = Memory(shot);
            List<Input> inputs = [.. memory.Select((step, i) => step.As($"memory-{i + 1}"))];
            var drafts = Drafts(shot, background);
            inputs.AddRange(drafts.Inputs);
            if (Recall(shot) is { } recall) inputs.Add(recall.As("recalled", Recipes.Recalled));
            if (!shot.Cut && before is not null) inputs.Add(_steps[Clip(before.Id)].As("first"));
            if (Keyframes.Of(shot) is { } keyframe)
                inputs.Add(keyframe.As("first"));
            else if (_plan.Film.Method == FilmMethod.InfinityStory && shot.Cut && shot.Method != ShotMethod.Text
                && _facts.Modes.HasFlag(FilmModes.First))
            {
                var drawn = drafts.Begun().On(ClipOf(shot.Keyframe, 1, (ulong)(shot.KeyframeSeed ?? Seed(shot)), takes));
                inputs.Add(Add(new Step($"keyframe/{shot.Id}", recipes.Clip, drawn.Canonical(), [.. inputs], [Recipes.Clips])).As("first"));
            }
            var words = drafts.On(ClipOf(shot.Prompt, shot.Frames, (ulong)Seed(shot), takes)) with
            {
                Motion = MotionOf(shot, before),
                Anchor = Anchors(shot),
            };
            return new Step(Clip(shot.Id), recipes.Clip, words.Canonical(), inputs, [Recipes.Clips]);
        }

        /// <summary>MovieDreamer's long clips go on from their last frames with the first one in view.</summary>
        bool Anchors(PlanShot shot) => _plan.Film.Method == FilmMethod.MovieDreamer && shot.Frames > _facts.Frames
            && _facts.MostMemory != 1;

        /// <summary>How many frames of motion a shot goes on from, where it and the shot before are long enough.</summary>
        int MotionOf(PlanShot shot, PlanShot? before) => !shot.Cut && before is not null
            && Math.Min(shot.Frames, before.Frames) >= _facts.MotionFrames ? _facts.MotionFrames : 0;

        Step BridgeOf(PlanTransition join, PlanShot from, PlanShot to)
        {
            var place = _places[_placeOf[to.Scene]];
            var cast = join.Stay.Concat(join.Exit).Concat(join.Enter).Select(id => _people[id]).ToList();
            var people = cast.Select(person => person.Appearance.Length == 0 ? "" : $"{person.Name} is {Sentence(person.Appearance)} ");
            var where = place.Description.Length == 0 ? "" : Sentence(place.Description);
            var prompt = $"{join.Prompt} {string.Concat(people)}{where}".Trim();
            List<Input> inputs = [_steps[Clip(from.Id)].As("first"), _steps[Clip(to.Id)].As("last")];
            // Drafts show a place from one side: where the framing changes, the way between is the model's.
            var alike = from.Size == to.Size && PlateView.IsReverse(from) == PlateView.IsReverse(to);
            var drafts = Drafted.Nothing;
            if (alike && _facts.Modes.HasFlag(FilmModes.Background) && Plate(place, to) is { } background)
            {
                var ways = Staging.OnBridge(join, from, to, Ways);
                var held = Staging.PropsOnBridge(_plan, join, from, to, ways);
                drafts = Drafts(to, background, [.. cast.Select(person => person.Id)], ways, held);
            }
            inputs.AddRange(drafts.Inputs);
            var clip = drafts.On(ClipOf(prompt, join.Frames, (ulong)(join.Seed ?? _plan.Film.Seed), []));
            return new Step(Bridge(join.Id), recipes.Clip, clip.Canonical(), inputs, [Recipes.Clips]);
        }

        static string Sentence(string text) => text.TrimEnd('.', ' ') + ".";

        ClipSettings ClipOf(string prompt, int frames, ulong seed, IReadOnlyList<int> memory) => new(input.Renderer, prompt,
            _plan.Film.Avoid ?? "", _plan.Film.Width, _plan.Film.Height, frames, _facts.Frames, seed, input.Steps ?? _facts.Steps,
            _facts.Shift, _facts.Guidance, _facts.MemoryStride, memory.Count == 0 ? 1 : _facts.MemoryGuidance, memory,
            DraftTrust: _facts.DraftTrust);

        /// <summary>The shots of its memory that count, newest first: as many as the model has room for.</summary>
        IEnumerable<PlanShot> Remembered(PlanShot shot) => shot.Method != ShotMethod.Memory || TellsOneStory
            || !_facts.Modes.HasFlag(FilmModes.Memory) ? []
            : shot.Memory.Reverse().Take(_facts.MostMemory).Select(id => ById[id]);

        IReadOnlyDictionary<string, IReadOnlyList<StageWay>> Ways => field ??= Staging.Of(_plan);

        Dictionary<string, PlanShot> ById => field ??= _plan.Shots.ToDictionary(shot => shot.Id);

        /// <summary>
        /// What a shot remembers, oldest first, and how many pictures of each. Room is given to portraits of the visible people, then to a
        /// picture of every remembered shot (the newest first), then to the place, then to further pictures of the remembered shots. A
        /// model that takes an empty place as background has it that way instead.
        /// </summary>
        (IReadOnlyList<Step> Steps, IReadOnlyList<int> Takes, Step? Background) Memory(PlanShot shot)
        {
            if (shot.Method == ShotMethod.Text || !_facts.Modes.HasFlag(FilmModes.Memory)) return ([], [], null);
            // What is recalled is as good as pictures of people; drafts show those that have portraits.
            var room = TellsOneStory && _facts.Modes.HasFlag(FilmModes.Background) ? 0 : _facts.MostMemory - (Anchors(shot) ? 1 : 0);
            var people = shot.Start.Union(shot.End).Select(id => Portrait(_people[id], shot)).OfType<Step>().Take(room).ToList();
            room -= people.Count;
            var shots = Remembered(shot).Take(room).Select(other => _steps[$"keyframes/{other.Id}"]).ToList();
            room -= shots.Count;
            var behind = _facts.Modes.HasFlag(FilmModes.Background) ? Plate(_places[_placeOf[shot.Scene]], shot) : null;
            var place = behind is null && room > 0 ? Plate(_places[_placeOf[shot.Scene]], shot) : null;
            if (place is not null) room--;
            var takes = shots.Select(_ => 1).ToList();
            for (var i = 0; room > 0 && i < shots.Count * (Recipes.MostKeyframes - 1); i++, room--) takes[i % shots.Count]++;
            List<Step> steps = [.. place is null ? [] : (Step[])[place], .. people, .. Enumerable.Reverse(shots)];
            return (steps, [.. Enumerable.Repeat(1, steps.Count - shots.Count), .. Enumerable.Reverse(takes)], behind);
        }
    }
}
