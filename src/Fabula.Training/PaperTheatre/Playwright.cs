// Invents shots and stories from a chance. Stories have recurring people and places in the three patterns of OneStory (main subject; insert
// and recall; introduced apart, then together); between two casts of one place stands a transition shot (InfinityStory: enter, exit, swap,
// replace, with one to three people, some of whom may stay).
namespace Fabula.Training.PaperTheatre;

public enum StoryPattern { MainSubject, InsertAndRecall, ApartThenTogether }

/// <param name="Cast">Which of the story's people are in the shot, as indices.</param>
/// <param name="Place">Which of the story's locations.</param>
/// <param name="Transition">Null for a shot in which nobody has to come or go.</param>
public sealed record StoryShot(ShotSpec Spec, IReadOnlyList<int> Cast, int Place, Transition? Transition = null);

public sealed record DrawnStory(
    StoryPattern Pattern, IReadOnlyList<Person> People, IReadOnlyList<Location> Locations, IReadOnlyList<StoryShot> Shots, bool HeldOut);

public static class Playwright
{
    /// <summary>A shot with these people (0 to 3) at a location: any action, size and camera that fit.</summary>
    public static ShotSpec Shot(Chance chance, Location location, IReadOnlyList<Person> people)
    {
        var size = people.Count switch
        {
            1 => chance["size"].Pick(ShotSize.Wide, ShotSize.Wide, ShotSize.Medium, ShotSize.Medium, ShotSize.Close),
            2 => chance["size"].Pick(ShotSize.Wide, ShotSize.Medium),
            _ => ShotSize.Wide,
        };
        var camera = chance["camera"].Happens(0.65) ? CameraMove.Static
            : chance["move"].Pick(CameraMove.PanLeft, CameraMove.PanRight, CameraMove.ZoomIn, CameraMove.ZoomOut);
        var centre = size == ShotSize.Wide ? ShotSpec.StageWidth / 2 : chance["centre"].Between(84, 140);
        var frame = new ShotSpec(location, size, camera, [], centre) { Props = PropsFor(chance["props"], size) };
        return Acted(chance, frame, people);
    }

    /// <summary>A shot that sees the place as every other one of these does: wide, from the middle, at rest, without props.</summary>
    public static ShotSpec Wide(Chance chance, Location location, IReadOnlyList<Person> people) =>
        Acted(chance, new ShotSpec(location, ShotSize.Wide, CameraMove.Static, []), people);

    static ShotSpec Acted(Chance chance, ShotSpec frame, IReadOnlyList<Person> people) => people.Count switch
    {
        0 => frame,
        1 => Solo(chance["solo"], frame, people[0]),
        _ => Together(chance["together"], frame, people),
    };

    /// <summary>
    /// A shot in which people come or go while the others stay. Before and after it the cast is another one; the camera and the place do
    /// not change.
    /// </summary>
    /// <param name="leaving">Visible at the first frame, gone at the last. Swap and Replace need one of these and one who arrives.</param>
    /// <exception cref="ArgumentException">The people do not fit the transition, or there are more than 3.</exception>
    public static ShotSpec Change(
        Chance chance, Location location, Transition kind, IReadOnlyList<Person> staying, Person? leaving, Person? arriving)
    {
        var wanted = (kind is not Transition.Enter, kind is not Transition.Exit);
        if (wanted != (leaving is not null, arriving is not null) || staying.Count + (leaving is null || arriving is null ? 1 : 2) > 3)
            throw new ArgumentException($"{kind} needs {(wanted.Item1 ? "one who leaves" : "nobody who leaves")}, " +
                $"{(wanted.Item2 ? "one who arrives" : "nobody who arrives")} and at most 3 people.", nameof(kind));
        var frame = new ShotSpec(location, ShotSize.Wide, CameraMove.Static, []);
        var side = chance["side"].Pick(-1, 1);
        var (near, roles) = (112 + side * 46.0, new List<Role>());
        for (var i = 0; i < staying.Count; i++)
            roles.Add(Cast(staying[i], Blocking.Stay(chance["stay"][i].Pick(Doing.Stand, Doing.Talk, Doing.Wave),
            112 - side * (14 + 44 * i), side * 0.4)));
        var door = location.Indoors && chance["door"].Happens(0.5);
        var after = chance["after"].Pick(Doing.Stand, Doing.Wave, Doing.Talk);
        var from = door ? location.Door!.Value + (location.Door.Value > 112 ? -26 : 26) : near;
        // Nobody stands where the door opens.
        if (door)
            for (var i = 0; i < roles.Count; i++)
                roles[i] = Cast(staying[i], Blocking.Stay(Doing.Stand, location.Door!.Value > 112 ? 92 - 46 * i : 132 + 46 * i));
        if (leaving is not null)
        {
            var (leave, gone) = kind == Transition.Replace ? (0.0625, 0.5) : (0.25, 0.95);
            roles.Add(Cast(leaving, door
                ? Blocking.ExitByDoor(frame, from, leave, gone, Doing.Stand)
                : Blocking.Exit(frame, side, near, leave, gone, Doing.Stand)));
        }
        if (arriving is not null)
        {
            var (start, arrive) = kind switch { Transition.Replace => (0.5, 0.94), Transition.Swap => (0.1, 0.8), _ => (0.06, 0.75) };
            // In a swap the two do not meet in one spot: who arrives comes from the other side.
            var other = kind == Transition.Swap ? -side : side;
            roles.Add(Cast(arriving, door && kind != Transition.Swap ? Blocking.EnterByDoor(frame, from, start, arrive, after)
                : Blocking.Enter(frame, other, 112 + other * (staying.Count > 0 && other != side ? 82 : 46), start, arrive, after)));
        }
        return frame with { Roles = roles };
    }

    /// <summary>A story of 4 to 8 shots.</summary>
    /// <param name="heldOut">True: all people are from the tenth of identities that is never trained on; false: none of them is.</param>
    public static DrawnStory Story(Chance chance, bool heldOut = false, StoryPattern? of = null)
    {
        var pattern = of ?? chance["pattern"].Any<StoryPattern>();
        var kinds = chance["kinds"].Shuffled<Kind>(Enum.GetValues<Kind>());
        Person[] people = [.. Enumerable.Range(0, 3).Select(i => Person.Draw(chance["person"][i], kinds[i], heldOut))];
        Location[] places = [.. chance["places"].Shuffled<Place>(Location.Places).Take(3)
            .Select((place, i) => Location.Draw(chance["place"][i], place))];
        var shots = new List<StoryShot>();
        void Add(int place, params int[] cast) =>
            shots.Add(new(Shot(chance["shot"][shots.Count], places[place], [.. cast.Select(i => people[i])]), cast, place));
        void Turn(int place, Transition kind, int[] staying, int? leaving, int? arriving)
        {
            var spec = Change(chance["change"][shots.Count], places[place], kind, [.. staying.Select(i => people[i])],
                leaving is { } l ? people[l] : null, arriving is { } a ? people[a] : null);
            int[] cast = [.. staying, .. new[] { leaving, arriving }.OfType<int>()];
            shots.Add(new(spec, cast, place, kind));
        }
        switch (pattern)
        {
            case StoryPattern.MainSubject:
                Add(0, 0);
                Add(0, 0);
                Add(1, 0);
                if (chance["friend"].Happens(0.6)) { Turn(1, Transition.Enter, [0], null, 1); Add(1, 0, 1); }
                Add(2, 0);
                Add(0, 0);
                break;
            case StoryPattern.InsertAndRecall:
                Add(0, 0);
                Add(1, chance["insert"].Happens(0.7) ? [1] : []);
                Add(0, 0);
                if (chance["exit"].Happens(0.5)) Turn(0, Transition.Exit, [], 0, null);
                else Turn(0, chance["swap"].Pick(Transition.Swap, Transition.Replace), [], 0, 1);
                Add(1, 1);
                Add(0, 0);
                break;
            default:
                Add(0, 0);
                Add(1, 1);
                if (chance["visit"].Happens(0.5)) Turn(0, Transition.Enter, [0], null, 1);
                Add(0, 0, 1);
                Turn(2, Transition.Enter, [0, 1], null, 2);
                Add(2, 0, 1, 2);
                break;
        }
        return new(pattern, people, places, shots, heldOut);
    }

    static ShotSpec Solo(Chance chance, ShotSpec frame, Person person)
    {
        var (location, size) = (frame.Location, frame.Size);
        var carries = chance["carries"].Happens(0.3) ? chance["thing"].Any<Carried>() : (Carried?)null;
        var side = chance["side"].Pick(-1, 1);
        var x = frame.Centre + (size == ShotSize.Wide ? chance["x"].Between(-46, 46) : chance["x"].Between(-14, 14));
        var near = frame.Centre + side * (size == ShotSize.Wide ? 36 : size == ShotSize.Medium ? 14 : 4);
        var reach = size switch { ShotSize.Wide => 36, ShotSize.Medium => 22, _ => 10 };
        ReadOnlySpan<string> acts = size == ShotSize.Close
            ? ["stand", "wave", "talk", "talk", "enter", "walk"]
            : ["stand", "walk", "walk", "run", "wave", "jump", "sit", "talk", "point", "enter", "exit", "door in", "door out"];
        var act = chance["act"].Pick(acts);
        if (act.StartsWith("door", StringComparison.Ordinal) && !location.Indoors) act = act == "door in" ? "enter" : "exit";
        if (act.StartsWith("door", StringComparison.Ordinal) && size != ShotSize.Wide) frame = frame with
        {
            Size = ShotSize.Wide,
            Centre = 112
        };
        var then = chance["then"].Pick(Doing.Stand, Doing.Wave, Doing.Talk);
        // Full hands do not wave, point or gesture, and nobody jumps, runs or sits with a thing in the hand.
        if (carries is { } thing && (Props.InBothHands(thing) || act is "jump" or "sit" or "run"))
        {
            then = Doing.Stand;
            if (act is "wave" or "point" or "talk" or "jump" or "sit" or "run") act = "stand";
        }
        if (act == "sit" && size != ShotSize.Wide) frame = frame with { Centre = location.Seat.X };
        var away = chance["away"].Between(-0.4, 0.4);
        IReadOnlyList<Beat> beats = act switch
        {
            "walk" => [new(0, 1, Doing.Walk, new(x - side * reach), new(x + side * reach))],
            "run" => [new(0, 1, Doing.Run, new(frame.Centre - side * reach * 1.6), new(frame.Centre + side * reach * 1.6))],
            "wave" => Blocking.Stay(Doing.Wave, x, away),
            "jump" => Blocking.Stay(Doing.Jump, x, away),
            "sit" => chance["down"].Happens(0.5)
                ? [
                    new(0, 0.45, Doing.Walk, new(location.Seat.X - side * 26), new(location.Seat.X)),
                    Beat.At(0.45, 1, Doing.Sit, new(location.Seat.X), side),
                ]
                : Blocking.Stay(Doing.Sit, location.Seat.X, side),
            "talk" => Blocking.Stay(Doing.Talk, x, away),
            "point" => Blocking.Stay(Doing.Point, x, side * 0.7),
            "enter" => Blocking.Enter(frame, side, near, 0, 0.8, then),
            "exit" => Blocking.Exit(frame, side, near, 0.2, 1, then),
            "door in" => Blocking.EnterByDoor(frame, 112, 0.06, 0.85, then),
            "door out" => Blocking.ExitByDoor(frame, 112, 0.12, 0.95, Doing.Stand),
            _ => Blocking.Stay(Doing.Stand, x, away),
        };
        return frame with { Roles = [Cast(person, beats, carries)] };
    }

    static ShotSpec Together(Chance chance, ShotSpec frame, IReadOnlyList<Person> people)
    {
        var n = people.Count;
        var gap = frame.Size == ShotSize.Wide ? 46 : 36;
        double X(int i) => frame.Centre + (i - (n - 1) / 2.0) * gap;
        double Inward(int i) => i < (n - 1) / 2.0 ? 0.6 : i > (n - 1) / 2.0 ? -0.6 : 0;
        var side = chance["side"].Pick(-1, 1);
        var late = side < 0 ? 0 : n - 1;  // who comes, or goes, stands at that side
        var act = chance["act"].Pick("talk", "talk", "meet", "part", "walk", "wave", "play");
        var roles = Enumerable.Range(0, n).Select(i => Cast(people[i], act switch
        {
            "talk" => n == 2
                ? i == 0 ? [Beat.At(0, 0.5, Doing.Talk, new(X(i)), Inward(i)), Beat.At(0.5, 1, Doing.Stand, new(X(i)), Inward(i))]
                    : [Beat.At(0, 0.5, Doing.Stand, new(X(i)), Inward(i)), Beat.At(0.5, 1, Doing.Talk, new(X(i)), Inward(i))]
                : Blocking.Stay(i == late ? Doing.Talk : Doing.Stand, X(i), Inward(i)),
            "meet" => i == late ? Blocking.Enter(frame, side, X(i), 0, 0.7, Doing.Wave)
                : [Beat.At(0, 0.6, Doing.Stand, new(X(i)), Inward(i)), Beat.At(0.6, 1, Doing.Wave, new(X(i)), side * 0.5)],
            "part" => i == late ? Blocking.Exit(frame, side, X(i), 0.3, 1, Doing.Stand) : Blocking.Stay(Doing.Wave, X(i), side * 0.5),
            "walk" => [new(0, 1, Doing.Walk, new(X(i) - side * gap * 0.45), new(X(i) + side * gap * 0.45))],
            "wave" => Blocking.Stay(Doing.Wave, X(i), Inward(i) * 0.3),
            _ => Blocking.Stay(i == late ? Doing.Jump : Doing.Stand, X(i), Inward(i)),
        }));
        return frame with { Roles = [.. roles] };
    }

    static IReadOnlyList<PlacedProp> PropsFor(Chance chance, ShotSize size) => size == ShotSize.Wide && chance["any"].Happens(0.25)
        ? [new(chance["prop"].Any<Prop>(), chance["at"].Pick(26.0, 196.0))]
        : [];

    static Role Cast(Person person, IReadOnlyList<Beat> beats, Carried? carries = null) => new(person, beats, carries,
        Lexicon.Name(person));
}
