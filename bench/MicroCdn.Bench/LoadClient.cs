using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MicroCdn.Bench;

/// <summary>What a round came to on the client's side.</summary>
internal readonly record struct Load(long Requests, long Bytes, TimeSpan Time);

/// <summary>A client that keeps a server busy for a round.</summary>
internal interface ILoad : IDisposable
{
    /// <summary>Keeps every connection busy for the given time.</summary>
    Load Run(TimeSpan time);
}

/// <summary>Asks one server for the same things again and again, over fresh or kept connections.</summary>
/// <remarks>
/// A receive with MSG_TRUNC counts the bytes and copies none, so that the server stays the slower side. The room for
/// unread bytes is larger than the kernel's first offer of 64 KB for the same reason: with a small window every segment
/// waits for this client, whose core then does the server's sending when the acknowledgement arrives, and pays for it.
/// The client closes in the ordinary way once it has every byte: an abortive close would save the server work that real
/// clients cause. A round ends when its time is up and the last answer is complete: no half work is counted.
/// </remarks>
internal sealed unsafe class LoadClient : ILoad
{
    private const int HeadRoom = 4096;             // answer heads are copied and parsed, up to here
    private const int CopyRoom = 256 * 1024;       // what an ordinary client reads at once, at most
    private const int Sources = 250;               // 127.0.0.2 to 127.0.0.251 take turns
    private const int MostDropped = 16 << 20;      // bytes thrown away in one call, so that answers take turns
    private const int Unread = 1 << 20;            // bytes the server may send ahead on one connection
    private static readonly TimeSpan Stalled = TimeSpan.FromSeconds(10);

    private readonly int _port;
    private readonly Demand[] _demands;
    private readonly byte* _heads;
    private readonly byte* _copies;
    private readonly Talk[] _talks;
    private int _source;

    /// <summary>A client of the server on the port, with the connections of all demands.</summary>
    public LoadClient(int port, params Demand[] demands)
    {
        (_port, _demands) = (port, demands);
        _talks = new Talk[demands.Sum(demand => demand.Connections)];
        _heads = (byte*)NativeMemory.Alloc((nuint)(HeadRoom * _talks.Length));
        _copies = (byte*)NativeMemory.Alloc(CopyRoom);
    }

    public Load Run(TimeSpan time)
    {
        using Epoll epoll = new();
        long begin = Stopwatch.GetTimestamp();
        long progress = begin;
        int busy = _talks.Length;
        for (int number = 0; number < busy; number++) _talks[number].Socket = -1;
        foreach (Demand demand in _demands) demand.Begin();
        try
        {
            int first = 0;
            foreach (Demand demand in _demands)
            {
                for (int count = 0; count < demand.Connections; count++) Open(epoll, first++, demand);
            }
            while (busy > 0)
            {
                int ready = epoll.Wait(500);
                long now = Stopwatch.GetTimestamp();
                if (ready > 0) progress = now;
                else if (Stopwatch.GetElapsedTime(progress, now) > Stalled)
                    throw new BenchException($"No byte came from port {_port} for {Stalled.TotalSeconds} s.");
                bool again = Stopwatch.GetElapsedTime(begin, now) < time;
                for (int at = 0; at < ready; at++)
                {
                    int number = epoll.Number(at);
                    if (Advance(epoll, number) && !Complete(epoll, number, again)) busy--;
                }
            }
            return new Load(_demands.Sum(demand => demand.Answers), _demands.Sum(demand => demand.Bytes),
                Stopwatch.GetElapsedTime(begin));
        }
        finally
        {
            foreach (Talk talk in _talks)
            {
                if (talk.Socket >= 0) _ = Libc.Close(talk.Socket);
            }
        }
    }

    public void Dispose()
    {
        NativeMemory.Free(_heads);
        NativeMemory.Free(_copies);
    }

    private void Open(Epoll epoll, int number, Demand demand)
    {
        _source = (_source + 1) % Sources;
        int socket = Libc.Connect(_port, _source + 2, blocking: false, Unread);
        ref Talk talk = ref _talks[number];
        talk = new Talk { Demand = demand, Socket = socket };
        // On loopback the handshake is mostly over when connect returns; one call to epoll is saved then.
        Prepare(ref talk);
        epoll.Add(socket, talk.Asked ? Libc.Readable : Libc.Writable, number);
    }

    // Takes the next request, and sends it if there is room.
    private void Prepare(ref Talk talk)
    {
        talk.Request = talk.Demand.Requests.Next();
        talk.HeadLength = 0;
        talk.Left = -1;
        talk.Since = talk.Demand.IsTimed ? Stopwatch.GetTimestamp() : 0;
        talk.Asked = Ask(ref talk);
    }

    private bool Ask(ref Talk talk)
    {
        int length = talk.Demand.Requests.Length;
        nint sent = Libc.Send(talk.Socket, talk.Request, length, Libc.NoSignal);
        if (sent == length) return true;
        if (sent < 0 && Marshal.GetLastPInvokeError() == Libc.Again) return false;
        throw Broken("took no request");
    }

    /// <summary>Does what the socket is ready for; true when the last byte has come.</summary>
    private bool Advance(Epoll epoll, int number)
    {
        ref Talk talk = ref _talks[number];
        if (!talk.Asked)
        {
            talk.Asked = Ask(ref talk);
            if (talk.Asked) epoll.Modify(talk.Socket, Libc.Readable, number);
            return false;
        }
        if (talk.Left < 0 && !ReadHead(ref talk, _heads + number * HeadRoom)) return false;
        if (talk.Left == 0) return true;
        nint got = talk.Demand.Copies
            ? Libc.Receive(talk.Socket, _copies, (nint)Math.Min(talk.Left, CopyRoom), 0)
            : Libc.Receive(talk.Socket, _copies, (nint)Math.Min(talk.Left, MostDropped), Libc.TruncateReceive);
        if (got <= 0)
        {
            if (got < 0 && Marshal.GetLastPInvokeError() == Libc.Again) return false;
            throw Broken($"left out {talk.Left} bytes of an answer");
        }
        talk.Left -= got;
        return talk.Left == 0;
    }

    // True when the head is complete, with what came of the body behind it.
    private bool ReadHead(ref Talk talk, byte* head)
    {
        nint got = Libc.Receive(talk.Socket, head + talk.HeadLength, HeadRoom - talk.HeadLength, 0);
        if (got < 0 && Marshal.GetLastPInvokeError() == Libc.Again) return false;
        if (got <= 0) throw Broken("gave no complete head");
        talk.HeadLength += (int)got;
        ReadOnlySpan<byte> came = new(head, talk.HeadLength);
        int length = talk.Demand.Requests.ReadHead(came, talk.Request, out long body);
        if (length < 0) return false;
        talk.Body = body;
        talk.Left = body - (came.Length - length);
        if (talk.Left < 0) throw Broken("sent more than the answer");
        return true;
    }

    // Counts an answer, and asks again if there is time; false when the connection is done.
    private bool Complete(Epoll epoll, int number, bool again)
    {
        ref Talk talk = ref _talks[number];
        talk.Demand.Count(talk.Body, talk.Since);
        if (again && talk.Demand.Keeps)
        {
            Prepare(ref talk);
            if (!talk.Asked) epoll.Modify(talk.Socket, Libc.Writable, number);
            return true;
        }
        _ = Libc.Close(talk.Socket);
        talk.Socket = -1;
        if (again) Open(epoll, number, talk.Demand);
        return again;
    }

    private BenchException Broken(string what)
    {
        string error = Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
        return new BenchException($"The server on port {_port} {what} (last error: {error}).");
    }

    /// <summary>How far one connection is with its answer.</summary>
    private struct Talk
    {
        public Demand Demand;
        public int Socket;
        public byte* Request;
        public bool Asked;
        public long Since;
        public int HeadLength;
        public long Body;
        public long Left;      // -1 until the head is complete
    }
}
