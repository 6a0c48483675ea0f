using System.CommandLine;
using System.Net;
using MicroCdn.Admin;
using MicroCdn.Network;

namespace MicroCdn.Verbs;

/// <summary>The flags of the port at which a process without an index can be looked at.</summary>
internal sealed class WatchFlags
{
    private readonly Option<int?> _port = new("--admin-port")
    {
        Description = "A port for /healthz, /readyz and /metrics, without tokens; by default there is none.",
        HelpName = "PORT",
        CustomParser = result => Flags.Read<int>(result, "--admin-port", "a port from 1 to 65535", Flags.TryPort),
    };

    private readonly Option<IPAddress> _bind = new("--admin-bind")
    {
        Description = "The address for --admin-port.",
        DefaultValueFactory = _ => IPAddress.Loopback,
        HelpName = "ADDRESS",
        CustomParser = result =>
            Flags.Read<IPAddress>(result, "--admin-bind", "an IP address, such as 127.0.0.1", IPAddress.TryParse),
    };

    /// <summary>Adds the flags to a verb.</summary>
    public void AddTo(Command verb)
    {
        verb.Options.Add(_port);
        verb.Options.Add(_bind);
    }

    /// <summary>The roles, and that port where one is named.</summary>
    public IReadOnlyList<IRole> Beside(ParseResult parsed, IReadOnlyList<IRole> roles, RoleParts parts) =>
        parsed.GetValue(_port) is not { } port ? roles : [.. roles, new WatchRole(
            new IPEndPoint(parsed.GetValue(_bind)!, port), roles.OfType<IWatched>(), parts.Time, parts.Loggers)];
}
