using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using MicroCdn.Network;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MicroCdn.Http;

/// <summary>The certificate that new handshakes use; it may be another one from one moment to the next.</summary>
public interface ICertificates
{
    /// <summary>The certificate of the moment with its chain.</summary>
    SslStreamCertificateContext Current { get; }
}

/// <summary>HTTPS: Kestrel shakes hands and speaks HTTP/2; HTTP/1.1 goes to the same conversation as clear
/// text.</summary>
public sealed class SecureServer : IAsyncDisposable
{
    private const int MostStreams = 100;
    private static readonly TimeSpan HandshakeTime = TimeSpan.FromSeconds(10);

    private readonly WebApplication _app;
    private readonly PipeCarrier _carrier;
    private readonly IPEndPoint _first;

    /// <summary>Prepares to listen; <see cref="StartAsync"/> binds.</summary>
    public SecureServer(
        IReadOnlyList<Listener> listeners, ICertificates certificates, TimeProvider time, ILoggerFactory loggers)
    {
        _carrier = new PipeCarrier(time);
        _first = listeners[0].EndPoint;
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<ILoggerFactory>(new Quiet(loggers));
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxConcurrentConnections = Descriptors.Limit / 4;
            options.Limits.MaxRequestBodySize = 0;
            options.Limits.MaxRequestHeadersTotalSize = HttpLimits.HeadBytes;
            options.Limits.MaxRequestHeaderCount = HttpLimits.Fields;
            options.Limits.MaxRequestLineSize = HttpLimits.TargetBytes;
            options.Limits.KeepAliveTimeout = HttpLimits.IdleTime;
            options.Limits.MinResponseDataRate = new MinDataRate(1024, HttpLimits.ReadTime);
            options.Limits.Http2.MaxStreamsPerConnection = MostStreams;
            foreach (Listener listener in listeners) Listen(options, listener, certificates);
        });
        _app = builder.Build();
        ((IApplicationBuilder)_app).Run(Http2Translation.HandleAsync);
    }

    /// <summary>Binds the ports and starts to accept.</summary>
    /// <exception cref="PortUnavailableException">A port is in use.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _app.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException exception) when (exception.InnerException is AddressInUseException)
        {
            throw new PortUnavailableException(
                "TCP", _first, new SocketException((int)SocketError.AddressAlreadyInUse));
        }
        catch (SocketException exception)
        {
            throw new PortUnavailableException("TCP", _first, exception);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync().ConfigureAwait(false);
        _carrier.Dispose();
    }

    private void Listen(KestrelServerOptions options, Listener listener, ICertificates certificates)
    {
        bool any = listener.EndPoint.Address.Equals(IPAddress.Any);
        IPAddress address = any ? IPAddress.IPv6Any : listener.EndPoint.Address;
        options.Listen(new IPEndPoint(address, listener.EndPoint.Port), endPoint =>
        {
            endPoint.Protocols = HttpProtocols.Http1AndHttp2;
            endPoint.UseHttps(new TlsHandshakeCallbackOptions
            {
                HandshakeTimeout = HandshakeTime,
                OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = certificates.Current,
                    EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                    ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
                }),
            });
            endPoint.Use(next => connection => CarryAsync(next, connection, (HttpService)listener.Service));
        });
    }

    private async Task CarryAsync(ConnectionDelegate next, ConnectionContext connection, HttpService service)
    {
        CarriedPeer peer = new(connection);
        SslStream? tls = connection.Features.Get<ISslStreamFeature>()?.SslStream;
        if (tls?.NegotiatedApplicationProtocol == SslApplicationProtocol.Http2)
        {
            connection.Features.Set(new Http2Connection(service, peer));
            connection.Transport = new Http2Budget(connection);
            await next(connection).ConfigureAwait(false);
        }
        else if (!await _carrier.RunAsync(connection.Transport, service, peer,
            connection.Features.Get<IConnectionSocketFeature>()?.Socket, connection.ConnectionClosed)
            .ConfigureAwait(false))
        {
            connection.Abort();
        }
    }

    // Kestrel tells of each stranger's handshake that failed; only what is broken on our side is worth a line.
    private sealed class Quiet(ILoggerFactory loggers) : ILoggerFactory
    {
        public void AddProvider(ILoggerProvider provider) => loggers.AddProvider(provider);

        // What the host cannot start is thrown as well, and told by whoever catches it.
        public ILogger CreateLogger(string categoryName) =>
            categoryName.StartsWith("Microsoft.Extensions.Hosting", StringComparison.Ordinal)
            ? NullLogger.Instance : new Errors(loggers.CreateLogger("https"));

        public void Dispose()
        {
        }

        private sealed class Errors(ILogger logger) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error && logger.IsEnabled(logLevel);

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
                Func<TState, Exception?, string> formatter)
            {
                if (IsEnabled(logLevel)) logger.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}

/// <summary>The other end of a connection that Kestrel accepted.</summary>
internal sealed class CarriedPeer(ConnectionContext connection) : IPeer
{
    public IPAddress Remote { get; } = Plain(connection.RemoteEndPoint);

    public IPAddress Local { get; } = Plain(connection.LocalEndPoint);

    private static IPAddress Plain(EndPoint? endPoint)
    {
        IPAddress address = (endPoint as IPEndPoint)?.Address ?? IPAddress.None;
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }
}
