using System.Net;
using MicroCdn.Monitor;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Testing;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Monitor;

/// <summary>A monitor on a port of the test's own: whose datagrams count.</summary>
public sealed class MonitorRoleTests
{
    private const string Invented = " k=630dcd29 mac=00112233445566778899aabbccddeeff";
    private readonly FakeTimeProvider _time = new();
    private readonly LogBook _log = new();
    private readonly HandPort _port = new();

    // docs/protocol.md: permissive lets pass what would pass without a key.
    [Fact]
    public async Task A_stranger_who_invents_a_seal_is_not_taken_for_a_server_that_proved_nothing()
    {
        MonitorOptions options = new()
        {
            Credentials = TestKeys.Counting(AuthMode.Permissive, TestKeys.Usual),
        };
        using MonitorRole role = new(options, new NoDialer(), _port, _time, _log);
        using CancellationTokenSource stop = new();
        Task running = role.RunAsync(stop.Token);
        Wire wire = new(role.Listeners[0].Service);
        wire.Receive("HELLO 2\nTETHER CS1 7001 7002 inc=7 beat=100\n");
        Assert.EndsWith("OK TETHERED\n", wire.Take(), StringComparison.Ordinal);

        foreach (string seal in new[] { Invented, "" })
        {
            Hear($"HEARTBEAT CS1 10.0.0.1 7001 99 42 inc=7 seq=5 gap=100{seal}", "192.0.2.1");
            Assert.Equal("SERVER CS1 127.0.0.1 7001 0 alive\nEND\n", wire.Receive("LIST_SERVERS\n").Take());
        }
        Hear($"HEARTBEAT CS1 10.0.0.1 7001 3 42 inc=7 seq=1 gap=100{Invented}", "127.0.0.1");
        Assert.Equal("SERVER CS1 10.0.0.1 7001 3 alive\nEND\n", wire.Receive("LIST_SERVERS\n").Take());
        Hear("HEARTBEAT CS1 10.0.0.1 7001 4 42 inc=7 seq=2 gap=100", "127.0.0.1");
        Assert.Equal("SERVER CS1 10.0.0.1 7001 4 alive\nEND\n", wire.Receive("LIST_SERVERS\n").Take());

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private void Hear(string datagram, string sender) =>
        _port.Hear(datagram.Utf8(), IPAddress.Parse(sender).GetAddressBytes(), 5000);

    private sealed class NoDialer : IDialer
    {
        public ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken) =>
            throw new IOException("nobody is there");
    }

    private sealed class HandPort : IDatagrams, IDatagramPort
    {
        public DatagramHandler Hear { get; private set; } = (_, _, _) => { };

        public IPEndPoint Local { get; } = new(IPAddress.Loopback, 6000);

        public IDatagramPort Bind(IPEndPoint endPoint) => this;

        public ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) => new([]);

        public void Send(ReadOnlySpan<byte> datagram, IPEndPoint target)
        {
        }

        public IPAddress? LocalAddressTo(IPEndPoint target) => null;

        public void Receive(DatagramHandler handler) => Hear = handler;

        public void Every(TimeSpan interval, Action beat)
        {
        }

        public void Repeat(Func<TimeSpan> step)
        {
        }

        public void Dispose()
        {
        }
    }
}
