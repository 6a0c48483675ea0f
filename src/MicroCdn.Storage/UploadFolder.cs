namespace MicroCdn.Storage;

/// <summary>A folder for uploads on their way: what came of one that broke off is kept for a day.</summary>
/// <remarks>
/// <para>What there is, is known in memory, so that it is answered without waiting for the disk. An upload goes by a
/// key, 64 hex digits of whoever keeps the folder; one at a time for each.</para>
/// <para>Nothing here is durable before it is published. A process that was killed leaves what it wrote with the
/// kernel, a machine that stopped does not: so parts of an earlier boot are not gone on with.</para>
/// </remarks>
public sealed class UploadFolder
{
    /// <summary>How long what came of an upload is kept.</summary>
    public static readonly TimeSpan PartTime = TimeSpan.FromDays(1);

    /// <summary>Most uploads at once: each holds some buffers, and a server takes 64 as well.</summary>
    public const int MostAtOnce = 64;

    /// <summary>Most uploads that are kept after they broke off.</summary>
    public const int MostKept = 1_000;

    // The room that an upload of unknown length takes at a time.
    private const long Step = 16 << 20;

    private readonly string _path;
    private readonly long _most, _leastFree;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private long _free;
    private int _active;

    private UploadFolder(string path, long most, long leastFree, TimeProvider time) =>
        (_path, _most, _leastFree, _time) = (path, most, leastFree, time);

    /// <summary>Opens the folder, making it where it does not exist.</summary>
    /// <param name="path">Where it is; a process has it for itself.</param>
    /// <param name="most">The most bytes that uploads may take together.</param>
    /// <param name="leastFree">What stays free of the disk.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static UploadFolder Open(string path, long most, long leastFree, TimeProvider time)
    {
        UploadFolder folder = new(path, most, leastFree, time);
        AtomicFile.MakeFolder(path);
        string boot = Path.Combine(path, "boot"), now = Boot();
        bool isSame = now.Length > 0 && File.Exists(boot) && File.ReadAllText(boot) == now;
        foreach (FileInfo file in new DirectoryInfo(path).EnumerateFiles("*.gone")) file.Delete();
        foreach (FileInfo file in new DirectoryInfo(path).EnumerateFiles("*.part"))
        {
            if (!isSame || folder._entries.Count >= MostKept) file.Delete();
            else
            {
                folder._entries[Path.GetFileNameWithoutExtension(file.Name)] = new Entry
                {
                    Length = file.Length, Seconds = new DateTimeOffset(file.LastWriteTimeUtc).ToUnixTimeSeconds(),
                };
            }
        }
        if (!isSame) File.WriteAllText(boot, now);
        folder.Look();
        return folder;
    }

    /// <summary>How many bytes of an upload are here.</summary>
    public long LengthOf(string key)
    {
        lock (_lock) return _entries.TryGetValue(key, out Entry? entry) ? entry.Length : 0;
    }

    /// <summary>Begins an upload, or goes on with one; nothing is written yet.</summary>
    /// <param name="key">What it goes by.</param>
    /// <param name="offset">How many of the bytes that are here count; what is behind them goes.</param>
    /// <param name="total">How many there will be, or -1.</param>
    /// <param name="part">The upload, to be disposed.</param>
    public UploadStart TryBegin(string key, long offset, long total, out UploadPart? part)
    {
        part = null;
        lock (_lock)
        {
            _entries.TryGetValue(key, out Entry? entry);
            if (entry?.IsBusy == true) return UploadStart.Busy;
            if (offset > (entry?.Length ?? 0)) return UploadStart.Gap;
            if (total > _most) return UploadStart.TooLarge;
            if (_active >= MostAtOnce) return UploadStart.TooMany;
            long before = entry?.Length ?? 0;
            entry ??= new Entry();
            (entry.Length, entry.Room) = (offset, Math.Max(offset, total));
            while (!Fits(entry, before))
            {
                // Whoever broke off may begin anew; who comes now would have to wait for a day.
                if (Fits(entry, before, withoutIdle: true) && DropOldest(key)) continue;
                (entry.Length, entry.Room) = (before, 0);
                return UploadStart.NoRoom;
            }
            entry.IsBusy = true;
            _entries[key] = entry;
            _active++;
            part = new UploadPart(this, key, Path.Combine(_path, $"{key}.part"), offset);
            return UploadStart.Begun;
        }
    }

    /// <summary>Looks how much of the disk is free, and sweeps what nobody came back to.</summary>
    public void Look()
    {
        long before = _time.GetUtcNow().Subtract(PartTime).ToUnixTimeSeconds(), free = FreeSpace.Of(_path);
        List<string> old = [];
        lock (_lock)
        {
            _free = free;
            foreach ((string key, Entry entry) in _entries)
            {
                if (!entry.IsBusy && entry.Seconds < before) old.Add(key);
            }
            foreach (string key in old) _entries.Remove(key);
            // Within the lock, lest somebody begins anew what is being deleted.
            foreach (string key in old) File.Delete(Path.Combine(_path, $"{key}.part"));
        }
    }

    internal void Grow(string key, long length)
    {
        lock (_lock)
        {
            Entry entry = _entries[key];
            if (length > entry.Room)
            {
                long before = entry.Room;
                entry.Room = length + Step;
                if (!Fits(entry, entry.Length)) entry.Room = length;
                if (!Fits(entry, entry.Length))
                {
                    entry.Room = before;
                    throw new DiskFullException(key, null);
                }
            }
            _free -= length - entry.Length;
            entry.Length = length;
        }
    }

    internal void End(string key, bool isKept)
    {
        lock (_lock)
        {
            _active--;
            Entry entry = _entries[key];
            (entry.IsBusy, entry.Room, entry.Seconds) = (false, 0, _time.GetUtcNow().ToUnixTimeSeconds());
            if (!isKept) _entries.Remove(key);
            else if (_entries.Count > MostKept) DropOldest(key);
        }
    }

    // Renamed at once, so that whoever begins it anew finds nothing; the disk may take its time to delete it.
    private bool DropOldest(string butNot)
    {
        string? oldest = _entries.Keys.Where(key => !_entries[key].IsBusy && key != butNot)
            .MinBy(key => _entries[key].Seconds);
        if (oldest is null) return false;
        _free += _entries[oldest].Length;
        _entries.Remove(oldest);
        string gone = Path.Combine(_path, $"{oldest}.gone");
        File.Move(Path.Combine(_path, $"{oldest}.part"), gone, overwrite: true);
        _ = Task.Run(() => File.Delete(gone));
        return true;
    }

    // What is not written yet must fit beside all others, and leave what is to stay free.
    private bool Fits(Entry wanted, long isThere, bool withoutIdle = false)
    {
        long all = wanted.Taken, toCome = Math.Max(0, wanted.Taken - isThere), free = _free;
        foreach (Entry entry in _entries.Values)
        {
            if (entry == wanted) continue;
            if (withoutIdle && !entry.IsBusy)
            {
                free += entry.Length;
                continue;
            }
            all += entry.Taken;
            toCome += entry.Taken - entry.Length;
        }
        return all <= _most && toCome <= Math.Max(0, free - _leastFree);
    }

    private static string Boot()
    {
        const string linux = "/proc/sys/kernel/random/boot_id";
        return File.Exists(linux) ? File.ReadAllText(linux) : "";
    }

    private sealed class Entry
    {
        public long Length { get; set; }

        public long Room { get; set; }

        public long Seconds { get; set; }

        public bool IsBusy { get; set; }

        public long Taken => Math.Max(Length, Room);
    }
}

/// <summary>Whether an upload may begin.</summary>
public enum UploadStart
{
    /// <summary>It began.</summary>
    Begun,

    /// <summary>It is under way already.</summary>
    Busy,

    /// <summary>It would begin behind what is here.</summary>
    Gap,

    /// <summary>It is larger than uploads may ever be.</summary>
    TooLarge,

    /// <summary>As many as there may be are under way, or kept.</summary>
    TooMany,

    /// <summary>There is no room for it now.</summary>
    NoRoom,
}
