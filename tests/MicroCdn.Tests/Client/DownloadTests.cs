using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Client;

// Issue 2, 7: the client.
public sealed class DownloadTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ScriptedPeers _peers = new();
    private readonly Queue<string> _routes = new();
    private string _lastRoute = "ERROR FILE_NOT_FOUND\n";
    private string _servers = "END\n";

    public DownloadTests() => _peers.With("index", 5050, line => line switch
    {
        // The client opens in version 2 first (wire.md): this index is one of version 1.
        "HELLO 2" => "ERROR UNKNOWN_COMMAND\n",
        "HELLO" => "WELCOME MICRO-CDN\n",
        "LIST_SERVERS" => _servers,
        _ => _routes.TryDequeue(out string? route) ? _lastRoute = route : _lastRoute,
    });

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1_000_000)]
    public async Task A_file_is_found_fetched_and_put_in_place(int piece)
    {
        _peers.Piece = piece;
        _routes.Enqueue("SERVER a 7001 CS1 5\n");
        Serve("a", "OK 5\nhello and bytes that nobody asked for");
        DownloadResult result = await Download("docs/hello.txt");
        Assert.Equal(new DownloadResult(5, "CS1", _folder["target"]), result);
        Assert.Equal("hello", File.ReadAllText(_folder["target"]));
        Assert.Equal(["target"], _folder.Names());
        Assert.Equal(["index:5050 HELLO 2", "index:5050 HELLO", "index:5050 GET docs/hello.txt",
            "a:7001 GET docs/hello.txt"], _peers.Said);
    }

    [Fact]
    public async Task An_empty_file_is_a_file()
    {
        _routes.Enqueue("SERVER a 7001 CS1 0\n");
        Serve("a", "OK 0\n");
        Assert.Equal(0, (await Download("empty")).Size);
        Assert.Equal("", File.ReadAllText(_folder["target"]));
    }

    [Fact]
    public async Task An_index_that_takes_HELLO_amiss_is_asked_without_it()
    {
        foreach (Reply odd in new Reply[] { "ERROR UNKNOWN_COMMAND\n", Reply.Close, "" })
        {
            _peers.With("index", 5050, line => line is "HELLO" or "HELLO 2" ? odd : "SERVER a 7001 CS1 5\n");
            Serve("a", "OK 5\nhello");
            Assert.Equal(5, (await Download("x")).Size);
        }
    }

    [Fact]
    public async Task What_no_live_server_has_is_not_found()
    {
        CdnException exception = await Assert.ThrowsAsync<CdnException>(() => Download("a b"));
        Assert.Equal(CdnFailure.NotFound, exception.Failure);
        // An index that does not decode knows the name only as the word its server announced.
        Assert.Equal(["GET a b", "GET a%20b"], _peers.Said.Where(line => line.Contains("GET", StringComparison.Ordinal))
            .Select(line => line["index:5050 ".Length..]));
        Assert.Empty(_folder.Names());
    }

    [Fact]
    public async Task An_index_that_does_not_answer_is_unreachable()
    {
        _peers.With("index", 5050, _ => "");
        Assert.Equal(CdnFailure.Unreachable, (await Assert.ThrowsAsync<CdnException>(() => Download("x"))).Failure);
        _peers.With("index", 5050, _ => Reply.Close);
        Assert.Equal(CdnFailure.Unreachable, (await Assert.ThrowsAsync<CdnException>(() => Download("x"))).Failure);
        _peers.With("index", 5050, _ => "SERVER nonsense\n");
        Assert.Equal(CdnFailure.Unreachable, (await Assert.ThrowsAsync<CdnException>(() => Download("x"))).Failure);
    }

    public static TheoryData<string, bool> Failures => new()
    {
        { "OK 5\nhe", true },
        { "OK 5\nhe", false },
        { "OK 5\n", true },
        { "", true },
        { "", false },
        { "ERROR FILE_NOT_FOUND\n", false },
        { "ERROR UNAVAILABLE\n", false },
        { "OK 6\nhello!", false },
        { "OK -5\nhello", false },
        { "OK 5 5\nhello", false },
        { "\n", false },
    };

    // It dies in mid-file, stalls for 10 s, refuses, or has another file: the next one delivers from byte 0.
    [Theory, MemberData(nameof(Failures))]
    public async Task A_server_that_fails_is_left_for_the_one_the_index_names_next(string text, bool closes)
    {
        _routes.Enqueue("SERVER a 7001 CS1 5\n");
        _routes.Enqueue("SERVER b 7001 CS2 5\n");
        _peers.With("a", 7001, _ => new Reply(text, closes));
        Serve("b", "OK 5\nHELLO");
        Assert.Equal("CS2", (await Download("x")).Server);
        Assert.Equal("HELLO", File.ReadAllText(_folder["target"]));
        Assert.Equal(["target"], _folder.Names());
    }

    [Fact]
    public async Task While_the_index_still_names_the_failed_one_another_live_server_is_taken_from_its_list()
    {
        _routes.Enqueue("SERVER a 7001 CS1 5\n");
        _servers = "SERVER CS1 a 7001 0 alive\nSERVER CS2 b 7001 0 dead\nSERVER CS3 c 7001 0 alive\nEND\n";
        Serve("b", "OK 5\nWRONG");
        Serve("c", "OK 5\nHELLO");
        Assert.Equal("CS3", (await Download("x")).Server);
        Assert.Equal("HELLO", File.ReadAllText(_folder["target"]));
    }

    [Fact]
    public async Task The_only_server_gets_a_second_chance_when_it_comes_back()
    {
        _routes.Enqueue("SERVER a 7001 CS1 5\n");
        int asked = 0;
        _peers.With("a", 7001, _ => ++asked == 1 ? new Reply("OK 5\nhe", Closes: true) : "OK 5\nhello");
        Assert.Equal("CS1", (await Download("x")).Server);
        Assert.Equal("hello", File.ReadAllText(_folder["target"]));
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task A_failed_download_gives_up_and_leaves_an_existing_target_as_it_was()
    {
        _folder.Write("target", "complete and old");
        _routes.Enqueue("SERVER a 7001 CS1 5\n");
        _peers.With("a", 7001, _ => new Reply("OK 5\nhe", Closes: true));
        CdnException exception = await Assert.ThrowsAsync<CdnException>(() => Download("x"));
        Assert.Equal(CdnFailure.Unreachable, exception.Failure);
        Assert.Contains("2 of 5 bytes", exception.Message, StringComparison.Ordinal);
        Assert.Equal("complete and old", File.ReadAllText(_folder["target"]));
        Assert.Equal(["target"], _folder.Names());
    }

    [Fact]
    public async Task When_every_server_is_gone_the_index_is_asked_for_15_s_and_no_longer()
    {
        _routes.Enqueue("SERVER a 7001 CS1 5\n");
        _routes.Enqueue("ERROR FILE_NOT_FOUND\n");
        DateTimeOffset began = _time.GetUtcNow();
        Assert.Equal(CdnFailure.Unreachable, (await Assert.ThrowsAsync<CdnException>(() => Download("x"))).Failure);
        Assert.InRange(_time.GetUtcNow() - began, TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(17));
        Assert.InRange(_peers.Said.Count(line => line == "index:5050 GET x"), 25, 33);
    }

    [Fact]
    public async Task A_target_that_cannot_be_written_is_not_the_servers_fault()
    {
        _routes.Enqueue("SERVER a 7001 CS1 5\n");
        Serve("a", "OK 5\nhello");
        _folder.Write("file", "");
        await Assert.ThrowsAsync<TargetException>(() => Finish(
            Client().DownloadAsync(Names.Of("x"), _folder["file/target"], null,
                TestContext.Current.CancellationToken)));
        Assert.Single(_peers.Said, line => line.StartsWith("a:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_server_can_be_asked_without_an_index()
    {
        Serve("a", "OK 5\nhello");
        CdnClient client = Client();
        DownloadResult result = await Finish(client.DownloadFromAsync(
            "a", 7001, Names.Of("x"), _folder["target"], null, TestContext.Current.CancellationToken));
        Assert.Equal((5, "a:7001"), (result.Size, result.Server));
        Serve("a", "ERROR FILE_NOT_FOUND\n");
        CdnException exception = await Assert.ThrowsAsync<CdnException>(() => Finish(client.DownloadFromAsync(
            "a", 7001, Names.Of("x"), _folder["target"], null, TestContext.Current.CancellationToken)));
        Assert.Equal(CdnFailure.NotFound, exception.Failure);
        Assert.Equal("hello", File.ReadAllText(_folder["target"]));
    }

    [Fact]
    public async Task A_list_without_its_end_is_no_list()
    {
        _peers.With("index", 5050, _ => new Reply("FILE a%20b 1\nnonsense\nFILE c d 2\nFILE ../x 3\nEND\n"));
        List<FileRow> rows =
            await Finish(Client().ListFilesAsync(null, TestContext.Current.CancellationToken));
        Assert.Equal(["a b 1", "c d 2"], rows.Select(row => $"{row.Name} {row.Size}"));
        foreach (Reply broken in new Reply[] { new("FILE a 1\n", Closes: true), "FILE a 1\n", "ERROR NO\n" })
        {
            _peers.With("index", 5050, _ => broken);
            CdnException exception = await Assert.ThrowsAsync<CdnException>(
                () => Finish(Client().ListFilesAsync(null, TestContext.Current.CancellationToken)));
            Assert.Equal(CdnFailure.Unreachable, exception.Failure);
        }
    }

    private void Serve(string host, string answer) => _peers.With(host, 7001, _ => answer);

    private CdnClient Client() => new(new ClientOptions { IndexHost = "index" }, _peers, _time);

    private Task<DownloadResult> Download(string name) => Finish(
        Client().DownloadAsync(Names.Of(name), _folder["target"], null, TestContext.Current.CancellationToken));

    // The clock runs while the client waits: everything else it does is done before it waits again.
    private async Task<T> Finish<T>(Task<T> work)
    {
        using CancellationTokenSource broken = new(TimeSpan.FromSeconds(60));
        while (!work.IsCompleted)
        {
            broken.Token.ThrowIfCancellationRequested();
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
        return await work;
    }
}
