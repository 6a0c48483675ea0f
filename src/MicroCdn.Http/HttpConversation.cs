using System.Buffers;
using MicroCdn.Http.Http2;
using MicroCdn.Network;

namespace MicroCdn.Http;

/// <summary>Answers requests: decides without I/O, and never blocks, since hundreds of others wait for it.</summary>
public interface IHttpHandler
{
    /// <summary>Answers one GET or HEAD whose head is sound.</summary>
    void Handle(in Request request, Response response, IPeer peer);

    /// <summary>Answers a POST, which has no body here; false, with nothing answered, when it is not taken.</summary>
    bool TryPost(in Request request, Response response, IPeer peer) => false;
}

/// <summary>One HTTP/1.1 connection: requests in, responses out, one after another (RFC 9112).</summary>
internal sealed class HttpConversation : Conversation
{
    private readonly HttpService _service;
    private readonly IPeer _peer;
    private long _windowSince;
    private long _windowBytes;

    public HttpConversation(HttpService service, IPeer peer, Answer answer, long now) : base(answer, now) =>
        (_service, _peer) = (service, peer);

    protected override long Deadline
    {
        get
        {
            if (Answer.IsPending) return _windowSince + (long)HttpLimits.ReadTime.TotalMilliseconds;
            if (Answer.Waits) return long.MaxValue;
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

    public override void End()
    {
        base.End();
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
        int length = RequestParser.Parse(input, out Request request, out Refusal? refusal);
        if (refusal is not null) Refuse(refusal);
        if (length == 0) return 0;
        if (!Answer.IsPending) (_windowSince, _windowBytes) = (now, 0);
        _service.Handle(request, Answer, _peer);
        return length;
    }

    protected override void Late(long now)
    {
        if (Answer.IsPending)
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
        Refuse(_service.TextOf(refusal));
    }
}

/// <summary>What stands behind an HTTP port: one handler, and the limits on everyone who connects.</summary>
public sealed class HttpService : IConversations
{
    private const string Http2Name = "h2";
    private readonly ConnectionCounts _connections;

    /// <summary>Takes the handler of all requests.</summary>
    /// <param name="handler">Answers them.</param>
    /// <param name="proxies">Networks that may open any number of connections: trusted proxies.</param>
    /// <param name="complaints">Where refused requests are counted and, at a bounded rate, logged.</param>
    /// <param name="time">The clock.</param>
    public HttpService(IHttpHandler handler, TrustedNetworks proxies, Complaints complaints, TimeProvider time)
    {
        (Handler, Complaints, Date) = (handler, complaints, new DateField(time));
        _connections = new ConnectionCounts(HttpLimits.ConnectionsPerAddress, proxies);
    }

    /// <summary>What is spoken inside TLS.</summary>
    public static TlsProtocols Protocols { get; } = new(Http2Name, "http/1.1");

    /// <summary>Whose pages may read what is answered; nobody's when nothing is said.</summary>
    public CrossOrigin CrossOrigin { get; init; } = CrossOrigin.None;

    internal IHttpHandler Handler { get; }

    internal Complaints Complaints { get; }

    internal DateField Date { get; }

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

    // One sound request, of whichever version of HTTP.
    internal void Handle(in Request request, Answer answer, IPeer peer)
    {
        Response response = new(answer, this, request);
        if (request.Method is Method.Get or Method.Head) Handler.Handle(request, response, peer);
        else if (request.Method != Method.Post || !Handler.TryPost(request, response, peer))
        {
            CrossOrigin.AnswerMethod(request, response);
        }
    }

    internal void Ended(IPeer peer) => _connections.Release(peer.Remote);

    internal byte[] TextOf(Refusal refusal)
    {
        ArrayBufferWriter<byte> output = new(512);
        output.Write(refusal.Status.Line);
        Date.Write(output);
        output.Write(System.Text.Encoding.UTF8.GetBytes(
            "Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + $"Content-Length: {refusal.Reason.Length + 1}\r\n\r\n{refusal.Reason}\n"));
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
