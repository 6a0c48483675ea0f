using System.CommandLine;
using MicroCdn.Client;

namespace MicroCdn.Verbs;

/// <summary>The flags of <c>microcdn get</c> that say whom it asks, and how.</summary>
internal sealed class GetFlags
{
    private const int MostParallel = 16;

    public IndexFlags Index { get; } = new();

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

    private readonly Option<bool> _json = Flags.JsonLines();

    /// <summary>How it is told what was saved.</summary>
    public VerbAnswer Answer(ParseResult parsed) => new(parsed.GetValue(_json));

    public void AddTo(Command verb)
    {
        Index.AddTo(verb);
        foreach (Option option in (Option[])[Gateway, Parallel, DirectHost, DirectPort, _json]) verb.Add(option);
        verb.Validators.Add(result =>
        {
            bool alone = result.GetResult(DirectPort) is { Implicit: false } && result.GetResult(DirectHost) is null;
            if (alone) result.AddError("--direct-port needs --direct-host: the server to ask instead of the index.");
        });
    }

    /// <summary>What the client is made of.</summary>
    public ClientOptions Read(ParseResult parsed) => Index.Read(parsed) with
    {
        Gateway = parsed.GetValue(Gateway),
        CacheFolder = ClientOptions.UserCacheFolder,
    };

    // Names are resolved against it, so it ends like a folder.
    private static bool TryGateway(string text, out Uri? gateway) =>
        Uri.TryCreate(text.EndsWith('/') ? text : text + "/", UriKind.Absolute, out gateway)
        && (gateway.Scheme is "http" or "https") && gateway.Query.Length == 0;
}
