using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using MicroCdn.Testing;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Network;

/// <summary>Whose control messages are taken, by mode, place and proof.</summary>
public sealed class GuardTests
{
    private static readonly Peer Trusted = Peer.From("10.0.0.7", "10.0.0.1");
    private static readonly Peer Stranger = Peer.From("203.0.113.9", "10.0.0.1");
    private static readonly TrustedNetworks Trust = new([System.Net.IPNetwork.Parse("10.0.0.0/8")]);
    private readonly LogBook _log = new();
    private readonly Answer _answer = new(new BufferPool(), null);

    [Theory]
    [InlineData(AuthMode.Off, true, null)]
    [InlineData(AuthMode.Off, false, "NOT_TRUSTED")]
    [InlineData(AuthMode.Permissive, true, null)]
    [InlineData(AuthMode.Permissive, false, "NOT_TRUSTED")]
    [InlineData(AuthMode.Required, true, "NOT_AUTHENTICATED")]
    [InlineData(AuthMode.Required, false, "NOT_AUTHENTICATED")]
    public void Without_a_proof_it_is_a_matter_of_mode_and_place(AuthMode mode, bool isTrusted, string? refusal)
    {
        Guard guard = Of(mode, isTrusted ? Trusted : Stranger, out _);
        Assert.Equal(refusal, guard.Refuses(PeerRole.Content)?.Word);
        Assert.Equal(refusal is null, guard.MayStay);
        Assert.False(guard.HasLapsed);
    }

    [Theory]
    [InlineData(AuthMode.Permissive)]
    [InlineData(AuthMode.Required)]
    public void With_a_proof_it_is_a_matter_of_role_and_id(AuthMode mode)
    {
        Guard guard = Of(mode, Stranger, out _);
        Prove(guard, TestKeys.Usual.For(PeerRole.Content, Id("CS1")));
        Assert.True(guard.MayStay);
        Assert.NotNull(guard.Seal);
        Assert.Null(guard.Refuses(PeerRole.Content));
        Assert.Null(guard.Refuses(PeerRole.Content | PeerRole.Operator, Id("CS1")));
        Assert.Equal("NOT_AUTHENTICATED", guard.Refuses(PeerRole.Content, Id("CS2"))?.Word);
        Assert.Equal("NOT_AUTHENTICATED", guard.Refuses(PeerRole.Monitor)?.Word);
    }

    [Fact]
    public void A_proof_ends_when_its_key_is_taken_out_and_not_while_it_is_one_of_two()
    {
        Guard guard = Of(AuthMode.Required, Stranger, out Credentials credentials);
        Prove(guard, TestKeys.Usual.For(PeerRole.Content, Id("CS1")));
        System.Buffers.ArrayBufferWriter<byte> beat = new();
        beat.WriteText("HEARTBEAT");
        guard.Seal!.Append(beat);
        credentials.Replace(new Keyring(TestKeys.Other, TestKeys.Usual));
        Assert.Null(guard.Refuses(PeerRole.Content));
        Assert.False(guard.HasLapsed);
        Assert.True(guard.Seal.IsOn(beat.WrittenSpan));
        credentials.Replace(new Keyring(TestKeys.Other));
        Assert.Equal("NOT_AUTHENTICATED", guard.Refuses(PeerRole.Content)?.Word);
        Assert.Equal(PeerRole.None, guard.Role);
        Assert.True(guard.HasLapsed);
        Assert.False(guard.Seal.IsOn(beat.WrittenSpan));
    }

    [Fact]
    public void A_proof_by_either_of_two_keys_is_taken()
    {
        Guard guard = Of(AuthMode.Required, Stranger, out Credentials credentials);
        credentials.Replace(new Keyring(TestKeys.Other, TestKeys.Usual));
        Prove(guard, TestKeys.Usual.For(PeerRole.Content, Id("CS1")));
        Prove(guard, TestKeys.Other.For(PeerRole.Monitor, Id("M1")));
        Assert.Equal((PeerRole.Monitor, Id("M1")), (guard.Role, guard.Id!.Value));
    }

    [Fact]
    public void A_nonce_is_good_for_one_try()
    {
        Guard guard = Of(AuthMode.Required, Stranger, out _);
        ServerKey key = TestKeys.Usual.For(PeerRole.Content, Id("CS1"));
        byte[] right = Proof(guard, key);
        Say(guard, Encoding.ASCII.GetString(right).Replace("id=CS1", "id=CS2", StringComparison.Ordinal));
        Assert.True(_answer.Closing);
        Say(guard, Encoding.ASCII.GetString(right));
        Assert.Equal(PeerRole.None, guard.Role);
        Assert.Contains("refused content CS2 at 203.0.113.9: its proof does not fit key 630dcd29", Said,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Who_is_let_pass_without_proof_is_named_once()
    {
        Guard guard = Of(AuthMode.Permissive, Trusted, out _);
        for (int n = 0; n < 3; n++) Assert.Null(guard.Refuses(PeerRole.Content));
        Assert.Single(Said.Split('\n'), line => line.Contains("let pass from 10.0.0.7", StringComparison.Ordinal));
    }

    [Fact]
    public void Version_1_is_welcomed_without_a_word_more()
    {
        Guard guard = Of(AuthMode.Required, Trusted, out _);
        guard.Welcome(1, _answer);
        Assert.Equal("WELCOME MICRO-CDN\n", Encoding.ASCII.GetString(_answer.Unsent));
        Assert.Null(guard.TakeNonce());
    }

    private string Said => string.Join('\n', _log.Lines);

    private Guard Of(AuthMode mode, Peer peer, out Credentials credentials)
    {
        credentials = mode == AuthMode.Off ? Credentials.None : TestKeys.Counting(mode, TestKeys.Usual);
        return new Guard(credentials, Trust, peer, new Complaints(_log, new FakeTimeProvider()));
    }

    private void Prove(Guard guard, ServerKey key)
    {
        Say(guard, Encoding.ASCII.GetString(Proof(guard, key)));
        Assert.Equal(key.Role, guard.Role);
    }

    private byte[] Proof(Guard guard, ServerKey key)
    {
        int before = _answer.UnsentBytes;
        guard.Welcome(2, _answer);
        Assert.True(Greeting.IsWelcome2(_answer.Unsent[before..].TrimEnd((byte)'\n'), out Nonce? nonce));
        return Handshake.Auth(key, nonce!.Value, nonce.Value).Span.TrimEnd((byte)'\n').ToArray();
    }

    private void Say(Guard guard, string line)
    {
        Words words = new(Encoding.ASCII.GetBytes(line));
        words.Next(out _);
        Assert.Null(guard.HandleAuth(words, _answer));
    }

    private static ServerId Id(string text) =>
        ServerId.TryCreate(text, out ServerId id) ? id : throw new FormatException(text);
}
