using System.Net;
using System.Text;
using MicroCdn.Admin;
using MicroCdn.Gateway.Api;
using MicroCdn.Gateway.Page;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Gateway.Admin;

/// <summary>The door of an index by which files are published over HTTP, with tokens.</summary>
public sealed partial class AdminRole : IRole, IDisposable
{
    /// <summary>The file in the state folder that the first token is written into.</summary>
    public const string TokenFile = "admin.token";

    private static readonly TimeSpan LookTime = TimeSpan.FromSeconds(1);

    private readonly AdminOptions _options;
    private readonly TokenDesk _tokens;
    private readonly RandomBytes _chance;
    private readonly UploadFolder _uploads;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly WatchPages _pages;
    private readonly AdminApi _api;

    /// <summary>Builds the role; nothing runs yet.</summary>
    /// <param name="options">What it is told.</param>
    /// <param name="index">The index of the same process.</param>
    /// <param name="watched">The roles of this process that can be looked at.</param>
    /// <param name="steering">How files are published and the fleet is steered: at that index, as an operator.</param>
    /// <param name="dialer">How it reaches servers whose files it passes on.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Where it logs.</param>
    /// <exception cref="IOException">The state folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The state folder may not be written.</exception>
    public AdminRole(AdminOptions options, IndexRole index, IEnumerable<IWatched> watched, Steering steering,
        IDialer dialer, TimeProvider time, ILoggerFactory loggers)
    {
        (_options, _tokens, _chance, _time) = (options, index.Tokens, steering.Chance, time);
        _logger = loggers.CreateLogger(Name);
        // Indexes of one machine may share a folder, but no port.
        _uploads = UploadFolder.Open(Path.Combine(options.State, $"uploads-{options.Port}"), options.UploadBytes,
            options.LeastFreeBytes, time);
        Complaints complaints = new(_logger, time);
        GatewayOptions face = new() { Bind = options.Bind, HttpPort = options.Port };
        GatewayHandler gateway = new(face, index.Directory, new Relays(dialer, complaints, time),
            new Pieces(dialer, complaints, time), isSecure: false);
        AuditLog audit = new(options.State, time, _logger);
        Uploading uploading = new(_uploads, steering.Publisher, index.Directory, audit, _logger);
        _pages = new WatchPages(watched, time);
        Doorkeeper doorkeeper = new(_tokens, complaints, time);
        Sessions sessions = new(SessionKey.Open(options.State, _chance), _tokens, options.Port, time);
        _api = new AdminApi(index, steering, doorkeeper, sessions, uploading, audit, time, _logger);
        AdminHandler handler = new(
            doorkeeper, index.Directory, uploading, steering.Publisher, gateway, _api.Handler, audit)
        {
            Page = new StaticPages(), Pages = _pages, AreMetricsOpen = IPAddress.IsLoopback(options.Bind),
        };
        Listeners = [new Listener(new IPEndPoint(options.Bind, options.Port),
            new HttpService(handler, new TrustedNetworks([]), complaints, time))];
    }

    /// <inheritdoc/>
    public string Name => "admin";

    /// <inheritdoc/>
    public IReadOnlyList<Listener> Listeners { get; }

    /// <inheritdoc/>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        if (!IPAddress.IsLoopback(_options.Bind)) LogOpen(_options.Bind);
        return Tasks.UntilFirstFailure([_api.RunAsync(cancellationToken), LookAsync(cancellationToken)]);
    }

    /// <inheritdoc/>
    public void Dispose() => _pages.Dispose();

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        await MakeFirstAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            await Task.Delay(LookTime, _time, cancellationToken).ConfigureAwait(false);
            _uploads.Look();
        }
    }

    // The file first: a token that nobody can read would be made once and never again.
    private async Task MakeFirstAsync(CancellationToken cancellationToken)
    {
        while (!_tokens.HasBegun && !_tokens.MayWrite)
        {
            await Task.Delay(LookTime, _time, cancellationToken).ConfigureAwait(false);
        }
        if (_tokens.HasBegun) return;
        string path = Path.Combine(_options.State, TokenFile);
        AccessToken token = AccessToken.Draw(_chance);
        try
        {
            using AtomicFile file = AtomicFile.CreatePrivate(path);
            file.Write(Encoding.ASCII.GetBytes($"{token.Reveal()}\n"));
            file.Commit();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogNotWritten(path, exception.Message);
            return;
        }
        while (!await _tokens.AddFirstAsync(token).ConfigureAwait(false) && !_tokens.HasBegun)
        {
            await Task.Delay(LookTime, _time, cancellationToken).ConfigureAwait(false);
        }
        if (_tokens.Check(token) is not null) LogFirst(token.Id, path);
        else LogForeign(path);
    }

    [LoggerMessage(5110, LogLevel.Information, "the first token, {Id}, which allows everything, is in {Path}")]
    private partial void LogFirst(string id, string path);

    [LoggerMessage(5111, LogLevel.Error, "the first token cannot be written to {Path}: {Why}")]
    private partial void LogNotWritten(string path, string why);

    [LoggerMessage(5112, LogLevel.Warning, "another index made the first token: what is in {Path} counts for nothing")]
    private partial void LogForeign(string path);

    [LoggerMessage(5113, LogLevel.Warning,
        "the admin port listens on {Address}, and tokens come there in clear: put a proxy that speaks TLS before it")]
    private partial void LogOpen(IPAddress address);
}
