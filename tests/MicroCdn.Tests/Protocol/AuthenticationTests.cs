using System.Buffers;
using System.Text;
using MicroCdn.Protocol;
using MicroCdn.Tests.HouseRules;

namespace MicroCdn.Tests.Protocol;

/// <summary>Keys, proofs and seals, against figures that Python's hmac and hashlib gave.</summary>
/// <remarks>
/// <code>
/// def hkdf(ikm, salt, info):
///     prk = hmac.new(salt or bytes(32), ikm, sha256).digest()
///     return hmac.new(prk, info + b'\x01', sha256).digest()
/// K = bytes(range(32)); S = hkdf(K, b'', b'MICRO-CDN KEY\ncontent\nCS1')
/// hmac.new(S, b'MICRO-CDN AUTH\n' + N1 + b'\n' + N2 + b'\ncontent\nCS1', sha256).hexdigest()[:32]
/// </code>
/// </remarks>
public sealed class AuthenticationTests
{
    private const string N1 = "000102030405060708090a0b0c0d0e0f";
    private const string N2 = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
    private const string Auth =
        $"AUTH role=content id=CS1 k=630dcd29 nonce={N2} mac=b1eee1d1ca87dec74a7ccb6320abd886";

    private const string Answer = "OK AUTHENTICATED mac=6fffe471d65e74dcaa50945faad871b4";
    private const string Beat = "HEARTBEAT CS1 10.0.0.1 7001 3 42 inc=7 seq=1042 gap=103 k=630dcd29 "
        + "mac=a5ab66ab306c089fae104a09347ce4db";

    private static readonly ServerId Cs1 = Id("CS1");
    private static readonly ClusterKey Cluster = new([.. Enumerable.Range(0, 32).Select(n => (byte)n)]);
    private static readonly ServerKey Key = Cluster.For(PeerRole.Content, Cs1);

    [Fact]
    public void A_key_and_what_derives_from_it_are_what_the_document_says()
    {
        Assert.Equal("microcdn-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", Cluster.ToLine());
        Assert.Equal("630dcd29", Cluster.Id.ToString());
        Assert.Equal(
            "microcdn-server-key-1:content:630dcd29:9AfPlUXjG9-z9i6BluN3xlojk9p-jgNUa6silEPGB_o:CS1", Key.ToLine());
    }

    [Fact]
    public void The_handshake_says_what_the_document_says()
    {
        Assert.Equal(Auth + "\n", Text(Handshake.Auth(Key, Nonce(N1), Nonce(N2)).Span));
        ArrayBufferWriter<byte> answer = new();
        Handshake.WriteAnswer(answer, Key, Nonce(N1), Nonce(N2));
        Assert.Equal(Answer + "\n", Text(answer.WrittenSpan));
        Assert.True(IsProved(Auth, N1));
        Assert.True(Handshake.IsAnswerProved(Key, Nonce(N1), Nonce(N2), Bytes(Answer)));
    }

    [Fact]
    public void A_proof_of_one_connection_is_none_on_another()
    {
        Assert.False(IsProved(Auth, N2));
        Assert.False(Handshake.IsAnswerProved(Key, Nonce(N1), Nonce(N1), Bytes(Answer)));
        Assert.False(Handshake.IsAnswerProved(Key, Nonce(N2), Nonce(N2), Bytes(Answer)));
    }

    [Fact]
    public void A_proof_cannot_be_sent_back_as_the_answer()
    {
        string mac = Auth[^32..];
        Assert.False(Handshake.IsAnswerProved(Key, Nonce(N1), Nonce(N2), Bytes($"OK AUTHENTICATED mac={mac}")));
        Assert.False(IsProved(Auth[..^32] + Answer[^32..], N1));
    }

    [Fact]
    public void A_proof_in_which_any_byte_is_another_proves_nothing()
    {
        for (int at = 0; at < Auth.Length; at++)
        {
            foreach (char other in "0f zA")
            {
                if (Auth[at] == other) continue;
                Assert.False(IsProved($"{Auth[..at]}{other}{Auth[(at + 1)..]}", N1), $"byte {at} as '{other}'");
            }
        }
    }

    [Fact]
    public void A_proof_that_is_cut_anywhere_proves_nothing()
    {
        for (int length = 0; length < Auth.Length; length++) Assert.False(IsProved(Auth[..length], N1));
        for (int length = 0; length < Answer.Length; length++)
        {
            Assert.False(Handshake.IsAnswerProved(Key, Nonce(N1), Nonce(N2), Bytes(Answer[..length])));
        }
    }

    [Theory]
    [InlineData("AUTH role=content id=CS1 k=630dcd29 nonce=" + N2)]
    [InlineData("AUTH id=CS1 k=630dcd29 nonce=" + N2 + " mac=" + N1)]
    [InlineData("AUTH role=root id=CS1 k=630dcd29 nonce=" + N2 + " mac=" + N1)]
    [InlineData("AUTH role=content k=630dcd29 nonce=" + N2 + " mac=" + N1)]
    [InlineData("AUTH role=content id=CS1 nonce=" + N2 + " mac=" + N1)]
    [InlineData("AUTH role=content id=CS1 k=630DCD29 nonce=" + N2 + " mac=" + N1)]
    [InlineData("AUTH role=content id=CS1 k=630dcd29 nonce=00 mac=" + N1)]
    [InlineData("AUTH role=content id=CS1 k=630dcd29 mac=" + N1)]
    [InlineData("AUTH role=content id=CS1 k=630dcd29 nonce=" + N2 + " mac=00")]
    [InlineData("AUTH role=content id=CS1 k=630dcd29 nonce=" + N2 + " mac=" + N1 + " more")]
    public void A_proof_that_lacks_something_is_malformed(string line) => Assert.False(TryParse(line, out _));

    [Fact]
    public void Unknown_keys_in_a_proof_are_passed_over() =>
        Assert.True(IsProved(Auth.Replace("AUTH ", "AUTH colour=blue ", StringComparison.Ordinal), N1));

    [Fact]
    public void The_key_of_another_server_or_role_proves_nothing()
    {
        Assert.True(TryParse(Auth, out AuthMessage message));
        Assert.False(Handshake.IsProved(Cluster.For(PeerRole.Content, Id("CS2")), Nonce(N1), message));
        Assert.False(Handshake.IsProved(Cluster.For(PeerRole.Monitor, Cs1), Nonce(N1), message));
    }

    [Fact]
    public void Sealed_datagrams_are_what_the_document_says()
    {
        DatagramSeal seal = Handshake.Seal(Key, Nonce(N1), Nonce(N2));
        ArrayBufferWriter<byte> datagram = new();
        datagram.Write(Bytes(Beat[..^DatagramSeal.Length]));
        seal.Append(datagram);
        Assert.Equal(Beat, Text(datagram.WrittenSpan));
        Assert.True(seal.IsOn(Bytes(Beat + "\r\n")));
    }

    [Fact]
    public void A_datagram_of_one_tether_is_not_genuine_on_another()
    {
        Assert.False(Handshake.Seal(Key, Nonce(N2), Nonce(N2)).IsOn(Bytes(Beat)));
        Assert.False(Handshake.Seal(Key, Nonce(N1), Nonce(N1)).IsOn(Bytes(Beat)));
        Assert.False(Handshake.Seal(Cluster.For(PeerRole.Content, Id("CS2")), Nonce(N1), Nonce(N2)).IsOn(Bytes(Beat)));
        Assert.True(DatagramSeal.IsAtTheEndOf(Bytes(Beat)));
        Assert.False(DatagramSeal.IsAtTheEndOf(Bytes(Beat[..^1])));
        Assert.False(DatagramSeal.IsAtTheEndOf(Bytes(Beat[..^DatagramSeal.Length])));
    }

    [Fact]
    public void A_datagram_in_which_any_bit_is_another_or_that_is_cut_is_not_genuine()
    {
        DatagramSeal seal = Handshake.Seal(Key, Nonce(N1), Nonce(N2));
        Assert.True(seal.IsOn(Bytes(Beat)));
        for (int bit = 0; bit < Beat.Length * 8; bit++)
        {
            byte[] changed = Bytes(Beat);
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(seal.IsOn(changed), $"bit {bit}");
        }
        for (int length = 0; length < Beat.Length; length++) Assert.False(seal.IsOn(Bytes(Beat[..length])));
    }

    [Fact]
    public void Only_the_file_that_a_key_stands_in_proves_what_it_proves()
    {
        Keyring own = Keyring.Read(Bytes(Key.ToLine() + "\n"), out _)!;
        Credentials credentials = Credentials.Of(AuthMode.Required, own, bytes => bytes.Clear());
        Assert.NotNull(credentials.As(PeerRole.Content, Cs1).Key);
        Assert.Null(credentials.As(PeerRole.Content, Id("CS2")).Key);
        Assert.Null(credentials.As(PeerRole.Monitor, Cs1).Key);
        Assert.Null(own.Cluster(Key.Id));
    }

    [Fact]
    public void Of_two_keys_the_first_proves_and_both_are_taken()
    {
        ClusterKey other = new(new byte[32]);
        Keyring keys = Keyring.Read(Bytes($"# new\n{other.ToLine()}\r\n\n{Cluster.ToLine()}"), out _)!;
        Assert.Equal(other.Id, keys.Proving(PeerRole.Content, Cs1)!.Id);
        Assert.NotNull(keys.Find(Cluster.Id, PeerRole.Content, Cs1));
        Assert.NotNull(keys.Find(other.Id, PeerRole.Content, Cs1));
        Assert.Null(keys.Find(new KeyId(1), PeerRole.Content, Cs1));
        Assert.Equal(keys.ToText(), Keyring.Read(Bytes(keys.ToText()), out _)!.ToText());
    }

    [Fact]
    public void A_file_that_holds_no_key_is_refused_without_a_word_of_it()
    {
        foreach ((string text, string wrong) in new[]
        {
            ("", "it holds no key"), ("\n# none\n", "it holds no key"), ("microcdn-key-1:", "line 1 is no key"),
            ("\nmicrocdn-key-1:secret!", "line 2 is no key"), ($"{Cluster.ToLine()}x", "line 1 is no key"),
            ($"{Cluster.ToLine()}\n{Cluster.ToLine()}", "line 2 holds a key a second time"),
            ($"{Cluster.ToLine()}\n{Line(1)}\n{Line(2)}", "it holds more than 2 keys"),
        })
        {
            Assert.Null(Keyring.Read(Bytes(text), out string? said));
            Assert.Equal(wrong, said);
        }
        foreach (string line in new[] { Cluster.ToLine(), Key.ToLine()[..^4] })
        {
            for (int length = 1; length < line.Length; length++)
            {
                Assert.Null(Keyring.Read(Bytes(line[..length]), out _));
            }
        }
    }

    [Fact]
    public void Macs_are_compared_in_constant_time_and_nowhere_else()
    {
        string source = Repository.Text("src/MicroCdn.Protocol/Authentication.cs");
        Assert.Contains("CryptographicOperations.FixedTimeEquals(told, right)", source, StringComparison.Ordinal);
        string[] others = [.. Repository.Sources("src")
            .Where(path => Repository.Text(path).Contains("HMACSHA256", StringComparison.Ordinal))];
        const string Sessions = "src/MicroCdn.Gateway/Api/Sessions.cs", Links = "src/MicroCdn.Access/SignedLink.cs";
        Assert.Equal([Links, Sessions, "src/MicroCdn.Protocol/Authentication.cs"], others);
        Assert.All([Sessions, Links], other => Assert.Contains(
            "CryptographicOperations.FixedTimeEquals(", Repository.Text(other), StringComparison.Ordinal));
    }

    [Fact]
    public void No_secret_is_in_the_text_of_a_key_or_a_token()
    {
        JoinToken token = JoinToken.Issue(Cluster, PeerRole.Content, Cs1, 7, bytes => bytes.Fill(9));
        Assert.Equal("key 630dcd29 of content CS1", $"{Key}");
        Assert.Equal("cluster key 630dcd29", $"{Cluster}");
        Assert.Equal("token 0909090909090909 for content CS1", $"{token}");
    }

    private static string Line(byte fill) => new ClusterKey(Enumerable.Repeat(fill, 32).ToArray()).ToLine();

    private static bool IsProved(string line, string nonce) =>
        TryParse(line, out AuthMessage message) && message.Role == PeerRole.Content && message.Id.SequenceEqual("CS1"u8)
        && message.Key == Key.Id && Handshake.IsProved(Key, Nonce(nonce), message);

    private static bool TryParse(string line, out AuthMessage message)
    {
        Words words = new(Bytes(line));
        words.Next(out ReadOnlySpan<byte> verb);
        return AuthMessage.TryParse(words, out message) & verb.SequenceEqual("AUTH"u8);
    }

    private static Nonce Nonce(string hex) =>
        MicroCdn.Protocol.Nonce.TryParse(Bytes(hex), out Nonce nonce) ? nonce : throw new FormatException(hex);

    private static ServerId Id(string text) =>
        ServerId.TryCreate(text, out ServerId id) ? id : throw new FormatException(text);

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
