using System.Net;
using MicroCdn.Network;

namespace MicroCdn.Origin;

/// <summary>The addresses of an origin's host: resolved now and then, those that failed of late at the end.</summary>
internal sealed class AddressBook(IStreamDialer dialer, OriginAddress origin, OriginOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, long> _failedAt = [];
    private Task<IPAddress[]>? _resolving;
    private IPAddress[] _addresses = [];
    private long _resolvedAt;

    /// <summary>The addresses in the order in which to try them.</summary>
    /// <exception cref="OriginException">The name has none.</exception>
    public async ValueTask<IPAddress[]> ListAsync(CancellationToken cancellationToken)
    {
        Task<IPAddress[]> resolving;
        lock (_lock)
        {
            if (_addresses.Length > 0 && Age < OriginLimits.AddressTime) return InOrder(_addresses);
            resolving = _resolving ??= ResolveAsync();
        }
        IPAddress[] addresses = await resolving.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (_lock) return InOrder(addresses);
    }

    /// <summary>An address did not accept: it is asked last for a while, and the name is resolved again.</summary>
    public void Failed(IPAddress address)
    {
        lock (_lock)
        {
            // Names that change their addresses all the time leave nothing behind.
            if (_failedAt.Count > 4 * OriginLimits.Addresses) _failedAt.Clear();
            _failedAt[address] = time.GetTimestamp();
            long past = (long)(OriginLimits.AddressTime.TotalSeconds * time.TimestampFrequency);
            _resolvedAt = Math.Min(_resolvedAt, time.GetTimestamp() - past);
        }
    }

    /// <summary>An address accepted.</summary>
    public void Succeeded(IPAddress address)
    {
        lock (_lock) _failedAt.Remove(address);
    }

    private TimeSpan Age => time.GetElapsedTime(_resolvedAt);

    private async Task<IPAddress[]> ResolveAsync()
    {
        try
        {
            // Off the caller's thread and lock, which a resolver that answers at once would keep.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            using CancellationTokenSource limit = new(options.ConnectTime, time);
            IPAddress[] found = await dialer.ResolveAsync(origin.Host, limit.Token).AsTask()
                .WaitAsync(limit.Token).ConfigureAwait(false);
            if (found.Length == 0) throw new IOException($"the host name '{origin.Host}' has no address");
            lock (_lock)
            {
                (_addresses, _resolvedAt) = (found, time.GetTimestamp());
                return found;
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            lock (_lock)
            {
                // A name server that is away must not take an origin with it that is there.
                if (_addresses.Length > 0 && Age < OriginLimits.OldAddressTime) return _addresses;
            }
            string why = exception is IOException ? exception.Message : "no name server answers";
            throw new OriginException(OriginFailure.UnknownHost, $"{origin} cannot be asked: {why}", exception);
        }
        finally
        {
            lock (_lock) _resolving = null;
        }
    }

    private IPAddress[] InOrder(IPAddress[] addresses) => addresses.Length < 2 ? addresses
        : [.. addresses.OrderBy(HasFailed).Take(OriginLimits.Addresses)];

    private bool HasFailed(IPAddress address) => _failedAt.TryGetValue(address, out long at)
        && time.GetElapsedTime(at) < OriginLimits.FailedAddressTime;
}
