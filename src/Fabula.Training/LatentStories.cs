// Stories as the video model learns them: drawn, encoded once, kept on disk. Only latents are kept; who is in a shot and what a caption
// says of it follows again from the story's number.
using Fabula.Models;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <summary>
/// A story's latents, normalised, as half floats. A clip is [z, 5, 16, 28]; a picture (one frame encoded by itself) is [z, 16, 28]; a
/// figure map says for each latent which share of its pixels is people.
/// </summary>
/// <param name="Clips">Per shot; empty where only pictures were encoded.</param>
/// <param name="Pictures">Per shot the first, the middle and the last frame, or the first alone
/// (<see cref="LatentStories.Keyframes(int, int, Action{int}?)"/>).</param>
/// <param name="Portraits">Per person of the story.</param>
/// <param name="Plates">Per shot, the place without people.</param>
/// <param name="Stills">Per shot, where there are clips: the empty place, the first and the last frame, as a later latent frame has them
/// when they stand still (<see cref="Conditioning.Drafts"/>).</param>
public sealed record LatentStory(DrawnStory Story, Half[][] Clips, Half[][][] Pictures, Half[][] Portraits, Half[][] Plates,
    float[][] Figures, Half[][][] Stills)
{
    /// <summary>Per place of the story, as a wide shot sees it, empty, from the side from which it is drawn.</summary>
    public Half[][] Views { get; init; } = [];
    /// <summary>Where people stand: per shot, per pixel frame, in the order of the roles.</summary>
    public StageBox[][][] Boxes { get; init; } = [];
    /// <summary>Per shot and moment, portraits laid on the empty place there (<see cref="Collage"/>).</summary>
    public Half[][][] Collages { get; init; } = [];
    /// <summary>Per shot, where there are clips: the collages of all frames as a clip, [z, 5, 16, 28].</summary>
    public Half[][] Moving { get; init; } = [];
    /// <summary>Per shot and moment, what the model itself has made of it (<see cref="OwnPictures"/>), where it was asked.</summary>
    public Half[][][] Own { get; init; } = [];

    /// <summary>A place as words alone ask for it: which side of it is left they do not say.</summary>
    public static ShotSpec View(Location location) =>
        new(location with { Mirrored = false }, ShotSize.Wide, CameraMove.Static, [], Frames: 1);

    /// <summary>Frames of a shot that are encoded by themselves.</summary>
    public static readonly int[] Moments = [0, 8, 16];
}

/// <param name="mirrored">Every frame is turned left to right before it is encoded; what a story's shots say is not. Other files.</param>
public sealed class LatentStories(WanVae vae, string folder, ulong seed, int height = 128, int width = 224, bool mirrored = false)
{
    readonly int _z = vae.Config.ZDim, _rows = height / vae.Config.SpatialStride, _columns = width / vae.Config.SpatialStride;

    public static DrawnStory Tell(ulong seed, int number, bool heldOut = false) =>
        Playwright.Story(new Chance(seed)[heldOut ? "held out" : "stories"][number], heldOut);

    /// <summary>
    /// Stories [from, to), of which those that are multiples of clipEvery have clips. Encodes what is not on disk; on the tensor thread.
    /// </summary>
    /// <param name="drafts">With collages, boxes and views, which only a model that takes drafts needs.</param>
    public IEnumerable<LatentStory> Load(int from, int to, int clipEvery, Action<int>? done = null, bool drafts = true)
    {
        Directory.CreateDirectory(folder);
        using var stage = new Stage(width, height);
        using var collages = new DrawnCollages(stage, width, height, mirrored);
        for (var number = from; number < to; number++)
        {
            var path = Path.Combine(folder, $"{seed}-{number:D6}{(mirrored ? "-mirrored" : "")}.latents");
            var story = Tell(seed, number);
            var clips = number % clipEvery == 0;
            var made = Read(path, story, clips) ?? Make(path, story, clips, stage, drafts);
            if (drafts)
            {
                made = made with { Boxes = Where(story, collages), Views = Views(story, stage) };
                if (!mirrored) made = WithCollages(Path.ChangeExtension(path, "collages"), made, collages);
            }
            yield return made;
            done?.Invoke(number);
        }
    }

    /// <summary>
    /// Stories [from, to) as MovieDreamer sees them: of every shot its first frame alone, with figures and boxes of that frame, the
    /// portraits, and the empty places (<see cref="LatentStory.Views"/>). As <see cref="Load"/>, in smaller files of their own.
    /// </summary>
    public IEnumerable<LatentStory> Keyframes(int from, int to, Action<int>? done = null)
    {
        Directory.CreateDirectory(folder);
        using var stage = new Stage(width, height);
        using var collages = new DrawnCollages(stage, width, height, mirrored);
        for (var number = from; number < to; number++)
        {
            var path = Path.Combine(folder, $"{seed}-{number:D6}-keyframes{(mirrored ? "-mirrored" : "")}.latents");
            var story = Tell(seed, number);
            if (ReadKeyframes(path, story) is not { } values)
            {
                values = MakeKeyframes(story, stage);
                File.WriteAllBytes(path + ".new", System.Runtime.InteropServices.MemoryMarshal.AsBytes<Half>(values).ToArray());
                File.Move(path + ".new", path, overwrite: true);
            }
            yield return OfKeyframes(story, values, collages);
            done?.Invoke(number);
        }
    }

    /// <summary>One story as <see cref="Keyframes"/> has it, without the disk.</summary>
    public LatentStory Keyframes(DrawnStory story)
    {
        using var stage = new Stage(width, height);
        using var collages = new DrawnCollages(stage, width, height, mirrored);
        return OfKeyframes(story, MakeKeyframes(story, stage), collages);
    }

    /// <summary>Latents of first frames, portraits and views, one after another, then how much of the first frames is people.</summary>
    Half[] MakeKeyframes(DrawnStory story, Stage stage)
    {
        using var scope = TensorScope.Open();
        var drawn = story.Shots.Select(shot => stage.Draw(shot.Spec, 0)).ToList();
        byte[] all = [.. drawn.SelectMany(clip => clip.Frames),
            .. story.People.SelectMany(person => stage.Draw(ShotSpec.Portrait(person)).Frames),
            .. story.Locations.SelectMany(location => stage.Draw(LatentStory.View(location)).Frames)];
        var latents = vae.Encode(Pixels(all, all.Length / (3 * width * height), 1));
        return [.. Halves(latents), .. drawn.SelectMany(clip => Figures(clip, 0)).Select(value => (Half)value)];
    }

    Half[]? ReadKeyframes(string path, DrawnStory story)
    {
        var places = _rows * _columns;
        var wanted = (story.Shots.Count + story.People.Count + story.Locations.Count) * _z * places + story.Shots.Count * places;
        return new FileInfo(path) is { Exists: true } file && file.Length == 2L * wanted
            ? System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Half>(File.ReadAllBytes(path)).ToArray() : null;
    }

    LatentStory OfKeyframes(DrawnStory story, Half[] values, DrawnCollages collages)
    {
        var (places, shots, people) = (_rows * _columns, story.Shots.Count, story.People.Count);
        var pictures = values[..^(shots * places)].Chunk(_z * places).ToArray();
        Half[][] none = [.. story.Shots.Select(_ => Array.Empty<Half>())];
        return new(story, none, [.. pictures[..shots].Select(picture => new[] { picture })], pictures[shots..(shots + people)], none,
            [.. values[^(shots * places)..].Select(value => (float)value).Chunk(places)], [.. none.Select(_ => Array.Empty<Half[]>())])
        {
            Views = pictures[(shots + people)..],
            Boxes = [.. story.Shots.Select(shot => new[] { collages.BoxesAt(shot.Spec, 0) })],
        };
    }

    /// <summary>Draws and encodes, without the disk.</summary>
    /// <param name="drafts">With collages, boxes and views.</param>
    public LatentStory Encode(DrawnStory story, bool clips, Stage stage, bool drafts = true)
    {
        using var scope = TensorScope.Open();
        using var collages = new DrawnCollages(stage, width, height, mirrored);
        var drawn = story.Shots.Select(shot => clips ? stage.Draw(shot.Spec) : stage.Draw(shot.Spec, LatentStory.Moments)).ToList();
        Half[] One(ReadOnlySpan<byte> frame) => Halves(vae.Encode(Pixels(frame.ToArray(), 1, 1)));
        Half[][] pictures(Clip clip)
        {
            var chosen = clips ? LatentStory.Moments.SelectMany(moment => clip.Frame(moment).ToArray()).ToArray() : clip.Frames;
            var latents = vae.Encode(Pixels(chosen, LatentStory.Moments.Length, 1));
            return [.. Enumerable.Range(0, LatentStory.Moments.Length).Select(i => Halves(latents.Narrow(0, i, 1)))];
        }
        var made = new LatentStory(story,
            [.. drawn.Select(clip => clips ? Halves(vae.Encode(Pixels(clip.Frames, 1, clip.Spec.Frames))) : [])],
            [.. drawn.Select(pictures)],
            [.. story.People.Select(person => One(stage.Draw(ShotSpec.Portrait(person)).Frames))],
            [.. story.Shots.Select(shot => One(Empty(shot.Spec, stage)))],
            [.. drawn.Select(clip => Figures(clip, clips))],
            [.. story.Shots.Select(shot => clips ? Still(shot.Spec, stage) : [])]);
        return drafts ? Collages(made with { Boxes = Where(story, collages), Views = Views(story, stage) }, collages) : made;
    }

    static StageBox[][][] Where(DrawnStory story, DrawnCollages collages) => [.. story.Shots.Select(shot => collages.Boxes(shot.Spec))];

    Half[][] Views(DrawnStory story, Stage stage)
    {
        using var scope = TensorScope.Open();
        byte[] drawn = [.. story.Locations.SelectMany(location => stage.Draw(LatentStory.View(location)).Frames)];
        var latents = vae.Encode(Pixels(drawn, story.Locations.Count, 1));
        return [.. Enumerable.Range(0, story.Locations.Count).Select(i => Halves(latents.Narrow(0, i, 1)))];
    }

    LatentStory Collages(LatentStory story, DrawnCollages collages)
    {
        var (pictures, moving) = (new List<Half[][]>(), new List<Half[]>());
        foreach (var (shot, i) in story.Story.Shots.Select((shot, i) => (shot.Spec, i)))
        {
            using var scope = TensorScope.Open();
            var clips = story.Clips[i].Length > 0;
            int[] frames = clips ? [.. Enumerable.Range(0, shot.Frames)] : LatentStory.Moments;
            var drawn = collages.Of(shot, story.Boxes[i], frames);
            byte[] chosen = [.. drawn.Where((_, at) => LatentStory.Moments.Contains(frames[at])).SelectMany(picture => picture.Rgb)];
            var latents = vae.Encode(Pixels(chosen, LatentStory.Moments.Length, 1));
            pictures.Add([.. Enumerable.Range(0, LatentStory.Moments.Length).Select(moment => Halves(latents.Narrow(0, moment, 1)))]);
            moving.Add(clips ? Halves(vae.Encode(Pixels([.. drawn.SelectMany(picture => picture.Rgb)], 1, shot.Frames))) : []);
        }
        return story with { Collages = [.. pictures], Moving = [.. moving] };
    }

    /// <summary>Collages from disk, or made and kept there.</summary>
    LatentStory WithCollages(string path, LatentStory story, DrawnCollages collages)
    {
        var (shots, picture) = (story.Story.Shots.Count, _z * _rows * _columns);
        var clip = story.Clips[0].Length;
        if (new FileInfo(path) is { Exists: true } file && file.Length == 2L * shots * (LatentStory.Moments.Length * picture + clip))
        {
            var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Half>(File.ReadAllBytes(path)).ToArray();
            return story with
            {
                Collages = [.. values[..(shots * LatentStory.Moments.Length * picture)].Chunk(picture).Chunk(LatentStory.Moments.Length)],
                Moving = clip == 0 ? [.. Enumerable.Repeat(Array.Empty<Half>(), shots)]
                    : [.. values[(shots * LatentStory.Moments.Length * picture)..].Chunk(clip)],
            };
        }
        var made = Collages(story, collages);
        File.WriteAllBytes(path + ".new", System.Runtime.InteropServices.MemoryMarshal.AsBytes<Half>(
            made.Collages.SelectMany(moments => moments).Concat(made.Moving).SelectMany(latents => latents).ToArray()).ToArray());
        File.Move(path + ".new", path, overwrite: true);
        return made;
    }

    /// <summary>RGB bytes to [batch, 3, count, H, W], mirrored where that is wanted.</summary>
    Tensor Pixels(byte[] frames, long batch, long count)
    {
        var pixels = VaeRecipe.Pixels(frames, batch, count, height, width);
        return mirrored ? pixels.Flip(4) : pixels;
    }

    Half[][] Still(ShotSpec spec, Stage stage)
    {
        var (empty, ends) = (Empty(spec, stage), stage.Draw(spec, [0, spec.Frames - 1]));
        byte[] Repeated(byte[] frame) => [.. Enumerable.Repeat(frame, Conditioning.StillFrames).SelectMany(bytes => bytes)];
        byte[] all = [.. Repeated(empty), .. Repeated(ends.Frame(0).ToArray()), .. Repeated(ends.Frame(1).ToArray())];
        var latents = vae.Encode(Pixels(all, 3, Conditioning.StillFrames));
        return [.. Enumerable.Range(0, 3).Select(i => Halves(latents.Narrow(0, i, 1).Narrow(2, 1, 1)))];
    }

    static byte[] Empty(ShotSpec spec, Stage stage) => stage.Draw(spec.Plate with { Frames = 1, Camera = CameraMove.Static }).Frames;

    LatentStory Make(string path, DrawnStory story, bool clips, Stage stage, bool drafts)
    {
        var made = Encode(story, clips, stage, drafts);
        Write(path, made);
        return made;
    }

    static void Write(string path, LatentStory made)
    {
        using (var file = new BinaryWriter(File.Create(path + ".new")))
        {
            foreach (var latents in Parts(made))
                foreach (var value in latents) file.Write(value);
            foreach (var figures in made.Figures)
                foreach (var value in figures) file.Write((Half)value);
            foreach (var value in made.Stills.SelectMany(stills => stills).SelectMany(still => still)) file.Write(value);
        }
        File.Move(path + ".new", path, overwrite: true);
    }

    static IEnumerable<Half[]> Parts(LatentStory story) =>
        story.Clips.Concat(story.Pictures.SelectMany(pictures => pictures)).Concat(story.Portraits).Concat(story.Plates);

    LatentStory? Read(string path, DrawnStory story, bool clips)
    {
        if (!File.Exists(path)) return null;
        using var file = new BinaryReader(File.OpenRead(path));
        var (shots, picture) = (story.Shots.Count, _z * _rows * _columns);
        var frames = Conditioning.LatentFrames(story.Shots[0].Spec.Frames);
        var wanted = (clips ? shots * picture * frames : 0) + shots * 3 * picture + story.People.Count * picture + shots * picture
            + shots * frames * _rows * _columns + (clips ? shots * 3 * picture : 0);
        if (file.BaseStream.Length != 2L * wanted) return null;
        Half[] Take(int count)
        {
            var values = new Half[count];
            file.BaseStream.ReadExactly(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        }
        return new(story, [.. story.Shots.Select(_ => clips ? Take(picture * frames) : [])],
            [.. story.Shots.Select(_ => new[] { Take(picture), Take(picture), Take(picture) })],
            [.. story.People.Select(_ => Take(picture))], [.. story.Shots.Select(_ => Take(picture))],
            [.. story.Shots.Select(_ => Take(frames * _rows * _columns).Select(value => (float)value).ToArray())],
            [.. story.Shots.Select(_ => clips ? new[] { Take(picture), Take(picture), Take(picture) } : [])]);
    }

    /// <summary>Per latent of a clip, how much of it is people: [5, 16, 28]; where only pictures were drawn, of those.</summary>
    float[] Figures(Clip clip, bool whole)
    {
        var frames = Conditioning.LatentFrames(clip.Spec.Frames);
        var map = new float[frames * _rows * _columns];
        for (var f = 0; f < frames; f += whole ? 1 : 2)
            Figures(clip, !whole ? f / 2 : f == 0 ? 0 : 4 * f - 2).CopyTo(map.AsSpan(f * _rows * _columns));
        return map;
    }

    /// <summary>Per latent of one drawn frame, how much of it is people: [16, 28].</summary>
    float[] Figures(Clip clip, int frame)
    {
        var (stride, map) = (vae.Config.SpatialStride, new float[_rows * _columns]);
        var mask = clip.Mask(frame);
        for (var i = 0; i < mask.Length; i++)
            if (mask[i] is > 0 and < Clip.OpenDoor)
            {
                var column = mirrored ? width - 1 - i % width : i % width;
                map[i / width / stride * _columns + column / stride] += 1f / (stride * stride);
            }
        return map;
    }

    static Half[] Halves(Tensor latents) => latents.To(DType.F16).Contiguous().ToArray<Half>();
}
