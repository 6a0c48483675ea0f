using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Crowds that want to fill a cache of ours, or to wear it out.</summary>
[Collection(AloneCollection.Name)]
public sealed class PulledCrowdAttackTests : IAsyncLifetime
{
    private const string Keep = "Cache-Control: max-age=600\r\n";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Stage _stage = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task Thousands_of_variants_of_one_key_stay_few_and_each_client_gets_his_own()
    {
        string filler = new('x', 2000);
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(
            call.Target == "/page" ? call.Field("Accept") + filler : "other", Keep + "Vary: Accept\r\n"));
        string folder = _stage.MakeFolder("copies");
        Cache cache = await Cache.StartAsync(_stage, origin.Url, "--cache", folder);
        await cache.GetAsync("/other");
        long before = cache.Process.ResidentKiB;
        TimeSpan slowest = TimeSpan.Zero;
        using CancellationTokenSource over = new();
        Task watching = WatchAsync();
        int served = await EachAsync(cache, 5000, async (connection, number) =>
        {
            RawResponse response = await AskAsync(connection, "GET", "/page", $"Accept: text/x-{number}\r\n");
            Assert.Equal($"text/x-{number}{filler}", response.Body);
        });
        Assert.Equal(5000, served);
        await over.CancelAsync();
        await watching;
        Assert.InRange(slowest, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        // 64 variants, one other page, and one that is being written.
        await Stage.UntilAsync("most have gone", Patience, () => Task.FromResult(
            Directory.EnumerateFiles(folder, "*-*", SearchOption.AllDirectories).Count() <= 66));
        Assert.InRange(cache.Process.ResidentKiB - before, long.MinValue, 96 << 10);

        async Task WatchAsync()
        {
            using RawConnection connection = await RawConnection.OpenAsync(cache.Port);
            while (!over.IsCancellationRequested)
            {
                long began = TimeProvider.System.GetTimestamp();
                Assert.Equal("other", (await AskAsync(connection, "GET", "/other")).Body);
                TimeSpan took = TimeProvider.System.GetElapsedTime(began);
                if (took > slowest) slowest = took;
                await Stage.PassAsync(TimeSpan.FromMilliseconds(5), "somebody else now and then");
            }
        }
    }

    [Fact]
    public async Task Ever_new_queries_of_one_path_fill_nothing_and_drive_out_nothing_popular()
    {
        string body = new('x', 4000);
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(body, Keep));
        string folder = _stage.MakeFolder("copies");
        const int size = 4 << 20;
        Cache cache = await Cache.StartAsync(_stage, origin.Url, "--cache", folder, "--cache-size", $"{size}",
            "--cache-memory", "1MiB");
        string[] popular = [.. Enumerable.Range(0, 100).Select(number => $"/popular/{number}")];
        // Known to be popular before the crowd comes.
        for (int round = 0; round < 3; round++) await EachAsync(cache, 100, PopularAsync);
        int asked = origin.Calls.Count;
        int served = await EachAsync(cache, 6000, async (connection, number) =>
        {
            await AskAsync(connection, "GET", $"/list?x={number}");
            if (number % 4 == 0) await PopularAsync(connection, number / 4 % 100);
        });
        Assert.Equal(6000, served);
        int again = origin.Calls.Count(call => call.Target.StartsWith("/popular/", StringComparison.Ordinal)) - asked;
        // 1,500 requests for popular pages meanwhile.
        Assert.InRange(again, 0, 75);
        await Stage.UntilAsync("the folder is within its bound", Patience, () => Task.FromResult(
            new DirectoryInfo(folder).EnumerateFiles("*-*", SearchOption.AllDirectories).Sum(file => file.Length)
            <= size));

        async Task PopularAsync(RawConnection connection, int number) =>
            Assert.Equal(body, (await AskAsync(connection, "GET", popular[number])).Body);
    }

    [Fact]
    public async Task Ten_thousand_requests_leave_nothing_behind()
    {
        string large = new('x', 300_000);
        await using ScriptedOrigin origin = new(async call =>
        {
            string kind = call.Target.Split('/')[1];
            string fields = kind == "mine" ? "Cache-Control: private\r\n" : Keep + "ETag: \"1\"\r\n";
            if (kind == "cut") await call.SayAsync($"HTTP/1.1 200 OK\r\n{fields}Content-Length: 9\r\n\r\nhalf");
            if (kind == "cut") call.Reset();
            else if (kind == "bad") await call.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n");
            else if (kind == "large") await call.AnswerAsync(large, fields);
            else await call.AnswerAsync(kind, fields, kind == "none" ? "404 Not Found" : "200 OK");
        });
        Cache cache = await Cache.StartAsync(_stage, origin.Url, "--cache", _stage.MakeFolder("copies"),
            "--cache-size", "16MiB", "--cache-memory", "4MiB");
        await EachAsync(cache, 1000, OneAsync);
        (int descriptors, int threads, long memory) = Taken(cache);
        await EachAsync(cache, 10_000, OneAsync);
        // Connections to the origin that are idle stay for 30 s, one for each that was needed at once.
        await Stage.UntilAsync("what was opened is closed", Patience, () => Task.FromResult(
            Taken(cache).Descriptors <= descriptors + 24));
        Assert.InRange(Taken(cache).Threads, 1, threads + 8);
        Assert.InRange(Taken(cache).KiB - memory, long.MinValue, 64 << 10);
        Assert.Equal("page", (await cache.GetAsync("/page/last")).Body);
    }

    // All that can become of a request; a broken connection is replaced.
    private static async Task OneAsync(RawConnection connection, int number)
    {
        switch (number % 10)
        {
            case 0:
                await AskAsync(connection, "GET", $"/page/{number % 500}");
                break;
            case 1:
                await AskAsync(connection, "GET", $"/page/{number}");
                break;
            case 2:
                await AskAsync(connection, "GET", "/mine/1");
                break;
            case 3:
                await AskAsync(connection, "GET", $"/large/{number % 100}", "Range: bytes=5-9\r\n");
                break;
            case 4:
                // It leaves in the middle of a body.
                await connection.SendAsync($"GET /large/{number % 200} HTTP/1.1\r\nHost: www.example.org\r\n\r\n");
                throw new IOException("left");
            case 5:
                // No body comes, which the reader here takes for a cut one.
                await AskAsync(connection, "HEAD", $"/page/{number}", "Connection: close\r\n");
                break;
            case 6:
                await AskAsync(connection, "POST", "/page/5", "Content-Length: 4\r\n", "body");
                break;
            case 7:
                await AskAsync(connection, "GET", $"/none/{number % 50}");
                break;
            case 8:
                await AskAsync(connection, "GET", $"/{(number % 20 == 8 ? "bad" : "page")}/{number}");
                break;
            default:
                // Seldom, lest the origin be left alone.
                await AskAsync(connection, "GET", $"/{(number % 500 == 9 ? "cut" : "page")}/{number}");
                break;
        }
    }

    private static (int Descriptors, int Threads, long KiB) Taken(Cache cache) => (
        Directory.GetFileSystemEntries($"/proc/{cache.Process.Id}/fd").Length,
        Directory.GetDirectories($"/proc/{cache.Process.Id}/task").Length, cache.Process.ResidentKiB);

    private static async Task<RawResponse> AskAsync(
        RawConnection connection, string method, string target, string fields = "", string body = "")
    {
        await connection.SendAsync($"{method} {target} HTTP/1.1\r\nHost: www.example.org\r\n{fields}\r\n{body}");
        using CancellationTokenSource late = new(Patience);
        return await connection.ReadAsync(late.Token) ?? throw new IOException("closed without an answer");
    }

    // Runs so many, sixteen at a time, each on a connection that is kept as long as it goes on; how many went well.
    private static async Task<int> EachAsync(Cache cache, int count, Func<RawConnection, int, Task> run)
    {
        const int clients = 16;
        int done = 0;
        await Task.WhenAll(Enumerable.Range(0, clients).Select(async client =>
        {
            RawConnection? connection = null;
            for (int number = client; number < count; number += clients)
            {
                connection ??= await RawConnection.OpenAsync(cache.Port);
                try
                {
                    await run(connection, number);
                    Interlocked.Increment(ref done);
                }
                catch (Exception exception) when (exception is IOException or InvalidDataException)
                {
                    connection.Dispose();
                    connection = null;
                }
            }
            connection?.Dispose();
        }));
        return done;
    }
}
