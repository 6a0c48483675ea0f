using System.Text;
using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Content;
using MicroCdn.Edge.PullThrough;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Edge;

// What is in memory is answered on the loop, while no origin could be asked: nobody listens there.
public sealed class PullHitTests : IDisposable
{
    private const string Origin = "http://127.0.0.1:1";

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly LogBook _log = new();
    private readonly TemporaryFolder _empty = new();
    private readonly OpenFiles _open;
    private readonly OriginFront _front;
    private readonly HttpService _service;

    public PullHitTests()
    {
        PullOptions options = new() { Origins = [new OriginRule("", "/", new Uri(Origin))] };
        Complaints complaints = new(_log, _time);
        _open = new OpenFiles(new ServedFolder(_empty.Path).Open, most: 1);
        ServedFiles files = new(() => Library.Empty, _open, () => { });
        _front = new OriginFront(options, files, complaints, _time, _log);
        _service = new HttpService(new Handler(_front), new TrustedNetworks([]), complaints, _time);
    }

    [Theory]
    [InlineData("/a/b.js?v=1")]
    [InlineData("/%C3%A9/\u00fc")]
    public async Task A_hit_allocates_nothing(string path)
    {
        await StoreAsync(path, "the bytes");
        Wire wire = new(_service);
        byte[] request = Encoding.Latin1.GetBytes(EdgeWorld.Head("GET", path, "Accept-Encoding: gzip"));
        string first = wire.Receive(request).Sent;
        Assert.Contains("Cache-Status: microcdn; hit; ttl=60\r\n", first, StringComparison.Ordinal);
        for (int warm = 0; warm < 100; warm++) Ask();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int times = 0; times < 100; times++) Ask();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100);

        void Ask()
        {
            wire.Conversation.Receive(request, wire.Now);
            if (wire.Answer.UnsentBytes < "the bytes".Length) Assert.Fail("it was not answered at once");
            wire.Answer.TextSent(wire.Answer.UnsentBytes);
        }
    }

    [Fact]
    public async Task A_key_of_thousands_of_bytes_is_a_hit_too()
    {
        string path = $"/{new string('x', 6000)}?{new string('y', 1000)}";
        await StoreAsync(path, "long");
        string answer = new Wire(_service).Receive(EdgeWorld.Head("GET", path)).Sent;
        Assert.EndsWith("\r\n\r\nlong", answer, StringComparison.Ordinal);
    }

    // A stranger cannot know the log, and gets nobody but himself refused.
    [Theory]
    [InlineData("", true)]
    [InlineData("MicroCdn-Purged: 0000000000000007-3", true)]
    [InlineData("MicroCdn-Purged: 0000000000000007-4", false)]
    [InlineData("MicroCdn-Purged: 0000000000000008-9", true)]
    [InlineData("MicroCdn-Purged: 0000000000000008-9, 0000000000000007", false)]
    public async Task A_cache_that_has_purged_more_gets_no_copy(string field, bool isHit)
    {
        await StoreAsync("/a", "the bytes");
        _front.Purges.Progress.Follow(7, 3);
        Wire wire = new Wire(_service).Receive(
            EdgeWorld.Head("GET", "/a", ["Accept-Encoding: gzip", .. field.Length == 0 ? (string[])[] : [field]]));
        Assert.Equal(isHit, wire.Sent.EndsWith("\r\n\r\nthe bytes", StringComparison.Ordinal));
        if (isHit) return;
        // The task that waits may have begun to do so only now.
        while (wire.Completions == 0)
        {
            _time.Advance(PurgeProgress.Patience);
            await Task.Yield();
        }
        string answer = wire.Turn().Sent;
        Assert.StartsWith("HTTP/1.1 503 ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Cache-Status", answer, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _front.Dispose();
        _open.Dispose();
        _empty.Dispose();
    }

    private async Task StoreAsync(string path, string body)
    {
        long now = _time.GetUtcNow().ToUnixTimeSeconds();
        StoredHead head = new()
        {
            Status = 200, Reason = "OK"u8.ToArray(), RequestedAt = now, ReceivedAt = now,
            Fields = new HeaderFields.Builder().Add("Cache-Control"u8, "max-age=60"u8)
                .Add("Vary"u8, "Accept-Encoding"u8).Build(),
            Selecting = new HeaderFields.Builder()
                .Add("accept-encoding"u8, path.Length > 100 ? default : "gzip"u8).Build(),
        };
        GrowingCopy growing = _front.Store.Begin(new CacheKey(Origin + path), head, body.Length, _front.Store.Mark());
        await growing.WriteAsync(Encoding.ASCII.GetBytes(body), TestContext.Current.CancellationToken);
        Assert.NotNull(growing.Complete());
    }

    private sealed class Handler(OriginFront front) : IHttpHandler
    {
        public void Handle(in Request request, Response response, IPeer peer) =>
            Assert.True(front.TryHandle(request, response));
    }
}
