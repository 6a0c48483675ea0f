using System.Net;
using MicroCdn.Network;

namespace MicroCdn.Testing;

/// <summary>UDP on one host of the fake network.</summary>
internal sealed class FakeDatagrams(FakeNetwork network, FakeHost host) : IDatagrams
{
    public IDatagramPort Bind(IPEndPoint endPoint)
    {
        FakePort port = new(network, host, new IPEndPoint(endPoint.Address, endPoint.Port));
        host.Bind(port);
        return port;
    }

    public ValueTask<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken) =>
        new(network.Resolve(name));
}

/// <summary>One bound UDP port; datagrams that come before anyone listens wait, as in a socket's buffer.</summary>
internal sealed class FakePort(FakeNetwork network, FakeHost host, IPEndPoint local) : IDatagramPort
{
    private const int MostWaiting = 1000;
    private readonly Queue<(byte[] Datagram, byte[] Sender, int Port)> _waiting = new();
    private readonly List<ITimer> _beats = [];
    private DatagramHandler? _handler;
    private bool _disposed;

    public IPEndPoint Local => local;

    public void Send(ReadOnlySpan<byte> datagram, IPEndPoint target)
    {
        if (!_disposed) network.SendDatagram(host, local.Port, datagram.ToArray(), target);
    }

    public IPAddress? LocalAddressTo(IPEndPoint target) =>
        IPAddress.IsLoopback(target.Address) ? IPAddress.Loopback : host.Address;

    public void Receive(DatagramHandler handler) => host.Post(() =>
    {
        _handler = handler;
        while (_waiting.TryDequeue(out (byte[] Datagram, byte[] Sender, int Port) early))
        {
            handler(early.Datagram, early.Sender, early.Port);
        }
    });

    public void Every(TimeSpan interval, Action beat)
    {
        host.Post(beat);
        lock (_beats) _beats.Add(host.Time.CreateTimer(_ => host.Post(beat), null, interval, interval));
    }

    public void Repeat(Func<TimeSpan> step)
    {
        ITimer? timer = null;
        timer = host.Time.CreateTimer(_ => host.Post(() =>
        {
            if (!_disposed) timer!.Change(step(), Timeout.InfiniteTimeSpan);
        }), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        lock (_beats) _beats.Add(timer);
        timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    public void Take(byte[] datagram, byte[] sender, int port)
    {
        if (_disposed) return;
        if (_handler is not null) _handler(datagram, sender, port);
        else if (_waiting.Count < MostWaiting) _waiting.Enqueue((datagram, sender, port));
    }

    public void Dispose()
    {
        _disposed = true;
        lock (_beats)
        {
            foreach (ITimer timer in _beats) timer.Dispose();
        }
        host.Unbind(this);
    }
}
