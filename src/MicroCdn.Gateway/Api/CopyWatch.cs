using MicroCdn.Client;

namespace MicroCdn.Gateway.Api;

/// <summary>How many copies there are, as the index that writes says: asked at most once a second, whoever wants to
/// know.</summary>
internal sealed class CopyWatch(Publisher publisher, TimeProvider time)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    // Older than that it is no news of now.
    private static readonly TimeSpan Stale = TimeSpan.FromSeconds(15);

    private readonly Lock _lock = new();
    private Task? _asking;
    private CopyStatus? _status;
    private long _askedAt, _toldAt;

    /// <summary>What was said last; null when nothing was, lately. Asks anew for the next.</summary>
    public CopyStatus? Latest
    {
        get
        {
            Ask();
            lock (_lock) return _status is not null && time.GetElapsedTime(_toldAt) < Stale ? _status : null;
        }
    }

    /// <summary>What is said now, or was within a second; null when the index does not say. Waits a second at most: how
    /// servers are is to be seen also while nobody writes.</summary>
    public async Task<CopyStatus?> NowAsync()
    {
        await Task.WhenAny(Ask(), Task.Delay(Fresh, time)).ConfigureAwait(false);
        return Latest;
    }

    private Task Ask()
    {
        lock (_lock)
        {
            if (_asking is { } asking && (!asking.IsCompleted || time.GetElapsedTime(_askedAt) < Fresh)) return asking;
            _askedAt = time.GetTimestamp();
            return _asking = Task.Run(AskAsync);
        }
    }

    private async Task AskAsync()
    {
        try
        {
            CopyStatus status = await CopyStatus.AskAsync(publisher, CancellationToken.None).ConfigureAwait(false);
            lock (_lock) (_status, _toldAt) = (status, time.GetTimestamp());
        }
        catch (CdnException)
        {
            // Nothing was counted yet, or nobody writes: then it is not known.
        }
    }
}
