namespace MicroCdn.Admin.Otlp;

/// <summary>Where a collector is, and how it is spoken to.</summary>
/// <param name="Url">Its URL, of http or https.</param>
/// <param name="IsGrpc">True for gRPC; false for protobuf over HTTP.</param>
public sealed record OtlpTarget(Uri Url, bool IsGrpc)
{
    private const int GrpcPort = 4317;

    /// <summary>The part of the requests without traceparent that traces are made of, from 0 to 1.</summary>
    public double TraceRatio { get; init; }

    /// <summary>Reads a URL: of http or https for protobuf over HTTP, of grpc or grpcs for gRPC.</summary>
    public static bool TryParse(string text, out OtlpTarget? target)
    {
        target = null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url) || url.Host.Length == 0 || url.UserInfo.Length > 0
            || url.Query.Length > 0 || url.Fragment.Length > 0) return false;
        bool isGrpc = url.Scheme is "grpc" or "grpcs";
        if (!isGrpc && url.Scheme is not ("http" or "https")) return false;
        UriBuilder web = new(url)
        {
            Scheme = url.Scheme is "grpc" or "http" ? "http" : "https",
            // A URL of grpc has no usual port but that of OTLP/gRPC.
            Port = isGrpc && url.Port < 0 ? GrpcPort : url.Port,
        };
        target = new OtlpTarget(web.Uri, isGrpc);
        return true;
    }

    /// <summary>The URL for one of the signals, <c>metrics</c> or <c>traces</c>: over HTTP each has a path of its own
    /// below that of the collector.</summary>
    public Uri UrlOf(string signal) => IsGrpc ? Url
        : new UriBuilder(Url) { Path = $"{Url.AbsolutePath.TrimEnd('/')}/v1/{signal}" }.Uri;
}
