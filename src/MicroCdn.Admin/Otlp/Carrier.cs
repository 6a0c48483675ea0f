using OpenTelemetry.Exporter;

namespace MicroCdn.Admin.Otlp;

/// <summary>Carries what is sent to a collector, and keeps why the last of it did not arrive: the library does not
/// tell.</summary>
/// <param name="network">What carries it in a test; null for the network.</param>
internal sealed class Carrier(HttpMessageHandler? network) : DelegatingHandler(network ?? Network())
{
    /// <summary>How long an answer of the collector may take.</summary>
    public const int PatienceMilliseconds = 10_000;

    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(PatienceMilliseconds);

    // Longer than the life of most addresses in the DNS.
    private static readonly TimeSpan ConnectionLife = TimeSpan.FromMinutes(2);
    private const int MostHeadKilobytes = 16;

    /// <summary>Why the last did not arrive; null when it did, as far as is known here.</summary>
    public string? Trouble { get; private set; }

    /// <summary>How the library is to send one of the signals.</summary>
    public OtlpExporterOptions OptionsFor(OtlpTarget target, string signal)
    {
        OtlpExporterOptions options = new()
        {
            Protocol = target.IsGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf,
            Endpoint = target.UrlOf(signal),
            TimeoutMilliseconds = PatienceMilliseconds,
        };
        options.HttpClientFactory = () => new HttpClient(this) { Timeout = Patience };
        return options;
    }

    /// <inheritdoc/>
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return Heard(base.Send(request, cancellationToken));
        }
        catch (Exception exception)
        {
            Trouble = TroubleOf(exception);
            throw;
        }
    }

    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return Heard(await base.SendAsync(request, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception exception)
        {
            Trouble = TroubleOf(exception);
            throw;
        }
    }

    private static SocketsHttpHandler Network() => new()
    {
        // By most redirections a POST becomes a GET, and nothing would arrive.
        AllowAutoRedirect = false,
        ConnectTimeout = Patience,
        MaxResponseHeadersLength = MostHeadKilobytes,
        PooledConnectionLifetime = ConnectionLife,
        UseCookies = false,
    };

    private HttpResponseMessage Heard(HttpResponseMessage response)
    {
        // Our words, for what a stranger says goes into no log.
        string name = Enum.IsDefined(response.StatusCode) ? $" ({response.StatusCode})" : "";
        Trouble = response.IsSuccessStatusCode ? null : $"it answered {(int)response.StatusCode}{name}";
        return response;
    }

    private static string TroubleOf(Exception exception) => exception is OperationCanceledException
        ? "no answer in time" : (exception.InnerException ?? exception).Message;
}
