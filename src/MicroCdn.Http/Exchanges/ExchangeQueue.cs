using System.Net;
using MicroCdn.Network;

namespace MicroCdn.Http.Exchanges;

/// <summary>The exchanges of one connection whose answers have not all left, in the order in which they
/// leave.</summary>
/// <remarks>An answer is over when all bytes up to its end were taken from the connection's <see cref="Answer"/>. One
/// over HTTP/1.1 ends where the next begins, or when nothing more is to come; the end of one over HTTP/2 is known when
/// its last frame is written.</remarks>
internal sealed class ExchangeQueue
{
    // A client that sends requests and reads no answers makes us keep so many: more wait, as for a full buffer.
    private const int Most = 128;
    private const int MostTextBytes = 32 * 1024;

    // A few addresses: what is longer is read anew each time.
    private const int MostForwarded = 256;

    private readonly HttpService _service;
    private readonly IPeer _peer;
    private readonly Answer _answer;
    private Exchange? _first;
    private Exchange? _last;
    private int _count;
    private int _textBytes;
    private byte[] _forwarded = [];
    private IPAddress? _client;

    private ExchangeQueue(HttpService service, IPeer peer, Answer answer)
    {
        (_service, _peer, _answer) = (service, peer, answer);
        answer.Moved = Move;
    }

    /// <summary>True while no further request is to be answered.</summary>
    public bool IsFull => _count >= Most || _textBytes >= MostTextBytes;

    /// <summary>A queue, or null when nobody listens and no spans are made.</summary>
    public static ExchangeQueue? For(HttpService service, IPeer peer, Answer answer) =>
        service.Listener is null && service.Tracer is null ? null : new ExchangeQueue(service, peer, answer);

    /// <summary>Begins with a request whose answer has the connection for itself: all before it are
    /// written.</summary>
    public Exchange Begin(in Request request)
    {
        EndLast();
        Exchange exchange = Open(request);
        Add(exchange);
        return exchange;
    }

    /// <summary>Notes that what is written now belongs to no answer of a request.</summary>
    public void EndLast()
    {
        if (_last is { EndsAt: long.MaxValue }) _last.EndsAt = _answer.SentBytes + _answer.UnsentBytes;
    }

    /// <summary>Begins with a request whose answer leaves beside others: it is not in the queue yet.</summary>
    public Exchange Open(in Request request) => Exchange.Begin(_service, request, _peer, ClientOf(request));

    /// <summary>Takes one whose last frame is written.</summary>
    public void Close(Exchange exchange)
    {
        exchange.EndsAt = _answer.SentBytes + _answer.UnsentBytes;
        Add(exchange);
    }

    private void Add(Exchange exchange)
    {
        if (_last is null) _first = exchange;
        else _last.Next = exchange;
        _last = exchange;
        _count++;
        _textBytes += exchange.TextBytes;
    }

    private void Move()
    {
        while (_first is { } first)
        {
            bool isOver = first.EndsAt <= _answer.SentBytes
                || (first.EndsAt == long.MaxValue && !_answer.IsPending && !_answer.Waits && !_answer.Broken);
            if (!isOver && !_answer.Broken)
            {
                if (first.Version < 20) first.Progress(_answer.SentBytes);
                return;
            }
            _first = first.Next;
            if (_first is null) _last = null;
            _count--;
            _textBytes -= first.TextBytes;
            Count(first, isOver);
            first.Complete(isOver);
        }
    }

    // Of frames that were written and not taken, nobody knows whose bytes they hold: they count for none.
    private void Count(Exchange exchange, bool isOver)
    {
        if (exchange.Version < 20) exchange.CountBody(_answer.SentBytes);
        else if (!isOver) exchange.BodyBytes -= Math.Min(exchange.BodyBytes, exchange.EndsAt - _answer.SentBytes);
    }

    // A proxy mostly tells the same client again.
    private IPAddress ClientOf(in Request request)
    {
        if (!_service.TellsText || !request.Has(Field.XForwardedFor)) return _peer.Remote;
        ReadOnlySpan<byte> told = request[Field.XForwardedFor];
        if (_client is null || !told.SequenceEqual(_forwarded))
        {
            _client = _service.Clients.Of(request, _peer);
            _forwarded = told.Length <= MostForwarded ? told.ToArray() : [];
        }
        return _client;
    }
}
