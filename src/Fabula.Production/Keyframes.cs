// MovieDreamer's steps: a film's keyframes are told one after another from its script, each after the twelve before it, and drawn. A clip
// then begins with its keyframe. docs/make.md, Methods. The place's picture, where there is one, stands in front of what is told
// (few-shot); people are laid where the shot begins with them, as their portraits have them.
//
// A shot's script stands in the settings of its own step and travels with its tokens, so that no step depends on lines that come later: a
// changed line changes the tokens from there on, and redraws the keyframes whose tokens became others.
using System.Text.Json;
using Fabula.Build;
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production;

/// <param name="Script">The keyframe's, as text (<see cref="ScriptText"/>).</param>
/// <param name="People">The characters of the script whose portraits are among the inputs, in their order.</param>
public sealed record TokensSettings(string Renderer, string Script, ulong Seed, IReadOnlyList<string> People);

/// <param name="Staging">Where those stand whose portraits are among the inputs, in their order.</param>
/// <param name="Things">Where the things are whose pictures are among the inputs, in their order.</param>
/// <param name="Light">The light on them, where it is not day.</param>
/// <param name="Zoom">With a picture of the place: how many times nearer the camera is than the picture's
/// (<see cref="PlateView"/>).</param>
public sealed record KeyframeSettings(string Renderer, int Width, int Height, ulong Seed, IReadOnlyList<StageBox> Staging,
    IReadOnlyList<StageBox> Things, FigureLight? Light, double Zoom);

/// <summary>A shot as it begins.</summary>
/// <param name="Place">The step that makes a picture of the place, if one does.</param>
/// <param name="People">Where they stand, by id; empty for who is not there yet.</param>
/// <param name="Things">What they carry: steps that make pictures, and where it is.</param>
/// <param name="Light">On people and things; null: by day.</param>
sealed record BegunShot(Step? Place, IReadOnlyDictionary<string, StageBox> People, IReadOnlyList<(Step Step, StageBox Box)> Things,
    FigureLight? Light);

/// <summary>A shot's first frame, made before its clip, for every method that asks.</summary>
/// <param name="add">Puts a step into the graph.</param>
/// <param name="portrait">The step that makes a picture of somebody, if one does.</param>
/// <param name="begins">What is seen as a shot begins.</param>
sealed class KeyframeSteps(FilmGraphInput input, Recipes recipes, Func<Step, Step> add, Func<PlanShot, string, Step?> portrait,
    Func<PlanShot, BegunShot> begins)
{
    /// <summary>Keyframes before one that are in view: about as many as the planner's stories have.</summary>
    public const int History = 12;

    readonly Dictionary<string, ScriptFrame> _script = input.Plan.Film.Method != FilmMethod.MovieDreamer ? []
        : MultimodalScript.Of(input.Plan).Frames.ToDictionary(frame => frame.Id);
    readonly List<Step> _told = [];

    public static string Id(string shot) => $"keyframe/{shot}";

    /// <summary>The plan's own picture, or MovieDreamer's; null: another method's business. Shots come in the film's order.</summary>
    public Step? Of(PlanShot shot)
    {
        if (!shot.Cut || !input.Facts.Modes.HasFlag(FilmModes.First)) return null;
        var own = shot.KeyframePicture is not { } path ? null : add(new Step(Id(shot.Id), recipes.Import, Settings.None,
            [SourceInput.Read("picture", input.Root, path)], [Recipes.Pictures]));
        if (shot.Method == ShotMethod.Text || !_script.TryGetValue(shot.Id, out var frame)) return own;
        var seed = (ulong)(shot.KeyframeSeed ?? shot.Seed);
        var people = frame.Characters.Select(who => (who.Id, Step: portrait(shot, who.Id))).Where(who => who.Step is not null).ToList();
        List<Input> inputs = [.. _told.TakeLast(History).Select((step, i) => step.As($"before-{i + 1}")),
            .. people.Select((who, i) => who.Step!.As($"person-{i + 1}"))];
        if (own is not null) inputs.Add(own.As("picture"));
        var begun = begins(shot);
        if (begun.Place is { } place) inputs.Add(place.As("place"));
        var settings = new TokensSettings(input.Renderer, ScriptText.Write(new([frame])), seed, [.. people.Select(who => who.Id)]);
        var tokens = add(new Step($"tokens/{shot.Id}", recipes.Told.Tokens, Settings.Of(settings), inputs, [KeyframeRecipes.TokensFile]));
        _told.Add(tokens);
        if (own is not null) return own;
        var drawn = new KeyframeSettings(input.Renderer, input.Plan.Film.Width, input.Plan.Film.Height, seed,
            [.. people.Select(who => begun.People[who.Id])], [.. begun.Things.Select(thing => thing.Box)], begun.Light,
            begun.Place is null ? 1 : PlateView.Zoom(shot.Size));
        List<Input> seen = [tokens.As("tokens"), .. people.Select((who, i) => who.Step!.As($"person-{i + 1}")),
            .. begun.Things.Select((thing, i) => thing.Step.As($"prop-{i + 1}"))];
        if (begun.Place is not null) seen.Add(begun.Place.As("place"));
        return add(new Step(Id(shot.Id), recipes.Told.Keyframe, Settings.Of(drawn), seen, [Recipes.Pictures]));
    }
}

/// <param name="renderer">Asked for when something is really made.</param>
public sealed class KeyframeRecipes(Func<IRenderer> renderer)
{
    public const string TokensFile = "tokens.json";

    /// <summary>
    /// Tells a keyframe after those of its inputs (before-1 is the oldest), or reads the tokens of the picture that stands in its place.
    /// </summary>
    public Recipe Tokens => field ??= new Recipe("tokens", 2, (run, cancel) =>
    {
        var settings = run.Step.Settings.Read<TokensSettings>();
        cancel.ThrowIfCancellationRequested();
        var identities = settings.People.Index().ToDictionary(who => who.Item,
            who => Teller.Identity(Recipes.Ends(run.Input($"person-{who.Index + 1}")).First));
        var script = Script(ScriptText.Read(settings.Script).Frames[0], identities);
        List<ToldKeyframe> before = [.. run.Step.Inputs.Where(input => input.Name.StartsWith("before-", StringComparison.Ordinal))
            .Select(input => Read(run.Input(input.Name)))];
        if (Recipes.Has(run, "place"))
            before.Insert(0, new(KeyframeScript.Reference, Teller.Read(Recipes.Ends(run.Input("place")).First)));
        var tokens = Recipes.Has(run, "picture") ? Teller.Read(Recipes.Ends(run.Input("picture")).First)
            : Teller.Tell(before, script, settings.Seed);
        File.WriteAllBytes(run.Output(TokensFile), JsonSerializer.SerializeToUtf8Bytes(new ToldKeyframe(script, tokens)));
        return Task.CompletedTask;
    });

    public Recipe Keyframe => field ??= new Recipe("keyframe", 2, (run, cancel) =>
    {
        var settings = run.Step.Settings.Read<KeyframeSettings>();
        cancel.ThrowIfCancellationRequested();
        IEnumerable<LaidFigure> Laid(string what, IReadOnlyList<StageBox> boxes, bool person)
        {
            foreach (var (i, box) in boxes.Index())
                if (CutOut.Of(Recipes.Ends(run.Input($"{what}-{i + 1}")).First) is { } figure)
                    yield return new(settings.Light?.On(figure) ?? figure, box, person);
        }
        List<LaidFigure> people = [.. Laid("person", settings.Staging, true), .. Laid("prop", settings.Things, false)];
        var ground = Recipes.Has(run, "place") ? PlateView.Part(Recipes.Ends(run.Input("place")).First, settings.Zoom) : null;
        var drawn = Teller.Draw(Read(run.Input("tokens")), settings.Seed, people, ground);
        FramesFile.Write(run.Output(Recipes.Pictures), settings.Width, settings.Height, 1,
            [PlateView.Fit(drawn, settings.Width, settings.Height)]);
        return Task.CompletedTask;
    })
    { Check = Recipes.Decode };

    IKeyframes Teller => renderer().Keyframes ?? throw new StepException(
        $"This model has no {KeyframeModel.FolderName} folder with keyframe networks: name one that has, or another --method.");

    static ToldKeyframe Read(string path) => JsonSerializer.Deserialize<ToldKeyframe>(File.ReadAllBytes(path))
        ?? throw new StepException("A keyframe's tokens are empty.");

    /// <summary>As the planner reads it; somebody without a portrait has sentences and no vector.</summary>
    static KeyframeScript Script(ScriptFrame frame, Dictionary<string, float[]> identities)
    {
        var (rows, vectors) = (new List<KeyframeWord>(), new List<float[]>());
        foreach (var (kind, text) in frame.Parts())
            if (kind == ScriptPartKind.Identifier)
                rows.Add(new(PlannerKind.Identifier, ScriptFrame.Identifiers.Index().First(known => known.Item == text).Index));
            else if (kind == ScriptPartKind.Sentence)
                rows.Add(new(PlannerKind.Sentence, 0, text));
            else if (identities.TryGetValue(text, out var vector))
            {
                rows.Add(new(PlannerKind.Identity, vectors.Count));
                vectors.Add(vector);
            }
        return new(rows, vectors);
    }
}
