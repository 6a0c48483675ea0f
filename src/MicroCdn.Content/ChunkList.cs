using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Content;

/// <summary>Writes the digests of a file's chunks, a line each, and END: the rest of an answer to CHUNKS.</summary>
internal sealed class ChunkList : ILineSource, IDisposable
{
    private const int LineBytes = (2 * FileDigest.Length) + 1;
    private const int LinesAPiece = 128;

    private readonly FolderFile? _file;
    private readonly byte[] _held;
    private readonly long _length;
    private long _next;

    public ChunkList(FolderFile file) => (_file, _held, _length) = (file, [], file.Facts.Size);

    public ChunkList(byte[] held) => (_held, _length) = (held, held.Length);

    public bool Write(Answer answer)
    {
        Span<byte> digests = stackalloc byte[LinesAPiece * FileDigest.Length];
        digests = digests[..(int)Math.Min(digests.Length, _length - _next)];
        // A list that is cut short misses its END.
        if (Read(digests) != digests.Length)
        {
            answer.Close();
            return false;
        }
        _next += digests.Length;
        for (; !digests.IsEmpty; digests = digests[FileDigest.Length..])
        {
            Span<byte> line = answer.GetSpan(LineBytes);
            Convert.TryToHexStringLower(digests[..FileDigest.Length], line, out _);
            line[LineBytes - 1] = (byte)'\n';
            answer.Advance(LineBytes);
        }
        if (_next < _length) return true;
        answer.Write("END\n"u8);
        return false;
    }

    public void Dispose() => _file?.Dispose();

    private int Read(Span<byte> digests)
    {
        if (_file is not null) return _file.Read(digests, _next);
        _held.AsSpan((int)_next, digests.Length).CopyTo(digests);
        return digests.Length;
    }
}
