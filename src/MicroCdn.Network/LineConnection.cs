using System.Net;
using MicroCdn.Protocol;

namespace MicroCdn.Network;

/// <summary>One dialed connection: lines out, lines and raw bytes in, everything bounded.</summary>
/// <remarks>One reader and one writer at a time. Every call may throw <see cref="IOException"/> when the peer is
/// gone.</remarks>
public sealed class LineConnection(Stream stream, IPAddress local, IPAddress remote) : IAsyncDisposable
{
    private readonly byte[] _buffer = new byte[Limits.LineBytes * 2];
    private int _start;
    private int _end;

    /// <summary>Our own address on this connection.</summary>
    public IPAddress Local => local;

    /// <summary>The peer's address.</summary>
    public IPAddress Remote => remote;

    /// <summary>The seal of the datagrams that belong to this connection; null when nothing was proved on it.</summary>
    public DatagramSeal? Seal { get; internal set; }

    /// <summary>Sends bytes in one piece; a line carries its LF.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> line, CancellationToken cancellationToken) =>
        stream.WriteAsync(line, cancellationToken);

    /// <summary>Reads one line without its end; null when the peer closed first.</summary>
    /// <exception cref="InvalidDataException">The line is longer than <see cref="Limits.LineBytes"/>.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadLineAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            int length = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            if (length >= Limits.LineBytes || (length < 0 && _end - _start >= Limits.LineBytes))
            {
                throw new InvalidDataException("The peer sent a line longer than 8 KiB.");
            }
            if (length >= 0)
            {
                ReadOnlyMemory<byte> line = _buffer.AsMemory(_start, length);
                _start += length + 1;
                return length > 0 && line.Span[^1] == '\r' ? line[..^1] : line;
            }
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (_start, _end) = (0, _end - _start);
            }
            int read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (read == 0) return null;
            _end += read;
        }
    }

    /// <summary>Reads raw bytes that follow a line; 0 when the peer closed.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        if (_start == _end) return await stream.ReadAsync(target, cancellationToken).ConfigureAwait(false);
        int length = Math.Min(target.Length, _end - _start);
        _buffer.AsSpan(_start, length).CopyTo(target.Span);
        _start += length;
        return length;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => stream.DisposeAsync();
}

/// <summary>Opens connections; the tests have one that dials into a fake network.</summary>
public interface IDialer
{
    /// <summary>Connects to a host name or address.</summary>
    /// <exception cref="IOException">Nobody answers there, or the name is unknown.</exception>
    ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken);
}
