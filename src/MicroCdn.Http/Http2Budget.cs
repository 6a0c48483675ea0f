using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace MicroCdn.Http;

/// <summary>Cuts an HTTP/2 connection that sends frames which cost us work and it nothing.</summary>
/// <remarks>
/// Floods of PING, SETTINGS, PRIORITY, RST_STREAM and CONTINUATION are each legal frame by frame (RFC 9113, section
/// 10.5). A bucket holds what an honest browser needs at its start, and fills by what it may need later; who empties
/// it is cut. WINDOW_UPDATE is not counted: a fast download needs tens of thousands a second.
/// </remarks>
internal sealed class Http2Budget(ConnectionContext connection) : IDuplexPipe
{
    private const double Full = 1000;
    private const double EachSecond = 100;
    private const int PrefaceBytes = 24;
    private const int HeaderBytes = 9;
    private const byte Priority = 2, Reset = 3, Settings = 4, Ping = 6, Continuation = 9;

    private readonly IDuplexPipe _inner = connection.Transport;
    private readonly byte[] _header = new byte[HeaderBytes];
    private long _skip = PrefaceBytes;
    private int _headerLength;
    private double _left = Full;
    private long _filledAt = Stopwatch.GetTimestamp();

    public PipeReader Input => field ??= new Counted(this, _inner.Input);

    public PipeWriter Output => _inner.Output;

    private void Inspect(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int skipped = (int)Math.Min(_skip, bytes.Length);
            _skip -= skipped;
            bytes = bytes[skipped..];
            int part = Math.Min(HeaderBytes - _headerLength, bytes.Length);
            bytes[..part].CopyTo(_header.AsSpan(_headerLength));
            _headerLength += part;
            bytes = bytes[part..];
            if (_headerLength < HeaderBytes) return;
            _headerLength = 0;
            _skip = (_header[0] << 16) | (_header[1] << 8) | _header[2];
            if (_header[3] is Priority or Reset or Settings or Ping or Continuation) Pay();
        }
    }

    private void Pay()
    {
        long now = Stopwatch.GetTimestamp();
        _left = Math.Min(Full, _left + (EachSecond * Stopwatch.GetElapsedTime(_filledAt, now).TotalSeconds)) - 1;
        _filledAt = now;
        if (_left < 0) connection.Abort(new ConnectionAbortedException("too many control frames"));
    }

    // Passes everything on; each byte is looked at once.
    private sealed class Counted(Http2Budget budget, PipeReader inner) : PipeReader
    {
        private ReadOnlySequence<byte> _buffer;
        private long _inspected;

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            _inspected -= _buffer.Slice(0, consumed).Length;
            inner.AdvanceTo(consumed, examined);
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            Look(await inner.ReadAsync(cancellationToken).ConfigureAwait(false));

        public override bool TryRead(out ReadResult result)
        {
            if (!inner.TryRead(out result)) return false;
            Look(result);
            return true;
        }

        private ReadResult Look(ReadResult result)
        {
            _buffer = result.Buffer;
            foreach (ReadOnlyMemory<byte> part in _buffer.Slice(Math.Min(_inspected, _buffer.Length)))
            {
                budget.Inspect(part.Span);
            }
            _inspected = _buffer.Length;
            return result;
        }
    }
}
