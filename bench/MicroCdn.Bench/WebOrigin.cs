using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.Bench;

/// <summary>A web server for caches to stand before: the target says what it answers and when, and it counts how often
/// each was asked for.</summary>
/// <remarks>Targets are <c>/keep/BYTES/NAME</c>, which may be kept for a day; <c>/drip/NAME</c>, 64 KiB of which the
/// first byte comes after 0.8 s and the last after 1.6 s; <c>/private/NAME</c>, after 0.3 s and for nobody
/// else.</remarks>
internal sealed class WebOrigin : IDisposable
{
    /// <summary>What a slow answer takes, by the words of the bars.</summary>
    public static readonly TimeSpan FirstByte = TimeSpan.FromSeconds(0.8), Uncacheable = TimeSpan.FromSeconds(0.3);

    /// <summary>The length of a dripping body.</summary>
    public const int DripBytes = Drops * 4096;

    private const int Drops = 16;
    private const string Kept = "max-age=86400", Private = "private, no-store";
    private static readonly TimeSpan Dripping = TimeSpan.FromSeconds(0.8);

    private readonly ConcurrentDictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    /// <summary>Listens on a port of 127.0.0.1.</summary>
    public WebOrigin()
    {
        Port = Machine.FreePort();
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, Port));
        _listener.Listen(1024);
        _ = Task.Run(AcceptAsync);
    }

    public int Port { get; }

    public string Url => $"http://127.0.0.1:{Port}";

    /// <summary>How often it was asked for a target.</summary>
    public int CountOf(string target) => _counts.GetValueOrDefault(target);

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptAsync();
                socket.NoDelay = true;
                _ = ServeAsync(socket);
            }
        }
        catch (SocketException)
        {
            // The run is over.
        }
        catch (ObjectDisposedException)
        {
            // So it is.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using Socket owned = socket;
        byte[] head = new byte[16 * 1024];
        int length = 0;
        try
        {
            while (await socket.ReceiveAsync(head.AsMemory(length)) is > 0 and var got)
            {
                length += got;
                int end = head.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
                if (end < 0) continue;
                bool closes = head.AsSpan(0, end).IndexOf("\r\nConnection: close"u8) >= 0;
                string target = Encoding.Latin1.GetString(head, 0, head.AsSpan().IndexOf((byte)'\r')).Split(' ')[1];
                head.AsSpan((end + 4)..length).CopyTo(head);
                length -= end + 4;
                _counts.AddOrUpdate(target, 1, static (_, count) => count + 1);
                await AnswerAsync(socket, target);
                if (closes) return;
            }
        }
        catch (SocketException)
        {
            // Whoever asked is gone.
        }
    }

    private static async Task AnswerAsync(Socket socket, string target)
    {
        string[] words = target.Split('/');
        switch (words[1])
        {
            case "keep":
                await SendAsync(socket, target, long.Parse(words[2], null), Kept);
                break;
            case "private":
                await Task.Delay(Uncacheable, TimeProvider.System);
                await SendAsync(socket, target, 1024, Private);
                break;
            case "drip":
                await DripAsync(socket, target);
                break;
            default:
                await socket.SendAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
                break;
        }
    }

    private static async Task SendAsync(Socket socket, string target, long length, string control)
    {
        byte[] block = Body.BlockOf(target, length);
        byte[] head = HeadOf(target, length, control);
        if (length <= block.Length)
        {
            await SendAllAsync(socket, (byte[])[.. head, .. block.AsSpan(0, (int)length)]);
            return;
        }
        await SendAllAsync(socket, head);
        for (long sent = 0; sent < length; sent += block.Length)
        {
            await SendAllAsync(socket, block.AsMemory(0, (int)Math.Min(block.Length, length - sent)));
        }
    }

    private static async Task DripAsync(Socket socket, string target)
    {
        byte[] body = Body.BlockOf(target, DripBytes);
        long began = Stopwatch.GetTimestamp();
        for (int drop = 0; drop < Drops; drop++)
        {
            TimeSpan due = FirstByte + (Dripping * drop / (Drops - 1)) - Stopwatch.GetElapsedTime(began);
            if (due > TimeSpan.Zero) await Task.Delay(due, TimeProvider.System);
            if (drop == 0) await SendAllAsync(socket, HeadOf(target, DripBytes, Kept));
            await SendAllAsync(socket, body.AsMemory(drop * DripBytes / Drops, DripBytes / Drops));
        }
    }

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes)..];
    }

    private static byte[] HeadOf(string target, long length, string control) => Encoding.ASCII.GetBytes(
        $"HTTP/1.1 200 OK\r\nDate: {TimeProvider.System.GetUtcNow():R}\r\nContent-Type: application/octet-stream\r\n"
        + $"Content-Length: {length}\r\nCache-Control: {control}\r\nETag: \"{Body.SeedOf(target):x8}\"\r\n"
        + "Last-Modified: Sat, 28 Nov 2026 12:00:00 GMT\r\n\r\n");
}

/// <summary>The bytes of a target: they follow from its name, so that a wrong one is known anywhere.</summary>
internal static class Body
{
    private const int Block = 1 << 20;

    /// <summary>A number that most targets have alone.</summary>
    public static int SeedOf(string target)
    {
        uint hash = 2_166_136_261;
        foreach (char letter in target) hash = (hash ^ letter) * 16_777_619;
        return (int)(hash >> 1);
    }

    /// <summary>The first bytes of a body, at most a MiB: a longer one repeats them.</summary>
    public static byte[] BlockOf(string target, long length)
    {
        byte[] block = new byte[(int)Math.Min(length, Block)];
        new Random(SeedOf(target)).NextBytes(block);
        return block;
    }
}
