using System.Runtime.InteropServices;
using System.Text;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Content;

/// <summary>The files a content server offers at one moment; it never changes, a new scan makes a new one.</summary>
/// <remarks>A name from the wire is looked up here and nowhere else: only an entry of the library has a path.</remarks>
public sealed class Library
{
    private readonly NameTable _names = new(seed: 0);
    private readonly List<int> _rows = [];
    private readonly List<FileFacts> _facts = [];
    private readonly List<byte[]?> _digests = [];

    internal static Library Empty { get; } = new();

    /// <summary>How many files there are.</summary>
    public int Count => _facts.Count;

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
        _digests.Add(null);
        return true;
    }

    /// <summary>The number of the file that a GET asks for: the raw words first, then their decoded form; -1 when
    /// none.</summary>
    public int Find(ReadOnlySpan<byte> words)
    {
        int row = _names.Find(words);
        if (row < 0 && words.Contains((byte)'%'))
        {
            Span<byte> decoded = stackalloc byte[Limits.LineBytes];
            row = _names.Find(decoded[..PercentText.Decode(words, decoded)]);
        }
        return row < 0 ? -1 : (int)_names.ValueOf(row);
    }

    /// <summary>The number of a file by its decoded name; -1 when there is none.</summary>
    public int FindName(ReadOnlySpan<byte> name)
    {
        int row = _names.Find(name);
        return row < 0 ? -1 : (int)_names.ValueOf(row);
    }

    /// <summary>The name of a file, in UTF-8.</summary>
    public ReadOnlySpan<byte> NameOf(int number) => _names[_rows[number]];

    /// <summary>The SHA-256 of a file's bytes, 32 bytes; false while it is not known.</summary>
    public bool TryDigest(int number, out ReadOnlySpan<byte> sha256)
    {
        byte[]? digest = Volatile.Read(ref CollectionsMarshal.AsSpan(_digests)[number]);
        sha256 = digest;
        return digest is not null;
    }

    /// <summary>Notes the digest of a file.</summary>
    internal void Know(int number, byte[] sha256) =>
        Volatile.Write(ref CollectionsMarshal.AsSpan(_digests)[number], sha256);

    /// <summary>The facts of a file as the scan found it.</summary>
    public FileFacts FactsOf(int number) => _facts[number];

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

    /// <summary>Files were replaced or edited, but no name or size changed: nobody has to be told.</summary>
    Inside,

    /// <summary>Names or sizes changed: the index has to be told.</summary>
    Announced,
}
