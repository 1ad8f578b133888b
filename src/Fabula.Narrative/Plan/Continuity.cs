// What can be known to be wrong before anything is rendered. A pure function of the plan, linear in its length.
namespace Fabula.Narrative;

public static class Continuity
{
    public static IReadOnlyList<Finding> Check(FilmPlan plan)
    {
        var findings = new List<Finding>();
        Ids(plan, findings);
        Film(plan, findings);
        Pictures(plan, findings);
        Shots(plan, findings);
        Transitions(plan, findings);
        Memory(plan, findings);
        Leaving(plan, findings);
        return findings;
    }

    static string At(PlanShot shot, int index) => $"shots[{index}] ({shot.Id}{(shot.Line is { } line ? $", line {line}" : "")})";

    static void Ids(FilmPlan plan, List<Finding> findings)
    {
        Once("characters", plan.Characters.Select(person => person.Id));
        Once("locations", plan.Locations.Select(location => location.Id));
        Once("props", plan.Props.Select(prop => prop.Id));
        Once("scenes", plan.Scenes.Select(scene => scene.Id));
        Once("clips", plan.Shots.Select(shot => shot.Id).Concat(plan.Transitions.Select(transition => transition.Id)),
            longest: 2 * PlanIds.MaxLength + 2);
        var locations = plan.Locations.Select(location => location.Id).ToHashSet();
        foreach (var (i, scene) in plan.Scenes.Index())
            if (!locations.Contains(scene.Location))
                findings.Add(Finding.Error($"scenes[{i}] ({scene.Id})", $"The location '{scene.Location}' does not exist.",
                    Nearest.Advice(scene.Location, locations)));

        void Once(string list, IEnumerable<string> ids, int longest = PlanIds.MaxLength)
        {
            var seen = new HashSet<string>();
            foreach (var id in ids)
            {
                if (!PlanIds.IsId(id) && !(id.Length <= longest && id.Length > PlanIds.MaxLength && PlanIds.IsId(id[..PlanIds.MaxLength])
                    && PlanIds.IsId("x" + id[PlanIds.MaxLength..])))
                    findings.Add(Finding.Error(list, $"'{id}' cannot be an id.",
                        $"Use small letters, digits, - and _, as in '{PlanIds.Slug(id, 6)}'."));
                if (!seen.Add(id)) findings.Add(Finding.Error(list, $"The id '{id}' stands here twice.",
                    "Rename one of the two, and what refers to it."));
            }
        }
    }

    static void Film(FilmPlan plan, List<Finding> findings)
    {
        if (plan.Film.Rate is < 1 or > 99)
            findings.Add(Finding.Error("film.rate", $"{plan.Film.Rate} frames per second cannot be.", "Write 16, 24, 25 or 30."));
        if (plan.Film.Width is < 16 or > 8192 || plan.Film.Height is < 16 or > 8192 || plan.Film.Width % 16 != 0
            || plan.Film.Height % 16 != 0)
            findings.Add(Finding.Error("film", $"{plan.Film.Width} x {plan.Film.Height} cannot be made.",
                "Both sides are multiples of 16, as in 832 x 480."));
        if (plan.Film.FadeIn < 0 || plan.Film.FadeOut < 0)
            findings.Add(Finding.Error("film", "A fade has less than no frames.", "Write 0 for none."));
        if (plan.Shots.Count == 0)
            findings.Add(Finding.Error("shots", "The film has no shot.", "Write what one sees under a scene heading, and plan again."));
    }

    static void Pictures(FilmPlan plan, List<Finding> findings)
    {
        var pictures = plan.Characters.SelectMany(person => person.References.Select(path => ($"characters ({person.Id})", path)))
            .Concat(plan.Locations.SelectMany(place => place.References.Select(path => ($"locations ({place.Id})", path))))
            .Concat(plan.Locations.SelectMany(place => (place.ReferencesAt ?? new Dictionary<string, string>()).Values
                .Select(path => ($"locations ({place.Id})", path))))
            .Concat(plan.Props.SelectMany(prop => prop.References.Select(path => ($"props ({prop.Id})", path))))
            .Concat(plan.Shots.Index().Where(shot => shot.Item.KeyframePicture is not null)
                .Select(shot => (At(shot.Item, shot.Index), shot.Item.KeyframePicture!)));
        foreach (var (where, path) in pictures)
            if (!ProductionPath.IsInside(path))
                findings.Add(Finding.Error(where, $"The picture '{path}' lies outside the production folder.",
                    "Copy it into the folder, as 'pictures/ada.png'."));
        foreach (var place in plan.Locations.Where(place => place.ReferencesAt is not null))
            foreach (var hour in place.ReferencesAt!.Keys.Except(BiblePlace.Hours))
                findings.Add(Finding.Error($"locations ({place.Id})", $"'{hour}' is no hour of its pictures.",
                    Nearest.Advice(hour, BiblePlace.Hours)));
        foreach (var (i, shot) in plan.Shots.Index())
            if (!shot.Cut && shot.KeyframePicture is not null)
                findings.Add(Finding.Error(At(shot, i), "It goes on from the shot before, so it cannot begin with a picture of its own.",
                    "Set its \"cut\" to true, or take \"keyframePicture\" out."));
    }

    static void Shots(FilmPlan plan, List<Finding> findings)
    {
        var people = plan.Characters.Select(person => person.Id).ToHashSet();
        var scenes = plan.Scenes.Select(scene => scene.Id).ToHashSet();
        if (plan.Shots.Count > 0 && !plan.Shots[0].Cut)
            findings.Add(Finding.Error(At(plan.Shots[0], 0), "The first shot cannot go on from another.", "Set its \"cut\" to true."));
        foreach (var (i, shot) in plan.Shots.Index())
        {
            var where = At(shot, i);
            if (!scenes.Contains(shot.Scene))
                findings.Add(Finding.Error(where, $"The scene '{shot.Scene}' does not exist.", Nearest.Advice(shot.Scene, scenes)));
            if (string.IsNullOrWhiteSpace(shot.Action) || string.IsNullOrWhiteSpace(shot.Prompt))
                findings.Add(Finding.Error(where, "Nothing is said about what one sees.", "Fill in its \"action\" and \"prompt\"."));
            if (shot.Frames < 5 || shot.Frames % 4 != 1)
                findings.Add(Finding.Error(where, $"It has {shot.Frames} frames, and the models make 4n+1.",
                    $"Write {Math.Max(5, (shot.Frames - 1) / 4 * 4 + 1)} or {Math.Max(9, (shot.Frames - 1) / 4 * 4 + 5)}."));
            foreach (var id in shot.Start.Concat(shot.End).Concat(shot.Dialogue.Select(line => line.Character)).Concat(shot.Sides.Keys)
                .Distinct())
                if (!people.Contains(id))
                    findings.Add(Finding.Error(where, $"'{id}' is not one of the characters.", Nearest.Advice(id, people)));
            Carried(plan, shot, where, findings);
            foreach (var line in shot.Dialogue.Where(line => line.OnScreen && !shot.Start.Contains(line.Character)
                && !shot.End.Contains(line.Character)))
                findings.Add(Finding.Error(where, $"'{line.Character}' speaks on screen without being in the picture.",
                    "Add them to \"start\" or \"end\", or set \"onScreen\" to false."));
            if (shot.Start.Distinct().Count() != shot.Start.Count || shot.End.Distinct().Count() != shot.End.Count)
                findings.Add(Finding.Error(where, "Somebody is listed twice.", "Name each character once in \"start\" and in \"end\"."));
            if (shot.Take < 1 || shot.Take > shot.Takes.Count + 1)
                findings.Add(Finding.Error(where, $"There is no take {shot.Take}.", $"Choose from 1 to {shot.Takes.Count + 1}."));
        }
        var used = plan.Shots.Select(shot => shot.Scene).ToHashSet();
        foreach (var (i, scene) in plan.Scenes.Index())
            if (!used.Contains(scene.Id))
                findings.Add(Finding.Warning($"scenes[{i}] ({scene.Id})", "The scene has no shot.", "Give it one, or remove it."));
    }

    static void Carried(FilmPlan plan, PlanShot shot, string where, List<Finding> findings)
    {
        var props = plan.Props.Select(prop => prop.Id).ToHashSet();
        foreach (var (field, held) in new[] { ("startProps", shot.StartProps), ("endProps", shot.EndProps) })
            foreach (var (prop, who) in held ?? new Dictionary<string, string>())
                if (!props.Contains(prop))
                    findings.Add(Finding.Error(where, $"'{prop}' in \"{field}\" is not one of the props.", Nearest.Advice(prop, props)));
                else if (!shot.Start.Contains(who) && !shot.End.Contains(who))
                    findings.Add(Finding.Error(where, $"'{who}' carries '{prop}' in \"{field}\" without being in the picture.",
                        "Add them to \"start\" or \"end\", or take the prop out."));
    }

    static void Transitions(FilmPlan plan, List<Finding> findings)
    {
        var order = plan.Shots.Select(shot => shot.Id).Index().GroupBy(shot => shot.Item)
            .ToDictionary(group => group.Key, group => group.First().Index);
        var into = new HashSet<string>();
        var places = plan.Scenes.GroupBy(scene => scene.Id).ToDictionary(group => group.Key, group => group.First().Location);
        foreach (var (i, join) in plan.Transitions.Index())
        {
            var where = $"transitions[{i}] ({join.Id})";
            if (!order.TryGetValue(join.From, out var from) || !order.TryGetValue(join.To, out var to))
            {
                var missing = order.ContainsKey(join.From) ? join.To : join.From;
                findings.Add(Finding.Error(where, $"The shot '{missing}' does not exist.", Nearest.Advice(missing, order.Keys)));
                continue;
            }
            if (to != from + 1)
                findings.Add(Finding.Error(where, $"'{join.From}' and '{join.To}' are not neighbours.",
                    "Join a shot to the next one in the list only."));
            if (!into.Add(join.To)) findings.Add(Finding.Error(where, $"Two transitions lead into '{join.To}'.", "Keep one of them."));
            if (to == from + 1) People(plan.Shots[from], plan.Shots[to], join, where, findings);
            var (left, reached) = (places.GetValueOrDefault(plan.Shots[from].Scene), places.GetValueOrDefault(plan.Shots[to].Scene));
            if (join.Method is JoinMethod.Continue or JoinMethod.Bridge && left != reached)
                findings.Add(Finding.Error(where, $"A {Lower(join.Method)} cannot lead from the place '{left}' to '{reached}'.",
                    "Make it a cut, a dissolve or a fade."));
            Lengths(plan.Shots[from], plan.Shots[to], join, where, findings);
        }
        foreach (var (i, shot) in plan.Shots.Index().Skip(1))
            if (!into.Contains(shot.Id))
                findings.Add(Finding.Error(At(shot, i), "No transition says how it joins the shot before.",
                    "Add one with \"method\": \"cut\"."));
    }

    static void People(PlanShot from, PlanShot to, PlanTransition join, string where, List<Finding> findings)
    {
        if (join.Method == JoinMethod.Continue)
        {
            foreach (var id in to.Start.Except(from.End))
                findings.Add(Finding.Error(where, $"'{id}' appears without entering, where '{to.Id}' goes on from '{from.Id}'.",
                    $"Add '{id}' to the \"end\" of '{from.Id}', let them enter in '{to.Id}', or make it a cut or a bridge."));
            foreach (var id in from.End.Except(to.Start))
                findings.Add(Finding.Error(where, $"'{id}' is gone without leaving, where '{to.Id}' goes on from '{from.Id}'.",
                    $"Add '{id}' to the \"start\" of '{to.Id}', let them leave in '{from.Id}', or make it a cut or a bridge."));
        }
        if (to.Cut != (join.Method != JoinMethod.Continue))
            findings.Add(Finding.Error(where,
                $"Its method is '{Lower(join.Method)}', and \"cut\" of '{to.Id}' is {(to.Cut ? "true" : "false")}.",
                $"Set \"cut\" to {(to.Cut ? "false" : "true")}, or make the method {(to.Cut ? "a cut" : "'continue'")}."));
        var (stay, enter, exit) = (from.End.Intersect(to.Start), to.Start.Except(from.End), from.End.Except(to.Start));
        if (!stay.ToHashSet().SetEquals(join.Stay) || !enter.ToHashSet().SetEquals(join.Enter) || !exit.ToHashSet().SetEquals(join.Exit))
            findings.Add(Finding.Error(where, "Its people are not those of the two shots.",
                $"Write stay [{string.Join(", ", stay)}], enter [{string.Join(", ", enter)}], exit [{string.Join(", ", exit)}]."));
        else if (join.Kind != Joins.Kind(from.End, to.Start))
            findings.Add(Finding.Error(where, $"Its kind is '{Lower(join.Kind)}', but its people {Lower(Joins.Kind(from.End, to.Start))}.",
                $"Write \"{Lower(Joins.Kind(from.End, to.Start))}\"."));
        if (join is { Method: JoinMethod.Bridge, Kind: JoinKind.Stay or JoinKind.Empty } && from.Size == to.Size)
            findings.Add(Finding.Warning(where, "Nobody comes or goes and the framing is the same, so the bridge would stand still.",
                "Make it 'continue'."));
    }

    static void Lengths(PlanShot from, PlanShot to, PlanTransition join, string where, List<Finding> findings)
    {
        var most = Math.Min(from.Frames, to.Frames) / 2;
        if (join.Method is JoinMethod.Dissolve or JoinMethod.Fade && (join.Frames < 1 || join.Frames > most))
            findings.Add(Finding.Error(where, $"A {Lower(join.Method)} of {join.Frames} frames does not fit.",
                $"Write a number from 1 to {most}."));
        if (join.Method == JoinMethod.Bridge && (join.Frames < 5 || join.Frames % 4 != 1))
            findings.Add(Finding.Error(where, $"The bridge has {join.Frames} frames, and the models make 4n+1.", "Write for example 81."));
        if (join.Method is JoinMethod.Cut or JoinMethod.Continue && join.Frames != 0)
            findings.Add(Finding.Error(where, $"A {Lower(join.Method)} takes no frames.", "Set \"frames\" to 0."));
    }

    static void Memory(FilmPlan plan, List<Finding> findings)
    {
        var earlier = new HashSet<string>();
        var all = plan.Shots.Select(shot => shot.Id).ToHashSet();
        foreach (var (i, shot) in plan.Shots.Index())
        {
            foreach (var id in shot.Memory.Where(id => !earlier.Contains(id)))
                findings.Add(all.Contains(id)
                    ? Finding.Error(At(shot, i), $"It remembers '{id}', which comes {(id == shot.Id ? "not before it" : "later")}.",
                        "Name earlier shots only.")
                    : Finding.Error(At(shot, i), $"It remembers '{id}', which does not exist.", Nearest.Advice(id, all)));
            if (shot.Method == ShotMethod.Memory && shot.Memory.Count == 0)
                findings.Add(Finding.Error(At(shot, i), "Its method is 'memory', and it remembers nothing.",
                    "Name earlier shots, or make the method 'keyframe'."));
            earlier.Add(shot.Id);
        }
    }

    /// <summary>Someone who left a scene is back in it without having entered, and perhaps leaves again.</summary>
    static void Leaving(FilmPlan plan, List<Finding> findings)
    {
        var joins = plan.Transitions.GroupBy(join => join.To).ToDictionary(group => group.Key, group => group.First());
        var (gone, scene) = (new Dictionary<string, string>(), "");
        foreach (var (i, shot) in plan.Shots.Index())
        {
            if (shot.Scene != scene) (gone, scene) = ([], shot.Scene);
            foreach (var id in shot.Start.Where(gone.ContainsKey))
            {
                if (joins.TryGetValue(shot.Id, out var join) && join.Method == JoinMethod.Bridge && join.Enter.Contains(id)) continue;
                findings.Add(shot.End.Contains(id)
                    ? Finding.Warning(At(shot, i), $"'{id}' left in '{gone[id]}' and is back without entering.",
                        $"Let '{id}' enter (take them out of \"start\"), or let them stay in '{gone[id]}'.")
                    : Finding.Error(At(shot, i), $"'{id}' leaves twice: they left in '{gone[id]}' already.",
                        $"Let '{id}' come back in between, or leave once."));
            }
            foreach (var id in shot.Start.Union(shot.End)) gone.Remove(id);
            foreach (var id in shot.Start.Except(shot.End)) gone[id] = shot.Id;
        }
    }

    static string Lower<T>(T word) where T : struct, Enum => word.ToString().ToLowerInvariant();
}
