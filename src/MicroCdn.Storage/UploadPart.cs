using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>One upload on its way: bytes are added at its end, and read when they are all here.</summary>
public sealed class UploadPart : IDisposable
{
    private readonly UploadFolder _folder;
    private readonly string _key, _path;
    private readonly long _offset;
    private SafeFileHandle? _file;

    internal UploadPart(UploadFolder folder, string key, string path, long offset)
    {
        (_folder, _key, _path, _offset) = (folder, key, path, offset);
        Length = offset;
        // Until something is written, what an earlier one left is as good as it was.
        IsKept = offset > 0;
    }

    /// <summary>How many bytes are here.</summary>
    public long Length { get; private set; }

    /// <summary>True to leave what came for the next try.</summary>
    public bool IsKept { get; set; }

    /// <summary>Opens it, cut to what counts of it.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public void Open()
    {
        FileStreamOptions options = new()
        {
            Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.Read, BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        _file = new FileStream(_path, options).SafeFileHandle;
        IsKept = true;
        if (RandomAccess.GetLength(_file) < _offset) throw new IOException("what was here of the upload is gone");
        RandomAccess.SetLength(_file, _offset);
    }

    /// <summary>Adds bytes.</summary>
    /// <exception cref="DiskFullException">There is no room for them.</exception>
    /// <exception cref="IOException">They cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        _folder.Grow(_key, Length + bytes.Length);
        Pieces.Write(_file!, bytes, Length);
        Length += bytes.Length;
    }

    /// <summary>Reads bytes that are here; how many.</summary>
    public int Read(Span<byte> target, long offset) => RandomAccess.Read(_file!, target, offset);

    /// <summary>All of it, for reading.</summary>
    public Stream OpenRead() => new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);

    /// <inheritdoc/>
    public void Dispose()
    {
        _file?.Dispose();
        // First the file: who begins anew once the folder hears of it finds none.
        if (!IsKept) File.Delete(_path);
        _folder.End(_key, IsKept);
    }
}
