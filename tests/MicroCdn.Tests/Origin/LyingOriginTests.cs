using MicroCdn.Origin;

namespace MicroCdn.Tests.Origin;

/// <summary>An origin that lies, breaks off or is silent: what was passed on is never taken for whole.</summary>
public sealed class LyingOriginTests
{
    private const string Hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\nhel")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")]
    public async Task A_body_that_was_cut_short_never_looks_whole(string answer)
    {
        foreach (bool resets in (bool[])[false, true])
        {
            TaskCompletionSource read = new();
            await using ScriptedOrigin origin = new(async talk =>
            {
                await talk.HearAsync();
                await talk.SayAsync(answer);
                if (!resets) return;
                await read.Task;
                talk.Reset();
            });
            using OriginServer server = origin.Server();
            using OriginExchange exchange = await server.SendAsync(ScriptedOrigin.Get(), default);
            read.SetResult();
            OriginException failure = await Assert.ThrowsAsync<OriginException>(() => exchange.RestAsync());
            Assert.Equal((OriginFailure.Truncated, false), (failure.Failure, exchange.IsComplete));
            Assert.Equal((0, 1L), (server.Connections, server.Counters.Failures(OriginFailure.Truncated)));
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: whatever\r\n\r\nhello")]
    [InlineData("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello")]
    public async Task What_may_not_be_whole_is_passed_on_and_said_to_be_so(string answer)
    {
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync(answer);
        });
        using OriginServer server = origin.Server();
        using OriginExchange exchange = await server.SendAsync(ScriptedOrigin.Get(), default);
        Assert.False(exchange.IsSoundlyFramed);
        Assert.Equal("hello", await exchange.RestAsync());
        Assert.Equal(0, server.Connections);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "malformed")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", "malformed")]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "malformed")]
    [InlineData("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", "malformed")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\n\r\n", "malformed")]
    [InlineData("<html>hello", "malformed")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX", "malformed")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "malformed")]
    [InlineData("", "closed")]
    [InlineData("HTTP/1.1 2", "closed")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Le", "closed")]
    [InlineData("HTTP/1.1 103 Early Hints\r\n\r\n", "closed")]
    public async Task What_cannot_be_believed_fails_in_its_own_way(string answer, string word)
    {
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync(answer);
        });
        using OriginServer server = origin.Server();
        Assert.Equal(word, (await server.FailAsync()).Failure.Word);
        Assert.Equal((0, 1), (server.Connections, origin.Connections));
    }

    [Fact]
    public async Task Bytes_behind_an_answer_close_the_connection_and_never_answer_anyone()
    {
        await using ScriptedOrigin origin = new(
            async talk =>
            {
                await talk.HearAsync();
                await talk.SayAsync(Hello + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
                await talk.HearCloseAsync();
            },
            talk => talk.AlwaysAsync(Hello));
        using OriginServer server = origin.Server();
        for (int i = 0; i < 3; i++) Assert.Equal("200 hello", await server.AskAsync());
        Assert.Equal(2, origin.Connections);
    }

    [Fact]
    public async Task Bytes_that_come_while_nobody_asks_close_the_connection()
    {
        TaskCompletionSource read = new(), closed = new();
        await using ScriptedOrigin origin = new(
            async talk =>
            {
                await talk.HearAsync();
                await talk.SayAsync(Hello);
                await read.Task;
                await talk.SayAsync("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
                await talk.HearCloseAsync();
                closed.SetResult();
            },
            talk => talk.AlwaysAsync(Hello));
        using OriginServer server = origin.Server();
        Assert.Equal("200 hello", await server.AskAsync());
        read.SetResult();
        await closed.Task.WaitAsync(ScriptedOrigin.Bound);
        Assert.Equal(0, server.Connections);
        Assert.Equal("200 hello", await server.AskAsync());
    }

    [Theory]
    [InlineData("X: {0}\r\n", 100 * 1024)]
    [InlineData("a:\r\n", 0)]
    public async Task A_head_without_end_is_refused(string line, int length)
    {
        string lines = length > 0 ? line.Replace("{0}", new string('x', length), StringComparison.Ordinal)
            : string.Concat(Enumerable.Repeat(line, 1_001));
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync($"HTTP/1.1 200 OK\r\n{lines}\r\n");
        });
        using OriginServer server = origin.Server();
        Assert.Equal(OriginFailure.HeadTooLarge, (await server.FailAsync()).Failure);
    }

    [Fact]
    public async Task A_head_of_sixty_kilobytes_is_taken_and_the_next_answer_too()
    {
        string value = new('x', 60 * 1024);
        await using ScriptedOrigin origin = new(talk =>
            talk.AlwaysAsync($"HTTP/1.1 200 OK\r\nX: {value}\r\nContent-Length: 5\r\n\r\nhello"));
        using OriginServer server = origin.Server();
        for (int i = 0; i < 3; i++) Assert.Equal("200 hello", await server.AskAsync());
        Assert.Equal(1, origin.Connections);
    }

    [Fact]
    public async Task Interim_heads_without_end_are_refused()
    {
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            for (int i = 0; i < 21; i++) await talk.SayAsync("HTTP/1.1 102 Processing\r\n\r\n");
            await talk.HoldAsync();
        });
        using OriginServer server = origin.Server();
        Assert.Equal(OriginFailure.Malformed, (await server.FailAsync()).Failure);
    }

    [Fact]
    public async Task An_answer_that_does_not_come_ends_after_thirty_seconds()
    {
        TaskCompletionSource heard = new(), closed = new();
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            heard.SetResult();
            await talk.HearCloseAsync();
            closed.SetResult();
        });
        using OriginServer server = origin.Server();
        Task<OriginException> failing = server.FailAsync();
        await heard.Task.WaitAsync(ScriptedOrigin.Bound);
        origin.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(failing.IsCompleted);
        origin.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(OriginFailure.NoAnswer, (await failing).Failure);
        await closed.Task.WaitAsync(ScriptedOrigin.Bound);
    }

    [Fact]
    public async Task Pages_that_do_not_come_are_no_outage_of_an_origin_that_answers_others()
    {
        using SemaphoreSlim heard = new(0);
        await using ScriptedOrigin origin = new(async talk =>
        {
            while (true)
            {
                bool stalls = (await talk.HearAsync()).Contains("/stall", StringComparison.Ordinal);
                heard.Release();
                if (stalls) await talk.HearCloseAsync();
                await talk.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            }
        });
        using OriginServer server = origin.Server();
        List<Task<OriginException>> stalled = [];
        for (int number = 0; number < 10; number++)
        {
            stalled.Add(server.FailAsync(ScriptedOrigin.Get("/stall")));
            Assert.True(await heard.WaitAsync(ScriptedOrigin.Bound));
        }
        origin.Time.Advance(TimeSpan.FromSeconds(10));
        using (await server.SendAsync(ScriptedOrigin.Get("/other"), default))
        {
        }
        origin.Time.Advance(TimeSpan.FromSeconds(20));
        foreach (Task<OriginException> one in stalled) Assert.Equal(OriginFailure.NoAnswer, (await one).Failure);
        Assert.False(server.IsLeftAlone);
    }

    [Fact]
    public async Task A_body_that_stalls_ends_after_thirty_seconds_without_a_byte()
    {
        TaskCompletionSource more = new();
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
            await more.Task;
            await talk.SayAsync("l");
            await talk.HearCloseAsync();
        });
        using OriginServer server = origin.Server();
        using OriginExchange exchange = await server.SendAsync(ScriptedOrigin.Get(), default);
        byte[] buffer = new byte[2];
        await exchange.ReadAsync(buffer, default);
        // Whoever reads slowly is not the origin's fault.
        origin.Time.Advance(TimeSpan.FromMinutes(5));
        ValueTask<int> next = exchange.ReadAsync(buffer, default);
        origin.Time.Advance(TimeSpan.FromSeconds(29));
        more.SetResult();
        Assert.Equal(1, await next);
        Task<string> last = exchange.RestAsync();
        origin.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(last.IsCompleted);
        origin.Time.Advance(TimeSpan.FromSeconds(1));
        OriginException failure = await Assert.ThrowsAsync<OriginException>(() => last);
        Assert.Equal(OriginFailure.Stalled, failure.Failure);
    }

    [Fact]
    public async Task A_caller_that_leaves_takes_its_connection_along()
    {
        TaskCompletionSource heard = new(), closed = new();
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            heard.SetResult();
            await talk.HearCloseAsync();
            closed.SetResult();
        });
        using OriginServer server = origin.Server();
        using CancellationTokenSource leaving = new();
        ValueTask<OriginExchange> asking = server.SendAsync(ScriptedOrigin.Get(), leaving.Token);
        await heard.Task.WaitAsync(ScriptedOrigin.Bound);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking.AsTask().WaitAsync(ScriptedOrigin.Bound));
        await closed.Task.WaitAsync(ScriptedOrigin.Bound);
        Assert.Equal(0, server.Connections);
    }

    [Theory]
    [InlineData("hell", 5L)]
    [InlineData("hello!", 5L)]
    public async Task A_request_whose_body_breaks_off_reaches_no_end(string body, long length)
    {
        TaskCompletionSource closed = new();
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            await talk.HearCloseAsync();
            closed.SetResult();
        });
        using OriginServer server = origin.Server();
        OriginException failure =
            await server.FailAsync(ScriptedOrigin.Get(method: "POST", body: new TextBody(body, length)));
        Assert.Equal(OriginFailure.RequestBody, failure.Failure);
        await closed.Task.WaitAsync(ScriptedOrigin.Bound);
    }

    [Fact]
    public async Task An_answer_before_the_whole_request_is_passed_on_and_its_connection_closed()
    {
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync("HTTP/1.1 413 Too Much\r\nContent-Length: 5\r\n\r\nhello");
            await talk.HearCloseAsync();
        });
        using OriginServer server = origin.Server();
        Assert.Equal("413 hello", await server.AskAsync(ScriptedOrigin.Get(method: "POST", body: new EndlessBody())));
        Assert.Equal(0, server.Connections);
    }

    private sealed class EndlessBody : OriginBody
    {
        private readonly TaskCompletionSource<int> _never = new();

        public override long? Length => null;

        public override ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken) =>
            new(_never.Task);
    }
}
