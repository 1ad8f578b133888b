// How the steps of a film are made. Whoever changes what one of these writes raises its version.
using Fabula.Build;
using Fabula.Models;

namespace Fabula.Production;

/// <summary>The recipes of one film.</summary>
/// <param name="renderer">Asked for when a clip is really rendered, so that a film that is done loads no model.</param>
/// <param name="assemble">Writes the film of finished clips into the one output.</param>
/// <param name="eyes">What looks at frames for a bank; <see cref="PlainEyes"/> unless given.</param>
/// <param name="secondsPerWork">Measured before: seconds for a unit of <see cref="ClipSettings.Work"/>; 0 if not known.</param>
public sealed class Recipes(Func<IRenderer> renderer, Action<StepRun, CancellationToken> assemble, Func<double> secondsPerWork,
    IFrameEyes? eyes = null)
{
    public const string Clips = "clip.frames", Pictures = "picture.frames", Keys = "keys.frames", Film = "film.zip",
        Bank = "bank.frames", Labels = "bank.json", Rows = "words.rows", Memories = "memory.safetensors",
        Recalled = "recalled.safetensors", Recalls = "recalled.json";
    public const int MostKeyframes = 3;

    public Recipe Clip => field ??= new Recipe("clip", 3, Render)
    {
        Check = Decode,
        Cost = step => ClipSettings.Of(step) is var clip
            ? new StepCost(clip.Work() * secondsPerWork(),
                renderer().MemoryBytes(clip.Width, clip.Height, Math.Min(clip.Frames, clip.Part), clip.Remembered)) : default,
    };

    /// <summary>Rows of text of one prompt.</summary>
    public Recipe Words => field ??= new Recipe("words", 1, (run, _) =>
    {
        File.WriteAllBytes(run.Output(Rows), renderer().WordsOf(run.Settings.Read<WordsSettings>().Prompt, run.Folder));
        return Task.CompletedTask;
    });

    /// <summary>A picture from outside, as frames.</summary>
    public Recipe Import => field ??= new Recipe("picture", 1, (run, cancel) =>
    {
        Picture picture;
        try { picture = PictureReader.Read(run.Input("picture"), cancel); }
        catch (InvalidDataException e)
        {
            throw new StepException($"the picture '{((SourceInput)run.Step.Inputs[0]).Path}' {e.Message}", e);
        }
        FramesFile.Write(run.Output(Pictures), picture.Width, picture.Height, 1, [picture.Rgb]);
        return Task.CompletedTask;
    })
    { Check = Decode };

    /// <summary>A place's picture at another hour, or from the other side.</summary>
    public Recipe Light => field ??= new Recipe("light", 1, (run, _) =>
    {
        var (settings, plate) = (run.Settings.Read<LightSettings>(), Ends(run.Input("picture")).First);
        var lit = DayLight.Place(plate, settings.From, settings.To, settings.Inside);
        if (settings.Mirrored) lit = DayLight.Mirrored(lit);
        FramesFile.Write(run.Output(Pictures), lit.Width, lit.Height, 1, [lit.Rgb]);
        return Task.CompletedTask;
    })
    { Check = Decode };

    /// <summary>The frames of a clip that are worth remembering.</summary>
    public Recipe Keyframes => field ??= new Recipe("keyframes", 1, (run, _) =>
    {
        using var clip = FramesFile.Open(run.Input("clip"));
        var frames = clip.Read().ToList();
        var chosen = KeyframePicks.Choose(frames, clip.Width, clip.Height, MostKeyframes);
        FramesFile.Write(run.Output(Keys), clip.Width, clip.Height, chosen.Count, chosen.Select(i => frames[i]));
        return Task.CompletedTask;
    })
    { Check = Decode };

    /// <summary>
    /// The bank before (inputs "bank" and "labels", absent at first) and what is added: the keyframes of a clip, or reference pictures.
    /// </summary>
    public Recipe Remember => field ??= new Recipe("bank", 1, (run, _) =>
    {
        var bank = Has(run, "bank") ? KeyframeBank.Read(run.Input("bank"), run.Input("labels")) : KeyframeBank.Empty;
        var settings = run.Step.Settings.Read<BankSettings>();
        var (width, height) = (settings.Width, settings.Height);
        foreach (var (input, label) in run.Step.Inputs.Where(input => input.Name.StartsWith("picture-", StringComparison.Ordinal))
            .Zip(settings.Labels))
        {
            var picture = Ends(run.Input(input.Name)).First;
            bank = bank.With(label, PlateView.Fit(picture, width, height));
        }
        if (Has(run, "clip"))
        {
            using var clip = FramesFile.Open(run.Input("clip"));
            bank = bank.With(settings.Labels[^1], clip.Read().ToList(), width, height, eyes, staging: settings.Staging(clip.Frames));
        }
        bank.Write(run.Output(Bank), run.Output(Labels), width, height);
        return Task.CompletedTask;
    });

    /// <summary>OneStory: what later shots may recall of a clip.</summary>
    public Recipe Memory => field ??= new Recipe("memory", 1, (run, _) =>
    {
        using var clip = FramesFile.Open(run.Input("clip"));
        renderer().Keep([.. clip.Read()], clip.Width, clip.Height, run.Output(Memories));
        return Task.CompletedTask;
    });

    /// <summary>OneStory: what a shot recalls of the shots before it, and a list of that.</summary>
    public Recipe Recall => field ??= new Recipe("recall", 1, (run, _) =>
    {
        var settings = run.Step.Settings.Read<RecallSettings>();
        var chosen = renderer().Recall(settings.Prompt, [.. run.Step.Inputs.Select(input => run.Input(input.Name))], run.Output(Recalled));
        RecalledFrames.Write(run.Output(Recalls), [.. chosen.Select(frame => new RecalledFrames(settings.Shots[frame.Shot], frame.Frame,
            Math.Round(frame.Score, 4), Math.Round(frame.Share, 4)))]);
        return Task.CompletedTask;
    });

    /// <summary>MovieDreamer's.</summary>
    public KeyframeRecipes Told => field ??= new(renderer);

    public Recipe Assembly => field ??= new Recipe("film", 1, (run, cancel) =>
    {
        assemble(run, cancel);
        return Task.CompletedTask;
    });

    Task Render(StepRun run, CancellationToken cancel)
    {
        var settings = ClipSettings.Of(run.Step);
        var memory = run.Step.Inputs.Where(input => input.Name.StartsWith("memory-", StringComparison.Ordinal)).Zip(settings.Memory)
            .SelectMany(pair => Take(run.Input(pair.First.Name), pair.Second)).ToList();
        var seen = new List<SeenFrame>();
        if (Has(run, "bank"))
        {
            var bank = KeyframeBank.Read(run.Input("bank"), run.Input("labels"));
            Picture Keyframe(int i) => new(bank.Entries[i].Rgb, settings.Width, settings.Height);
            memory.AddRange(bank.Pick(settings.Pinned ?? [], settings.BankRoom).Select(Keyframe));
            seen.AddRange(bank.Pick(settings.Pinned ?? [], KeyframeBank.Capacity).Select(i => bank.Entries[i].Label.Seen(Keyframe(i))));
        }
        var background = Has(run, "background") ? PlateView.Part(Ends(run.Input("background")).First, settings.Zoom) : null;
        var stage = background is null ? null : new Collages(settings, background,
            [.. (settings.Staging ?? []).Select((_, i) => Figure(run, settings, i, seen))],
            [.. (settings.Props ?? []).Select((_, i) => Lit(settings, CutOut.Of(Ends(run.Input($"prop-{i + 1}")).First)))]);
        List<Picture> motion = settings.Motion > 0 ? Lasts(run.Input("first"), settings.Motion) : [];
        var first = motion.Count == 0 && Has(run, "first") ? Ends(run.Input("first")).Last : null;
        var last = Has(run, "last") ? Ends(run.Input("last")).First : null;
        (byte[], byte[])? words = !Has(run, "words") ? null
            : (File.ReadAllBytes(run.Input("words")), File.ReadAllBytes(run.Input("avoid")));
        var parts = settings.Parts();
        Picture? anchor = null;
        var frames = new List<byte[]>(settings.Frames);
        foreach (var (i, (length, seed)) in parts.Index())
        {
            var request = settings.Request(length, seed) with
            {
                Words = words,
                Memory = anchor is not null && renderer().Facts.Modes.HasFlag(FilmModes.Memory) ? [.. memory, anchor] : memory,
                First = first,
                Anchor = anchor,
                Motion = motion,
                Last = i + 1 == parts.Count ? last : null,
                Recalled = Has(run, "recalled") ? run.Input("recalled") : null,
                Drafts = stage?.Drafts(frames.Count, length, first, i + 1 == parts.Count ? last : null) ?? [],
                Staging = stage?.Staging(frames.Count, length) ?? [],
                DraftTrust = stage is { IsWhole: true } ? settings.DraftTrust : 0,
            };
            var keeping = new RenderKeeping(run.Folder, name => run.Load($"{name}-{i}"), (name, bytes) => run.Save($"{name}-{i}", bytes),
                (done, total) => run.Report(i * total + done, parts.Count * total));
            var made = run.Load($"part-{i}") is { } kept ? Unpack(kept, settings) : renderer().Render(request, keeping, cancel);
            if (i + 1 < parts.Count) run.Save($"part-{i}", [.. made.SelectMany(frame => frame)]);
            // One frame of the clip before stays, which the film leaves out, as where a clip goes on from a last frame.
            frames.AddRange(i > 0 ? made.Skip(settings.Repeated) : made.Skip(settings.Repeated - 1));
            Picture Shown(byte[] frame) => new(frame, settings.Width, settings.Height);
            if (settings.Anchor) anchor ??= Shown(made[0]);
            if (motion.Count > 0) motion = [.. made.TakeLast(settings.Motion).Select(Shown)];
            else first = Shown(made[^1]);
        }
        FramesFile.Write(run.Output(Clips), settings.Width, settings.Height, frames.Count, frames);
        return Task.CompletedTask;
    }

    /// <summary>Somebody cut out of their picture, or, where there is none, of what the bank remembers.</summary>
    CutOut? Figure(StepRun run, ClipSettings settings, int person, List<SeenFrame> seen) =>
        Has(run, $"person-{person + 1}") ? Lit(settings, CutOut.Of(Ends(run.Input($"person-{person + 1}")).First))
        : settings.Cast?[person] is { } id && seen.Count > 0 && renderer().Matte is { } matte
            ? new Recollection(matte, seen).Person(id) : null;

    static CutOut? Lit(ClipSettings settings, CutOut? figure) =>
        figure is not null && settings.Light is { } light ? light.On(figure) : figure;

    static List<byte[]> Unpack(byte[] kept, ClipSettings settings) => [.. kept.Chunk(settings.Width * settings.Height * 3)];

    internal static bool Has(StepRun run, string input) => run.Step.Inputs.Any(other => other.Name == input);

    static IEnumerable<Picture> Take(string path, int count)
    {
        using var file = FramesFile.Open(path);
        var pictures = file.Read().ToList();
        // Of more than are wanted the evenly spaced ones: a single one is the middle of the clip's choice.
        for (var i = 0; i < Math.Min(count, pictures.Count); i++)
        {
            var at = count >= pictures.Count ? i : (2 * i + 1) * pictures.Count / (2 * count);
            yield return new Picture(pictures[at], file.Width, file.Height);
        }
    }

    internal static (Picture First, Picture Last) Ends(string path)
    {
        using var file = FramesFile.Open(path);
        byte[]? first = null, last = null;
        foreach (var frame in file.Read()) (first, last) = (first ?? frame, frame);
        return (new Picture(first!, file.Width, file.Height), new Picture(last!, file.Width, file.Height));
    }

    /// <summary>The last frames of a clip, all of them where it has fewer.</summary>
    static List<Picture> Lasts(string path, int count)
    {
        using var file = FramesFile.Open(path);
        return [.. file.Read().Skip(file.Frames - count).Select(frame => new Picture(frame, file.Width, file.Height))];
    }

    internal static Task Decode(string name, string path, CancellationToken cancel)
    {
        using var file = FramesFile.Open(path);
        foreach (var _ in file.Read()) cancel.ThrowIfCancellationRequested();
        return Task.CompletedTask;
    }
}
