using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace MicroCdn.Network;

/// <summary>One loop's room for the bytes that pass between OpenSSL and a socket; empty between two turns.</summary>
/// <remarks>
/// OpenSSL on a socket of its own makes a call for each record, and two for each that it reads. Here it reads from what
/// one receive brought and writes where several records gather for one send. All connections of a loop share the room,
/// since a connection uses it only within its turn.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed unsafe class TlsTransit : IDisposable
{
    /// <summary>What is encrypted at once, in bytes: four whole records.</summary>
    public const int BlockBytes = 64 * 1024;

    /// <summary>What one receive may bring, in bytes: a whole record with its frame.</summary>
    public const int InputBytes = 17 * 1024;

    // A block in its records, or a handshake's flight with the longest chain; and what OpenSSL says besides.
    private const int OutputBytes = BlockBytes + (32 * 1024);

    private static readonly nint Method = CreateMethod();
    private readonly byte[] _input = GC.AllocateUninitializedArray<byte>(InputBytes, pinned: true);
    private readonly byte[] _output = GC.AllocateUninitializedArray<byte>(OutputBytes, pinned: true);
    private GCHandle _self;
    private int _inputStart;
    private int _inputEnd;
    private int _outputEnd;

    public TlsTransit() => _self = GCHandle.Alloc(this);

    /// <summary>Room to put together what is encrypted at once.</summary>
    public byte[] Block { get; } = GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true);

    /// <summary>Room for what a receive brings.</summary>
    public Span<byte> Input => _input;

    /// <summary>What came and OpenSSL has not read.</summary>
    public ReadOnlySpan<byte> Unread => _input.AsSpan(_inputStart, _inputEnd - _inputStart);

    /// <summary>What OpenSSL wrote.</summary>
    public ReadOnlySpan<byte> Output => _output.AsSpan(0, _outputEnd);

    /// <summary>Makes OpenSSL's end of this room; it ends with the session that it is given to.</summary>
    public nint CreateBio()
    {
        nint bio = OpenSsl.BIO_new(Method);
        if (bio != 0) OpenSsl.BIO_set_data(bio, GCHandle.ToIntPtr(_self));
        return bio;
    }

    /// <summary>Says how much stands in <see cref="Input"/>.</summary>
    public void Came(int bytes) => (_inputStart, _inputEnd) = (0, bytes);

    /// <summary>Empties what OpenSSL wrote.</summary>
    public void Clear() => _outputEnd = 0;

    public void Dispose() => _self.Free();

    private static nint CreateMethod()
    {
        nint method = OpenSsl.BIO_meth_new(OpenSsl.SourceSink, "transit");
        _ = OpenSsl.BIO_meth_set_read_ex(method, &Read);
        _ = OpenSsl.BIO_meth_set_write_ex(method, &Write);
        _ = OpenSsl.BIO_meth_set_ctrl(method, &Control);
        return method;
    }

    private static TlsTransit Of(nint bio) =>
        Unsafe.As<TlsTransit>(GCHandle.FromIntPtr(OpenSsl.BIO_get_data(bio)).Target!);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Read(nint bio, byte* bytes, nuint length, nuint* read)
    {
        TlsTransit transit = Of(bio);
        int count = (int)Math.Min(length, (nuint)transit.Unread.Length);
        OpenSsl.BIO_clear_flags(bio, OpenSsl.RetryFlags);
        if (count == 0)
        {
            OpenSsl.BIO_set_flags(bio, OpenSsl.WantsReadAgain);
            return 0;
        }
        transit.Unread[..count].CopyTo(new Span<byte>(bytes, count));
        transit._inputStart += count;
        *read = (nuint)count;
        return 1;
    }

    // All or nothing: the room is made for the most that one call writes.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Write(nint bio, byte* bytes, nuint length, nuint* written)
    {
        TlsTransit transit = Of(bio);
        OpenSsl.BIO_clear_flags(bio, OpenSsl.RetryFlags);
        if (length > (nuint)(OutputBytes - transit._outputEnd))
        {
            OpenSsl.BIO_set_flags(bio, OpenSsl.WantsWriteAgain);
            return 0;
        }
        new ReadOnlySpan<byte>(bytes, (int)length).CopyTo(transit._output.AsSpan(transit._outputEnd));
        transit._outputEnd += (int)length;
        *written = length;
        return 1;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Control(nint bio, int command, nint number, nint pointer) =>
        command == OpenSsl.Flush ? 1 : 0;
}
