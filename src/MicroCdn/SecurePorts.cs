using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Verbs;
using Microsoft.Extensions.Logging;

namespace MicroCdn;

/// <summary>The ports of all roles that speak TLS; nothing at all when there are none.</summary>
internal sealed class SecurePorts : IAsyncDisposable
{
    private SecureServer? _server;
    private CertificateFiles? _certificates;

    /// <summary>Reads the certificate and binds the ports.</summary>
    /// <exception cref="PortUnavailableException">A port is in use.</exception>
    /// <exception cref="UnusableCertificateException">The certificate cannot be used.</exception>
    public static async Task<SecurePorts> OpenAsync(
        IReadOnlyList<IRole> roles, WebPorts? web, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        SecurePorts ports = new();
        Listener[] listeners = [.. roles.SelectMany(role => role.Listeners).Where(listener => listener.IsSecure)];
        if (listeners.Length == 0) return ports;
        ports._certificates = new CertificateFiles(
            web!.Certificate!, web.Key!, TimeProvider.System, loggers.CreateLogger("https"));
        ports._server = new SecureServer(listeners, ports._certificates, TimeProvider.System, loggers);
        await ports._server.StartAsync(cancellationToken);
        foreach (IRole role in roles)
        {
            foreach (Listener listener in role.Listeners.Where(listener => listener.IsSecure))
            {
                RoleHost.Say(loggers, role, listener, listener.EndPoint.Port);
            }
        }
        return ports;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _certificates?.Dispose();
    }
}
