using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;

namespace MicroCdn.Bench;

/// <summary>Requests of one length that take turns, and how the head of each answer must be.</summary>
internal sealed unsafe class Requests
{
    private const int Ring = 1 << 18;
    private const int Seed = 20260101;

    private readonly byte[] _bytes;
    private readonly byte[] _start, _headEnd, _length;
    private readonly long _size;
    private readonly Range _repeated;
    private int _next;

    private Requests(int length, byte[] bytes, bool http, string start, long size, Range repeated)
    {
        (Length, _bytes, _size, _repeated) = (length, bytes, size, repeated);
        _start = Encoding.UTF8.GetBytes(start);
        _headEnd = http ? [.. "\r\n\r\n"u8] : [.. "\n"u8];
        _length = http ? [.. "\r\nContent-Length: "u8] : _start;
    }

    /// <summary>The length of each request in bytes.</summary>
    public int Length { get; }

    /// <summary>A file over the line protocol: <c>GET name</c>, <c>OK size</c>, the bytes.</summary>
    public static Requests ForLines(SampleFile file) => One($"GET {file.Name}\n", http: false, "OK ", file.Size);

    /// <summary>A file over HTTP/1.1; the server is asked to close after the answer, or not.</summary>
    public static Requests ForHttp(SampleFile file, bool keep)
    {
        string close = keep ? "" : "Connection: close\r\n";
        return One($"GET /{file.Name} HTTP/1.1\r\nHost: x\r\n{close}\r\n", http: true, "HTTP/1.1 200 ", file.Size);
    }

    /// <summary>Random files of the catalog at a gateway, which must name the same file in its answer.</summary>
    public static Requests ForRedirects(int files)
    {
        ReadOnlySpan<byte> before = "GET /"u8, after = " HTTP/1.1\r\nHost: x\r\n\r\n"u8;
        int length = before.Length + Catalog.NameLength + after.Length;
        byte[] bytes = Pinned(length * Ring);
        Random random = new(Seed);
        for (int at = 0; at < bytes.Length; at += length)
        {
            Span<byte> one = bytes.AsSpan(at, length);
            before.CopyTo(one);
            Catalog.WriteName(random.Next(files), one[before.Length..]);
            after.CopyTo(one[(before.Length + Catalog.NameLength)..]);
        }
        Range name = (before.Length - 1)..(before.Length + Catalog.NameLength);
        return new Requests(length, bytes, http: true, "HTTP/1.1 302 ", -1, name);
    }

    /// <summary>Where the next request stands; it stays there.</summary>
    public byte* Next()
    {
        byte* request = (byte*)Unsafe.AsPointer(ref _bytes[_next]);
        _next += Length;
        if (_next == _bytes.Length) _next = 0;
        return request;
    }

    /// <summary>The length of the head in what has come, -1 when it is not complete, and that of the body.</summary>
    /// <exception cref="BenchException">It is not the answer that was due.</exception>
    public int ReadHead(ReadOnlySpan<byte> came, byte* request, out long body)
    {
        body = 0;
        int end = came.IndexOf(_headEnd);
        if (end < 0) return -1;
        ReadOnlySpan<byte> head = came[..(end + _headEnd.Length)];
        int length = head.IndexOf(_length);
        bool right = head.StartsWith(_start) && length >= 0
            && Utf8Parser.TryParse(head[(length + _length.Length)..], out body, out _)
            && (_size < 0 || body == _size)
            && head.IndexOf(new ReadOnlySpan<byte>(request, Length)[_repeated]) >= 0;
        if (right) return head.Length;
        string answer = Encoding.UTF8.GetString(head).Trim();
        throw new BenchException($"The server answered `{answer}` where `{Encoding.UTF8.GetString(_start)}` was due.");
    }

    private static Requests One(string request, bool http, string start, long size)
    {
        byte[] bytes = Pinned(request.Length);
        Encoding.UTF8.GetBytes(request, bytes);
        return new Requests(bytes.Length, bytes, http, start, size, ..0);
    }

    private static byte[] Pinned(int length) => GC.AllocateUninitializedArray<byte>(length, pinned: true);
}
