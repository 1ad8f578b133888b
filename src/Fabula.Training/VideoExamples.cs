// What the video model is shown: one example is a target, what is remembered, what is known, and words. All examples of a batch are of
// one mode, so that they have one shape.
using Fabula.Models;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <summary>What is asked of the model.</summary>
/// <param name="Clip">A clip of five latent frames, or a single picture.</param>
/// <param name="Memory">Most pictures that are remembered, at least one: of other shots, and with Cast portraits before them, as a film
/// with reference pictures has it.</param>
/// <param name="Place">How often the empty place is given as a draft, where the first frame is not known.</param>
/// <param name="First">The first frame is known.</param>
/// <param name="Last">The last frame is known.</param>
/// <param name="Share">How often it is drawn, against the others of its kind: films are mostly pictures of a known cast and clips that go
/// on from one, so that these are trained most.</param>
/// <param name="Turns">Only shots in which somebody comes or goes by an edge or a door (<see cref="TransitionCheck"/>).</param>
public sealed record VideoMode(string Name, bool Clip, double Share, int Memory = 0, bool Cast = false, bool First = false,
    bool Last = false, double Place = 0, bool Turns = false)
{
    /// <summary>InfinityStory's transitions: between a first and a last frame people walk in and out.</summary>
    public static readonly VideoMode Turn = new("turn", true, 0, First: true, Last: true, Turns: true);

    /// <summary>What a film asks of words alone: its people, each before a plain wall, and its places.</summary>
    public static readonly VideoMode Words = new("words", false, 0);

    public static readonly VideoMode[] Pictures =
    [
        new("picture", false, 0.45, Place: 0.4), new("picture, memory", false, 0.1, 3, Place: 0.7),
        new("picture, cast", false, 0.45, 3, true, Place: 0.9),
    ];
    public static readonly VideoMode[] Clips =
    [
        new("clip", true, 0.05, Place: 0.6), new("first", true, 0.25, First: true),
        new("first and last", true, 0.12, First: true, Last: true), new("memory", true, 0.05, 3, Place: 0.8),
        new("memory and first", true, 0.48, 3, true, First: true), new("cast", true, 0.05, 3, true, Place: 0.9),
    ];

    /// <param name="at">From 0 to 1.</param>
    public static VideoMode Pick(VideoMode[] modes, double at)
    {
        foreach (var mode in modes)
            if ((at -= mode.Share) < 0) return mode;
        return modes[^1];
    }
}

/// <summary>A batch in plain arrays. Latents are [B, z, frames, h, w].</summary>
/// <param name="Target">f frames.</param>
/// <param name="Remembered">M frames.</param>
/// <param name="Known">f frames, drafts among them, zero where nothing is known.</param>
/// <param name="KnownMask">[B, 4, f, h, w].</param>
/// <param name="Weight">[B, f, h, w]: how much each latent counts.</param>
public sealed record VideoBatch(VideoMode Mode, int Size, int Frames, int Memory, float[] Target, float[] Remembered, float[] Known,
    float[] KnownMask, float[] Weight, string[] Captions);

/// <param name="casting">People for <see cref="VideoMode.Words"/>, beside those of the stories.</param>
/// <param name="ownMemory">Share of the remembered frames of other shots that the model itself has made, where stories have them.</param>
public sealed class VideoExamples(IReadOnlyList<LatentStory> stories, int z, int rows, int columns, double figureWeight,
    double ownMemory = 0, IReadOnlyList<Casting>? casting = null)
{
    /// <summary>The share of portraits and empty places among pictures from words alone.</summary>
    const double Plain = 0.7;

    /// <summary>The share of drawn people where a batch is of words alone; the rest are portraits and places of stories.</summary>
    const double Cast = 0.7;

    readonly LatentStory[] _withClips = [.. stories.Where(story => story.Clips[0].Length > 0)];
    readonly int _picture = z * rows * columns;
    readonly Lazy<(LatentStory Story, int Shot)[]> _turns = new(() => Turns(stories));

    /// <summary>Shots with clips in which somebody comes or goes, and how many of them pass the filter.</summary>
    public (int Kept, int Drawn) TurnCount => (_turns.Value.Length,
        _withClips.Sum(story => story.Story.Shots.Count(shot => shot.Transition is not null)));

    public VideoBatch Draw(Chance chance, VideoMode mode, int size)
    {
        var frames = mode.Clip ? 5 : 1;
        var memory = mode.Memory == 0 ? 0 : 1 + chance["memory"].Below(mode.Memory);
        var (all, cells) = (size * frames * _picture, size * frames * rows * columns);
        var batch = new VideoBatch(mode, size, frames, memory, new float[all], new float[size * memory * _picture], new float[all],
            new float[4 * cells], new float[cells], new string[size]);
        for (var i = 0; i < size; i++) Fill(batch, i, chance[i]);
        return batch;
    }

    void Fill(VideoBatch batch, int at, Chance chance)
    {
        var mode = batch.Mode;
        if (mode == VideoMode.Words && casting is { Count: > 0 } && chance["cast"].Happens(Cast))
        {
            FillCast(batch, at, casting[chance["person"].Below(casting.Count)], chance);
            return;
        }
        var story = mode.Clip ? chance["story"].Pick<LatentStory>(_withClips) : chance["story"].Pick<LatentStory>([.. stories]);
        var (number, others) = (0, Array.Empty<int>());
        if (mode.Turns) (story, number) = chance["turn"].Pick<(LatentStory, int)>(_turns.Value);
        else (number, others) = Choose(story, chance, batch.Memory > 0 && !mode.Cast);
        var shots = story.Story.Shots;
        var shot = shots[number];
        var (frames, map) = (batch.Frames, story.Figures[number]);
        var moment = chance["moment"].Below(3);
        var plain = mode == VideoMode.Words ? chance["plain"].Unit * Plain : !mode.Clip && mode.Memory == 0 ? chance["plain"].Unit : 1;
        void Put(float[] into, int count, int frame, Half[] picture) => Place(picture, 1, 0, into, at, count, frame);

        if (plain < Plain / 2)
        {
            var who = chance["who"].Below(story.Portraits.Length);
            Put(batch.Target, 1, 0, story.Portraits[who]);
            batch.Captions[at] = Captions.Write(ShotSpec.Portrait(story.Story.People[who]),
                chance["told"].Pick(Register.Full, Register.Planned), chance["words"]);
        }
        else if (plain < Plain)
        {
            var where = chance["where"].Below(story.Views.Length);
            Put(batch.Target, 1, 0, story.Views[where]);
            batch.Captions[at] = Captions.Write(LatentStory.View(story.Story.Locations[where]),
                chance["told"].Pick(Register.Full, Register.Planned), chance["words"]);
        }
        else
        {
            for (var f = 0; f < frames; f++)
                if (mode.Clip) Place(story.Clips[number], 5, f, batch.Target, at, 5, f);
                else Put(batch.Target, 1, 0, story.Pictures[number][moment]);
            var told = batch.Memory > 0 ? chance["told"].Pick(Register.Referential, Register.Referential, Register.Planned, Register.Full)
                : mode.First ? chance["told"].Pick(Register.Full, Register.Referential, Register.Screenplay, Register.Planned)
                : chance["told"].Pick(Register.Full, Register.Planned);
            batch.Captions[at] = chance["silent"].Happens(0.08) ? "" : Captions.Write(shot.Spec, told, chance["words"]);
            for (var f = 0; f < frames; f++)
                for (var i = 0; i < rows * columns; i++)
                    batch.Weight[(at * frames + f) * rows * columns + i] =
                        (float)figureWeight * map[(mode.Clip ? f : moment * 2) * rows * columns + i];
        }
        for (var i = at * frames * rows * columns; i < (at + 1) * frames * rows * columns; i++) batch.Weight[i] += 1;
        foreach (var (m, picture) in Remembered(story, number, others, batch, chance).Index())
            Put(batch.Remembered, batch.Memory, m, picture);
        var place = plain >= Plain && !mode.First && chance["empty"].Happens(mode.Place);
        if (mode.First || place) Draft(batch, at, story, number, mode.Clip ? 0 : LatentStory.Moments[moment], place, chance["staging"]);
    }

    void FillCast(VideoBatch batch, int at, Casting who, Chance chance)
    {
        Place(who.Portrait, 1, 0, batch.Target, at, 1, 0);
        batch.Captions[at] = Captions.Write(ShotSpec.Portrait(who.Person), chance["told"].Pick(Register.Full, Register.Planned),
            chance["words"]);
        for (var i = 0; i < rows * columns; i++) batch.Weight[at * rows * columns + i] = 1 + (float)figureWeight * who.Figures[i];
    }

    /// <summary>What is known of a shot, as <see cref="Conditioning.Drafts"/> has it.</summary>
    /// <param name="start">Which pixel frame the first one is.</param>
    /// <param name="collages">How often people are laid on the place.</param>
    internal void Draft(VideoBatch batch, int at, LatentStory story, int number, int start, bool place, Chance chance,
        double collages = 0.85)
    {
        var (mode, frames) = (batch.Mode, batch.Frames);
        var staged = chance.Happens(mode.Last && !mode.Turns ? 0.5 : 0.85);
        var collage = staged && (mode.Cast || mode.Clip) && chance["collage"].Happens(collages);
        bool Given(int f) => f == 0 && mode.First || f == frames - 1 && mode.Last;
        StageBox[] Staging(int f) => !staged || Given(f) || f > 0 && !collage ? []
            : Shaken(story.Boxes[number][start + Conditioning.StagedFrame(f)], chance["shaken"]);
        var (stills, moment) = (mode.Clip ? story.Stills[number] : [], Array.IndexOf(LatentStory.Moments, start));
        for (var f = 0; f < frames; f++)
        {
            var values = Conditioning.DraftMask(f, frames, mode.First, mode.Last, place || collage);
            Conditioning.WriteMask(batch.KnownMask.AsSpan(at * 4 * frames * rows * columns), values, f, frames, rows, columns, Staging(f));
            void Put(Half[] picture) => Place(picture, 1, 0, batch.Known, at, frames, f);
            var share = mode.Last ? Conditioning.DraftShare(f, frames) : 0;
            if (f == 0) Put(mode.First ? story.Pictures[number][0] : collage ? story.Collages[number][moment] : story.Plates[number]);
            else if (collage && !Given(f)) Place(story.Moving[number], 5, f, batch.Known, at, frames, f);
            else if (place) Put(stills[0]);
            else Put([.. stills[1].Zip(stills[2], (a, b) => (Half)((float)a + ((float)b - (float)a) * share))]);
        }
    }

    /// <summary>Boxes a little larger or smaller than the people: a plan knows no better.</summary>
    static StageBox[] Shaken(StageBox[] boxes, Chance chance) =>
    [
        .. boxes.Select((box, i) =>
        {
            double Side(string name) => (chance[name][i].Unit - 0.5) * 0.06;
            return box == default ? box
                : new StageBox(box.Left + Side("left"), box.Top + Side("top"), box.Right + Side("right"), box.Bottom + Side("bottom"));
        }),
    ];

    /// <summary>Pictures in the order of a film: portraits, other shots.</summary>
    IEnumerable<Half[]> Remembered(LatentStory story, int number, int[] others, VideoBatch batch, Chance chance)
    {
        var seen = others.Select((other, m) =>
            (story.Own.Length > 0 && chance["own"][m].Happens(ownMemory) ? story.Own : story.Pictures)[other][chance["which"][m].Below(3)]);
        if (!batch.Mode.Cast) return seen.Take(batch.Memory);
        var people = story.Story.People.Index().ToDictionary(at => at.Item, at => at.Index);
        var roles = story.Story.Shots[number].Spec.Roles.Select(role => people[role.Person]);
        var portraits = roles.Where((_, i) => chance["portrait"][i].Happens(0.85)).Select(who => story.Portraits[who]);
        return portraits.Concat(seen).Take(batch.Memory);
    }

    /// <summary>
    /// A shot, and others of its story that show the same people first, then the same place. Shots whose camera moves are rare: a draft
    /// stands still, and following the camera is a lesson for a larger model.
    /// </summary>
    static (int Shot, int[] Others) Choose(LatentStory story, Chance chance, bool remembers)
    {
        var shots = story.Story.Shots;
        for (var attempt = 0; ; attempt++)
        {
            var number = chance["shot"][attempt].Below(shots.Count);
            var here = shots[number];
            var others = chance["others"].Shuffled<int>([.. Enumerable.Range(0, shots.Count).Where(i => i != number)])
                .OrderByDescending(i => shots[i].Cast.Intersect(here.Cast).Any() ? 2 : shots[i].Place == here.Place ? 1 : 0).ToArray();
            if (attempt < 8 && here.Spec.Camera != CameraMove.Static && !chance["moving"][attempt].Happens(0.1)) continue;
            if (!remembers || attempt > 8 || shots[others[0]].Cast.Intersect(here.Cast).Any()) return (number, others);
        }
    }

    static (LatentStory, int)[] Turns(IReadOnlyList<LatentStory> stories)
    {
        using var stage = new Stage(224, 128);
        return [.. stories.Where(story => story.Clips[0].Length > 0).SelectMany(story => story.Story.Shots.Index()
            .Where(shot => shot.Item.Transition is { } kind
                && TransitionCheck.Of(stage.Draw(shot.Item.Spec), kind) == Verdict.Kept).Select(shot => (story, shot.Index)))];
    }

    /// <summary>Frame `from` of a clip [z, count, h, w] to frame `to` of a batch [B, z, frames, h, w].</summary>
    void Place(Half[] clip, int count, int from, float[] into, int at, int frames, int to)
    {
        var area = rows * columns;
        for (var channel = 0; channel < z; channel++)
            for (var i = 0; i < area; i++)
                into[((at * z + channel) * frames + to) * area + i] = (float)clip[(channel * count + from) * area + i];
    }
}
