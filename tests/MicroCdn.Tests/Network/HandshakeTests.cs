using System.Net.Sockets;
using MicroCdn.Network;

namespace MicroCdn.Tests.Network;

/// <summary>Connections to a TLS port that never get as far as a request.</summary>
public sealed class HandshakeTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Half_a_handshake_is_shed_when_the_time_of_a_first_message_is_up()
    {
        Ended ended = new();
        using TlsPort port = new(new Service((answer, now) => new Silent(answer, now, ended)));
        await using NetworkStream half = port.Connect();
        // The head of a record with a ClientHello, and nothing behind it.
        await half.WriteAsync(new byte[] { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00 });
        Assert.Equal(0, await ReadAsync(half));
        await ended.Task.WaitAsync(Bound);
        Assert.Empty(port.Log.Lines);
    }

    [Fact]
    public async Task A_connection_too_many_is_ended_before_its_handshake_costs_anything()
    {
        Ended ended = new();
        using TlsPort port = new(new Service((answer, now) => new Silent(answer, now, ended).Refused()));
        await using NetworkStream one = port.Connect();
        Assert.Equal(0, await ReadAsync(one));
        await ended.Task.WaitAsync(Bound);
    }

    [Fact]
    public void What_a_session_says_while_its_socket_is_full_is_kept_for_its_own_socket()
    {
        using TlsTransit transit = new();
        TlsSession session = new(TlsPort.Context("one"), transit);
        // No ClientHello: answered by an alert at once.
        byte[] hello = [0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3];
        hello.CopyTo(transit.Input);
        transit.Came(hello.Length);
        Assert.Equal(TlsSession.Failed, session.Read(new byte[100]));
        Assert.True(session.HasNews);
        Assert.True(session.HoldNews());
        Assert.True(session.HasOutput);
        Assert.True(transit.Output.IsEmpty);
        session.Release();
    }

    // A reset is an end like another here.
    private static async Task<int> ReadAsync(NetworkStream stream)
    {
        try
        {
            return await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(Bound);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private sealed class Ended : TaskCompletionSource;

    private sealed class Service(Func<Answer, long, Conversation> begin) : IConversations
    {
        public Conversation Begin(IPeer peer, Answer answer, long now) => begin(answer, now);
    }

    // Gives its first message a tenth of a second.
    private sealed class Silent(Answer answer, long now, Ended ended) : Conversation(answer, now)
    {
        protected override long Deadline => MessageSince + 100;

        public Silent Refused()
        {
            Refuse("too many\n"u8);
            return this;
        }

        public override void End()
        {
            base.End();
            ended.TrySetResult();
        }

        protected override int Take(ReadOnlySpan<byte> input, long now) => input.Length;

        protected override void Late(long now) => Answer.Close();
    }
}
