using System.Net;
using System.Net.Http.Headers;
using MicroCdn.Gateway.Notify;
using MicroCdn.Index.Events;

namespace MicroCdn.Notify;

/// <summary>Posts events to a URL.</summary>
/// <remarks>No redirection is followed: by the usual ones a POST becomes a GET, and nobody would be told.</remarks>
internal sealed class WebTarget : INotifyTarget, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // Longer than the life of most addresses in the DNS.
    private static readonly TimeSpan ConnectionLife = TimeSpan.FromMinutes(2);
    private const int MostHeadKilobytes = 16;

    private readonly Uri _url;
    private readonly TimeProvider _time;
    private readonly HttpClient _client;

    /// <summary>A target; nothing is sent yet.</summary>
    /// <param name="url">Where to.</param>
    /// <param name="time">The clock.</param>
    /// <param name="handler">What carries the requests; null for the network.</param>
    public WebTarget(Uri url, TimeProvider time, HttpMessageHandler? handler = null)
    {
        (_url, _time) = (url, time);
        _client = new HttpClient(handler ?? new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            ConnectTimeout = Patience,
            MaxResponseHeadersLength = MostHeadKilobytes,
            PooledConnectionLifetime = ConnectionLife,
            UseCookies = false,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <inheritdoc/>
    public string Name => NameOf(_url.OriginalString);

    /// <inheritdoc/>
    public int MostTogether => Notifier.MostTogether;

    /// <summary>A URL without what is the key of many such doors: what stands behind the host.</summary>
    public static string NameOf(string url)
    {
        Uri whole = new(url);
        string host = whole.GetLeftPart(UriPartial.Authority);
        return whole.AbsolutePath == "/" && whole.Query.Length == 0 ? host : $"{host}/...";
    }

    /// <summary>True when something can be posted to what a text says.</summary>
    public static bool TryUrl(string text, out Uri? url) => Uri.TryCreate(text, UriKind.Absolute, out url)
        && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps) && url.Host.Length > 0
        && url.UserInfo.Length == 0;

    /// <inheritdoc/>
    public async Task<string?> TellAsync(
        IReadOnlyList<FleetEvent> events, ReadOnlyMemory<byte> json, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(Patience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        using HttpRequestMessage request = new(HttpMethod.Post, _url)
        {
            Content = new ReadOnlyMemoryContent(json),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("MicroCDN", null));
        try
        {
            using HttpResponseMessage response = await _client.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            if (response.IsSuccessStatusCode) return null;
            return (int)response.StatusCode is >= 300 and < 400
                ? $"it answered {(int)response.StatusCode} and names another place, which is not followed: name that"
                : $"it answered {(int)response.StatusCode}{Reason(response.StatusCode)}";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"no answer in {Patience.TotalSeconds} s";
        }
        catch (HttpRequestException exception)
        {
            return Table.Plain((exception.InnerException ?? exception).Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    // Ours, for what a stranger says goes into no log.
    private static string Reason(HttpStatusCode status) => Enum.IsDefined(status) ? $" ({status})" : "";
}
