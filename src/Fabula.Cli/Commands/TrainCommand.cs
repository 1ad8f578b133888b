// `fabula train`: teaches a model on Paper Theatre. Each recipe is one file in Fabula.Training.
using System.CommandLine;
using Fabula.Models;
using Fabula.Torch;
using Fabula.Training;
using Fabula.Training.PaperTheatre;

namespace Fabula.Cli.Commands;

static class TrainCommand
{
    public static Command Create() => new("train", "Teach a model on Paper Theatre, the drawn world; a run goes on where it ended.")
    {
        Vae(),
        Text(),
        Video(),
        OneStory(),
        Selector(),
        Tokenizer(),
        Planner(),
        Judge(),
        Matte(),
        TrainLora.Create(Out, Config),
    };

    static readonly Option<string> Out = new("--out") { Description = "The run's folder.", Required = true };
    static readonly Option<string?> Config = new("--config")
    {
        Description = "A JSON file with settings that differ from the recipe's own.",
    };
    static readonly Option<int> Processes = new("--processes")
    {
        Description = "Processes of one thread each.",
        DefaultValueFactory = _ => 2,
    };
    static readonly Option<int> Rank = new("--rank") { Hidden = true };
    static readonly Option<int> Leader = new("--leader") { Hidden = true };

    /// <summary>The recipe's settings, with those of --config instead, and --steps where it is given.</summary>
    static T Settings<T>(ParseResult parsed, Option<int> steps, T own)
    {
        if (parsed.GetValue(Config) is { } file)
            try { own = SettingsFile.Over(own, File.ReadAllText(file)); }
            catch (FormatException e) { throw new FormatException($"{Outcome.Shown(file)} {e.Message}.", e); }
        return parsed.GetResult(steps) is { Implicit: false } ? SettingsFile.Over(own, $"{{\"steps\":{parsed.GetValue(steps)}}}") : own;
    }

    static Command Vae()
    {
        var steps = new Option<int>("--steps") { Description = "Updates.", DefaultValueFactory = _ => new VaeSettings().Steps };
        var from = new Option<string?>("--from") { Description = "A pocket folder whose VAE to begin with." };
        return Recipe("vae", "The pocket VAE: pictures to latents and back.", [steps, from], (parsed, crewOf) =>
        {
            var settings = Settings(parsed, steps, new VaeSettings());
            var run = new TrainingRun(parsed.GetValue(Out)!, settings.ToJson(parsed.GetValue(Processes)));
            using var crew = crewOf(16_000_000);
            (WanVaeConfig Config, Weights Weights)? begin = parsed.GetValue(from) is { } folder ? PocketFolder.OpenVae(folder) : null;
            VaeRecipe.Run(settings, run, crew, Console.WriteLine, CancellationToken.None, begin);
            begin?.Weights.Dispose();
        });
    }

    static Command Text()
    {
        var steps = new Option<int>("--steps") { Description = "Updates.", DefaultValueFactory = _ => new TextSettings().Steps };
        return Recipe("text", "The pocket text encoder: what captions say.", [steps], (parsed, crewOf) =>
        {
            var settings = Settings(parsed, steps, new TextSettings());
            var run = new TrainingRun(parsed.GetValue(Out)!, settings.ToJson(parsed.GetValue(Processes)));
            using var crew = crewOf(8_000_000);
            TextRecipe.Run(settings, run, crew, Console.WriteLine, CancellationToken.None);
        });
    }

    static Command Matte()
    {
        var steps = new Option<int>("--steps") { Description = "Updates.", DefaultValueFactory = _ => new MatteSettings().Steps };
        return Recipe("matte", "The matte: which pixels of a frame show people.", [steps], (parsed, crewOf) =>
        {
            var settings = Settings(parsed, steps, new MatteSettings());
            var run = new TrainingRun(parsed.GetValue(Out)!, settings.ToJson(parsed.GetValue(Processes)));
            using var crew = crewOf(1_000_000);
            MatteRecipe.Run(settings, run, crew, Console.WriteLine, CancellationToken.None);
        });
    }

    static Command Video()
    {
        var steps = new Option<int>("--steps") { Description = "Updates.", DefaultValueFactory = _ => new VideoSettings().Steps };
        var from = new Option<string?>("--from") { Description = "A pocket folder whose video weights to begin with." };
        var own = new Option<double?>("--own-memory")
        {
            Description = "With --from: share of remembered frames, 0 to 1, that these weights have made themselves.",
        };
        Option[] options = [steps, Tools, Latents, Stories, ClipEvery, from, own];
        return Recipe("video", "The pocket video model: all modes in a mix.", options, (parsed, crewOf) =>
        {
            var settings = Settings(parsed, steps, parsed.GetValue(from) is null ? new VideoSettings() : VideoSettings.GoingOn);
            if (parsed.GetValue(own) is { } share) settings = settings with { OwnMemory = share };
            if (settings.OwnMemory is < 0 or > 1) throw new FormatException("--own-memory is a share from 0 to 1.");
            if (settings.OwnMemory > 0 && parsed.GetValue(from) is null)
                throw new FormatException("--own-memory needs --from: weights that make the pictures.");
            var run = new TrainingRun(parsed.GetValue(Out)!, settings.ToJson(parsed.GetValue(Processes)));
            using var crew = crewOf(16_000_000);
            var (parts, weights) = PocketFolder.OpenTools(parsed.GetValue(Tools)!);
            var stories = Load(parsed, parts, crew, settings.Seed);
            if (settings.OwnMemory > 0)
                stories = OwnPictures.Make(settings, parts, parsed.GetValue(from)!, parsed.GetValue(Latents)!, stories, crew,
                    Console.WriteLine);
            const int People = 3000;  // of each process, others in each
            var casting = settings.Words > 0 ? Casting.Draw(parts.Vae, new Chance(settings.Seed)["casting"][crew.Rank], People) : null;
            var examples = new VideoExamples(stories, parts.Vae.Config.ZDim, 16, 28, settings.FigureWeight, settings.OwnMemory, casting);
            using var begin = parsed.GetValue(from) is { } folder ? PocketFolder.OpenVideo(folder) : null;
            VideoRecipe.Run(settings, parts, examples, run, crew, Console.WriteLine, CancellationToken.None, begin);
            foreach (var weight in weights) weight.Dispose();
        });
    }

    static Command OneStory()
    {
        var steps = new Option<int>("--steps") { Description = "Updates.", DefaultValueFactory = _ => new OneStorySettings().Steps };
        var from = new Option<string>("--from") { Description = "A pocket folder whose video weights to begin with.", Required = true };
        var judge = new Option<string?>("--judge")
        {
            Description = "A judge's folder: what it sees says which frames matter, in place of the truth of the drawing.",
        };
        Option[] options = [steps, Tools, Latents, Stories, ClipEvery, from, judge];
        return Recipe("onestory", "Memory for the pocket video model: which frames matter, and what to make of them.", options,
            (parsed, crewOf) =>
        {
            var settings = Settings(parsed, steps, new OneStorySettings());
            using var reader = parsed.GetValue(judge) is { } read ? Training.Judge.Open(read) : null;
            var run = new TrainingRun(parsed.GetValue(Out)!,
                settings.ToJson(parsed.GetValue(Processes), reader is null ? "truth" : "judge"));
            using var crew = crewOf(16_000_000);
            var (parts, weights) = PocketFolder.OpenTools(parsed.GetValue(Tools)!);
            using var truth = new TheatreFeatures();
            using var seen = reader is null ? null : new JudgeFeatures(reader);
            var stories = Load(parsed, parts, crew, new VideoSettings().Seed, clipsAlone: true);
            var examples = new OneStoryExamples(stories, parts.Vae.Config.ZDim, 16, 28, settings.FigureWeight, seen?.All ?? truth.All);
            using var begin = PocketFolder.OpenVideo(parsed.GetValue(from)!);
            OneStoryRecipe.Run(settings, parts, begin, examples, run, crew, Console.WriteLine, CancellationToken.None);
            foreach (var weight in weights) weight.Dispose();
        });
    }

    static Command Selector()
    {
        var steps = new Option<int>("--steps") { Description = "Updates.", DefaultValueFactory = _ => new SelectorSettings().Steps };
        var beside = new Option<string>("--beside") { Description = "A OneStory folder whose conditioner to keep.", Required = true };
        Option[] options = [steps, Tools, Latents, Stories, ClipEvery, beside];
        return Recipe("selector", "OneStory's frame selector alone, from whole films.", options, (parsed, crewOf) =>
        {
            var settings = Settings(parsed, steps, new SelectorSettings());
            var run = new TrainingRun(parsed.GetValue(Out)!, settings.ToJson(parsed.GetValue(Processes)));
            using var crew = crewOf(16_000_000);
            var (parts, weights) = PocketFolder.OpenTools(parsed.GetValue(Tools)!);
            var seed = new VideoSettings().Seed;
            var stories = Load(parsed, parts, crew, seed, drafts: false);
            using var stage = new Stage(224, 128);
            var store = new LatentStories(parts.Vae, parsed.GetValue(Latents)!, seed);
            var held = Enumerable.Range(0, crew.Leads ? 6 : 0)
                .Select(i => store.Encode(LatentStories.Tell(seed, i, heldOut: true), true, stage, drafts: false)).ToList();
            var folder = parsed.GetValue(beside)!;
            using var features = new TheatreFeatures();
            using var known = Weights.Open(Path.Combine(folder, Models.OneStory.WeightsFile), DType.F32, Device.Cpu);
            SelectorRecipe.Run(settings, OneStoryConfig.Read(Path.Combine(folder, Models.OneStory.ConfigFile)), known, parts, stories, held,
                new FrameLabels(features.All, settings.Either), run, crew, Console.WriteLine, CancellationToken.None);
            foreach (var weight in weights) weight.Dispose();
        });
    }

    static Command Tokenizer()
    {
        var steps = new Option<int>("--steps") { Description = "Updates.", DefaultValueFactory = _ => new TokenizerSettings().Steps };
        var from = new Option<string?>("--from") { Description = "A pocket folder whose video model the decoder begins as." };
        var onward = new Option<string?>("--tokenizer") { Description = "The folder of a tokenizer to go on from." };
        Option[] options = [steps, Tools, Latents, Stories, Mirrored, from, onward];
        return Recipe("tokenizer", "MovieDreamer's tokenizer: a keyframe to two tokens and back.", options, (parsed, crewOf) =>
        {
            var settings = Settings(parsed, steps, new TokenizerSettings());
            Directory.CreateDirectory(parsed.GetValue(Out)!);
            using var crew = crewOf(16_000_000);
            var (parts, weights) = PocketFolder.OpenTools(parsed.GetValue(Tools)!);
            var examples = Keyframes(parsed, parts, crew, settings.Seed, parsed.GetValue(Mirrored));
            using var begin = parsed.GetValue(from) is { } folder ? PocketFolder.OpenVideo(folder) : null;
            using var trained = parsed.GetValue(onward) is { } own ? PocketFolder.OpenTokenizer(own).Weights : null;
            TokenizerRecipe.Run(settings, parts, examples, HeldOut(parsed, parts, settings.Seed), parsed.GetValue(Out)!, crew,
                Console.WriteLine, CancellationToken.None, begin, trained);
            foreach (var weight in weights) weight.Dispose();
        });
    }

    static Command Planner()
    {
        var steps = new Option<int>("--steps") { Description = "Updates.", DefaultValueFactory = _ => new PlannerSettings().Steps };
        var tokenizer = new Option<string>("--tokenizer") { Description = "The folder of a tokenizer's run.", Required = true };
        Option[] options = [steps, Tools, tokenizer, Latents, Stories, Mirrored];
        return Recipe("planner", "MovieDreamer's planner: a script to keyframe after keyframe.", options, (parsed, crewOf) =>
        {
            var (network, own) = PocketFolder.OpenTokenizer(parsed.GetValue(tokenizer)!);
            var settings = Settings(parsed, steps, new PlannerSettings());
            settings = settings with
            {
                Network = settings.Network with { Tokens = network.Config.Tokens, TokenDim = network.Config.TokenDim },
            };
            var run = new TrainingRun(parsed.GetValue(Out)!, settings.ToJson(parsed.GetValue(Processes)));
            using var crew = crewOf(16_000_000);
            var (parts, weights) = PocketFolder.OpenTools(parsed.GetValue(Tools)!);
            var examples = Keyframes(parsed, parts, crew, settings.Seed, settings.Flip > 0 ? parsed.GetValue(Mirrored) : 0);
            PlannerRecipe.Run(settings, parts, network, examples, HeldOut(parsed, parts, settings.Seed), run, crew, Console.WriteLine,
                CancellationToken.None);
            foreach (var weight in weights.Append(own)) weight.Dispose();
        });
    }

    static readonly Option<string> Tools = new("--tools") { Description = "A pocket folder with VAE and text encoder.", Required = true };
    static readonly Option<string> Latents = new("--latents") { Description = "Where encoded stories are kept.", Required = true };
    static readonly Option<int> Stories = new("--stories") { Description = "Stories to learn from.", DefaultValueFactory = _ => 1000 };
    static readonly Option<int> ClipEvery = new("--clip-every")
    {
        Description = "Every how many stories one has clips.",
        DefaultValueFactory = _ => 4,
    };

    /// <summary>The stories to learn from.</summary>
    /// <param name="clipsAlone">Only stories that have clips.</param>
    static List<LatentStory> Load(ParseResult parsed, VideoTools parts, Crew crew, ulong seed, bool clipsAlone = false, bool drafts = true)
    {
        var (store, every) = (new LatentStories(parts.Vae, parsed.GetValue(Latents)!, seed), parsed.GetValue(ClipEvery));
        return Together(parsed.GetValue(Stories), crew, (begin, end, done) => !clipsAlone ? store.Load(begin, end, every, done, drafts)
            : Enumerable.Range(begin, end - begin).Where(n => n % every == 0).SelectMany(n => store.Load(n, n + 1, every, done, drafts)));
    }

    /// <summary>Stories, of which everybody encodes a part of what is not there, then reads the others'.</summary>
    static List<LatentStory> Together(int count, Crew crew, Func<int, int, Action<int>?, IEnumerable<LatentStory>> part)
    {
        var (from, to) = (count * crew.Rank / crew.Size, count * (crew.Rank + 1) / crew.Size);
        foreach (var _ in part(from, to, n =>
        {
            if (n % 20 == 0 && crew.Leads) Console.WriteLine($"story {n - from}/{to - from} of this process encoded");
        })) { }
        crew.Meet();
        return [.. part(0, count, null)];
    }

    static readonly Option<int> Mirrored = new("--mirrored")
    {
        Description = "How many of the stories are also seen turned left to right.",
        DefaultValueFactory = _ => 500,
    };

    /// <summary>Keyframes of the stories, and of the first of them turned round.</summary>
    static KeyframeExamples Keyframes(ParseResult parsed, VideoTools parts, Crew crew, ulong seed, int mirrored)
    {
        var count = parsed.GetValue(Stories);
        List<LatentStory> Of(int stories, bool turned) => Together(stories, crew,
            new LatentStories(parts.Vae, parsed.GetValue(Latents)!, seed, mirrored: turned).Keyframes);
        return new(Of(count, false), Of(Math.Min(count, mirrored), true), parts.Vae.Config.ZDim, 16, 28);
    }

    /// <summary>A few stories of people who are never learned from.</summary>
    static KeyframeExamples HeldOut(ParseResult parsed, VideoTools parts, ulong seed)
    {
        var store = new LatentStories(parts.Vae, parsed.GetValue(Latents)!, seed);
        var told = Enumerable.Range(0, 12).Select(i => LatentStories.Tell(seed, i, heldOut: true));
        return new([.. told.Select(store.Keyframes)], [], parts.Vae.Config.ZDim, 16, 28);
    }

    static Command Judge()
    {
        var steps = new Option<int>("--steps") { Description = "Updates.", DefaultValueFactory = _ => new JudgeRecipe().Steps };
        var seed = new Option<ulong>("--seed") { Description = "Where all draws of chance come from.", DefaultValueFactory = _ => 1 };
        var threads = new Option<int>("--threads")
        {
            Description = "CPU threads; from 2 on one draws while the others learn.",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };
        var from = new Option<string?>("--from") { Description = "A judge's folder whose weights to begin with." };
        var command = new Command("judge", "The judge, who reads who and what is in a frame.") { Out, steps, seed, threads, from };
        command.SetAction((parsed, cancel) => Task.FromResult(Outcome.Of(() =>
        {
            if (parsed.GetValue(threads) is < 1 or > 1024) throw new FormatException("--threads is not a number from 1 to 1024.");
            var recipe = new JudgeRecipe(parsed.GetValue(steps), parsed.GetValue(seed)) { From = parsed.GetValue(from) ?? "" };
            recipe.Run(parsed.GetValue(Out)!, parsed.GetValue(threads), Console.Out, cancel);
            return 0;
        })));
        return command;
    }

    static Command Recipe(string name, string description, Option[] options, Action<ParseResult, Func<long, Crew>> run)
    {
        var command = new Command(name, description) { Out, Config, Processes, Rank, Leader };
        foreach (var option in options) command.Add(option);
        command.SetAction(parsed => Outcome.Of(() =>
        {
            LibTorch.Threads = 1;
            LibTorch.Run(() => run(parsed, floats =>
            {
                var crew = new Crew(parsed.GetValue(Processes), parsed.GetValue(Rank),
                    Path.Combine(parsed.GetValue(Out)!, "crew"), floats, parsed.GetValue(Leader));
                var command = Environment.GetCommandLineArgs();  // the program's own file first, which dotnet wants to be told
                var hosted = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet";
                crew.Start(Environment.ProcessPath!, hosted ? command : command[1..]);
                return crew;
            }));
            return 0;
        }));
        return command;
    }
}
