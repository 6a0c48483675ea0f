using System.Net;
using System.Text;
using MicroCdn.Content;
using MicroCdn.Network;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Content;

public sealed class ProbesTests
{
    private const string Ping = "PING CS1 nonce=0123456789abcdef";
    private static readonly byte[] Loopback = [127, 0, 0, 1];
    private readonly Sent _sent = new();
    private readonly Complaints _complaints = new(new LogBook(), TimeProvider.System);
    private readonly Probes _probes;

    public ProbesTests()
    {
        ContentOptions options = new()
        {
            Id = Names.Id("CS1"), Files = "unused", Trust = [IPNetwork.Parse("10.0.0.0/8")],
        };
        _probes = new Probes(options, 7, _sent, _complaints, address => address.Equals(IPAddress.Parse("192.0.2.6")));
    }

    [Theory]
    [InlineData(Ping)]
    [InlineData(Ping + "\n")]
    [InlineData(Ping + " pad=000000 colour=blue")]
    public void A_probe_is_answered_with_its_number_and_our_incarnation(string ping)
    {
        Take(ping, Loopback);
        Assert.Equal(["127.0.0.1:4000 PONG CS1 nonce=0123456789abcdef inc=7"], _sent.Datagrams);
    }

    [Fact]
    public void Trusted_networks_and_our_monitors_are_answered_and_strangers_are_counted()
    {
        Take(Ping, [10, 1, 2, 3]);
        Take(Ping, [192, 0, 2, 6]);
        Take(Ping, IPAddress.Parse("::ffff:192.0.2.6").GetAddressBytes());
        Assert.Equal(3, _sent.Datagrams.Count);
        Take(Ping, [192, 0, 2, 7]);
        Assert.Equal(3, _sent.Datagrams.Count);
        Assert.Equal(1, _complaints.Total);
    }

    [Fact]
    public void What_is_cut_at_any_byte_is_dropped_and_counted()
    {
        for (int length = 0; length < Ping.Length; length++) Take(Ping[..length], Loopback);
        Assert.Empty(_sent.Datagrams);
        Assert.Equal(Ping.Length, _complaints.Total);
    }

    [Theory]
    [InlineData("PING CS2 nonce=0123456789abcdef")]
    [InlineData("PING CS1 nonce=0123456789abcdeg")]
    [InlineData("PING CS1 nonce=0123456789abcdef0")]
    [InlineData("PING CS1 nonce=0123456789abcdef more")]
    [InlineData("PONG CS1 nonce=0123456789abcdef inc=7")]
    [InlineData("ping CS1 nonce=0123456789abcdef")]
    [InlineData("PING")]
    public void Everything_else_is_dropped_and_counted(string datagram)
    {
        Take(datagram, Loopback);
        Assert.Empty(_sent.Datagrams);
        Assert.Equal(1, _complaints.Total);
    }

    [Fact]
    public void A_datagram_that_is_too_long_is_dropped_and_counted()
    {
        Take(Ping + " pad=" + new string('0', 1024), Loopback);
        Assert.Empty(_sent.Datagrams);
        Assert.Equal(1, _complaints.Total);
    }

    private void Take(string datagram, byte[] sender) => _probes.Take(Encoding.UTF8.GetBytes(datagram), sender, 4000);

    private sealed class Sent : IDatagramPort
    {
        public List<string> Datagrams { get; } = [];

        public IPEndPoint Local => throw new NotSupportedException();

        public void Send(ReadOnlySpan<byte> datagram, IPEndPoint target) =>
            Datagrams.Add($"{target} {Encoding.UTF8.GetString(datagram)}");

        public IPAddress? LocalAddressTo(IPEndPoint target) => throw new NotSupportedException();

        public void Receive(DatagramHandler handler) => throw new NotSupportedException();

        public void Every(TimeSpan interval, Action beat) => throw new NotSupportedException();

        public void Repeat(Func<TimeSpan> step) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
