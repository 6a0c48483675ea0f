using System.CommandLine;
using System.Runtime.InteropServices;
using MicroCdn.Admin.Otlp;
using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Index;
using MicroCdn.Keys;
using MicroCdn.Logs;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Settings;
using MicroCdn.Storage;
using MicroCdn.Verbs;
using Microsoft.Extensions.Logging;

namespace MicroCdn;

/// <summary>Attaches roles to the real network and runs them until they are told to stop.</summary>
internal static class RoleHost
{
    /// <summary>Builds and runs roles; trouble at start is one sentence and exit code 2.</summary>
    /// <param name="build">Makes the roles, with their log.</param>
    /// <param name="web">The certificate for ports that speak TLS.</param>
    /// <param name="started">Called once everything listens.</param>
    /// <param name="keys">Where the key is, and what is asked of others; null for roles without one.</param>
    /// <param name="log">The access log; null for none.</param>
    /// <param name="telemetry">Where what is measured is sent; null for nowhere.</param>
    /// <param name="style">What lines of the log look like.</param>
    /// <param name="settings">The command line, whose settings are read again when they change; null for none.</param>
    public static async Task<int> RunAsync(Func<RoleParts, IReadOnlyList<IRole>> build, WebPorts? web = null,
        Action? started = null, KeyChoice? keys = null, AccessLogChoice? log = null,
        OtlpTarget? telemetry = null, LogStyle style = LogStyle.Text, ParseResult? settings = null)
    {
        using Interruption interruption = new();
        using ILoggerFactory loggers = RoleLog.CreateFactory(style);
        IReadOnlyList<IRole> roles = [];
        CertificateFiles? served = null;
        SettingsWatch? watch = null;
        try
        {
            using KeyFile? file = keys is null ? null
                : KeyFile.Open(keys, TimeProvider.System, loggers.CreateLogger("key"));
            if (file is not null) Secrecy.Keep();
            // Before the loops, so that it ends after them.
            using AccessLogFile? requests = AccessLogFile.Open(log, TimeProvider.System, loggers);
            using PosixSignalRegistration hangUp =
                PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => HangUp(context, requests, watch));
            using OtlpSender? sender = telemetry is null ? null
                : new OtlpSender(telemetry, loggers.CreateLogger("otlp"));
            RoleParts parts = new(new TcpDialer(TimeProvider.System), new UdpDatagrams(), TimeProvider.System,
                loggers, file?.Credentials ?? Credentials.None, interruption.Token)
            {
                Requests = requests?.Listener,
                Sender = sender,
                CertificateEnds = () => served?.Ends,
            };
            roles = build(parts);
            watch = SettingsWatch.Of(settings, parts);
            bool isSecure = roles.Any(role => role.Listeners.Any(listener => listener.IsSecure));
            using CertificateFiles? certificates = isSecure ? Certificates(web!, loggers) : null;
            served = certificates;
            using EventLoops loops = new(loggers, TimeProvider.System);
            // Before the first request can come.
            sender?.Start(roles.OfType<IWatched>(), InstanceOf(roles), ProgramVersion.Text);
            foreach (IRole role in roles) Listen(role, loops, certificates, loggers);
            started?.Invoke();
            using Supervisor? supervisor = Supervisor.OfProcess(loggers.CreateLogger("supervisor"));
            supervisor?.Ready();
            await RunUntilStopped(roles, loops, supervisor, interruption.Token);
            return ExitCode.Done;
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            return ExitCode.Done;
        }
        catch (Exception exception)
            when (exception is PortUnavailableException or DirectoryNotFoundException or UnusableCertificateException
                or UnusableCopyFolderException or RecordStoreException or UnusableCountryFileException
                or UnusableKeyFileException or UnusableLogFileException)
        {
            Messages.Say(exception.Message);
            return ExitCode.Usage;
        }
        finally
        {
            watch?.Dispose();
            foreach (IDisposable role in roles.OfType<IDisposable>()) role.Dispose();
        }
    }

    private static void Listen(IRole role, EventLoops loops, CertificateFiles? certificates, ILoggerFactory loggers)
    {
        foreach (Listener listener in role.Listeners)
        {
            Say(loggers, role, listener, loops.Listen(listener, certificates).Port);
        }
    }

    // The same after it was started again.
    private static string InstanceOf(IEnumerable<IRole> roles) => $"{Environment.MachineName}:"
        + roles.SelectMany(role => role.Listeners).Select(listener => listener.EndPoint.Port).FirstOrDefault();

    // Who rotates logs signals every process of the name. What was started at a terminal ends with it.
    private static void HangUp(PosixSignalContext context, AccessLogFile? requests, SettingsWatch? watch)
    {
        context.Cancel = requests is not null || Console.IsInputRedirected;
        requests?.Reopen();
        watch?.ReadAgain();
    }

    private static async Task RunUntilStopped(
        IReadOnlyList<IRole> roles, EventLoops loops, Supervisor? supervisor, CancellationToken stopped)
    {
        // Not linked: the roles go on while they leave.
        using CancellationTokenSource all = new();
        Task[] running = [.. roles.Select(role => role.RunAsync(all.Token)),
            MemoryKeeper.RunAsync(loops, TimeProvider.System, all.Token)];
        Task watched = supervisor?.WatchAsync(loops, TimeProvider.System, all.Token) ?? Task.CompletedTask;
        Task asked = Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stopped);
        try
        {
            Task first = await Task.WhenAny(Tasks.UntilFirstFailure(running), asked);
            supervisor?.Stopping();
            if (stopped.IsCancellationRequested) await Departure.RunAsync(roles, loops, TimeProvider.System);
            else await first;
        }
        finally
        {
            await all.CancelAsync();
            await Task.WhenAll([.. running, watched]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static CertificateFiles Certificates(WebPorts web, ILoggerFactory loggers) =>
        new(web.Certificate!, web.Key!, TimeProvider.System, loggers.CreateLogger("https"));

    private static void Say(ILoggerFactory loggers, IRole role, Listener listener, int port)
    {
        ILogger logger = loggers.CreateLogger(role.Name);
        string tls = listener.IsSecure ? " for HTTPS" : listener.Service is HttpService ? " for HTTP" : "";
        string what = $"listens on {WireAddress.Format(listener.EndPoint.Address)}:{port}{tls}";
        if (logger.IsEnabled(LogLevel.Information)) logger.Log(LogLevel.Information, 0, what, null, (text, _) => text);
    }
}

/// <summary>What every role is built from.</summary>
internal sealed record RoleParts(IDialer Dialer, IDatagrams Datagrams, TimeProvider Time, ILoggerFactory Loggers,
    Credentials Credentials, CancellationToken Stopping)
{
    /// <summary>The access log; null for none.</summary>
    public IExchangeListener? Requests { get; init; }

    /// <summary>Sends what is measured to a collector; null for nobody.</summary>
    public OtlpSender? Sender { get; init; }

    /// <summary>Hears of each HTTP request once it is answered; null for nobody.</summary>
    /// <param name="server">The content server that answers them; null for an index.</param>
    public IExchangeListener? RequestsOf(string? server) => (Requests, Sender) switch
    {
        (_, null) => Requests,
        (null, var sender) => sender.DurationsOf(server),
        var (log, sender) => new ExchangeListeners(log, sender.DurationsOf(server)),
    };

    /// <summary>What can be another while the process runs; whoever builds a role adds to it.</summary>
    public List<Reload> Reloads { get; } = [];

    /// <summary>When the certificate of its HTTPS ports ends; null without one.</summary>
    public Func<DateTimeOffset?> CertificateEnds { get; init; } = () => null;
}
