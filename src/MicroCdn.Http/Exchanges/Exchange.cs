using System.Diagnostics;
using System.Net;
using MicroCdn.Http.Tracing;
using MicroCdn.Network;

namespace MicroCdn.Http.Exchanges;

/// <summary>One request and how it was answered, as it is told once the answer has left or was cut.</summary>
/// <remarks>
/// The request's bytes are gone by then, so what is told of it is copied, where somebody reads it: the first bytes of
/// what may be long. Each loop keeps a few exchanges to use them again, so that nothing is allocated for a request.
/// </remarks>
public sealed class Exchange
{
    /// <summary>How much of a target is told, in bytes: what a signed link has, and a hundred streams of one hostile
    /// client hold less than they do otherwise.</summary>
    public const int TargetBytes = 2048;

    /// <summary>How much of Referer is told: the page, with some of its query.</summary>
    public const int RefererBytes = 1024;

    /// <summary>How much of User-Agent is told: twice what browsers send.</summary>
    public const int UserAgentBytes = 512;

    /// <summary>How much of the host is told: the longest name there is, and a port.</summary>
    public const int HostBytes = 260;

    /// <summary>How much of a method is told: the longest that is registered has 17 letters.</summary>
    public const int MethodBytes = 32;

    // What most requests need.
    private const int UsualBytes = 512;
    private const int MostSpare = 256;
    private const long ToldStep = 1 << 20;

    [ThreadStatic]
    private static Stack<Exchange>? _spare;

    private HttpService _service = null!;
    private byte[] _text = new byte[UsualBytes];
    private int _targetAt, _hostAt, _refererAt, _agentAt;
    private long _bodyAt;
    private long _began;
    private long _told;

    private Exchange()
    {
    }

    /// <summary>The method, when it is one of those that are answered here.</summary>
    public Method Method { get; private set; }

    /// <summary>The method as it came.</summary>
    public ReadOnlySpan<byte> MethodName => _text.AsSpan(0, _targetAt);

    /// <summary>Path and query as they came.</summary>
    public ReadOnlySpan<byte> Target => _text.AsSpan(_targetAt, _hostAt - _targetAt);

    /// <summary>Host, and port if the client said it; empty when an old client said neither.</summary>
    public ReadOnlySpan<byte> Host => _text.AsSpan(_hostAt, _refererAt - _hostAt);

    /// <summary>The page that led here; empty when none was told.</summary>
    public ReadOnlySpan<byte> Referer => _text.AsSpan(_refererAt, _agentAt - _refererAt);

    /// <summary>The client's program; empty when it did not tell.</summary>
    public ReadOnlySpan<byte> UserAgent => _text.AsSpan(_agentAt, TextBytes - _agentAt);

    /// <summary>The version of HTTP: 10, 11 or 20.</summary>
    public int Version { get; private set; }

    /// <summary>True over TLS.</summary>
    public bool IsSecure { get; private set; }

    /// <summary>The client; behind a proxy that is believed the one that it tells.</summary>
    public IPAddress Client { get; private set; } = IPAddress.None;

    /// <summary>The status; 0 when the client was gone before an answer began.</summary>
    public int Status { get; internal set; }

    /// <summary>How many bytes of the body were handed over: to the kernel, or to be encrypted. Over HTTP/1.1 the sizes
    /// of chunks count with them.</summary>
    public long BodyBytes { get; internal set; }

    /// <summary>How many of them were not told by <see cref="IExchangeListener.Moved"/>.</summary>
    public long UntoldBytes => Math.Max(0, BodyBytes - _told);

    /// <summary>True when all of the answer was handed over, false when it was cut.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>From the end of the request's head until the last byte of the answer was handed over.</summary>
    public TimeSpan Duration { get; private set; }

    /// <summary>What part a cache had in it.</summary>
    public CacheResult Cache { get; internal set; }

    /// <summary>The number of the origin that it was for, by those who have several; -1 for none.</summary>
    public int Origin { get; internal set; }

    /// <summary>What was done with it, in one word of few; null where nobody said.</summary>
    public string? Route { get; internal set; }

    /// <summary>Its span; null for nearly all.</summary>
    internal Activity? Span { get; private set; }

    internal Exchange? Next { get; set; }

    // The clock's time of its end.
    internal long EndedAt { get; private set; }

    // Where the answer ends among all bytes of the connection; the greatest number until that is known.
    internal long EndsAt { get; set; }

    internal int TextBytes { get; private set; }

    /// <summary>Begins with a request whose head is here.</summary>
    internal static Exchange Begin(HttpService service, in Request request, IPeer peer, IPAddress client)
    {
        if (_spare is null || !_spare.TryPop(out Exchange? exchange)) exchange = new Exchange();
        exchange._began = service.Time.GetTimestamp();
        (exchange._service, exchange.Client, exchange.IsSecure) = (service, client, peer.IsSecure);
        exchange.Span = service.Tracer?.Begin(
            request, peer.IsSecure, exchange._began / service.Time.TimestampFrequency);
        exchange.Version = request.IsFramed ? 20 : request.IsOld ? 10 : 11;
        exchange.Method = request.Method;
        (exchange.Status, exchange.BodyBytes, exchange.Cache, exchange.Origin) = (0, 0, CacheResult.None, -1);
        exchange.Route = null;
        (exchange._bodyAt, exchange.EndsAt, exchange.Next, exchange._told) = (long.MaxValue, long.MaxValue, null, 0);
        if (service.TellsText) exchange.Copy(request);
        else exchange.CopyNothing();
        return exchange;
    }

    /// <summary>Notes that what is written to the answer from here on is the body.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="written">How many bytes of the body are already written.</param>
    internal void BodyBegins(Answer answer, int written = 0) =>
        _bodyAt = answer.SentBytes + answer.UnsentBytes - written;

    /// <summary>Counts what left of the body, for an answer that had the connection for itself.</summary>
    internal void CountBody(long sentBytes) => BodyBytes = Math.Max(0, Math.Min(sentBytes, EndsAt) - _bodyAt);

    /// <summary>Tells what left of a long body so far, for an answer that has the connection for itself.</summary>
    internal void Progress(long sentBytes) => Tell(Math.Min(sentBytes, EndsAt) - _bodyAt);

    /// <summary>The same for one that leaves beside others.</summary>
    internal void Progress() => Tell(BodyBytes);

    /// <summary>Tells it, and may be used again.</summary>
    internal void Complete(bool isWhole)
    {
        IsWhole = isWhole;
        EndedAt = _service.Time.GetTimestamp();
        Duration = _service.Time.GetElapsedTime(_began, EndedAt);
        _service.Listener?.Ended(this);
        if (Span is not null) Tracer.End(Span, this);
        // A long text is not kept: spare exchanges are to cost little.
        if (_text.Length > UsualBytes) _text = new byte[UsualBytes];
        _spare ??= [];
        if (_spare.Count < MostSpare) _spare.Push(this);
    }

    private void Copy(in Request request)
    {
        ReadOnlySpan<byte> method = Upto(request.MethodName, MethodBytes), target = Upto(request.Target, TargetBytes);
        ReadOnlySpan<byte> host = Upto(request.Authority, HostBytes);
        ReadOnlySpan<byte> referer = Upto(request[Field.Referer], RefererBytes);
        ReadOnlySpan<byte> agent = Upto(request[Field.UserAgent], UserAgentBytes);
        _targetAt = method.Length;
        _hostAt = _targetAt + target.Length;
        _refererAt = _hostAt + host.Length;
        _agentAt = _refererAt + referer.Length;
        TextBytes = _agentAt + agent.Length;
        if (TextBytes > _text.Length) _text = new byte[TextBytes];
        method.CopyTo(_text);
        target.CopyTo(_text.AsSpan(_targetAt));
        host.CopyTo(_text.AsSpan(_hostAt));
        referer.CopyTo(_text.AsSpan(_refererAt));
        agent.CopyTo(_text.AsSpan(_agentAt));
    }

    private void Tell(long bytes)
    {
        if (bytes - _told < ToldStep) return;
        _service.Listener?.Moved(this, bytes - _told);
        _told = bytes;
    }

    private void CopyNothing() => (_targetAt, _hostAt, _refererAt, _agentAt, TextBytes) = (0, 0, 0, 0, 0);

    private static ReadOnlySpan<byte> Upto(ReadOnlySpan<byte> text, int most) =>
        text.Length <= most ? text : text[..most];
}
