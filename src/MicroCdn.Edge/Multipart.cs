using System.Text;
using MicroCdn.Content;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Edge;

/// <summary>The body of several ranges: multipart/byteranges (RFC 9110, section 14.6), each part by sendfile.</summary>
/// <remarks>
/// A boundary must not stand in the bytes. Ours holds half of the file's digest, or of its time, which nobody can have
/// put into the file; and parts have lengths of their own for those who read them.
/// </remarks>
internal sealed class Multipart : ILineSource, IDisposable
{
    private readonly OpenFile _file;
    private readonly FileFields _fields;
    private readonly ByteRange[] _ranges;
    private readonly byte[] _boundary;
    private int _next;

    /// <summary>Takes over the file.</summary>
    public Multipart(OpenFile file, FileFields fields, ReadOnlySpan<ByteRange> ranges)
    {
        (_file, _fields, _ranges) = (file, fields, ranges.ToArray());
        _boundary = fields.EntityTag.Length == 0
            ? Encoding.ASCII.GetBytes($"microcdn-{file.Facts.Modified:x16}-{file.Facts.Inode:x16}")
            : [.. "microcdn-"u8, .. fields.EntityTag.AsSpan(1, 32)];
        ContentType = [.. "multipart/byteranges; boundary="u8, .. _boundary];
        Length = _ranges.Sum(range => range.Length) + Ending.Length;
        for (int part = 0; part < _ranges.Length; part++) Length += PartHead(part).Length;
    }

    /// <summary>The value of Content-Type.</summary>
    public byte[] ContentType { get; }

    /// <summary>The length of the whole body in bytes.</summary>
    public long Length { get; }

    private byte[] Ending => [.. "\r\n--"u8, .. _boundary, .. "--\r\n"u8];

    /// <inheritdoc/>
    public bool Write(Answer answer)
    {
        if (_next == _ranges.Length)
        {
            answer.Write(Ending);
            return false;
        }
        ByteRange range = _ranges[_next];
        _file.HoldAgain();
        if (answer.SendFile(PartHead(_next++), _file, range.Offset, range.Length)) return true;
        // Not as it was when the head left: cut short, since nothing of it can be taken back.
        _file.Release();
        answer.Discard();
        return false;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Release();

    private byte[] PartHead(int part)
    {
        Span<byte> range = stackalloc byte[72];
        int length = ContentRange.Format(_ranges[part], _file.Facts.Size, range);
        return [.. part == 0 ? "--"u8 : "\r\n--"u8, .. _boundary, .. "\r\n"u8, .. _fields.Content,
            .. "Content-Range: "u8, .. range[..length], .. "\r\n\r\n"u8];
    }
}
