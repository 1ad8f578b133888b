// A folder of videos becomes samples of two or three shots with captions, as OneStory's data is made (arXiv 2512.07802, section 3): shot
// boundaries; a caption of each shot; captions of later shots again, referring to the shot before; words, irrelevance and sameness leave
// shots out. Where the paper asks the models first and compares pictures last, here sameness comes before the captions, so that no answer
// is bought for a shot that goes, and captions refer to each other last, so that none refers to a shot that is gone.
//
// Everything found out lies in the output folder: run again, nothing is done twice; stopped anywhere, it goes on from there.
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Fabula.Planning;

namespace Fabula.Training.Curation;

/// <param name="Model">Null: with <see cref="Replay"/> captions come from the record, without it there are none.</param>
public sealed record CurationOptions(CurationSettings Settings, Eyes Eyes, ChatEndpoint? Model = null, bool Replay = false);

public static class Curator
{
    static readonly string[] Extensions =
        [".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".flv", ".ogv", ".wmv", ".3gp", ".gif", ".mxf"];

    static readonly JsonSerializerOptions Line = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Curates a folder into samples.jsonl and report.json of another one.</summary>
    /// <param name="told">Hears what is done, a line each.</param>
    /// <exception cref="CurationException">There is no folder, or no video in it.</exception>
    /// <exception cref="PlanningException">The model gave no answer; what was answered is kept.</exception>
    public static CurationReport Run(string folder, string output, CurationOptions options, Action<string>? told = null,
        CancellationToken stop = default)
    {
        var videos = Videos(folder, output);
        var report = new CurationReport(options.Eyes.BoundaryName, videos.Count, 0, [], [], [], []);
        foreach (var name in videos)
        {
            told?.Invoke(name);
            try
            {
                var (shots, leftOut, unrelated, samples) = new Work(folder, name, output, options, told, stop).Run();
                report = report with
                {
                    Shots = report.Shots + shots,
                    LeftOut = [.. report.LeftOut, .. leftOut],
                    Unrelated = [.. report.Unrelated, .. unrelated],
                    Samples = [.. report.Samples, .. samples],
                };
            }
            catch (Exception e) when (e is CurationException or IOException or UnauthorizedAccessException)
            {
                report = report with { Refused = [.. report.Refused, new(name, e.Message)] };
            }
        }
        Kept.Write(Path.Combine(output, "samples.jsonl"), Encoding.UTF8.GetBytes(string.Concat(report.Samples.Select(sample =>
            JsonSerializer.Serialize(sample, Line) + "\n"))));
        Kept.Write(Path.Combine(output, "report.json"), JsonSerializer.SerializeToUtf8Bytes(report, Kept.Json));
        return report;
    }

    /// <summary>Paths within the folder, in order. Links are not followed, and what lies in the output is not looked at.</summary>
    static List<string> Videos(string folder, string output)
    {
        if (!Directory.Exists(folder)) throw new CurationException($"{folder} is no folder. Name one with videos in it.");
        var inside = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        var own = Path.GetFullPath(output) + Path.DirectorySeparatorChar;
        var videos = Directory.EnumerateFiles(folder, "*", inside)
            .Where(file => Extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))
            .Where(file => !Path.GetFullPath(file).StartsWith(own, StringComparison.Ordinal))
            .Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal).ToList();
        return videos.Count > 0 ? videos
            : throw new CurationException($"{folder} has no videos ({string.Join(", ", Extensions)}). Name a folder that has some.");
    }

    /// <summary>One video.</summary>
    sealed class Work
    {
        readonly string _path, _name, _folder;
        readonly CurationOptions _options;
        readonly CurationSettings _settings;
        readonly Kept _kept;
        readonly Action<string>? _told;
        readonly CancellationToken _stop;
        readonly List<LeftOut> _leftOut = [];
        readonly List<Unrelated> _unrelated = [];

        /// <summary>Boundaries in a video of so many frames.</summary>
        sealed record Found(int Frames, IReadOnlyList<Boundary> Boundaries);

        sealed record Seen(FrameRange Frames, IReadOnlyList<string> Pictures, float[] Same, float[] Related);

        public Work(string folder, string name, string output, CurationOptions options, Action<string>? told, CancellationToken stop)
        {
            (_path, _name, _options, _settings, _told, _stop) = (Path.Combine(folder, name), name, options, options.Settings, told, stop);
            // Path, size and time name the video's folder: whatever its own name holds, no path is made from it.
            var file = new FileInfo(_path);
            var stamp = $"{name}\n{file.Length}\n{file.LastWriteTimeUtc.Ticks}";
            _folder = Path.Combine(output, "videos", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(stamp)))[..20]);
            _kept = new Kept(_folder);
        }

        public (int Shots, IReadOnlyList<LeftOut>, IReadOnlyList<Unrelated>, IReadOnlyList<Sample>) Run()
        {
            var facts = _kept.Or("video", _name, () => Video.Probe(_path, _name, _stop));
            var found = _kept.Or("boundaries", _options.Eyes.BoundaryKey, () =>
            {
                var (boundaries, frames) = _options.Eyes.Boundaries(Video.Frames(_path, _name, facts, _stop), facts.Rate);
                return new Found(frames, boundaries);
            });
            var all = FrameRange.Between(found.Boundaries, found.Frames);
            var shots = See(facts, [.. all.Where(shot => IsLong(shot, facts))]);
            shots = WithoutSame(shots);
            var alone = new Dictionary<Seen, string>();
            var captions = _options.Model is null && !_options.Replay ? null
                : new ShotCaptions(Path.Combine(_folder, "answers"), _options.Model, told: _told);
            if (captions is not null)
            {
                foreach (var shot in shots)
                    if (Answer(shot, captions.Describe(Shown(shot), _stop)) is { } caption) alone[shot] = caption;
                shots = [.. shots.Where(shot => alone.TryGetValue(shot, out var caption) && !HasKeyword(shot, caption))];
            }
            List<Sample> samples =
                [.. Chains(shots).SelectMany(Parts).Select(chain => Captioned(chain, alone, captions, facts)).OfType<Sample>()];
            captions?.Complete();
            return (all.Count, _leftOut, _unrelated, samples);
        }

        bool IsLong(FrameRange shot, VideoFacts facts)
        {
            if (shot.Count >= _settings.LeastSeconds * facts.Rate) return true;
            Leave(shot, "short", $"{shot.Count / facts.Rate:0.00} seconds");
            return false;
        }

        /// <summary>Three pictures of each shot and what the eyes see in them.</summary>
        List<Seen> See(VideoFacts facts, IReadOnlyList<FrameRange> shots)
        {
            List<List<string>> pictures = [.. shots.Select(shot => new[] { 0.1, 0.5, 0.9 }
                .Select(share => shot.First + (int)(share * (shot.Count - 1))).Distinct().Select(frame => Picture(facts, frame)).ToList())];
            var (same, related) = (_options.Eyes.Same, _options.Eyes.Related);
            var frames = string.Join(' ', shots.Select(shot => $"{shot.First}-{shot.Last}"));
            var vectors = new Dictionary<string, float[][]>();
            foreach (var eye in new[] { same, related }.DistinctBy(eye => eye.Name))
                vectors[eye.Name] = _kept.Or($"seen-{eye.Name}", $"{eye.Key} {_settings.PictureWidth} {frames}", () =>
                    pictures.Select(some => eye.See([.. some.Select(picture => Video.Pixels(picture, Eyes.Side, _stop))])).ToArray());
            return [.. shots.Select((shot, i) => new Seen(shot, pictures[i], vectors[same.Name][i], vectors[related.Name][i]))];
        }

        string Picture(VideoFacts facts, int frame)
        {
            var picture = Path.Combine(_folder, $"pictures-{_settings.PictureWidth}", $"{frame:0000000}.jpg");
            Video.WritePicture(_path, _name, facts, frame, _settings.PictureWidth, picture, _stop);
            return picture;
        }

        List<Seen> WithoutSame(List<Seen> shots)
        {
            var (kept, eye) = (new List<Seen>(), _options.Eyes.Same);
            var above = eye.Name == "DINO" ? _settings.SameDinoAbove : _settings.SameLooksAbove;
            foreach (var shot in shots)
            {
                var alike = kept.Count == 0 ? -1 : Cosine(kept[^1].Same, shot.Same);
                if (alike > above) Leave(shot.Frames, "same", Compared(eye, alike, above));
                else kept.Add(shot);
            }
            return kept;
        }

        bool HasKeyword(Seen shot, string caption)
        {
            var word = _settings.Keywords.FirstOrDefault(word => Regex.IsMatch(caption, $@"(?<!\w){Regex.Escape(word.Trim())}(?!\w)",
                RegexOptions.IgnoreCase | RegexOptions.CultureInvariant));
            if (word is null) return false;
            Leave(shot.Frames, "keyword", word);
            return true;
        }

        /// <summary>Runs of shots without an unrelated join.</summary>
        List<List<Seen>> Chains(List<Seen> shots)
        {
            var (chains, eye) = (new List<List<Seen>>(), _options.Eyes.Related);
            var below = eye.Name == "CLIP" ? _settings.UnrelatedClipBelow : _settings.UnrelatedLooksBelow;
            foreach (var shot in shots)
            {
                var alike = chains.Count == 0 ? double.NaN : Cosine(chains[^1][^1].Related, shot.Related);
                if (alike < below) _unrelated.Add(new(_name, chains[^1][^1].Frames.Last, shot.Frames.First, Compared(eye, alike, below)));
                if (alike >= below) chains[^1].Add(shot);
                else chains.Add([shot]);
            }
            return chains;
        }

        /// <summary>A chain in samples of nearly the same size; a shot that is left alone goes.</summary>
        List<List<Seen>> Parts(List<Seen> chain)
        {
            var count = (chain.Count + _settings.MostShots - 1) / _settings.MostShots;
            List<List<Seen>> parts = [.. Enumerable.Range(0, count)
                .Select(i => chain[(i * chain.Count / count)..((i + 1) * chain.Count / count)])];
            foreach (var part in parts.Where(part => part.Count == 1)) Leave(part[0].Frames, "alone", "no neighbour to learn with");
            return [.. parts.Where(part => part.Count > 1)];
        }

        /// <summary>A sample of these shots, up to the first that gets no caption after the one before; null if that leaves one.</summary>
        Sample? Captioned(List<Seen> chain, Dictionary<Seen, string> alone, ShotCaptions? captions, VideoFacts facts)
        {
            var shots = new List<SampleShot>();
            foreach (var (i, shot) in chain.Index())
            {
                var caption = alone.GetValueOrDefault(shot);
                if (captions is not null && i > 0)
                {
                    caption = Answer(shot, captions.Refer(Shown(chain[i - 1]), shots[^1].Caption!, Shown(shot), caption!, _stop));
                    if (caption is null)
                    {
                        foreach (var later in chain.Skip(i + 1)) Leave(later.Frames, "alone", "the shot before it has no caption");
                        break;
                    }
                }
                shots.Add(new(shot.Frames.First, shot.Frames.Last, caption, alone.GetValueOrDefault(shot)));
            }
            if (shots.Count > 1) return new(_name.Replace(Path.DirectorySeparatorChar, '/'), facts.Rate, shots);
            Leave(chain[0].Frames, "alone", "the shot behind it has no caption");
            return null;
        }

        SeenShot Shown(Seen shot) => new($"frames {shot.Frames.First} to {shot.Frames.Last} of {_name}",
            [.. shot.Pictures.Select(File.ReadAllBytes)]);

        void Leave(FrameRange shot, string filter, string why) => _leftOut.Add(new(_name, shot.First, shot.Last, filter, why));

        /// <summary>The model's answer, or null where it had none that is valid: then the shot is left out.</summary>
        string? Answer(Seen shot, Task<string> answer)
        {
            try { return answer.GetAwaiter().GetResult(); }
            catch (PlanningException e) when (e.IsInvalidAnswer)
            {
                Leave(shot.Frames, "caption", e.Message);
                return null;
            }
        }

        static string Compared(Eye eye, double alike, double limit) =>
            $"{eye.Name} {alike:0.000}, the limit is {limit:0.###}";

        static double Cosine(float[] a, float[] b)
        {
            var sum = 0.0;
            for (var i = 0; i < a.Length; i++) sum += a[i] * b[i];
            return sum;
        }
    }
}
