using MicroCdn.Network;

namespace MicroCdn.Content;

/// <summary>Dials the index and finds out which version of the protocol it speaks.</summary>
/// <remarks>
/// Everything but a version 2 WELCOME means version 1, also a close and two seconds of silence; then the index is
/// dialed anew. That is remembered once a registration in version 1 has succeeded (a close may only mean that the index
/// is going down), and asked once more after ten minutes: an index that was too busy to answer, or that was replaced by
/// one of version 2, is not taken for one of version 1 for ever.
/// </remarks>
internal sealed class IndexGreeting(ContentOptions options, IDialer dialer, TimeProvider time)
{
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    private long? _version1Since;

    /// <summary>How long the index is still taken for one of version 1 without being asked.</summary>
    public TimeSpan Remembered
    {
        get
        {
            TimeSpan left = _version1Since is { } since ? Memory - time.GetElapsedTime(since) : TimeSpan.Zero;
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

    /// <summary>The index was asked once more, and is not to be asked again soon.</summary>
    public void AskLater() => _version1Since = time.GetTimestamp();

    /// <summary>A version 2 connection, or null when the index does not speak it.</summary>
    /// <exception cref="IOException">Nobody answers there.</exception>
    public async Task<IndexLink?> TryVersion2Async(CancellationToken cancellationToken)
    {
        LineConnection? connection = await Speaking2.TryDialAsync(
            dialer, options.IndexHost, options.IndexPort, time, options.Self, cancellationToken).ConfigureAwait(false);
        if (connection is null) return null;
        _version1Since = null;
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
