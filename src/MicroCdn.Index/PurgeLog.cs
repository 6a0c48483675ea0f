using System.Buffers;
using System.Globalization;
using System.Text;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Index;

/// <summary>Numbers purges and remembers them, on disk before anybody hears of them, so that a server that was away is
/// told.</summary>
/// <remarks>
/// <para>Numbers rise by one, also over restarts, and belong to an epoch: a log whose folder was lost, or of which some
/// cannot be read, begins another, so that servers notice and take the whole log again. That a purge is applied twice
/// does no harm; that one is missed would.</para>
/// <para>It also remembers which servers asked for purges, so that a purge right after a restart waits for them, and
/// one that is away is named.</para>
/// <para>The file is a <see cref="RecordLog"/> of lines: <c>epoch HEX16 floor</c>, <c>purge number seconds</c> and the
/// words of the purge, <c>server id seconds</c>.</para>
/// </remarks>
internal sealed class PurgeLog
{
    /// <summary>The most that are remembered; who missed more purges everything.</summary>
    public const int Most = 10_000;

    /// <summary>The most bytes of them all.</summary>
    public const int MostBytes = 16 << 20;

    /// <summary>How long they are remembered, and the servers.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromDays(7);

    // What stands around the value in a record, and the frame.
    private const int EntryBytes = 64;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly string? _folder;
    private readonly RecordLog? _file;
    private readonly List<Entry> _entries = [];
    private readonly Dictionary<ServerId, long> _servers = [];
    private long _bytes;
    private int _written;
    private bool _isSound, _hasGap;

    /// <summary>Takes over what an earlier process remembered.</summary>
    /// <param name="path">The file; null to forget at the end.</param>
    /// <param name="epoch">The epoch that begins when there is none to take over; not 0.</param>
    /// <param name="time">The clock.</param>
    /// <param name="trouble">One sentence when what is there cannot be used; else null.</param>
    public PurgeLog(string? path, ulong epoch, TimeProvider time, out string? trouble)
    {
        (_time, trouble) = (time, null);
        if (path is not null) (_folder, _file) = (Path.GetDirectoryName(path), new RecordLog(path, null));
        try
        {
            _file?.Read(Recall);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            trouble = $"the purges in '{path}' cannot be read, so another epoch begins: {exception.Message}";
        }
        _isSound = Epoch != 0 && trouble is null && !_hasGap && !_file!.IsCut;
        if (!_isSound && _written > 0) trouble ??= $"some of '{path}' is damaged, so another epoch of purges begins";
        if (!_isSound) Epoch = epoch;
    }

    /// <summary>Which log this is.</summary>
    public ulong Epoch { get; private set; }

    /// <summary>The number of the last purge; 0 when there was none.</summary>
    public long Latest
    {
        get
        {
            lock (_lock) return Floor + _entries.Count;
        }
    }

    /// <summary>The number of the last purge that is forgotten.</summary>
    public long Floor { get; private set; }

    /// <summary>The servers that asked within <see cref="Memory"/>.</summary>
    public ServerId[] Servers
    {
        get
        {
            lock (_lock) return [.. _servers.Where(one => IsRecent(one.Value)).Select(one => one.Key)];
        }
    }

    private long Now => _time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>Numbers a purge; waits for the disk.</summary>
    /// <exception cref="IOException">It cannot be remembered, so nobody may hear of it.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public long Add(Purge purge)
    {
        lock (_lock)
        {
            Forget();
            Entry entry = new(Floor + _entries.Count + 1, Now, purge);
            Write(Line(entry));
            _entries.Add(entry);
            _bytes += EntryBytes + purge.Value.Length;
            return entry.Number;
        }
    }

    /// <summary>Remembers that a server asks for purges; waits for the disk.</summary>
    /// <exception cref="IOException">It is not remembered over a restart.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public void Note(ServerId server)
    {
        lock (_lock)
        {
            if (_servers.TryGetValue(server, out long seen) && Now - seen < Memory.TotalSeconds / 7) return;
            _servers[server] = Now;
            Write(Line(server, Now));
        }
    }

    /// <summary>What somebody has to apply who has applied everything up to a number, with the line that ends the
    /// answer.</summary>
    /// <param name="epoch">The epoch that the number is of.</param>
    /// <param name="number">The number.</param>
    public PurgesLine[] Since(ulong epoch, long number)
    {
        lock (_lock)
        {
            Forget();
            long latest = Floor + _entries.Count;
            PurgesLine end = new(null, Epoch, latest);
            // A number that was never given out is of another log too: one that was put back from a copy.
            if (epoch != Epoch || number > latest) number = 0;
            if (number < Floor) return [new PurgesLine(new Purge(PurgeKind.All, "", IsSoft: false), 0, latest), end];
            return [.. _entries.Skip((int)(number - Floor))
                .Select(entry => new PurgesLine(entry.Purge, 0, entry.Number)), end];
        }
    }

    private bool IsRecent(long seconds) => Now - seconds < Memory.TotalSeconds;

    private void Forget()
    {
        int old = 0;
        long bytes = _bytes;
        while (old < _entries.Count
            && (!IsRecent(_entries[old].Seconds) || _entries.Count - old >= Most || bytes >= MostBytes))
        {
            bytes -= EntryBytes + _entries[old].Purge.Value.Length;
            old++;
        }
        if (old == 0) return;
        (_bytes, Floor) = (bytes, Floor + old);
        _entries.RemoveRange(0, old);
    }

    // The file is written anew when most of it is forgotten, or what it holds must not be added to.
    private void Write(byte[] line)
    {
        if (_file is null) return;
        if (_isSound && _written < (2 * (_entries.Count + _servers.Count)) + 1000)
        {
            _file.Append(line);
            _written++;
            return;
        }
        AtomicFile.MakeFolder(_folder!);
        foreach ((ServerId server, long seen) in _servers)
        {
            if (!IsRecent(seen)) _servers.Remove(server);
        }
        List<byte[]> lines =
        [
            Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"epoch {Epoch:x16} {Floor}")),
            .. _entries.Select(Line), .. _servers.Select(one => Line(one.Key, one.Value)), line,
        ];
        _file.Replace(lines);
        (_isSound, _written) = (true, lines.Count);
    }

    private void Recall(byte[] line)
    {
        _written++;
        Words words = new(line);
        words.Next(out ReadOnlySpan<byte> kind);
        if (kind.SequenceEqual("epoch"u8) && words.Next(out var word) && Nonces.TryParse(word, out ulong epoch)
            && words.NextNumber(out long floor)) (Epoch, Floor) = (epoch, floor);
        else if (kind.SequenceEqual("purge"u8) && words.NextNumber(out long number)
            && words.NextNumber(out long seconds) && Purge.Read(words) is { } purge
            && number == Floor + _entries.Count + 1)
        {
            _entries.Add(new Entry(number, seconds, purge));
            _bytes += EntryBytes + purge.Value.Length;
        }
        else if (!kind.SequenceEqual("server"u8)) _hasGap = true;
        else if (words.Next(out var id) && ServerId.TryCreate(id, out ServerId server)
            && words.NextNumber(out long seen)) _servers[server] = seen;
    }

    private static byte[] Line(Entry entry)
    {
        ArrayBufferWriter<byte> line = new();
        line.WriteText(string.Create(CultureInfo.InvariantCulture, $"purge {entry.Number} {entry.Seconds} "));
        entry.Purge.Write(line);
        return line.WrittenSpan.ToArray();
    }

    private static byte[] Line(ServerId server, long seconds) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"server {server} {seconds}"));

    private sealed record Entry(long Number, long Seconds, Purge Purge);
}
