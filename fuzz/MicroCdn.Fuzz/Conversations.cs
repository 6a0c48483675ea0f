using System.Net;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Monitor;
using MicroCdn.Network;
using Microsoft.Extensions.Logging.Abstractions;

namespace MicroCdn.Fuzz;

/// <summary>Whole conversations: whatever comes, and however it is cut, the answer is the same and the bounds
/// hold.</summary>
internal static class Conversations
{
    private const int MostAnswer = 8 << 20;
    private static readonly FrozenTime Time = new();

    public static Target[] All { get; } =
    [
        new("http", input => CutAnywhere(Http, input, Taken),
            "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
            "HEAD / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"),
        new("http2", input => Play(Http2(), [Greeting, input]),
            Request, "\0\0\u0008\u0006\0\0\0\0\0abcdefgh" + Request + "\0\0\u0004\u0008\0\0\0\0\u0001\0\0\0\u0001",
            "\0\0\u0006\u0004\0\0\0\0\0\0\u0004\0\0\0\u0001" + Request + "\0\0\u0004\u0003\0\0\0\0\u0001\0\0\0\u0008"),
        new("index", input => CutAnywhere(Index, input), "HELLO 2\nLIST_FILES\nLIST_SERVERS\nGET a.txt\nLOCATE a.txt\n",
            "HELLO 2\nREGISTER CS1 7001 7002 http=7003\nADD_FILE CS1 a.txt 12\nDONE_FILES\n",
            "UPDATE_LOAD CS1 3\nSERVER_DOWN CS1 17\nREPORT a.txt CS1 wrong\n",
            "HELLO 2\nMONITOR m1\nSTATES\nSTATE CS1 alive inc=7 ev=1\nEND_STATES\nDOUBT on\n",
            "HELLO 2\nMONITOR m1\nSERVER_SUSPECT CS1 17 inc=7 ev=2\nSERVER_UP CS1 18 inc=7 ev=3 state=returning\n"),
        new("monitor", input => CutAnywhere(Monitor, input), "HELLO 2\nTETHER CS1 7001 7002 inc=7 beat=100\nBYE CS1\n",
            "LIST_SERVERS\nPING\nREGISTER_INDEX localhost 5050\nDRAIN CS1\nRESUME CS1\n"),
    ];

    // A client's preface with SETTINGS, and a GET in literals (RFC 9113, section 3.4; RFC 7541, section 6.2.2).
    private static byte[] Greeting => [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0];

    private static string Request => "\0\0\u0034\u0001\u0005\0\0\0\u0001"
        + "\0\u0007:method\u0003GET\0\u0007:scheme\u0005https"
        + "\0\u0005:path\u0002/a\0\u000a:authority\u0001x";

    private static HttpService Http() => new(
        new Echo(), new TrustedNetworks([]), new Complaints(NullLogger.Instance, Time), Time);

    private static IConversations Http2() => Http().Http2;

    private static IConversations Index() => new IndexRole(
        new IndexOptions(), NoDialer.Instance, Time, new Random(1), NullLoggerFactory.Instance).Listeners[0].Service;

    private static IConversations Monitor() => new MonitorRole(
            new MonitorOptions(), NoDialer.Instance, NoDatagrams.Instance, Time, NullLoggerFactory.Instance)
        .Listeners[0].Service;

    // A refusal may come sooner, for a reason that is seen sooner; what was taken must be the same.
    private static string Taken(string answer) =>
        $"{answer.Split("HTTP/1.1 200").Length - 1} taken, then {answer[^4..]}";

    private static void CutAnywhere(Func<IConversations> begin, byte[] input, Func<string, string>? reading = null)
    {
        reading ??= answer => answer;
        string whole = reading(Play(begin(), [input]));
        int at = input.Length == 0 ? 0 : (input[0] + (input.Length * 7)) % input.Length;
        string halves = reading(Play(begin(), [input[..at], input[at..]]));
        BrokenException.Unless(whole == halves, $"cut at {at} the answer is another:\n{whole}\nand\n{halves}");
    }

    private static string Play(IConversations service, byte[][] pieces)
    {
        Conversation conversation = service.Begin(Stranger.Instance, new Answer(BufferPool.Shared, null), 0);
        List<byte> sent = [];
        foreach (byte[] piece in pieces)
        {
            if (conversation.IsOver) break;
            if (piece.Length > 0) conversation.Receive(piece, 0);
            Drain(conversation, sent);
        }
        sent.AddRange(conversation.IsOver ? " over"u8 : " open"u8);
        conversation.End();
        return System.Text.Encoding.UTF8.GetString([.. sent]);
    }

    private static void Drain(Conversation conversation, List<byte> sent)
    {
        Answer answer = conversation.Answer;
        do
        {
            conversation.Continue(0);
            sent.AddRange(answer.Unsent);
            answer.TextSent(answer.UnsentBytes);
            BrokenException.Unless(sent.Count < MostAnswer, "an answer without end");
        }
        while (!conversation.IsOver && (conversation.HasMore || answer is { IsPending: true, Starves: false }));
    }

    private sealed class Echo : IHttpHandler
    {
        public void Handle(in Request request, Response response, IPeer peer)
        {
            response.Begin(HttpStatus.Ok);
            response.End(request.Path.Length > 1000 ? [] : request.Path);
        }
    }

    private sealed class Stranger : IPeer
    {
        public static readonly Stranger Instance = new();

        public IPAddress Remote => IPAddress.Loopback;

        public IPAddress Local => IPAddress.Loopback;
    }

    private sealed class NoDialer : IDialer
    {
        public static readonly NoDialer Instance = new();

        public ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken) =>
            ValueTask.FromException<LineConnection>(new IOException("nobody is dialed here"));
    }

    private sealed class NoDatagrams : IDatagrams, IDatagramPort
    {
        public static readonly NoDatagrams Instance = new();

        public IPEndPoint Local { get; } = new(IPAddress.Loopback, 6000);

        public IDatagramPort Bind(IPEndPoint endPoint) => this;

        public ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) => new([]);

        public void Send(ReadOnlySpan<byte> datagram, IPEndPoint target)
        {
        }

        public IPAddress? LocalAddressTo(IPEndPoint target) => null;

        public void Receive(DatagramHandler handler)
        {
        }

        public void Every(TimeSpan interval, Action beat)
        {
        }

        public void Repeat(Func<TimeSpan> step)
        {
        }

        public void Dispose()
        {
        }
    }

    private sealed class FrozenTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddDays(20_000);

        public override long GetTimestamp() => 1_000_000_000;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new Never();

        private sealed class Never : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
