using MicroCdn.Http;
using MicroCdn.Network;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Tests.Network;

/// <summary>What a port serves here: <c>/small</c>, <c>/large</c>, <c>/cut</c> in its middle, and <c>/edited</c> while
/// it is sent.</summary>
internal sealed class Pages : IHttpHandler
{
    /// <summary>More than a socket holds on both sides.</summary>
    public const int LargeBytes = 12_000_000;

    /// <summary>The byte at a place of the large body.</summary>
    public static byte At(int place) => (byte)(place % 251);

    public void Handle(in Request request, Response response, IPeer peer)
    {
        response.Begin(HttpStatus.Ok);
        if (request.Path.SequenceEqual("/small"u8)) response.End("small"u8);
        else if (request.Path.SequenceEqual("/edited"u8)) response.EndWithFile(new Edited(), 0, 40_000);
        else
        {
            response.EndWithPieces(
                new Pieces(request.Path.SequenceEqual("/cut"u8) ? 1_000_000 : LargeBytes), LargeBytes);
        }
    }

    // Sound when it is opened, and never after.
    private sealed class Edited : IFileSource
    {
        private int _asked;

        public SafeFileHandle Handle => new(-1, ownsHandle: false);

        public int Read(Span<byte> buffer, long offset) => buffer.Length;

        public bool Unchanged() => _asked++ == 0;

        public void Release()
        {
        }
    }

    // Bytes that tell their place; they end early when told to.
    private sealed class Pieces(int until) : ILineSource
    {
        private int _next;

        public bool Write(Answer answer)
        {
            int count = Math.Min(Answer.PieceBytes, until - _next);
            Span<byte> piece = answer.GetSpan()[..count];
            for (int each = 0; each < count; each++) piece[each] = At(_next + each);
            answer.Advance(count);
            _next += count;
            if (_next < until) return true;
            if (until < LargeBytes) answer.Discard();
            return false;
        }
    }
}
