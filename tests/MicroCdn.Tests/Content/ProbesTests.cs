using System.Buffers;
using System.Net;
using System.Text;
using MicroCdn.Content;
using MicroCdn.Monitor;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Testing;
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
    public void A_recorded_probe_is_answered_once_however_often_it_is_sent_again()
    {
        DatagramSeal seal = SealOf(1), other = SealOf(2);
        Probes probes = Sealed(seal, other);
        int answers = 0;
        // Some are overtaken on their way, and 64 are remembered; each monitor counts for itself.
        foreach ((DatagramSeal by, int number, bool isNew) in new[]
        {
            (seal, 5, true), (seal, 5, false), (seal, 3, true), (seal, 3, false), (seal, 4, true), (seal, 66, true),
            (seal, 66, false), (seal, 5, false), (seal, 2, false), (seal, 6, true), (seal, 6, false),
            (other, 5, true), (other, 5, false), (seal, 1_000, true), (seal, 936, false), (seal, 937, true),
            (seal, int.MaxValue, true), (seal, 1_001, false),
        })
        {
            probes.Take(By(by, $"{Ping} seq={number}"), [192, 0, 2, 9], 4000);
            answers += isNew ? 1 : 0;
            Assert.Equal((number, answers), (number, _sent.Datagrams.Count));
        }
    }

    [Fact]
    public void Each_probe_that_a_monitor_of_ours_sends_under_a_seal_is_answered()
    {
        DatagramSeal seal = SealOf(1);
        Probes probes = Sealed(seal);
        Sent asked = new();
        Prober prober = new(asked, null!, TimeProvider.System);
        Watched server = new(Names.Id("CS1"), DetectionProfile.Lan) { Seal = seal };
        // The rounds of two suspicions: nonces may repeat, numbers do not.
        foreach (ulong nonce in new ulong[] { 1000, 1001, 1000, 1001 }) prober.Ping(server, nonce);
        foreach (string sent in asked.Datagrams)
        {
            probes.Take(sent[(sent.IndexOf(' ') + 1)..].Utf8(), Loopback, 4000);
        }
        Assert.Equal(4, _sent.Datagrams.Count);
    }

    [Fact]
    public void A_sealed_probe_without_a_number_is_dropped()
    {
        DatagramSeal seal = SealOf(1);
        Sealed(seal).Take(By(seal, Ping), Loopback, 4000);
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

    private Probes Sealed(params DatagramSeal[] seals)
    {
        ContentOptions options = new()
        {
            Id = Names.Id("CS1"), Files = "unused",
            Credentials = TestKeys.Counting(AuthMode.Required, TestKeys.Usual),
        };
        return new Probes(options, 7, _sent, _complaints, _ => false) { Seals = () => seals };
    }

    private static DatagramSeal SealOf(byte tether)
    {
        Nonce nonce = Nonce.Draw(bytes => bytes.Fill(tether));
        return Handshake.Seal(TestKeys.Usual.For(PeerRole.Content, Names.Id("CS1")), nonce, nonce);
    }

    private static byte[] By(DatagramSeal seal, string ping)
    {
        ArrayBufferWriter<byte> datagram = new();
        datagram.Write(Encoding.UTF8.GetBytes(ping));
        seal.Append(datagram);
        return datagram.WrittenSpan.ToArray();
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
