using MicroCdn.Http;

namespace MicroCdn.Gateway;

/// <summary>The body of a request that is sent on to a server: it is let come, and dropped, before that is
/// said.</summary>
/// <remarks>Many clients send all of it before they listen; one that is cut meanwhile never hears where to go, and curl
/// over HTTP/2 hangs when the answer comes first. Who asks whether to send it (Expect) is answered at once, and so is
/// who announces too much.</remarks>
internal static class UnreadBody
{
    /// <summary>The most that is let come: a photo, not a film.</summary>
    public const int Most = 16 * 1024 * 1024;

    // All write to it and nobody reads it.
    private static readonly byte[] Nowhere = new byte[16 * 1024];

    /// <summary>Gives an answer once the body came, or was too much; at once when there is none to wait for.</summary>
    public static void AnswerBehind(in Request request, Response response, Action<Response> answer)
    {
        RequestBody? body = request.BodyLength > Most || request.Has(Field.Expect) ? null : request.TakeBody();
        if (body is null)
        {
            answer(response);
            return;
        }
        response.Later(body);
        _ = Task.Run(() => DropAsync(body, response, answer));
    }

    private static async Task DropAsync(RequestBody body, Response response, Action<Response> answer)
    {
        try
        {
            int read = -1;
            for (long came = 0; came < Most && read != 0; came += read)
            {
                read = await body.ReadAsync(Nowhere, CancellationToken.None).ConfigureAwait(false);
            }
            if (read != 0) body.Dispose();
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            // It left, or breaks its framing: whoever still listens hears the answer, and the connection is closed.
        }
        response.Give(answer);
    }
}
