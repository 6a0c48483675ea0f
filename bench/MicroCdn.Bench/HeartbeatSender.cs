using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace MicroCdn.Bench;

/// <summary>Sends the heartbeats of many servers as fast as the kernel takes them, a hundred at a call.</summary>
internal sealed unsafe class HeartbeatSender : IDisposable
{
    private const int Room = 64;

    private readonly int _socket;
    private readonly int _servers;
    private readonly byte* _texts;
    private readonly Libc.Piece* _pieces;
    private readonly Libc.ManyMessage* _messages;

    public HeartbeatSender(int port, int servers)
    {
        _socket = Libc.ConnectDatagrams(port);
        _servers = servers;
        _texts = (byte*)NativeMemory.Alloc((nuint)(servers * Room));
        _pieces = (Libc.Piece*)NativeMemory.AllocZeroed((nuint)(servers * sizeof(Libc.Piece)));
        _messages = (Libc.ManyMessage*)NativeMemory.AllocZeroed((nuint)(servers * sizeof(Libc.ManyMessage)));
        for (int number = 0; number < servers; number++)
        {
            byte* text = _texts + number * Room;
            string line = $"HEARTBEAT CS{number} 127.0.0.1 7001 3 42";
            int length = Encoding.UTF8.GetBytes(line, new Span<byte>(text, Room));
            _pieces[number] = new Libc.Piece { Start = text, Length = length };
            _messages[number] = new Libc.ManyMessage { Pieces = _pieces + number, PieceCount = 1 };
        }
    }

    /// <summary>Sends for the given time and returns how many datagrams the kernel took.</summary>
    public (long Sent, TimeSpan Time) Run(TimeSpan time)
    {
        long sent = 0;
        long begin = Stopwatch.GetTimestamp();
        TimeSpan now = TimeSpan.Zero;
        while (now < time)
        {
            sent += Libc.Check(Libc.SendMany(_socket, _messages, (uint)_servers, 0), "sendmmsg");
            now = Stopwatch.GetElapsedTime(begin);
        }
        return (sent, now);
    }

    public void Dispose()
    {
        _ = Libc.Close(_socket);
        NativeMemory.Free(_texts);
        NativeMemory.Free(_pieces);
        NativeMemory.Free(_messages);
    }
}
