using System.Buffers;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace MicroCdn.Bench;

/// <summary>Many clients that ask at the same moment, each once: when the first and the last byte came.</summary>
/// <remarks>They are connected before, and ask for the connection to be closed: its end is the answer's.</remarks>
internal static unsafe class Crowd
{
    private const int Room = 64 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Plays one round.</summary>
    /// <param name="port">Whose port of 127.0.0.1.</param>
    /// <param name="count">How many clients.</param>
    /// <param name="target">What all of them ask for.</param>
    /// <param name="right">The body that is due.</param>
    /// <exception cref="BenchException">One of them got something else.</exception>
    public static Member[] Ask(int port, int count, string target, byte[] right)
    {
        byte[] request = Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Client[] clients = new Client[count];
        using Epoll epoll = new();
        try
        {
            for (int number = 0; number < count; number++)
            {
                clients[number] = new Client(Libc.Connect(port, number % 250 + 2, blocking: true));
                epoll.Add(clients[number].Socket, Libc.Readable, number);
            }
            long began = Stopwatch.GetTimestamp();
            foreach (Client client in clients)
            {
                fixed (byte* bytes = request)
                {
                    if (Libc.Send(client.Socket, bytes, request.Length, Libc.NoSignal) != request.Length)
                        throw new BenchException($"The server on port {port} took no request.");
                }
            }
            Listen(epoll, clients, began, port, target);
            return [.. clients.Select(client => client.Judge(right, began, target))];
        }
        finally
        {
            foreach (Client client in clients)
            {
                if (client is not null) _ = Libc.Close(client.Socket);
            }
        }
    }

    private static void Listen(Epoll epoll, Client[] clients, long began, int port, string target)
    {
        byte[] buffer = new byte[Room];
        for (int open = clients.Length; open > 0;)
        {
            if (Stopwatch.GetElapsedTime(began) > Patience)
                throw new BenchException($"Port {port} did not answer {target} within {Patience.TotalSeconds} s.");
            int ready = epoll.Wait(500);
            long now = Stopwatch.GetTimestamp();
            for (int at = 0; at < ready; at++)
            {
                Client client = clients[epoll.Number(at)];
                nint got;
                fixed (byte* bytes = buffer) got = Libc.Receive(client.Socket, bytes, Room, Libc.DoNotWait);
                if (got < 0 && Marshal.GetLastPInvokeError() == Libc.Again) continue;
                if (got > 0)
                {
                    client.Take(buffer.AsSpan(0, (int)got), now);
                    continue;
                }
                // The end, or a reset, which what came before it will tell.
                epoll.Modify(client.Socket, 0, epoll.Number(at));
                if (client.IsOver) continue;
                client.IsOver = true;
                open--;
            }
        }
    }

    /// <summary>When one of them was answered.</summary>
    /// <param name="First">From the common start to its first byte, in ms.</param>
    /// <param name="Last">To its last.</param>
    internal readonly record struct Member(double First, double Last);

    private sealed class Client(int socket)
    {
        private readonly ArrayBufferWriter<byte> _came = new();
        private long _first, _last;

        public int Socket => socket;

        public bool IsOver { get; set; }

        public void Take(ReadOnlySpan<byte> bytes, long now)
        {
            if (_first == 0) _first = now;
            _last = now;
            _came.Write(bytes);
        }

        public Member Judge(byte[] right, long began, string target)
        {
            ReadOnlySpan<byte> came = _came.WrittenSpan;
            int end = came.IndexOf("\r\n\r\n"u8);
            if (end < 0 || !came.StartsWith("HTTP/1.1 200 "u8) || !came[(end + 4)..].SequenceEqual(right))
                throw new BenchException($"A client that asked for {target} got something else.");
            return new Member(Milliseconds(_first - began), Milliseconds(_last - began));
        }

        private static double Milliseconds(long ticks) => ticks * 1e3 / Stopwatch.Frequency;
    }
}
