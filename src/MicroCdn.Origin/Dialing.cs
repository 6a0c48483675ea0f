using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MicroCdn.Network;

namespace MicroCdn.Origin;

/// <summary>Opens connections: address after address with a little head start each, the first that answers is
/// taken.</summary>
internal sealed class Dialing(IStreamDialer dialer, OriginOptions options, TimeProvider time)
{
    private readonly AddressRules _rules = new(options.Allowed);
    private readonly AddressBook _book = new(dialer, options.Address, options, time);
    private readonly SslClientAuthenticationOptions? _tls = options.Address.IsSecure ? TlsFor(options) : null;

    /// <summary>Opens one.</summary>
    /// <exception cref="OriginException">No address answers.</exception>
    public async ValueTask<Connection> DialAsync(CancellationToken cancellationToken)
    {
        IPAddress[] addresses = await _book.ListAsync(cancellationToken).ConfigureAwait(false);
        // At every dial: a name may point elsewhere since it was looked at.
        IPAddress[] allowed = Array.TrueForAll(addresses, _rules.Allows) ? addresses
            : Array.FindAll(addresses, _rules.Allows);
        if (allowed.Length == 0)
        {
            throw new OriginException(OriginFailure.Forbidden,
                $"{options.Address} resolves to {addresses[0]}, which is not dialed without --origin-allow");
        }
        return allowed.Length == 1 ? await TryAsync(allowed[0], cancellationToken).ConfigureAwait(false)
            : await RaceAsync(allowed, cancellationToken).ConfigureAwait(false);
    }

    private async Task<Connection> RaceAsync(IPAddress[] addresses, CancellationToken cancellationToken)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task> running = [];
        int next = 0;
        OriginException? failure = null;
        Task headStart = Task.CompletedTask;
        try
        {
            while (true)
            {
                if (next < addresses.Length && (headStart.IsCompleted || running.Count == 0))
                {
                    headStart = Task.Delay(OriginLimits.Stagger, time, over.Token);
                    running.Add(TryAsync(addresses[next++], over.Token));
                }
                if (running.Count == 0) throw failure!;
                Task first = await (next < addresses.Length ? Task.WhenAny([.. running, headStart])
                    : Task.WhenAny(running)).ConfigureAwait(false);
                if (first is not Task<Connection> attempt) continue;
                running.Remove(attempt);
                if (attempt.IsCompletedSuccessfully) return await attempt.ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                failure = attempt.Exception?.InnerException as OriginException ?? failure;
                if (failure is null) await attempt.ConfigureAwait(false);
                // Whoever is refused at once needs no head start.
                headStart = Task.CompletedTask;
            }
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            foreach (Task late in running) _ = DropAsync((Task<Connection>)late);
        }
    }

    // Two may have answered at the same moment.
    private static async Task DropAsync(Task<Connection> late)
    {
        try
        {
            (await late.ConfigureAwait(false)).Dispose();
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // It lost the race.
        }
    }

    private async Task<Connection> TryAsync(IPAddress address, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = new(options.ConnectTime, time);
        using CancellationTokenSource either =
            CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        Stream? raw = null;
        SslStream? secure = null;
        try
        {
            raw = await dialer.DialAsync(new IPEndPoint(address, options.Address.Port), either.Token)
                .ConfigureAwait(false);
            if (_tls is not null)
            {
                secure = new SslStream(raw);
                await secure.AuthenticateAsClientAsync(_tls, either.Token).ConfigureAwait(false);
            }
            _book.Succeeded(address);
            return new Connection(raw, secure ?? raw, address, options, time);
        }
        catch (Exception exception)
        {
            if (secure is not null) await secure.DisposeAsync().ConfigureAwait(false);
            if (raw is not null) await raw.DisposeAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (exception is not (IOException or OperationCanceledException or AuthenticationException)) throw;
            _book.Failed(address);
            throw Failure(exception, address, handshaking: secure is not null);
        }
    }

    private OriginException Failure(Exception exception, IPAddress address, bool handshaking) => exception switch
    {
        OperationCanceledException => new(OriginFailure.ConnectTimeout,
            $"{options.Address} at {address} did not answer in {options.ConnectTime.TotalSeconds:0.#} s", exception),
        _ when handshaking => new(OriginFailure.Tls,
            $"TLS with {options.Address} at {address} failed: {exception.Message}", exception),
        _ => new(OriginFailure.Unreachable,
            $"{options.Address} at {address} cannot be reached: {exception.Message}", exception),
    };

    private static SslClientAuthenticationOptions TlsFor(OriginOptions options)
    {
        SslClientAuthenticationOptions tls = new()
        {
            TargetHost = options.Address.Host,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
        };
        if (options.Authorities is not { } authorities) return tls;
        tls.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        tls.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        return tls;
    }
}
