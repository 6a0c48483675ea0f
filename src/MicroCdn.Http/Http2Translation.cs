using System.Buffers;
using System.Globalization;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MicroCdn.Http;

/// <summary>The service and the peer of an HTTP/2 connection.</summary>
internal sealed record Http2Connection(HttpService Service, IPeer Peer);

/// <summary>Answers HTTP/2 requests by way of HTTP/1.1: one parser, one handler, one set of rules.</summary>
/// <remarks>A request is written down as an HTTP/1.1 head; the head of the answer is read back into fields.</remarks>
internal static class Http2Translation
{
    public static async Task HandleAsync(HttpContext context)
    {
        (HttpService service, IPeer peer) = context.Features.Get<Http2Connection>()
            ?? throw new InvalidOperationException("Not a connection of ours.");
        using SingleAnswer single = new();
        Answer(context, service, peer, single.Answer);
        await single.ReadyAsync(context.RequestAborted).ConfigureAwait(false);
        single.TakeText(ReadHead(single.Text, context.Response));
        await context.Response.StartAsync(context.RequestAborted).ConfigureAwait(false);
        bool whole = await single.SendAsync(context.Response.BodyWriter, context.RequestAborted).ConfigureAwait(false);
        // Cut, so that nobody takes what came for the whole.
        if (!whole) context.Abort();
    }

    private static void Answer(HttpContext context, HttpService service, IPeer peer, Answer answer)
    {
        ArrayBufferWriter<byte> head = new(1024);
        WriteHead(context.Request, context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, head);
        int length = RequestParser.Parse(head.WrittenSpan, out Request request, out Refusal? refusal);
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true) refusal ??= Refusal.Body;
        if (refusal is null && length > 0)
        {
            service.Handler.Handle(request, new Response(answer, service.Date, request), peer);
        }
        else answer.Write(service.TextOf(refusal ?? Refusal.RequestLine));
    }

    private static void WriteHead(HttpRequest request, string target, ArrayBufferWriter<byte> head)
    {
        head.WriteText(request.Method);
        head.Write(" "u8);
        head.WriteText(target);
        head.Write(" HTTP/1.1\r\n"u8);
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in request.Headers)
        {
            foreach (string? value in values)
            {
                head.WriteText(name);
                head.Write(": "u8);
                head.WriteText(value ?? "");
                head.Write("\r\n"u8);
            }
        }
        head.Write("\r\n"u8);
    }

    // Reads an HTTP/1.1 response head of our own making; returns its length.
    private static int ReadHead(ReadOnlySpan<byte> text, HttpResponse response)
    {
        const int statusAt = 9;                    // HTTP/1.1 200 OK
        response.StatusCode = int.Parse(text.Slice(statusAt, 3), CultureInfo.InvariantCulture);
        int at = text.IndexOf("\r\n"u8) + 2;
        while (true)
        {
            ReadOnlySpan<byte> line = text[at..];
            int end = line.IndexOf("\r\n"u8);
            at += end + 2;
            if (end == 0) return at;
            line = line[..end];
            int colon = line.IndexOf((byte)':');
            string name = Encoding.ASCII.GetString(line[..colon]);
            // Fields about the connection have no place in HTTP/2 (RFC 9113, section 8.2.2).
            if (name != "Connection") response.Headers.Append(name, Encoding.UTF8.GetString(line[(colon + 2)..]));
        }
    }
}
