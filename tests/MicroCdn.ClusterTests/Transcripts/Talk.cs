using System.Net;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.Transcripts;

/// <summary>The transcript's side of one connection: it collects what comes and hands it out as expected.</summary>
internal sealed class Talk
{
    private readonly Lock _lock = new();
    private readonly List<byte> _unread = [];
    private readonly LineConnection _connection;
    private bool _closed;

    public Talk(LineConnection connection)
    {
        _connection = connection;
        _ = CollectAsync();
    }

    /// <summary>True once the peer closed.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_lock) return _closed;
        }
    }

    /// <summary>What came and was not expected yet.</summary>
    public string Unread
    {
        get
        {
            lock (_lock) return Encoding.UTF8.GetString([.. _unread]);
        }
    }

    public int UnreadBytes
    {
        get
        {
            lock (_lock) return _unread.Count;
        }
    }

    public bool HasLine
    {
        get
        {
            lock (_lock) return _unread.Contains((byte)'\n');
        }
    }

    public string TakeLine()
    {
        lock (_lock) return Encoding.UTF8.GetString(Take(_unread.IndexOf((byte)'\n') + 1)[..^1]);
    }

    public byte[] TakeBytes(int count)
    {
        lock (_lock) return Take(count);
    }

    public async Task SendAsync(byte[] bytes)
    {
        try
        {
            await _connection.SendAsync(bytes, CancellationToken.None);
        }
        catch (IOException)
        {
            // The peer closed; whether it should have is for the next line of the transcript to say.
        }
    }

    public ValueTask HangUpAsync() => _connection.DisposeAsync();

    private byte[] Take(int count)
    {
        byte[] taken = [.. _unread.Take(count)];
        _unread.RemoveRange(0, count);
        return taken;
    }

    private async Task CollectAsync()
    {
        byte[] buffer = new byte[16 * 1024];
        try
        {
            while (await _connection.ReadAsync(buffer, CancellationToken.None) is > 0 and int read)
            {
                lock (_lock) _unread.AddRange(buffer.AsSpan(0, read));
            }
        }
        catch (IOException)
        {
            // Broken is closed.
        }
        lock (_lock) _closed = true;
    }
}

/// <summary>A foreign peer that our own roles call: connections wait until the transcript accepts them.</summary>
internal sealed class ForeignPeer
{
    private readonly Lock _lock = new();
    private readonly Queue<Talk> _calls = new();
    private readonly Queue<string> _datagrams = new();
    private IDatagramPort? _port;

    public static ForeignPeer OnTcp(FakeHost host, int port)
    {
        ForeignPeer peer = new();
        host.Listen(port, async (connection, cancellationToken) =>
        {
            lock (peer._lock) peer._calls.Enqueue(new Talk(connection));
            await Task.Delay(Timeout.InfiniteTimeSpan, host.Time, cancellationToken);
        });
        return peer;
    }

    public static ForeignPeer OnUdp(FakeHost host, int port)
    {
        ForeignPeer peer = new();
        peer._port = host.Datagrams.Bind(new IPEndPoint(IPAddress.Any, port));
        peer._port.Receive((datagram, _, _) =>
        {
            string text = Encoding.UTF8.GetString(datagram);
            lock (peer._lock) peer._datagrams.Enqueue(text);
        });
        return peer;
    }

    public bool TryAccept(out Talk? talk)
    {
        lock (_lock) return _calls.TryDequeue(out talk);
    }

    public void Send(byte[] datagram, IPEndPoint target) => _port!.Send(datagram, target);

    public bool TryHear(out string? datagram)
    {
        lock (_lock) return _datagrams.TryDequeue(out datagram);
    }
}
