using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Records;

/// <summary>Looks into a database's write-ahead log for damage that SQLite would take for its end.</summary>
/// <remarks>
/// <para>SQLite reads a log up to the first frame whose check is wrong, for that is how a change looks that a power cut
/// tore. A frame that rotted looks the same, and every change behind it would be gone without a word. But what
/// follows differs: a frame is written behind a whole change only when that change is on the disk, with all that is
/// before it. So behind a tear there may be the rest of the change that was torn, up to its end; when a frame follows
/// that one, something that was durable is not there any more. That it follows its check says, which goes on from the
/// check of the frame before.</para>
/// <para>The last change alone cannot be judged: rotted or torn, it looks alike, and is not taken.</para>
/// <para>The format: https://www.sqlite.org/fileformat2.html, section 4.</para>
/// </remarks>
internal static class SqliteLog
{
    private const int HeaderBytes = 32, FrameHeaderBytes = 24;
    private const uint Magic = 0x377F0682;
    private const int LeastPage = 512, MostPage = 65536, UsualPage = 4096;

    /// <summary>What is damaged in the log of a database, in words; null when nothing is, or there is none.</summary>
    /// <remarks>SQLite would also put a log into whatever database it finds beside it.</remarks>
    /// <exception cref="RecordStoreException">It cannot be read.</exception>
    public static string? FindDamage(string database)
    {
        string path = database + "-wal";
        try
        {
            if (new FileInfo(path) is not { Exists: true, Length: > 0 }) return null;
            if (!File.Exists(database)) return "it is not there any more, but its log book.db-wal is";
            if (HasNoLog(database)) return "the log book.db-wal beside it is of another database, move it away";
            using SafeFileHandle log = Open(path);
            return FindDamage(log);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new RecordStoreException($"'{path}' cannot be read: {exception.Message}", exception);
        }
    }

    // As a backup is: 1 where a database that has a log has 2.
    private static bool HasNoLog(string database)
    {
        const int WriteVersion = 18;
        Span<byte> version = stackalloc byte[1];
        using SafeFileHandle file = Open(database);
        return RandomAccess.Read(file, version, WriteVersion) == 1 && version[0] == 1;
    }

    private static SafeFileHandle Open(string path) => File.OpenHandle(path, FileMode.Open, FileAccess.Read,
        FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);

    private static string? FindDamage(SafeFileHandle log)
    {
        byte[] header = new byte[HeaderBytes];
        if (RandomAccess.Read(log, header, 0) < HeaderBytes) return null;
        Header head = new(header);
        byte[] frame = new byte[FrameHeaderBytes + head.PageBytes];
        (uint, uint) told = head.Sum, computed = head.Sum;
        ulong salt = head.Salt;
        long? firstBroken = head.IsSound ? null : 0;
        bool endsChange = false;
        long offset = HeaderBytes;
        for (int number = 1; RandomAccess.Read(log, frame, offset) == frame.Length; number++, offset += frame.Length)
        {
            ulong own = BinaryPrimitives.ReadUInt64BigEndian(frame.AsSpan(8));
            // Of a log whose header rotted the frames tell what belongs together.
            if (!head.IsSound && number == 1) salt = own;
            (uint, uint) sum = SumAt(frame, 16);
            // What the frame before tells of itself, and what it is: one of them may have rotted.
            bool follows = own == salt
                && (sum == Continue(head, told, frame) || sum == Continue(head, computed, frame));
            if (follows && endsChange && firstBroken is { } broken) return Describe(broken, number);
            computed = Continue(head, told, frame);
            if (own != salt || sum != computed) firstBroken ??= number;
            endsChange = BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(4)) != 0;
            told = sum;
        }
        return null;
    }

    private static string Describe(long broken, int sound) => broken == 0
        ? $"the head of its log book.db-wal is broken, and whole changes follow up to frame {sound} and further"
        : $"frame {broken} of its log book.db-wal is broken, and whole changes follow up to frame {sound} and further";

    private static (uint, uint) Continue(in Header head, (uint, uint) sum, ReadOnlySpan<byte> frame) =>
        head.Add(head.Add(sum, frame[..8]), frame[FrameHeaderBytes..]);

    private static (uint, uint) SumAt(ReadOnlySpan<byte> bytes, int at) =>
        (BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]), BinaryPrimitives.ReadUInt32BigEndian(bytes[(at + 4)..]));

    /// <summary>What the log's first bytes say.</summary>
    private readonly struct Header
    {
        private readonly bool _isBigEndian;

        public Header(ReadOnlySpan<byte> bytes)
        {
            uint magic = BinaryPrimitives.ReadUInt32BigEndian(bytes);
            _isBigEndian = magic == (Magic | 1);
            uint page = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]);
            Salt = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
            Sum = SumAt(bytes, 24);
            IsSound = (magic & ~1u) == Magic && page is >= LeastPage and <= MostPage && Add((0, 0), bytes[..24]) == Sum;
            PageBytes = IsSound ? (int)page : UsualPage;
        }

        public bool IsSound { get; }

        public int PageBytes { get; }

        public ulong Salt { get; }

        public (uint, uint) Sum { get; }

        /// <summary>Goes on with a check, over a multiple of eight bytes.</summary>
        public (uint, uint) Add((uint First, uint Second) sum, ReadOnlySpan<byte> bytes)
        {
            (uint first, uint second) = sum;
            for (; bytes.Length >= 8; bytes = bytes[8..])
            {
                first += Word(bytes) + second;
                second += Word(bytes[4..]) + first;
            }
            return (first, second);
        }

        private uint Word(ReadOnlySpan<byte> bytes) => _isBigEndian
            ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }
}
