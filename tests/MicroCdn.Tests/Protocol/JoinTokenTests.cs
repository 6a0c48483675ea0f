using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Protocol;

public sealed class JoinTokenTests
{
    private static readonly ClusterKey Cluster = new(Enumerable.Repeat((byte)1, 32).ToArray());
    private static readonly ClusterKey Other = new(Enumerable.Repeat((byte)2, 32).ToArray());
    private static readonly Random Chance = new(3);
    private static readonly JoinToken Token = Issue(PeerRole.Content, "CS4");
    private static readonly Nonce Theirs = Nonce.Draw(Chance.NextBytes), Own = Nonce.Draw(Chance.NextBytes);

    [Fact]
    public void A_token_travels_as_text_and_proves_itself_to_who_has_the_key()
    {
        JoinToken read = JoinToken.Read(Encoding.UTF8.GetBytes($"  {Token.ToText()}\r\n"))!;
        Assert.Equal(Token.ToText(), read.ToText());
        JoinToken proved = Check(Cluster, Theirs, Request(read))!;
        Assert.Equal(("CS4", 1000L, PeerRole.Content), (proved.Server.Value, proved.Expires, proved.Role));
        Assert.Null(Check(Other, Theirs, Request(read)));
        Assert.Null(Check(Cluster, Own, Request(read)));
    }

    [Fact]
    public void A_token_cannot_be_made_to_say_something_else()
    {
        string request = Request(Token);
        foreach ((string one, string other) in new[]
        {
            ("id=CS4", "id=CS1"), ("role=content", "role=monitor"), ("expires=1000", "expires=9000"),
        })
        {
            Assert.Null(Check(Cluster, Theirs, request.Replace(one, other, StringComparison.Ordinal)));
            string text = Token.ToText().Replace(":1000:content", other.StartsWith("role", StringComparison.Ordinal)
                ? ":1000:monitor" : ":9000:content", StringComparison.Ordinal);
            JoinToken forged = JoinToken.Read(Encoding.UTF8.GetBytes(text))!;
            Assert.Null(Check(Cluster, Theirs, Request(forged)));
        }
    }

    [Fact]
    public void A_content_server_gets_its_own_key_and_a_monitor_the_cluster_s()
    {
        Keyring keys = new(Cluster, Other);
        Keyring own = Joining.KeysFor(Token, keys);
        Keyring content = Open(Token, Joining.Answer(Token, Theirs, Own, own, Chance.NextBytes))!;
        Assert.Equal(2, content.Keys.Count);
        Assert.All(content.Keys, key => Assert.IsType<ServerKey>(key));
        Assert.Equal(Cluster.For(PeerRole.Content, Token.Server).ToLine(), content.First.ToLine());
        JoinToken monitor = Issue(PeerRole.Monitor, "monitor");
        byte[] answer = Joining.Answer(monitor, Theirs, Own, Joining.KeysFor(monitor, keys), Chance.NextBytes);
        Assert.Equal(keys.ToText(), Open(monitor, answer)!.ToText());
    }

    [Fact]
    public void No_key_is_seen_on_the_way_and_an_answer_in_which_a_byte_is_another_is_none()
    {
        Keyring keys = new(Cluster.For(PeerRole.Content, Token.Server));
        byte[] answer = Joining.Answer(Token, Theirs, Own, keys, Chance.NextBytes);
        string clear = Encoding.ASCII.GetString(answer);
        Assert.DoesNotContain(keys.ToText()[30..60], clear, StringComparison.Ordinal);
        Assert.DoesNotContain(Token.ToText().Split(':')[5], clear + Request(Token), StringComparison.Ordinal);
        Assert.NotNull(Open(Token, answer));
        for (int at = 0; at < answer.Length - 2; at++)
        {
            byte[] changed = [.. answer];
            changed[at] = changed[at] == (byte)'A' ? (byte)'B' : (byte)'A';
            Assert.Null(Open(Token, changed));
            Assert.Null(Open(Token, answer[..at]));
        }
        Assert.Null(Joining.Open(Token, Own, Own, answer.AsSpan().TrimEnd((byte)'\n')));
        Assert.Null(Open(Issue(PeerRole.Content, "CS4"), answer));
    }

    [Fact]
    public void A_token_that_is_cut_is_none()
    {
        byte[] text = Encoding.UTF8.GetBytes(Token.ToText());
        for (int length = 0; length < text.Length - 3; length++) Assert.Null(JoinToken.Read(text.AsSpan(0, length)));
    }

    private static JoinToken Issue(PeerRole role, string id)
    {
        ServerId.TryCreate(id, out ServerId server);
        return JoinToken.Issue(Cluster, role, server, 1000, Chance.NextBytes);
    }

    private static string Request(JoinToken token) => Encoding.UTF8.GetString(Joining.Request(token, Theirs, Own).Span);

    private static JoinToken? Check(ClusterKey key, Nonce nonce, string line)
    {
        Words words = new(Encoding.UTF8.GetBytes(line.TrimEnd('\n')));
        words.Next(out _);
        Assert.True(JoinMessage.TryParse(words, out JoinMessage message));
        return Joining.Check(key, nonce, message);
    }

    private static Keyring? Open(JoinToken token, byte[] answer) =>
        Joining.Open(token, Theirs, Own, answer.AsSpan().TrimEnd((byte)'\n'));
}
