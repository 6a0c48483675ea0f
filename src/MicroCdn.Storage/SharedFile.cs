using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>An open file that several hold: it is closed when the last one lets go.</summary>
/// <remarks>A file that is deleted while it is held is read to its end by those who hold it. It begins with one holder.
/// Safe from any thread.</remarks>
public sealed class SharedFile(SafeFileHandle handle)
{
    private int _holders = 1;

    /// <summary>The handle, valid while it is held.</summary>
    public SafeFileHandle Handle => handle;

    /// <summary>What somebody who sends it wants to find again as long as it is open.</summary>
    public object? Note { get; set; }

    /// <summary>Holds it once more: one more <see cref="Release"/> is due; false when it is closed already.</summary>
    public bool TryHold()
    {
        int holders = Volatile.Read(ref _holders);
        while (holders > 0)
        {
            int seen = Interlocked.CompareExchange(ref _holders, holders + 1, holders);
            if (seen == holders) return true;
            holders = seen;
        }
        return false;
    }

    /// <summary>Lets go.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0) handle.Dispose();
    }

    /// <summary>Reads bytes at an offset; fewer than asked only at the end of the file.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public int Read(Span<byte> buffer, long offset)
    {
        int done = 0;
        while (done < buffer.Length && RandomAccess.Read(handle, buffer[done..], offset + done) is > 0 and int read)
        {
            done += read;
        }
        return done;
    }

    /// <summary>Writes bytes at an offset.</summary>
    /// <exception cref="IOException">The disk refused, or is full.</exception>
    public void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(handle, bytes, offset);

    /// <summary>Its length in bytes.</summary>
    public long Length
    {
        get => RandomAccess.GetLength(handle);
        set => RandomAccess.SetLength(handle, value);
    }
}
