using System.Net;
using System.Runtime.InteropServices;

namespace MicroCdn.Bench;

/// <summary>The Linux calls the load needs and .NET lacks: epoll, discarding receives, sendmmsg, clocks.</summary>
internal static unsafe partial class Libc
{
    public const int Again = 11, Refused = 111, InProgress = 115;
    public const int DoNotWait = 0x40;         // MSG_DONTWAIT
    public const int TruncateReceive = 0x20;    // MSG_TRUNC: TCP counts the bytes and copies none
    public const int NoSignal = 0x4000;         // MSG_NOSIGNAL
    public const uint Readable = 0x1, Writable = 0x4, Broken = 0x8, HungUp = 0x10, PeerClosed = 0x2000;

    private const int Inet = 2, Stream = 1, Datagram = 2, NonBlocking = 0x800, CloseOnExec = 0x80000;
    private const int IpLevel = 0, BindAddressNoPort = 24;
    private const int SocketLevel = 1, ReceiveBuffer = 8, SendTimeout = 21, ForcedReceiveBuffer = 33;

    /// <summary>A TCP socket on its way to a port of 127.0.0.1, from the loopback address of that number.</summary>
    /// <remarks>Many source addresses keep sockets in TIME_WAIT from using up the ports; the port is chosen at connect,
    /// so that only the whole pair of addresses must be free.</remarks>
    public static int Connect(int port, int source, bool blocking, int receiveBuffer = 0)
    {
        int socket = Check(Socket(Inet, Stream | CloseOnExec | (blocking ? 0 : NonBlocking), 0), "socket");
        int yes = 1;
        Check(SetSocketOption(socket, IpLevel, BindAddressNoPort, &yes, sizeof(int)), "setsockopt");
        if (receiveBuffer > 0) SetReceiveBuffer(socket, receiveBuffer);
        if (blocking)
        {
            TimeValue patience = new() { Seconds = 5 };
            Check(SetSocketOption(socket, SocketLevel, SendTimeout, &patience, (uint)sizeof(TimeValue)), "setsockopt");
        }
        InternetAddress from = Loopback(0, source), to = Loopback(port, 1);
        Check(Bind(socket, &from, (uint)sizeof(InternetAddress)), "bind");
        if (Connect(socket, &to, (uint)sizeof(InternetAddress)) == 0) return socket;
        int error = Marshal.GetLastPInvokeError();
        if (error == InProgress && !blocking) return socket;
        _ = Close(socket);
        string why = Marshal.GetPInvokeErrorMessage(error);
        throw new BenchException($"No connection from {Show(source)} to 127.0.0.1:{port}: {why}.");
    }

    /// <summary>Gives a socket room for so many unread bytes; without privileges it may be less.</summary>
    private static void SetReceiveBuffer(int socket, int bytes)
    {
        if (SetSocketOption(socket, SocketLevel, ForcedReceiveBuffer, &bytes, sizeof(int)) < 0)
            Check(SetSocketOption(socket, SocketLevel, ReceiveBuffer, &bytes, sizeof(int)), "setsockopt");
    }

    /// <summary>A UDP socket that speaks only to the given port of 127.0.0.1.</summary>
    public static int ConnectDatagrams(int port)
    {
        int socket = Check(Socket(Inet, Datagram | CloseOnExec, 0), "socket");
        InternetAddress to = Loopback(port, 1);
        Check(Connect(socket, &to, (uint)sizeof(InternetAddress)), "connect");
        return socket;
    }

    /// <summary>The processor time of a whole process in its nanoseconds, ended threads included.</summary>
    public static TimeSpan ProcessorTime(int process)
    {
        TimeSpec time;
        // The id that clock_getcpuclockid(3) makes: the process's number, negated, above the scheduler's clock.
        Check(ClockGetTime((~process << 3) | 2, &time), "clock_gettime");
        return TimeSpan.FromTicks(time.Seconds * TimeSpan.TicksPerSecond + time.Nanoseconds / 100);
    }

    /// <summary>The processor time of the programs that this one started and that have ended.</summary>
    public static TimeSpan EndedChildrenTime()
    {
        const int children = -1, longs = 18;    // struct rusage: two times, then 14 counts
        TimeValue* usage = stackalloc TimeValue[longs / 2];
        Check(GetUsage(children, usage), "getrusage");
        return TimeSpan.FromSeconds(usage[0].Seconds + usage[1].Seconds)
            + TimeSpan.FromMicroseconds(usage[0].Microseconds + usage[1].Microseconds);
    }

    /// <summary>Lets milliseconds pass, to a part of one: timers of .NET go by a clock that ticks every four.</summary>
    public static void Pause(int milliseconds) => _ = Poll(null, 0, milliseconds);

    /// <summary>Keeps one thread, and the threads it starts later, on one core.</summary>
    public static void Pin(int thread, int core)
    {
        ulong* mask = stackalloc ulong[16];
        new Span<ulong>(mask, 16).Clear();
        mask[core / 64] = 1UL << (core % 64);
        Check(SetAffinity(thread, 16 * sizeof(ulong), mask), "sched_setaffinity");
    }

    /// <summary>The result of a call, or the error it set as an exception.</summary>
    public static int Check(int result, string call) => result >= 0
        ? result
        : throw new BenchException($"{call} failed: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.");

    private static string Show(int source) => new IPAddress(BitConverter.GetBytes(LoopbackAddress(source))).ToString();

    private static InternetAddress Loopback(int port, int host) => new()
    {
        Family = Inet,
        Port = BitConverter.IsLittleEndian ? (ushort)IPAddress.HostToNetworkOrder((short)port) : (ushort)port,
        Address = LoopbackAddress(host),
    };

    private static uint LoopbackAddress(int host) => (uint)IPAddress.HostToNetworkOrder(0x7F00_0000 | host);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int Socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetSocketOption(int socket, int level, int option, void* value, uint length);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    private static partial int Bind(int socket, InternetAddress* address, uint length);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    private static partial int Connect(int socket, InternetAddress* address, uint length);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(int socket, void* bytes, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(int socket, void* bytes, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "sendmmsg", SetLastError = true)]
    public static partial int SendMany(int socket, ManyMessage* messages, uint count, int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Sync(int file);

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int EpollControl(int epoll, int operation, int file, void* change);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    public static partial int EpollWait(int epoll, void* events, int room, int milliseconds);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(void* files, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static partial int ClockGetTime(int clock, TimeSpec* time);

    [LibraryImport("libc", EntryPoint = "getrusage", SetLastError = true)]
    private static partial int GetUsage(int who, TimeValue* usage);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int SetAffinity(int thread, nint size, ulong* mask);

    /// <summary>An IPv4 address and port as the kernel reads them.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 16)]
    private struct InternetAddress
    {
        public ushort Family;
        public ushort Port;
        public uint Address;
    }

    /// <summary>A time in seconds and nanoseconds.</summary>
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    /// <summary>A time in seconds and microseconds.</summary>
    private struct TimeValue
    {
        public long Seconds;
        public long Microseconds;
    }

    /// <summary>A piece of memory in a gathered send.</summary>
    public struct Piece
    {
        public void* Start;
        public nint Length;
    }

    /// <summary>One datagram of a sendmmsg call: what a connected socket needs of a struct mmsghdr.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    public struct ManyMessage
    {
        [FieldOffset(16)]
        public Piece* Pieces;
        [FieldOffset(24)]
        public nint PieceCount;
    }
}
