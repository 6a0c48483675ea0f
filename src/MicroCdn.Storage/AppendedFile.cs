using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>A file that stays open while lines are added to its end, such as a log that others move away.</summary>
/// <remarks>Others may cut it short or write to it too: each write goes to its end as it is then. Nothing is made
/// durable. A line that was torn when the disk was full is ended before the next.</remarks>
[SupportedOSPlatform("linux")]
public sealed class AppendedFile : IDisposable
{
    private readonly string _path;
    private SafeFileHandle _file;
    private bool _isTorn;

    private AppendedFile(string path, SafeFileHandle file) =>
        (_path, _file, _isTorn) = (path, file, EndsTorn(file));

    /// <summary>Opens it, or makes it, for its owner to write and its group to read.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static AppendedFile Open(string path) => new(path, OpenFile(path));

    /// <summary>Adds bytes at the end.</summary>
    /// <exception cref="IOException">Not all of them could be written.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (_isTorn && Libc.Append(_file, "\n"u8) != 1) throw Failure(_path);
        _isTorn = false;
        int written = Libc.Append(_file, bytes);
        if (written == bytes.Length) return;
        IOException failure = Failure(_path);
        _isTorn = written > 0 && bytes[written - 1] != '\n';
        throw failure;
    }

    /// <summary>Goes on in the file that now stands under the path, made anew when there is none.</summary>
    /// <exception cref="IOException">It cannot be opened; the one before stays open.</exception>
    public void Reopen()
    {
        SafeFileHandle file = OpenFile(_path);
        _file.Dispose();
        (_file, _isTorn) = (file, EndsTorn(file));
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static SafeFileHandle OpenFile(string path)
    {
        SafeFileHandle file = Libc.OpenAppend(path);
        if (!file.IsInvalid) return file;
        IOException failure = Failure(path);
        file.Dispose();
        throw failure;
    }

    private static bool EndsTorn(SafeFileHandle file)
    {
        Span<byte> last = stackalloc byte[1];
        return Libc.Look((int)file.DangerousGetHandle(), out FileFacts facts) == EntryKind.File && facts.Size > 0
            && Libc.Read(file, last, facts.Size - 1) == 1 && last[0] != '\n';
    }

    private static IOException Failure(string path)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"'{path}': {Marshal.GetPInvokeErrorMessage(error)}", error);
    }
}
