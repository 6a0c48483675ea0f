using System.Globalization;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Parts and states of what an origin has, through a cache of ours: never a wrong byte, never more than was asked.</summary>
public sealed class PulledRangesTests : IAsyncLifetime
{
    private readonly Stage _stage = new();
    private readonly string _text = string.Concat(Enumerable.Range(0, 300_000).Select(n => $"{n:D7} "));
    private string _tag = "\"1\"";

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task Two_sites_on_one_origin_are_two()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(call.Target, "Cache-Control: max-age=600\r\n"));
        int port = Stage.FreePort();
        RunningProcess process = _stage.MicroCdn("content", "--http-port", $"{port}", "--bind", "127.0.0.1",
            "--origin", $"a.example={origin.Url}/site-a", "--origin", $"b.example={origin.Url}/site-b");
        await process.UntilLineAsync("for HTTP");
        for (int times = 0; times < 2; times++)
        {
            Assert.Equal("/site-a/x", await AskAsync("a.example"));
            Assert.Equal("/site-b/x", await AskAsync("b.example"));
        }

        async Task<string> AskAsync(string host)
        {
            using RawConnection connection = await RawConnection.OpenAsync(port);
            await connection.SendAsync($"GET /x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            return Assert.Single(await connection.ReadAllAsync(TimeSpan.FromSeconds(30))).Body;
        }
    }

    [Theory]
    [InlineData("Cache-Control: private\r\n")]
    [InlineData("Cache-Control: no-store\r\n")]
    [InlineData("Cache-Control: max-age=60\r\nSet-Cookie: a=b\r\n")]
    public async Task A_range_of_what_is_not_kept_is_the_range_that_was_asked_for(string fields)
    {
        await using ScriptedOrigin origin = new(call => AnswerAsync(call, fields));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        for (int times = 0; times < 2; times++)
        {
            RawResponse response = await cache.GetAsync("/large", "Range: bytes=100-199\r\n");
            Assert.Equal((206, _text[100..200], $"bytes 100-199/{_text.Length}"),
                (response.Status, response.Body, response.Field("Content-Range")));
        }
    }

    [Fact]
    public async Task The_whole_of_what_must_be_validated_comes_although_a_part_of_it_is_there()
    {
        await using ScriptedOrigin origin = new(call => AnswerAsync(call, "Cache-Control: no-cache\r\n"));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        Assert.Equal(_text[..1], (await cache.GetAsync("/large", "Range: bytes=0-0\r\n")).Body);
        RawResponse whole = await cache.GetAsync("/large");
        Assert.Equal((200, _text), (whole.Status, whole.Body));
    }

    [Fact]
    public async Task HEAD_tells_the_whole_length_of_what_is_there_in_part()
    {
        await using ScriptedOrigin origin = new(call => AnswerAsync(call, "Cache-Control: max-age=600\r\n"));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        Assert.Equal(206, (await cache.GetAsync("/large", "Range: bytes=0-9\r\n")).Status);
        await Stage.UntilAsync("the part is kept", TimeSpan.FromSeconds(20), async () =>
            (await cache.GetAsync("/large", "Range: bytes=10-19\r\n")).Field("Cache-Status")!.Contains("hit", StringComparison.Ordinal));
        int before = origin.Calls.Count;
        string head = await Stage.ConverseAsync(cache.Port, "HEAD /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200", head, StringComparison.Ordinal);
        Assert.Contains($"\r\nContent-Length: {_text.Length}\r\n", head, StringComparison.OrdinalIgnoreCase);
        Assert.EndsWith("\r\n\r\n", head, StringComparison.Ordinal);
        Assert.Equal(before, origin.Calls.Count);
    }

    [Fact]
    public async Task An_origin_that_brings_other_bytes_than_it_was_asked_for_is_passed_on_as_it_is()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("01234",
            "Cache-Control: max-age=600\r\nContent-Range: bytes 0-4/10\r\n", "206 Partial Content"));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        for (int times = 0; times < 2; times++)
        {
            RawResponse response = await cache.GetAsync("/odd", "Range: bytes=-5\r\n");
            Assert.Equal((206, "bytes 0-4/10", "01234"), (response.Status, response.Field("Content-Range"), response.Body));
        }
    }

    [Fact]
    public async Task Two_states_of_an_object_are_never_mixed()
    {
        await using ScriptedOrigin origin = new(call => AnswerAsync(call, "Cache-Control: max-age=600\r\n"));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        Assert.Equal(_text[^10..], (await cache.GetAsync("/large", "Range: bytes=-10\r\n")).Body);
        _tag = "\"2\"";
        string other = _text.Replace(' ', '-');
        string[] whole = ["", ""];
        for (int times = 0; times < 2; times++)
        {
            try
            {
                whole[times] = (await cache.GetAsync("/large")).Body;
            }
            catch (Exception exception) when (exception is InvalidDataException or IOException)
            {
                // Cut: the client knows that it has no whole.
            }
        }
        Assert.All(whole, text => Assert.True(text.Length == 0 || text == other, "two states in one answer"));
        Assert.Equal(other, whole[1]);
    }

    [Fact]
    public async Task What_is_named_not_to_be_shared_reaches_its_own_client_alone()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("page",
            "Cache-Control: max-age=600, no-cache=\"Set-Cookie\"\r\nSet-Cookie: who=first\r\n"));
        Cache cache = await Cache.StartAsync(_stage, origin.Url, "--cache-preset", "conformant");
        Assert.Equal("who=first", (await cache.GetAsync("/login")).Field("Set-Cookie"));
        RawResponse second = await cache.GetAsync("/login");
        Assert.Equal((null, "page"), (second.Field("Set-Cookie"), second.Body));
        Assert.Equal(1, origin.CountOf("/login"));
    }

    [Fact]
    public async Task An_origin_in_trouble_is_not_asked_once_more_for_each_who_waited()
    {
        TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ScriptedOrigin origin = new(async call =>
        {
            await all.Task;
            await call.AnswerAsync("", "", "503 Service Unavailable");
        });
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        Task<RawResponse>[] waiting = [.. Enumerable.Range(0, 30).Select(_ => cache.GetAsync("/down"))];
        await Stage.UntilAsync("the origin is asked", TimeSpan.FromSeconds(20), () => Task.FromResult(!origin.Calls.IsEmpty));
        await Stage.PassAsync(TimeSpan.FromMilliseconds(500), "the others have come too");
        all.SetResult();
        Assert.All(await Task.WhenAll(waiting), response => Assert.Equal(503, response.Status));
        Assert.InRange(origin.Calls.Count, 1, 5);
    }

    private Task AnswerAsync(OriginCall call, string fields)
    {
        string text = _tag == "\"1\"" ? _text : _text.Replace(' ', '-');
        fields += $"ETag: {_tag}\r\nAccept-Ranges: bytes\r\n";
        if (call.Field("If-None-Match") == _tag) return call.SayAsync($"HTTP/1.1 304 Not Modified\r\n{fields}\r\n");
        if (call.Field("Range") is not { } range || (call.Field("If-Range") is { } only && only != _tag))
        {
            return call.AnswerAsync(text, fields);
        }
        string[] ends = range["bytes=".Length..].Split('-');
        int from = ends[0].Length == 0 ? text.Length - int.Parse(ends[1], CultureInfo.InvariantCulture)
            : int.Parse(ends[0], CultureInfo.InvariantCulture);
        int last = ends[0].Length == 0 || ends[1].Length == 0 ? text.Length - 1
            : Math.Min(text.Length - 1, int.Parse(ends[1], CultureInfo.InvariantCulture));
        return call.AnswerAsync(text[from..(last + 1)],
            $"{fields}Content-Range: bytes {from}-{last}/{text.Length}\r\n", "206 Partial Content");
    }
}
