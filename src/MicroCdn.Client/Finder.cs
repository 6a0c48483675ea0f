using System.Collections.Concurrent;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>Asks several indexes at once, one 300 ms behind the other, and falls back on what it remembers.</summary>
/// <remarks>
/// <para>The first index that knows the file is believed. What one says that is behind counts when no other one has
/// answered 300 ms after all were asked, and it is asked last from then on.</para>
/// <para>What an index said is remembered for ten minutes, and counts when none answers. When every index that answers
/// says that the file is not found, that is hearsay too: one that has just started has heard of no server yet. So where
/// the bytes can be verified the remembered servers are asked, and they have the last word: who removes a file removes
/// it there.</para>
/// </remarks>
internal sealed class Finder(IReadOnlyList<IFinder> indexes, string key, ListMemory? memory, TimeProvider time)
    : IFinder
{
    /// <summary>How long the index before has to answer until the next one is asked too.</summary>
    public static readonly TimeSpan Stagger = TimeSpan.FromMilliseconds(300);

    // So long the indexes have for themselves when there is something to fall back on: a dead one whose machine is gone
    // too would else cost 5 s before the first byte.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<IFinder, bool> _behind = [];
    private volatile IFinder _last = indexes[0];

    /// <inheritdoc/>
    public async Task<Location?> FindAsync(
        FileName name, IReadOnlyCollection<string> not, CancellationToken cancellationToken)
    {
        Location? remembered = memory?.Recall(key, name);
        using CancellationTokenSource late = remembered is null ? new() : new(Grace, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            Location? location = await AskAllAsync(name, not, stop.Token).ConfigureAwait(false);
            if (location is { IsWholeList: true }) memory?.Keep(key, name, location);
            return location ?? (remembered is { HasChunks: true } ? remembered with { IsDoubted = true } : null);
        }
        catch (Exception exception) when (remembered is not null && !cancellationToken.IsCancellationRequested
            && exception is IOException or InvalidDataException or OperationCanceledException)
        {
            return remembered;
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public Task<List<ServerRow>> ListServersAsync(CancellationToken cancellationToken) =>
        _last.ListServersAsync(cancellationToken);

    /// <inheritdoc/>
    public Task ReportAsync(FileName name, string server, string reason, CancellationToken cancellationToken) =>
        _last.ReportAsync(name, server, reason, cancellationToken);

    private async Task<Location?> AskAllAsync(
        FileName name, IReadOnlyCollection<string> not, CancellationToken cancellationToken)
    {
        if (indexes.Count == 1) return await indexes[0].FindAsync(name, not, cancellationToken).ConfigureAwait(false);
        IFinder[] order = InOrder();
        List<Task<(IFinder Index, Location? Location)>> asked = [];
        List<string> failures = [];
        bool missing = false;
        Location? spare = null;
        for (int next = 0; next < order.Length || asked.Count > 0;)
        {
            if (next < order.Length) asked.Add(AskAsync(order[next++], name, not, cancellationToken));
            bool isLast = next == order.Length;
            Task soon = isLast && spare is null ? Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken)
                : Task.Delay(Stagger, time, cancellationToken);
            // One that is behind may be all there is, but nobody waits before the others are asked.
            while (asked.Count > 0 && (isLast || spare is null)
                && await Task.WhenAny([.. asked, soon]).ConfigureAwait(false) != soon)
            {
                Task<(IFinder Index, Location? Location)> done = asked.First(task => task.IsCompleted);
                asked.Remove(done);
                Location? location = await TakeAsync(done, failures).ConfigureAwait(false);
                missing |= done.IsCompletedSuccessfully && location is null;
                if (location is { IsBehind: false }) return location;
                if (location is not null && isLast) soon = Task.Delay(Stagger, time, cancellationToken);
                spare ??= location;
            }
            cancellationToken.ThrowIfCancellationRequested();
            if (isLast && spare is not null) break;
        }
        return spare ?? (missing ? null : throw new IOException(string.Join("; ", failures)));
    }

    // Whoever answered last time is asked first, those that were behind last.
    private IFinder[] InOrder()
    {
        IFinder[] order = [_last, .. indexes.Where(index => index != _last)];
        return [.. order.OrderBy(_behind.ContainsKey)];
    }

    // What an index answered; null when it has no such file, or failed.
    private async Task<Location?> TakeAsync(
        Task<(IFinder Index, Location? Location)> done, List<string> failures)
    {
        try
        {
            (IFinder index, Location? location) = await done.ConfigureAwait(false);
            if (location is { IsBehind: true }) _behind[index] = true;
            else if (location is not null)
            {
                _last = index;
                _behind.TryRemove(index, out _);
            }
            return location;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            failures.Add(exception.Message);
            return null;
        }
    }

    private static async Task<(IFinder, Location?)> AskAsync(IFinder index, FileName name,
        IReadOnlyCollection<string> not, CancellationToken cancellationToken) =>
        (index, await index.FindAsync(name, not, cancellationToken).ConfigureAwait(false));
}
