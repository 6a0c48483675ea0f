using System.Runtime.InteropServices;

namespace MicroCdn.Bench;

/// <summary>Waits for many sockets in one thread, and names each by a small number of the caller's.</summary>
internal sealed unsafe class Epoll : IDisposable
{
    private const int Room = 1024, InterruptedCall = 4;

    // The kernel packs an event into 12 bytes on x86-64 and aligns it to 16 elsewhere; the number is in its last 8.
    private static readonly int Size = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    private readonly int _file = Libc.Check(Libc.EpollCreate(0x80000), "epoll_create1");
    private readonly byte* _events = (byte*)NativeMemory.Alloc(Room * 16);

    /// <summary>Begins to watch a socket; closing it ends that.</summary>
    public void Add(int socket, uint events, int number) => Control(1, socket, events, number);

    /// <summary>Changes what a watched socket is watched for.</summary>
    public void Modify(int socket, uint events, int number) => Control(3, socket, events, number);

    /// <summary>How many sockets have something to say, after at most the given time.</summary>
    public int Wait(int milliseconds)
    {
        int count = Libc.EpollWait(_file, _events, Room, milliseconds);
        if (count < 0 && Marshal.GetLastPInvokeError() == InterruptedCall) return 0;
        return Libc.Check(count, "epoll_wait");
    }

    /// <summary>Which socket spoke, in the last wait's order.</summary>
    public int Number(int at) => *(int*)(_events + at * Size + Size - 8);

    /// <summary>What that socket is ready for.</summary>
    public uint Events(int at) => *(uint*)(_events + at * Size);

    public void Dispose()
    {
        _ = Libc.Close(_file);
        NativeMemory.Free(_events);
    }

    private void Control(int operation, int socket, uint events, int number)
    {
        byte* change = stackalloc byte[16];
        *(uint*)change = events;
        *(long*)(change + Size - 8) = number;
        Libc.Check(Libc.EpollControl(_file, operation, socket, change), "epoll_ctl");
    }
}
