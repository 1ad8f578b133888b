// How elements of a screenplay become scenes and shots; the rules are numbered in docs/screenplay.md.
using System.Text.RegularExpressions;
using Fabula.Narrative.Fountain;

namespace Fabula.Narrative;

/// <summary>A plan while the screenplay is read from top to bottom.</summary>
sealed partial class PlanDraft
{
    readonly Bible bible;
    readonly PlanOptions options;
    readonly string title;
    readonly NameIndex people, places;
    readonly List<PlanCharacter> characters;
    readonly List<PlanLocation> locations;
    readonly List<PlanScene> scenes = [];
    readonly List<PlanShot> shots = [];
    readonly Dictionary<string, (JoinMethod Method, NoteLength? Length)> joins = []; // by the id of the shot joined into
    readonly HashSet<string> sceneIds = [], shotIds = [], knownWords;

    HashSet<string> present = [];                                           // who is in the place, in the picture or not
    IReadOnlyList<string> lastNamed = [];
    List<TypedNote> waiting = [];                                           // notes on lines of their own, for the next shot
    (JoinMethod Method, NoteLength? Length)? pendingJoin;
    string? pendingOverview;
    bool fadeIn, firstOfScene = true;

    public List<Finding> Findings { get; } = [];

    public PlanDraft(Bible bible, string title, PlanOptions options)
    {
        (this.bible, this.title, this.options) = (bible, title, options);
        people = new(bible.People.SelectMany(person => person.Also.Append(person.Name).Append(person.Id)
            .Select(name => (name, person.Id))));
        places = new(bible.Places.SelectMany(place => place.Also.Append(place.Name).Append(place.Id).Select(name => (name, place.Id))));
        characters = [.. bible.People.Select(person => new PlanCharacter
        {
            Id = person.Id, Name = person.Name, Aliases = person.Also, Appearance = person.Looks, References = person.Pictures,
        })];
        locations = [.. bible.Places.Select(PlanLocation.Of)];
        knownWords = [.. bible.Places.SelectMany(place => place.Also.Append(place.Name))
            .Concat(bible.Props.Select(prop => prop.Name)).Concat(people.Names).SelectMany(Word.Split).Select(word => word.Lower)];
    }

    public void Add(Element element)
    {
        switch (element)
        {
            case SceneHeading heading: Scene(heading); break;
            case Synopsis synopsis: Overview(Markup.Plain(synopsis.Text)); break;
            case TransitionLine transition: Transition(Markup.Plain(transition.Text)); break;
            case ActionParagraph action when FadeLine().IsMatch(Markup.Plain(action.Text)): Transition(Markup.Plain(action.Text)); break;
            case ActionParagraph action: Action(action); break;
            case Speech speech: Said(speech); break;
            case Note: waiting.AddRange(TypedNotes.Of(element)); break;
        }
    }

    void Scene(SceneHeading heading)
    {
        EmptyScene();
        var text = Markup.Plain(heading.Text);
        var setting = Setting().Match(text);
        var place = text[setting.Length..].Trim();
        string? time = null;
        var known = places.Find(place);
        if (known is null && place.LastIndexOf(" - ", StringComparison.Ordinal) is > 0 and var dash)
        {
            (place, time) = (place[..dash].Trim(), place[(dash + 3)..].Trim());
            known = places.Find(place);
        }
        if (known is null)
        {
            Findings.Add(Finding.Error($"line {heading.Line}", $"The place '{place}' is not in the bible.",
                $"{Nearest.Advice(place, places.Names)} Add it under 'places', or correct the heading."));
            known = PlanIds.Slug(place, 4);
            if (locations.All(location => location.Id != known))
                locations.Add(new()
                {
                    Id = known,
                    Name = place,
                    Inside = setting.Value.StartsWith("INT", StringComparison.OrdinalIgnoreCase),
                    Description = ""
                });
        }
        scenes.Add(new()
        {
            Id = PlanIds.Unique(PlanIds.Slug($"{known} {time}", 5), sceneIds),
            Number = heading.Number,
            Heading = text,
            Location = known,
            Time = time,
            Overview = pendingOverview,
            Line = heading.Line == 0 ? null : heading.Line,
        });
        (present, lastNamed, firstOfScene, pendingOverview) = ([], [], true, null);
        waiting.AddRange(TypedNotes.Of(heading));
    }

    void EmptyScene()
    {
        if (scenes.Count > 0 && firstOfScene)
            Findings.Add(Finding.Warning($"line {scenes[^1].Line}", $"Nothing happens in '{scenes[^1].Heading}', so it is not in the film.",
                "Write what one sees there, or remove the heading."));
    }

    void Overview(string text)
    {
        if (scenes.Count > 0 && firstOfScene) scenes[^1] = scenes[^1] with { Overview = text };
        else pendingOverview = text;
    }

    void Transition(string text)
    {
        var words = text.ToUpperInvariant();
        if (shots.Count == 0)
        {
            fadeIn |= words.Contains("FADE", StringComparison.Ordinal);
            return;
        }
        pendingJoin = (words.Contains("DISSOLVE", StringComparison.Ordinal) ? JoinMethod.Dissolve
            : words.Contains("FADE", StringComparison.Ordinal) ? JoinMethod.Fade : JoinMethod.Cut, null);
    }

    void Action(ActionParagraph action)
    {
        var notes = waiting.Concat(TypedNotes.Of(action)).ToList();
        waiting = [];
        var text = string.Join(' ', Markup.Plain(action.Text)
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        if (text.Length == 0)
        {
            waiting = notes;
            return;
        }
        Strangers(text, action.Line);
        var presence = Presence.Of(text, people, lastNamed);
        var named = presence.Pronoun ? lastNamed : presence.Named;
        var steps = presence.Steps.ToList();
        foreach (var note in notes.OfType<PeopleNote>())
        {
            var who = note.People.Select(person => (Id: Known(person.Name, note.Line), person.Side)).Where(person => person.Id is not null)
                .ToList();
            named = [.. named.Union(who.Select(person => person.Id!))];
            if (note.Verb == PeopleVerb.With) continue;
            var step = note.Verb == PeopleVerb.Enter ? Step.Enter : Step.Exit;
            steps.RemoveAll(known => known.Step == step && who.Any(person => person.Id == known.Id));
            steps.AddRange(who.Select(person => (person.Id!, step, person.Side)));
        }
        var only = notes.OfType<PeopleNote>().Where(note => note.Verb == PeopleVerb.With)
            .SelectMany(note => note.People).Select(person => people.Find(person.Name)).OfType<string>().ToList();
        Shot(text, action.Line, named, steps, only.Count > 0 ? only : null, notes);
    }

    string? Known(string name, int line)
    {
        if (people.Find(name) is { } id) return id;
        Findings.Add(Finding.Error($"line {line}", $"'{name}' is not in the bible.",
            $"{Nearest.Advice(name, people.Names)} Add them under 'people', or correct the note."));
        return null;
    }

    void Shot(string text, int line, IReadOnlyList<string> named, List<(string Id, Step Step, string? Side)> steps, List<string>? only,
        List<TypedNote> notes)
    {
        if (scenes.Count == 0)
        {
            Findings.Add(Finding.Error($"line {line}", "The story begins before its first scene heading.",
                "Write for example 'INT. LAMP ROOM - NIGHT' above it."));
            if (locations.All(location => location.Id != "somewhere")) locations.Add(new()
            {
                Id = "somewhere",
                Name = "Somewhere",
                Description = ""
            });
            scenes.Add(new() { Id = PlanIds.Unique("somewhere", sceneIds), Heading = "SOMEWHERE", Location = "somewhere", Line = line });
        }
        var shotNote = notes.OfType<ShotNote>().ToList();
        var size = shotNote.LastOrDefault(note => note.Size is not null)?.Size ?? UsualSize(text, named.Count);
        var start = Visible(size, named, steps, only);
        var end = start.ToList();
        var sides = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (id, step, side) in steps)
        {
            end.Remove(id);
            if (step == Step.Enter) end.Add(id);
            if (side is not null) sides[id] = side;
            if (step == Step.Enter) present.Add(id);
            else present.Remove(id);
        }
        present.UnionWith(end);
        var id2 = PlanIds.Unique(PlanIds.Slug(text, 4), shotIds);
        if (notes.OfType<JoinNote>().LastOrDefault() is { } join) pendingJoin = (join.Method, join.Length);
        if (pendingJoin is { } joined) joins[id2] = joined;
        shots.Add(new()
        {
            Id = id2,
            Scene = scenes[^1].Id,
            Line = line == 0 ? null : line,
            Action = text,
            Size = size,
            Angle = shotNote.LastOrDefault(note => note.Angle is not null)?.Angle ?? CameraAngle.Eye,
            Camera = shotNote.LastOrDefault(note => note.Move is not null)?.Move ?? UsualMove(text),
            Start = InOrder(start),
            End = InOrder(end),
            Sides = sides,
            Prompt = "",
            Keyframe = "",
            Frames = ShotLengths.Nearest(notes.OfType<DurationNote>().LastOrDefault()?.Length.At(bible.Film.Rate) ?? bible.Film.Frames),
            Cut = true,
            Method = ShotMethod.Keyframe,
            Memory = [],
            Seed = notes.OfType<SeedNote>().LastOrDefault()?.Seed ?? PlanIds.Seed(bible.Film.Seed, id2),
        });
        (pendingJoin, firstOfScene) = (null, false);
        if (named.Count > 0) lastNamed = named;
    }

    /// <summary>Who is in the first frame: those named alone if the picture is close, else
    /// everyone in the place; not who enters first.</summary>
    List<string> Visible(ShotSize size, IReadOnlyList<string> named, List<(string Id, Step Step, string? Side)> steps, List<string>? only)
    {
        var firstStep = steps.GroupBy(step => step.Id).ToDictionary(group => group.Key, group => group.First().Step);
        var frame = only ?? (size >= ShotSize.Close ? [.. named] : [.. present.Union(named)]);
        return [.. frame.Union(steps.Where(step => firstStep[step.Id] == Step.Exit).Select(step => step.Id))
            .Where(id => only?.Contains(id) == true || firstStep.GetValueOrDefault(id, Step.Exit) != Step.Enter)];
    }

    /// <summary>The bible's order, so that a list does not depend on how it came about.</summary>
    List<string> InOrder(List<string> ids) => [.. characters.Select(person => person.Id).Where(ids.Contains)];

    ShotSize UsualSize(string text, int people) =>
        CloseWords().IsMatch(text) ? ShotSize.Close : firstOfScene ? ShotSize.Wide : people >= 3 ? ShotSize.Full : ShotSize.Medium;

    static CameraMove UsualMove(string text) =>
        FollowWords().IsMatch(text) ? CameraMove.Follow : CameraMove.Static;

    void Said(Speech speech)
    {
        var speaker = people.Find(speech.Name);
        if (speaker is null)
        {
            Findings.Add(Finding.Error($"line {speech.Line}", $"'{speech.Name}' speaks, but is not in the bible.",
                $"{Nearest.Advice(speech.Name, people.Names)} Add them under 'people', or correct the name."));
            return;
        }
        var notes = TypedNotes.Of(speech);
        var seen = shots.Count > 0 && !firstOfScene
            && (speech.OffScreen || shots[^1].Start.Contains(speaker) || shots[^1].End.Contains(speaker));
        if (!seen || waiting.Count > 0 || notes.OfType<ShotNote>().Any() || notes.OfType<JoinNote>().Any())
        {
            var all = waiting.Concat(notes).ToList();
            waiting = [];
            var name = characters.First(person => person.Id == speaker).Name;
            var shown = speech.OffScreen ? [] : new[] { speaker };
            Shot(speech.OffScreen ? $"The voice of {name} is heard." : $"{name} speaks.", speech.Line, shown, [], null, all);
        }
        string? delivery = null;
        var shot = shots[^1];
        var dialogue = shot.Dialogue.ToList();
        foreach (var line in speech.Lines)
        {
            var text = Markup.Plain(line.Text).Replace('\n', ' ');
            if (line.Kind == SpeechKind.Parenthetical) delivery = text;
            else if (text.Length == 0) continue;
            else if (dialogue.Count > shot.Dialogue.Count && delivery is null && dialogue[^1].Sung == (line.Kind == SpeechKind.Lyric))
                dialogue[^1] = dialogue[^1] with { Line = $"{dialogue[^1].Line} {text}" };
            else
            {
                dialogue.Add(new()
                {
                    Character = speaker,
                    Line = text,
                    Delivery = delivery,
                    OnScreen = !speech.OffScreen,
                    Sung = line.Kind == SpeechKind.Lyric,
                    Together = speech.Dual && dialogue.Count == shot.Dialogue.Count && dialogue.Count > 0,
                });
                delivery = null;
            }
        }
        var needed = ShotLengths.Spoken(dialogue, bible.Film.Rate);
        if (needed > 4 * bible.Film.Frames)
            Findings.Add(Finding.Warning($"line {speech.Line}",
                $"The speech needs {needed} frames, more than four shots of {bible.Film.Frames}.",
                "Break it with an action line, so that it becomes several shots."));
        shots[^1] = shot with { Dialogue = dialogue, Frames = ShotLengths.AtLeast(shot.Frames, needed) };
    }

    [GeneratedRegex(@"^(INT\.?/EXT|EXT\.?/INT|I/E|E/I|INT|EXT|EST)[.\s]+", RegexOptions.IgnoreCase)]
    private static partial Regex Setting();

    [GeneratedRegex(@"^FADE (IN|OUT|TO BLACK)[.:]?$")]
    private static partial Regex FadeLine();

    [GeneratedRegex(@"\b(close on|close-up|closeup|the face of|face fills)\b", RegexOptions.IgnoreCase)]
    private static partial Regex CloseWords();

    [GeneratedRegex(@"\bcamera follows\b|\bwe follow\b", RegexOptions.IgnoreCase)]
    private static partial Regex FollowWords();
}
