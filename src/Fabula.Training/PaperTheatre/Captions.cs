// What a shot shows, in words, in four registers:
//   Full         everything that can be seen of people and place, for somebody who has never met them;
//   Referential  "the same girl", "the kitchen again": what happens, and nothing of what anybody looks like - that has to come from memory;
//   Screenplay   a scene heading and action lines with names;
//   Planned      as Fabula's planner puts a shot: everything of Full, but everybody is introduced first and then called by name.
namespace Fabula.Training.PaperTheatre;

public enum Register { Full, Referential, Screenplay, Planned }

public static class Captions
{
    /// <summary>One caption; the chance decides between ways to say the same.</summary>
    public static string Write(ShotSpec spec, Register register, Chance chance) =>
        string.Join(' ', Sentences(spec, register, chance).Select(sentence => sentence.Text)).Replace("\n ", "\n").Trim();

    /// <summary>The same sentence by sentence, with the role that each is about, from 0, or -1 for the scene.</summary>
    public static IReadOnlyList<(string Text, int Role)> Sentences(ShotSpec spec, Register register, Chance chance)
    {
        if (register == Register.Planned) spec = Named(spec, chance["names"]);
        var sentences = new List<(string Text, int Role)> { (Opening(spec, register, chance), -1) };
        void Add(string text, int role = -1)
        {
            if (text.Length > 0) sentences.Add((text, role));
        }
        if (register == Register.Planned)
            for (var i = 0; i < spec.Roles.Count; i++)
                Add(Articles($"{spec.Roles[i].Name} is {Describe(spec.Roles[i].Person, chance["who"][i])}."), i);
        foreach (var prop in spec.Props)
            Add(Sentence(Lexicon.Say("There", chance[(int)prop.Prop]).Replace("{thing}", Lexicon.Say(prop.Prop, chance))));
        if (spec.Roles.Count == 0) Add(Lexicon.Say("Nobody", chance));
        for (var i = 0; i < spec.Roles.Count; i++)
        {
            var role = spec.Roles[i];
            // A plan does not say that somebody goes on standing there.
            if (register == Register.Planned && role.Carries is null && role.Beats.All(beat => beat.Doing == Doing.Stand)
                && spec.Roles.Count > 1 && chance["unsaid"][i].Happens(0.6)) continue;
            var carrying = role.Carries is { } thing ? $", {Lexicon.Say(thing, chance[i])}," : "";
            var who = register == Register.Full ? Describe(role.Person, chance["who"][i]) : Refer(spec, i, register, chance["who"]);
            Add(Sentence($"{who}{carrying} {Actions(spec, i, register, chance["acts"][i])}."), i);
        }
        Add(Lexicon.Say(spec.Camera, chance["camera"]));
        return sentences;
    }

    static string Opening(ShotSpec spec, Register register, Chance chance)
    {
        var location = spec.Location;
        var plain = location.Place == Place.Plain;
        string Heading(string what) => Lexicon.Say($"Heading.{what}", chance);
        string Detailed(string place, string time) =>
            (plain ? place : $"{place} {time}{Lexicon.Say($"Detail.{location.Place}", chance["detail"])}").Replace("{accent}",
                Lexicon.Say(location.Accent, chance));
        switch (register)
        {
            case Register.Screenplay:
                return $"{Heading(location.Indoors ? "Inside" : "Outside")} {Heading($"{location.Place}")} - "
                    + $"{Heading($"{location.Time}")}\n";
            case Register.Planned:
                var name = Heading($"{location.Place}").ToLowerInvariant();
                return $"{spec.Size} shot. {char.ToUpperInvariant(name[0])}{name[1..]}: "
                    + Detailed(Lexicon.Say(location.Place, chance["place"]), "")
                    + (plain ? "." : $", {Heading($"{location.Time}").ToLowerInvariant()}.");
            case Register.Referential:
                return $"{Lexicon.Say(spec.Size, chance["size"])}, {Lexicon.Say($"Again.{location.Place}", chance["again"])}.";
            default:
                return $"{Lexicon.Say(spec.Size, chance["size"])}, "
                    + $"{Detailed(Lexicon.Say(location.Place, chance["place"]), Lexicon.Say(location.Time, chance["time"]) + " ")}.";
        }
    }

    /// <summary>Everybody with a name of their own; now and then one that no list of names has.</summary>
    static ShotSpec Named(ShotSpec spec, Chance chance)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        string Name(Person person, Chance here)
        {
            for (var attempt = 0; ; attempt++)
            {
                var name = here["strange"][attempt].Happens(0.15) ? Invented(here["letters"][attempt])
                    : Lexicon.Say(person.Female ? "Names.Female" : "Names.Male", here[attempt]);
                if (taken.Add(name)) return name;
            }
        }
        return spec with { Roles = [.. spec.Roles.Select((role, i) => role with { Name = Name(role.Person, chance[i]) })] };
    }

    static string Invented(Chance chance)
    {
        var syllables = string.Concat(Enumerable.Range(0, 2 + chance["length"].Below(2)).Select(i =>
            $"{"bdfgklmnprstvz"[chance["consonant"][i].Below(14)]}{"aeiou"[chance["vowel"][i].Below(5)]}"));
        return char.ToUpperInvariant(syllables[0]) + syllables[1..];
    }

    /// <summary>"an old woman with pale skin, a grey bun, glasses and a striped blue dress".</summary>
    public static string Describe(Person person, Chance chance)
    {
        List<string> parts =
        [
            Lexicon.Say(person.Skin, chance), Lexicon.Say(person.Style, chance).Replace("{hair}", Lexicon.Say(person.Hair, chance)),
        ];
        if (person.Beard) parts.Add(Lexicon.Say("Beard", chance));
        if (person.Glasses) parts.Add(Lexicon.Say("Glasses", chance));
        if (person.Hat != Hat.None) parts.Add(Lexicon.Say(person.Hat, chance).Replace("{colour}", Lexicon.Say(person.HatColour, chance)));
        parts.Add(Lexicon.Say($"{(person.Female ? "Dress" : "Shirt")}.{person.Pattern}", chance)
            .Replace("{top}", Lexicon.Say(person.Top, chance)));
        if (!person.Female) parts.Add(Lexicon.Say(person.Trousers, chance));
        var list = string.Join(", ", parts.Take(parts.Count - 1)) + Lexicon.Say("And", chance) + parts[^1];
        var height = person.Height == Height.Average ? "" : Lexicon.Say(person.Height, chance) + " ";
        return Articles(Lexicon.Say("A", chance).Replace("{kind}", height + Lexicon.Say(person.Kind, chance)).Replace("{list}", list));
    }

    /// <summary>"the same girl"; "the other girl" for a second one of that kind; a name in a screenplay.</summary>
    static string Refer(ShotSpec spec, int index, Register register, Chance chance)
    {
        var role = spec.Roles[index];
        if (register is Register.Screenplay or Register.Planned && role.Name is { } name) return name;
        var twin = spec.Roles.Take(index).Any(other => other.Person.Kind == role.Person.Kind);
        var way = twin ? "Other" : register == Register.Referential ? "Same" : "The";
        return Lexicon.Say(way, chance).Replace("{kind}", Lexicon.Ways($"Kind.{role.Person.Kind}")[0]);
    }

    /// <summary>"comes in from the left and then waves".</summary>
    static string Actions(ShotSpec spec, int index, Register register, Chance chance)
    {
        var said = new List<string>();
        var beats = spec.Roles[index].Beats;
        for (var i = 0; i < beats.Count; i++)
        {
            // The few steps from the door to the front line, or back, belong to coming and going.
            var afterDoor = i > 0 && beats[i - 1].From.Depth > 0 && beats[i - 1].To.Depth > 0;
            var beforeDoor = i + 1 < beats.Count && beats[i + 1].From.Depth > 0 && beats[i + 1].To.Depth >= 1;
            if (beats[i].Doing == Doing.Walk && Passage.Of(spec, beats[i].From) == Passage.Of(spec, beats[i].To)
                && (afterDoor || beforeDoor)) continue;
            var words = Action(spec, index, beats[i], register, chance[i]);
            if (words is not null && (said.Count == 0 || said[^1] != words)) said.Add(words);
        }
        return said.Count == 0 ? Lexicon.Say(Doing.Stand, chance) : string.Join(Lexicon.Say("Then", chance), said);
    }

    static string? Action(ShotSpec spec, int index, Beat beat, Register register, Chance chance)
    {
        var (from, to) = (Passage.Of(spec, beat.From), Passage.Of(spec, beat.To));
        var running = beat.Doing == Doing.Run;
        string Side(int side) => Lexicon.Say(side < 0 ? "Side.Left" : "Side.Right", chance);
        if (from != Way.OnStage && to != Way.OnStage) return null;
        if (from == Way.Door) return Lexicon.Say("Enter.Door", chance);
        if (to == Way.Door) return Lexicon.Say("Exit.Door", chance);
        if (from != Way.OnStage)
            return Lexicon.Say(running ? "Enter.Run" : "Enter.Side", chance).Replace("{side}", Side(from == Way.Left ? -1 : 1));
        if (to != Way.OnStage) return Lexicon.Say(running ? "Exit.Run" : "Exit.Side", chance)
            .Replace("{side}", Side(to == Way.Left ? -1 : 1));
        var partner = spec.Roles.Count == 2 ? 1 - index : -1;
        return beat.Doing switch
        {
            Doing.Walk or Doing.Run => Lexicon.Say(beat.Doing, chance).Replace("{side}", Side(Math.Sign(beat.To.X - beat.From.X))),
            Doing.Point => Lexicon.Say(beat.Doing, chance).Replace("{side}", Side(beat.Facing < 0 ? -1 : 1)),
            Doing.Sit => Lexicon.Say(beat.Start > 0 ? "Doing.SitDown" : "Doing.Sit", chance)
                .Replace("{seat}", Lexicon.Say($"Seat.{spec.Location.Place}", chance)),
            Doing.Talk when partner >= 0 => Lexicon.Say("Doing.TalkWith", chance).Replace("{other}",
                spec.Roles[partner].Person.Kind == spec.Roles[index].Person.Kind
                    && !(register is Register.Screenplay or Register.Planned && spec.Roles[partner].Name != null)
                    ? Lexicon.Say("Other", chance).Replace("{kind}", Lexicon.Ways($"Kind.{spec.Roles[partner].Person.Kind}")[0])
                    : Refer(spec, partner, register, chance)),
            _ => Lexicon.Say(beat.Doing, chance),
        };
    }

    static string Sentence(string text) => Articles(char.ToUpperInvariant(text[0]) + text[1..]).Replace(",.", ".");

    /// <summary>"a old man" -> "an old man".</summary>
    static string Articles(string text)
    {
        var words = text.Split(' ');
        for (var i = 0; i + 1 < words.Length; i++)
            if (words[i] is "a" or "A" && "aeiou".Contains(words[i + 1][0])) words[i] += "n";
        return string.Join(' ', words);
    }
}

/// <summary>Where a spot is, for the audience.</summary>
public enum Way { OnStage, Left, Right, Door }

public static class Passage
{
    /// <summary>Beyond the left or the right edge of the frame, in or behind the doorway, or on stage.</summary>
    public static Way Of(ShotSpec spec, Spot spot)
    {
        if (spot.Depth >= 1) return Way.Door;
        var half = ShotSpec.StageWidth / 2 / spec.Zoom;
        return spot.X < spec.Centre - half ? Way.Left : spot.X > spec.Centre + half ? Way.Right : Way.OnStage;
    }
}
