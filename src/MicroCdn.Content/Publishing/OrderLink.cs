using System.Buffers;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Content.Publishing;

/// <summary>Asks the index what this server is to fetch, show, drop and forget, and has it done.</summary>
/// <remarks>It asks again when all but the fetching is done; the index holds the question until there is something to
/// do. A connection that breaks loses nothing: orders are worked out anew, and what is done already is done.</remarks>
internal sealed class OrderLink(ContentOptions options, BlobKeeper blobs, OrderWork work, ReceiptLink receipts)
{
    /// <summary>Asks until cancelled.</summary>
    public Task RunAsync(StandingCall call, CancellationToken cancellationToken) =>
        call.RunAsync((connection, ending) => AskAsync(call, connection, ending), cancellationToken);

    private async Task<string?> AskAsync(
        StandingCall call, LineConnection connection, CancellationToken cancellationToken)
    {
        (long capacity, long free) = blobs.Room;
        ArrayBufferWriter<byte> question = new();
        // Of other indexes' orders too: what is fetched for one is not fetched again for another.
        int busy = work.Fetching + receipts.Count;
        question.WriteText($"ORDERS {options.Id} capacity={capacity} free={free} busy={busy}\n");
        List<OrderLine> orders = [];
        string? refusal = await call.AskAsync(
            connection, question.WrittenMemory, line => Take(line.Span, orders), cancellationToken)
            .ConfigureAwait(false);
        if (refusal is null) await work.DoAsync(orders, receipts, cancellationToken).ConfigureAwait(false);
        return refusal;
    }

    private static bool Take(ReadOnlySpan<byte> line, List<OrderLine> orders)
    {
        if (line.SequenceEqual("END"u8)) return true;
        // Half of an order that belongs together would be carried out as if it were the whole.
        if (!OrderLine.TryParse(line, out OrderLine? order))
        {
            throw new InvalidDataException($"it said '{Encoding.UTF8.GetString(line)}'");
        }
        if (orders.Count >= OrderLine.MostLines) throw new InvalidDataException("it gave too many orders at once");
        orders.Add(order!);
        return false;
    }
}
