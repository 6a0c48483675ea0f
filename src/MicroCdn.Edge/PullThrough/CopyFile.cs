using MicroCdn.Caching.Store;
using MicroCdn.Content;
using MicroCdn.Network;
using MicroCdn.Storage;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Edge.PullThrough;

/// <summary>The file of a copy, as something that can be sent. Nobody edits it in place.</summary>
internal sealed class CopyFile : IFileSource
{
    private readonly CacheStore _store;
    private readonly Copy _copy;
    private readonly SharedFile _file;
    private readonly ServedFiles _counted;

    /// <summary>Counts as a transfer until it is released.</summary>
    public CopyFile(CacheStore store, Copy copy, SharedFile file, ServedFiles counted)
    {
        (_store, _copy, _file, _counted) = (store, copy, file, counted);
        counted.Began();
    }

    public SafeFileHandle Handle => _file.Handle;

    public int Read(Span<byte> buffer, long offset) => Read(_store, _copy, _file, buffer, offset);

    /// <summary>Reads of a copy's file what must be there; short, so that the client sees that it was cut, where the
    /// disk fails: then the copy goes, and the next request fetches it anew.</summary>
    public static int Read(CacheStore store, Copy copy, SharedFile file, Span<byte> buffer, long offset)
    {
        int read = 0;
        try
        {
            read = file.Read(buffer, offset);
        }
        catch (IOException)
        {
            // It is short, then.
        }
        if (read < buffer.Length) store.RemoveBroken(copy);
        return read;
    }

    /// <summary>True when a copy's file reaches to an offset; else the copy goes. What lies open may have become
    /// shorter since.</summary>
    public static bool Reaches(CacheStore store, Copy copy, SharedFile file, long end)
    {
        try
        {
            if (file.Length >= end) return true;
        }
        catch (IOException)
        {
            // It is of no use, then.
        }
        store.RemoveBroken(copy);
        return false;
    }

    public bool MayChange => false;

    public bool Unchanged() => true;

    public void Release()
    {
        _counted.Ended();
        _file.Release();
    }
}
