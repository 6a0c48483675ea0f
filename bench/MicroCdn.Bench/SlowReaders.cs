using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MicroCdn.Bench;

/// <summary>Clients that download one file each at a fixed pace, far below what the server could send.</summary>
internal sealed unsafe class SlowReaders : IDisposable
{
    private const int Sources = 100;
    private const int Room = 64 * 1024;              // unread bytes: a slow line has little on its way
    private const int TicksInSecond = 8;

    private readonly int[] _sockets;
    private readonly int _piece;

    /// <summary>Opens the connections and asks on each.</summary>
    public SlowReaders(int port, SampleFile file, int bytesInSecond)
    {
        _piece = bytesInSecond / TicksInSecond;
        Requests requests = Requests.ForHttp(file, keep: true);
        _sockets = new int[file.Connections];
        for (int number = 0; number < _sockets.Length; number++)
        {
            _sockets[number] = Libc.Connect(port, 2 + number % Sources, blocking: true, Room);
            if (Libc.Send(_sockets[number], requests.Next(), requests.Length, Libc.NoSignal) != requests.Length)
                throw new BenchException($"The server on port {port} took no request.");
        }
    }

    /// <summary>Reads at the pace for a while; how many bytes came altogether.</summary>
    public long Read(TimeSpan time)
    {
        TimeSpan tick = TimeSpan.FromSeconds(1.0 / TicksInSecond);
        long begin = Stopwatch.GetTimestamp(), bytes = 0;
        for (int ticks = 1; tick * ticks <= time; ticks++)
        {
            foreach (int socket in _sockets)
            {
                nint got = Libc.Receive(socket, null, _piece, Libc.TruncateReceive | Libc.DoNotWait);
                if (got == 0) throw new BenchException("The server closed a connection whose client read slowly.");
                if (got < 0 && Marshal.GetLastPInvokeError() != Libc.Again)
                    throw new BenchException("The server broke a connection whose client read slowly.");
                bytes += Math.Max(0, got);
            }
            TimeSpan rest = tick * ticks - Stopwatch.GetElapsedTime(begin);
            if (rest > TimeSpan.Zero) Machine.Wait(rest);
        }
        return bytes;
    }

    public void Dispose()
    {
        foreach (int socket in _sockets) _ = Libc.Close(socket);
    }
}
