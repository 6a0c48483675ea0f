using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>One response as it came over the wire; text is one letter for each byte.</summary>
internal sealed record RawResponse(string Head, string Body)
{
    public int Status => int.Parse(Head.AsSpan(9, 3), CultureInfo.InvariantCulture);

    /// <summary>The value of a field, or null.</summary>
    public static string? FieldOf(string head, string name) => head.Split("\r\n").Skip(1)
        .Where(line => line.StartsWith($"{name}:", StringComparison.OrdinalIgnoreCase))
        .Select(line => line[(name.Length + 1)..].Trim()).FirstOrDefault();

    public string? Field(string name) => FieldOf(Head, name);
}

/// <summary>A connection that sends any bytes and reads responses strictly, one after another.</summary>
internal sealed class RawConnection(Stream stream) : IDisposable
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    public static async Task<RawConnection> OpenAsync(int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
        return new RawConnection(new NetworkStream(socket, ownsSocket: true));
    }

    /// <summary>Sends; a peer that has closed already is no error here.</summary>
    public async Task SendAsync(string text)
    {
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(text));
        }
        catch (IOException)
        {
            // What it answered before can still be read.
        }
    }

    /// <summary>Reads the next response; null at the end of the connection.</summary>
    /// <exception cref="InvalidDataException">What came is no response.</exception>
    public async Task<RawResponse?> ReadAsync(CancellationToken late)
    {
        StringBuilder head = new();
        while (!EndsWithEmptyLine(head))
        {
            int next = await NextAsync(late);
            if (next < 0 && head.Length == 0) return null;
            if (next < 0) throw new InvalidDataException($"cut within a head:\n{head}");
            head.Append((char)next);
        }
        string text = head.ToString();
        if (!text.StartsWith("HTTP/1.", StringComparison.Ordinal)) throw new InvalidDataException($"no response:\n{text}");
        StringBuilder body = new();
        if (RawResponse.FieldOf(text, "Transfer-Encoding") is not null) await ReadChunksAsync(body, late);
        else if (RawResponse.FieldOf(text, "Content-Length") is { } length)
        {
            await ReadBytesAsync(body, int.Parse(length, CultureInfo.InvariantCulture), late);
        }
        else if (text[9] != '1' && text[9..12] is not ("204" or "304"))
        {
            while (await NextAsync(late) is >= 0 and var next) body.Append((char)next);
        }
        return new RawResponse(text, body.ToString());
    }

    /// <summary>Reads every response until the other side closes.</summary>
    public async Task<List<RawResponse>> ReadAllAsync(TimeSpan patience)
    {
        using CancellationTokenSource late = new(patience);
        List<RawResponse> responses = [];
        while (await ReadAsync(late.Token) is { } response) responses.Add(response);
        return responses;
    }

    /// <summary>All that comes until the other side closes, as it is.</summary>
    public async Task<string> ReadRawAsync(TimeSpan patience)
    {
        using CancellationTokenSource late = new(patience);
        StringBuilder all = new();
        while (await NextAsync(late.Token) is >= 0 and var next) all.Append((char)next);
        return all.ToString();
    }

    public void Dispose() => stream.Dispose();

    private static bool EndsWithEmptyLine(StringBuilder head) => head.Length >= 4 && head[^1] == '\n'
        && head[^2] == '\r' && head[^3] == '\n' && head[^4] == '\r';

    private async Task ReadChunksAsync(StringBuilder body, CancellationToken late)
    {
        while (true)
        {
            StringBuilder line = new();
            while (line.Length < 2 || line[^1] != '\n') line.Append((char)await NextOrFailAsync(late));
            int size = int.Parse(line.ToString().Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            await ReadBytesAsync(body, size, late);
            await NextOrFailAsync(late);
            await NextOrFailAsync(late);
            if (size == 0) return;
        }
    }

    private async Task ReadBytesAsync(StringBuilder body, int count, CancellationToken late)
    {
        for (int n = 0; n < count; n++) body.Append((char)await NextOrFailAsync(late));
    }

    private async ValueTask<int> NextOrFailAsync(CancellationToken late) =>
        await NextAsync(late) is >= 0 and var next ? next : throw new InvalidDataException("cut within a body");

    // The next byte, or -1 at the end; a reset is an end too.
    private async ValueTask<int> NextAsync(CancellationToken late)
    {
        if (_start < _end) return _buffer[_start++];
        try
        {
            (_start, _end) = (0, await stream.ReadAsync(_buffer, late));
        }
        catch (IOException)
        {
            return -1;
        }
        return _end == 0 ? -1 : _buffer[_start++];
    }
}
