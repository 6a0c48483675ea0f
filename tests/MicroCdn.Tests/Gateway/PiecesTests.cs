using System.Security.Cryptography;
using MicroCdn.Tests.Client;
using MicroCdn.Tests.Index;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Gateway;

// RFC 5854, section 4.2.11; docs/http.md: the digests of the pieces come from whoever has them, and are verified.
public sealed class PiecesTests
{
    private const long Size = (2 << 20) + 5;
    private readonly ScriptedPeers _peers = new();
    private readonly byte[][] _digests = [.. Enumerable.Range(0, 3).Select(n => SHA256.HashData([(byte)n]))];
    private readonly GatewayWorld _world;

    public PiecesTests()
    {
        _world = new GatewayWorld(dialer: _peers);
        string root = Convert.ToHexStringLower(SHA256.HashData([.. _digests.SelectMany(digest => digest)]));
        foreach (string number in new[] { "1", "2", "3" })
        {
            _world.Register($"CS{number}", $"10.0.0.{number}", "http=7003",
                $"a%20b.bin {Size} sha256={Lists.Digest("whole")} chunks={root}",
                $"small {5} sha256={Lists.Digest("small")}", $"empty 0 sha256={Lists.Digest("")}");
        }
    }

    [Fact]
    public async Task The_digests_are_fetched_once_and_kept()
    {
        Answer(1, Right());
        Answer(2, Right());
        Answer(3, Right());
        string page = await AskAsync("/a%20b.bin.meta4");
        Assert.Contains($"""
            <pieces length="1048576" type="sha-256">
            {string.Join('\n', _digests.Select(digest => $"<hash>{Convert.ToHexStringLower(digest)}</hash>"))}
            </pieces>
            """, page, StringComparison.Ordinal);
        Assert.Equal(page.Split("<url")[0], (await AskAsync("/a%20b.bin.meta4")).Split("<url")[0]);
        Assert.Single(_peers.Said, line => line.EndsWith("CHUNKS a%20b.bin", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ERROR UNAVAILABLE\n")]
    [InlineData("CHUNKS a%20b.bin 5\nEND\n")]
    [InlineData("wrong")]
    public async Task A_server_that_does_not_know_or_tells_others_is_passed_over(string said)
    {
        string answer = said == "wrong" ? Right().Replace(Convert.ToHexStringLower(_digests[1]),
            Convert.ToHexStringLower(_digests[0]), StringComparison.Ordinal) : said;
        Answer(1, answer);
        Answer(2, answer);
        Answer(3, Right());
        Assert.Contains("<pieces ", await AskAsync("/a%20b.bin.meta4"), StringComparison.Ordinal);
        Answer(3, answer);
        GatewayWorld other = new(dialer: _peers);
        Assert.DoesNotContain("<pieces ", other.Ask("/a%20b.bin.meta4").Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_nobody_answers_there_is_a_Metalink_without_pieces()
    {
        string page = await AskAsync("/a%20b.bin.meta4");
        Assert.Contains($"<hash type=\"sha-256\">{Lists.Digest("whole")}</hash>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<pieces", page, StringComparison.Ordinal);
        Assert.EndsWith("</metalink>\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_piece_of_a_small_file_is_the_file_and_an_empty_one_has_none()
    {
        Assert.Contains(
            $"<pieces length=\"1048576\" type=\"sha-256\">\n<hash>{Lists.Digest("small")}</hash>\n</pieces>",
            _world.Ask("/small.meta4").Body, StringComparison.Ordinal);
        Assert.DoesNotContain("<pieces", _world.Ask("/empty.meta4").Body, StringComparison.Ordinal);
        Assert.Empty(_peers.Said);
    }

    private string Right() => $"CHUNKS a%20b.bin {Size} sha256=0 chunks=0\n"
        + string.Concat(_digests.Select(digest => Convert.ToHexStringLower(digest) + "\n")) + "END\n";

    private void Answer(int number, string chunks) => _peers.With($"10.0.0.{number}", 7001,
        line => line == "HELLO 2" ? "WELCOME MICRO-CDN 2\n" : chunks);

    private async Task<string> AskAsync(string target)
    {
        Wire wire = _world.Connect().Receive(GatewayWorld.Request(target));
        using CancellationTokenSource late = new(TimeSpan.FromSeconds(30));
        while (!wire.Sent.EndsWith("</metalink>\n", StringComparison.Ordinal))
        {
            Assert.False(late.IsCancellationRequested, wire.Sent);
            await Task.Yield();
            wire.Turn();
        }
        return new Reply(wire.SentBytes).Body;
    }
}
