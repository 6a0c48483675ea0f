using System.Globalization;
using MicroCdn.Network;

namespace MicroCdn.Http;

/// <summary>Puts chunks around what a source writes, for HTTP/1.1 (RFC 9112, section 7.1).</summary>
internal sealed class ChunkedSource(ILineSource source) : ILineSource, IDisposable
{
    // Room for any size: zeros may stand in front.
    private static ReadOnlySpan<byte> NoSize => "00000000\r\n"u8;

    private bool _isOpen;

    public bool Write(Answer answer)
    {
        int before = answer.UnsentBytes;
        if (_isOpen) answer.Write("\r\n"u8);
        int size = answer.UnsentBytes;
        answer.Write(NoSize);
        int start = answer.UnsentBytes;
        bool hasMore = source.Write(answer);
        // Cut, so that no last chunk says that this was all.
        if (answer.Broken) return false;
        long length = answer.UnsentBytes - start + answer.UnsentFileBytes;
        if (length == 0) answer.TakeBack(before);
        else
        {
            Span<byte> digits = stackalloc byte[8];
            length.TryFormat(digits, out _, "x8", CultureInfo.InvariantCulture);
            answer.Overwrite(size, digits);
            // What a file sends comes behind all text: its end is written with the next chunk.
            _isOpen = answer.UnsentFileBytes > 0;
            if (!_isOpen) answer.Write("\r\n"u8);
        }
        if (hasMore) return true;
        if (answer.UnsentFileBytes > 0)
        {
            source = Nothing.Instance;
            return true;
        }
        answer.Write(_isOpen ? "\r\n0\r\n\r\n"u8 : "0\r\n\r\n"u8);
        return false;
    }

    public void Dispose() => (source as IDisposable)?.Dispose();

    // Stands where a source said all; what it was is disposed of by then.
    private sealed class Nothing : ILineSource
    {
        public static readonly Nothing Instance = new();

        public bool Write(Answer answer) => false;
    }
}
