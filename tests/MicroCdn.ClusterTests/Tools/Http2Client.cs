using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Writes HTTP/2 frames by hand (RFC 9113), also those that no honest client would.</summary>
internal sealed class Http2Client : IDisposable
{
    public const byte Data = 0, Headers = 1, Priority = 2, Reset = 3, Settings = 4, Ping = 6, WindowUpdate = 8,
        Continuation = 9, Unknown = 0x42;

    public const byte EndStream = 1, EndHeaders = 4;

    private readonly SslStream _tls;
    private readonly Task _reading;
    private volatile bool _isCut;

    private Http2Client(SslStream tls)
    {
        _tls = tls;
        _reading = ReadAsync();
    }

    /// <summary>True once the server has ended the connection.</summary>
    public bool IsCut => _isCut;

    public static async Task<Http2Client> OpenAsync(int port, byte[] settings)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
        SslStream tls = new(new NetworkStream(socket, ownsSocket: true), false, (_, certificate, _, _) => certificate is not null);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost", ApplicationProtocols = [SslApplicationProtocol.Http2],
        });
        Assert.Equal(SslApplicationProtocol.Http2, tls.NegotiatedApplicationProtocol);
        Http2Client client = new(tls);
        await client.SendAsync([.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, settings)]);
        return client;
    }

    public static byte[] Frame(byte type, byte flags, int stream, params byte[] payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        (frame[0], frame[1], frame[2]) = ((byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    /// <summary>A setting of 32 bits as SETTINGS carries it.</summary>
    public static byte[] Setting(ushort id, uint value)
    {
        byte[] setting = new byte[6];
        BinaryPrimitives.WriteUInt16BigEndian(setting, id);
        BinaryPrimitives.WriteUInt32BigEndian(setting.AsSpan(2), value);
        return setting;
    }

    /// <summary>GET by the static table and literals without indexing (RFC 7541).</summary>
    public static byte[] Get(string path, int stream, byte flags = EndStream | EndHeaders) => Frame(Headers, flags, stream,
        [0x82, 0x87, 0x04, (byte)path.Length, .. Encoding.ASCII.GetBytes(path), 0x01, 9, .. "localhost"u8]);

    /// <summary>Sends what <paramref name="next"/> makes, again and again, until the connection is cut.</summary>
    /// <returns>How long that took, or null when it is still open at the end.</returns>
    public async Task<TimeSpan?> FloodAsync(Func<byte[]> next, TimeSpan limit)
    {
        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < limit)
        {
            if (IsCut || !await SendAsync(next())) return Stopwatch.GetElapsedTime(began);
        }
        return null;
    }

    /// <summary>Waits until the connection is cut.</summary>
    public async Task<TimeSpan?> UntilCutAsync(TimeSpan limit)
    {
        long began = Stopwatch.GetTimestamp();
        try
        {
            await _reading.WaitAsync(limit);
            return Stopwatch.GetElapsedTime(began);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    /// <summary>Sends; false when the connection is gone.</summary>
    public async Task<bool> SendAsync(byte[] bytes)
    {
        try
        {
            await _tls.WriteAsync(bytes);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public void Dispose() => _tls.Dispose();

    private async Task ReadAsync()
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (await _tls.ReadAsync(buffer) > 0)
            {
                // What comes does not matter, only that it is taken.
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Cut without a farewell.
        }
        _isCut = true;
    }
}
