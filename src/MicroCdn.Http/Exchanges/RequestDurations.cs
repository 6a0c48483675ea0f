using System.Diagnostics.Metrics;

namespace MicroCdn.Http.Exchanges;

/// <summary>Tells an instrument how long each request took, for who reads nothing but instruments (OTLP).</summary>
/// <remarks>It costs each request more than <see cref="RequestNumbers"/> do, so it is there only when somebody reads
/// it.</remarks>
public sealed class RequestDurations : IExchangeListener
{
    private const int Statuses = 1000;

    private static readonly KeyValuePair<string, object?>[] Methods =
    [
        .. Enum.GetValues<Method>().Select(method =>
            new KeyValuePair<string, object?>("http.request.method", method.Text())),
    ];

    // Made once: nothing is allocated for a request.
    private static readonly KeyValuePair<string, object?>[] Codes =
    [
        .. Enumerable.Range(0, Statuses).Select(code =>
            new KeyValuePair<string, object?>("http.response.status_code", code)),
    ];

    private static readonly KeyValuePair<string, object?> Clear = new("url.scheme", "http");
    private static readonly KeyValuePair<string, object?> Secure = new("url.scheme", "https");

    // The client was gone before there was a status.
    private static readonly KeyValuePair<string, object?> Gone = new("error.type", "gone");

    private readonly Histogram<double> _durations;

    /// <summary>Adds the instrument.</summary>
    public RequestDurations(Meter meter) => _durations = meter.CreateHistogram("http.server.request.duration", "s",
        "How long requests took until their last byte was handed over.", null, new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = RequestNumbers.BucketBounds.ToArray(),
        });

    /// <inheritdoc/>
    public bool NeedsText => false;

    /// <inheritdoc/>
    public void Ended(Exchange exchange) => _durations.Record(exchange.Duration.TotalSeconds,
        Methods[(int)exchange.Method], exchange.IsSecure ? Secure : Clear,
        exchange.Status is > 0 and < Statuses ? Codes[exchange.Status] : Gone);
}
