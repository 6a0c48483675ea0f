using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MicroCdn.Api;
using MicroCdn.Client;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Verbs;

namespace MicroCdn.Doctor;

/// <summary>Looks at a fleet from this machine: every port at once, none longer than five seconds.</summary>
/// <param name="dialer">Opens line connections.</param>
/// <param name="self">Who asks; null without a key.</param>
/// <param name="time">The clock.</param>
internal sealed class Examination(IDialer dialer, Identity? self, TimeProvider time) : IDisposable
{
    // More at once would be a burden to this machine alone.
    private const int MostAtOnce = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _turns = new(MostAtOnce);

    /// <summary>Asks the admin port.</summary>
    public async Task<(AdminFact Fact, IReadOnlyList<ServerView> Servers)> AskAsync(
        ApiClient client, CancellationToken cancellationToken)
    {
        try
        {
            Overview now = await client.GetAsync("/overview", ApiShapes.Default.Overview, cancellationToken);
            TimeSpan? ahead = client.Date - time.GetUtcNow();
            return (new AdminFact(client.Place, null, now, ahead), await client.ListAsync(
                "/servers", ApiShapes.Default.ListingServerView, cancellationToken));
        }
        catch (CdnException exception)
        {
            return (new AdminFact(client.Place, exception.Message, null, null), []);
        }
    }

    /// <summary>Asks where the index and its monitors are; what it does not say is not known.</summary>
    public static async Task<KnownPlaces> AskPlacesAsync(ApiClient client, CancellationToken cancellationToken)
    {
        try
        {
            Listing<SettingView> settings = await client.GetAsync(
                "/settings", ApiShapes.Default.ListingSettingView, cancellationToken);
            return KnownPlaces.Of(settings.Items, client.Host);
        }
        catch (CdnException)
        {
            // Asked for the fleet it says the same, and that is told.
            return KnownPlaces.None;
        }
    }

    /// <summary>Looks at an index, and where there are several asks who writes.</summary>
    public Task<IndexFact> LookAsync(IndexEndPoint index, bool asksWriter, CancellationToken cancellationToken) =>
        InTurnAsync(async token =>
        {
            string place = Place(index.Host, index.Port);
            string? writer = null;
            string? trouble = await TroubleAsync(index.Host, index.Port, asksWriter ? async connection =>
            {
                await connection.SendAsync(Encoding.ASCII.GetBytes("WRITER\n"), token);
                ReadOnlyMemory<byte>? said = await connection.ReadLineAsync(token);
                writer = Encoding.UTF8.GetString((said ?? default).Span).Split(' ') switch
                {
                    ["WRITER", { } host, { } port] => $"{host}:{port}",
                    ["END"] => place,
                    ["BEHIND", ..] or ["ERROR", "UNAVAILABLE"] => "",
                    _ => null,
                };
            } : null, token);
            return new IndexFact(new DoorFact(place, trouble), writer);
        }, cancellationToken);

    /// <summary>Looks at a line port.</summary>
    public Task<DoorFact> LookAsync(string host, int port, CancellationToken cancellationToken) => InTurnAsync(
        async token => new DoorFact(Place(host, port), await TroubleAsync(host, port, null, token)), cancellationToken);

    /// <summary>Looks at a content server, at both of its ports.</summary>
    public async Task<ServerFact> LookAsync(ServerView view, CancellationToken cancellationToken)
    {
        Task<DoorFact> door = Flags.TryHostAndPort(view.Address ?? "", out string host, out int port)
            ? LookAsync(host, port, cancellationToken)
            : Task.FromResult(new DoorFact("an unknown place", "it is not registered"));
        Task<WebFact>? web = Uri.TryCreate(view.Url, UriKind.Absolute, out Uri? url)
            ? InTurnAsync(token => LookAsync(url, token), cancellationToken) : null;
        return new ServerFact(view, await door, web is null ? null : await web);
    }

    /// <summary>The disk of a folder, or of the nearest one above it that there is; null for none.</summary>
    public static DiskFact? DiskOf(string folder)
    {
        try
        {
            DriveInfo drive = new(folder);
            return new DiskFact(folder, drive.AvailableFreeSpace, drive.TotalSize);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _turns.Dispose();

    private async Task<T> InTurnAsync<T>(Func<CancellationToken, Task<T>> look, CancellationToken cancellationToken)
    {
        await _turns.WaitAsync(cancellationToken);
        try
        {
            using CancellationTokenSource late = new(Patience, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
            T fact = await look(either.Token);
            cancellationToken.ThrowIfCancellationRequested();
            return fact;
        }
        finally
        {
            _turns.Release();
        }
    }

    private async Task<string?> TroubleAsync(
        string host, int port, Func<LineConnection, Task>? ask, CancellationToken token)
    {
        try
        {
            Greeted greeted = await Speaking2.GreetAsync(dialer, host, port, time, ask is null ? null : self, token);
            await using LineConnection? connection = greeted.Connection;
            if (connection is not null && ask is not null) await ask(connection);
            return connection is not null ? null : greeted.Welcome switch
            {
                Welcome.Silence => "it takes connections and says nothing",
                Welcome.Closed => "it takes connections and closes them",
                _ => "it speaks version 1 of the protocol, or another one",
            };
        }
        catch (OperationCanceledException)
        {
            return $"no answer in {Patience.TotalSeconds} s";
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            return exception.Message.TrimEnd('.');
        }
    }

    private async Task<WebFact> LookAsync(Uri url, CancellationToken token)
    {
        DateTimeOffset? ends = null;
        string? tls = null;
        using SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = false, UseCookies = false, UseProxy = false, MaxResponseHeadersLength = 64,
        };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
        {
            if (certificate is X509Certificate2 whole) ends = whole.NotAfter.ToUniversalTime();
            if (errors != SslPolicyErrors.None) tls = Reason(errors, chain);
            return errors == SslPolicyErrors.None;
        };
        using HttpClient client = new(handler) { Timeout = Timeout.InfiniteTimeSpan };
        try
        {
            using HttpRequestMessage request = new(HttpMethod.Head, url);
            using HttpResponseMessage response =
                await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token);
            return new WebFact(Shown(url), null, response.Headers.Date - time.GetUtcNow(), ends, tls);
        }
        catch (OperationCanceledException)
        {
            return new WebFact(Shown(url), $"no answer in {Patience.TotalSeconds} s", null, ends, tls);
        }
        catch (HttpRequestException) when (tls is not null)
        {
            // It answers: that is a matter of its certificate alone.
            return new WebFact(Shown(url), null, null, ends, tls);
        }
        catch (HttpRequestException exception)
        {
            string why = (exception.InnerException ?? exception).Message.TrimEnd('.');
            return new WebFact(Shown(url), why, null, ends, tls);
        }
    }

    private static string Reason(SslPolicyErrors errors, X509Chain? chain) =>
        errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) ? "it is for another name"
            : chain?.ChainStatus.FirstOrDefault().StatusInformation is { Length: > 0 } why
                ? why.TrimEnd('.', '\n') : errors.ToString();

    private static string Shown(Uri url) => url.GetLeftPart(UriPartial.Authority);

    private static string Place(string host, int port) =>
        host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{port}" : $"{host}:{port}";
}
