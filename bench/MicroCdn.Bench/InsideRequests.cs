using System.Net;
using System.Text;
using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Http.Tracing;
using MicroCdn.Network;
using Microsoft.Extensions.Logging.Abstractions;

namespace MicroCdn.Bench;

/// <summary>Requests for 1 KiB inside this process: from the bytes that came to those that leave.</summary>
/// <param name="listener">Who hears of them; null for nobody.</param>
/// <param name="tracer">What makes spans of them; null for nothing.</param>
/// <param name="fields">Further lines of each request.</param>
/// <param name="time">The clock that they see.</param>
internal sealed class InsideRequests(
    IExchangeListener? listener, Tracer? tracer = null, string fields = "", TimeProvider? time = null)
{
    private const int Batch = 10;

    private readonly byte[] _requests = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(
        "GET /releases/1/file.bin HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n"
        + $"{fields}\r\n", Batch)));

    /// <summary>Plays so many, and tells the processor time of one in nanoseconds, all threads of this process
    /// together.</summary>
    /// <param name="count">How many; they come ten at a time.</param>
    /// <param name="after">What is done with them at the end of it.</param>
    public double Cost(int count, Action? after = null)
    {
        TimeProvider clock = time ?? TimeProvider.System;
        HttpService service = new(new Kibibyte(), new TrustedNetworks([]),
            new Complaints(NullLogger.Instance, clock), clock) { Listener = listener, Tracer = tracer };
        Network.Conversation conversation = service.Begin(new Peer(), new Answer(new BufferPool(), null), 0);
        TimeSpan began = Environment.CpuUsage.TotalTime;
        for (int batch = 0; batch < count / Batch; batch++)
        {
            conversation.Receive(_requests, 0);
            conversation.Answer.TextSent(conversation.Answer.UnsentBytes);
        }
        after?.Invoke();
        return (Environment.CpuUsage.TotalTime - began).TotalNanoseconds / count;
    }

    private sealed class Peer : IPeer
    {
        public IPAddress Remote => IPAddress.Loopback;

        public IPAddress Local => IPAddress.Loopback;
    }

    private sealed class Kibibyte : IHttpHandler
    {
        private readonly byte[] _body = new byte[1024];

        public void Handle(in Request request, Response response, IPeer peer)
        {
            response.Begin(HttpStatus.Ok);
            response.Fields("Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\n"u8);
            response.End(_body);
        }
    }
}
