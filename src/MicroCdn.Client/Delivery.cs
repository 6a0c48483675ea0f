using System.Buffers;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Client;

/// <summary>The way of one courier: to its server, with chunk after chunk into the part, until nothing is left for
/// it.</summary>
internal sealed class Delivery(FileName name, Location location, Surroundings around, ChunkBoard board, PartFile part,
    ChunkListing listing, Action<Courier, int> moved)
{
    private const int FewAsked = 2;
    private static readonly TimeSpan Ahead = TimeSpan.FromSeconds(1);

    /// <summary>Goes.</summary>
    /// <returns>How it ended, and for a failure why.</returns>
    /// <exception cref="TargetException">The part cannot be written.</exception>
    /// <exception cref="DiskFullException">No room is left.</exception>
    public async Task<(Outcome Outcome, string? Failure)> RunAsync(Courier courier, CancellationToken cancellationToken)
    {
        Holder holder = courier.Candidate.Holder;
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(location.Size, 1, Chunks.Bytes));
        try
        {
            Outcome outcome = await GoAsync(courier, buffer, cancellationToken).ConfigureAwait(false);
            return (outcome, outcome == Outcome.NoDigests ? $"{holder} does not know its chunks yet" : null);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return courier.IsCalledBack
                ? (Outcome.Stalled, $"{holder} sent nothing for {around.Options.Stall.TotalSeconds} s")
                : (Outcome.Done, null);
        }
        catch (MissingFileException exception)
        {
            return (Outcome.Missing, exception.Message);
        }
        catch (WholeOnlyException exception)
        {
            return (Outcome.WholeOnly, exception.Message);
        }
        catch (WrongBytesException exception)
        {
            return (Outcome.Wrong, exception.Message);
        }
        catch (Exception exception) when (
            exception is InvalidDataException or HttpRequestException or OperationCanceledException
            || exception is IOException and not (DiskFullException or TargetException))
        {
            return (Outcome.Failed, exception.Message);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<Outcome> GoAsync(Courier courier, byte[] buffer, CancellationToken cancellationToken)
    {
        Holder holder = courier.Candidate.Holder;
        await using ISource? source = await OpenAsync(holder, cancellationToken).ConfigureAwait(false);
        if (source is null) return await PassAsync(courier, buffer, cancellationToken).ConfigureAwait(false);
        board.Hear(courier, 0);
        if (listing.Known is null)
        {
            ChunkList? told = await source.ReadChunksAsync(location, () => board.Hear(courier, 0), cancellationToken)
                .ConfigureAwait(false);
            if (told is null && listing.Known is null) return Outcome.NoDigests;
            if (told is not null) listing.Offer(told);
        }
        ChunkList list = await listing.WaitAsync(cancellationToken).ConfigureAwait(false);
        return await CarryAsync(courier, source, list, buffer, cancellationToken).ConfigureAwait(false);
    }

    // Null when the server speaks version 1, and knows whole files alone.
    private async Task<ISource?> OpenAsync(Holder holder, CancellationToken cancellationToken)
    {
        if (holder.Url is { } url) return around.Http.Open(url, location.Size, holder.ToString());
        LineConnection? connection = await Speaking2.TryDialAsync(
            around.Dialer, holder.Host, holder.Port, around.Time, cancellationToken).ConfigureAwait(false);
        return connection is null ? null : new LineSource(connection, name, location.Digest, holder.ToString());
    }

    private async Task<Outcome> CarryAsync(
        Courier courier, ISource source, ChunkList list, byte[] buffer, CancellationToken cancellationToken)
    {
        Queue<int> asked = new();
        int depth = FewAsked;
        while (true)
        {
            List<int> taken = board.Take(courier, Math.Min(depth, source.MostAsked) - asked.Count);
            if (taken.Count > 0)
            {
                await source.AskAsync([.. taken.Select(chunk =>
                    (ChunkCount.OffsetOf(chunk), Chunks.LengthOf(location.Size, chunk)))], cancellationToken)
                    .ConfigureAwait(false);
                taken.ForEach(asked.Enqueue);
            }
            if (!asked.TryDequeue(out int chunk)) return Outcome.Done;
            // What comes next on this connection is a chunk that another one fetches now: leave.
            if (!board.IsWorthBeginning(courier, chunk)) return Outcome.Overtaken;
            TimeSpan began = board.Now;
            Memory<byte> bytes = buffer.AsMemory(0, Chunks.LengthOf(location.Size, chunk));
            await source.BeginAsync(bytes.Length, cancellationToken).ConfigureAwait(false);
            await FillAsync(courier, source.ReadAsync, bytes, cancellationToken).ConfigureAwait(false);
            TimeSpan spent = board.Now - began;
            depth = spent <= TimeSpan.Zero ? source.MostAsked
                : (int)Math.Clamp(Ahead / spent, FewAsked, source.MostAsked);
            Deliver(courier, chunk, list, bytes.Span);
        }
    }

    // A server of version 1 sends the whole file from its first byte: what is there already passes by.
    private async Task<Outcome> PassAsync(Courier courier, byte[] buffer, CancellationToken cancellationToken)
    {
        if (listing.Known is null) return Outcome.NoDigests;
        ChunkList list = await listing.WaitAsync(cancellationToken).ConfigureAwait(false);
        Holder holder = courier.Candidate.Holder;
        await using LineConnection connection = await around.Dialer
            .DialAsync(holder.Host, holder.Port, cancellationToken).ConfigureAwait(false);
        long? size = await FileRequest.SendAsync(connection, name, holder.ToString(), cancellationToken)
            .ConfigureAwait(false);
        if (size != location.Size)
        {
            throw new MissingFileException(size is null ? $"{holder} has no such file"
                : $"{holder} offers {size} bytes where the index says {location.Size}");
        }
        board.Hear(courier, 0);
        for (int chunk = 0; chunk < list.Count && !board.IsWhole; chunk++)
        {
            bool wanted = board.TryTake(courier, chunk);
            Memory<byte> bytes = buffer.AsMemory(0, Chunks.LengthOf(location.Size, chunk));
            await FillAsync(courier, connection.ReadAsync, bytes, cancellationToken).ConfigureAwait(false);
            if (wanted) Deliver(courier, chunk, list, bytes.Span);
        }
        return Outcome.Done;
    }

    private async Task FillAsync(Courier courier, Func<Memory<byte>, CancellationToken, ValueTask<int>> read,
        Memory<byte> bytes, CancellationToken cancellationToken)
    {
        board.Begin(courier);
        for (int filled = 0; filled < bytes.Length;)
        {
            int count = await read(bytes[filled..], cancellationToken).ConfigureAwait(false);
            if (count == 0) throw new IOException($"{courier.Candidate.Holder} ended in the middle of the file");
            filled += count;
            board.Hear(courier, count);
            moved(courier, filled);
            if (around.Options.Pace is not { } pace) continue;
            // What we do not read is not the server's silence.
            board.Wait(courier);
            await pace(count, cancellationToken).ConfigureAwait(false);
        }
    }

    private void Deliver(Courier courier, int chunk, ChunkList list, ReadOnlySpan<byte> bytes)
    {
        if (!list.IsRight(chunk, bytes))
        {
            board.Refuse(courier, chunk);
            throw new WrongBytesException($"{courier.Candidate.Holder} sent wrong bytes");
        }
        if (!board.TryDeliver(chunk)) return;
        Write(chunk, bytes);
        board.CountWritten(courier, bytes.Length);
        // Our own disk is not the server's silence.
        board.Wait(courier);
        moved(courier, 0);
    }

    private void Write(int chunk, ReadOnlySpan<byte> bytes)
    {
        try
        {
            part.Write(chunk, ChunkCount.OffsetOf(chunk), bytes);
        }
        catch (Exception exception)
            when (exception is IOException and not DiskFullException or UnauthorizedAccessException)
        {
            throw new TargetException(exception);
        }
    }
}
