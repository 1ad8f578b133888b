// What MovieDreamer's networks can do, on held-out stories: `fabula evaluate moviedreamer`. A table each on the tokenizer (a picture from
// its own tokens, and with what the renderer sees beside them), on the planner (identities, references) and on length.
//
// ST is the paper's: how alike somebody looks in neighbouring keyframes that should both show them, here by the judge's vector of a
// person; LT the share of keyframes that show somebody whom their script names. The paper does not say what counts as showing somebody:
// here the judge, who pairs the script's people with the people seen, finds at least five of seven attributes right.
using System.Diagnostics;
using Fabula.Models;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <param name="tools">VAE and text encoder of the pocket folder.</param>
/// <param name="planner">Null: only the tokenizer is asked about.</param>
/// <param name="history">Keyframes in view when one is told, as in a film.</param>
public sealed class MovieDreamerReport(VideoTools tools, KeyframeTokenizer tokenizer, KeyframePlanner? planner, Judge judge,
    KeyframeExamples held, double temperature = KeyframeModel.Temperature, int history = 12, ulong seed = 3) : IDisposable
{
    const int Width = JudgeConfig.Width, Height = JudgeConfig.Height;
    /// <summary>Attributes of a person that may be misread when they still count as shown: of seven.</summary>
    const double MostWrong = 2;
    readonly SentenceReader _reader = tools.Reader();
    readonly TokenizerRecipe.Theatre _theatre = new(Width, Height);

    IReadOnlyList<LatentStory> Stories => held.Stories(false);

    /// <summary>What the renderer sees beside tokens.</summary>
    enum Beside
    {
        /// <summary>Nothing.</summary>
        Nothing,
        /// <summary>Sentences and identities, as the paper's identity-preserving renderer.</summary>
        Script,
        /// <summary>And people laid on the draft.</summary>
        People,
        /// <summary>And these on the drawn empty place instead of the sketch.</summary>
        Place,
    }

    /// <summary>A picture from its tokens. The drawn pictures, through the VAE alone, say what the judge can read at best.</summary>
    public IEnumerable<Measured> Tokenizer()
    {
        var frames = Enumerable.Range(0, Stories.Count).SelectMany(Story).ToList();
        yield return Table("keyframes through the VAE alone", frames, Latents(frames));
        var (own, some) = (Tokens(frames), $"from {tokenizer.Config.Tokens} tokens of {tokenizer.Config.TokenDim}");
        if (tokenizer.Config.Drafts) yield return Table($"{some}, the sketch alone", frames, Sketches(own));
        yield return Table(some, frames, Drawn([.. frames], own, Beside.Nothing));
        yield return Table($"{some}, sentences and identities", frames, Drawn([.. frames], own, Beside.Script));
        if (tokenizer.Config.Drafts)
        {
            yield return Table($"{some}, sentences, identities and people laid on the draft", frames,
                Drawn([.. frames], own, Beside.People));
            yield return Table("and these on the drawn empty place", frames, Drawn([.. frames], own, Beside.Place));
        }
        yield return Table("from sentences and identities without tokens", frames, Drawn([.. frames], null, Beside.Script));
    }

    /// <summary>Keyframes told from scripts of people who were never seen.</summary>
    public IEnumerable<Measured> Planner()
    {
        var best = tokenizer.Config.Drafts ? Beside.People : Beside.Script;
        foreach (var (name, known, references, drawn) in new[]
        {
            ("told with identities", true, false, new[] { ("the identity renderer", best), ("tokens alone", Beside.Nothing) }),
            ("told without identities", false, false, [("the identity renderer", best), ("tokens alone", Beside.Nothing)]),
            ("few-shot, the story's empty places in front", true, true,
                [("the identity renderer", best), ("tokens alone", Beside.Nothing),
                    ("people laid on the drawn empty place", Beside.Place)]),
        })
        {
            var frames = Enumerable.Range(0, Stories.Count).Select(Story).ToList();
            var told = frames.Select(own => Told(own, known, references)).ToList();
            foreach (var (by, what) in drawn)
            {
                if (what == Beside.Place && !tokenizer.Config.Drafts) continue;
                var (seen, all) = (new List<(Keyframe, FrameFeatures)>(), frames.SelectMany(own => own).ToList());
                yield return Table($"{name}; drawn by {by}", all, Drawn([.. all], [.. told.SelectMany(tokens => tokens)], what), seen);
                yield return new($"{name}; drawn by {by}: ST, LT", "the paper's signs", Consistency(seen));
            }
        }
    }

    /// <summary>
    /// A sheet of stories, five rows each: drawn; from their own tokens alone, and with people laid on the draft; told, the same two ways.
    /// </summary>
    public void Sheet(Stream output, int stories)
    {
        const int Columns = 6;
        var (pictures, best) = (new List<ReadOnlyMemory<byte>>(), tokenizer.Config.Drafts ? Beside.People : Beside.Script);
        for (var story = 0; story < Math.Min(stories, Stories.Count); story++)
        {
            Keyframe[] own = [.. Story(story).Take(Columns)];
            var (tokens, told) = (Tokens([.. own]), Told(own, true, false));
            foreach (var latents in new[] { Latents([.. own]), Drawn(own, tokens, Beside.Nothing), Drawn(own, tokens, best),
                Drawn(own, told, Beside.Nothing), Drawn(own, told, best) })
                for (var i = 0; i < Columns; i++)
                    pictures.Add(i < latents.Count ? Decoded(latents[i]) : Enumerable.Repeat((byte)245, Width * Height * 3).ToArray());
        }
        ContactSheet.Write(output, pictures, Width, Height, Columns);
    }

    /// <summary>How much worse than on learned stories a planner foresees the tokens of held-out ones.</summary>
    /// <param name="planners">By their names.</param>
    public IEnumerable<Measured> Generalisation(IReadOnlyList<(string Name, KeyframePlanner Planner)> planners, KeyframeExamples learned) =>
        planners.Select(entry => LibTorch.Run(() =>
        {
            using var off = Autograd.Disable();
            var (known, unknown) = (PlannerRecipe.Wrong(entry.Planner, tokenizer, _reader, learned),
                PlannerRecipe.Wrong(entry.Planner, tokenizer, _reader, held));
            return new Measured($"{entry.Name}: l2 of tokens on learned stories, on held-out ones, gap", "smaller gap with the measures",
                string.Create(System.Globalization.CultureInfo.InvariantCulture,
                    $"{known:0.000}, {unknown:0.000}, {unknown - known:0.000}"));
        }));

    /// <summary>One story again and again, a keyframe after the other.</summary>
    /// <param name="count">Keyframes.</param>
    public IEnumerable<Measured> Length(int count)
    {
        var own = Story(0);
        List<Keyframe> film = [.. Enumerable.Range(0, count).Select(i => own[i % own.Length])];
        var (seconds, live, readings) = (new List<double>(), new List<double>(), new List<Reading>());
        var before = new List<(PlannerFrame, float[])>();
        foreach (var (number, keyframe) in film.Index())
        {
            var watch = Stopwatch.StartNew();
            var tokens = Next(before, keyframe, true, number);
            var latents = Drawn([keyframe], [tokens], tokenizer.Config.Drafts ? Beside.People : Beside.Script)[0];
            seconds.Add(watch.Elapsed.TotalSeconds);
            live.Add(LibTorch.Run(() => LibTorch.Memory.Live) / 1048576.0);
            readings.AddRange(Read([latents]).Select(features => features.Reading));
        }
        var tenth = Math.Max(1, count / 10);
        yield return new("seconds per keyframe, first and last tenth", "flat",
            $"{Interval.OfMean(seconds[1..Math.Max(2, tenth)])} and {Interval.OfMean(seconds[^tenth..])}");
        yield return new("MiB of tensors after a keyframe, first and last tenth", "flat",
            $"{Interval.OfMean(live[1..Math.Max(2, tenth)])} and {Interval.OfMean(live[^tenth..])}");
        foreach (var distance in new[] { 1, 10, 100, 900 }.Where(distance => distance < count))
            yield return Far(film, readings, distance);
    }

    Measured Far(List<Keyframe> film, List<Reading> readings, int distance)
    {
        var (places, samePlace, tops, sameTop) = (0, 0, 0, 0);
        for (var i = 0; i + distance < film.Count; i++)
        {
            var (a, b) = (Shot(film[i]), Shot(film[i + distance]));
            if (a.Place == b.Place)
            {
                places++;
                if (readings[i].Place.Value == readings[i + distance].Place.Value) samePlace++;
            }
            foreach (var who in film[i].Cast.Intersect(film[i + distance].Cast))
            {
                tops++;
                var (one, other) = (Seen(film[i], readings[i], who), Seen(film[i + distance], readings[i + distance], who));
                if (one is not null && other is not null && one.Top.Value == other.Top.Value) sameTop++;
            }
        }
        return new($"keyframes {distance} apart: same place read, same top of the same person", "",
            $"{Interval.OfShare(samePlace, places).AsPercent}, {Interval.OfShare(sameTop, tops).AsPercent}");
    }

    StoryShot Shot(Keyframe keyframe) => Stories[keyframe.Story].Story.Shots[keyframe.Shot];

    Keyframe[] Story(int story)
    {
        var chance = new Chance(seed)["evaluated"][story];
        return [.. Enumerable.Range(0, Stories[story].Story.Shots.Count).Select(shot => held.Draw(story, shot, false, Register.Planned,
            chance[shot]["words"], chance[shot]["who"]))];
    }

    static List<float[]> Latents(List<Keyframe> frames) =>
        [.. frames.Select(frame => frame.Picture.Select(value => (float)value).ToArray())];

    /// <summary>Tokens of every keyframe, told one after another; [n d] each.</summary>
    /// <param name="references">The empty places of the story stand in front, as tokens without a script of their own.</param>
    List<float[]> Told(Keyframe[] frames, bool identities, bool references)
    {
        var (before, told) = (new List<(PlannerFrame, float[])>(), new List<float[]>());
        if (references)
            before.AddRange(Encoded(Stories[frames[0].Story].Views).Select(values => (new PlannerFrame([], null, null), values)));
        foreach (var (number, frame) in frames.Index()) told.Add(Next(before, frame, identities, number));
        return told;
    }

    /// <summary>The tokens of the keyframes themselves.</summary>
    List<float[]> Tokens(List<Keyframe> frames) => Encoded(frames.Select(frame => frame.Picture));

    List<float[]> Encoded(IEnumerable<Half[]> pictures) => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        return pictures.Chunk(16).SelectMany(some => tokenizer.Encode(Pictures([.. some.Select(picture =>
            picture.Select(value => (float)value).ToArray())])).ToFloats().Chunk(Numbers)).ToList();
    });

    int Numbers => tokenizer.Config.Tokens * tokenizer.Config.TokenDim;

    List<float[]> Sketches(List<float[]> tokens) => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        return tokens.Select(values => tokenizer.Renderer.Sketch(Tensor.From(values, 1, tokenizer.Config.Tokens, tokenizer.Config.TokenDim))
            .ToFloats()).ToList();
    });

    /// <summary>Tells one keyframe and puts it behind the others.</summary>
    float[] Next(List<(PlannerFrame Frame, float[] Tokens)> before, Keyframe keyframe, bool identities, int number) => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        var frame = PlannerRecipe.FrameOf(keyframe, _reader, identities);
        var (tokens, dim) = (tokenizer.Config.Tokens, tokenizer.Config.TokenDim);
        var references = before.TakeWhile(known => known.Frame.Rows.Count == 0).Count();
        var known = before.Take(references).Concat(before.Skip(references).TakeLast(history))
            .Select(entry => (entry.Frame, Tensor.From(entry.Tokens, tokens, dim))).ToList();
        var told = planner!.TellAfter(known, frame, new RandomSource(seed + (ulong)number), temperature).ToFloats();
        before.Add((frame with { Sentences = frame.Sentences?.Own(), Identities = frame.Identities?.Own() }, told));
        if (before.Count > references + history)
        {
            before[references].Frame.Sentences?.Dispose();
            before[references].Frame.Identities?.Dispose();
            before.RemoveAt(references);
        }
        return told;
    });

    /// <summary>Latents of keyframes from tokens; without tokens, where they are null.</summary>
    List<float[]> Drawn(Keyframe[] frames, List<float[]>? tokens, Beside beside) => [.. frames.Select((frame, i) =>
    {
        var shown = new ShownKeyframe(frame, false, [], null);
        if (beside >= Beside.People) shown = TokenizerRecipe.Laid(shown, held, _theatre, plate: beside == Beside.Place);
        return LibTorch.Run(() =>
        {
            using var scope = TensorScope.Open();
            using var off = Autograd.Disable();
            var told = tokens is null ? null : Tensor.From(tokens[i], 1, tokenizer.Config.Tokens, tokenizer.Config.TokenDim);
            var view = TokenizerRecipe.View(tools, tokenizer, _reader, [shown], told, beside != Beside.Nothing);
            return TokenizerRecipe.Rendered(tokenizer, view, seed, beside >= Beside.People ? PocketFolder.DraftTrust : 0).ToFloats();
        });
    })];

    Tensor Pictures(List<float[]> latents) => Tensor.From([.. latents.SelectMany(values => values)], latents.Count,
        tokenizer.Config.Channels, tokenizer.Config.Rows, tokenizer.Config.Columns);

    byte[] Decoded(float[] latents) => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var off = Autograd.Disable();
        return VaeRecipe.Bytes(tools.Vae.Decode(Pictures([latents]).Unsqueeze(2)));
    });

    IEnumerable<FrameFeatures> Read(IEnumerable<float[]> latents) =>
        latents.Select(values => judge.Features(Decoded(values), 1, Width, Height)[0]);

    /// <summary>Place, top colour and PSNR to the keyframe as the VAE alone has it.</summary>
    /// <param name="seen">Gets what the judge saw.</param>
    Measured Table(string name, List<Keyframe> frames, List<float[]> latents, List<(Keyframe, FrameFeatures)>? seen = null)
    {
        var (place, top, people, decibels) = (0, 0, 0, new List<double>());
        foreach (var (frame, values) in frames.Zip(latents))
        {
            var ((truth, drawn), made) = (Truth(frame), Decoded(values));
            var features = judge.Features(made, 1, Width, Height)[0];
            seen?.Add((frame, features));
            if (features.Reading.Place.Value == Shot(frame).Spec.Location.Place) place++;
            foreach (var who in frame.Cast)
            {
                if (Seen(frame, drawn, who) is null) continue;                                   // not to be seen in the drawn one either
                people++;
                if (Seen(frame, features.Reading, who)?.Top.Value == Person(frame, who).Top) top++;
            }
            var psnr = Evaluation.Pictures.Psnr(made, truth);
            if (double.IsFinite(psnr)) decibels.Add(psnr);
        }
        return new($"{name}: place, top colour, PSNR", "place >= 95 %, top >= 85 %",
            $"{Interval.OfShare(place, frames.Count).AsPercent}, {Interval.OfShare(top, people).AsPercent}, "
                + $"{Interval.OfMean(decibels)} dB");
    }

    readonly Dictionary<(int Story, int Shot), (byte[] Rgb, Reading Reading)> _truths = [];

    /// <summary>A drawn keyframe through the VAE, and what the judge sees in it.</summary>
    (byte[] Rgb, Reading Reading) Truth(Keyframe frame)
    {
        if (_truths.TryGetValue((frame.Story, frame.Shot), out var known)) return known;
        var rgb = Decoded([.. frame.Picture.Select(value => (float)value)]);
        return _truths[(frame.Story, frame.Shot)] = (rgb, judge.Read(rgb, Width, Height));
    }

    string Consistency(List<(Keyframe Frame, FrameFeatures Features)> seen)
    {
        var (shortTerm, shown, named) = (new List<double>(), 0, 0);
        foreach (var (i, (frame, features)) in seen.Index())
            foreach (var who in frame.Cast)
            {
                named++;
                if (Vector(frame, features, who) is not { } here) continue;
                shown++;
                if (i + 1 < seen.Count && seen[i + 1].Frame.Story == frame.Story && seen[i + 1].Frame.Cast.Contains(who)
                    && Vector(seen[i + 1].Frame, seen[i + 1].Features, who) is { } next)
                    shortTerm.Add(here.Zip(next).Sum(pair => pair.First * pair.Second));
            }
        return $"{Interval.OfMean(shortTerm)}, {Interval.OfShare(shown, named).AsPercent}";
    }

    Person Person(Keyframe frame, int who) => Stories[frame.Story].Story.People[who];

    /// <summary>Whom the judge takes for somebody of the keyframe's cast.</summary>
    SeenPerson? Seen(Keyframe frame, Reading reading, int who)
    {
        var cast = frame.Cast;
        var pairs = Matching.ByLooks([.. cast.Select(person => Person(frame, person))], reading.People);
        return pairs[cast.Index().First(at => at.Item == who).Index];
    }

    /// <summary>The judge's vector of somebody who is shown; null where they are not.</summary>
    float[]? Vector(Keyframe frame, FrameFeatures features, int who) =>
        Seen(frame, features.Reading, who) is { } person && Matching.Difference(Person(frame, who), person) <= MostWrong
            ? features.People[features.Reading.People.Index().First(at => ReferenceEquals(at.Item, person)).Index] : null;

    public void Dispose() => _theatre.Dispose();
}
