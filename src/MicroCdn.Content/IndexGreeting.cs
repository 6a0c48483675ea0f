using MicroCdn.Network;

namespace MicroCdn.Content;

/// <summary>Dials the index and finds out which version of the protocol it speaks.</summary>
/// <remarks>
/// Everything but a version 2 WELCOME means version 1, also a close and two seconds of silence; then the index is
/// dialed anew. That is remembered once a registration in version 1 has succeeded (a close may only mean that the index
/// is going down), and asked once more after ten minutes: an index that was replaced by one of version 2 is not taken
/// for one of version 1 for ever. After silence or a close it is asked once more after three seconds: one that hung for
/// a moment was told no digests, and finds nothing that is published.
/// </remarks>
internal sealed class IndexGreeting(ContentOptions options, IDialer dialer, TimeProvider time)
{
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10), Doubt = TimeSpan.FromSeconds(3);

    private long? _version1Since;
    private bool _refused, _isSure;

    /// <summary>How long the index is still taken for one of version 1 without being asked.</summary>
    public TimeSpan Remembered
    {
        get
        {
            TimeSpan memory = _isSure ? Memory : Doubt;
            TimeSpan left = _version1Since is { } since ? memory - time.GetElapsedTime(since) : TimeSpan.Zero;
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>A connection to the index on which nothing but the greeting was said.</summary>
    /// <exception cref="IOException">Nobody answers there.</exception>
    public async Task<IndexLink> DialAsync(CancellationToken cancellationToken)
    {
        if (Remembered == TimeSpan.Zero && await TryVersion2Async(cancellationToken).ConfigureAwait(false) is { } link)
        {
            return link;
        }
        return new IndexLink(await DialPlainAsync(cancellationToken).ConfigureAwait(false), null);
    }

    /// <summary>A registration in version 1 succeeded: that is what the index speaks.</summary>
    public void Remember()
    {
        if (Remembered == TimeSpan.Zero) AskLater();
    }

    /// <summary>The index was asked, and is not to be asked again soon.</summary>
    public void AskLater() =>
        (_isSure, _version1Since) = (_refused || _version1Since is not null, time.GetTimestamp());

    /// <summary>A version 2 connection, or null when the index does not speak it.</summary>
    /// <exception cref="IOException">Nobody answers there.</exception>
    public async Task<IndexLink?> TryVersion2Async(CancellationToken cancellationToken)
    {
        Greeted greeted = await Speaking2.GreetAsync(
            dialer, options.IndexHost, options.IndexPort, time, options.Self, cancellationToken).ConfigureAwait(false);
        _refused = greeted.Welcome is Welcome.Refused;
        if (greeted.Connection is not { } connection) return null;
        (_version1Since, _isSure) = (null, false);
        return new IndexLink(connection, new ToldFiles(options.Id));
    }

    private ValueTask<LineConnection> DialPlainAsync(CancellationToken cancellationToken) =>
        dialer.DialAsync(options.IndexHost, options.IndexPort, cancellationToken);
}

/// <summary>A connection to the index, and in version 2 what was told on it; null in version 1.</summary>
internal sealed record IndexLink(LineConnection Connection, ToldFiles? Told) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Connection.DisposeAsync();
}
