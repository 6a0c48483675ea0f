using System.Buffers;
using MicroCdn.Http.Exchanges;
using MicroCdn.Http.Http2;
using MicroCdn.Http.Tracing;
using MicroCdn.Network;

namespace MicroCdn.Http;

/// <summary>Answers requests: decides without I/O, and never blocks, since hundreds of others wait for it.</summary>
public interface IHttpHandler
{
    /// <summary>Asked of each request with another method than GET and HEAD, or with a body: true when
    /// <see cref="Handle"/> is to have it, false when it is to be refused. CONNECT and TRACE are always
    /// refused.</summary>
    bool Takes(in Request request) => false;

    /// <summary>Answers one GET or HEAD without a body, or what it <see cref="Takes"/>, whose head is sound.</summary>
    void Handle(in Request request, Response response, IPeer peer);
}

/// <summary>One HTTP/1.1 connection: requests in, responses out, one after another (RFC 9112).</summary>
internal sealed class HttpConversation : Conversation
{
    private readonly HttpService _service;
    private readonly IPeer _peer;
    private readonly ExchangeQueue? _exchanges;
    private long _windowSince;
    private long _windowBytes;
    private Upload? _upload;

    public HttpConversation(HttpService service, IPeer peer, Answer answer, long now) : base(answer, now) =>
        (_service, _peer, _exchanges) = (service, peer, ExchangeQueue.For(service, peer, answer));

    // What still comes of a body comes beside the answer.
    public override bool ReadsWhileSending => _upload is { IsOpen: true };

    protected override bool Blocks => _upload is { IsOpen: true } ? _upload.IsFull
        : base.Blocks || _exchanges is { IsFull: true };

    protected override bool IsDeaf => base.IsDeaf && _upload is not { IsOpen: true };

    protected override long Deadline => Math.Min(AnswerDeadline, _upload?.Deadline ?? long.MaxValue);

    private long AnswerDeadline
    {
        get
        {
            if (Answer.IsPending) return _windowSince + (long)HttpLimits.ReadTime.TotalMilliseconds;
            if (Answer.Waits || _upload is { IsOpen: true }) return long.MaxValue;
            return AwaitsMessage ? MessageSince + (long)HttpLimits.HeadTime.TotalMilliseconds
                : ActiveAt + (long)HttpLimits.IdleTime.TotalMilliseconds;
        }
    }

    public override void Progress(long bytes, long now)
    {
        base.Progress(bytes, now);
        _windowBytes += bytes;
        // It took all there was: what comes slowly from elsewhere is not its fault.
        if (Answer.Starves) (_windowSince, _windowBytes) = (now, 0);
    }

    public override void EndInput()
    {
        base.EndInput();
        _upload?.Fail(new IOException("the client ended the connection before its body was whole"));
    }

    public override void End()
    {
        base.End();
        _upload?.Fail(new IOException("the client is gone"));
        _service.Ended(_peer);
    }

    /// <summary>Refuses the connection itself.</summary>
    public HttpConversation Refused(Refusal refusal)
    {
        Refuse(refusal);
        return this;
    }

    protected override void Given(long now)
    {
        base.Given(now);
        (_windowSince, _windowBytes) = (now, 0);
    }

    protected override int Take(ReadOnlySpan<byte> input, long now)
    {
        if (_upload is not null) return TakeBody(input, now);
        int length = RequestParser.ParseWithBody(input, out Request request, out Refusal? refusal);
        RequestBody? body = null;
        if (length > 0 && request.BodyLength != 0)
        {
            if (_service.Takes(request)) request.Body = body = new RequestBody(request.BodyLength, Answer.Wake);
            else return RefuseBody(request);
        }
        if (refusal is not null) Refuse(refusal);
        if (length == 0) return 0;
        if (!Answer.IsPending) (_windowSince, _windowBytes) = (now, 0);
        _service.Handle(request, Answer, _peer, _exchanges?.Begin(request));
        if (body is not null) Begin(body, request.ExpectsContinue, now);
        return length;
    }

    protected override void Proceed(long now) => _upload?.Resume(now);

    private void Begin(RequestBody body, bool isAwaited, long now)
    {
        // Whose body nobody wants is answered, and may send on for a moment.
        if (!body.IsTaken) WasRefused = true;
        else
        {
            _upload = new Upload(body, now);
            // Nobody needs to hear it who has the answer (RFC 9110, section 10.1.1).
            if (isAwaited && Answer.Waits) Answer.Write(HttpService.GoOn);
        }
    }

    private int TakeBody(ReadOnlySpan<byte> input, long now)
    {
        int used = _upload!.Take(input, now);
        if (_upload.IsOpen) return used;
        if (_upload.IsWhole) _upload = null;
        else WasRefused = true;
        return used;
    }

    protected override void Late(long now)
    {
        if (_upload is not null && now >= _upload.Deadline)
        {
            if (!_upload.Judge(now)) WasRefused = true;
        }
        else if (Answer.IsPending)
        {
            if (_windowBytes < HttpLimits.ReadBytes && !Answer.Starves) Answer.Discard();
            (_windowSince, _windowBytes) = (now, 0);
        }
        else if (AwaitsMessage && !Unfinished.IsEmpty) Refuse(Refusal.Late);
        else Answer.Close();
    }

    private void Refuse(Refusal refusal)
    {
        _service.Complain(_peer, refusal);
        _exchanges?.EndLast();
        Refuse(_service.TextOf(refusal));
    }

    // The request is known, and told as the others are; of a head that cannot be read there is nothing to tell.
    private int RefuseBody(in Request request)
    {
        Refusal refusal = RequestParser.RefusalOfBody(request)!;
        Exchange? exchange = _exchanges?.Begin(request);
        _service.Complain(_peer, refusal);
        if (exchange is not null) exchange.Status = refusal.Status.Code;
        Refuse(_service.TextOf(refusal));
        exchange?.BodyBegins(Answer, HttpService.BodyBytesOf(refusal));
        return 0;
    }
}

/// <summary>What stands behind an HTTP port: one handler, and the limits on everyone who connects.</summary>
public sealed class HttpService : IConversations
{
    private const string Http2Name = "h2";
    private readonly ConnectionCounts _connections;
    private IHttpHandler _handler;
    private CrossOrigin _crossOrigin = CrossOrigin.None;
    private ClientAddresses _clients = ClientAddresses.AsTheyCome;

    /// <summary>Takes the handler of all requests.</summary>
    /// <param name="handler">Answers them.</param>
    /// <param name="proxies">Networks that may open any number of connections: trusted proxies.</param>
    /// <param name="complaints">Where refused requests are counted and, at a bounded rate, logged.</param>
    /// <param name="time">The clock.</param>
    public HttpService(IHttpHandler handler, TrustedNetworks proxies, Complaints complaints, TimeProvider time)
    {
        (_handler, Complaints, Date, Time) = (handler, complaints, new DateField(time), time);
        _connections = new ConnectionCounts(HttpLimits.ConnectionsPerAddress, proxies);
    }

    /// <summary>What is spoken inside TLS.</summary>
    public static TlsProtocols Protocols { get; } = new(Http2Name, "http/1.1");

    /// <summary>Answers the requests; another one may take its place while connections stand, and so with all that
    /// can be set.</summary>
    public IHttpHandler Handler
    {
        get => Volatile.Read(ref _handler);
        set => Volatile.Write(ref _handler, value);
    }

    /// <summary>Networks that may open any number of connections: trusted proxies.</summary>
    public TrustedNetworks Proxies
    {
        set => _connections.Exempt = value;
    }

    /// <summary>Whose pages may read what is answered; nobody's when nothing is said.</summary>
    public CrossOrigin CrossOrigin
    {
        get => Volatile.Read(ref _crossOrigin);
        set => Volatile.Write(ref _crossOrigin, value);
    }

    /// <summary>Hears of each request once it is answered; nothing is measured when there is none.</summary>
    public IExchangeListener? Listener
    {
        get;
        init => (field, TellsText) = (value, value?.NeedsText == true);
    }

    /// <summary>Makes spans of requests; null for none.</summary>
    public Tracer? Tracer { get; init; }

    /// <summary>Refuses who may not have something before the handler hears of it; null to let everybody in.</summary>
    public Gate? Gate { get; init; }

    /// <summary>Tells the gate and the listener who a client is.</summary>
    public ClientAddresses Clients
    {
        get => Volatile.Read(ref _clients);
        set => Volatile.Write(ref _clients, value);
    }

    /// <summary>True when the listener reads what was said in requests.</summary>
    internal bool TellsText { get; private init; }

    internal TimeProvider Time { get; }

    internal Complaints Complaints { get; }

    internal DateField Date { get; }

    /// <summary>What lets a client send the body that it asked about.</summary>
    internal static ReadOnlySpan<byte> GoOn => "HTTP/1.1 100 Continue\r\n\r\n"u8;

    /// <inheritdoc/>
    public Conversation Begin(IPeer peer, Answer answer, long now)
    {
        HttpConversation conversation = new(this, peer, answer, now);
        return _connections.Take(peer.Remote) ? conversation : conversation.Refused(Refusal.TooMany);
    }

    /// <inheritdoc/>
    public Conversation Negotiated(Conversation begun, string protocol, IPeer peer, long now) =>
        protocol == Http2Name ? new Http2Conversation(this, peer, begun.Answer, now) : begun;

    /// <summary>The same service for those who speak HTTP/2, which is agreed upon beforehand (RFC 9113, section
    /// 3.2).</summary>
    public IConversations Http2 => field ??= new OverHttp2(this);

    internal void Complain(IPeer peer, Refusal refusal) =>
        Complaints.Add($"refused a request of {peer.Remote}: {refusal.Status.Code}: {refusal.Reason}");

    /// <summary>True when the handler wants a request that is more than GET or HEAD.</summary>
    internal bool Takes(in Request request) => request.Path[0] == '/' && !request.MethodName.SequenceEqual("TRACE"u8)
        && !request.MethodName.SequenceEqual("CONNECT"u8) && Handler.Takes(request);

    // One sound request, of whichever version of HTTP.
    internal void Handle(in Request request, Answer answer, IPeer peer, Exchange? exchange)
    {
        Response response = new(answer, this, request, exchange);
        if (Gate is { } gate && !gate.Admits(request, response, Clients.Of(request, peer))) return;
        bool isTaken = request.Method is Method.Get or Method.Head || request.Body is not null || Takes(request);
        if (isTaken) Handler.Handle(request, response, peer);
        else CrossOrigin.AnswerMethod(request, response);
    }

    internal void Ended(IPeer peer) => _connections.Release(peer.Remote);

    // The sentence, and a line's end.
    internal static int BodyBytesOf(Refusal refusal) => refusal.Reason.Length + 1;

    internal byte[] TextOf(Refusal refusal)
    {
        ArrayBufferWriter<byte> output = new(512);
        output.Write(refusal.Status.Line);
        Date.Write(output);
        output.Write(System.Text.Encoding.UTF8.GetBytes(
            "Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + $"Content-Length: {BodyBytesOf(refusal)}\r\n\r\n{refusal.Reason}\n"));
        return output.WrittenSpan.ToArray();
    }

    private sealed class OverHttp2(HttpService service) : IConversations
    {
        public Conversation Begin(IPeer peer, Answer answer, long now)
        {
            Http2Conversation conversation = new(service, peer, answer, now);
            return service._connections.Take(peer.Remote) ? conversation : conversation.Refused(Fault.EnhanceYourCalm);
        }
    }
}
