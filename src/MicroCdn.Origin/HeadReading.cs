namespace MicroCdn.Origin;

/// <summary>Reads the heads of one answer from a connection.</summary>
internal sealed class HeadReading(Connection connection, OriginAddress address, bool toHead)
{
    /// <summary>Reads the next one.</summary>
    /// <param name="sending">The body of the request on its way; time is counted from its end.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="OriginException">It is none, or does not come.</exception>
    /// <exception cref="IOException">The origin closed before its end.</exception>
    public async ValueTask<ResponseHead> ReadAsync(Task sending, CancellationToken cancellationToken)
    {
        HeadEnd end = default;
        while (true)
        {
            int length = end.Find(connection.Buffered, out string? fault);
            if (fault is not null) throw Malformed(fault);
            if (length > OriginLimits.HeadBytes || connection.Buffered.Length >= OriginLimits.HeadBytes && length == 0)
            {
                throw TooLarge("it is longer than 64 KiB");
            }
            if (length > 0) return Take(length);
            int count = sending.IsCompleted ? await connection.FillAsync(cancellationToken).ConfigureAwait(false)
                : await FillWhileSendingAsync(sending, cancellationToken).ConfigureAwait(false);
            if (count == 0) throw new IOException("The origin closed before the end of its head.");
        }
    }

    private ResponseHead Take(int length)
    {
        ResponseHead? head = ResponseHead.Read(connection.Buffered[..length], toHead, out string? fault,
            out bool isTooLarge);
        if (head is null) throw isTooLarge ? TooLarge(fault!) : Malformed(fault!);
        connection.Skip(length);
        return head;
    }

    // An origin may answer at any time; it owes an answer only when it has the whole request.
    private async ValueTask<int> FillWhileSendingAsync(Task sending, CancellationToken cancellationToken)
    {
        connection.ExpectNothing();
        Task<int> filling = connection.FillAsync(cancellationToken).AsTask();
        if (await Task.WhenAny(filling, sending).ConfigureAwait(false) == sending) connection.ExpectHead();
        return await filling.ConfigureAwait(false);
    }

    private OriginException Malformed(string fault) =>
        new(OriginFailure.Malformed, $"The answer of {address} is broken: {fault}.");

    private OriginException TooLarge(string fault) =>
        new(OriginFailure.HeadTooLarge, $"The head of the answer of {address} is too large: {fault}.");
}
