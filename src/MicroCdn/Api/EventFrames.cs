using System.Text;

namespace MicroCdn.Api;

/// <summary>Reads a stream of server-sent events (WHATWG HTML, section 9.2).</summary>
internal sealed class EventFrames(Stream stream)
{
    // An event of ours has some two kilobytes; the figures of now, with a hundred concerns, some more.
    private const int MostBytes = 1 << 20;

    private byte[] _buffer = new byte[16 << 10];
    private int _start, _end;

    /// <summary>Reads the next event; null at the end.</summary>
    /// <exception cref="InvalidDataException">An event is too long.</exception>
    public async Task<EventFrame?> ReadAsync(CancellationToken cancellationToken)
    {
        string kind = "message";
        StringBuilder data = new();
        while (await ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.Length == 0)
            {
                if (data.Length > 0) return new EventFrame(kind, data.ToString());
                kind = "message";
                continue;
            }
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            string field = colon < 0 ? line : line[..colon];
            string value = colon < 0 ? "" : line[(colon + 1)..];
            if (value.StartsWith(' ')) value = value[1..];
            if (field == "event") kind = value;
            else if (field == "data") data.Append(data.Length > 0 ? "\n" : "").Append(value);
            if (data.Length > MostBytes) throw new InvalidDataException("an event is too long");
        }
        return null;
    }

    private async Task<string?> ReadLineAsync(CancellationToken cancellationToken)
    {
        int looked = _start;
        while (true)
        {
            int at = _buffer.AsSpan(looked, _end - looked).IndexOf((byte)'\n');
            if (at >= 0)
            {
                string line = Encoding.UTF8.GetString(_buffer, _start, looked + at - _start).TrimEnd('\r');
                _start = looked + at + 1;
                return line;
            }
            looked = _end;
            if (_end == _buffer.Length) looked -= MakeRoom();
            int read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
            if (read == 0) return null;
            _end += read;
        }
    }

    // By how far everything moved.
    private int MakeRoom()
    {
        int moved = _start;
        byte[] room = moved > 0 ? _buffer : new byte[_buffer.Length * 2];
        if (room.Length > MostBytes) throw new InvalidDataException("a line of an event is too long");
        Buffer.BlockCopy(_buffer, moved, room, 0, _end - moved);
        (_buffer, _start, _end) = (room, 0, _end - moved);
        return moved;
    }
}

/// <summary>One server-sent event.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Data">What it says.</param>
internal readonly record struct EventFrame(string Kind, string Data);
