// The step journal in a file: a line of heading, then one line per finished step, "checksum json". Lines are only ever appended. What a
// killed process left of its last line is cut off by the next writer, and a damaged line is passed over: its step counts as never made and
// is redone.
namespace Fabula.Build;

public sealed class FileJournal : IStepJournal, IDisposable
{
    static readonly byte[] Heading = "fabula-journal 1\n"u8.ToArray();

    readonly string _path;
    readonly Disk _disk;
    readonly Lock _lock = new();
    Dictionary<Digest, StepRecord> _byKey = [];
    Dictionary<string, StepRecord> _byStep = new(StringComparer.Ordinal);
    HashSet<Digest>? _seen; // made when it is first asked for: a run with nothing to do never does
    FileStream? _file;
    long _end;
    int _lines;

    /// <summary>Lines that could not be read: damaged, or written by a hand.</summary>
    public int DamagedLines { get; private set; }

    /// <exception cref="BuildFolderException">The file is no journal, or one of a newer version.</exception>
    internal FileJournal(string path, Disk disk, bool canWrite)
    {
        (_path, _disk) = (path, disk);
        if (canWrite) _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 0);
        try
        {
            Load(canWrite || File.Exists(path) ? ReadAll(path) : []);
            if (!canWrite) return;
            if (_end == 0) Repair(Heading);
            else if (_end < _file!.Length) Repair([]);
            if (_lines > 1000 && _lines > 2 * _byKey.Count) Rewrite(_byKey.Values);
        }
        catch
        {
            _file?.Dispose();
            throw;
        }
    }

    public StepRecord? Find(Digest key)
    {
        lock (_lock) return _byKey.GetValueOrDefault(key);
    }

    public StepRecord? Last(string step)
    {
        lock (_lock) return _byStep.GetValueOrDefault(step);
    }

    public bool HasSeen(Digest work)
    {
        lock (_lock) return (_seen ??= [.. _byKey.Values.Select(StepKey.Work)]).Contains(work);
    }

    public void Append(StepRecord record)
    {
        lock (_lock)
        {
            Append(JournalLine.Of(record), flush: true);
            Remember(record);
        }
    }

    public void Use(string step, Digest key)
    {
        lock (_lock)
        {
            if (!_byKey.TryGetValue(key, out var record)) return;
            Append(JournalLine.Of(step, key), flush: false);
            _byStep[step] = record;
        }
    }

    public void Compact(Predicate<StepRecord> keep)
    {
        lock (_lock) Rewrite([.. _byKey.Values.Where(record => keep(record))]);
    }

    public void Dispose() => _file?.Dispose();

    void Load(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.StartsWith(Heading))
        {
            if (Heading.AsSpan().StartsWith(bytes)) return; // empty, or killed while it was begun
            throw new BuildFolderException($"'{_path}' is no journal that this version of Fabula can read. "
                + "If a newer version wrote it, use that one; "
                + "otherwise delete the file, and everything is made anew.");
        }
        _end = Heading.Length;
        while (_end < bytes.Length)
        {
            var rest = bytes[(int)_end..];
            var length = rest.IndexOf((byte)'\n');
            if (length < 0) break; // torn
            _end += length + 1;
            _lines++;
            switch (JournalLine.Read(rest[..length]))
            {
                case { Record: { } record }: Remember(record); break;
                case { } use when _byKey.TryGetValue(use.Key, out var record): _byStep[use.Step] = record; break;
                case null: DamagedLines++; break;
            }
        }
    }

    void Remember(StepRecord record)
    {
        _byKey[record.Key] = record;
        _byStep[record.Step] = record;
        _seen?.Add(StepKey.Work(record));
    }

    /// <summary>Cuts off what is not whole and goes on from there.</summary>
    void Repair(byte[] then)
    {
        _disk.At("truncate", _path);
        _file!.SetLength(_end);
        if (then.Length > 0) Append(then, flush: true);
    }

    void Append(byte[] line, bool flush)
    {
        if (_file is null) throw new InvalidOperationException("The journal was opened for reading.");
        if (_file.Length != _end) Repair([]); // an earlier line was not written to its end: the disk was full
        _disk.Append(_file, line, flush);
        _end += line.Length;
        _lines++;
    }

    /// <summary>Writes a new file beside the old one and puts it in its place.</summary>
    void Rewrite(ICollection<StepRecord> records)
    {
        // A reader of the new file takes the last record of a name for what the step stands for: where that is wrong, a line says so.
        var (kept, last) = (new HashSet<Digest>(), new Dictionary<string, Digest>(StringComparer.Ordinal));
        foreach (var record in records)
        {
            kept.Add(record.Key);
            last[record.Step] = record.Key;
        }
        var lines = records.Select(JournalLine.Of).Concat(
            from entry in _byStep.OrderBy(entry => entry.Key, StringComparer.Ordinal)
            where kept.Contains(entry.Value.Key) && (!last.TryGetValue(entry.Key, out var read) || read != entry.Value.Key)
            select JournalLine.Of(entry.Key, entry.Value.Key));
        var fresh = _path + ".new";
        _disk.Write(fresh, [Heading, .. lines]);
        _file!.Dispose();
        try { _disk.Move(fresh, _path); }
        finally { _file = new FileStream(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, 0); }
        (_byKey, _byStep, _seen) = ([], new(StringComparer.Ordinal), null);
        (_lines, DamagedLines) = (0, 0);
        Load(ReadAll(_path));
    }

    static byte[] ReadAll(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
        using var bytes = new MemoryStream((int)Math.Min(file.Length + 1, int.MaxValue / 2));
        file.CopyTo(bytes, 1 << 20);
        return bytes.ToArray();
    }
}
