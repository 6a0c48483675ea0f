using System.Net;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Network;

/// <summary>The kernel calls that .NET's sockets do not offer: readiness, sending from a file at an offset, corked
/// sends.</summary>
/// <remarks>Each returns what the manual page says; errors come from
/// <see cref="Marshal.GetLastPInvokeError"/>.</remarks>
[SupportedOSPlatform("linux")]
internal static unsafe partial class Libc
{
    public const int EpollIn = 0x1, EpollOut = 0x4, EpollError = 0x8, EpollHangUp = 0x10, EpollPeerClosed = 0x2000;
    public const uint EpollEdge = 1u << 31, EpollExclusive = 1u << 28;
    public const int EpollAdd = 1, EpollDelete = 2;
    private const int ProtocolTcp = 6, CorkOption = 3;
    public const int NoSignal = 0x4000, MoreComes = 0x8000;
    public const int ErrorInterrupted = 4, ErrorAgain = 11, ErrorNoMemory = 12, ErrorTableFull = 23,
        ErrorTooManyFiles = 24,
        ErrorAborted = 103, ErrorNoBuffers = 105;
    private const int NonBlocking = 0x800, CloseOnExec = 0x80000;

    // struct epoll_event is packed on x86-64 alone.
    private static readonly bool Packed = RuntimeInformation.ProcessArchitecture == Architecture.X64;

    public static int EventSize => Packed ? 12 : 16;

    private static int DataOffset => Packed ? 4 : 8;

    public static (uint Flags, ulong Data) ReadEvent(ReadOnlySpan<byte> events, int index)
    {
        ReadOnlySpan<byte> one = events.Slice(index * EventSize, EventSize);
        return (MemoryMarshal.Read<uint>(one), MemoryMarshal.Read<ulong>(one[DataOffset..]));
    }

    public static int Control(int epoll, int operation, int fd, uint flags, ulong data)
    {
        Span<byte> one = stackalloc byte[16];
        MemoryMarshal.Write(one, flags);
        MemoryMarshal.Write(one[DataOffset..], data);
        fixed (byte* pointer = one) return epoll_ctl(epoll, operation, fd, pointer);
    }

    public static int Wait(int epoll, Span<byte> events, int timeout)
    {
        fixed (byte* pointer = events) return epoll_wait(epoll, pointer, events.Length / EventSize, timeout);
    }

    /// <summary>True when a socket takes more; else epoll tells when it does. A call that was cut short by a signal
    /// (SIGSTOP, a debugger, a frozen container) leaves room of which epoll never tells.</summary>
    public static bool HasRoom(int fd)
    {
        PollEntry one = new() { Socket = fd, Events = EpollOut };
        return poll(&one, 1, 0) != 0;
    }

    public static int CreateEpoll() => epoll_create1(CloseOnExec);

    public static SafeFileHandle CreateEvent() => new(eventfd(0, NonBlocking | CloseOnExec), ownsHandle: true);

    /// <exception cref="ObjectDisposedException">It is closed.</exception>
    public static void Signal(SafeFileHandle wake)
    {
        ulong one = 1;
        _ = write(wake, (byte*)&one, sizeof(ulong));
    }

    public static void ClearSignal(SafeFileHandle wake)
    {
        ulong count;
        _ = read(wake, (byte*)&count, sizeof(ulong));
    }

    public static int Accept(int listener) => accept4(listener, null, null, NonBlocking | CloseOnExec);

    public static int Receive(int fd, Span<byte> buffer)
    {
        fixed (byte* pointer = buffer) return (int)recv(fd, pointer, (nuint)buffer.Length, 0);
    }

    /// <summary>Sends; with more to come at once, an incomplete segment waits for it.</summary>
    public static int Send(int fd, ReadOnlySpan<byte> bytes, bool more)
    {
        int flags = more ? NoSignal | MoreComes : NoSignal;
        fixed (byte* pointer = bytes) return (int)send(fd, pointer, (nuint)bytes.Length, flags);
    }

    public static long SendFile(int fd, SafeFileHandle file, long offset, long length)
    {
        // The caller's lease on the file keeps the handle open during the call.
        return sendfile(fd, (int)file.DangerousGetHandle(), &offset, (nuint)length);
    }

    /// <summary>How many bytes sent the peer has not acknowledged; -1 when it cannot be known.</summary>
    public static int Unacknowledged(int fd)
    {
        const nuint outputQueue = 0x5411;
        int bytes;
        return ioctl(fd, outputQueue, &bytes) == 0 ? bytes : -1;
    }

    /// <summary>Gives the calling thread more of a busy processor, where this process may (as root, or by
    /// LimitNICE=-15 of its unit); else nothing changes.</summary>
    public static void BeUrgent() => _ = setpriority(0, 0, -15);

    /// <summary>Corked, a socket sends whole segments alone; uncorked, it sends what is left.</summary>
    public static void Cork(int fd, bool on)
    {
        int value = on ? 1 : 0;
        _ = setsockopt(fd, ProtocolTcp, CorkOption, &value, sizeof(int));
    }

    public static void CloseWrite(int fd) => _ = shutdown(fd, 1);

    public static void Close(int fd) => _ = close(fd);

    /// <summary>Closes and resets: what the kernel still holds for the peer is thrown away, and the peer
    /// knows.</summary>
    public static void CloseAtOnce(int fd)
    {
        const int socketLevel = 1, linger = 13;
        Span<int> onForNoTime = [1, 0];
        fixed (int* pointer = onForNoTime) _ = setsockopt(fd, socketLevel, linger, pointer, 2 * sizeof(int));
        _ = close(fd);
    }

    public static IPAddress Address(int fd, bool remote)
    {
        Span<byte> storage = stackalloc byte[128];
        int length = storage.Length;
        int result;
        fixed (byte* pointer = storage)
        {
            result = remote ? getpeername(fd, pointer, &length) : getsockname(fd, pointer, &length);
        }
        if (result != 0) return IPAddress.None;
        int family = MemoryMarshal.Read<ushort>(storage);
        IPAddress address = family == 2 ? new IPAddress(storage.Slice(4, 4)) : new IPAddress(storage.Slice(8, 16));
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int fd, byte* one);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, byte* events, int count, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc")]
    private static partial int poll(PollEntry* entries, nuint count, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(SafeFileHandle file, byte* bytes, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(SafeFileHandle file, byte* bytes, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int accept4(int fd, byte* address, int* length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int fd, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int fd, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendfile(int target, int source, long* offset, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int shutdown(int fd, int how);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int fd, int level, int name, void* value, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int fd, nuint request, int* value);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getpeername(int fd, byte* address, int* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockname(int fd, byte* address, int* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setpriority(int which, int who, int priority);

    // struct pollfd.
    private struct PollEntry
    {
        public int Socket;
        public short Events;
        public short Returned;
    }
}
