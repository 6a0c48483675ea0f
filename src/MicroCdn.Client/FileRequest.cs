using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>Asks a content server for a file over the line protocol; its bytes follow on the same
/// connection.</summary>
public static class FileRequest
{
    /// <summary>Sends GET and reads the answer's line.</summary>
    /// <param name="connection">A new connection to the server.</param>
    /// <param name="name">The file.</param>
    /// <param name="where">The server, as messages call it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many bytes follow; null when the server has no such file.</returns>
    /// <exception cref="IOException">The server closed, or answered something else.</exception>
    public static async Task<long?> SendAsync(
        LineConnection connection, FileName name, string where, CancellationToken cancellationToken)
    {
        await connection.SendAsync(name.ToGetLine(), cancellationToken).ConfigureAwait(false);
        ReadOnlyMemory<byte>? answer = await connection.ReadLineAsync(cancellationToken).ConfigureAwait(false);
        if (answer is not { } line) throw new IOException($"{where} closed without an answer");
        Words words = new(line.Span);
        words.Next(out ReadOnlySpan<byte> verb);
        if (verb.SequenceEqual("OK"u8) && words.NextNumber(out long size) && words.AtEnd) return size;
        if (line.Span.SequenceEqual("ERROR FILE_NOT_FOUND"u8)) return null;
        throw new IOException($"{where} answered '{Encoding.UTF8.GetString(line.Span)}'");
    }
}
