using MicroCdn.Network;
using MicroCdn.Storage;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Edge.PullThrough;

/// <summary>The file of a copy, as something that can be sent. Nobody edits it in place.</summary>
internal sealed class CopyFile(SharedFile file) : IFileSource
{
    public SafeFileHandle Handle => file.Handle;

    public int Read(Span<byte> buffer, long offset)
    {
        try
        {
            return file.Read(buffer, offset);
        }
        catch (IOException)
        {
            // Short: the client sees that it was cut.
            return 0;
        }
    }

    public bool Unchanged() => true;

    public void Release() => file.Release();
}
