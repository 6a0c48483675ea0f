using System.Text;

namespace MicroCdn.Http.Http2;

/// <summary>The fields that every HTTP/2 connection knows by number (RFC 7541, appendix A).</summary>
internal static class StaticTable
{
    /// <summary>How many there are; numbers begin at 1.</summary>
    public const int Count = 61;

    private const int Buckets = 128;

    private static readonly (byte[] Name, byte[] Value)[] Fields =
    [
        .. """
        :authority| :method|GET :method|POST :path|/ :path|/index.html :scheme|http :scheme|https :status|200
        :status|204 :status|206 :status|304 :status|400 :status|404 :status|500 accept-charset|
        accept-encoding|gzip,_deflate accept-language| accept-ranges| accept| access-control-allow-origin| age|
        allow| authorization| cache-control| content-disposition| content-encoding| content-language|
        content-length| content-location| content-range| content-type| cookie| date| etag| expect| expires| from|
        host| if-match| if-modified-since| if-none-match| if-range| if-unmodified-since| last-modified| link|
        location| max-forwards| proxy-authenticate| proxy-authorization| range| referer| refresh| retry-after|
        server| set-cookie| strict-transport-security| transfer-encoding| user-agent| vary| via| www-authenticate|
        """.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries).Select(field => field.Split('|'))
            .Select(field => (Encoding.ASCII.GetBytes(field[0]), Encoding.ASCII.GetBytes(field[1].Replace('_', ' ')))),
    ];

    private static readonly byte[] ByName = ByNames();

    /// <summary>The name of a number from 1 to <see cref="Count"/>.</summary>
    public static ReadOnlySpan<byte> NameOf(int number) => Fields[number - 1].Name;

    /// <summary>Its value, empty when it is a name alone.</summary>
    public static ReadOnlySpan<byte> ValueOf(int number) => Fields[number - 1].Value;

    /// <summary>The number of a field's name, in any case, or 0.</summary>
    public static int Find(ReadOnlySpan<byte> name)
    {
        for (int bucket = Bucket(name); ByName[bucket] is not 0 and byte number; bucket = (bucket + 1) % Buckets)
        {
            if (Ascii.EqualsIgnoreCase(name, NameOf(number))) return number;
        }
        return 0;
    }

    private static byte[] ByNames()
    {
        byte[] numbers = new byte[Buckets];
        for (int number = Count; number > 0; number--)
        {
            ReadOnlySpan<byte> name = NameOf(number);
            if (number > 1 && name.SequenceEqual(NameOf(number - 1))) continue;
            int bucket = Bucket(name);
            while (numbers[bucket] != 0) bucket = (bucket + 1) % Buckets;
            numbers[bucket] = (byte)number;
        }
        return numbers;
    }

    private static int Bucket(ReadOnlySpan<byte> name) => name.IsEmpty ? 0
        : ((name.Length * 7) + ((name[0] | 0x20) * 5) + ((name[^1] | 0x20) * 3)) % Buckets;
}

/// <summary>The fields that a client told this connection to remember (RFC 7541, section 2.3.2).</summary>
/// <remarks>Entries lie one behind the other, and are moved to the front when the end is reached: the buffer is twice
/// as large as what may be in it, so a move pays for as many bytes as it moves.</remarks>
internal sealed class DynamicTable
{
    /// <summary>What it may hold, as section 4.1 counts: what every client may take for granted.</summary>
    public const int MostBytes = 4096;

    private const int EntryBytes = 32;
    private const int MostEntries = MostBytes / EntryBytes;

    private readonly (int Start, int Name, int Value)[] _entries = new (int, int, int)[MostEntries];
    private byte[]? _bytes;
    private int _newest;
    private int _end;
    private int _size;
    private int _most = MostBytes;

    /// <summary>How many entries there are.</summary>
    public int Count { get; private set; }

    /// <summary>Finds an entry by its age, 0 for the newest.</summary>
    public void Get(int age, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        (int start, int nameLength, int valueLength) = _entries[(_newest - age + MostEntries) % MostEntries];
        name = _bytes.AsSpan(start, nameLength);
        value = _bytes.AsSpan(start + nameLength, valueLength);
    }

    /// <summary>Changes what it may hold (section 4.3).</summary>
    public void Limit(int bytes)
    {
        _most = bytes;
        Evict(0);
    }

    /// <summary>Adds a field, and drops the oldest until there is room; neither span may lie in the table.</summary>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int length = name.Length + value.Length;
        // What is larger than the whole table leaves it empty (section 4.4).
        Evict(length + EntryBytes);
        if (length + EntryBytes > _most) return;
        _bytes ??= new byte[2 * MostBytes];
        if (_end + length > _bytes.Length) MoveToFront();
        name.CopyTo(_bytes.AsSpan(_end));
        value.CopyTo(_bytes.AsSpan(_end + name.Length));
        _newest = (_newest + 1) % MostEntries;
        _entries[_newest] = (_end, name.Length, value.Length);
        _end += length;
        _size += length + EntryBytes;
        Count++;
    }

    private void Evict(int room)
    {
        while (Count > 0 && _size + room > _most)
        {
            (_, int name, int value) = _entries[(_newest - Count + 1 + MostEntries) % MostEntries];
            _size -= name + value + EntryBytes;
            Count--;
        }
        if (Count == 0) _end = 0;
    }

    private void MoveToFront()
    {
        int oldest = (_newest - Count + 1 + MostEntries) % MostEntries;
        int moved = _entries[oldest].Start;
        _bytes.AsSpan(moved, _end - moved).CopyTo(_bytes);
        for (int age = 0; age < Count; age++) _entries[(oldest + age) % MostEntries].Start -= moved;
        _end -= moved;
    }
}
