using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MicroCdn.Client;
using MicroCdn.Gateway.Api.Models;

namespace MicroCdn.Api;

/// <summary>Asks the admin API of an index; what goes wrong is one sentence that says what to do.</summary>
internal sealed class ApiClient : IDisposable
{
    // A thousand servers with all they tell.
    private const int MostBytes = 16 << 20;
    private const int MostHeadKilobytes = 64, MostPages = 100, PageItems = 1_000;

    /// <summary>How long an answer may take where nothing else is said.</summary>
    public static readonly TimeSpan UsualPatience = TimeSpan.FromSeconds(10);

    private const string Json = "application/json";

    private readonly Uri _admin;
    private readonly string? _tokenFile;
    private readonly HttpClient _client;

    /// <summary>A client; nothing is asked yet.</summary>
    /// <param name="admin">The index's admin port.</param>
    /// <param name="token">The token; null for none.</param>
    /// <param name="tokenFile">Where that comes from, for a sentence.</param>
    /// <param name="handler">What carries the requests; null for the network.</param>
    public ApiClient(Uri admin, string? token, string? tokenFile = null, HttpMessageHandler? handler = null)
    {
        (_admin, _tokenFile) = (admin, tokenFile);
        _client = new HttpClient(handler ?? new SocketsHttpHandler
        {
            // A token follows nobody to another place.
            AllowAutoRedirect = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            MaxResponseHeadersLength = MostHeadKilobytes,
            UseCookies = false,
            UseProxy = !admin.IsLoopback,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (token is not null)
        {
            _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    /// <summary>How long an answer may take.</summary>
    public TimeSpan Patience { get; init; } = UsualPatience;

    /// <summary>Where it asks, for a sentence.</summary>
    public string Place => _admin.GetLeftPart(UriPartial.Authority);

    /// <summary>The host that it asks.</summary>
    public string Host => _admin.DnsSafeHost;

    /// <summary>What an answer of an index is when it ends too early, or says nothing for too long.</summary>
    public CdnException Lost(string why) => Unreachable(why);

    /// <summary>When the index said it answered, by its own clock; null when it did not say.</summary>
    public DateTimeOffset? Date { get; private set; }

    /// <summary>Asks for one thing.</summary>
    /// <exception cref="CdnException">It is not to be had.</exception>
    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> shape, CancellationToken cancellationToken) =>
        InTimeAsync(async token =>
        {
            using HttpResponseMessage response = await SendAsync(HttpMethod.Get, path, Json, token);
            return Understand(await ReadAsync(response, token), shape);
        }, cancellationToken);

    /// <summary>Asks for a list, page after page.</summary>
    /// <exception cref="CdnException">It is not to be had.</exception>
    public async Task<List<T>> ListAsync<T>(
        string path, JsonTypeInfo<Listing<T>> shape, CancellationToken cancellationToken, int most = int.MaxValue)
    {
        List<T> all = [];
        string? after = null;
        for (int page = 0; page < MostPages && all.Count < most; page++)
        {
            string query = $"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}limit={PageItems}"
                + (after is null ? "" : $"&after={Uri.EscapeDataString(after)}");
            Listing<T> listing = await GetAsync(query, shape, cancellationToken);
            all.AddRange(listing.Items);
            if ((after = listing.Next) is null) break;
        }
        return all;
    }

    /// <summary>Has something done.</summary>
    /// <exception cref="CdnException">It was not.</exception>
    public Task PostAsync(string path, CancellationToken cancellationToken) => InTimeAsync(async token =>
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Post, path, Json, token);
        return 0;
    }, cancellationToken);

    /// <summary>Opens the stream of what happens.</summary>
    /// <param name="after">The last event that is known; 0 for none.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="CdnException">It is not to be had.</exception>
    public Task<HttpResponseMessage> ListenAsync(long after, CancellationToken cancellationToken) => InTimeAsync(
        token => SendAsync(HttpMethod.Get, string.Create(CultureInfo.InvariantCulture, $"/events?since={after}"),
            "text/event-stream", token), cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<T> InTimeAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(Patience, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await ask(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unreachable($"it did not answer in {Patience.TotalSeconds} s");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw Unreachable((exception.InnerException ?? exception).Message.TrimEnd('.'));
        }
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, string accept, CancellationToken token)
    {
        using HttpRequestMessage request = new(method, new Uri(_admin, $"/api/v1{path}"));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(accept));
        HttpResponseMessage response =
            await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token);
        Date = response.Headers.Date;
        if (response.IsSuccessStatusCode) return response;
        using (response) throw Refused(response.StatusCode, await DetailAsync(response, token));
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken token)
    {
        await response.Content.LoadIntoBufferAsync(MostBytes, token);
        return await response.Content.ReadAsByteArrayAsync(token);
    }

    private static async Task<string?> DetailAsync(HttpResponseMessage response, CancellationToken token)
    {
        if (response.Content.Headers.ContentType?.MediaType != "application/problem+json") return null;
        try
        {
            byte[] json = await ReadAsync(response, token);
            return JsonSerializer.Deserialize(json, ApiShapes.Default.Refusal)?.Detail;
        }
        catch (JsonException)
        {
            // Then its status has to do.
            return null;
        }
    }

    private T Understand<T>(byte[] json, JsonTypeInfo<T> shape)
    {
        try
        {
            if (JsonSerializer.Deserialize(json, shape) is { } value) return value;
        }
        catch (JsonException)
        {
            // As if nothing had come.
        }
        throw new CdnException(CdnFailure.Refused,
            $"what {Place} answered is not what an index answers: name its admin port with --admin.");
    }

    private CdnException Unreachable(string why) => new(CdnFailure.Unreachable,
        $"the index cannot be asked at {Place}: {why}. Is it running, with this --admin-port? "
            + "Another one is named with --admin.");

    private CdnException Refused(HttpStatusCode status, string? detail) => status switch
    {
        HttpStatusCode.Unauthorized when _tokenFile is null => new(CdnFailure.Refused,
            $"the index at {Place} wants a token: name its file with --token-file; 'microcdn token add --scope read' "
            + "prints one, and the first is admin.token in the index's state folder."),
        HttpStatusCode.Unauthorized => new(CdnFailure.Refused,
            $"the index at {Place} does not know the token in '{_tokenFile}': name the file of one of its own with "
            + "--token-file ('microcdn token list' shows which there are)."),
        HttpStatusCode.Forbidden => new(CdnFailure.Refused, detail
            ?? $"the token in '{_tokenFile}' does not allow this: 'microcdn token add --scope admin' prints one that "
            + "does."),
        HttpStatusCode.NotFound when detail is not null => new(CdnFailure.NotFound, detail),
        HttpStatusCode.NotFound => new(CdnFailure.Refused,
            $"there is no admin API at {Place}: name the admin port of an index with --admin, of a version that has "
            + "one."),
        _ => new(CdnFailure.Refused,
            detail ?? $"the index at {Place} answered {(int)status}: see its log."),
    };
}
