using System.Text;
using MicroCdn.Protocol;
using MicroCdn.Records;

namespace MicroCdn.Index.Publishing;

/// <summary>The releases of the book: what is staged in each, and what was there before the active ones.</summary>
/// <remarks>Applied by the catalog's one writer; read under a lock, since nobody who downloads asks here. A release is
/// handed out as a copy of the moment.</remarks>
internal sealed class Releases
{
    /// <summary>Most releases that are remembered; of those that are not staged the oldest go first.</summary>
    public const int Most = 256;

    /// <summary>Most files of one release: it becomes visible by one change (decision 19).</summary>
    public const int MostFiles = 100_000;

    /// <summary>Most bytes of that change, and so of the one that throws a release away.</summary>
    public const long MostBytes = 32 << 20;

    /// <summary>What such a change has beside the rows of files, at most.</summary>
    public const long HeadBytes = 4096;

    /// <summary>Most files that are staged in all: some hundred bytes of memory each.</summary>
    public const int MostStaged = 400_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<ServerId, Page> _pages = [];
    private int _staged;
    private long _edition;

    /// <summary>Everything that must stay on servers though no name shows it.</summary>
    public IReadOnlyList<FileCopies> Hidden
    {
        get
        {
            lock (_lock)
            {
                return [.. _pages.Values.SelectMany(page => page.Staged.Concat(page.Before))
                    .Where(file => !file.Value.IsRemoved)
                    .Select(file => new FileCopies(Encoding.UTF8.GetBytes(file.Key.Value), file.Value))];
            }
        }
    }

    /// <summary>Another number when something of any release changed.</summary>
    public long Edition => Volatile.Read(ref _edition);

    /// <summary>All of them, the oldest first.</summary>
    public IReadOnlyList<Release> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _pages.Where(page => page.Value.Head.Revision > 0).OrderBy(page => page.Value.Head.Revision)
                    .Select(page => new Release(page.Key, page.Value.Head, page.Value.Staged.Count,
                        page.Value.Staged.Values.Sum(file => file.State.Size), page.Value.Before.Count))];
            }
        }
    }

    /// <summary>How many bytes the change has at the least that makes files of a release visible.</summary>
    /// <param name="release">The release.</param>
    /// <param name="nameBytes">How long their names are together.</param>
    /// <param name="files">How many these are.</param>
    public static long BytesOf(ServerId release, long nameBytes, long files)
    {
        // A row that is taken out, one of what was there before, and one of the name; each knows its length.
        const int RowBytes = 8;
        int keyBytes = Encoding.UTF8.GetByteCount(release.Value) + 1;
        return (files * ((3 * RowBytes) + (2 * keyBytes) + (2 * PublishedName.LeastBytes))) + (3 * nameBytes);
    }

    /// <summary>False when one more file is more than can be staged.</summary>
    /// <param name="release">The release.</param>
    /// <param name="name">The file's name.</param>
    /// <param name="together">The rows of the same change that come before it.</param>
    public bool HasRoom(ServerId release, ReadOnlySpan<byte> name, IReadOnlyList<RecordRow> together)
    {
        if (!FileName.TryCreate(name, out FileName wanted)) return false;
        lock (_lock)
        {
            Page? page = _pages.GetValueOrDefault(release);
            if (page is not null && page.Staged.ContainsKey(wanted)) return true;
            Load load = new(_staged + 1, (page?.Staged.Count ?? 0) + 1, (page?.NameBytes ?? 0) + name.Length);
            // Far from the limits nothing has to be counted.
            int most = together.Count;
            if (IsPossible(new Load(load.All + most, load.Files + most,
                load.NameBytes + (most * (long)Limits.NameBytes)))) return true;
            foreach (RecordRow row in together)
            {
                if (row.Kind != (byte)BookKind.Release || row.Value is null
                    || !TryKey(row.Key, out ServerId other, out FileName? read) || read is not { } file) continue;
                // The same once more is judged when the first is written.
                if (other == release && file == wanted) return true;
                if (_pages.TryGetValue(other, out Page? its) && its.Staged.ContainsKey(file)) continue;
                load = load with { All = load.All + 1 };
                if (other == release) load = new Load(load.All, load.Files + 1, load.NameBytes + LengthOf(file));
            }
            return IsPossible(load);
        }

        bool IsPossible(Load load) => load.All <= MostStaged && load.Files <= MostFiles
            && HeadBytes + BytesOf(release, load.NameBytes, load.Files) <= MostBytes;
    }

    /// <summary>How many files are staged in all.</summary>
    public int StagedCount
    {
        get
        {
            lock (_lock) return _staged;
        }
    }

    /// <summary>How far a release is; null when it is not known.</summary>
    public ReleaseHead? Find(ServerId release)
    {
        lock (_lock)
        {
            return _pages.TryGetValue(release, out Page? page) && page.Head.Revision > 0 ? page.Head : null;
        }
    }

    /// <summary>What is staged in a release, and a number that is another one when something of it changed.</summary>
    public (IReadOnlyList<(FileName Name, PublishedName File)> Files, long Edition) StagedIn(ServerId release)
    {
        lock (_lock)
        {
            return _pages.TryGetValue(release, out Page? page)
                ? ([.. page.Staged.Select(file => (file.Key, file.Value))], page.Edition) : ([], 0);
        }
    }

    /// <summary>What was there before a release became active; a tombstone where nothing was.</summary>
    public IReadOnlyList<(FileName Name, PublishedName Before)> BeforeOf(ServerId release)
    {
        lock (_lock)
        {
            return _pages.TryGetValue(release, out Page? page)
                ? [.. page.Before.Select(file => (file.Key, file.Value))] : [];
        }
    }

    /// <summary>The key of a file in a release.</summary>
    public static byte[] KeyOf(ServerId release, ReadOnlySpan<byte> name) =>
        [.. Encoding.UTF8.GetBytes(release.Value), 0, .. name];

    /// <summary>The key of a release itself.</summary>
    public static byte[] KeyOf(ServerId release) => Encoding.UTF8.GetBytes(release.Value);

    /// <summary>Takes a row; false when it is none that this version can read.</summary>
    public bool TryTake(BookKind kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (!TryKey(key, out ServerId release, out FileName? name)) return false;
        lock (_lock)
        {
            if (!_pages.TryGetValue(release, out Page? page)) page = new Page();
            if (name is not { } file)
            {
                if (kind != BookKind.Release || !ReleaseHead.TryRead(value, out ReleaseHead head)) return false;
                page.Head = head;
            }
            else
            {
                if (!PublishedName.TryRead(value, out PublishedName published)) return false;
                if (kind == BookKind.Undo) page.Before[file] = published;
                else
                {
                    if (!page.Staged.ContainsKey(file))
                    {
                        (_staged, page.NameBytes) = (_staged + 1, page.NameBytes + LengthOf(file));
                    }
                    page.Staged[file] = published;
                }
            }
            page.Edition = ++_edition;
            _pages[release] = page;
            return true;
        }
    }

    /// <summary>Takes a row out.</summary>
    public void Drop(BookKind kind, ReadOnlySpan<byte> key)
    {
        if (!TryKey(key, out ServerId release, out FileName? name)) return;
        lock (_lock)
        {
            if (!_pages.TryGetValue(release, out Page? page)) return;
            page.Edition = ++_edition;
            if (name is not { } file) page.Head = default;
            else if (kind == BookKind.Undo) page.Before.Remove(file);
            else Unstage(page, file);
            if (page.IsEmpty) _pages.Remove(release);
        }
    }

    /// <summary>Takes out everything but what these rows say, which are taken already.</summary>
    public void KeepOnly(IReadOnlyList<RecordRow> rows)
    {
        HashSet<(BookKind Kind, string Release, string? Name)> kept = [];
        foreach (RecordRow row in rows)
        {
            if ((BookKind)row.Kind is not (BookKind.Release or BookKind.Undo)) continue;
            if (!TryKey(row.Key, out ServerId release, out FileName? name)) continue;
            kept.Add(((BookKind)row.Kind, release.Value, name?.Value));
        }
        lock (_lock)
        {
            foreach ((ServerId release, Page page) in _pages)
            {
                foreach (FileName name in page.Staged.Keys.Where(
                    name => !kept.Contains((BookKind.Release, release.Value, name.Value))))
                {
                    Unstage(page, name);
                }
                foreach (FileName name in page.Before.Keys.Where(
                    name => !kept.Contains((BookKind.Undo, release.Value, name.Value))))
                {
                    page.Before.Remove(name);
                }
                if (!kept.Contains((BookKind.Release, release.Value, null))) page.Head = default;
                page.Edition = ++_edition;
                if (page.IsEmpty) _pages.Remove(release);
            }
        }
    }

    private void Unstage(Page page, FileName file)
    {
        if (page.Staged.Remove(file)) (_staged, page.NameBytes) = (_staged - 1, page.NameBytes - LengthOf(file));
    }

    private static int LengthOf(FileName file) => Encoding.UTF8.GetByteCount(file.Value);

    private static bool TryKey(ReadOnlySpan<byte> key, out ServerId release, out FileName? name)
    {
        int zero = key.IndexOf((byte)0);
        name = null;
        if (!ServerId.TryCreate(zero < 0 ? key : key[..zero], out release)) return false;
        if (zero < 0) return true;
        if (!FileName.TryCreate(key[(zero + 1)..], out FileName read)) return false;
        name = read;
        return true;
    }

    // How much is staged: in all, and of one release.
    private readonly record struct Load(int All, int Files, long NameBytes);

    private sealed class Page
    {
        public ReleaseHead Head { get; set; }

        public Dictionary<FileName, PublishedName> Staged { get; } = [];

        public Dictionary<FileName, PublishedName> Before { get; } = [];

        /// <summary>How long the names are together that are staged.</summary>
        public long NameBytes { get; set; }

        public long Edition { get; set; }

        public bool IsEmpty => Head.Revision == 0 && Staged.Count == 0 && Before.Count == 0;
    }
}

/// <summary>One release of the moment.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Head">How far it is.</param>
/// <param name="Staged">How many files are staged in it.</param>
/// <param name="StagedBytes">How many bytes these have.</param>
/// <param name="Undoable">How many names can be made again what they were before it.</param>
internal sealed record Release(ServerId Name, ReleaseHead Head, int Staged, long StagedBytes, int Undoable);
