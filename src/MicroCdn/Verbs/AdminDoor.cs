using System.Net;
using System.Security.Cryptography;
using MicroCdn.Client;
using MicroCdn.Gateway.Admin;
using MicroCdn.Gateway.Api;
using MicroCdn.Gateway.Notify;
using MicroCdn.Index;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Records;

namespace MicroCdn.Verbs;

/// <summary>Puts the door for publishing by HTTP beside an index.</summary>
internal static class AdminDoor
{
    /// <summary>Its port where none is named.</summary>
    public const int UsualPort = 8081;

    /// <summary>The role; none where there is no such door.</summary>
    /// <exception cref="RecordStoreException">Its folder cannot be used.</exception>
    public static IEnumerable<IRole> Build(AdminOptions? door, IndexOptions options, IndexRole index,
        IEnumerable<IRole> roles, RoleParts parts)
    {
        if (door is null) return [];
        // It publishes as an operator does, at the index of its own process.
        bool isAny = options.Bind.Equals(IPAddress.Any) || options.Bind.Equals(IPAddress.IPv6Any);
        ClientOptions own = new()
        {
            IndexHost = (isAny ? IPAddress.Loopback : options.Bind).ToString(), IndexPort = options.Port,
        };
        ServerId.TryCreate("operator", out ServerId id);
        Identity? self = parts.Credentials.AreThere ? parts.Credentials.As(PeerRole.Operator, id) : null;
        try
        {
            Steering steering = new()
            {
                Publisher = new Publisher(own, self, parts.Dialer, parts.Time),
                Purger = new Purger(own.IndexHost, own.IndexPort, self, parts.Dialer, parts.Time),
                Monitors = [.. options.AllMonitors.Select(monitor =>
                    new MonitorClient(monitor.Host, monitor.Port, self, parts.Dialer, parts.Time))],
                Notified = () => [.. roles.OfType<Notifier>().SelectMany(notifier => notifier.Status)],
                Settings = door.Settings,
                Version = ProgramVersion.Text,
                Chance = RandomNumberGenerator.Fill,
            };
            return [new AdminRole(door, index, roles.OfType<IWatched>(), steering, parts.Dialer, parts.Time,
                parts.Loggers)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new RecordStoreException(
                $"uploads cannot be kept in '{door.State}', choose another folder with --data: {exception.Message}");
        }
    }
}
