using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.Bench;

/// <summary>One plain connection that sends lines and waits for lines: for everything that is not measured.</summary>
internal sealed class Conversation : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start, _end;

    public Conversation(int port)
    {
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            SendTimeout = 60_000,
            ReceiveTimeout = 120_000,
        };
        _socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
    }

    /// <summary>Whether a server on the port answers the line with a first line that begins as told.</summary>
    public static bool Answers(int port, string line, string beginning)
    {
        try
        {
            using Conversation conversation = new(port);
            return conversation.Ask(line).StartsWith(beginning, StringComparison.Ordinal);
        }
        catch (Exception failure) when (failure is SocketException or BenchException)
        {
            return false;
        }
    }

    /// <summary>Sends a line and waits for one.</summary>
    public string Ask(string line)
    {
        Send(Encoding.UTF8.GetBytes(line + "\n"));
        return ReadLine();
    }

    /// <summary>Sends a line and waits for the answer that is due; any other ends the program.</summary>
    public void Demand(string line, string answer)
    {
        string got = Ask(line);
        if (got == answer) return;
        throw new BenchException($"The server answered `{line}` with `{got}` instead of `{answer}`.");
    }

    /// <summary>Sends all of the bytes.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0) bytes = bytes[_socket.Send(bytes)..];
    }

    /// <summary>The next line, without its end.</summary>
    public string ReadLine()
    {
        while (true)
        {
            Span<byte> ready = _buffer.AsSpan(_start, _end - _start);
            int end = ready.IndexOf((byte)'\n');
            if (end >= 0)
            {
                _start += end + 1;
                return Encoding.UTF8.GetString(ready[..end].TrimEnd((byte)'\r'));
            }
            ready.CopyTo(_buffer);
            (_start, _end) = (0, ready.Length);
            int got = _end < _buffer.Length ? _socket.Receive(_buffer.AsSpan(_end)) : 0;
            if (got == 0) throw new BenchException("The server closed the connection where a line was due.");
            _end += got;
        }
    }

    /// <summary>The lines up to <c>END</c>, counted and thrown away.</summary>
    public int CountLines(string line)
    {
        int count = 0;
        for (string got = Ask(line); got != "END"; got = ReadLine()) count++;
        return count;
    }

    /// <summary>Reads the given count of raw bytes.</summary>
    public void ReadBytes(Span<byte> into)
    {
        while (into.Length > 0)
        {
            if (_start == _end) (_start, _end) = (0, _socket.Receive(_buffer));
            if (_start == _end) throw new BenchException("The server closed the connection in the middle of a file.");
            int part = Math.Min(into.Length, _end - _start);
            _buffer.AsSpan(_start, part).CopyTo(into);
            _start += part;
            into = into[part..];
        }
    }

    public void Dispose() => _socket.Dispose();
}
