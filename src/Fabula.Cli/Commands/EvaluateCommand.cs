// `fabula evaluate`: measures a pocket model on held-out stories. `pocket` prints every number of the model's card with its 95 % interval;
// the others print the tables of docs/evidence.
using System.CommandLine;
using Fabula.Models;
using Fabula.Production;
using Fabula.Torch;
using Fabula.Training;
using Fabula.Training.Evaluation;

namespace Fabula.Cli.Commands;

static class EvaluateCommand
{
    public static Command Create() => new("evaluate", "Measure a pocket model on held-out stories of Paper Theatre")
    {
        Pocket(), Films(), Methods(), Memory(), Places(), Transitions(), Consistency(), EvaluateOneStory.Create(),
        EvaluateMovieDreamer.Create(),
    };

    static Command Pocket()
    {
        var options = EvaluateArguments.Create(64, judgeNeeded: false);
        var command = new Command("pocket", "All numbers of the model's card");
        options.AddTo(command, file: false);
        command.SetAction(parsed => Outcome.Of(() =>
        {
            using var film = options.OpenModel(parsed);
            using var reader = options.OpenJudge(parsed);
            var (tools, weights) = LibTorch.Run(() => PocketFolder.OpenTools(options.Folder(parsed)));
            using var report = new PocketReport(film, tools.Vae, reader, options.Count(parsed));
            foreach (var row in report.Rows())
                Console.WriteLine($"{row.Name,-66}  {row.Value,-40}  {(row.Bar.Length == 0 ? "" : $"wanted {row.Bar}")}");
            LibTorch.Run(() =>
            {
                foreach (var weight in weights) weight.Dispose();
            });
            return 0;
        }));
        return command;
    }

    static Command Films()
    {
        var options = EvaluateArguments.Create(64, judgeNeeded: true);
        var command = new Command("films", "Whether films show who and where the story says");
        options.AddTo(command);
        command.SetAction(parsed => Outcome.Of(() =>
        {
            using var film = options.OpenModel(parsed);
            using var judge = options.NeedJudge(parsed);
            using var renderer = new ModelRenderer(film);
            using var table = new FilmsTable(renderer, judge, EvaluateArguments.Seed);
            options.Print(parsed, "films", "What films show", film.Digest, table.Observe, FilmsTable.Tables);
            return 0;
        }));
        return command;
    }

    static Command Methods()
    {
        var options = EvaluateArguments.Create(16, judgeNeeded: true);
        var command = new Command("methods", "The same stories filmed by every method");
        options.AddTo(command);
        command.SetAction(parsed => Outcome.Of(() =>
        {
            using var film = options.OpenModel(parsed);
            using var judge = options.NeedJudge(parsed);
            using var renderer = new ModelRenderer(film);
            using var table = new MethodsTable(renderer, judge, EvaluateArguments.Seed);
            options.Print(parsed, "methods", "The methods side by side", film.Digest, table.Observe, MethodsTable.Tables);
            return 0;
        }));
        return command;
    }

    static Command Memory()
    {
        var options = EvaluateArguments.Create(64, judgeNeeded: true);
        var frames = Frames(17);
        var command = new Command("memory", "What the bank of keyframes is worth, whole and with a part left out") { frames };
        options.AddTo(command);
        command.SetAction(parsed => Outcome.Of(() =>
        {
            using var film = options.OpenModel(parsed);
            using var judge = options.NeedJudge(parsed);
            using var filming = new Filming(new ModelRenderer(film));
            if (filming.Room == 0) throw new FormatException($"{film.Facts.Name} remembers nothing: name a model with memory.");
            if (!PersonMatte.IsIn(options.Folder(parsed)))
                throw new FormatException($"{film.Facts.Name} has no {PersonMatte.FileName}: teach one with fabula train matte.");
            using var matte = PersonMatte.Open(options.Folder(parsed));
            using var table = new MemoryTable(filming, matte.Of, judge, EvaluateArguments.Seed, Length(parsed, frames));
            options.Print(parsed, "memory", "What memory is worth", $"{film.Digest} {parsed.GetValue(frames)} frames", table.Observe,
                MemoryTable.Tables);
            if (parsed.GetValue(options.Out) is { } folder && table.Shown.Count > 0)
            {
                using var sheet = File.Create(Path.Combine(folder, "memory.png"));
                var clips = table.Shown.SelectMany(row => row.Clips).ToList();
                ContactSheet.Write(sheet, [.. clips.Select(clip => (ReadOnlyMemory<byte>)clip[clip.Count / 2])], Filming.Width,
                    Filming.Height, table.Shown[0].Clips.Count);
            }
            return 0;
        }));
        return command;
    }

    static Command Places()
    {
        var options = EvaluateArguments.Create(32, judgeNeeded: true);
        var frames = Frames(9);
        var shots = new Option<int>("--shots") { Description = "Of every story", DefaultValueFactory = _ => 30 };
        var command = new Command("places", "What one plate for each place is worth, and whether places drift") { frames, shots };
        options.AddTo(command);
        command.SetAction(parsed => Outcome.Of(() =>
        {
            if (parsed.GetValue(shots) is < 2 or > 1000) throw new FormatException("--shots is a number from 2 to 1000.");
            using var film = options.OpenModel(parsed);
            if (!film.Facts.Modes.HasFlag(FilmModes.Background))
                throw new FormatException($"{film.Facts.Name} takes no empty place as background: name a model that does.");
            using var judge = options.NeedJudge(parsed);
            using var filming = new Filming(new ModelRenderer(film));
            using var table = new PlacesTable(filming, judge, EvaluateArguments.Seed, Length(parsed, frames), parsed.GetValue(shots));
            options.Print(parsed, "places", "What the location library is worth",
                $"{film.Digest} {parsed.GetValue(frames)} frames {parsed.GetValue(shots)} shots", table.Observe, PlacesTable.Tables);
            return 0;
        }));
        return command;
    }

    static Command Transitions()
    {
        var options = EvaluateArguments.Create(32, judgeNeeded: true);
        var tuned = new Option<string?>("--tuned") { Description = "A second model's folder, to stand beside the first" };
        var command = new Command("transitions", "Who comes or goes between two frames: a hard cut, bridges of one model and of another")
        {
            tuned,
        };
        options.AddTo(command);
        command.SetAction(parsed => Outcome.Of(() =>
        {
            using var film = options.OpenModel(parsed);
            using var second = parsed.GetValue(tuned) is { } path ? options.Open(path, parsed) : null;
            using var judge = options.NeedJudge(parsed);
            using var filming = new Filming(new ModelRenderer(film));
            using var other = second is null ? null : new Filming(new ModelRenderer(second));
            using var table = new TransitionsTable([("bridge", filming), .. other is null ? [] : new[] { ("tuned bridge", other) }], judge,
                EvaluateArguments.Seed);
            options.Print(parsed, "transitions", "What bridges are worth", $"{film.Digest} {second?.Digest}", table.Observe,
                TransitionsTable.Tables);
            return 0;
        }));
        return command;
    }

    static Command Consistency()
    {
        var options = EvaluateArguments.Create(32, judgeNeeded: true);
        var dino = new Option<string?>("--dino") { Description = "DINO's weights (VBench: ViT-B/16), to compare people" };
        var clip = new Option<string?>("--clip") { Description = "CLIP's weights (VBench: ViT-B/32), to compare frames" };
        var command = new Command("consistency", "VBench's consistencies of films by each method, beside motion and films that cheat")
        {
            dino, clip,
        };
        options.AddTo(command);
        command.SetAction(parsed => Outcome.Of(() =>
        {
            using var film = options.OpenModel(parsed);
            using var judge = options.NeedJudge(parsed);
            using var filming = new Filming(new ModelRenderer(film));
            Weights? Open(Option<string?> option, Func<string, string?>? rename = null) => parsed.GetValue(option) is { } path
                ? LibTorch.Run(() => Weights.Open(path, DType.F32, Device.Cpu, rename)) : null;
            var (people, frames) = (Open(dino), Open(clip, ClipImageEncoder.Rename));
            var subject = people is null ? FrameVectors.People(judge) : FrameVectors.Dino(people);
            var background = frames is null ? FrameVectors.Whole(judge) : FrameVectors.Clip(frames);
            using var table = new ConsistencyTable(filming, subject, background, EvaluateArguments.Seed);
            options.Print(parsed, "consistency", "Consistency, and what it does not say",
                $"{film.Digest} {parsed.GetValue(dino)} {parsed.GetValue(clip)}", table.Observe,
                stories => ConsistencyTable.Tables([.. stories.Select(story => (IReadOnlyList<SeenFilm>)story)], subject.Name,
                    background.Name));
            LibTorch.Run(() =>
            {
                people?.Dispose();
                frames?.Dispose();
            });
            return 0;
        }));
        return command;
    }

    static Option<int> Frames(int usual) =>
        new("--frames") { Description = "Of every shot, 4n+1", DefaultValueFactory = _ => usual };

    static int Length(ParseResult parsed, Option<int> frames) => parsed.GetValue(frames) is >= 5 and <= 81 and var count && count % 4 == 1
        ? count : throw new FormatException("--frames is a number of the form 4n+1 from 5 to 81.");
}
