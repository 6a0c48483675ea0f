using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Bench;

/// <summary>Somebody without a key who knows all the words: lines, recorded proofs, and datagrams that look
/// sealed.</summary>
internal sealed class Forger(int index, int monitor, int beats, KeyId key) : IDisposable
{
    private const int TicksPerSecond = 500;
    private static readonly string Mac = new('0', 32);

    // The key's id travels in clear: a forger knows it, and is worth a hash or two.
    private readonly byte[] _auth = Encoding.ASCII.GetBytes(
        $"AUTH role=monitor id=monitor k={key} nonce={Mac} mac={Mac}\n");

    private readonly Socket _index = Connect(index);
    private readonly Socket _monitor = Connect(monitor);
    private readonly Socket _datagrams = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly byte[] _trash = new byte[64 * 1024];

    /// <summary>How many messages were sent.</summary>
    public long Sent { get; private set; }

    /// <summary>Sends at a pace for a time, while something else is done.</summary>
    public void Run(int perSecond, TimeSpan time, Action meanwhile)
    {
        // On a thread of its own, so that the honest one is not delayed by it more than by a neighbour.
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                Send(perSecond, time);
            }
            catch (SocketException exception)
            {
                failure = exception;
            }
        });
        thread.Start();
        meanwhile();
        thread.Join();
        if (failure is not null) throw new BenchException($"The forger was shut out: {failure.Message}");
    }

    public void Dispose()
    {
        _index.Dispose();
        _monitor.Dispose();
        _datagrams.Dispose();
    }

    private void Send(int perSecond, TimeSpan time)
    {
        IPEndPoint target = new(IPAddress.Loopback, beats);
        long begin = Stopwatch.GetTimestamp();
        long done = 0;
        for (TimeSpan now; (now = Stopwatch.GetElapsedTime(begin)) < time;)
        {
            long due = (long)(now.TotalSeconds * perSecond);
            for (; done < due; done++, Sent++) SendOne(done, target);
            Drain(_index);
            Drain(_monitor);
            Machine.Wait(TimeSpan.FromSeconds(1.0 / TicksPerSecond));
        }
    }

    private void SendOne(long number, IPEndPoint target)
    {
        switch (number % 10)
        {
            case 0:
                Send(_index, "SERVER_DOWN CS1 1767225600\n");
                break;
            case 1:
                Send(_index, "REGISTER CS1 7901 7902\n");
                break;
            case 2:
                Send(_monitor, "TETHER CS1 7001 7002 inc=9999999999999 beat=100\n");
                break;
            case 3:
                Send(_monitor, "DRAIN CS1\n");
                break;
            case 4 or 5 or 6:
                _datagrams.SendTo(Encoding.ASCII.GetBytes($"HEARTBEAT CS{1 + (number % 2)} 127.0.0.1 7001 9 1 "
                    + $"inc=9999999999999 seq={number} gap=0 k={key} mac={Mac}"), target);
                break;
            case 7:
                _datagrams.SendTo("HEARTBEAT CS9 127.0.0.1 7001 0 1"u8, target);
                break;
            default:
                using (Socket once = Connect(index)) once.Send(_auth);
                break;
        }
    }

    private static void Send(Socket socket, string line) => socket.Send(Encoding.ASCII.GetBytes(line));

    private void Drain(Socket socket)
    {
        while (socket.Available > 0) socket.Receive(_trash);
    }

    // A monitor and an index take such words on connections of version 2 alone.
    private static Socket Connect(int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
        socket.Send("HELLO 2\n"u8);
        return socket;
    }
}
