// ffmpeg and ffprobe as processes of their own: arguments as a list, never through a shell; time and output have limits; their complaints
// are handed on.
using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Fabula.Training.Curation;

static class Tool
{
    const int LongestComplaint = 300;

    /// <summary>
    /// What a video may be: containers that hold the pictures themselves. A playlist or a list of files, whatever its name, could have
    /// ffmpeg read other files of this machine, or ask other machines.
    /// </summary>
    static readonly string[] Safe =
    [
        "-protocol_whitelist", "file",
        "-format_whitelist", "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,gif,mxf,nut,y4m,yuv4mpegpipe",
    ];

    /// <summary>A video as an input: no name that ffmpeg would take for an option or for a protocol.</summary>
    public static string[] Input(string path) => [.. Safe, "-i", "file:" + Path.GetFullPath(path)];

    /// <summary>Runs it to its end and returns what it wrote to its standard output.</summary>
    /// <param name="video">For messages.</param>
    /// <param name="most">Bytes; more of them are an error.</param>
    /// <exception cref="CurationException">It is not there, it failed, wrote too much, or took too long.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static byte[] Run(string program, IEnumerable<string> arguments, string video, int most, CancellationToken stop)
    {
        using var run = new ToolRun(program, arguments, video, TimeSpan.FromMinutes(2), stop);
        using var output = new MemoryStream();
        var piece = new byte[1 << 16];
        for (int n; (n = run.Read(piece)) > 0;)
        {
            output.Write(piece, 0, n);
            if (output.Length > most)
                throw new CurationException($"{video}: {program} says more about it than {most} bytes. Leave it out.");
        }
        run.Finish();
        return output.ToArray();
    }

    /// <summary>Its standard output in pieces of one size, as it comes; a piece that is not whole at the end is dropped.</summary>
    /// <inheritdoc cref="Run"/>
    public static IEnumerable<byte[]> Pieces(string program, IEnumerable<string> arguments, string video, int size, TimeSpan time,
        CancellationToken stop)
    {
        using var run = new ToolRun(program, arguments, video, time, stop);
        while (true)
        {
            var piece = new byte[size];
            var filled = 0;
            for (int n; filled < size && (n = run.Read(piece.AsSpan(filled))) > 0;) filled += n;
            if (filled < size) break;
            yield return piece;
        }
        run.Finish();
    }

    sealed class ToolRun : IDisposable
    {
        readonly Process _process;
        readonly CancellationTokenSource _limit;
        readonly CancellationTokenRegistration _kill;
        readonly CancellationToken _stop;
        readonly Task<string> _complaints;
        readonly string _program, _video;
        readonly TimeSpan _time;

        public ToolRun(string program, IEnumerable<string> arguments, string video, TimeSpan time, CancellationToken stop)
        {
            stop.ThrowIfCancellationRequested();
            (_program, _video, _time, _stop) = (program, video, time, stop);
            var start = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            try { _process = Process.Start(start)!; }
            catch (Win32Exception e)
            {
                throw new InvalidOperationException($"Videos are read by {program}, and it cannot be started ({e.Message}). Install ffmpeg "
                    + "(on Debian: apt-get install ffmpeg) and start again.", e);
            }
            _process.StandardInput.Close();
            _complaints = Complaints(_process.StandardError);
            _limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            _kill = _limit.Token.Register(Kill);
            _limit.CancelAfter(time);
        }

        public int Read(Span<byte> into) => _process.StandardOutput.BaseStream.Read(into);

        /// <summary>Waits for its end, which must be a good one.</summary>
        public void Finish()
        {
            _process.WaitForExit();
            _stop.ThrowIfCancellationRequested();
            if (_limit.IsCancellationRequested)
                throw new CurationException($"{_video}: {_program} was not done with it in {_time.TotalMinutes:0} minutes. Leave it out, "
                    + "or cut it into shorter ones.");
            if (_process.ExitCode == 0) return;
            var said = _complaints.Result;
            throw new CurationException($"{_video} cannot be read as a video. {_program} says: {(said.Length == 0 ? "nothing" : said)}. "
                + "Leave it out, or convert it to MP4.");
        }

        public void Dispose()
        {
            _kill.Dispose();
            Kill();
            _process.WaitForExit();
            _limit.Dispose();
            _process.Dispose();
        }

        void Kill()
        {
            try { _process.Kill(entireProcessTree: true); }
            catch (InvalidOperationException) { } // It has ended already.
        }
    }

    /// <summary>Reads to the end, so that it never waits for us, and keeps the last line.</summary>
    static async Task<string> Complaints(StreamReader reader)
    {
        var last = "";
        var piece = new char[1024];
        var line = new StringBuilder();
        for (int n; (n = await reader.ReadAsync(piece).ConfigureAwait(false)) > 0;)
            foreach (var letter in piece.AsSpan(0, n))
            {
                if (letter != '\n')
                {
                    if (line.Length < LongestComplaint) line.Append(char.IsControl(letter) ? ' ' : letter);
                    continue;
                }
                if (!string.IsNullOrWhiteSpace(line.ToString())) last = line.ToString().Trim();
                line.Clear();
            }
        return last;
    }
}
