using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace MicroCdn.Http;

/// <summary>Cuts an HTTP/2 connection that sends frames which cost us work and it nothing.</summary>
/// <remarks>
/// Floods of PING, SETTINGS, PRIORITY, RST_STREAM, CONTINUATION, and of frames that nobody knows, are each legal frame
/// by frame (RFC 9113, section 10.5). A bucket holds what an honest browser needs at its start, and fills by what it
/// may need later; who empties it is cut. WINDOW_UPDATE weighs little, since a fast download needs tens of thousands
/// a second; windows opened by crumbs, and DATA, which no request here has, are paid from a second bucket, to which
/// each request adds. Who opens streams, and no window worth the name for them in four seconds, only holds them.
/// </remarks>
internal sealed class Http2Budget : IDuplexPipe
{
    private const double Full = 1000, EachSecond = 100, EachRequest = 4, LargeUpdate = 0.001;
    private const int PrefaceBytes = 24, HeaderBytes = 9, UpdateBytes = 4, SettingBytes = 6;
    private const int Crumb = 1024, LeastGranted = 4096;
    private const byte Data = 0, Headers = 1, Settings = 4, WindowUpdate = 8, InitialWindow = 4, Acknowledged = 1;
    private static readonly TimeSpan WindowTime = TimeSpan.FromSeconds(4);

    private readonly ConnectionContext _connection;
    private readonly IDuplexPipe _inner;
    private readonly byte[] _piece = new byte[HeaderBytes];
    private readonly Bucket _control = new();
    private readonly Bucket _small = new();
    private int _wanted = HeaderBytes;
    private int _length;
    private long _skip = PrefaceBytes;
    private byte _frame;
    private int _payload;
    private bool _forStream;
    private long _opened;
    private long _granted;
    private uint _initialWindow = ushort.MaxValue;

    public Http2Budget(ConnectionContext connection)
    {
        (_connection, _inner) = (connection, connection.Transport);
        Input = new Counted(this, _inner.Input);
        connection.Features.Get<IConnectionHeartbeatFeature>()?.OnHeartbeat(
            static budget => ((Http2Budget)budget).LookAtWindows(), this);
    }

    public PipeReader Input { get; }

    public PipeWriter Output => _inner.Output;

    private void Inspect(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int skipped = (int)Math.Min(_skip, bytes.Length);
            _skip -= skipped;
            bytes = bytes[skipped..];
            int part = Math.Min(_wanted - _length, bytes.Length);
            bytes[..part].CopyTo(_piece.AsSpan(_length));
            _length += part;
            bytes = bytes[part..];
            if (_length < _wanted) return;
            _length = 0;
            if (_payload == 0) BeginFrame();
            else TakePayload();
        }
    }

    private void BeginFrame()
    {
        int length = (_piece[0] << 16) | (_piece[1] << 8) | _piece[2];
        _frame = _piece[3];
        bool looksInside = _frame == WindowUpdate ? length == UpdateBytes
            : _frame == Settings && (_piece[4] & Acknowledged) == 0 && length >= SettingBytes;
        if (looksInside)
        {
            _payload = length;
            _wanted = _frame == Settings ? SettingBytes : UpdateBytes;
            _forStream = BinaryPrimitives.ReadUInt32BigEndian(_piece.AsSpan(5)) != 0;
        }
        else _skip = length;
        if (_frame == Data) Pay(_small, 1);
        else if (_frame != Headers && _frame != WindowUpdate) Pay(_control, 1);
        else if (_frame == Headers)
        {
            _small.Add(EachRequest);
            if (_opened == 0) Volatile.Write(ref _opened, Stopwatch.GetTimestamp());
        }
    }

    private void TakePayload()
    {
        _payload -= _wanted;
        if (_frame == Settings)
        {
            if (BinaryPrimitives.ReadUInt16BigEndian(_piece) == InitialWindow)
            {
                Volatile.Write(ref _initialWindow, BinaryPrimitives.ReadUInt32BigEndian(_piece.AsSpan(2)));
            }
        }
        else
        {
            uint increment = BinaryPrimitives.ReadUInt32BigEndian(_piece) & int.MaxValue;
            if (_forStream) Volatile.Write(ref _granted, _granted + increment);
            Pay(increment < Crumb ? _small : _control, increment < Crumb ? 1 : LargeUpdate);
        }
        if (_payload >= _wanted) return;
        (_skip, _payload, _wanted) = (_payload, 0, HeaderBytes);
    }

    private void Pay(Bucket bucket, double price)
    {
        if (!bucket.TryTake(price)) _connection.Abort(new ConnectionAbortedException("too many control frames"));
    }

    // Once a second.
    private void LookAtWindows()
    {
        if (Volatile.Read(ref _initialWindow) >= Crumb || Volatile.Read(ref _granted) >= LeastGranted) return;
        long opened = Volatile.Read(ref _opened);
        if (opened == 0 || Stopwatch.GetElapsedTime(opened) < WindowTime) return;
        _connection.Abort(new ConnectionAbortedException("streams without a window"));
    }

    // What may be spent.
    private sealed class Bucket
    {
        private double _left = Full;
        private long _filledAt = Stopwatch.GetTimestamp();

        public void Add(double some) => _left = Math.Min(Full, _left + some);

        public bool TryTake(double price)
        {
            long now = Stopwatch.GetTimestamp();
            Add(EachSecond * Stopwatch.GetElapsedTime(_filledAt, now).TotalSeconds);
            _filledAt = now;
            return (_left -= price) >= 0;
        }
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
