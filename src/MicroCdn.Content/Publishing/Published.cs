using MicroCdn.Protocol;

namespace MicroCdn.Content.Publishing;

/// <summary>Knows which names show which blob: readers find them without a lock while one writer changes name after
/// name.</summary>
/// <remarks>
/// <para>A published file has a number, as a file of the folder has one; it begins where those end (<see cref="Bit"/>).
/// A number stands for one revision of one name: when the name shows something else it gets another number, and the old
/// one goes on meaning what it meant for <see cref="Grace"/>. So whoever looked a name up sees one file, old or new,
/// however long its answer takes.</para>
/// <para>What changed can be asked for by position, as far back as it is remembered.</para>
/// </remarks>
internal sealed class Published(TimeProvider time)
{
    /// <summary>The first number of a published file: more than any library of a folder has.</summary>
    public const int Bit = 1 << 30;

    /// <summary>How long what was replaced or dropped stays: longer than any answer is worked on, and than the pauses
    /// of a download that asks for part after part.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);

    // Who has missed more is told everything.
    private const int MostChanges = 1 << 16;
    private const int PageBits = 12, PageSize = 1 << PageBits;

    // Names of which most show nothing any more are worth forgetting.
    private const int SpareNames = 1 << 16;

    private readonly Lock _lock = new();
    private readonly PublishedFile?[]?[] _pages = new PublishedFile?[Limits.FilesPerServer * 2 / PageSize][];
    private readonly Queue<(int Slot, long Since)> _retired = [];
    private readonly List<PublishedFile> _changes = [];
    private NameTable _names = new(seed: 0);

    private readonly List<PublishedFile> _turned = [];
    private Curtain? _curtain;
    private int _slots;
    private int _count;
    private long _firstChange;

    /// <summary>Where nothing is published.</summary>
    public static Published None { get; } = new(TimeProvider.System);

    /// <summary>How many names show something.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The file of a number.</summary>
    public PublishedFile this[int number] => File(number - Bit);

    /// <summary>How often something changed so far.</summary>
    public long Position
    {
        get
        {
            lock (_lock) return _firstChange + _changes.Count;
        }
    }

    /// <summary>The number of the file with exactly this name; -1 when nothing is published under it.</summary>
    public int Find(ReadOnlySpan<byte> name)
    {
        if (Count == 0 && Volatile.Read(ref _curtain) is null) return -1;
        NameTable names = Volatile.Read(ref _names);
        int row = names.Find(name);
        if (row < 0) return -1;
        // In this sequence: whoever read a value that was changed behind the curtain finds the curtain, or that it is
        // up and everything else is changed too.
        long value = Volatile.Read(ref names.ValueOf(row));
        if (Volatile.Read(ref _curtain) is { } curtain && curtain.Names == names
            && curtain.Before.TryGetValue(row, out long before)) value = before;
        return value > 0 ? Bit + (int)value - 1 : -1;
    }

    /// <summary>Changes names together: whoever looks finds all of them as they were, or all of them changed. One
    /// writer at a time, as below.</summary>
    /// <param name="names">The names.</param>
    /// <param name="change">Changes them here.</param>
    public void Together(IEnumerable<byte[]> names, Action change)
    {
        Dictionary<int, long> before = [];
        foreach (byte[] name in names)
        {
            if (_names.Add(name) is >= 0 and int row) before[row] = _names.ValueOf(row);
        }
        Volatile.Write(ref _curtain, new Curtain(_names, before));
        try
        {
            change();
        }
        finally
        {
            Volatile.Write(ref _curtain, null);
            // Whoever tells of changes finds no change before its name shows it.
            foreach (PublishedFile file in _turned) Note(file);
            _turned.Clear();
        }
        ForgetNamesIfMany();
    }

    /// <summary>The file with exactly this name; null when nothing is published under it.</summary>
    public PublishedFile? FileOf(ReadOnlySpan<byte> name) => Find(name) is >= 0 and var number ? this[number] : null;

    /// <summary>The same, as the writer finds it while names change together.</summary>
    public PublishedFile? LastFileOf(ReadOnlySpan<byte> name)
    {
        int row = _names.Find(name);
        return row >= 0 && _names.ValueOf(row) is > 0 and var value ? File((int)value - 1) : null;
    }

    /// <summary>True when so many more changes can be kept.</summary>
    public bool HasRoomFor(int changes) =>
        _slots + changes <= _pages.Length * PageSize && _names.Count + changes <= Limits.Names;

    /// <summary>Has a name show a blob. One writer at a time, as below.</summary>
    /// <returns>False when no further name can be kept.</returns>
    public bool Show(ReadOnlySpan<byte> name, Blob blob, long revision, long seconds)
    {
        int row = _names.Add(name);
        if (row < 0 || !TryTakeSlot(out int slot)) return false;
        PublishedFile file = new(_names, row, blob, revision, seconds);
        PublishedFile?[] page = _pages[slot >> PageBits] ??= new PublishedFile?[PageSize];
        // The file is there before the value that leads to it.
        Volatile.Write(ref page[slot & (PageSize - 1)], file);
        if (slot == _slots) Volatile.Write(ref _slots, slot + 1);
        Put(file, slot + 1);
        return true;
    }

    /// <summary>Has a name show nothing any more.</summary>
    public void Drop(PublishedFile file)
    {
        Put(file, 0);
        ForgetNamesIfMany();
    }

    /// <summary>Everything that is shown, as it is found while walking.</summary>
    public IEnumerable<PublishedFile> All()
    {
        for (int slot = 0; slot < Volatile.Read(ref _slots); slot++)
        {
            PublishedFile file = File(slot);
            if (Volatile.Read(ref file.Value) == slot + 1) yield return file;
        }
    }

    /// <summary>The files that were shown, or no longer shown, since a position; false when that is too long
    /// ago.</summary>
    public bool TryChanges(long since, out PublishedFile[] changes)
    {
        lock (_lock)
        {
            bool known = since >= _firstChange;
            changes = known ? [.. _changes[(int)(since - _firstChange)..]] : [];
            return known;
        }
    }

    private PublishedFile File(int slot) => Volatile.Read(ref _pages[slot >> PageBits]![slot & (PageSize - 1)])!;

    // The value is the one thing that readers go by: with it the name is the new file's.
    private void Put(PublishedFile file, long value)
    {
        ref long now = ref file.Value;
        if (now != 0) _retired.Enqueue(((int)now - 1, time.GetTimestamp()));
        _count += (value != 0 ? 1 : 0) - (now != 0 ? 1 : 0);
        Volatile.Write(ref now, value);
        if (_curtain is null) Note(file);
        else _turned.Add(file);
    }

    private void Note(PublishedFile file)
    {
        lock (_lock)
        {
            _changes.Add(file);
            if (_changes.Count < 2 * MostChanges) return;
            _changes.RemoveRange(0, MostChanges);
            _firstChange += MostChanges;
        }
    }

    private bool TryTakeSlot(out int slot)
    {
        if (_retired.TryPeek(out var oldest) && time.GetElapsedTime(oldest.Since) >= Grace)
        {
            slot = _retired.Dequeue().Slot;
            return true;
        }
        slot = _slots;
        return slot < _pages.Length * PageSize;
    }

    // Whoever still reads the old table finds in it what was true when it was replaced.
    private void ForgetNamesIfMany()
    {
        if (_curtain is not null || _names.Count <= (2 * _count) + SpareNames) return;
        NameTable names = new(seed: 0);
        for (int slot = 0; slot < _slots; slot++)
        {
            PublishedFile file = File(slot);
            if (file.Value != slot + 1) continue;
            int row = names.Add(file.Name);
            names.ValueOf(row) = slot + 1;
            Volatile.Write(ref _pages[slot >> PageBits]![slot & (PageSize - 1)], file.In(names, row));
        }
        Volatile.Write(ref _names, names);
    }

    private sealed record Curtain(NameTable Names, Dictionary<int, long> Before);
}
