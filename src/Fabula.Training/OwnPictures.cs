// Pictures that the model itself makes of the shots it learns from. In a film it remembers its own frames, which are a little wrong, and
// what is wrong grows from shot to shot; a model that has seen such frames among the drawn ones learns to look past their faults.
// ("Self Forcing", Huang et al. 2025, has the same reason; here the pictures are made once, before training, by the weights begun with.)
//
// Every shot's three moments, shot after shot as a film goes: from its caption, its people's portraits, the newest pictures it made of
// shots with the same people, and the collage of its plan; decoded to bytes and encoded again, as a film remembers them.
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Fabula.Models;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <param name="mark">Of the model's weights: pictures of other weights are other files.</param>
/// <param name="folder">Where the stories' latents lie.</param>
public sealed class OwnPictures(VideoSettings settings, VideoTools tools, WanTransformer model, string mark, string folder)
{
    const int MostRemembered = 3;
    static readonly VideoMode Mode = VideoMode.Pictures[2];

    readonly (int Z, int Rows, int Columns, int Width, int Height) _size = VideoRecipe.Sizes(settings.Network, tools);

    int Picture => _size.Z * _size.Rows * _size.Columns;

    /// <summary>The stories with their pictures: everybody of the crew makes a part of what is not there, then reads the others'.</summary>
    public static List<LatentStory> Make(VideoSettings settings, VideoTools tools, string from, string folder,
        IReadOnlyList<LatentStory> stories, Crew crew, Action<string> say)
    {
        using var weights = PocketFolder.OpenVideo(from);
        var model = new WanTransformer(settings.Network, weights);
        var own = new OwnPictures(settings, tools, model, PocketFolder.MarkOfVideo(from), folder);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var made = 0;
        for (var i = crew.Rank; i < stories.Count; i += crew.Size)
        {
            if (own.Read(stories[i], i) is not null) continue;
            own.Write(stories[i], i);
            if (++made % 20 == 1 && crew.Leads)
                say($"own pictures of story {i + 1}/{stories.Count}, {clock.Elapsed.TotalSeconds / made:0.00} s a story");
        }
        crew.Meet();
        return [.. stories.Select((story, i) => story with { Own = own.Read(story, i)! })];
    }

    /// <summary>A story's pictures, from disk or made and kept there: per shot and moment [z, h, w].</summary>
    public Half[][][] Of(LatentStory story, int number)
    {
        if (Read(story, number) is null) Write(story, number);
        return Read(story, number)!;
    }

    string PathOf(int number) => Path.Combine(folder, $"{settings.Seed}-{number:D6}-{mark}.own");

    Half[][][]? Read(LatentStory story, int number)
    {
        var (shots, moments) = (story.Story.Shots.Count, LatentStory.Moments.Length);
        if (new FileInfo(PathOf(number)) is not { Exists: true } file || file.Length != 2L * shots * moments * Picture) return null;
        return [.. MemoryMarshal.Cast<byte, Half>(File.ReadAllBytes(PathOf(number))).ToArray().Chunk(Picture).Chunk(moments)];
    }

    void Write(LatentStory story, int number)
    {
        var path = PathOf(number);
        var temporary = $"{path}.{Environment.ProcessId}.new";
        File.WriteAllBytes(temporary, MemoryMarshal.AsBytes<Half>(
            Draw(story, number).SelectMany(moments => moments).SelectMany(picture => picture).ToArray()).ToArray());
        File.Move(temporary, path, overwrite: true);
    }

    Half[][][] Draw(LatentStory story, int number)
    {
        using var off = Autograd.Disable();
        var people = story.Story.People.Index().ToDictionary(at => at.Item, at => at.Index);
        var (made, chance) = (new List<Half[][]>(), new Chance(settings.Seed)["own"][number]);
        foreach (var (i, shot) in story.Story.Shots.Index())
        {
            var portraits = shot.Spec.Roles.Select(role => story.Portraits[people[role.Person]]);
            var seen = Enumerable.Range(0, i).Reverse().Where(other => story.Story.Shots[other].Cast.Intersect(shot.Cast).Any())
                .Select(other => made[other][1]);
            List<Half[]> remembered = [.. portraits.Concat(seen).Take(MostRemembered)];
            var caption = Captions.Write(shot.Spec, Register.Planned, chance["words"][i]);
            made.Add([.. Enumerable.Range(0, LatentStory.Moments.Length).Select(moment =>
                Sampled(Batch(story, i, moment, remembered, caption), chance["noise"][i][moment].Key))]);
        }
        return [.. made];
    }

    /// <summary>One picture as a film asks for it.</summary>
    VideoBatch Batch(LatentStory story, int shot, int moment, List<Half[]> remembered, string caption)
    {
        var (area, m) = (_size.Rows * _size.Columns, remembered.Count);
        var memory = new float[m * Picture];
        for (var channel = 0; channel < _size.Z; channel++)
            for (var frame = 0; frame < m; frame++)
                for (var at = 0; at < area; at++)
                    memory[(channel * m + frame) * area + at] = (float)remembered[frame][channel * area + at];
        var mask = new float[4 * area];
        Conditioning.WriteMask(mask, Conditioning.DraftMask(0, 1, first: false, last: false, background: true), 0, 1, _size.Rows,
            _size.Columns, story.Boxes[shot][LatentStory.Moments[moment]]);
        return new(Mode, 1, 1, m, new float[Picture], memory, [.. story.Collages[shot][moment].Select(value => (float)value)], mask, [],
            [caption]);
    }

    Half[] Sampled(VideoBatch batch, ulong seed)
    {
        using var scope = TensorScope.Open();
        var picture = VaeRecipe.Bytes(tools.Vae.Decode(VideoRecipe.Sample(settings, tools, model, batch, 0, seed)));
        var latents = tools.Vae.Encode(VaeRecipe.Pixels(picture, 1, 1, _size.Height, _size.Width));
        return latents.To(DType.F16).Contiguous().ToArray<Half>();
    }

    /// <summary>Tells the weights of a file apart from others.</summary>
    public static string MarkOf(string file)
    {
        using var stream = File.OpenRead(file);
        return Convert.ToHexStringLower(SHA256.HashData(stream))[..12];
    }
}
