using System.Text;

namespace MicroCdn.Origin;

/// <summary>Sends the body of a request as its source gives it and the origin takes it.</summary>
internal static class BodySending
{
    private const int PieceBytes = 16 * 1024;

    // Room before a piece for its size in hexadecimal digits and CR LF, behind it for CR LF.
    private const int SizeBytes = 10;

    /// <summary>Sends it to its end.</summary>
    /// <exception cref="OriginException">The source broke off, or gave another length than it promised.</exception>
    /// <exception cref="IOException">The origin takes no more: its answer may be there all the same.</exception>
    public static async Task SendAsync(Connection connection, OriginBody body, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[SizeBytes + PieceBytes + 2];
        long left = body.Length ?? long.MaxValue;
        while (true)
        {
            int count = await PullAsync(connection, body, buffer.AsMemory(SizeBytes, PieceBytes), cancellationToken)
                .ConfigureAwait(false);
            if (body.Length is not null && (count > left || (count == 0 && left > 0)))
            {
                throw Broken(connection, "it has another length than was promised", null);
            }
            left -= count;
            if (count > 0) await connection.WriteAsync(Framed(buffer, count, body.Length is null), cancellationToken)
                .ConfigureAwait(false);
            if (count == 0) break;
        }
        if (body.Length is null)
        {
            await connection.WriteAsync("0\r\n\r\n"u8.ToArray(), cancellationToken).ConfigureAwait(false);
        }
    }

    private static async ValueTask<int> PullAsync(
        Connection connection, OriginBody body, Memory<byte> target, CancellationToken cancellationToken)
    {
        try
        {
            return await body.ReadAsync(target, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OriginException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Broken(connection, exception.Message, exception);
        }
    }

    // The origin must not take half a body for a whole one, and whoever waits for the answer is to know why.
    private static OriginException Broken(Connection connection, string why, Exception? inner)
    {
        connection.Abort(OriginFailure.RequestBody);
        return new OriginException(OriginFailure.RequestBody, $"The body of the request broke off: {why}", inner);
    }

    private static ReadOnlyMemory<byte> Framed(byte[] buffer, int count, bool chunked)
    {
        if (!chunked) return buffer.AsMemory(SizeBytes, count);
        string size = $"{count:x}\r\n";
        int start = SizeBytes - size.Length;
        Encoding.ASCII.GetBytes(size, buffer.AsSpan(start));
        "\r\n"u8.CopyTo(buffer.AsSpan(SizeBytes + count));
        return buffer.AsMemory(start, size.Length + count + 2);
    }
}
