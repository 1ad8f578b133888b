// From a plan to a graph: pictures of people and places, clips with the memory that the plan names, bridges, and the film. Read this after
// Fabula.Build/BuildGraph.cs. Pure: the same plan, facts and files give the same graph, and nothing runs.
//
//   portrait/ada  plate/kitchen     a picture from the bible, or drawn where the model wants one
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

public static class FilmGraph
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

    sealed class Draft(FilmGraphInput input, Recipes recipes)
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

        KeyframeSteps Keyframes => field ??= new(input, recipes, Add, (shot, person) => Portrait(_people[person], shot),
            shot => Plate(_places[_placeOf[shot.Scene]], shot),
            (shot, person) => Ways[shot.Id][shot.Start.Union(shot.End).ToList().IndexOf(person)].At(0));

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

        bool Banks => _plan.Film.Method == FilmMethod.StoryMem && _facts.Modes.HasFlag(FilmModes.Memory) && _facts.MostMemory > 0;

        Step? _bank;

        /// <summary>Pictures of the bible are the oldest in the bank, and so in its sink [StoryMem, MR2V].</summary>
        void StartBank()
        {
            if (_plan.Shots.Count == 0) return;
            var first = _plan.Shots[0];
            var people = _plan.Characters.Select(person => (Step: Portrait(person, first),
                Label: new BankLabel($"portrait/{person.Id}", 0, [person.Id], null)));
            var places = _plan.Locations.Select(place => (Step: Plate(place, first),
                Label: new BankLabel($"plate/{place.Id}", 0, [], place.Id)));
            var pictures = people.Concat(places).Where(picture => picture.Step?.Recipe == recipes.Import).ToList();
            if (pictures.Count > 0)
                _bank = Add(new Step("bank/references", recipes.Remember, BankOf([.. pictures.Select(picture => picture.Label)]),
                    [.. pictures.Select((picture, i) => picture.Step!.As($"picture-{i + 1}"))], [Recipes.Bank, Recipes.Labels]));
        }

        void AddToBank(PlanShot shot, Step clip)
        {
            var label = new BankLabel(shot.Id, 0, [.. shot.Start.Union(shot.End)], _placeOf[shot.Scene]);
            var cast = shot.Start.Union(shot.End).ToList();
            var ways = _facts.Modes.HasFlag(FilmModes.Background) && cast.Count > 0
                ? cast.Zip(Ways[shot.Id]).ToDictionary(pair => pair.First, pair => pair.Second) : null;
            _bank = Add(new Step($"bank/{shot.Id}", recipes.Remember, BankOf([label], ways), [.. BankInputs(), clip.As("clip")],
                [Recipes.Bank, Recipes.Labels]));
        }

        Settings BankOf(IReadOnlyList<BankLabel> labels, IReadOnlyDictionary<string, StageWay>? ways = null) =>
            Settings.Of(new BankSettings(_plan.Film.Width, _plan.Film.Height, labels, input.Eyes, ways));

        IEnumerable<Input> BankInputs() => _bank is null ? [] : [_bank.As("bank", Recipes.Bank), _bank.As("labels", Recipes.Labels)];

        /// <summary>StoryMem's way: the bank of all shots before; nothing else is remembered. Drafts are as in all films.</summary>
        Step Banked(PlanShot shot, PlanShot? before)
        {
            List<Input> inputs = [.. BankInputs()];
            if (!shot.Cut && before is not null) inputs.Add(_steps[Clip(before.Id)].As("first"));
            else if (Keyframes.Of(shot) is { } keyframe) inputs.Add(keyframe.As("first"));
            var background = _facts.Modes.HasFlag(FilmModes.Background) ? Plate(_places[_placeOf[shot.Scene]], shot) : null;
            var (drafts, zoom, staging) = Drafts(shot, background);
            inputs.AddRange(drafts);
            var settings = ClipOf(shot.Prompt, shot.Frames, (ulong)Seed(shot), []) with
            {
                Zoom = zoom,
                Staging = staging,
                Motion = MotionOf(shot, before),
            };
            if (_bank is not null)
                settings = settings with
                {
                    BankRoom = _facts.MostMemory,
                    Pinned = KeyframeBank.Pins(shot, ById, _placeOf),
                    MemoryGuidance = _facts.MemoryGuidance,
                    Cast = staging is not null && staging.Count > drafts.Count - 1 ? [.. shot.Start.Union(shot.End)] : null,
                };
            return new Step(Clip(shot.Id), recipes.Clip, settings.Canonical(), inputs, [Recipes.Clips]);
        }

        /// <summary>What a shot's frames will be like: its place, and pictures of its people on their ways.</summary>
        (IReadOnlyList<Input> Inputs, double Zoom, IReadOnlyList<StageWay>? Staging) Drafts(PlanShot shot, Step? background)
        {
            if (background is null) return ([], 1, null);
            List<Input> inputs = [background.As("background")];
            foreach (var (i, id) in shot.Start.Union(shot.End).Index())
                if (Portrait(_people[id], shot) is { } portrait) inputs.Add(portrait.As($"person-{i + 1}"));
            return (inputs, PlateView.Zoom(shot.Size), Ways[shot.Id]);
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
            var (drafts, zoom, staging) = Drafts(shot, background);
            inputs.AddRange(drafts);
            if (Recall(shot) is { } recall) inputs.Add(recall.As("recalled", Recipes.Recalled));
            if (!shot.Cut && before is not null) inputs.Add(_steps[Clip(before.Id)].As("first"));
            if (Keyframes.Of(shot) is { } keyframe)
                inputs.Add(keyframe.As("first"));
            else if (_plan.Film.Method == FilmMethod.InfinityStory && shot.Cut && shot.Method != ShotMethod.Text
                && _facts.Modes.HasFlag(FilmModes.First))
            {
                // Only who is there at the beginning is in its way, so that whoever comes later changes nothing of it.
                var standing = staging?.Select(way => new StageWay(way.At(0), way.At(0))).ToList();
                var drawn = Words(shot.Keyframe, 1, (ulong)(shot.KeyframeSeed ?? Seed(shot)), takes, zoom, standing);
                inputs.Add(Add(new Step($"keyframe/{shot.Id}", recipes.Clip, drawn, [.. inputs], [Recipes.Clips])).As("first"));
            }
            var words = ClipOf(shot.Prompt, shot.Frames, (ulong)Seed(shot), takes) with
            {
                Zoom = zoom,
                Staging = staging,
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
            var background = from.Size == to.Size && _facts.Modes.HasFlag(FilmModes.Background) ? Plate(place, to) : null;
            if (background is not null) inputs.Add(background.As("background"));
            var staging = background is null ? null : Staging.OnBridge(join, from, to, Ways);
            for (var i = 0; i < staging?.Count; i++)
                if (Portrait(cast[i], to) is { } portrait) inputs.Add(portrait.As($"person-{i + 1}"));
            return new Step(Bridge(join.Id), recipes.Clip, Words(prompt, join.Frames, (ulong)(join.Seed ?? _plan.Film.Seed), [],
                background is null ? 1 : PlateView.Zoom(to.Size), staging), inputs, [Recipes.Clips]);
        }

        static string Sentence(string text) => text.TrimEnd('.', ' ') + ".";

        Settings Words(string prompt, int frames, ulong seed, IReadOnlyList<int> memory, double zoom = 1,
            IReadOnlyList<StageWay>? staging = null) =>
            (ClipOf(prompt, frames, seed, memory) with { Zoom = zoom, Staging = staging }).Canonical();

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

        Step? Portrait(PlanCharacter person, PlanShot shot) =>
            Picture($"portrait/{person.Id}", person.References,
                $"Medium shot. Plain wall: in front of a plain blue wall. {person.Name} is {Sentence(person.Appearance)} "
                    + $"{person.Name} stands there. The camera does not move. {_plan.Film.Look}", shot, person.Appearance);

        Step? Plate(PlanLocation place, PlanShot shot) =>
            Picture($"plate/{place.Id}", place.References,
                $"Wide shot. {place.Name}: {Sentence(place.Description)} Nobody is there. The camera does not move. "
                    + _plan.Film.Look, shot, place.Description);

        /// <summary>Whether people and places are drawn first; a model that takes backgrounds relies on them in every shot.</summary>
        bool DrawsFor(PlanShot shot) =>
            _facts.DrawsPortraits && (shot.Method == ShotMethod.Keyframe || _facts.Modes.HasFlag(FilmModes.Background)
                || _plan.Film.Method == FilmMethod.MovieDreamer);

        /// <summary>The bible's first picture; else a drawn one where the shot's method and the model want it.</summary>
        Step? Picture(string id, IReadOnlyList<string> references, string prompt, PlanShot shot, string words)
        {
            if (_steps.TryGetValue(id, out var known))
                return known.Recipe == recipes.Import || DrawsFor(shot) ? known : null;
            if (references.Count > 0)
                return Add(new Step(id, recipes.Import, Settings.None, [SourceInput.Read("picture", input.Root, references[0])],
                    [Recipes.Pictures]));
            if (!DrawsFor(shot) || words.Length == 0) return null;
            var drawn = Words(prompt.Trim(), 1, (ulong)PlanIds.Seed(_plan.Film.Seed, id), []);
            return Add(new Step(id, recipes.Clip, drawn, [], [Recipes.Clips]));
        }
    }
}
