using System.Buffers;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Content.Publishing;

/// <summary>Tells the index what came of its orders, and what was brought or lost, until it has noted it.</summary>
/// <remarks>In the order in which it happened, many at once. When the index is away for long the oldest are let go of:
/// it works its orders out anew from what should be and what is.</remarks>
internal sealed class ReceiptLink(TimeProvider time)
{
    private const int Most = 100_000;
    private const int MostAtOnce = 1_000;

    private readonly Bell _bell = new(time);
    private readonly Lock _lock = new();
    private readonly Queue<Receipt> _receipts = [];

    /// <summary>How many are not noted yet.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _receipts.Count;
        }
    }

    /// <summary>Tells one, soon.</summary>
    public void Tell(Receipt receipt)
    {
        lock (_lock)
        {
            if (_receipts.Count >= Most) _receipts.Dequeue();
            _receipts.Enqueue(receipt);
        }
        _bell.Ring();
    }

    /// <summary>Tells until cancelled.</summary>
    public async Task RunAsync(StandingCall call, ServerId self, CancellationToken cancellationToken)
    {
        // Without anything to tell nobody is called.
        await UntilSomeAsync(cancellationToken).ConfigureAwait(false);
        await call.RunAsync(async (connection, ending) =>
        {
            await UntilSomeAsync(ending).ConfigureAwait(false);
            return await TellAsync(call, connection, self, ending).ConfigureAwait(false);
        }, cancellationToken).ConfigureAwait(false);
    }

    private async Task UntilSomeAsync(CancellationToken cancellationToken)
    {
        while (Count == 0)
        {
            await _bell.WaitAsync(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<string?> TellAsync(
        StandingCall call, LineConnection connection, ServerId self, CancellationToken cancellationToken)
    {
        Receipt[] told;
        lock (_lock) told = [.. _receipts.Take(MostAtOnce)];
        ArrayBufferWriter<byte> lines = new();
        foreach (Receipt receipt in told) receipt.Write(lines);
        lines.WriteText($"NOTE {self}\n");
        string? refusal = await call.AskAsync(connection, lines.WrittenMemory, line =>
            line.Span.SequenceEqual("OK NOTED"u8) ? true : throw new InvalidDataException("it said no OK NOTED"),
            cancellationToken).ConfigureAwait(false);
        if (refusal is not null) return refusal;
        lock (_lock)
        {
            // The oldest may have been let go of meanwhile.
            foreach (Receipt receipt in told)
            {
                if (_receipts.TryPeek(out Receipt? first) && ReferenceEquals(first, receipt)) _receipts.Dequeue();
            }
        }
        return null;
    }
}
