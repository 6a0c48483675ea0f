using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Client;

// Servers that a gateway named, as a client meets them over HTTP.
public sealed class HttpDownloadTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly HttpPeers _peers = new();
    private readonly byte[] _file = [.. Enumerable.Range(0, (2 * Chunks.Bytes) + 5).Select(n => (byte)(n * 7 / 5))];

    public void Dispose()
    {
        _peers.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_server_that_takes_no_connection_gives_way_to_the_next()
    {
        // What the handler throws at the end of its time for a connection, though nobody called it off.
        _peers.Add("hole", _ => throw new TaskCanceledException("", new TimeoutException()));
        _peers.Add("good", request => Part(request));
        DownloadResult result = await Download("hole", "good");
        Assert.Equal("good", result.Server);
        Assert.Equal(_file, File.ReadAllBytes(_folder["target"]));
    }

    [Fact]
    public async Task When_no_server_takes_a_connection_it_gives_up_and_says_so()
    {
        _peers.Add("hole", _ => throw new TaskCanceledException("", new TimeoutException()));
        CdnException exception = await Assert.ThrowsAsync<CdnException>(() => Download("hole"));
        Assert.Equal(CdnFailure.Unreachable, exception.Failure);
        Assert.Contains("hole took no connection within 5 s", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_knows_no_ranges_sends_the_whole_file()
    {
        _peers.Add("whole", _ => new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(_file) });
        DownloadResult result = await Download("whole");
        Assert.True(result.IsVerified);
        Assert.Equal(_file, File.ReadAllBytes(_folder["target"]));
        Assert.Equal(["target"], _folder.Names());
    }

    private HttpResponseMessage Part(HttpRequestMessage request)
    {
        RangeItemHeaderValue range = request.Headers.Range!.Ranges.Single();
        ByteArrayContent content = new(_file, (int)range.From!, (int)(range.To! - range.From! + 1));
        content.Headers.ContentRange = new ContentRangeHeaderValue((long)range.From, (long)range.To!, _file.Length);
        return new HttpResponseMessage(HttpStatusCode.PartialContent) { Content = content };
    }

    private async Task<DownloadResult> Download(params string[] hosts)
    {
        byte[] digests = [.. _file.Chunk(Chunks.Bytes).SelectMany(SHA256.HashData)];
        Holder[] holders = [.. hosts.Select(host => new Holder(host, "", 0, new Uri($"http://{host}/x")))];
        Location location = new(_file.Length, holders)
        {
            Digest = new FileDigest(SHA256.HashData(_file)), IsWholeList = true,
            Chunks = ChunkList.TryTrust(_file.Length, digests),
        };
        using HttpFiles http = new(_peers);
        Surroundings around = new(new ClientOptions(), new Told(location), new ScriptedPeers(), _time, null, http);
        Task<DownloadResult> work = new Download(Names.Of("x"), _folder["target"], around, new DownloadOptions())
            .RunAsync(TestContext.Current.CancellationToken);
        // The clock runs while the client waits.
        using CancellationTokenSource broken = new(TimeSpan.FromSeconds(20));
        while (true)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            try
            {
                // The couriers run on other threads: the clock must not outrun them.
                return await work.WaitAsync(TimeSpan.FromMilliseconds(5), broken.Token);
            }
            catch (TimeoutException)
            {
                // Not yet: the clock goes on.
            }
        }
    }

    private sealed class Told(Location location) : IFinder
    {
        public Task<Location?> FindAsync(
            FileName name, IReadOnlyCollection<string> not, CancellationToken cancellationToken) =>
            Task.FromResult<Location?>(location);

        public Task<List<ServerRow>> ListServersAsync(CancellationToken cancellationToken) =>
            Task.FromResult<List<ServerRow>>([]);

        public Task ReportAsync(FileName name, string server, string reason, CancellationToken cancellationToken) =>
            Task.CompletedTask;
    }
}

/// <summary>Servers that answer over HTTP as a test wants it.</summary>
internal sealed class HttpPeers : HttpMessageHandler
{
    private readonly Dictionary<string, Func<HttpRequestMessage, HttpResponseMessage>> _peers = [];

    public void Add(string host, Func<HttpRequestMessage, HttpResponseMessage> answer) => _peers[host] = answer;

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        await Task.Yield();
        return _peers[request.RequestUri!.Host](request);
    }
}
