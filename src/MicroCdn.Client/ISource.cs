using System.Buffers;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>A connection to one server that delivers parts of a file in the order in which they were asked
/// for.</summary>
internal interface ISource : IAsyncDisposable
{
    /// <summary>The most parts that may be asked for before the first has come.</summary>
    int MostAsked { get; }

    /// <summary>Asks for parts.</summary>
    /// <exception cref="IOException">The server is gone.</exception>
    ValueTask AskAsync(IReadOnlyList<(long Offset, int Length)> parts, CancellationToken cancellationToken);

    /// <summary>Waits until the next part begins.</summary>
    /// <exception cref="MissingFileException">The server has not this file, or not this part of it.</exception>
    /// <exception cref="WholeOnlyException">The server sends no parts.</exception>
    /// <exception cref="IOException">The server is gone, or answered something else.</exception>
    ValueTask BeginAsync(int length, CancellationToken cancellationToken);

    /// <summary>Reads what has come of the part; 0 when the server ended.</summary>
    ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken);

    /// <summary>The digests of the file's chunks as the server tells them; null when it does not know them, or
    /// tells others.</summary>
    /// <exception cref="MissingFileException">The server has not this file, or another version of it.</exception>
    ValueTask<ChunkList?> ReadChunksAsync(Location location, Action heard, CancellationToken cancellationToken);
}

/// <summary>A server has no such file, or another version of it.</summary>
internal sealed class MissingFileException(string message) : IOException(message);

/// <summary>A server has the file, and sends it whole alone.</summary>
internal sealed class WholeOnlyException(string message) : IOException(message);

/// <summary>Parts by RANGE, over the line protocol in version 2: of the bytes that are meant, where their digest is
/// known, and of no others.</summary>
internal sealed class LineSource(LineConnection connection, FileName name, FileDigest digest, string where) : ISource
{
    // A server that does not know the pair passes it over.
    private readonly byte[] _name = Encode(name, digest);

    public int MostAsked => 16;

    public async ValueTask AskAsync(
        IReadOnlyList<(long Offset, int Length)> parts, CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte> lines = new();
        foreach ((long offset, int length) in parts)
        {
            lines.Write(Encoding.ASCII.GetBytes($"RANGE {offset} {length} "));
            lines.Write(_name);
            lines.Write("\n"u8);
        }
        await connection.SendAsync(lines.WrittenMemory, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask BeginAsync(int length, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte>? answer = await connection.ReadLineAsync(cancellationToken).ConfigureAwait(false);
        if (answer is not { } line) throw new IOException($"{where} closed without an answer");
        Words words = new(line.Span);
        words.Next(out ReadOnlySpan<byte> verb);
        if (verb.SequenceEqual("OK"u8) && words.NextNumber(out long size) && words.AtEnd)
        {
            if (size == length) return;
            throw new MissingFileException($"{where} has another version of the file");
        }
        ThrowIfMissing(line.Span);
        throw Unexpected(line.Span);
    }

    public ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken) =>
        connection.ReadAsync(target, cancellationToken);

    public async ValueTask<ChunkList?> ReadChunksAsync(
        Location location, Action heard, CancellationToken cancellationToken)
    {
        await connection.SendAsync((byte[])[.. "CHUNKS "u8, .. _name, .. "\n"u8], cancellationToken)
            .ConfigureAwait(false);
        byte[] digests = new byte[ChunkCount.Of(location.Size) * FileDigest.Length];
        int next = -1;
        while (await connection.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            heard();
            if (next < 0)
            {
                if (line.Span.SequenceEqual("ERROR UNAVAILABLE"u8) || line.Span.StartsWith("ERROR UNKNOWN_C"u8))
                {
                    return null;
                }
                ThrowIfMissing(line.Span);
                if (!IsHead(line.Span, location)) throw new MissingFileException($"{where} has another version");
                next = 0;
            }
            else if (line.Span.SequenceEqual("END"u8) && next == digests.Length)
            {
                // A list that is not of the root has rotted perhaps; the server's bytes may be right all the same.
                return ChunkList.TryCreate(location.Size, location.Root, digests);
            }
            else if (next < digests.Length && FileDigest.TryParse(line.Span, out FileDigest digest))
            {
                digest.CopyTo(digests.AsSpan(next));
                next += FileDigest.Length;
            }
            else throw Unexpected(line.Span);
        }
        throw new IOException($"{where} closed before the end of its list of chunks");
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private static bool IsHead(ReadOnlySpan<byte> line, Location location)
    {
        Words words = new(line);
        bool valid = words.Next(out ReadOnlySpan<byte> verb) & verb.SequenceEqual("CHUNKS"u8)
            & words.Next(out _) & words.NextNumber(out long size);
        FileDigest root = FileDigest.None;
        while (valid && words.NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (key.SequenceEqual("chunks"u8)) valid = FileDigest.TryParse(value, out root);
        }
        return valid && words.AtEnd && size == location.Size && root == location.Root;
    }

    private static byte[] Encode(FileName name, FileDigest digest)
    {
        ArrayBufferWriter<byte> word = new();
        PercentText.Encode(Encoding.UTF8.GetBytes(name.Value), word);
        if (!digest.IsNone)
        {
            word.Write(" sha256="u8);
            digest.WriteHex(word);
        }
        return word.WrittenSpan.ToArray();
    }

    private void ThrowIfMissing(ReadOnlySpan<byte> line)
    {
        if (line.SequenceEqual("ERROR FILE_NOT_FOUND"u8)) throw new MissingFileException($"{where} has no such file");
        if (line.SequenceEqual("ERROR OUT_OF_RANGE"u8))
        {
            throw new MissingFileException($"{where} has another version of the file");
        }
    }

    private IOException Unexpected(ReadOnlySpan<byte> line) =>
        new($"{where} answered '{Encoding.UTF8.GetString(line)}'");
}

/// <summary>A server sent what is not the file.</summary>
internal sealed class WrongBytesException(string message) : IOException(message);
