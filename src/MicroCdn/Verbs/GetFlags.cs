using System.CommandLine;
using System.Globalization;
using MicroCdn.Client;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary>The flags of <c>microcdn get</c> that say whom it asks, and how.</summary>
internal sealed class GetFlags
{
    private const int MostParallel = 16;

    public Option<string> IndexHost { get; } = Flags.Host("--index-host", "The index's host.");

    public Option<int> IndexPort { get; } = Flags.Port("--index-port", 5050, "The index's line port.");

    public Option<IndexEndPoint[]> Indexes { get; } = new("--index")
    {
        Description = "An index to ask instead; repeatable: several of one network are asked 300 ms apart.",
        HelpName = "HOST:PORT",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
        CustomParser = result => [.. result.Tokens.Select(token => Flags.Read<IndexEndPoint>(
            result, token, "--index", "HOST:PORT, such as 10.0.0.5:5050", TryIndex)!)],
    };

    public Option<Uri?> Gateway { get; } = new("--gateway")
    {
        Description = "Ask a gateway over HTTP, not an index.",
        HelpName = "URL",
        CustomParser = result => Flags.Read<Uri>(result, "--gateway", "a URL such as http://cdn.example.org:8080/",
            TryGateway),
    };

    public Option<int> Parallel { get; } = Flags.Number("--parallel", 4, 1, MostParallel,
        "Most servers asked at once for a file of 64 MiB and more.");

    public Option<string?> DirectHost { get; } = new("--direct-host")
    {
        Description = "Ask this content server, not the index.", HelpName = "HOST",
    };

    public Option<int> DirectPort { get; } = Flags.Port("--direct-port", 7001, "The line port at --direct-host.");

    public void AddTo(Command verb)
    {
        foreach (Option option in
            (Option[])[IndexHost, IndexPort, Indexes, Gateway, Parallel, DirectHost, DirectPort])
        {
            verb.Add(option);
        }
        verb.Validators.Add(result =>
        {
            bool alone = result.GetResult(DirectPort) is { Implicit: false } && result.GetResult(DirectHost) is null;
            if (alone) result.AddError("--direct-port needs --direct-host: the server to ask instead of the index.");
        });
    }

    /// <summary>What the client is made of.</summary>
    public ClientOptions Read(ParseResult parsed) => new()
    {
        IndexHost = parsed.GetValue(IndexHost)!,
        IndexPort = parsed.GetValue(IndexPort),
        Indexes = parsed.GetValue(Indexes)!,
        Gateway = parsed.GetValue(Gateway),
        CacheFolder = ClientOptions.UserCacheFolder,
    };

    private static bool TryIndex(string text, out IndexEndPoint? index)
    {
        int colon = text.LastIndexOf(':');
        index = null;
        if (colon < 1) return false;
        string host = text[..colon].Trim('[', ']');
        bool valid = int.TryParse(
            text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            && port is > 0 and <= ushort.MaxValue && host.Length is > 0 and <= Limits.HostBytes;
        if (valid) index = new IndexEndPoint(host, port);
        return valid;
    }

    // Names are resolved against it, so it ends like a folder.
    private static bool TryGateway(string text, out Uri? gateway) =>
        Uri.TryCreate(text.EndsWith('/') ? text : text + "/", UriKind.Absolute, out gateway)
        && (gateway.Scheme is "http" or "https") && gateway.Query.Length == 0;
}
