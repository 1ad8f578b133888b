// ffmpeg as a process of its own: arguments as a list, never through a shell; pictures by standard input; its complaints are handed on.
// It runs in the folder that it writes to and is given names of ours alone, so nothing that a story holds is ever read as a filter or an
// option.
using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Fabula.Production.Delivery;

static class Ffmpeg
{
    /// <summary>As much of its complaints as a message can hold, in letters.</summary>
    const int LongestComplaint = 600;

    /// <summary>ENOSPC.</summary>
    const int NoSpace = 28;

    /// <summary>What makes its files the same bytes each time: one thread, no dates, no version.</summary>
    public static readonly string[] SameBytes =
        ["-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"];

    /// <summary>Runs it to its end.</summary>
    /// <param name="program">Its name or path.</param>
    /// <param name="folder">Where it runs; names in the arguments are relative to it.</param>
    /// <param name="writes">What it makes, for messages.</param>
    /// <param name="frames">Goes to its standard input, piece after piece.</param>
    /// <exception cref="DeliveryException">It is not there, or it failed; in its own words.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static void Run(string program, string folder, IEnumerable<string> arguments, string writes, IEnumerable<byte[]>? frames,
        CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var start = new ProcessStartInfo(program)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        foreach (var argument in (string[])["-hide_banner", "-loglevel", "error", "-y", "-filter_threads", "1", .. arguments])
            start.ArgumentList.Add(argument);
        using var process = Start(start, writes);
        using var kill = stop.Register(() => Kill(process));
        var complaints = Complaints(process.StandardError);
        var output = Complaints(process.StandardOutput);
        var broken = false;
        try
        {
            var input = process.StandardInput.BaseStream;
            foreach (var frame in frames ?? [])
            {
                stop.ThrowIfCancellationRequested();
                try { input.Write(frame); }
                catch (IOException)
                {
                    broken = true; // It has gone; its complaints say why.
                    break;
                }
            }
            try { process.StandardInput.Close(); }
            catch (IOException) { broken = true; }
        }
        catch
        {
            Kill(process);
            throw;
        }
        process.WaitForExit();
        stop.ThrowIfCancellationRequested();
        var (said, _) = (complaints.Result, output.Result);
        if (process.ExitCode == 0 && !broken) return;
        if (said.Contains("No space left on device", StringComparison.Ordinal)) throw new IOException(said, NoSpace);
        throw new DeliveryException($"ffmpeg could not write {writes} (exit code {process.ExitCode}). It says: "
            + $"{(said.Length == 0 ? "nothing" : said)}");
    }

    /// <summary>Bytes to its standard input, and what it makes of them from its standard output: no file is read or written.</summary>
    /// <param name="most">Bytes; more of them are an error.</param>
    /// <param name="time">After which it is ended.</param>
    /// <inheritdoc cref="Run" path="/exception"/>
    public static byte[] Turn(string program, IEnumerable<string> arguments, string makes, byte[] input, int most, TimeSpan time,
        CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        foreach (var argument in (string[])["-hide_banner", "-loglevel", "error", .. arguments]) start.ArgumentList.Add(argument);
        using var process = Start(start, makes);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var kill = limit.Token.Register(() => Kill(process));
        limit.CancelAfter(time);
        var complaints = Complaints(process.StandardError);
        var feeding = Task.Run(() =>
        {
            try
            {
                process.StandardInput.BaseStream.Write(input);
                process.StandardInput.Close();
            }
            catch (IOException) { } // It has read enough, or has gone; its complaints say why.
        }, CancellationToken.None);
        using var output = new MemoryStream();
        var piece = new byte[1 << 16];
        for (int n; (n = process.StandardOutput.BaseStream.Read(piece)) > 0 && output.Length <= most;) output.Write(piece, 0, n);
        if (output.Length > most) Kill(process);
        process.WaitForExit();
        feeding.Wait(CancellationToken.None);
        stop.ThrowIfCancellationRequested();
        if (limit.IsCancellationRequested)
            throw new DeliveryException($"ffmpeg was not done with {makes} in {time.TotalSeconds:0} seconds");
        if (output.Length > most) throw new DeliveryException($"ffmpeg makes more than {most >> 20} MiB of {makes}");
        var said = complaints.Result;
        return process.ExitCode == 0 && output.Length > 0 ? output.ToArray()
            : throw new DeliveryException($"ffmpeg says of {makes}: {(said.Length == 0 ? "nothing" : said)}");
    }

    static Process Start(ProcessStartInfo start, string writes)
    {
        try { return Process.Start(start)!; }
        catch (Win32Exception e)
        {
            throw new DeliveryException($"{writes} needs ffmpeg, and '{start.FileName}' cannot be started ({e.Message}). Install it "
                + "(on Debian: apt-get install ffmpeg) and start again; what is rendered is kept.", e);
        }
    }

    /// <summary>Reads to the end, so that it never waits for us, and keeps the last lines.</summary>
    static async Task<string> Complaints(StreamReader reader)
    {
        var lines = new Queue<string>();
        var length = 0;
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            var shown = new StringBuilder(line.Length);
            foreach (var letter in line.Trim().Take(LongestComplaint)) shown.Append(char.IsControl(letter) ? '?' : letter);
            if (shown.Length == 0) continue;
            lines.Enqueue(shown.ToString());
            for (length += shown.Length; length > LongestComplaint && lines.Count > 1;) length -= lines.Dequeue().Length;
        }
        return string.Join(" | ", lines);
    }

    static void Kill(Process process)
    {
        try { process.Kill(entireProcessTree: true); }
        catch (InvalidOperationException) { } // It has ended already.
    }
}
