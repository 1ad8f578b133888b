// What OneStory is shown: samples of three shots, of which the last is to be made and the first two are remembered (section 4.4, A.1).
//
// Where a story has three shots that belong together they are a sample; otherwise two are inflated by a synthetic one, a shot of another
// story or the first shot altered, in either order. Every remembered latent frame has a label for the selector: how alike the shot to be
// made it is, by feature models that are passed in; -1 in a shot of another story, 0 in an altered one (A.2).
//
// Shapes: B samples; z latent channels; f latent frames of a shot; F = 2 f remembered ones; h, w latent rows, columns.
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <summary>How samples are put together. The paper states no shares but that of real triplets.</summary>
/// <param name="RealTriplets">The paper's 10,000 of 60,000.</param>
/// <param name="Share">Of the pairs, those that are inflated: all. Without inflation (table 2b) a pair remembers its one shot.</param>
/// <param name="OtherStory">Of the inflated ones, those that get a shot of another story: half, as the two ways are named alike.</param>
/// <param name="SyntheticFirst">How often the synthetic shot comes before the first: half, as both orders are named alike.</param>
/// <param name="ColourChange">Altered shots: deviation of each channel's gain and offset, in latents, which have deviation 1.</param>
public sealed record Inflation(double RealTriplets = 1.0 / 6, double Share = 1, double OtherStory = 0.5, double SyntheticFirst = 0.5,
    double ColourChange = 0.3);

/// <summary>A batch in plain arrays.</summary>
/// <param name="Shot">The shots to be made, with f frames, and what is known of them.</param>
/// <param name="Memory">[B, z, F, h, w], in the order of the film; zeros where a sample remembers one shot only.</param>
/// <param name="Labels">[B, F].</param>
/// <param name="Earlier">Per sample how many of the F frames there are: f or 2 f.</param>
/// <param name="Real">Per sample the remembered frames that are of real shots, in an order of chance.</param>
public sealed record OneStoryBatch(VideoBatch Shot, float[] Memory, float[] Labels, int[] Earlier, int[][] Real)
{
    public int Size => Shot.Size;
    public int Frames => Shot.Frames;
}

public sealed class OneStoryExamples
{
    /// <summary>
    /// What is known of a shot beside words and memory: nothing; the empty place, so that only people have to come from memory, as in a
    /// film whose places have plates and whose people have no portraits; the place with people laid on it; the first frame.
    /// </summary>
    public static readonly VideoMode[] Modes =
    [
        new("memory", true, 0.3), new("place", true, 0.25, Place: 1), new("staged", true, 0.25, Cast: true, Place: 0.95),
        new("first frame", true, 0.2, Cast: true, First: true),
    ];

    readonly record struct Sample(int Story, int First, int Second, int Last);

    readonly LatentStory[] _stories;
    readonly VideoExamples _known;
    readonly FrameLabels _labels;
    readonly Sample[] _pairs, _triplets;
    readonly int _z, _rows, _columns, _frames;
    readonly double _figureWeight;

    /// <param name="stories">Only those with clips are taken.</param>
    /// <param name="features">See <see cref="FrameLabels"/>.</param>
    public OneStoryExamples(IEnumerable<LatentStory> stories, int z, int rows, int columns, double figureWeight,
        IReadOnlyList<ShotFeature> features)
    {
        (_stories, _z, _rows, _columns, _figureWeight) =
            ([.. stories.Where(story => story.Clips[0].Length > 0)], z, rows, columns, figureWeight);
        _known = new VideoExamples(_stories, z, rows, columns, figureWeight);
        _frames = _stories is [var any, ..] ? any.Clips[0].Length / (z * rows * columns) : 0;
        _labels = new FrameLabels(features);
        foreach (var story in _stories)
            for (var shot = 0; shot < story.Clips.Length; shot++) _labels.See(story.Story, shot);
        var pairs = _stories.Index().SelectMany(story => Pairs(story.Item.Story).Select(pair =>
            new Sample(story.Index, pair.First, -1, pair.Last))).ToArray();
        _pairs = pairs;
        _triplets = [.. pairs.SelectMany(pair => Enumerable.Range(0, pair.Last).Where(other => other != pair.First)
            .Select(other => pair with { First = Math.Min(pair.First, other), Second = Math.Max(pair.First, other) }))];
        if (_pairs.Length == 0 || _stories.Length < 2)
            throw new ArgumentException("OneStory learns from at least two stories with clips whose shots share a person or a place.");
    }

    /// <summary>
    /// Two shots of which the later one shows somebody or a place of the earlier: others have nothing to remember, and the paper's filter
    /// leaves them out. Where the camera of the later one moves it is left out too, as a lesson for a larger model.
    /// </summary>
    static IEnumerable<(int First, int Last)> Pairs(DrawnStory story) =>
        from last in Enumerable.Range(1, story.Shots.Count - 1)
        where story.Shots[last].Spec.Camera == CameraMove.Static
        from first in Enumerable.Range(0, last)
        where story.Shots[first].Place == story.Shots[last].Place || story.Shots[first].Cast.Intersect(story.Shots[last].Cast).Any()
        select (first, last);

    public OneStoryBatch Draw(Chance chance, int size, Inflation inflation, VideoMode mode)
    {
        var (shot, cells) = (size * _frames * _z * _rows * _columns, size * _frames * _rows * _columns);
        var batch = new OneStoryBatch(new(mode, size, _frames, 0, new float[shot], [], new float[shot], new float[4 * cells],
            new float[cells], new string[size]), new float[2 * shot], new float[size * 2 * _frames], new int[size], new int[size][]);
        for (var i = 0; i < size; i++) Fill(batch, i, chance[i], inflation);
        return batch;
    }

    void Fill(OneStoryBatch batch, int at, Chance chance, Inflation inflation)
    {
        var real = _triplets.Length > 0 && chance["real"].Happens(inflation.RealTriplets);
        var sample = chance["sample"].Pick<Sample>(real ? _triplets : _pairs);
        var (story, shot, known) = (_stories[sample.Story], _stories[sample.Story].Story.Shots[sample.Last], batch.Shot);
        Copy(Clip(sample.Story, sample.Last), known.Target, at, _frames, 0);
        var told = chance["told"].Pick(Register.Referential, Register.Referential, Register.Planned, Register.Full);
        known.Captions[at] = chance["silent"].Happens(0.08) ? "" : Captions.Write(shot.Spec, told, chance["words"]);
        var map = story.Figures[sample.Last];
        for (var i = 0; i < map.Length; i++) known.Weight[at * map.Length + i] = 1 + (float)_figureWeight * map[i];
        var place = chance["empty"].Happens(known.Mode.Place);
        if (known.Mode.First || place) _known.Draft(known, at, story, sample.Last, 0, place, chance["staging"],
            known.Mode.Cast ? 0.85 : 0);

        void Remember(int place, float[] clip, float[] labels)
        {
            Copy(clip, batch.Memory, at, 2 * _frames, place * _frames);
            labels.CopyTo(batch.Labels, (at * 2 + place) * _frames);
        }
        float[] All(float label) => [.. Enumerable.Repeat(label, _frames)];
        void Shown(int place, int number) =>
            Remember(place, Clip(sample.Story, number), _labels.Of(story.Story, number, sample.Last, _frames));
        var inflated = !real && chance["inflated"].Happens(inflation.Share);
        int[] shots = [0, 1];
        batch.Earlier[at] = (real || inflated ? 2 : 1) * _frames;
        if (!real && !inflated)
        {
            Shown(0, sample.First);
            shots = [0];
        }
        else if (real)
        {
            Shown(0, sample.First);
            Shown(1, sample.Second);
        }
        else
        {
            var synthetic = chance["order"].Happens(inflation.SyntheticFirst) ? 0 : 1;
            Shown(1 - synthetic, sample.First);
            shots = [1 - synthetic];
            if (chance["other"].Happens(inflation.OtherStory))
            {
                var other = (sample.Story + 1 + chance["other story"].Below(_stories.Length - 1)) % _stories.Length;
                Remember(synthetic, Clip(other, chance["other shot"].Below(_stories[other].Clips.Length)),
                    All(FrameLabels.Foreign));
            }
            else
            {
                Remember(synthetic, Altered(Clip(sample.Story, sample.First), chance["altered"], inflation), All(FrameLabels.Altered));
            }
        }
        batch.Real[at] = chance["warm"].Shuffled<int>([.. shots.SelectMany(place => Enumerable.Range(place * _frames, _frames))]);
    }

    float[] Altered(float[] clip, Chance chance, Inflation inflation)
    {
        var (altered, alteration) = (new float[clip.Length], new Alteration(chance, _rows, _columns, inflation.ColourChange));
        var size = _rows * _columns;
        for (var picture = 0; picture < clip.Length / size; picture++)
            alteration.Apply(clip.AsSpan(picture * size, size), picture / _frames, altered.AsSpan(picture * size, size));
        return altered;
    }

    float[] Clip(int story, int shot) => [.. _stories[story].Clips[shot].Select(value => (float)value)];

    /// <summary>A clip [z, f, h, w] to frames from `first` on of a batch [B, z, frames, h, w].</summary>
    void Copy(float[] clip, float[] into, int at, int frames, int first)
    {
        var part = _frames * _rows * _columns;
        for (var channel = 0; channel < _z; channel++)
            clip.AsSpan(channel * part, part).CopyTo(into.AsSpan(((at * _z + channel) * frames + first) * _rows * _columns));
    }
}

/// <summary>Feature models that know the truth of the theatre: who is visible in a frame, and where it plays.</summary>
public sealed class TheatreFeatures : IDisposable
{
    readonly Stage _stage = new(112, 64);  // half of the pictures' sides: enough to see who is visible

    public IReadOnlyList<ShotFeature> All => [Who, Where];

    float[][] Who(DrawnStory story, int shot)
    {
        var (spec, cast) = (story.Shots[shot].Spec, story.Shots[shot].Cast);
        var frames = Models.Conditioning.LatentFrames(spec.Frames);
        // The middle of the pictures that a latent frame stands for.
        var clip = _stage.Draw(spec, [.. Enumerable.Range(0, frames).Select(Models.Conditioning.StagedFrame)]);
        return [.. clip.Seen.Select(seen =>
        {
            var people = new float[story.People.Count];
            for (var role = 0; role < seen.Count; role++)
                if (seen[role].Visible) people[cast[role]] = 1;
            return people;
        })];
    }

    static float[][] Where(DrawnStory story, int shot)
    {
        var places = new float[story.Locations.Count];
        places[story.Shots[shot].Place] = 1;
        return [.. Enumerable.Repeat(places, Models.Conditioning.LatentFrames(story.Shots[shot].Spec.Frames))];
    }

    public void Dispose() => _stage.Dispose();
}

/// <summary>Feature models that see only pixels: the judge's vectors of the people in a frame, and of the frame as a whole.</summary>
public sealed class JudgeFeatures(Judge judge) : IDisposable
{
    readonly Stage _stage = new(JudgeConfig.Width, JudgeConfig.Height);
    readonly Dictionary<(DrawnStory, int), IReadOnlyList<FrameFeatures>> _seen = [];

    public IReadOnlyList<ShotFeature> All => [People, Whole];

    IReadOnlyList<FrameFeatures> Look(DrawnStory story, int shot)
    {
        if (_seen.TryGetValue((story, shot), out var seen)) return seen;
        var spec = story.Shots[shot].Spec;
        // The middle of the pictures that a latent frame stands for.
        var clip = _stage.Draw(spec,
            [.. Enumerable.Range(0, Models.Conditioning.LatentFrames(spec.Frames)).Select(Models.Conditioning.StagedFrame)]);
        return _seen[(story, shot)] = judge.Features(clip.Frames, clip.Seen.Count, clip.Width, clip.Height);
    }

    /// <summary>The sum over people: who shares one of two with a frame is half like it; nobody is like nothing.</summary>
    float[][] People(DrawnStory story, int shot) => [.. Look(story, shot).Select(frame =>
    {
        var sum = new float[frame.Whole.Length];
        foreach (var person in frame.People)
            for (var i = 0; i < sum.Length; i++) sum[i] += person[i];
        return sum;
    })];

    float[][] Whole(DrawnStory story, int shot) => [.. Look(story, shot).Select(frame => frame.Whole)];

    public void Dispose() => _stage.Dispose();
}
