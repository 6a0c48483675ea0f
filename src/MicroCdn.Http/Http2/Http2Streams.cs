using MicroCdn.Http.Exchanges;
using MicroCdn.Network;

namespace MicroCdn.Http.Http2;

/// <summary>The requests of an HTTP/2 connection and their answers, each of which may take as long as it
/// needs.</summary>
/// <remarks>
/// A request becomes an HTTP/1.1 head, is read by the parser of all requests, and answered by the handler of all. The
/// answer is one of its own: its head becomes a header block, and its body leaves in frames, a stream at a time in
/// turn, as far as the client's windows allow. A small answer that is at hand leaves at once, and never enters the
/// table.
/// A method that takes a frame returns why the connection ends, or <see cref="Fault.None"/>.
/// </remarks>
internal sealed partial class Http2Streams
{
    private readonly HttpService _service;
    private readonly IPeer _peer;
    private readonly Answer _answer;
    private readonly FrameWriter _writer;
    private readonly FrameBudget _budget;
    private readonly ExchangeQueue? _exchanges;
    private readonly HeaderDecoder _decoder = new();
    private readonly StreamTable _table = new();
    private readonly Action _wake;
    private int _initialWindow = Http2Limits.Window;
    private int _unacknowledged;
    private int _keptHeads;
    private long _granted;
    private bool _woken;

    public Http2Streams(HttpService service, IPeer peer, Answer answer, FrameWriter writer, FrameBudget budget)
    {
        (_service, _peer, _answer, _writer, _budget) = (service, peer, answer, writer, budget);
        _exchanges = ExchangeQueue.For(service, peer, answer);
        _wake = () =>
        {
            Volatile.Write(ref _woken, true);
            _answer.Wake();
        };
    }

    /// <summary>The number of the last stream that a client began.</summary>
    public int Last { get; private set; }

    /// <summary>How many are open.</summary>
    public int Count => _table.Count;

    /// <summary>True while so many small answers have not left that no further request is to be answered.</summary>
    public bool IsFull => _exchanges is { IsFull: true };

    /// <summary>Takes a whole header block.</summary>
    public Fault TakeHeaders(int id, bool ends, ReadOnlySpan<byte> block, long now)
    {
        bool isNew = id > Last;
        Http2Stream? open = isNew ? null : _table.Find(id);
        if (!isNew && open is null && !_table.WasReset(id)) return Fault.StreamClosed;
        Scratch scratch = Scratch.OfThread;
        RequestHead head = scratch.Head;
        head.Begin(isTrailer: !isNew);
        if (!_decoder.TryDecode(block, scratch.Strings, head)) return Fault.Compression;
        head.End();
        if (isNew)
        {
            Last = id;
            return Begin(id, ends, head, now);
        }
        if (open is null) return Fault.None;
        if (open.IsEnded) return Reset(open, Fault.StreamClosed, now);
        // Trailers end a request (RFC 9113, section 8.1), and here nobody takes them.
        bool isWhole = ends && !head.IsMalformed && open.Announced <= open.Received;
        if (!isWhole) return Reset(open, Fault.Protocol, now);
        open.IsEnded = true;
        open.Upload?.Complete();
        if (open.State == StreamState.Answered) Remove(open);
        return open.State == StreamState.Receiving ? Refuse(open, Refusal.Body, now) : Fault.None;
    }

    /// <summary>Takes DATA.</summary>
    /// <param name="id">The stream.</param>
    /// <param name="ends">True when it is the last.</param>
    /// <param name="payload">The length of the frame.</param>
    /// <param name="bytes">What is in it, without padding.</param>
    /// <param name="now">The time.</param>
    public Fault TakeData(int id, bool ends, int payload, ReadOnlySpan<byte> bytes, long now)
    {
        int length = bytes.Length;
        Http2Stream? stream = id > Last ? null : _table.Find(id);
        if (!_budget.TryData(length, stream is { IsUploading: true }, now)) return Fault.EnhanceYourCalm;
        _unacknowledged += payload;
        if (_unacknowledged > Http2Limits.Window) return Fault.FlowControl;
        if (_unacknowledged > Http2Limits.Window / 2)
        {
            _writer.Grant(0, _unacknowledged);
            _unacknowledged = 0;
        }
        if (id > Last) return Fault.Protocol;
        if (stream is null) return _table.WasReset(id) ? Fault.None : Reset(id, Fault.StreamClosed, now);
        if (stream.IsEnded) return Reset(stream, Fault.StreamClosed, now);
        // The window is opened further only for a body that somebody reads.
        stream.Received += length;
        stream.Padding += payload - length;
        if (stream.Received > stream.Allowed) return Reset(stream, Fault.FlowControl, now);
        stream.IsEnded = ends;
        if (stream.State == StreamState.Answered)
        {
            if (ends) Remove(stream);
            return Fault.None;
        }
        // RFC 9113, section 8.1.1.
        bool isOther = stream.Announced >= 0
            && (ends ? stream.Received != stream.Announced : stream.Received > stream.Announced);
        if (isOther) return Reset(stream, Fault.Protocol, now);
        if (stream.Upload is not null) TakeUpload(stream, bytes, ends);
        if (stream.State != StreamState.Receiving) return Fault.None;
        if (stream.Received > Http2Limits.BodyBytes) return Refuse(stream, Refusal.Body, now);
        if (!ends) return Fault.None;
        return stream.Received == 0 ? Handle(stream, stream.Head, now) : Refuse(stream, Refusal.Body, now);
    }

    /// <summary>Takes RST_STREAM.</summary>
    public Fault TakeReset(int id, long now)
    {
        if (id > Last) return Fault.Protocol;
        if (_table.Find(id) is not { } stream) return Fault.None;
        bool isPaid = TryAbandon(stream, now);
        Remove(stream);
        return isPaid ? Fault.None : Fault.EnhanceYourCalm;
    }

    /// <summary>Takes WINDOW_UPDATE for a stream.</summary>
    public Fault TakeUpdate(int id, int increment, long now)
    {
        if (id > Last) return Fault.Protocol;
        _granted += increment;
        if (_table.Find(id) is not { } stream) return Fault.None;
        if (increment == 0) return Reset(stream, Fault.Protocol, now);
        stream.Window += increment;
        return stream.Window > int.MaxValue ? Reset(stream, Fault.FlowControl, now) : Fault.None;
    }

    /// <summary>Takes another initial window: all that are open change by the difference (section 6.9.2).</summary>
    public Fault TakeInitialWindow(int window)
    {
        long difference = (long)window - _initialWindow;
        _initialWindow = window;
        Fault fault = Fault.None;
        for (int place = 0; place < _table.Count; place++)
        {
            _table[place].Window += difference;
            if (_table[place].Window > int.MaxValue) fault = Fault.FlowControl;
        }
        return fault;
    }

    /// <summary>Ends all.</summary>
    public void Clear() => _table.Clear();

    private Fault Begin(int id, bool ends, RequestHead head, long now)
    {
        _budget.AddRequest();
        bool isSound = !head.IsMalformed && !(ends && head.ContentLength > 0);
        bool isKept = !ends && head.ContentLength <= Http2Limits.BodyBytes && !head.IsTooLong;
        bool hasPlace = _table.Count < Http2Limits.Streams
            && (!isKept || _keptHeads + head.Text.Length <= Http2Limits.KeptHeads);
        if (!isSound || !hasPlace)
        {
            if (!ends) _table.AddReset(id);
            return Reset(id, isSound ? Fault.Refused : Fault.Protocol, now);
        }
        Http2Stream stream = _table.Take(_answer, _wake).Begin(id, _initialWindow, now);
        stream.IsHeadOnly = head.Text.StartsWith("HEAD "u8);
        (stream.IsEnded, stream.Announced) = (ends, head.ContentLength);
        if (head.IsTooLong) return Refuse(stream, Refusal.HeadTooLong, now);
        if (ends) return Handle(stream, head.Text, now);
        if (head.ContentLength != 0 && TryUpload(stream, head.Text, now, out Fault fault)) return fault;
        if (!isKept) return Refuse(stream, Refusal.Body, now, head.Text);
        stream.Head = head.Text.ToArray();
        _keptHeads += stream.Head.Length;
        _table.Add(stream);
        return Fault.None;
    }

    private Fault Handle(Http2Stream stream, ReadOnlySpan<byte> head, long now)
    {
        int length = RequestParser.Parse(head, out Request request, out Refusal? refusal);
        if (refusal is not null || length == 0) return Refuse(stream, refusal ?? Refusal.RequestLine, now, head);
        request.IsFramed = true;
        stream.Exchange = _exchanges?.Open(request);
        _service.Handle(request, stream.Body.Answer, _peer, stream.Exchange);
        Answered(stream, now);
        return Fault.None;
    }

    private Fault Refuse(Http2Stream stream, Refusal refusal, long now, ReadOnlySpan<byte> head = default)
    {
        _service.Complain(_peer, refusal);
        if (_exchanges is not null) Note(stream, refusal, head.IsEmpty ? stream.Head : head);
        stream.Body.Answer.Write(_service.TextOf(refusal));
        Answered(stream, now);
        return _budget.TryControl(now) ? Fault.None : Fault.EnhanceYourCalm;
    }

    // A refused request is told as the others are, when its head can be read.
    private void Note(Http2Stream stream, Refusal refusal, ReadOnlySpan<byte> head)
    {
        if (RequestParser.ParseWithBody(head, out Request request, out _) == 0) return;
        request.IsFramed = true;
        stream.Exchange = _exchanges!.Open(request);
        stream.Exchange.Status = refusal.Status.Code;
    }

    private Fault Reset(Http2Stream stream, Fault fault, long now)
    {
        if (!stream.IsEnded) _table.AddReset(stream.Id);
        bool isPaid = TryAbandon(stream, now);
        Remove(stream);
        Fault own = Reset(stream.Id, fault, now);
        return isPaid ? own : Fault.EnhanceYourCalm;
    }

    private Fault Reset(int id, Fault fault, long now)
    {
        _writer.Reset(id, fault);
        return _budget.TryControl(now) ? Fault.None : Fault.EnhanceYourCalm;
    }

    // The place is free at once, what was begun may go on.
    private bool TryAbandon(Http2Stream stream, long now) =>
        stream.State != StreamState.Waiting || _budget.TryAbandon(now);

    private void Remove(Http2Stream stream)
    {
        ForgetHead(stream);
        _table.Remove(stream);
    }

    private void ForgetHead(Http2Stream stream)
    {
        _keptHeads -= stream.Head.Length;
        stream.Head = [];
    }

    // What is needed only while a block is read, by whoever reads one on this thread.
    private sealed class Scratch
    {
        [ThreadStatic]
        private static Scratch? _ofThread;

        public static Scratch OfThread => _ofThread ??= new Scratch();

        public byte[] Strings { get; } = new byte[HeaderDecoder.ScratchBytes];

        public RequestHead Head { get; } = new();
    }
}
