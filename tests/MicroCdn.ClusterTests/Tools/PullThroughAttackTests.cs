using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A cache of ours among origins that lie and clients that want to do harm.</summary>
public sealed partial class PullThroughAttackTests : IAsyncLifetime
{
    private const string Keep = "Cache-Control: max-age=600\r\n";
    private const string Never = "Cache-Control: private, no-store\r\n";

    // Three slices.
    private static readonly string Large = string.Concat(
        Enumerable.Range(0, 3 * 1024 * 128).Select(number => $"{number:x7} "));

    private readonly Stage _stage = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task Who_may_not_share_a_part_gets_the_part_he_asked_for()
    {
        await using ScriptedOrigin origin = new(call => PartAsync(call, Never));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        RawResponse part = await cache.GetAsync("/one", "Range: bytes=5-9\r\n");
        Assert.Equal((206, Large[5..10]), (part.Status, part.Body));
        Assert.Equal($"bytes 5-9/{Large.Length}", part.Field("Content-Range"));
        RawResponse changed = await cache.GetAsync("/two", "Range: bytes=5-9\r\nIf-Range: \"older\"\r\n");
        Assert.Equal((200, Large.Length), (changed.Status, changed.Body.Length));
    }

    [Fact]
    public async Task An_outage_between_two_slices_takes_nothing_away()
    {
        bool isDown = false;
        await using ScriptedOrigin origin = new(call =>
            isDown ? call.AnswerAsync("", status: "503 Down") : PartAsync(call, Keep));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        await UntilHitAsync(cache, "/a", "Range: bytes=0-9\r\n");
        isDown = true;
        await Assert.ThrowsAsync<InvalidDataException>(() => cache.GetAsync("/a"));
        RawResponse part = await cache.GetAsync("/a", "Range: bytes=0-9\r\n");
        Assert.Equal((206, Large[..10]), (part.Status, part.Body));
        Assert.Contains("; hit", part.Field("Cache-Status"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_bytes_than_were_asked_for_are_not_stored()
    {
        long shift = 0;
        await using ScriptedOrigin origin = new(call => PartAsync(call, Keep, shift));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        await UntilHitAsync(cache, "/a", "Range: bytes=0-9\r\n");
        shift = 1 << 20;
        await Assert.ThrowsAsync<InvalidDataException>(() => cache.GetAsync("/a"));
        shift = 0;
        int asked = origin.CountOf("/a");
        RawResponse later = await cache.GetAsync("/a", $"Range: bytes={2 << 20}-{(2 << 20) + 9}\r\n");
        Assert.Equal((206, Large.Substring(2 << 20, 10)), (later.Status, later.Body));
        Assert.Equal(asked + 1, origin.CountOf("/a"));
    }

    [Theory]
    [InlineData("304 Not Modified", "ETag: \"1\"\r\n")]
    [InlineData("206 Partial Content", "ETag: \"1\"\r\nContent-Range: bytes 0-4/10\r\n")]
    [InlineData("206 Partial Content", "ETag: \"1\"\r\nContent-Range: bytes 0-9/10\r\n")]
    [InlineData("206 Partial Content", "")]
    public async Task What_nobody_asked_for_is_a_broken_answer(string status, string fields)
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("hello", Keep + fields, status));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        for (int times = 1; times <= 2; times++)
        {
            RawResponse response = await cache.GetAsync("/a");
            Assert.Equal((502, "The origin could not be asked: malformed.\n"), (response.Status, response.Body));
            Assert.Equal(times, origin.CountOf("/a"));
        }
    }

    [Fact]
    public async Task No_client_tells_the_origin_what_host_it_is_not_with_an_underscore_either()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(call.Head, Keep));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        string seen = (await cache.GetAsync("/", "X_Forwarded_Host: evil\r\nX-Forwarded_Proto: evil\r\n" +
            "X_ORIGINAL_URL: evil\r\nx-forwarded-host: evil\r\n")).Body;
        Assert.DoesNotContain("evil", seen, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/../secret")]
    [InlineData("/a/%2E./%2e%2E/secret")]
    [InlineData("/./../secret")]
    [InlineData("/..")]
    [InlineData("/..%2fsecret")]
    [InlineData("/..\\secret")]
    public async Task No_path_climbs_out_of_what_an_origin_was_given_for(string path)
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("seen", Keep));
        Cache cache = await Cache.StartAsync(_stage, origin.Url + "/public");
        Assert.Equal(400, (await cache.GetAsync(path)).Status);
        Assert.Empty(origin.Calls);
        Assert.Equal("seen", (await cache.GetAsync("/..a/...")).Body);
    }

    [Fact]
    public async Task What_only_one_client_wanted_is_not_asked_for_any_more_when_he_leaves()
    {
        TaskCompletionSource asked = new(), left = new();
        await using ScriptedOrigin origin = new(async call =>
        {
            if (IsFirst(call)) await call.AnswerAsync("mine", Never);
            else
            {
                asked.SetResult();
                // Nothing more is expected on this connection: it ends.
                if (await call.Client.ReadAsync(new byte[1]) == 0) left.SetResult();
            }
        });
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        await cache.GetAsync("/mine");
        using (Socket client = new(SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) })
        {
            await client.ConnectAsync("127.0.0.1", cache.Port, TestContext.Current.CancellationToken);
            await client.SendAsync("GET /mine HTTP/1.1\r\nHost: www.example.org\r\nX-Second: 1\r\n\r\n"u8.ToArray());
            await asked.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        }
        await left.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        static bool IsFirst(OriginCall call) => call.Field("X-Second") is null;
    }

    [Fact]
    public async Task A_folder_that_is_taken_away_costs_no_client_anything()
    {
        string body = new('x', 400_000);
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(body, Keep + "ETag: \"1\"\r\n"));
        string folder = _stage.MakeFolder("copies");
        // More than memory holds.
        Cache cache = await Cache.StartAsync(_stage, origin.Url, "--cache", folder, "--cache-memory", "1MiB");
        for (int number = 0; number < 10; number++) await cache.GetAsync($"/{number}");
        // None was asked for again, so that none is held open.
        await Stage.UntilAsync("all are stored", TimeSpan.FromSeconds(30), () => Task.FromResult(
            Directory.EnumerateFiles(folder, "*-*", SearchOption.AllDirectories).Count() == 10));
        Directory.Delete(folder, recursive: true);
        for (int number = 0; number < 20; number++)
        {
            RawResponse response = await cache.GetAsync($"/{number % 15}");
            Assert.Equal((200, body), (response.Status, response.Body));
        }
    }

    private static async Task UntilHitAsync(Cache cache, string target, string fields) =>
        await Stage.UntilAsync("it is a hit", TimeSpan.FromSeconds(20), async () =>
            (await cache.GetAsync(target, fields)).Field("Cache-Status")!.Contains("; hit", StringComparison.Ordinal));

    // As a web server does, unless the bytes are shifted.
    private static Task PartAsync(OriginCall call, string fields, long shift = 0)
    {
        fields += "ETag: \"1\"\r\n";
        Match range = RangeText().Match(call.Field("Range") ?? "");
        bool isChanged = call.Field("If-Range") is { } tag && tag != "\"1\"";
        if (!range.Success || isChanged) return call.AnswerAsync(Large, fields);
        int first = (int)shift + int.Parse(range.Groups[1].Value, CultureInfo.InvariantCulture);
        int last = range.Groups[2].Length == 0 ? Large.Length - 1
            : (int)shift + int.Parse(range.Groups[2].Value, CultureInfo.InvariantCulture);
        last = Math.Min(last, Large.Length - 1);
        fields += $"Content-Range: bytes {first}-{last}/{Large.Length}\r\n";
        return call.AnswerAsync(Large[first..(last + 1)], fields, "206 Partial Content");
    }

    [GeneratedRegex("^bytes=([0-9]+)-([0-9]*)$")]
    private static partial Regex RangeText();
}
