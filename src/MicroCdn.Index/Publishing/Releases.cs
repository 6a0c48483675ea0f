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

    /// <summary>How many files are staged in a release.</summary>
    public int CountOf(ServerId release)
    {
        lock (_lock) return _pages.TryGetValue(release, out Page? page) ? page.Staged.Count : 0;
    }

    /// <summary>True for a name that is staged in a release.</summary>
    public bool Has(ServerId release, ReadOnlySpan<byte> name)
    {
        if (!FileName.TryCreate(name, out FileName file)) return false;
        lock (_lock) return _pages.TryGetValue(release, out Page? page) && page.Staged.ContainsKey(file);
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
                Dictionary<FileName, PublishedName> files = kind == BookKind.Undo ? page.Before : page.Staged;
                if (!files.ContainsKey(file) && kind == BookKind.Release) _staged++;
                files[file] = published;
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
            else if (page.Staged.Remove(file)) _staged--;
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
                    page.Staged.Remove(name);
                    _staged--;
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

    private sealed class Page
    {
        public ReleaseHead Head { get; set; }

        public Dictionary<FileName, PublishedName> Staged { get; } = [];

        public Dictionary<FileName, PublishedName> Before { get; } = [];

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
