using MicroCdn.Content;
using MicroCdn.Network;
using MicroCdn.Storage;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Edge.PullThrough;

/// <summary>The file of a copy, as something that can be sent. Nobody edits it in place.</summary>
internal sealed class CopyFile : IFileSource
{
    private readonly SharedFile _file;
    private readonly ServedFiles _counted;

    /// <summary>Counts as a transfer until it is released.</summary>
    public CopyFile(SharedFile file, ServedFiles counted)
    {
        (_file, _counted) = (file, counted);
        counted.Began();
    }

    public SafeFileHandle Handle => _file.Handle;

    public int Read(Span<byte> buffer, long offset) => Read(_file, buffer, offset);

    /// <summary>Reads of a copy's file; short, so that the client sees that it was cut, where the disk
    /// fails.</summary>
    public static int Read(SharedFile file, Span<byte> buffer, long offset)
    {
        try
        {
            return file.Read(buffer, offset);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    public bool Unchanged() => true;

    public void Release()
    {
        _counted.Ended();
        _file.Release();
    }
}
