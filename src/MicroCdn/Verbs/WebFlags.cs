using System.CommandLine;
using MicroCdn.Gateway;
using MicroCdn.Settings;

namespace MicroCdn.Verbs;

/// <summary>The flags of a role that speaks HTTP.</summary>
internal sealed class WebFlags
{
    private readonly Option<int?> _httpPort = Flags.OptionalPort("--http-port", "The port for HTTP.");
    private readonly Option<int?> _httpsPort = Flags.OptionalPort("--https-port", "The port for HTTPS.");
    private readonly Option<string?> _certificate = Flags.Path(new Option<string?>("--cert")
    {
        Description = "The certificate for HTTPS with its chain, a PEM file.", HelpName = "FILE",
    });

    private readonly Option<string?> _key = Flags.Path(new Option<string?>("--key")
    {
        Description = "The key of the certificate, a PEM file.", HelpName = "FILE",
    });

    /// <summary>Adds the flags to a verb.</summary>
    public void AddTo(Command verb)
    {
        verb.Options.Add(_httpPort);
        verb.Options.Add(_httpsPort);
        verb.Options.Add(_certificate);
        verb.Options.Add(_key);
        verb.Validators.Add(result =>
        {
            // Asked for presence alone: the value of a port that is none cannot be had.
            bool secure = result.GetResult(_httpsPort) is not null;
            bool whole = result.GetResult(_certificate) is not null && result.GetResult(_key) is not null;
            if (secure && !whole) result.AddError("--https-port needs --cert FILE and --key FILE.");
        });
    }

    /// <summary>True when HTTP or HTTPS is spoken.</summary>
    public bool HasPort(System.CommandLine.Parsing.CommandResult result) =>
        result.GetResult(_httpPort) is not null || result.GetResult(_httpsPort) is not null;

    /// <summary>Reads the flags.</summary>
    public WebPorts Read(ParseResult parsed) => new(parsed.GetValue(_httpPort), parsed.GetValue(_httpsPort),
        parsed.GetValue(_certificate), parsed.GetValue(_key));
}

/// <summary>The flags that only the HTTP face of an index has.</summary>
internal sealed class GatewayFlags
{
    private readonly Option<System.Net.IPNetwork[]> _proxies = Flags.Networks("--proxy",
        "A proxy whose X-Forwarded-For is believed, by its address or network; repeatable.");

    private readonly Option<string[]> _origins = CorsFlag.Create();

    private readonly Option<bool> _noRelay = new("--no-relay")
    {
        Description = "Answer 503 for files that only version 1 servers have, instead of passing them on.",
    };

    /// <summary>Adds the flags to a verb.</summary>
    public void AddTo(Command verb)
    {
        verb.Options.Add(_proxies);
        verb.Options.Add(_origins);
        verb.Options.Add(_noRelay);
    }

    /// <summary>Has a role take these settings anew when they change.</summary>
    public void ReadAgain(GatewayRole role, GatewayOptions options, RoleParts parts) => parts.Reloads.Add(new Reload(
        [_proxies.Name, _origins.Name], parsed =>
        {
            GatewayOptions again = options with
            {
                Proxies = parsed.GetValue(_proxies)!, CorsOrigins = parsed.GetValue(_origins)!,
            };
            return () => role.Apply(again);
        }));

    /// <summary>Reads the flags.</summary>
    public GatewayOptions Read(ParseResult parsed, System.Net.IPAddress bind, WebPorts ports) => new()
    {
        Bind = bind,
        HttpPort = ports.Http,
        HttpsPort = ports.Https,
        Proxies = parsed.GetValue(_proxies)!,
        CorsOrigins = parsed.GetValue(_origins)!,
        Relays = !parsed.GetValue(_noRelay),
    };
}

/// <summary>Where a role speaks HTTP, and with which certificate.</summary>
internal sealed record WebPorts(int? Http, int? Https, string? Certificate, string? Key);
