using System.Buffers;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>Remembers across restarts which digest a file had, by name, size, time and inode, in a file of
/// lines.</summary>
/// <remarks>
/// <para>A line reads <c>check sha256 size time inode name [root]</c>: the time in nanoseconds since 1970, the name as
/// one word, the chunk root of a file of more than one chunk, and the check the first eight digits of the SHA-256 of
/// what follows it. A line that does not match its check
/// is passed over, so a torn or rotten one costs one file's reading anew and never a wrong digest.</para>
/// <para>Nothing of it is kept in memory: a library takes from the file what fits its files. When most lines fit
/// nothing, the file is written anew, unless the library is empty: its disk may only be away.</para>
/// </remarks>
internal sealed partial class DigestMemory
{
    private const int SpareLines = 10_000;
    private const int WriteBytes = 256 * 1024;

    private readonly LineFile? _file;
    private readonly StoreHealth _health;
    private readonly ILogger _logger;
    private readonly ArrayBufferWriter<byte> _lines = new();
    private long _count;
    private bool _saidTrouble;

    /// <summary>Takes the folder of this server's state; null when nothing is remembered.</summary>
    public DigestMemory(string? folder, ServedFolder served, StoreHealth health, ILogger logger)
    {
        (_logger, _health) = (logger, health);
        if (folder is null) return;
        if (served.Holds(folder)) LogInside(folder);
        else _file = new LineFile(Path.Combine(folder, "digests"), health);
    }

    /// <summary>What reading it costs, in bytes.</summary>
    public long Length => _file?.Length ?? 0;

    /// <summary>Hands out every remembered digest that fits a file of the library.</summary>
    /// <returns>How many fit.</returns>
    public int Recall(Library library, DigestTaker take)
    {
        if (_file is null) return 0;
        int fit = 0;
        _count = 0;
        Try(() => _file.Read(line =>
        {
            _count++;
            if (TryFit(line, library, out int number, out FileDigest digest, out FileDigest root))
            {
                Span<byte> bytes = stackalloc byte[FileDigest.Length];
                digest.CopyTo(bytes);
                take(number, bytes, root);
                fit++;
            }
        }));
        return fit;
    }

    /// <summary>Remembers the digests of some files, which the library knows.</summary>
    public void Add(Library library, IReadOnlyList<int> numbers)
    {
        if (_file is null || numbers.Count == 0) return;
        _lines.ResetWrittenCount();
        foreach (int number in numbers) Write(library, number);
        Try(() => _file.Append(_lines.WrittenSpan));
        _count += numbers.Count;
    }

    /// <summary>Writes the file anew with what the library knows, if most of its lines are of no use.</summary>
    public void CompactIfWorth(Library library)
    {
        if (_file is null || library.Count == 0 || _count <= (2L * library.Count) + SpareLines) return;
        Try(() =>
        {
            using AtomicFile file = AtomicFile.Create(_file.Path, _health);
            long count = 0;
            _lines.ResetWrittenCount();
            for (int number = 0; number < library.Count; number++)
            {
                if (library.TryDigest(number, out _) && Write(library, number)) count++;
                if (_lines.WrittenCount < WriteBytes && number < library.Count - 1) continue;
                file.Write(_lines.WrittenSpan);
                _lines.ResetWrittenCount();
            }
            file.Commit();
            _count = count;
        });
    }

    private static bool TryFit(
        ReadOnlySpan<byte> line, Library library, out int number, out FileDigest digest, out FileDigest root)
    {
        number = -1;
        (digest, root) = (default, default);
        if (!CheckedLine.TryOpen(line, out ReadOnlySpan<byte> rest)) return false;
        Words words = new(rest);
        if (!(words.Next(out var hex) & words.NextNumber(out long size) & words.NextNumber(out long modified)
            & words.NextNumber(out long inode) & words.Next(out var word))) return false;
        // A line of a large file without a root is one of an earlier program: the file is read anew.
        if (!Chunks.FollowFromDigest(size) && !(words.Next(out var rootHex) && FileDigest.TryParse(rootHex, out root)))
        {
            return false;
        }
        if (!words.AtEnd) return false;
        Span<byte> name = stackalloc byte[LineFile.LineBytes];
        number = library.FindInFolder(name[..PercentText.Decode(word, name)]);
        return number >= 0 && library.FactsOf(number) == new FileFacts(size, modified, (ulong)inode)
            && FileDigest.TryParse(hex, out digest);
    }

    // False for a file that cannot be remembered: numbers in a line are not below zero, and have 63 bits.
    private bool Write(Library library, int number)
    {
        FileFacts facts = library.FactsOf(number);
        if (facts.Modified < 0 || (long)facts.Inode < 0 || !library.TryDigest(number, out var digest)) return false;
        ArrayBufferWriter<byte> rest = new(256);
        new FileDigest(digest).WriteHex(rest);
        rest.Write(" "u8);
        rest.WriteNumber(facts.Size);
        rest.Write(" "u8);
        rest.WriteNumber(facts.Modified);
        rest.Write(" "u8);
        rest.WriteNumber((long)facts.Inode);
        rest.Write(" "u8);
        PercentText.Encode(library.NameOf(number), rest);
        if (!Chunks.FollowFromDigest(facts.Size))
        {
            rest.Write(" "u8);
            library.ChunkRootOf(number).WriteHex(rest);
        }
        CheckedLine.Write(rest.WrittenSpan, _lines);
        return true;
    }

    // Without a memory everything works; only the next start has to read all files again.
    private void Try(Action action)
    {
        try
        {
            action();
            _saidTrouble = false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (!_saidTrouble) LogTrouble(_file!.Path, exception.Message);
            _saidTrouble = true;
        }
    }

    [LoggerMessage(4030, LogLevel.Warning,
        "digests are not remembered in '{File}', so a restart reads all files again: {Reason}")]
    private partial void LogTrouble(string file, string reason);

    [LoggerMessage(4031, LogLevel.Warning, "digests are not remembered: '{Folder}' lies inside the folder that is "
        + "served; choose another by --data")]
    private partial void LogInside(string folder);
}

/// <summary>Takes the digest of a file of a library, 32 bytes, and for a file of more than one chunk its chunk
/// root.</summary>
internal delegate void DigestTaker(int number, ReadOnlySpan<byte> digest, FileDigest root);
