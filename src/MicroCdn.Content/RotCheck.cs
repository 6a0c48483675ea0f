using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Content;

/// <summary>Reads one file of the library again, a chunk at a time, and says whether its bytes are still those of its
/// digest.</summary>
/// <remarks>Bytes that differ are read once more, past the page cache: a bit that flipped in memory is none that
/// flipped on the disk. What it read it does not leave in the page cache, where the files that are asked for have
/// their place.</remarks>
internal sealed class RotCheck(FolderFile file, FileDigest digest) : IDisposable
{
    private FileHashing? _hashing;
    private bool _again;

    /// <summary>What is known by now.</summary>
    public RotVerdict Verdict { get; private set; }

    /// <summary>Reads on; the number of bytes read.</summary>
    /// <param name="block">Room for one chunk.</param>
    public int Step(byte[] block)
    {
        if (_hashing is null) file.Uncache(0, 0);
        _hashing ??= new FileHashing(file.Facts.Size);
        long at = _hashing.Done;
        int wanted = Chunks.LengthOf(file.Facts.Size, at / Chunks.Bytes);
        int read = wanted == 0 ? 0 : file.Read(block.AsSpan(0, wanted), at);
        file.Uncache(at, read);
        if (read > 0) _hashing.Add(block.AsSpan(0, read), null);
        if (read == wanted && _hashing.Done < file.Facts.Size) return read;
        Judge(read == wanted && _hashing.End().Digest == digest);
        return read;
    }

    public void Dispose()
    {
        _hashing?.Dispose();
        file.Dispose();
    }

    private void Judge(bool right)
    {
        if (right) Verdict = _again ? RotVerdict.RightTheSecondTime : RotVerdict.Right;
        // Edited meanwhile: what it is now is for the scan to find out.
        else if (!file.IsUnchanged()) Verdict = RotVerdict.Edited;
        else if (_again) Verdict = RotVerdict.Wrong;
        else
        {
            _again = true;
            _hashing!.Dispose();
            _hashing = null;
        }
    }
}

/// <summary>What a <see cref="RotCheck"/> found.</summary>
internal enum RotVerdict
{
    /// <summary>There is more to read.</summary>
    Open,

    /// <summary>The bytes are those of the digest.</summary>
    Right,

    /// <summary>They are now, and were not when they were first read.</summary>
    RightTheSecondTime,

    /// <summary>They are not, or cannot be read, though nobody edited the file.</summary>
    Wrong,

    /// <summary>Somebody edited the file.</summary>
    Edited,
}
