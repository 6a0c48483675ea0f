using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Network;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

// docs/protocol.md, "Chunks": LOCATE.
public sealed class LocateTests
{
    private readonly IndexWorld _world = new();

    [Fact]
    public void At_most_64_servers_are_named_however_long_their_URLs_are()
    {
        string path = string.Concat(Enumerable.Repeat("%25", 300));
        for (int number = 0; number < 80; number++)
        {
            Register($"CS{number}", $"10.0.0.{number}", $"url=https://host{number}.example.org/{path}");
        }
        string[] lines = Locate("a.txt").Split('\n');
        Assert.Equal("FILE a.txt 5", lines[0]);
        Assert.Equal(64, lines.Count(line => line.StartsWith("SERVER ", StringComparison.Ordinal)));
        Assert.Equal(64, lines.Select(line => line.Split(' ')).Where(words => words.Length > 4)
            .Select(words => words[3]).Distinct().Count());
        Assert.Equal(["END", ""], lines[^2..]);
        Assert.All(lines[1..^2], line => Assert.EndsWith(
            $" 5 state=unknown http=https://host{line.Split(' ')[3][2..]}.example.org/{path}", line,
            StringComparison.Ordinal));
    }

    [Fact]
    public void Every_form_of_an_HTTP_address_is_told()
    {
        Register("CS1", "10.0.0.1", "http=7003 https=7443");
        Register("CS2", "10.0.0.2", "https=7443");
        Register("CS3", "10.0.0.3", "http=80 host=cs3.example.org");
        Register("CS4", "10.0.0.4", "http=80 host=2001:db8::4");
        string answer = Locate("a.txt");
        Assert.Contains("CS1 5 state=unknown http=http://10.0.0.1:7003\n", answer, StringComparison.Ordinal);
        Assert.Contains("CS2 5 state=unknown http=https://10.0.0.2:7443\n", answer, StringComparison.Ordinal);
        Assert.Contains("CS3 5 state=unknown http=http://cs3.example.org:80\n", answer, StringComparison.Ordinal);
        Assert.Contains("CS4 5 state=unknown http=http://[2001:db8::4]:80\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_published_and_no_server_has_told_of_is_away_and_not_unknown()
    {
        _world.Router.Catalog.Publish("p.txt"u8, new PublishedName(1, new FileState(5, Lists.Digest("x"), 7), 0));
        Assert.Equal("ERROR UNAVAILABLE\n", Locate("p.txt"));
        _world.Router.Catalog.Retract("p.txt"u8);
        Assert.Equal("ERROR FILE_NOT_FOUND\n", Locate("p.txt"));
    }

    [Fact]
    public void The_first_one_counts_as_sent_to_and_a_burst_spreads()
    {
        Register("CS1", "10.0.0.1", "");
        Register("CS2", "10.0.0.2", "");
        Wire wire = _world.Connect("192.0.2.9").Receive("HELLO 2\n");
        wire.Take();
        string[] firsts = [.. Enumerable.Range(0, 10).Select(_ =>
            wire.Receive("LOCATE a.txt\n").Take().Split('\n')[1].Split(' ')[3])];
        Assert.Equal((5, 5), (firsts.Count(id => id == "CS1"), firsts.Count(id => id == "CS2")));
    }

    [Fact]
    public void An_answer_allocates_nothing()
    {
        for (int number = 1; number <= 3; number++) Register($"CS{number}", $"10.0.0.{number}", "http=7003");
        Wire wire = _world.Connect("192.0.2.9").Receive("HELLO 2\n");
        IndexService service = new(_world.Router, new TrustedNetworks([]), new Applied(_world.Router, _world.Log),
            new Complaints(_world.Log, _world.Time), _world.Log);
        ILineSession session = service.Open(Peer.From("192.0.2.9", "127.0.0.1"));
        Answer answer = new(new BufferPool(), null);
        session.Handle("HELLO 2"u8, answer);
        long before = 0;
        for (int times = 0; times < 1100; times++)
        {
            if (times == 100) before = GC.GetAllocatedBytesForCurrentThread();
            session.Handle("LOCATE a.txt"u8, answer);
            Assert.False(answer.UnsentBytes == 0);
            answer.TakeBack(0);
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);
        wire.Conversation.End();
    }

    private void Register(string id, string remote, string facts)
    {
        Wire wire = _world.Connect(remote).Receive($"HELLO 2\nREGISTER {id} 7001 7002 {facts}\n"
            + $"ADD_FILE {id} a.txt 5\nDONE_FILES\n");
        _world.Apply();
        Assert.EndsWith("OK FILES_ADDED\n", wire.Turn().Take(), StringComparison.Ordinal);
    }

    private string Locate(string words) =>
        _world.Connect("192.0.2.9").Receive($"HELLO 2\nLOCATE {words}\n").Sent["WELCOME MICRO-CDN 2\n".Length..];
}
