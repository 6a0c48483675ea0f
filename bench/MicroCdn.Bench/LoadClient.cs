using System.Buffers.Text;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace MicroCdn.Bench;

/// <summary>What a round of downloads came to on the client's side.</summary>
internal readonly record struct Load(long Requests, long Bytes, TimeSpan Time);

/// <summary>Downloads one file again and again over fresh connections, and has the bytes thrown away.</summary>
/// <remarks>
/// A receive with MSG_TRUNC counts the bytes and copies none, so that the server stays the slower side. The room for
/// unread bytes is larger than the kernel's first offer of 64 KB for the same reason: with a small window every segment
/// waits for this client, whose core then does the server's sending when the acknowledgement arrives, and pays for it.
/// The client closes in the ordinary way once it has every byte: an abortive close would save the server work that real
/// clients cause. A round ends when its time is up and the last download is complete: no half work is counted.
/// </remarks>
internal sealed unsafe class LoadClient : IDisposable
{
    private const int HeadRoom = 4096;             // answer heads are copied and parsed, up to here
    private const int Sources = 250;               // 127.0.0.2 to 127.0.0.251 take turns
    private const int MostReceived = 16 << 20;     // bytes thrown away in one call, so that downloads take turns
    private const int Unread = 1 << 20;            // bytes the server may send ahead on one connection
    private static readonly TimeSpan Stalled = TimeSpan.FromSeconds(10);

    private readonly int _port;
    private readonly long _size;
    private readonly bool _http;
    private readonly int _requestLength;
    private readonly byte* _request;
    private readonly byte* _heads;
    private readonly Download[] _downloads;
    private int _source;
    private long _requests, _bytes;

    private LoadClient(int port, string request, bool http, SampleFile file)
    {
        (_port, _http, _size) = (port, http, file.Size);
        _downloads = new Download[file.Connections];
        _heads = (byte*)NativeMemory.Alloc((nuint)(HeadRoom * file.Connections));
        byte[] bytes = Encoding.UTF8.GetBytes(request);
        _requestLength = bytes.Length;
        _request = (byte*)NativeMemory.Alloc((nuint)bytes.Length);
        bytes.CopyTo(new Span<byte>(_request, bytes.Length));
    }

    /// <summary>A client of the line protocol: <c>GET name</c>, <c>OK size</c>, the bytes.</summary>
    public static LoadClient ForLines(int port, SampleFile file) => new(port, $"GET {file.Name}\n", http: false, file);

    /// <summary>A client of HTTP/1.1 that asks the server to close after the answer.</summary>
    public static LoadClient ForHttp(int port, SampleFile file) =>
        new(port, $"GET /{file.Name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", http: true, file);

    /// <summary>Keeps every connection busy for the given time.</summary>
    public Load Run(TimeSpan time)
    {
        using Epoll epoll = new();
        (_requests, _bytes) = (0, 0);
        long begin = Stopwatch.GetTimestamp();
        long progress = begin;
        int busy = _downloads.Length;
        for (int number = 0; number < busy; number++) _downloads[number].Socket = -1;
        try
        {
            for (int number = 0; number < _downloads.Length; number++) Open(epoll, number);
            while (busy > 0)
            {
                int ready = epoll.Wait(500);
                long now = Stopwatch.GetTimestamp();
                if (ready > 0) progress = now;
                else if (Stopwatch.GetElapsedTime(progress, now) > Stalled)
                    throw new BenchException($"No byte came from port {_port} for {Stalled.TotalSeconds} s.");
                bool again = Stopwatch.GetElapsedTime(begin, now) < time;
                for (int at = 0; at < ready; at++)
                {
                    int number = epoll.Number(at);
                    if (!Advance(epoll, number)) continue;
                    Complete(number);
                    if (again) Open(epoll, number);
                    else busy--;
                }
            }
            return new Load(_requests, _bytes, Stopwatch.GetElapsedTime(begin));
        }
        finally
        {
            foreach (Download download in _downloads)
            {
                if (download.Socket >= 0) _ = Libc.Close(download.Socket);
            }
        }
    }

    public void Dispose()
    {
        NativeMemory.Free(_request);
        NativeMemory.Free(_heads);
    }

    private void Open(Epoll epoll, int number)
    {
        ref Download download = ref _downloads[number];
        _source = (_source + 1) % Sources;
        download = new Download { Socket = Libc.Connect(_port, _source + 2, blocking: false, Unread), Left = -1 };
        // On loopback the handshake is mostly over when connect returns; one call to epoll is saved then.
        download.Asked = Ask(download.Socket);
        epoll.Add(download.Socket, download.Asked ? Libc.Readable : Libc.Writable, number);
    }

    private bool Ask(int socket)
    {
        nint sent = Libc.Send(socket, _request, _requestLength, Libc.NoSignal);
        if (sent == _requestLength) return true;
        if (sent < 0 && Marshal.GetLastPInvokeError() == Libc.Again) return false;
        throw Broken("took no request");
    }

    /// <summary>Does what the socket is ready for; true when the last byte has come.</summary>
    private bool Advance(Epoll epoll, int number)
    {
        ref Download download = ref _downloads[number];
        if (!download.Asked)
        {
            download.Asked = Ask(download.Socket);
            if (download.Asked) epoll.Modify(download.Socket, Libc.Readable, number);
            return false;
        }
        if (download.Left < 0) return ReadHead(ref download, _heads + number * HeadRoom);
        nint part = (nint)Math.Min(download.Left, MostReceived);
        nint got = Libc.Receive(download.Socket, _heads, part, Libc.TruncateReceive);
        if (got <= 0)
        {
            if (got < 0 && Marshal.GetLastPInvokeError() == Libc.Again) return false;
            throw Broken($"left out {download.Left} bytes of a file");
        }
        download.Left -= got;
        return download.Left == 0;
    }

    private bool ReadHead(ref Download download, byte* head)
    {
        nint got = Libc.Receive(download.Socket, head + download.HeadLength, HeadRoom - download.HeadLength, 0);
        if (got < 0 && Marshal.GetLastPInvokeError() == Libc.Again) return false;
        if (got <= 0) throw Broken("gave no complete head");
        download.HeadLength += (int)got;
        ReadOnlySpan<byte> bytes = new(head, download.HeadLength);
        int body = bytes.IndexOf(_http ? "\r\n\r\n"u8 : "\n"u8);
        if (body < 0) return false;
        body += _http ? 4 : 1;
        long size = Size(bytes[..body]);
        if (size != _size)
        {
            string answer = Encoding.UTF8.GetString(bytes[..bytes.IndexOf((byte)'\n')]).Trim();
            throw Broken($"answered `{answer}` for a file of {_size} bytes");
        }
        download.Left = size - (bytes.Length - body);
        if (download.Left < 0) throw Broken("sent more than the file");
        return download.Left == 0;
    }

    private long Size(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> before = _http ? "Content-Length: "u8 : "OK "u8;
        int at = head.IndexOf(before);
        bool good = _http ? head.StartsWith("HTTP/1.1 200 "u8) : at == 0;
        if (!good || at < 0) return -1;
        return Utf8Parser.TryParse(head[(at + before.Length)..], out long size, out _) ? size : -1;
    }

    private void Complete(int number)
    {
        _ = Libc.Close(_downloads[number].Socket);
        _downloads[number].Socket = -1;
        _requests++;
        _bytes += _size;
    }

    private BenchException Broken(string what)
    {
        string error = Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
        return new BenchException($"The server on port {_port} {what} (last error: {error}).");
    }

    /// <summary>How far one download is.</summary>
    private struct Download
    {
        public int Socket;
        public bool Asked;
        public int HeadLength;
        public long Left;      // -1 until the head is complete
    }
}
