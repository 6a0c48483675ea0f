using System.Diagnostics;
using System.Globalization;
using System.Text;
using MicroCdn.Http.Exchanges;

namespace MicroCdn.Http.Tracing;

/// <summary>Makes spans of requests: of those whose client says so by traceparent, and of a part of those that say
/// nothing.</summary>
/// <remarks>A span begins with its request, for its id goes to the origin, and ends with the request's
/// <see cref="Exchange"/>. Who makes none pays for none: a request without one costs a look at its fields.</remarks>
/// <param name="ratio">The part of the requests without traceparent that traces are made of, from 0 to 1.</param>
/// <param name="chance">A number from 0 to below 1, for each of them; asked by many threads.</param>
public sealed class Tracer(double ratio, Func<double> chance) : IDisposable
{
    /// <summary>The name by which spans are listened to.</summary>
    public const string Name = "MicroCdn";

    /// <summary>The most spans of requests that begin within a second. Whoever likes may say that all its requests are
    /// to be recorded; more than these would mostly be dropped before they are sent.</summary>
    public const int MostPerSecond = 1000;

    // A target may have 8 KiB and a host more, and spans wait: more of them says little.
    private const int MostCharacters = 1024;

    private const int ServerError = 500;

    // Any other could be a stranger's word.
    private static readonly string[] Known = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"];

    private readonly ActivitySource _source = new(Name);
    private long _second;
    private int _begun;

    /// <summary>What listeners of one tracer alone listen to.</summary>
    internal ActivitySource Source => _source;

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();

    /// <summary>Begins the span of a request; null when there is none to be.</summary>
    /// <param name="request">The request.</param>
    /// <param name="isSecure">True over TLS.</param>
    /// <param name="second">The time, in seconds of any clock.</param>
    internal Activity? Begin(in Request request, bool isSecure, long second)
    {
        if (!_source.HasListeners()) return null;
        bool isContinued = TraceParent.TryRead(request.Lines, out ActivityContext parent);
        bool isRecorded = isContinued ? parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)
            : ratio > 0 && chance() < ratio;
        if (!isRecorded || !HasRoom(second)) return null;
        string method = request.Method.Text();
        if (_source.CreateActivity(NameOf(method), ActivityKind.Server, parent) is not { } span) return null;
        span.SetTag("http.request.method", method);
        span.SetTag("url.scheme", isSecure ? "https" : "http");
        span.SetTag("url.path", Cut(Encoding.Latin1.GetString(request.Path)));
        SetServer(span, Encoding.Latin1.GetString(request.Authority));
        Start(span);
        return span;
    }

    /// <summary>Begins the span of a question to another server, within that of a request.</summary>
    /// <param name="parent">The span of the request.</param>
    /// <param name="method">The method by which it is asked.</param>
    /// <param name="server">Whom: a host, and a port where it is not the usual one.</param>
    /// <param name="url">What it is asked for.</param>
    public static Activity? BeginQuestion(Activity parent, string method, string server, string url)
    {
        method = Array.IndexOf(Known, method) < 0 ? MethodNames.Other : method;
        Activity? span = parent.Source.CreateActivity(NameOf(method), ActivityKind.Client, parent.Context);
        if (span is null) return null;
        span.SetTag("http.request.method", method);
        span.SetTag("url.full", Cut(url));
        SetServer(span, server);
        Start(span);
        return span;
    }

    /// <summary>Ends a span with the status of the answer; 0 when there was none.</summary>
    public static void End(Activity span, int status, string? trouble)
    {
        if (status > 0) span.SetTag("http.response.status_code", status);
        if (trouble is not null) span.SetTag("error.type", trouble).SetStatus(ActivityStatusCode.Error);
        // What runs here next is of another request.
        Activity? current = Activity.Current;
        span.Stop();
        Activity.Current = current == span ? null : current;
    }

    /// <summary>Ends the span of a request.</summary>
    internal static void End(Activity span, Exchange exchange)
    {
        if (exchange.Route is { } route)
        {
            span.DisplayName = $"{span.DisplayName} {route}";
            span.SetTag("http.route", route);
        }
        if (exchange.Cache != CacheResult.None)
        {
            span.SetTag("microcdn.cache.result", Encoding.ASCII.GetString(exchange.Cache.Word()));
        }
        // A client's mistake is no error of a server (semantic conventions for HTTP spans, section Status).
        End(span, exchange.Status, exchange.Status >= ServerError ? $"{exchange.Status}"
            : exchange.IsWhole ? null : "cut");
    }

    // About so many: two loops may both begin a second.
    private bool HasRoom(long second)
    {
        if (Interlocked.Exchange(ref _second, second) != second) Volatile.Write(ref _begun, 0);
        return Interlocked.Increment(ref _begun) <= MostPerSecond;
    }

    private static string Cut(string text) => text.Length <= MostCharacters ? text : text[..MostCharacters];

    // An event loop serves others meanwhile: nothing may take the span for the one that it runs in.
    private static void Start(Activity span)
    {
        Activity? current = Activity.Current;
        span.Start();
        Activity.Current = current;
    }

    // Semantic conventions for HTTP spans, section Name.
    private static string NameOf(string method) => method == MethodNames.Other ? "HTTP" : method;

    private static void SetServer(Activity span, string authority)
    {
        int colon = authority.LastIndexOf(':');
        string host = colon > authority.LastIndexOf(']') ? authority[..colon] : authority;
        if (host.Length > 0) span.SetTag("server.address", Cut(host.Trim('[', ']')));
        if (int.TryParse(authority.AsSpan(Math.Min(host.Length + 1, authority.Length)), NumberStyles.None,
            CultureInfo.InvariantCulture, out int port)) span.SetTag("server.port", port);
    }
}
