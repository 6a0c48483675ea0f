using System.Text;

namespace MicroCdn.Bench;

/// <summary>Holds many connections to one server open without using them.</summary>
internal sealed unsafe class IdleConnections : IDisposable
{
    private const int Sources = 100;

    private readonly List<int> _sockets = [];
    private readonly Epoll _epoll = new();

    /// <summary>Opens the connections from many addresses, and says the line on each if there is one.</summary>
    public IdleConnections(int port, int count, string? line)
    {
        byte[] words = Encoding.UTF8.GetBytes(line is null ? "" : line + "\n");
        for (int number = 0; number < count; number++)
        {
            int socket = Libc.Connect(port, 2 + number % Sources, blocking: true);
            _sockets.Add(socket);
            _epoll.Add(socket, Libc.PeerClosed, number);
            fixed (byte* start = words)
            {
                if (words.Length > 0) _ = Libc.Send(socket, start, words.Length, Libc.NoSignal);
            }
        }
    }

    /// <summary>How many of them the server has not closed.</summary>
    public int CountOpen()
    {
        HashSet<int> closed = [];
        // Closed sockets stay ready; each is taken out of the watch so that one pass after the other finds the rest.
        for (int ready = _epoll.Wait(0); ready > 0; ready = _epoll.Wait(0))
        {
            for (int at = 0; at < ready; at++)
            {
                closed.Add(_epoll.Number(at));
                _ = Libc.Close(_sockets[_epoll.Number(at)]);
                _sockets[_epoll.Number(at)] = -1;
            }
        }
        return _sockets.Count - closed.Count;
    }

    public void Dispose()
    {
        foreach (int socket in _sockets)
        {
            if (socket >= 0) _ = Libc.Close(socket);
        }
        _epoll.Dispose();
    }
}
