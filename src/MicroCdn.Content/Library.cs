using System.Text;
using MicroCdn.Content.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Content;

/// <summary>The files a content server offers: those of its folder at one moment, and those that were published to
/// it.</summary>
/// <remarks>
/// <para>A name from the wire is looked up here and nowhere else: only an entry of the library has a path. Files of the
/// folder go by number, 0 to <see cref="Count"/> - 1; such a number means something within one library alone. But for
/// digests that become known they never change: a new scan makes a new library.</para>
/// <para>Published files have larger numbers (<see cref="Published"/>), are the same in all libraries of a server, and
/// change one by one. A published name hides a file of the folder.</para>
/// </remarks>
public sealed class Library
{
    private readonly Published _published;
    private readonly NameTable _names = new(seed: 0);
    private readonly List<int> _rows = [];
    private readonly List<FileFacts> _facts = [];

    // Made when the first digest is known: for each file its 32 bytes, and whether they are there.
    private byte[] _digests = [];
    private byte[]? _known;

    // The numbers of the files of more than one chunk, ascending, and for each its chunk root. That of others follows.
    private int[] _large = [];
    private FileDigest[] _roots = [];

    internal Library(Published? published = null) => _published = published ?? Published.None;

    internal static Library Empty { get; } = new();

    /// <summary>How many files of the folder there are.</summary>
    public int Count => _facts.Count;

    /// <summary>How many digests of files of the folder have become known.</summary>
    internal int Learnt { get; private set; }

    /// <summary>What was published to this server.</summary>
    internal Published Published => _published;

    /// <summary>Adds a file; only while the library is being built.</summary>
    /// <returns>False when the library is full.</returns>
    internal bool Add(FileName name, FileFacts facts)
    {
        if (Count >= Limits.FilesPerServer) return false;
        int row = _names.Add(Encoding.UTF8.GetBytes(name.Value));
        if (_names.Count == Count) return row >= 0;
        // The value beside a name is its number; numbers run in the order of the rows.
        _names.ValueOf(row) = Count;
        _rows.Add(row);
        _facts.Add(facts);
        return true;
    }

    /// <summary>The number of the file that a GET asks for: the raw words first, then their decoded form; -1 when
    /// none.</summary>
    public int Find(ReadOnlySpan<byte> words)
    {
        int number = FindName(words);
        if (number < 0 && words.Contains((byte)'%'))
        {
            Span<byte> decoded = stackalloc byte[Limits.LineBytes];
            number = FindName(decoded[..PercentText.Decode(words, decoded)]);
        }
        return number;
    }

    /// <summary>The number of the file with exactly this name, decoded already; -1 when none.</summary>
    public int FindName(ReadOnlySpan<byte> decodedName) =>
        _published.Find(decodedName) is >= 0 and var number ? number : FindInFolder(decodedName);

    /// <summary>The same among the files of the folder alone, hidden ones too.</summary>
    internal int FindInFolder(ReadOnlySpan<byte> decodedName)
    {
        int row = _names.Find(decodedName);
        return row < 0 ? -1 : (int)_names.ValueOf(row);
    }

    /// <summary>True for a file of the folder whose name shows something that was published.</summary>
    internal bool IsHidden(int number) => _published.Find(NameOf(number)) >= 0;

    /// <summary>The decoded name of a file.</summary>
    public ReadOnlySpan<byte> NameOf(int number) =>
        number < Published.Bit ? _names[_rows[number]] : _published[number].Name;

    /// <summary>The revision that the index had a name show; 0 for a file of the folder.</summary>
    internal long RevisionOf(int number) => number < Published.Bit ? 0 : _published[number].Revision;

    /// <summary>Size, time and inode of a file when it was scanned; of a published one when it was published.</summary>
    public FileFacts FactsOf(int number) => number < Published.Bit ? _facts[number] : _published[number].Facts;

    /// <summary>The SHA-256 of a file with the facts of <see cref="FactsOf"/>, 32 bytes; false while it is not known.
    /// Takes no lock and allocates nothing; once known it stays.</summary>
    public bool TryDigest(int number, out ReadOnlySpan<byte> digest)
    {
        if (number >= Published.Bit)
        {
            digest = _published[number].Blob.DigestBytes;
            return true;
        }
        bool known = Volatile.Read(ref _known) is { } flags && Volatile.Read(ref flags[number]) != 0;
        digest = known ? _digests.AsSpan(number * FileDigest.Length, FileDigest.Length) : [];
        return known;
    }

    /// <summary>The chunk root (<see cref="Chunks"/>) of a file whose digest is known; else none.</summary>
    public FileDigest ChunkRootOf(int number)
    {
        if (number >= Published.Bit) return _published[number].Blob.Root;
        if (!TryDigest(number, out ReadOnlySpan<byte> digest)) return FileDigest.None;
        long size = FactsOf(number).Size;
        if (Chunks.FollowFromDigest(size)) return Chunks.RootOfOne(size, new FileDigest(digest));
        return _roots[Array.BinarySearch(_large, number)];
    }

    /// <summary>Keeps a digest that became known, and for a file of more than one chunk its chunk root. One caller at
    /// a time.</summary>
    internal void Learn(int number, ReadOnlySpan<byte> digest, FileDigest root = default)
    {
        if (_known is null)
        {
            _digests = new byte[Count * FileDigest.Length];
            _large = [.. Enumerable.Range(0, Count).Where(n => !Chunks.FollowFromDigest(_facts[n].Size))];
            _roots = new FileDigest[_large.Length];
            Volatile.Write(ref _known, new byte[Count]);
        }
        if (_known[number] != 0) return;
        digest.CopyTo(_digests.AsSpan(number * FileDigest.Length));
        if (Array.BinarySearch(_large, number) is >= 0 and var large) _roots[large] = root;
        // The digest is there before the flag that leads to it.
        Volatile.Write(ref _known[number], 1);
        Learnt++;
    }

    /// <summary>Takes over what an earlier library knew of the files that are still the same.</summary>
    internal void LearnFrom(Library before)
    {
        if (before._known is null) return;
        for (int number = 0; number < Count; number++)
        {
            int known = before.FindInFolder(NameOf(number));
            if (known >= 0 && before._facts[known] == _facts[number] && before.TryDigest(known, out var digest))
            {
                Learn(number, digest, before.ChunkRootOf(known));
            }
        }
    }

    /// <summary>The same library without some files.</summary>
    internal Library Without(Func<FileName, FileFacts, bool> isOut)
    {
        Library rest = new(_published);
        for (int number = 0; number < Count; number++)
        {
            FileName.TryCreate(NameOf(number), out FileName name);
            if (!isOut(name, FactsOf(number))) rest.Add(name, FactsOf(number));
        }
        rest.LearnFrom(this);
        return rest;
    }

    /// <summary>The facts of a file by its name.</summary>
    internal bool TryFacts(FileName name, out FileFacts facts)
    {
        int row = _names.Find(Encoding.UTF8.GetBytes(name.Value));
        facts = row < 0 ? default : _facts[(int)_names.ValueOf(row)];
        return row >= 0;
    }

    /// <summary>How another library differs from this one.</summary>
    internal LibraryChange CompareTo(Library next)
    {
        LibraryChange change = next.Count == Count ? LibraryChange.None : LibraryChange.Announced;
        for (int number = 0; number < next.Count; number++)
        {
            int row = _names.Find(next.NameOf(number));
            int known = row < 0 ? -1 : (int)_names.ValueOf(row);
            if (known < 0 || _facts[known].Size != next.FactsOf(number).Size) return LibraryChange.Announced;
            bool differs = _facts[known] != next.FactsOf(number);
            if (differs && change == LibraryChange.None) change = LibraryChange.Inside;
        }
        return change;
    }
}

/// <summary>How much two scans differ.</summary>
internal enum LibraryChange
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>Files were replaced or edited, but no name or size changed: only a digest that was told may be wrong
    /// now.</summary>
    Inside,

    /// <summary>Names or sizes changed: the index has to be told.</summary>
    Announced,
}
