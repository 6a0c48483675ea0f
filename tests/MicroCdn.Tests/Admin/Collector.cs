using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace MicroCdn.Tests.Admin;

/// <summary>A collector without a network: keeps what it is sent, and answers as a test says.</summary>
internal sealed class Collector : HttpMessageHandler
{
    /// <summary>What it answers; null is a connection that is refused.</summary>
    public HttpStatusCode? Answers { get; set; } = HttpStatusCode.OK;

    /// <summary>URL and body of each request; a body as one letter for each byte.</summary>
    public ConcurrentQueue<(string Url, string Body)> Calls { get; } = new();

    /// <summary>All that came for one of the signals.</summary>
    public string Sent(string signal) => string.Concat(
        Calls.Where(call => call.Url.EndsWith($"/v1/{signal}", StringComparison.Ordinal)).Select(call => call.Body));

    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using MemoryStream body = new();
        request.Content!.CopyTo(body, null, cancellationToken);
        Calls.Enqueue((request.RequestUri!.ToString(), Encoding.Latin1.GetString(body.ToArray())));
        return Answers is { } status ? new HttpResponseMessage(status) { Content = new ByteArrayContent([]) }
            : throw new HttpRequestException("refused");
    }

    protected override Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken) =>
        Task.FromResult(Send(request, cancellationToken));
}
