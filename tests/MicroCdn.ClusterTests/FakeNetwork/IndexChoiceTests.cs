using MicroCdn.Client;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>Whom our client asks where a file is: one index, several, or its memory.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class IndexChoiceTests
{
    private const int MiB = ChunkPeers.Mebibyte;

    [Fact]
    public Task A_known_file_is_downloaded_while_the_index_is_away_for_ten_minutes() => Run(async peers =>
    {
        peers.File = peers.Noise(3 * MiB);
        await peers.DownloadAsync();
        peers.Cluster.Kill("index");
        await peers.World.AdvanceAsync(TimeSpan.FromMinutes(9));
        await peers.DownloadAsync();
        peers.CheckSaved();
        // The digests of the chunks are remembered too.
        Assert.Single(peers.Servers["CS1"].Heard, line => line.StartsWith("CHUNKS", StringComparison.Ordinal));
        await peers.World.AdvanceAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(CdnFailure.Unreachable, await peers.FailAsync());
    });

    [Fact]
    public Task What_is_remembered_does_not_make_a_changed_file_the_old_one() => Run(async peers =>
    {
        peers.File = peers.Noise(3 * MiB);
        await peers.DownloadAsync();
        peers.File = peers.Noise(3 * MiB);
        await peers.DownloadAsync();
        peers.CheckSaved();
        peers.Cluster.Kill("index");
        // The server has the newest version, and the memory is of it.
        await peers.DownloadAsync();
        peers.CheckSaved();
    });

    [Fact]
    public Task A_silent_index_is_given_two_seconds_when_the_file_is_known() => Run(async peers =>
    {
        peers.File = peers.Noise(2 * MiB);
        await peers.DownloadAsync();
        peers.Cluster.Network.LinkOf("index", "client").Stalls = true;
        Task<DownloadResult> download = peers.Begin();
        await peers.World.AdvanceAsync(TimeSpan.FromSeconds(1.9));
        Assert.False(download.IsCompleted);
        await peers.World.ResultAsync(download, "it remembers", TimeSpan.FromSeconds(0.2));
        peers.CheckSaved();
    });

    [Fact]
    public Task Several_indexes_are_asked_300_ms_apart_until_one_knows_the_file() => Run(async peers =>
    {
        peers.File = peers.Noise(100);
        peers.Index("index2", heard => new Reply(null));
        peers.Index("index3");
        Task<DownloadResult> download = peers.Begin(peers.Client("index2", "index3"));
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(250));
        Assert.Null(peers.Dialed("index3"));
        await peers.World.AdvanceAsync(TimeSpan.FromMilliseconds(50));
        await peers.World.ResultAsync(download, "the next one answers", TimeSpan.Zero);
        peers.CheckSaved();
        Assert.Null(peers.Dialed("index"));
    });

    [Fact]
    public Task An_index_that_is_down_or_does_not_know_the_file_yet_does_not_hide_it() => Run(async peers =>
    {
        peers.File = peers.Noise(100);
        peers.Index("index2", heard => heard.Verb == "LOCATE" ? new Reply("ERROR FILE_NOT_FOUND") : null);
        peers.Index("index3");
        CdnClient client = peers.Client("nowhere", "index2", "index3");
        await peers.World.ResultAsync(peers.Begin(client), "the third one knows it", TimeSpan.FromSeconds(1));
        peers.CheckSaved();
        Assert.Equal(CdnFailure.NotFound, await peers.FailAsync(peers.Client("nowhere", "index2")));
        Assert.Equal(CdnFailure.Unreachable, await peers.FailAsync(peers.Client("nowhere")));
    });

    [Fact]
    public Task An_index_that_is_behind_is_asked_last_and_believed_when_no_other_one_answers() => Run(async peers =>
    {
        peers.File = peers.Noise(100);
        byte[] old = peers.Noise(100);
        peers.Index("index2", heard => heard.Verb == "LOCATE" ? new Reply(peers.Location(old, " behind=8")) : null);
        peers.Index("index3");
        CdnClient client = peers.Client("index2", "index3");
        await peers.World.ResultAsync(peers.Begin(client), "the next one is asked at once", TimeSpan.Zero);
        peers.CheckSaved();
        await peers.World.ResultAsync(peers.Begin(client), "and first from now on", TimeSpan.Zero);
        Assert.Single(peers.Heard("LOCATE", "index2"));

        peers.File = old;
        peers.Index("index4", heard => new Reply(null));
        foreach (string other in new[] { "nowhere", "index4" })
        {
            await peers.World.ResultAsync(
                peers.Begin(peers.Client("index2", other)), "it is all there is", TimeSpan.FromSeconds(0.3));
            peers.CheckSaved();
        }
    });

    [Fact]
    public Task An_index_that_spoke_version_2_is_not_asked_in_version_1() => Run(async peers =>
    {
        peers.File = peers.Noise(100);
        bool old = false;
        ForeignIndex index = peers.Index("index2", heard => !old ? null
            : new Reply(heard.Line == "HELLO" ? "WELCOME MICRO-CDN" : "ERROR UNKNOWN_COMMAND"));
        CdnClient client = peers.Client("index2");
        await peers.World.ResultAsync(peers.Begin(client), "it answers");
        old = true;
        Directory.Delete(peers.World.Folder["cache"], recursive: true);
        Assert.Equal(CdnFailure.Unreachable, await peers.FailAsync(client));
        Assert.DoesNotContain(index.Lines, heard => heard.Line == "HELLO");
        // Another process does not know that, and asks as version 1 has it.
        await peers.FailAsync(peers.Client("index2"));
        Assert.Contains(index.Lines, heard => heard.Line == "HELLO");
    });

    [Fact]
    public Task An_index_that_was_paused_at_HELLO_2_is_not_taken_for_one_of_version_1() => Run(async peers =>
    {
        Pausing index2 = new(peers);
        index2.IsPaused = true;
        Task<DownloadResult> download = peers.Begin(peers.Client("index2"));
        await peers.World.AdvanceAsync(TimeSpan.FromSeconds(1.9));
        index2.IsPaused = false;
        await peers.World.UntilAsync(() => download.IsCompleted, "it ends");
        Assert.Equal(CdnFailure.WrongBytes, (await Assert.ThrowsAsync<CdnException>(() => download)).Failure);
        Assert.Empty(peers.Saved());
    });

    [Fact]
    public Task One_that_welcomed_version_2_a_minute_ago_may_not_be_silent_but_may_refuse() => Run(async peers =>
    {
        Pausing index2 = new(peers);
        Assert.Equal(CdnFailure.WrongBytes, await peers.FailAsync(peers.Client("index2")));
        await peers.World.AdvanceAsync(TimeSpan.FromMinutes(1));
        index2.IsPaused = true;
        Assert.Equal(CdnFailure.WrongBytes, await peers.FailAsync(peers.Client("index2")));
        Assert.Equal(0, index2.Gets);
        index2.IsOld = true;
        await peers.DownloadAsync(peers.Client("index2"));
        Assert.Equal(1, index2.Gets);
    });

    [Fact]
    public Task An_index_that_has_nobody_alive_for_a_moment_is_asked_again_for_three_seconds() => Run(async peers =>
    {
        peers.File = peers.Noise(100);
        bool away = true;
        peers.Index("index2", heard => heard.Verb == "LOCATE" && away ? new Reply("ERROR UNAVAILABLE") : null);
        Task<DownloadResult> download = peers.Begin(peers.Client("index2"));
        await peers.World.AdvanceAsync(TimeSpan.FromSeconds(2));
        away = false;
        await peers.World.ResultAsync(download, "a server is back", TimeSpan.FromSeconds(1));
        peers.CheckSaved();
    });

    [Fact]
    public Task An_index_that_is_not_there_is_given_up_within_five_seconds() => Run(async peers =>
    {
        TimeSpan began = peers.World.Now;
        Assert.Equal(CdnFailure.Unreachable, await peers.FailAsync(peers.Client("nowhere")));
        Assert.InRange(peers.World.Now - began, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(5));
    });

    [Fact]
    public Task An_index_of_version_2_without_LOCATE_is_asked_by_GET_on_the_same_connection() => Run(async peers =>
    {
        peers.File = peers.Noise(MiB);
        string address = peers.Cluster.Network.Host("cs1").Address.ToString();
        ForeignIndex index = peers.Index("index2", heard => heard.Verb switch
        {
            "HELLO" => null,
            "GET" => new Reply($"SERVER {address} 7001 CS1 {MiB}"),
            _ => new Reply("ERROR UNKNOWN_COMMAND"),
        });
        await peers.World.ResultAsync(peers.Begin(peers.Client("index2")), "the file comes");
        peers.CheckSaved();
        Assert.All(index.Lines, heard => Assert.Equal(1, heard.Connection));
        Assert.Equal(["GET big file.bin"], peers.Servers["CS1"].Heard);
    });

    [Theory]
    [InlineData("FILE other.bin 5\nEND")]
    [InlineData("FILE big%20file.bin\nEND")]
    [InlineData("FILE big%20file.bin 5 sha256=12\nEND")]
    [InlineData("FILE big%20file.bin -1\nEND")]
    [InlineData("FILE big%20file.bin 5\nSERVER 10.0.0.4 0 CS1 5 state=alive\nEND")]
    [InlineData("FILE big%20file.bin 5\nnonsense\nEND")]
    [InlineData("END")]
    public Task An_answer_that_cannot_be_read_is_no_answer(string answer) => Run(async peers =>
    {
        peers.Index("index2", heard => heard.Verb == "LOCATE" ? new Reply(answer) : null);
        Assert.Equal(CdnFailure.Unreachable, await peers.FailAsync(peers.Client("index2")));
        Assert.Empty(peers.Saved());
    });

    /// <summary>An index of version 2 that can be silent at HELLO 2, and a server with other bytes than it tells.</summary>
    private sealed class Pausing
    {
        public Pausing(ChunkPeers peers)
        {
            peers.File = peers.Noise(100);
            // Without the digest these would be saved.
            peers.Servers["CS1"].Bytes = peers.Noise(100);
            string address = peers.Cluster.Network.Host("cs1").Address.ToString();
            peers.Index("index2", heard => heard.Line switch
            {
                "HELLO 2" when IsPaused || IsOld => new Reply(IsOld ? "ERROR UNKNOWN_COMMAND" : null),
                _ when heard.Verb == "GET" => new Reply(Get(address)),
                _ => null,
            });
        }

        public bool IsPaused { get; set; }

        public bool IsOld { get; set; }

        public int Gets { get; private set; }

        private string Get(string address)
        {
            Gets++;
            return $"SERVER {address} 7001 CS1 100";
        }
    }

    private static Task Run(Func<ChunkPeers, Task> test) =>
        FakeCluster.RunAsync(1, cluster => test(new ChunkPeers(cluster, "CS1")));
}
