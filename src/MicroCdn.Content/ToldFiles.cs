using System.Buffers;
using MicroCdn.Content.Publishing;
using MicroCdn.Protocol;

namespace MicroCdn.Content;

/// <summary>What a version 2 index was told of this server's files on one connection, and so what it is still to be
/// told.</summary>
/// <remarks>
/// <para>A connection on which a change was refused or cut off is of no more use, and what was told on it
/// neither.</para>
/// <para>Of what was published only what changed since the last time is looked at, and the folder's files only when one
/// of them changed: whoever publishes hundreds of files a second does not have millions walked over each time. A change
/// is told as things are when it is told; one that comes meanwhile is told next.</para>
/// </remarks>
internal sealed class ToldFiles(ServerId id)
{
    private const int SendBytes = 64 * 1024;

    private readonly ArrayBufferWriter<byte> _lines = new();
    private Library _library = Library.Empty;

    // Whether the digest of a file was told; it was the library's, which never takes one back.
    private bool[] _digested = [];

    // How many digests were known then, and up to which change it was told what was published.
    private int _learnt;
    private long _position = -1;

    /// <summary>ADD_FILE and REMOVE_FILE lines that make what was told into a library, in pieces to send; none when
    /// there is nothing to tell. Read to the end, they count as told; each piece is valid until the next.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Tell(Library next)
    {
        int learnt = next.Learnt;
        long position = next.Published.Position;
        _lines.ResetWrittenCount();
        foreach (PublishedFile file in ChangedSince(_position, next.Published))
        {
            WriteName(file.Name, next);
            if (_lines.WrittenCount < SendBytes) continue;
            yield return _lines.WrittenMemory;
            _lines.ResetWrittenCount();
        }
        bool isNews = next != _library || learnt != _learnt;
        bool[] digested = isNews ? new bool[next.Count] : _digested;
        for (int number = 0; number < _library.Count && next != _library; number++)
        {
            if (next.FindName(_library.NameOf(number)) < 0) WriteRemoval(_library.NameOf(number));
            if (_lines.WrittenCount < SendBytes) continue;
            yield return _lines.WrittenMemory;
            _lines.ResetWrittenCount();
        }
        for (int number = 0; number < next.Count && isNews; number++)
        {
            WriteIfNews(next, number, out digested[number]);
            if (_lines.WrittenCount < SendBytes) continue;
            yield return _lines.WrittenMemory;
            _lines.ResetWrittenCount();
        }
        if (_lines.WrittenCount > 0) yield return _lines.WrittenMemory;
        (_library, _digested, _learnt, _position) = (next, digested, learnt, position);
    }

    // Everything at first.
    private static IEnumerable<PublishedFile> ChangedSince(long position, Published published)
    {
        if (position < 0) return published.All();
        if (!published.TryChanges(position, out PublishedFile[] changes))
        {
            throw new IOException("more was published since than is remembered one by one");
        }
        HashSet<string> seen = [];
        return changes.Where(file => seen.Add(System.Text.Encoding.UTF8.GetString(file.Name)));
    }

    // A name as it is now: what was published, or what lies in the folder, or nothing.
    private void WriteName(ReadOnlySpan<byte> name, Library library)
    {
        int number = library.FindName(name);
        if (number < 0) WriteRemoval(name);
        else Write(library, number, isDigested: library.TryDigest(number, out _));
    }

    private void WriteIfNews(Library next, int number, out bool isDigested)
    {
        isDigested = next.TryDigest(number, out ReadOnlySpan<byte> digest);
        int before = next == _library ? number : _library.FindInFolder(next.NameOf(number));
        if (before >= 0 && _library.FactsOf(before).Size == next.FactsOf(number).Size
            && _digested[before] == isDigested && (!isDigested || IsTold(before, digest, next, number))) return;
        if (!next.IsHidden(number)) Write(next, number, isDigested);
    }

    private void Write(Library library, int number, bool isDigested)
    {
        _lines.Write("ADD_FILE "u8);
        _lines.WriteText(id.Value);
        _lines.Write(" "u8);
        PercentText.Encode(library.NameOf(number), _lines);
        _lines.Write(" "u8);
        _lines.WriteNumber(library.FactsOf(number).Size);
        if (isDigested && library.TryDigest(number, out ReadOnlySpan<byte> digest))
        {
            _lines.Write(" sha256="u8);
            new FileDigest(digest).WriteHex(_lines);
            WriteRoot(library, number);
            WriteTime(SecondsOf(library, number));
            WriteRevision(library.RevisionOf(number));
        }
        _lines.Write("\n"u8);
    }

    private bool IsTold(int before, ReadOnlySpan<byte> digest, Library next, int number) =>
        _library.TryDigest(before, out ReadOnlySpan<byte> told) && told.SequenceEqual(digest)
        && SecondsOf(_library, before) == SecondsOf(next, number);

    private static long SecondsOf(Library library, int number) => library.FactsOf(number).Modified / 1_000_000_000;

    // The root of one chunk follows from its digest.
    private void WriteRoot(Library library, int number)
    {
        FileDigest root = library.ChunkRootOf(number);
        if (root.IsNone || Chunks.FollowFromDigest(library.FactsOf(number).Size)) return;
        _lines.Write(" chunks="u8);
        root.WriteHex(_lines);
    }

    // A file from before 1970 or after 9999 has a wrong time, which is better left unsaid.
    private void WriteTime(long seconds)
    {
        if (seconds is < 0 or > Limits.UnixSeconds) return;
        _lines.Write(" time="u8);
        _lines.WriteNumber(seconds);
    }

    private void WriteRevision(long revision)
    {
        if (revision == 0) return;
        _lines.Write(" rev="u8);
        _lines.WriteNumber(revision);
    }

    private void WriteRemoval(ReadOnlySpan<byte> name)
    {
        _lines.Write("REMOVE_FILE "u8);
        _lines.WriteText(id.Value);
        _lines.Write(" "u8);
        PercentText.Encode(name, _lines);
        _lines.Write("\n"u8);
    }
}
