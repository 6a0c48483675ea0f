using System.Diagnostics;
using System.Globalization;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A cache of ours in front of an origin that behaves, stalls, lies and dies.</summary>
public sealed class PullThroughTests : IAsyncLifetime
{
    private const string Keep = "Cache-Control: max-age=600\r\n";
    private const string Never = "Cache-Control: private, no-store\r\n";
    private static readonly TimeSpan Drip = TimeSpan.FromMilliseconds(50);

    private readonly Stage _stage = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task Alone_it_is_a_whole_cache()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("hello", Keep + "X-Own: \xe9\r\n"));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        RawResponse first = await cache.GetAsync("/a?b=1"), second = first;
        // Who comes in the very moment in which the copy is put away still shares the fetch.
        await Stage.UntilAsync("it is a hit", TimeSpan.FromSeconds(20), async () =>
            (second = await cache.GetAsync("/a?b=1")).Field("Cache-Status")!.Contains("; hit", StringComparison.Ordinal));
        Assert.Equal(("hello", "hello", 1), (first.Body, second.Body, origin.CountOf("/a?b=1")));
        Assert.Contains("; fwd=uri-miss", first.Field("Cache-Status"), StringComparison.Ordinal);
        Assert.Equal("\xe9", second.Field("X-Own"));
        Assert.InRange(int.Parse(second.Field("Age")!, CultureInfo.InvariantCulture), 0, 30);
        Assert.NotEqual("hello", (await cache.GetAsync("/a?b=2")).Field("Age"));
        Assert.Equal(1, origin.CountOf("/a?b=2"));
    }

    [Fact]
    public async Task A_hundred_clients_of_a_cold_object_cost_one_request_and_see_it_grow()
    {
        TaskCompletionSource seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ScriptedOrigin origin = new(async call =>
        {
            await call.SayAsync($"HTTP/1.1 200 OK\r\n{Keep}Content-Length: 10\r\n\r\nfirst");
            // Nothing more before everybody has seen what is there.
            await seen.Task;
            await call.SayAsync("after");
        });
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        int heads = 0;
        string[] bodies = await Task.WhenAll(Enumerable.Range(0, 100).Select(async _ =>
        {
            using HttpClient client = new();
            using HttpResponseMessage response = await client.GetAsync(
                $"{cache.Url}/cold", HttpCompletionOption.ResponseHeadersRead);
            using StreamReader reader = new(await response.Content.ReadAsStreamAsync());
            char[] start = new char[5];
            await reader.ReadBlockAsync(start);
            if (Interlocked.Increment(ref heads) == 100) seen.SetResult();
            return new string(start) + await reader.ReadToEndAsync();
        }));
        Assert.All(bodies, body => Assert.Equal("firstafter", body));
        Assert.Equal(1, origin.CountOf("/cold"));
    }

    [Fact]
    public async Task What_may_not_be_shared_queues_nobody()
    {
        await using ScriptedOrigin origin = new(async call =>
        {
            await Stage.PassAsync(TimeSpan.FromMilliseconds(300), "an origin that takes its time");
            await call.AnswerAsync($"for {call.Field("X-Who")}", Never);
        });
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        for (int round = 0; round < 2; round++)
        {
            Stopwatch watch = Stopwatch.StartNew();
            RawResponse[] all = await Task.WhenAll(Enumerable.Range(0, 100)
                .Select(who => cache.GetAsync("/mine", $"X-Who: {who}\r\n")));
            for (int who = 0; who < 100; who++) Assert.Equal($"for {who}", all[who].Body);
            // In the first round all wait for one head, then go on side by side; one after another it were 30 s.
            Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        }
        Assert.Equal(200, origin.CountOf("/mine"));
    }

    [Fact]
    public async Task What_was_stored_is_there_after_kill_9()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(new string(call.Target[^1], 2000), Keep));
        string folder = _stage.MakeFolder("copies");
        Cache cache = await Cache.StartAsync(_stage, origin.Url, "--cache", folder);
        for (int number = 0; number < 300; number++) await cache.GetAsync($"/object/{number}");
        await Stage.UntilAsync("all are stored", TimeSpan.FromSeconds(30), () => Task.FromResult(
            Directory.EnumerateFiles(folder, "*-*", SearchOption.AllDirectories).Count() == 300));
        cache.Process.Kill();
        await cache.Process.UntilEndAsync();

        cache = await Cache.StartAsync(_stage, origin.Url, "--cache", folder);
        for (int number = 0; number < 300; number++)
        {
            RawResponse response = await cache.GetAsync($"/object/{number}");
            Assert.Equal(new string($"{number}"[^1], 2000), response.Body);
            Assert.Contains("; hit", response.Field("Cache-Status"), StringComparison.Ordinal);
        }
        Assert.Equal(300, origin.Calls.Count);
    }

    [Theory]
    [InlineData("Content-Length: 10\r\n\r\nhalf!")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nhalf!\r\n")]
    public async Task What_was_cut_is_cut_and_never_replayed(string rest)
    {
        await using ScriptedOrigin origin = new(async call =>
        {
            await call.SayAsync($"HTTP/1.1 200 OK\r\n{Keep}{rest}");
            await Stage.PassAsync(Drip, "the half arrives before the end");
            call.Reset();
        });
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        for (int times = 0; times < 2; times++)
        {
            await Assert.ThrowsAsync<InvalidDataException>(() => cache.GetAsync("/cut"));
        }
        Assert.Equal(2, origin.CountOf("/cut"));
    }

    [Theory]
    [InlineData("Content-Length: 5\r\nContent-Length: 4\r\n\r\nhello")]
    [InlineData("Content-Length: +5\r\n\r\nhello")]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("\r\nhello")]
    public async Task An_answer_without_one_sound_end_is_not_stored(string rest)
    {
        await using ScriptedOrigin origin = new(async call =>
        {
            await call.SayAsync($"HTTP/1.1 200 OK\r\n{Keep}{rest}");
            call.Client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        });
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        for (int times = 0; times < 2; times++)
        {
            RawResponse response = await cache.GetAsync("/odd");
            Assert.True(response.Status == 502 || (response.Status == 200 && response.Body == "hello"), response.Head);
        }
        Assert.True(origin.CountOf("/odd") >= 2);
    }

    [Fact]
    public async Task A_dead_origin_is_covered_by_what_it_allowed_and_no_longer()
    {
        bool dead = false;
        await using ScriptedOrigin origin = new(call =>
        {
            if (!dead) return call.AnswerAsync("old", "Cache-Control: max-age=0, stale-if-error=600\r\nETag: \"1\"\r\n");
            call.Reset();
            return Task.CompletedTask;
        });
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        Assert.Equal("old", (await cache.GetAsync("/a")).Body);
        dead = true;
        RawResponse covered = await cache.GetAsync("/a");
        Assert.Equal((200, "old"), (covered.Status, covered.Body));
        Assert.Equal(502, (await cache.GetAsync("/never-seen")).Status);
    }

    [Fact]
    public async Task Cache_Status_stands_on_every_answer_also_when_the_origin_fails()
    {
        bool isDown = false;
        await using ScriptedOrigin origin = new(call => isDown ? call.AnswerAsync("", status: "503 Service Unavailable")
            : call.Target == "/broken" ? call.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: no\r\n\r\n")
            : call.AnswerAsync("old", "Age: 10\r\nCache-Control: max-age=0, stale-if-error=600\r\nETag: \"1\"\r\n"));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        await StatusAsync("/broken", 502, "microcdn; fwd=uri-miss");
        await StatusAsync("/a", 508, "microcdn; detail=loop", "CDN-Loop: microcdn\r\n");
        await StatusAsync("/a", 200, "microcdn; fwd=uri-miss; fwd-status=200; stored");
        isDown = true;
        // In the very moment in which the copy is put away it cannot stand in yet.
        await Stage.UntilAsync("the copy is there", TimeSpan.FromSeconds(20),
            async () => (await cache.GetAsync("/a")).Status == 200);
        await StatusAsync("/a", 200, "microcdn; fwd=stale; fwd-status=503; ttl=-1");

        async Task StatusAsync(string target, int status, string words, string fields = "")
        {
            RawResponse response = await cache.GetAsync(target, fields);
            Assert.Equal(status, response.Status);
            Assert.StartsWith(words, response.Field("Cache-Status"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_client_that_leaves_takes_nothing_from_the_others()
    {
        TaskCompletionSource gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ScriptedOrigin origin = new(async call =>
        {
            await call.SayAsync($"HTTP/1.1 200 OK\r\n{Keep}Content-Length: 10\r\n\r\nfirst");
            await gone.Task;
            await call.SayAsync("after");
        });
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        RawConnection leaving = await RawConnection.OpenAsync(cache.Port);
        await leaving.SendAsync("GET /shared HTTP/1.1\r\nHost: www.example.org\r\n\r\n");
        await Stage.UntilAsync("the origin is asked", TimeSpan.FromSeconds(20),
            () => Task.FromResult(origin.CountOf("/shared") == 1));
        Task<RawResponse> staying = cache.GetAsync("/shared");
        leaving.Dispose();
        gone.SetResult();
        Assert.Equal("firstafter", (await staying).Body);
        Assert.Equal(1, origin.CountOf("/shared"));
    }

    [Fact]
    public async Task A_changed_resource_is_asked_for_again_after_an_unsafe_method()
    {
        int version = 1;
        await using ScriptedOrigin origin = new(call =>
        {
            if (call.Method == "PUT") version = int.Parse(call.Body, CultureInfo.InvariantCulture);
            return call.AnswerAsync(call.Method == "PUT" ? "" : $"version {version}", call.Method == "PUT" ? "" : Keep);
        });
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        Assert.Equal("version 1", (await cache.GetAsync("/page")).Body);
        Assert.Equal(200, (await cache.AskAsync("PUT", "/page", body: "2")).Status);
        Assert.Equal("version 2", (await cache.GetAsync("/page")).Body);
        Assert.Equal("version 2", (await cache.GetAsync("/page")).Body);
        Assert.Equal(3, origin.Calls.Count);
    }

    [Fact]
    public async Task The_end_of_a_large_object_costs_a_slice()
    {
        byte[] large = Stage.Noise(8 << 20);
        string text = System.Text.Encoding.Latin1.GetString(large);
        long sent = 0;
        await using ScriptedOrigin origin = new(call =>
        {
            (int from, int length) = (0, text.Length);
            if (call.Field("Range") is { } range)
            {
                string[] ends = range["bytes=".Length..].Split('-');
                from = ends[0].Length == 0 ? text.Length - int.Parse(ends[1], CultureInfo.InvariantCulture)
                    : int.Parse(ends[0], CultureInfo.InvariantCulture);
                int last = ends[0].Length == 0 || ends[1].Length == 0 ? text.Length - 1
                    : Math.Min(text.Length - 1, int.Parse(ends[1], CultureInfo.InvariantCulture));
                length = last - from + 1;
            }
            Interlocked.Add(ref sent, length);
            string fields = Keep + "ETag: \"v\"\r\nAccept-Ranges: bytes\r\n";
            return length == text.Length ? call.AnswerAsync(text, fields)
                : call.AnswerAsync(text.Substring(from, length),
                    $"{fields}Content-Range: bytes {from}-{from + length - 1}/{text.Length}\r\n", "206 Partial Content");
        });
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        RawResponse tail = await cache.GetAsync("/large", "Range: bytes=-10\r\n");
        Assert.Equal((206, text[^10..]), (tail.Status, tail.Body));
        Assert.InRange(sent, 10, 2 << 20);
        RawResponse again = await cache.GetAsync("/large", $"Range: bytes={text.Length - 20}-{text.Length - 11}\r\n");
        Assert.Equal((206, text[^20..^10]), (again.Status, again.Body));
        Assert.InRange(sent, 20, 2 << 20);
        long before = sent;
        RawResponse third = await cache.GetAsync("/large", $"Range: bytes={text.Length - 30}-{text.Length - 21}\r\n");
        Assert.Equal((206, text[^30..^20], before), (third.Status, third.Body, sent));
        Assert.Equal(text, (await cache.GetAsync("/large")).Body);
        // What was there is not fetched again.
        Assert.InRange(sent, text.Length, text.Length + (1 << 20));
    }

    [Fact]
    public async Task Interim_answers_reach_the_client_before_the_final_one()
    {
        await using ScriptedOrigin origin = new(async call =>
        {
            await call.SayAsync("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n");
            await call.AnswerAsync("page", Keep);
        });
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        using RawConnection connection = await RawConnection.OpenAsync(cache.Port);
        await connection.SendAsync("GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n");
        using CancellationTokenSource late = new(TimeSpan.FromSeconds(30));
        RawResponse early = (await connection.ReadAsync(late.Token))!;
        Assert.Equal((103, "</style.css>; rel=preload"), (early.Status, early.Field("Link")));
        Assert.Equal("page", (await connection.ReadAsync(late.Token))!.Body);
        await connection.SendAsync("GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n");
        Assert.Equal(200, (await connection.ReadAsync(late.Token))!.Status);
    }

    [Fact]
    public async Task A_cache_that_is_its_own_origin_says_so()
    {
        int port = Stage.FreePort();
        RunningProcess process = _stage.MicroCdn("content", "--origin", $"http://127.0.0.1:{port}", "--http-port", $"{port}",
            "--bind", "127.0.0.1");
        await process.UntilLineAsync("for HTTP");
        using RawConnection connection = await RawConnection.OpenAsync(port);
        await connection.SendAsync("GET /round HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        RawResponse response = Assert.Single(await connection.ReadAllAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(508, response.Status);
    }

    [Fact]
    public async Task A_head_of_100_KB_is_refused_and_costs_nobody_else_anything()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("x",
            call.Target == "/vast" ? Keep + $"X-Vast: {new string('x', 100_000)}\r\n" : Keep));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        Assert.Equal(502, (await cache.GetAsync("/vast")).Status);
        Assert.Equal(200, (await cache.GetAsync("/small")).Status);
    }

    [Fact]
    public async Task A_library_file_wins_over_the_origin()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("from the origin", Keep));
        string files = _stage.MakeFiles("files", ("own.txt", "from the library"u8.ToArray()));
        Cache cache = await Cache.StartAsync(_stage, origin.Url, "--server-id", "CS1", "--files", files,
            "--tcp-port", $"{Stage.FreePort()}", "--udp-port", $"{Stage.FreePort()}", "--index-port", $"{_stage.IndexPort}",
            "--monitor-udp-port", $"{_stage.MonitorUdpPort}", "--monitor-tcp-port", $"{_stage.MonitorTcpPort}");
        await Stage.UntilAsync("the library is read", TimeSpan.FromSeconds(30),
            async () => (await cache.GetAsync("/own.txt")).Body == "from the library");
        Assert.Equal("from the origin", (await cache.GetAsync("/other.txt")).Body);
        Assert.Equal(405, (await cache.AskAsync("DELETE", "/own.txt")).Status);
        Assert.Equal(200, (await cache.AskAsync("DELETE", "/other.txt")).Status);
        Assert.Equal("ok", (await cache.GetAsync("/healthz")).Body.Trim());
        Assert.Equal(405, (await cache.AskAsync("DELETE", "/healthz")).Status);
    }
}
