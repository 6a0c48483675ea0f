using System.Buffers;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

// docs/protocol.md, Life and death.
public sealed class DetectionTests
{
    [Theory]
    [InlineData("CS1 7001 7002 inc=7", 7, 100)]
    [InlineData("CS1 7001 7002 beat=1000 colour=blue inc=7", 7, 1000)]
    [InlineData("CS1 7001 7002", 0, 0)]
    [InlineData("CS1 7001 7002 inc=0", 0, 0)]
    [InlineData("CS1 7001 7002 inc=-1", 0, 0)]
    [InlineData("CS1 7001 7002 inc=7 beat=9", 0, 0)]
    [InlineData("CS1 7001 7002 inc=7 beat=3001", 0, 0)]
    [InlineData("CS1 0 7002 inc=7", 0, 0)]
    [InlineData("CS1 7001 7002 inc=7 loose", 0, 0)]
    [InlineData("CS1 7001 inc=7", 0, 0)]
    public void A_tether_has_an_id_two_ports_and_a_start(string words, long incarnation, int beat)
    {
        bool valid = Tether.TryParse(new Words(words.Utf8()), out Tether message);
        Assert.Equal(incarnation > 0, valid);
        if (!valid) return;
        Assert.Equal(("CS1", 7001, 7002, incarnation, (double)beat), (message.Id.Text(), message.TcpPort,
            message.UdpPort, message.Incarnation, message.Beat.TotalMilliseconds));
    }

    [Theory]
    [InlineData("HEARTBEAT CS1 10.0.0.5 7001 3 42 inc=7 seq=1042 gap=103", true)]
    [InlineData("HEARTBEAT CS1 10.0.0.5 7001 3 42 seq=1042 inc=7 gap=103 k=0a1b2c3d mac=00\r\n", true)]
    [InlineData("HEARTBEAT CS1 10.0.0.5 7001 3 42", false)]
    [InlineData("HEARTBEAT CS1 10.0.0.5 7001 3 42 inc=7", false)]
    [InlineData("HEARTBEAT CS1 10.0.0.5 7001 3 42 inc=7 seq=1042 gap=9999999999", false)]
    [InlineData("HEARTBEAT CS1 10.0.0.5 7001 3 inc=7 seq=1042", false)]
    [InlineData("HEARTBEAT CS1 10.0.0.5 7001 3 42 7 inc=7 seq=1042", false)]
    public void A_numbered_heartbeat_has_a_start_and_a_number(string datagram, bool valid)
    {
        Assert.Equal(valid, NumberedHeartbeat.TryParse(datagram.Utf8(), out NumberedHeartbeat beat));
        if (!valid) return;
        Assert.Equal(("CS1", "10.0.0.5", 7001, 3, 42), (beat.Plain.Id.Text(), beat.Plain.Host.Text(),
            beat.Plain.TcpPort, beat.Plain.Load, beat.Plain.Files));
        Assert.Equal((7, 1042, 103.0), (beat.Incarnation, beat.Sequence, beat.Gap.TotalMilliseconds));
    }

    // Cut anywhere, nothing is taken for what it is not, and version 1 never takes a piece of a longer line.
    [Fact]
    public void Datagrams_that_are_cut_are_never_taken_for_whole_ones()
    {
        byte[] beat = "HEARTBEAT CS1 10.0.0.5 7001 3 42 inc=7 seq=1042".Utf8();
        byte[] pong = "PONG CS1 nonce=00000000000003e8 inc=7".Utf8();
        for (int length = 0; length < pong.Length; length++)
        {
            Assert.False(Pong.TryParse(pong.AsSpan(0, length), out _));
        }
        for (int length = 0; length < "HEARTBEAT CS1 10.0.0.5 7001 3 42 inc=7 seq=".Length; length++)
        {
            Assert.False(NumberedHeartbeat.TryParse(beat.AsSpan(0, length), out _));
        }
    }

    [Theory]
    [InlineData("PONG CS1 nonce=00000000000003e8 inc=7", 1000)]
    [InlineData("PONG CS1 inc=7 nonce=FFFFFFFFFFFFFFFF k=1 mac=2\n", ulong.MaxValue)]
    public void A_pong_has_a_nonce_and_a_start(string datagram, ulong nonce)
    {
        Assert.True(Pong.TryParse(datagram.Utf8(), out Pong pong));
        Assert.Equal(("CS1", nonce, 7L), (pong.Id.Text(), pong.Nonce, pong.Incarnation));
    }

    [Theory]
    [InlineData("PONG")]
    [InlineData("PONG CS1 nonce=3e8 inc=7")]
    [InlineData("PONG CS1 nonce=00000000000003eg inc=7")]
    [InlineData("PONG CS1 nonce=00000000000003e8")]
    [InlineData("PONG CS1 inc=7")]
    [InlineData("PONG CS1 nonce=00000000000003e8 inc=7 loose")]
    [InlineData("PING CS1 nonce=00000000000003e8 inc=7")]
    public void What_is_no_pong(string datagram) => Assert.False(Pong.TryParse(datagram.Utf8(), out _));

    [Theory]
    [InlineData(ServerState.Dead, "SERVER_DOWN CS1 5 inc=7 ev=9\n")]
    [InlineData(ServerState.Suspect, "SERVER_SUSPECT CS1 5 inc=7 ev=9\n")]
    [InlineData(ServerState.Alive, "SERVER_UP CS1 5 inc=7 ev=9 state=alive\n")]
    [InlineData(ServerState.Returning, "SERVER_UP CS1 5 inc=7 ev=9 state=returning\n")]
    [InlineData(ServerState.Draining, "SERVER_UP CS1 5 inc=7 ev=9 state=draining\n")]
    public void A_state_has_its_event(ServerState state, string line)
    {
        ServerId.TryCreate("CS1", out ServerId id);
        ArrayBufferWriter<byte> output = new();
        output.WriteEvent(new StateEvent(id, state, 7, 9, 5));
        Assert.Equal(line, output.WrittenSpan.Text());
    }

    [Fact]
    public void A_suspect_that_is_spared_is_told_so_in_events_and_rows()
    {
        ServerId.TryCreate("CS1", out ServerId id);
        ArrayBufferWriter<byte> output = new();
        foreach (ServerState state in new[] { ServerState.Suspect, ServerState.Draining })
        {
            output.WriteEvent(new StateEvent(id, state, 7, 9, 5, IsSpared: true));
            output.WriteState(new StateEvent(id, state, 7, 9, 5, IsSpared: true));
        }
        Assert.Equal("SERVER_SUSPECT CS1 5 inc=7 ev=9 spared=1\nSTATE CS1 suspect inc=7 ev=9 spared=1\n"
            + "SERVER_UP CS1 5 inc=7 ev=9 state=draining\nSTATE CS1 draining inc=7 ev=9\n",
            output.WrittenSpan.Text());
    }

    [Fact]
    public void What_a_server_is_called_dead_for_is_told_in_one_word_and_read_as_it_was()
    {
        ServerId.TryCreate("CS1", out ServerId id);
        ArrayBufferWriter<byte> output = new();
        output.WriteEvent(new StateEvent(id, ServerState.Dead, 7, 9, 5, Why: "its port refused"));
        output.WriteState(new StateEvent(id, ServerState.Dead, 7, 9, 5, Why: new string('ü', 200)));
        output.WriteEvent(new StateEvent(id, ServerState.Alive, 7, 9, 5, Why: "it is heard"));
        string[] lines = output.WrittenSpan.Text().Split('\n');
        Assert.Equal("SERVER_DOWN CS1 5 inc=7 ev=9 why=its%20port%20refused", lines[0]);
        Assert.Equal("SERVER_UP CS1 5 inc=7 ev=9 state=alive", lines[2]);
        Words words = new(lines[0].Utf8().AsSpan(12));
        Assert.True(StateChange.TryParse("SERVER_DOWN"u8, words, out StateChange change));
        Assert.Equal("its port refused", PercentText.TextOf(change.Why));
        Assert.True(StateRow.TryParse(new Words(lines[1].Utf8().AsSpan(6)), out StateRow row));
        Assert.Equal(StateEvent.WhyBytes, PercentText.Decode(row.Why, new byte[1_000]));
        Assert.False(StateRow.TryParse(new Words($"CS1 dead inc=7 ev=9 why={new string('x', 769)}".Utf8()), out _));
    }

    [Fact]
    public void A_ping_carries_its_nonce_in_sixteen_digits()
    {
        ServerId.TryCreate("CS1", out ServerId id);
        ArrayBufferWriter<byte> output = new();
        output.WritePing(id, 1000);
        Assert.Equal("PING CS1 nonce=00000000000003e8", output.WrittenSpan.Text());
    }
}
